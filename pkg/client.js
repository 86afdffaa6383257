/**
 * The shell around the wasm: it reads `doNotTrack`, loads the module, passes events in as typed arguments, and
 * keeps whatever goes wrong away from the page. Everything else is decided in Rust.
 */

import { keys, lend, PREFIX, put, randomBytes, remove } from "./browser.js";
import { Client } from "./dist/langflow_telemetry.js";

/** The one of our storage keys that is kept: see src/web/store.rs. */
const OPT_OUT = PREFIX + "opt-out";

/** Calls held until the module is there; then the newest are refused, as in the queue. */
const HELD_MAX = 15000;

/** Characters of an error message that are read: eight times what may travel, since scrubbing comes first. */
const MESSAGE_READ_MAX = 4096;

/** Characters of an option's text that are read: twice the longest, an endpoint, so that too long is seen as such. */
const OPTION_READ_MAX = 4096;

/** Characters of a component's name that are read: more than may travel, so that too long is seen as such. */
const NAME_READ_MAX = 256;

/** Random bytes of a session: see src/web/api.rs. */
const SESSION_BYTES = 12;

/** Events tracked from within `beforeSend` while it handles one tracked from within … */
const DEPTH_MAX = 8;

/** What `core.stats()` counts, in its order; see `Page::stats` in src/web/api.rs. The rest of it are REASONS. */
const COUNTS = [
  "captured",
  "recovered",
  "queued",
  "bytes",
  "inFlight",
  "sent",
  "unconfirmed",
  "stored",
  "retried",
];
const REASONS = [
  "queue_full",
  "invalid",
  "too_large",
  "rejected",
  "expired",
  "opted_out",
  "sampled",
  "before_send",
];
const STATES = ["off", "pending", "on", "stopped"];

/** Places in KINDS and COMMANDS of src/web/api.rs. `version` crosses in a call of its own. */
const KINDS = ["run", "playground", "component", "shutdown"];
const START = 0;
const FLUSH = 1;
const CLOSE = 2;
const SAY_NO = 3;
const SAY_YES = 4;
const REFUSE_INVALID = 5;
const REFUSE_BEFORE_SEND = 6;

/** Options that are functions. */
const HOOKS = ["beforeSend", "onDiagnostic"];

/** What to do about it; a code that is not here has a subject, and says what was expected. */
const ADVICE = {
  queue_full: "the queue is full, so the newest events are refused: is the endpoint reachable?",
  too_large: "an event is larger than a batch may be, or than the receiver takes: it was dropped.",
  rejected: "the receiver refused events: compare its answer with docs/events.md.",
  expired: "stored events were older than 7 days: they were dropped.",
  endpoint_blocked:
    "the endpoint cannot be reached (network, CSP connect-src, a blocker?): events wait, one request at a time probes it.",
  stopped: "the receiver said 410 Gone: this page sends nothing more.",
  store_unavailable:
    "localStorage is full or forbidden: events that are not sent before the page goes may be lost.",
  before_send_threw: "beforeSend threw: its event was dropped.",
  wasm_unavailable:
    "WebAssembly cannot be loaded (does the page's CSP lack 'wasm-unsafe-eval'?): telemetry is off.",
  internal: "the module failed: telemetry is off. Please report this.",
};

/** Codes that are a developer's to mend, and so are written to the console where nobody listens. */
const LOUD = ["invalid_option", "wasm_unavailable", "internal"];

/**
 * Whether a `doNotTrack` means yes. Undefined where it is neither a yes nor a no: better off than wrong.
 * @param {unknown} value
 */
function readDoNotTrack(value) {
  const text = String(value ?? "").trim();
  if (/^(1|true|yes|on)$/i.test(text)) return true;
  return /^(0|false|no|off|)$/i.test(text) ? false : undefined;
}

export function doNotTrackFromEnv(env) {
  return ["", "VITE_", "NEXT_PUBLIC_"].some((prefix) =>
    ["LANGFLOW_DO_NOT_TRACK", "DO_NOT_TRACK"].some((name) => {
      try {
        return readDoNotTrack(env[prefix + name]) ?? true;
      } catch {
        return false;
      }
    }),
  );
}

/**
 * A property of the object's own. What somebody put on `Object.prototype` is in every object, and would be in
 * every event.
 */
const own = (object, name) =>
  object != null && Object.prototype.hasOwnProperty.call(object, name) ? object[name] : undefined;

/** The same for all of them: an object that has nothing else. Throws where one of its getters does. */
const ownOf = (object) => ({ __proto__: null, ...object });

/** Here and not in Rust, so that a click counts while the wasm is not there, or no longer. */
const remember = (optOut) => (optOut ? put(OPT_OUT, "1") : remove(OPT_OUT));

/** Removes what an earlier visit left: the wasm, which else does so, is not loaded on a page that says no. */
const purge = () => {
  for (const key of keys()) if (key !== OPT_OUT) remove(key);
};

/** What a panic in the wasm, or an endless recursion in it, looks like from here. */
const isPanic = (error) => error instanceof WebAssembly.RuntimeError || error instanceof RangeError;

const flag = (value) => (value === true ? 1 : value === false ? 0 : value == null ? 2 : 3);
/** A number; `none` where there is none, and -1 where it is something else, which no number of ours may be. */
const number = (value, none) =>
  typeof value === "number" ? (value === value ? value : -1) : value == null ? none : -1;
const show = (value) => {
  try {
    return typeof value === "string" ? JSON.stringify(value.slice(0, 80)) : String(value).slice(0, 80);
  } catch {
    return typeof value;
  }
};

/** Clients whose `shutdown` has been called. */
const closing = /* @__PURE__ */ new WeakSet();

/** Whether this is a page or a worker, and not a server that renders one. */
const isHere = () => typeof document !== "undefined" || typeof WorkerGlobalScope !== "undefined";

/**
 * Makes a client.
 *
 * `load` instantiates the module: it returns nothing where it did so at once, or a promise. With `off`, the
 * client is one that does nothing, for that reason.
 */
export function createClient(options, load, off = "") {
  /** The client in Rust, once it is there. */
  let core;
  let held = [];
  let heldBytes = 0;
  let depth = 0;
  let tokens = 0;
  const counts = {};
  const waiting = new Map();
  /** Why the core is off, while it is. */
  let why = "";
  /** What the event or the options had under the name that a diagnostic is about. */
  let given;
  let isTelling = false;

  /** What the event or the options have under a name; `app.version` is in another object. */
  const find = (name) => {
    try {
      return name.split(".").reduce(own, given);
    } catch {
      // A getter that throws: undefined says it.
    }
  };

  const tell = (code, count, subject, expected) => {
    count ??= (counts[code] ?? 0) + 1;
    counts[code] = count;
    // What a listener does wrong while it is being told is counted, or it would be told for ever.
    if (isTelling) return;
    isTelling = true;
    const message =
      "langflow-telemetry: " +
      (ADVICE[code] ?? `${subject}: expected ${expected}, got ${show(find(subject))}.`);
    try {
      if (typeof options?.onDiagnostic === "function")
        options.onDiagnostic({ code, message, count, ...(subject && { subject }) });
      // eslint-disable-next-line no-console -- a mistake that only a developer can mend, told once
      else if (LOUD.includes(code)) console.warn(message);
    } catch {
      // The page's own error, in the page's own function: not ours to pass on.
    }
    isTelling = false;
  };

  const refuseOption = (name, expected) => {
    off = "invalid_option";
    tell("invalid_option", 1, name, expected);
  };

  /** Rust cannot tell a function from another object, so these two options are checked here. */
  const isHook = (name) => {
    const fine = options[name] == null || typeof options[name] === "function";
    if (!fine) refuseOption(name, "a function");
    return fine;
  };

  /** The module is gone, or never came: from here on nothing is called, nothing is held. */
  const end = (code) => {
    if (off) return;
    off = code;
    core = undefined;
    held = [];
    for (const settle of waiting.values()) settle(false);
    waiting.clear();
    if (code in ADVICE) tell(code);
  };

  /** Calls into Rust. Nothing that happens there reaches the page. */
  const guard = (call) => {
    try {
      return core && call(core);
    } catch {
      // A panic leaves the instance as it is, with whatever it had borrowed: it cannot be used again.
      end("internal");
    }
  };

  const host = {
    ...lend(
      (...heard) => void guard(() => core.dispatch(...heard)),
      (...answered) => void guard(() => core.answer(...answered)),
    ),
    tell,
    given(name) {
      const value = find(name);
      if (value == null) return undefined;
      if (typeof value === "string") return "t" + value.slice(0, OPTION_READ_MAX);
      if (typeof value === "boolean") return value ? "b1" : "b0";
      if (Array.isArray(value) && value.every((item) => typeof item === "string"))
        return "a" + value.map((text) => text + "\0").join("");
      return typeof value === "number" ? "n" : "o";
    },
    number: find,
    emit: (event, platform, arch, seconds) =>
      capture(
        event,
        event === "version"
          ? { ...options.app, platform: platform || undefined, arch: arch || undefined }
          : { timeRunning: seconds },
        Date.now(),
      ),
    because: (reason) => {
      why = reason;
    },
    settle: (token, acknowledged) => {
      waiting.get(token)?.(acknowledged);
      waiting.delete(token);
    },
  };

  /** Counts an event that got no further than here. */
  const refuse = (subject, expected) => {
    const count = guard(() => core.command(subject ? REFUSE_INVALID : REFUSE_BEFORE_SEND, 0));
    if (subject && count) tell("invalid_event", count, subject, expected);
  };

  /** A text of the event: undefined where there is none. Throws its name where it is something else. */
  const text = (event, name, max = NAME_READ_MAX) => {
    const value = own(event, name);
    if (value == null) return undefined;
    if (typeof value !== "string") throw name;
    if (value.length <= max) return value;
    // Cut between words: half a secret might not be known as one.
    const end = value.lastIndexOf(" ", max);
    return value.slice(0, end > 0 ? end : max);
  };

  const enter = (kind, event, time) => {
    const read = (name) => own(event, name);
    if (kind === "version") return core.version(time);
    const isWebhook = flag(read("isWebhook"));
    if (kind === "run" && isWebhook > 2) throw "isWebhook";
    const name = kind === "component" ? text(event, "name") : undefined;
    if (kind === "component" && name === undefined) throw "name";
    core.track(
      KINDS.indexOf(kind),
      time,
      number(read(kind === "shutdown" ? "timeRunning" : "seconds"), -1),
      flag(read("success")) | (isWebhook << 2),
      kind === "playground" ? number(read("componentCount"), NaN) : NaN,
      name,
      text(event, "errorMessage", MESSAGE_READ_MAX),
    );
  };

  const capture = (kind, event, time) => {
    given = event;
    if (options.beforeSend) {
      if (depth >= DEPTH_MAX) return refuse();
      depth++;
      try {
        given = event = options.beforeSend({ ...event, event: kind });
      } catch {
        event = null;
        tell("before_send_threw");
      }
      depth--;
      if (event == null) return refuse();
    }
    try {
      if (core) enter(kind, event, time);
    } catch (error) {
      if (typeof error === "string") refuse(error, error === "isWebhook" ? "true or false" : "a string");
      else if (isPanic(error)) end("internal");
      else refuse("event", "an object whose properties can be read");
    }
  };

  const track = (kind, event) => {
    if (off) return;
    const time = Date.now();
    if (core) return capture(kind, event, time);
    if (held.length < HELD_MAX && heldBytes < HELD_MAX * 140) {
      // A copy: the page may change its object before the module is there.
      let copy;
      try {
        copy = { ...event };
      } catch {
        copy = {};
      }
      heldBytes += 140 + (typeof copy.errorMessage === "string" ? copy.errorMessage.length : 0);
      held.push(() => capture(kind, copy, time));
    } else held.refused = (held.refused ?? 0) + 1;
  };

  /** A call that is not an event: now, or once the module is there. */
  const later = (command, token = 0) => {
    const call = () => void guard(() => core.command(command, token));
    if (core) call();
    else if (!off) held.push(call);
  };

  const start = () => {
    given = options;
    try {
      core = new Client(host, randomBytes(SESSION_BYTES));
    } catch {
      return end("internal");
    }
    // The options were bad: it was told.
    if (!guard(() => core.stats().length)) return end("invalid_option");
    guard(() => core.command(START, 0));
    const calls = held;
    held = [];
    for (const call of calls) call();
  };

  /** The person's choice. It outlives the page, and counts even where this page's client is off already. */
  const choose = (optIn) => {
    if (!isHere()) return;
    remember(!optIn);
    if (off && !optIn) purge();
    later(optIn ? SAY_YES : SAY_NO);
  };

  const promise = (command, whenOff) =>
    off
      ? Promise.resolve(whenOff)
      : new Promise((resolve) => {
          const token = ++tokens;
          waiting.set(token, resolve);
          later(command, token);
        });

  const stopwatch = (kind, name) => {
    const began = performance.now();
    let ended = false;
    return {
      end(outcome) {
        if (ended) return;
        ended = true;
        const seconds = (performance.now() - began) / 1000;
        try {
          outcome = { seconds, ...name, ...outcome };
        } catch {
          // A getter that throws: refused below, for want of a `success`.
          outcome = { seconds, ...name };
        }
        track(kind, outcome);
      },
    };
  };

  const client = {
    trackRun: (event) => track("run", event),
    trackPlayground: (event) => track("playground", event),
    trackComponent: (event) => track("component", event),
    startRun: () => stopwatch("run"),
    startPlayground: () => stopwatch("playground"),
    startComponent: (name) => stopwatch("component", { name }),
    flush: () => promise(FLUSH, true),
    shutdown() {
      closing.add(client);
      return promise(CLOSE).then(() => {});
    },
    optOut: () => choose(false),
    optIn: () => choose(true),
    stats() {
      const [state, ...counters] = guard(() => core.stats()) ?? [];
      const count = (names) => Object.fromEntries(names.map((name) => [name, counters.shift() ?? 0]));
      const reason = off || why;
      return {
        state: off ? "off" : (STATES[state] ?? "loading"),
        ...(reason && { reason }),
        ...count(COUNTS),
        dropped: count(REASONS),
      };
    },
  };

  if (off) return client;
  if (!isHere()) {
    off = "no_browser";
    return client;
  }
  try {
    // A copy, so that neither the page's later changes nor inherited properties count.
    options = ownOf(options);
    options.app = ownOf(options.app);
  } catch {
    options = given = {};
    refuseOption("options", "an object whose properties can be read");
    purge();
    return client;
  }
  given = options;
  try {
    const no = readDoNotTrack(options.doNotTrack);
    if (no !== false) {
      off = "do_not_track";
      if (!no) refuseOption("doNotTrack", "a boolean, or 1, true, yes, on, 0, false, no, off");
      purge();
    } else if (HOOKS.every(isHook)) {
      const loading = load(options);
      if (loading) loading.then(start, () => end("wasm_unavailable"));
      else start();
    }
  } catch {
    end("wasm_unavailable");
  }
  return client;
}

/** The client of a module: what its `init` made, and before that one that does nothing. */
export function moduleClient(load) {
  let client;
  let inert;
  return {
    init(options) {
      // Once, however often it is called (React's StrictMode does so twice); again only after `shutdown()`, whose
      // last requests may still be under way: the new client is a life of its own.
      if (closing.has(client)) client = undefined;
      return (client ??= createClient(options, load));
    },
    current: () => client ?? (inert ??= createClient(undefined, load, "not_initialised")),
  };
}
