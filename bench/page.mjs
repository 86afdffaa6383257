/**
 * What runs in the page: it imports one contender, and tracks bursts of the same events with it. Each step starts in
 * a task of its own and marks the trace; the marks are all that run.mjs goes by.
 */

/** Langflow's component types, some of them. */
const NAMES = ["ChatInput", "Prompt", "OpenAIModel", "ParserComponent", "VectorStoreRetriever", "ChatOutput"];

/** What a failed component says. Nothing to scrub in it, as in most. */
const MESSAGES = [
  "ValueError: the model returned no choices",
  "TimeoutError: no answer from the provider within 30 seconds, gave up after 3 attempts",
  "KeyError: 'text'",
];

/** A flow of six components in the playground is a playground event and a run. One event in 20 is a failure. */
const RUN_EVERY = 8;
const FAIL_EVERY = 20;

let contender;
let tracked = 0;

/** Tracks the next event of the mix: 3 components in 4, the rest playground and run in equal parts. */
function track() {
  const at = tracked++;
  const success = at % FAIL_EVERY !== FAIL_EVERY - 1;
  const seconds = ((at * 7919) % 30_000) / 1000;
  const errorMessage = success ? undefined : MESSAGES[at % MESSAGES.length];
  const failure = success ? undefined : { errorMessage };
  if (at % RUN_EVERY === 0) contender.run({ isWebhook: false, seconds, success, ...failure });
  else if (at % RUN_EVERY === 1) contender.playground({ seconds, componentCount: 6, success, ...failure });
  else contender.component({ name: NAMES[at % NAMES.length], seconds, success, ...failure });
}

const channel = new MessageChannel();
let next;
channel.port1.onmessage = () => next();

/** Calls in a task of its own, at once. */
const inTask = (call) =>
  new Promise((resolve, reject) => {
    next = () => {
      try {
        resolve(call());
      } catch (error) {
        reject(error);
      }
    };
    channel.port2.postMessage(0);
  });

/** The trace has it; the page need not keep it, which over a million events would look like a leak. */
const mark = (name) => {
  performance.mark(`bench:${name}`);
  performance.clearMarks();
};

globalThis.bench = {
  /** Imports and starts the contender. Returns the ms from import to ready. */
  init: (url, endpoint, options) =>
    inTask(async () => {
      mark("init");
      const began = performance.now();
      contender = await import(url);
      await contender.start(endpoint, options);
      const ms = performance.now() - began;
      mark("ready");
      return ms;
    }),

  /** Tracks so many events in one task, flushes in the next. */
  burst: async (count) => {
    await inTask(() => {
      mark("capture");
      for (let i = 0; i < count; i++) track();
    });
    await inTask(() => {
      mark("flush");
      return contender.flush();
    });
  },

  /** Tracks so many events and does not flush. */
  hold: (count) =>
    inTask(() => {
      for (let i = 0; i < count; i++) track();
    }),

  /** Ends what is counted. */
  stop: () => mark("stop"),

  stats: () => contender.stats?.(),

  /** Bytes of all WebAssembly memories: V8 counts none of them to its heap. */
  wasmBytes: () => memories.reduce((sum, memory) => sum + memory.buffer.byteLength, 0),
};

// The module's memory is nobody's to see but its own, so it is caught as it is made.
const memories = [];
const caught = (instance) => {
  memories.push(...Object.values(instance.exports).filter((value) => value instanceof WebAssembly.Memory));
};
const { instantiate, Instance } = WebAssembly;
WebAssembly.Instance = function (...given) {
  const instance = Reflect.construct(Instance, given);
  caught(instance);
  return instance;
};
WebAssembly.Instance.prototype = Instance.prototype;
WebAssembly.instantiate = async (...given) => {
  const result = await instantiate.apply(WebAssembly, given);
  caught(result.instance ?? result);
  return result;
};
