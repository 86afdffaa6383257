// What tests/web.rs cannot say in Rust: the shell's part of the contract, and an eye on what the page's globals
// are asked for. The real shell is pkg/client.js; the real network is in tests/e2e.

import { records, reserve } from "../../pkg/host.js";

/** Writes an event where it crosses. */
export const note = (owner, event) => records.set(event, reserve(owner));

/** What puts the page back as it was before the visit. */
const undo = [];

/** Ends the visit before, however it ended: its client is opted out, its store is empty, the globals are the browser's. */
export function endVisit() {
  while (undo.length > 0) undo.pop()();
  localStorage.clear();
}

/** As in pkg/client.js. */
const WHY = ["", "sampled", "shut_down", "do_not_track", "browser_signal", "opted_out", "denied"];
const CODES = [
  ...["queue_full", "invalid", "too_large", "rejected", "expired", "opted_out", "sampled", "before_send"],
  ...["endpoint_blocked", "stopped", "store_unavailable"],
];

/** The shell's part of what a client is lent, and what the client did with it. */
export function makeShell(options) {
  const shell = {
    client: undefined,
    /** What the client may read by name: its options, then the facts of a Version event. */
    given: options,
    told: [],
    emitted: [],
    settled: [],
    /** What was read of each answer; a wait until a moment in the past is told as such. */
    answered: [],
    // A build for tests insists on numbers; the shell leaves them out.
    hear: (signal, about = 0, text = undefined) => shell.client.hear(signal, about, text),
    answer(...answered) {
      const [, status, wait, rejected] = answered;
      shell.answered.push([status, wait < 0 ? true : wait, rejected]);
      shell.client.answer(...answered);
    },
  };
  undo.push(() => {
    try {
      shell.client.command(3, 0);
    } catch {
      // It panicked, which is what made its test fail.
    }
  });
  return shell;
}

/** All that a client is lent, in the order of `Ask` in src/web/mod.rs; `browser` is what pkg/browser.js lends. */
export function complete(shell, browser) {
  const find = (name) => name.split(".").reduce((object, name) => object?.[name], shell.given);
  return {
    // See src/web/options.rs.
    given(name) {
      const value = find(name);
      if (value == null) return -1;
      if (typeof value === "string") return value;
      if (typeof value === "boolean") return value ? -3 : -2;
      if (Array.isArray(value) && value.every((item) => typeof item === "string")) return -5;
      return typeof value === "number" ? -4 : -6;
    },
    number: find,
    texts: (name) =>
      find(name)
        .map((text) => `${text}\0`)
        .join(""),
    because: (_, reason) => {
      shell.reason = WHY[reason];
    },
    notice: (_, what) => {
      shell.told.push([CODES[what % 16], Math.floor(what / 16), "", ""]);
    },
    system: (name) => {
      shell.system = name;
    },
    emit(text, seconds) {
      const now = Date.now();
      const [platform, arch] = seconds < 0 ? [shell.system || null, text || null] : [null, null];
      shell.emitted.push([seconds < 0 ? "version" : "shutdown", platform, arch]);
      if (seconds < 0) {
        shell.given = { package: "langflow", platform, arch, autoLogin: true };
        shell.client.version(now);
      } else shell.client.track(3, now, seconds, 2, NaN);
    },
    settle: (acknowledged, token) => {
      shell.settled.push([token, acknowledged !== ""]);
    },
    ...browser,
    refuse: (count, subject, expected) => {
      shell.told.push([shell.client ? "invalid_event" : "invalid_option", count, subject, expected]);
    },
  };
}

/**
 * Stands in front of everything a client can touch, until the visit ends. Requests are kept and answered here, each
 * by what `answer` makes of it; all else works as before.
 */
export function watchPage() {
  const touched = { added: [], removed: [], timers: 0, written: [], removedKeys: [], bodies: [], inits: [] };
  touched.answer = () => Response.json({ accepted: 1, duplicate: 0, rejected: 0 });
  const replace = (object, name, make) => {
    const own = Object.getOwnPropertyDescriptor(object, name);
    const original = object[name];
    Object.defineProperty(object, name, { value: make(original), configurable: true, writable: true });
    undo.push(() => (own ? Object.defineProperty(object, name, own) : delete object[name]));
  };
  const inFrontOf = (object, name, see) =>
    replace(
      object,
      name,
      (original) =>
        function (...given) {
          see(...given);
          return original.apply(this, given);
        },
    );
  inFrontOf(EventTarget.prototype, "addEventListener", (name) => touched.added.push(name));
  inFrontOf(EventTarget.prototype, "removeEventListener", (name) => touched.removed.push(name));
  inFrontOf(Storage.prototype, "setItem", (key) => touched.written.push(key));
  inFrontOf(Storage.prototype, "removeItem", (key) => touched.removedKeys.push(key));
  inFrontOf(window, "setTimeout", () => (touched.timers += 1));
  inFrontOf(window, "setInterval", () => (touched.timers += 1));
  replace(window, "fetch", () => async (url, init) => {
    touched.bodies.push(new TextDecoder().decode(init.body));
    touched.inits.push({ url, ...init });
    return touched.answer();
  });
  replace(window, "fetchLater", () => (url) => {
    touched.inits.push({ url, deferred: true });
    return { activated: false };
  });
  replace(navigator, "sendBeacon", () => (url, blob) => {
    touched.inits.push({ url, beacon: true, blob });
    return true;
  });
  return touched;
}

/** What `watchPage` shall answer with: a status of 0 is no answer. */
export const respond = (status, retryAfter, body) => () => {
  if (status === 0) throw new TypeError("no network");
  return new Response(body, { status, headers: retryAfter ? { "retry-after": retryAfter } : {} });
};

/** Gives an object a property of its own until the visit ends. `value` may be a function that throws: then it is a getter. */
export function pretend(object, name, value) {
  const thrower = typeof value === "function" && value.throws;
  Object.defineProperty(object, name, {
    configurable: true,
    ...(thrower ? { get: value } : { value, writable: true }),
  });
  undo.push(() => delete object[name]);
}

/** A getter for `pretend`. */
export const throwing = Object.assign(
  () => {
    throw new Error("a page may do that");
  },
  { throws: true },
);

const { setTimeout } = window;

/** Resolves once all that is pending in the event loop has run, and so many ms have gone. Not seen by the watch. */
export const later = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** A `navigator.userAgentData` which answers, when it is asked for more, in one of the ways that browsers have. */
export const clientHints = (platform, way) => ({
  platform,
  getHighEntropyValues() {
    if (way === "throws") throw new TypeError("not here");
    if (way === "nonsense") return 5;
    if (way === "never") return new Promise(() => {});
    if (way === "withheld") return Promise.reject(new DOMException("by policy", "NotAllowedError"));
    return Promise.resolve({ architecture: "arm", bitness: "64" });
  },
});
