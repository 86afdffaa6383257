/**
 * The shell around the wasm: it reads `doNotTrack`, loads the module, passes events in as typed arguments, and
 * keeps whatever goes wrong away from the page. Everything else is decided in Rust.
 */

import { lend, purge, remember, safely, SAID_NO, SAYS_NO, session } from "./browser.js";
import * as rust from "./dist/langflow_telemetry.js";
import { drain, enlist, give, hasInbox, makesWay, records, reserve, write } from "./host.js";

/** Calls held until the module is there; then the newest are refused, as in the queue. */
const HELD_MAX = 15000;

/** Characters of an error message that are read: eight times what may travel, since scrubbing comes first. */
const MESSAGE_READ_MAX = 4096;

/** Characters of an option's text that are read: twice the longest, an endpoint, so that too long is seen as such. */
const OPTION_READ_MAX = 4096;

/** Characters of a component's name that are read: more than may travel, so that too long is seen as such. */
const NAME_READ_MAX = 256;

/** Longest text that is remembered, in characters: 64 messages are, and a trace of 4,096 hardly comes twice. */
const REMEMBERED_MAX = 512;

/** Seconds that are sure to be taken: below SECONDS_MAX in src/event.rs, which has the last word. */
const SECONDS_SURE = 9e9;

/** Bytes that a held call is taken for, beside its message. */
const HELD_BYTES = 140;

/** Events tracked from within `beforeSend` while it handles one tracked from within … */
const DEPTH_MAX = 8;

/** What `rust.stat()` tells, in its order: the state, these counters, then REASONS. See `stat` in src/web/api.rs. */
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

/** What Rust tells: see `tell` there. How often so far stands above the code, which has room for so many. */
const CODES_ROOM = 16;
const CODES = [...REASONS, "endpoint_blocked", "stopped", "store_unavailable"];

/** Why it is off: see `because` there, and `Reason` in src/consent.rs. */
const WHY = ["", "sampled", "shut_down", "do_not_track", "browser_signal", "opted_out", "denied"];
const STATES = ["off", "pending", "on", "stopped"];

/** The events; all but `version`, which crosses in a call of its own, are places in KINDS of src/web/api.rs. */
const KINDS = ["run", "playground", "component", "shutdown", "version"];
const RUN = 0;
const PLAYGROUND = 1;
const COMPONENT = 2;
const SHUTDOWN = 3;
const VERSION = 4;

/** Places in COMMANDS there. */
const START = 0;
const FLUSH = 1;
const CLOSE = 2;
const SAY_NO = 3;
const SAY_YES = 4;
const REFUSE_INVALID = 5;
const REFUSE_BEFORE_SEND = 6;
const REFUSE_QUEUE_FULL = 7;

/** What Rust is told of a value that is no text: see src/web/options.rs. */
const ABSENT = -1;
const NO = -2;
const YES = -3;
const NUMBER = -4;
const TEXTS = -5;
const OTHER = -6;

/** Options that are functions. */
const HOOKS = ["beforeSend", "onDiagnostic"];

/** Options that Rust does not ask for. */
const OWN_OPTIONS = [...HOOKS, "app", "doNotTrack", "wasm"];

/** What to do about it; a code that is not here has a subject, and says what was expected. */
const ADVICE = {
  queue_full: "the queue is full, the newest events are refused: is the endpoint reachable?",
  too_large: "an event is larger than a batch, or than the receiver takes: dropped.",
  rejected:
    "the endpoint answered 4xx, or refused lines: their events are dropped. Is its path right, and does it take POST from this page?",
  expired: "stored events were older than 7 days: dropped.",
  endpoint_blocked:
    "the endpoint cannot be reached (network, CORS, CSP connect-src, a blocker?): events wait.",
  stopped: "the receiver said 410 Gone: this page sends nothing more.",
  store_unavailable: "localStorage is full or forbidden: unsent events may be lost with the page.",
  before_send_threw: "beforeSend threw: its event was dropped.",
  wasm_unavailable:
    "WebAssembly cannot be loaded (CSP without 'wasm-unsafe-eval'? With slim: is the file there?): telemetry is off.",
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
 * A property of the object's own: what somebody put on `Object.prototype` is in every object, and would be in every
 * event. Throws where there is no object, or its getter does.
 */
const own = (object, name) => (Object.hasOwn(object, name) ? object[name] : undefined);

/** The same for all of them: an object that has nothing else. Throws where one of its getters does. */
const ownOf = (object) => ({ __proto__: null, ...object });

const flag = (value) => (value === true ? 1 : value === false ? 0 : value == null ? 2 : 3);

/** A number; `none` where there is none, and -1 where it is something else, which no number of ours may be. */
const amount = (value, none) =>
  typeof value === "number" ? (value === value ? value : -1) : value == null ? none : -1;

/**
 * Whether somebody put a field's name on `Object.prototype`, from where it would be in every event. Asked once an event,
 * since to ask each field whether it is the event's own took a fifth of the time; and by its value, since seven times `in`
 * took as long as all else here.
 */
const isPolluted = () => {
  const { name, seconds, success, isWebhook, timeRunning, errorMessage, componentCount } = Object.prototype;
  return (name ?? seconds ?? success ?? isWebhook ?? timeRunning ?? errorMessage ?? componentCount) != null;
};

/** What is read of a text: undefined where there is none. Throws its name where it is something else. */
const text = (value, name, most) => {
  if (value == null) return undefined;
  if (typeof value !== "string") throw name;
  if (value.length <= most) return value;
  // Cut between words: half a secret might not be known as one.
  const end = value.lastIndexOf(" ", most);
  return value.slice(0, end > 0 ? end : most);
};

const show = (value) => {
  try {
    return typeof value === "string" ? JSON.stringify(value.slice(0, 80)) : String(value).slice(0, 80);
  } catch {
    return typeof value;
  }
};

/**
 * What each client of this page does about a choice that was made by another: a person's no is for all of them, and no
 * storage event tells of it on the page that wrote.
 */
const heeding = new Set();

/** What Rust hears from another tab then: see `Signal` in src/web/mod.rs and the flags in src/web/lifecycle.rs. */
const STORAGE = 7;
const NO_CAME = 4 | 16;
const NO_WENT = 8 | 16;

/** Clients whose `shutdown` has been called. */
const closing = /* @__PURE__ */ new WeakSet();

/** Calls in a task of its own, soon. Not a timer: in a hidden tab those wait for a second. */
const inTask = (call) => {
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => {
    port1.close();
    call();
  };
  port2.postMessage(0);
};

/** Whether this is a page or a worker, and not a server that renders one. */
const isHere = () => typeof document !== "undefined" || typeof WorkerGlobalScope !== "undefined";

/**
 * Makes a client.
 *
 * `load` instantiates the module: it returns nothing where it did so at once, or a promise, or a function that goes on in
 * the same way. With `off`, the client is one that does nothing, for that reason.
 */
export function createClient(options, load, off = "") {
  /** The client's number in Rust, once it is there. */
  let id = 0;
  let held = [];
  let heldBytes = 0;
  let heldRefused = 0;
  let depth = 0;
  let tokens = 0;
  /** What is to be done next until the client works, while anything is. */
  let next;
  /** The page load's random name. */
  let name;
  const counts = {};
  const waiting = new Map();
  /** Why the core is off, while it is. */
  let why = "";
  let platform;
  /** The event or the options that Rust asks about, and that a diagnostic is about. */
  let given;
  let isTelling = false;
  /** The option: read once, since the copy of the options is an object that is slow to look into. */
  let beforeSend;
  /** Loads the module, while a no keeps it away: see `consider`. */
  let asleep;
  /** Names of options that Rust has asked for: those there are. */
  const asked = new Set(OWN_OPTIONS);
  /** Names and messages that Rust knows already, and under which number: see `learn` in src/web/api.rs. */
  const names = new Map();
  const messages = new Map();

  /** What they have under a name; `app.version` is in another object. */
  const find = (name) => {
    try {
      return name.split(".").reduce(own, given);
    } catch {
      // A getter that throws, or nothing there: undefined says it.
    }
  };

  const tell = (code, count = (counts[code] ?? 0) + 1, subject, expected) => {
    counts[code] = count;
    // What a listener does wrong while it is being told is counted, or it would be told for ever.
    if (isTelling) return;
    isTelling = true;
    const message =
      "langflow-telemetry: " +
      (ADVICE[code] ??
        `${subject}: expected ${expected}, got ${show(find(subject))}: ${code === "invalid_option" ? "telemetry is off" : "dropped"}.`);
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
    tell(off, 1, name, expected);
  };

  /** Rust cannot tell a function from another object, so these two options are checked here. */
  const isHook = (name) => {
    const fine = options[name] == null || typeof options[name] === "function";
    if (!fine) refuseOption(name, "a function");
    return fine;
  };

  /** What was tracked leaves nothing behind as it came: the messages that are remembered, and the last event. */
  const forget = () => {
    messages.clear();
    given = undefined;
  };

  /** The module is gone, or never came: from here on nothing is called, nothing is held. */
  const end = (code) => {
    if (off) return;
    off = code;
    id = 0;
    held = [];
    forget();
    host.listen("", 0);
    host.arm("", -1);
    for (const settle of waiting.values()) settle(false);
    waiting.clear();
    if (code in ADVICE) tell(code);
  };

  /** Calls into Rust. Nothing that happens there reaches the page. */
  const enterRust = (call, ...given) => {
    try {
      return id ? call(id, ...given) : undefined;
    } catch {
      // A panic leaves the instance as it is, with whatever it had borrowed: it cannot be used again.
      end("internal");
    }
  };

  /** The same for all but events: what was tracked before is there before. */
  const guard = (...call) => {
    drain();
    return enterRust(...call);
  };

  /** Has as many events captured as wait: see `reserve`. */
  const admit = (count) => enterRust(rust.track, count);

  const command = (what, token = 0) => guard(rust.command, what, token);

  // In the order of `Ask` in src/web/mod.rs, those of the browser behind.
  const host = {
    given(name) {
      asked.add(name);
      const value = find(name);
      if (value == null) return ABSENT;
      if (typeof value === "string") return value.slice(0, OPTION_READ_MAX);
      if (typeof value === "boolean") return value ? YES : NO;
      if (Array.isArray(value) && value.every((item) => typeof item === "string")) return TEXTS;
      return typeof value === "number" ? NUMBER : OTHER;
    },
    number: find,
    texts: (name) =>
      find(name)
        .map((text) => text + "\0")
        .join(""),
    because(_, reason) {
      why = WHY[reason];
      if (why) forget();
    },
    notice: (_, what) => tell(CODES[what % CODES_ROOM], Math.floor(what / CODES_ROOM)),
    system(name) {
      platform = name || undefined;
    },
    emit(arch, timeRunning) {
      if (timeRunning >= 0) capture(SHUTDOWN, { timeRunning }, Date.now());
      else capture(VERSION, { ...options.app, platform, arch: arch || undefined }, Date.now());
    },
    settle(acknowledged, token) {
      waiting.get(token)?.(acknowledged !== "");
      waiting.delete(token);
    },
    ...lend(
      (signal, about, text) => void guard(rust.hear, signal, about, give(text)),
      (...answered) => void guard(rust.answer, ...answered),
    ),
    refuse: (...refused) => tell(id ? "invalid_event" : "invalid_option", ...refused),
  };
  /** On a server nobody comes to call: there it would be kept for ever. */
  const number = off || !isHere() ? 0 : enlist(host);

  /** Counts an event that got no further than here. */
  const refuse = (subject, expected) => {
    const count = command(subject ? REFUSE_INVALID : REFUSE_BEFORE_SEND);
    if (subject && count) tell("invalid_event", count, subject, expected);
  };

  /** The number under which Rust knows a text; 0 where none is to travel, undefined where it does not know it. */
  const numberOf = (known, text) => (text === undefined ? 0 : known.get(text));

  /** Lends the inbox anew, where the module's memory has grown since. */
  const haveInbox = () => {
    if (!hasInbox()) enterRust(rust.inbox);
  };

  /** Has Rust learn a text. Nothing waits to be captured then: its numbers may begin anew. */
  const learn = (known, text) => {
    haveInbox();
    const number = enterRust(rust.learn, known === names, write(text));
    // The table there is full, and has begun anew.
    if (number === 1) known.clear();
    if (text.length <= REMEMBERED_MAX) known.set(text, number);
    return number;
  };

  const enter = (kind, event, time) => {
    if (kind === VERSION) return enterRust(rust.version, time);
    if (isPolluted()) event = ownOf(event);
    const isWebhook = kind === RUN ? flag(event.isWebhook) : 2;
    if (isWebhook > 2) throw "isWebhook";
    const name = kind === COMPONENT ? text(event.name, "name", NAME_READ_MAX) : undefined;
    if (kind === COMPONENT && name === undefined) throw "name";
    let message = text(event.errorMessage, "errorMessage", MESSAGE_READ_MAX);
    const seconds = amount(kind === SHUTDOWN ? event.timeRunning : event.seconds, -1);
    const success = flag(event.success);
    const count = kind === PLAYGROUND ? amount(event.componentCount, NaN) : NaN;
    if (success > 0) message = undefined;
    // What may be refused goes alone: then `given` is what the diagnostic is about.
    const isAlone =
      kind === SHUTDOWN ||
      success > 1 ||
      !(seconds >= 0 && seconds < SECONDS_SURE) ||
      (count === count && !(count >= 0 && Number.isSafeInteger(count)));
    // Behind the last getter of the page's, and all of it before the event has a number or a place: what is captured here may
    // be told of, and whoever is told may track.
    let named, said;
    do {
      named = numberOf(names, name);
      said = numberOf(messages, message);
    } while (makesWay(admit, isAlone || named === undefined || said === undefined));
    named ??= learn(names, name);
    said ??= learn(messages, message);
    const at = reserve(admit);
    haveInbox();
    records[at] = kind | (success << 2) | (isWebhook << 4) | (named << 8) | (said << 16);
    records[at + 1] = time;
    records[at + 2] = seconds;
    records[at + 3] = count;
    if (isAlone) drain();
  };

  const capture = (kind, event, time) => {
    given = event;
    if (beforeSend) {
      if (depth >= DEPTH_MAX) return refuse();
      depth++;
      try {
        given = event = beforeSend({ ...event, event: KINDS[kind] });
      } catch {
        event = null;
        tell("before_send_threw");
      }
      depth--;
      if (event == null) return refuse();
    }
    try {
      if (id) enter(kind, event, time);
    } catch (error) {
      if (typeof error === "string") refuse(error, error === "isWebhook" ? "true or false" : "a string");
      else refuse("event", "an object whose properties can be read");
    }
  };

  /** Does the rest of what makes the client work, unless that waits for the module to come. */
  const finish = () => {
    while (next) proceed();
  };

  /** Keeps a call until the module is there. Not in `track`: what a closure there captures were allocated at each call. */
  const hold = (kind, event, time) => {
    if (asleep) return;
    if (held.length >= HELD_MAX || heldBytes >= HELD_MAX * HELD_BYTES) {
      heldRefused++;
      return;
    }
    // A copy: the page may change its object before the module is there.
    let copy = {};
    try {
      copy = { ...event };
    } catch {
      // A getter that throws: refused later, for want of what it has not told.
    }
    for (const text of [copy.name, copy.errorMessage]) if (typeof text === "string") heldBytes += text.length;
    heldBytes += HELD_BYTES;
    held.push(() => capture(kind, copy, time));
  };

  const track = (kind, event) => {
    // Where there is a no nothing is looked at; what a sampled page did not send is counted.
    if (off || (why && why !== "sampled")) return;
    const time = Date.now();
    if (!id) finish();
    if (id) capture(kind, event, time);
    else hold(kind, event, time);
  };

  /** A call that is not an event: now, or once the module is there. */
  const later = (what, token) => {
    finish();
    if (id) command(what, token);
    else if (!off && !asleep) held.push(() => command(what, token));
  };

  const proceed = () => {
    const part = next;
    next = undefined;
    part();
  };

  /**
   * Goes on task by task: at once it were ten milliseconds, cold, in the very task in which the page starts. Whoever
   * tracks before has it finished first, so that nothing waits which a closing page would lose.
   */
  const goOn = () => {
    if (!next) return;
    try {
      inTask(() => {
        if (next) proceed();
        goOn();
      });
    } catch {
      // No channel to be had.
      finish();
    }
  };

  const begin = (load) => {
    try {
      // Another client of this page has loaded it.
      if (rust.open) return void (next = open);
      const loading = load(options);
      if (typeof loading === "function") next = () => begin(loading);
      else if (loading)
        loading.then(
          () => {
            next = open;
            goOn();
          },
          () => end("wasm_unavailable"),
        );
      else next = open;
    } catch {
      end("wasm_unavailable");
    }
  };

  /** What says no before anything is loaded; the rules, and their order, are those of src/consent.rs. */
  const refusal = () =>
    safely(() => {
      const said = host.signals();
      if (said & SAYS_NO && options.honorBrowserSignals !== false) return "browser_signal";
      return said & SAID_NO ? "opted_out" : options.consent === "denied" ? "denied" : "";
    }) ?? "browser_signal";

  /**
   * Whether there is a no: then nothing is loaded until `optIn()`. Rust asks the same, and asks again later. It is also a
   * page's first look into localStorage, which takes a millisecond or more: not in a task with anything else.
   */
  const consider = () => {
    why = refusal();
    name = session();
    const loadNow = () => begin(load);
    if (why) {
      asleep = loadNow;
      held = [];
      purge();
    } else next = loadNow;
  };

  /** A misspelt option is one that was not given: `donottrack` were a no that nobody hears. */
  const findUnknown = () =>
    [...Object.keys(options), ...Object.keys(options.app).map((name) => "app." + name)].find(
      (name) => !asked.has(name) && find(name) != null,
    );

  const open = () => {
    given = options;
    try {
      // The options were bad: it was told.
      if (!rust.open(number, give(name))) return end("invalid_option");
      const unknown = findUnknown();
      if (unknown) {
        tell("invalid_option", 1, unknown, "no option of this name");
        return end("invalid_option");
      }
    } catch {
      return end("internal");
    }
    next = start;
  };

  const start = () => {
    id = number;
    command(START);
    for (; heldRefused > 0; heldRefused--) command(REFUSE_QUEUE_FULL);
    const calls = held;
    held = [];
    for (const call of calls) call();
  };

  const wake = () => {
    next = asleep;
    asleep = undefined;
    why = "";
    goOn();
  };

  /** Another client of this page was told so. */
  const heed = (optIn) => {
    const told = () => guard(rust.hear, STORAGE, optIn ? NO_WENT : NO_CAME, -1);
    if (asleep) {
      if (optIn && !refusal()) wake();
    } else if (id) told();
    else if (!off) held.push(told);
  };

  /** The person's choice. It outlives the page, and counts even where this page's client is off already. */
  const choose = (optIn) => {
    if (!isHere()) return;
    remember(!optIn);
    forget();
    finish();
    if (!optIn && (off || asleep)) {
      purge();
      // What a module that failed left with the browser.
      host.abort("", 0);
    }
    // The browser's own no is above a click.
    if (optIn && asleep && refusal() !== "browser_signal") wake();
    later(optIn ? SAY_YES : SAY_NO);
    for (const others of heeding) if (others !== heed) others(optIn);
  };

  const promise = (what, whenOff) => {
    finish();
    return off || asleep
      ? Promise.resolve(whenOff)
      : new Promise((resolve) => {
          waiting.set(++tokens, resolve);
          later(what, tokens);
        });
  };

  const stopwatch = (kind, name) => {
    const began = performance.now();
    let ended = false;
    return {
      end(outcome) {
        if (ended) return;
        ended = true;
        const event = { seconds: (performance.now() - began) / 1000, ...name };
        try {
          Object.assign(event, outcome);
        } catch {
          // A getter that throws: refused below, for want of a `success`.
        }
        track(kind, event);
      },
    };
  };

  const client = {
    trackRun: (event) => track(RUN, event),
    trackPlayground: (event) => track(PLAYGROUND, event),
    trackComponent: (event) => track(COMPONENT, event),
    startRun: () => stopwatch(RUN),
    startPlayground: () => stopwatch(PLAYGROUND),
    startComponent: (name) => stopwatch(COMPONENT, { name }),
    flush: () => promise(FLUSH, true),
    shutdown() {
      closing.add(client);
      forget();
      const closed = promise(CLOSE);
      if (asleep) {
        off = why;
        asleep = undefined;
      }
      return closed.then(() => {});
    },
    optOut: () => choose(false),
    optIn: () => choose(true),
    stats() {
      const count = (names, from) =>
        Object.fromEntries(names.map((name, at) => [name, guard(rust.stat, from + at) ?? 0]));
      finish();
      const reason = off || why;
      return {
        state: off || asleep ? "off" : (STATES[guard(rust.stat, 0)] ?? "loading"),
        ...(reason && { reason }),
        ...count(COUNTS, 1),
        dropped: count(REASONS, 1 + COUNTS.length),
      };
    },
  };

  // A promise of the page's own, which is asked only where the module is needed: that it failed is ours to tell.
  safely(() => options.wasm instanceof Promise && options.wasm.catch(() => {}));
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
      ({ beforeSend } = options);
      next = consider;
      heeding.add(heed);
      goOn();
    }
  } catch {
    // Something patched beyond use.
    end("internal");
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
