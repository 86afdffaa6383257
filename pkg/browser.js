/* global addEventListener, fetchLater, removeEventListener */

/**
 * The browser as the core is lent it: each function asks or tells the page's platform one thing, and decides nothing. What
 * is asked, when, and what an answer means is Rust's (src/web and below it).
 *
 * Here and not in Rust, since the same calls made through wasm-bindgen weighed 6.6 KB after brotli: an import with its glue
 * and its checks for each function, property and type. As JavaScript they weigh 1.3 KB.
 *
 * None of it throws: a page may have patched, frozen or taken away whatever is called here.
 */

/** What all our storage keys start with; the lock has this name too. */
export const PREFIX = "langflow-telemetry:";

/** What ends a prerender. */
const PRERENDERED = "prerenderingchange";

/**
 * What a page at work listens for, and last what ends a prerender. Their places are signals: see `Signal` in
 * src/web/mod.rs. Not `unload` or `beforeunload`: they keep a page out of the back/forward cache.
 */
const EVENTS = [
  "visibilitychange",
  "freeze",
  "resume",
  "pagehide",
  "pageshow",
  "online",
  "offline",
  "storage",
  PRERENDERED,
];
const TICK = 9;
const LOCKED = 10;
const HINTS = 11;

/** Ways of sending: see `Via` in src/delivery.rs; the last is the deferred request. */
const KEEPALIVE = 1;
const BEACON = 2;
const DEFERRED = 3;

/**
 * Bytes of an answer that are read before the rest is cancelled. A body must be read, since Chromium keeps a keepalive
 * budget until it is; a hostile one need not be read to its end.
 */
const ANSWER_MAX = 64 * 1024;

/** Characters of an answer that are kept: ours are some sixty. */
const ANSWER_KEPT = 4 * 1024;

/** What it returns; undefined where it throws. */
const safely = (act) => {
  try {
    return act();
  } catch {
    // Missing, forbidden or patched: the caller goes on without.
  }
};

const nothing = () => {};

export const keys = () =>
  safely(() => Object.keys(localStorage).filter((key) => key.startsWith(PREFIX))) ?? [];

export const put = (key, value) =>
  safely(() => {
    localStorage.setItem(key, value);
    return true;
  }) ?? false;

export const remove = (key) => void safely(() => localStorage.removeItem(key));

/**
 * Lends the browser to one client. `hear(signal, number, text)` is told what happens, `answer(attempt, status,
 * date, text)` what became of a request: status 0 where there was no answer; the text is its Retry-After, which is also
 * read as a date, a line end, and its body.
 */
export function lend(hear, answer) {
  /** What can be aborted, by its attempt; the deferred request is attempt 0. */
  const flights = new Map();
  let listening = [];
  let timer;
  let hintsTimer;

  /** Capturing, so that a listener of the page cannot stop the event before us. */
  const listener = (event) =>
    safely(() =>
      hear(
        EVENTS.indexOf(event.type),
        (globalThis.document?.visibilityState === "hidden" ? 1 : 0) |
          (event.persisted ? 2 : 0) |
          (typeof event.newValue === "string" ? 4 : 0) |
          (typeof event.oldValue === "string" ? 8 : 0),
        event.key ?? undefined,
      ),
    );

  const follow = async (attempt, coming) => {
    let status = 0;
    let retryAfter = "";
    let text = "";
    try {
      const response = await coming;
      // An opaque answer tells no more than that there was one.
      if (response.type === "opaque") status = 200;
      else if (typeof response.status === "number") status = response.status;
      retryAfter = String(response.headers.get("retry-after") ?? "");
      const reader = response.body.getReader();
      const decoder = new TextDecoder();
      for (let read = 0; flights.has(attempt);) {
        const { value } = await reader.read();
        if (!value) break;
        read += value.length;
        if (text.length + value.length <= ANSWER_KEPT) text += decoder.decode(value, { stream: true });
        if (read > ANSWER_MAX) {
          reader.cancel().then(nothing, nothing);
          break;
        }
      }
    } catch {
      // A window that a script has closed: Chromium says so of requests with keepalive too, and goes on with them.
      if (safely(() => globalThis.closed)) return;
    }
    if (flights.delete(attempt)) answer(attempt, status, Date.parse(retryAfter), retryAfter + "\n" + text);
  };

  const abort = (attempt) => {
    const controller = flights.get(attempt);
    flights.delete(attempt);
    safely(() => controller?.abort());
  };

  // In the order of `Ask` in src/web/mod.rs.
  return {
    /** A property, such as `navigator.userAgent`, as text; undefined where there is none. */
    ask: (path) =>
      safely(() => {
        const value = path.split(".").reduce((object, name) => object[name], globalThis);
        return value == null ? undefined : String(value);
      }),

    /**
     * An endpoint, resolved against the page's origin, not against its `<base>`, which may name a CDN: its address,
     * origin, protocol and host, with spaces between.
     */
    resolve: (endpoint) =>
      safely(() => {
        const url = new URL(endpoint, globalThis.origin);
        return [url.href, url.origin, url.protocol, url.hostname].join(" ");
      }),

    /** Asks for what is only told on demand; `hear` is told after `wait` ms at the latest. False: there is nothing. */
    hints: (_, wait) =>
      safely(() => {
        const told = (values) => hear(HINTS, 0, `${values?.architecture} ${values?.bitness}`);
        navigator.userAgentData.getHighEntropyValues(["architecture", "bitness"]).then(told, told);
        hintsTimer = setTimeout(told, wait);
        return true;
      }) ?? false,
    endHints: () => safely(() => clearTimeout(hintsTimer)),

    /** Listens for nothing else than: 0 nothing, 1 a page's life, 2 the end of a prerender. */
    listen(_, which) {
      for (const name of listening) safely(() => removeEventListener(name, listener, true));
      listening = which > 0 ? EVENTS.filter((name) => (name === PRERENDERED) === which > 1) : [];
      for (const name of listening) safely(() => addEventListener(name, listener, true));
    },

    /** Has one timer, in place of the one before; none where `after` is negative. */
    arm: (_, after) =>
      safely(() => {
        clearTimeout(timer);
        if (after >= 0) timer = setTimeout(hear, after, TICK);
      }),

    abort: (_, attempt) => abort(attempt),

    /** The first characters of what is stored. */
    item: (key, most) =>
      safely(() => {
        const value = localStorage.getItem(key);
        return typeof value === "string" ? value.slice(0, most) : undefined;
      }),
    remove,
    keys: () => keys().join("\n"),

    /**
     * Has `hear` told while this tab holds the lock; it is released as soon as that returns, since a lock that is held
     * keeps a page out of the back/forward cache. False where there are no locks (an insecure page).
     */
    lock: () =>
      safely(() => {
        navigator.locks.request(PREFIX, () => void hear(LOCKED)).then(nothing, nothing);
        return true;
      }) ?? false,

    // eslint-disable-next-line no-console -- `dryRun`: shows the payload as it would leave
    print: (text) => safely(() => console.log("langflow-telemetry would send:", text)),

    put,

    /**
     * Starts a request: says whether the browser took it. No cookies and no referrer; a redirect could lead to another
     * origin, so it is an error; the page's own requests go first. Without a type it is a ping: the gateway has no CORS
     * headers, so its answer cannot be read, and such a request has to follow redirects.
     */
    send: (attempt, via, url, body, type) =>
      safely(() => {
        // A copy: what is passed is a view of the module's memory.
        body = body.slice();
        if (via === BEACON) return navigator.sendBeacon(url, new Blob([body], { type }));
        const controller = new AbortController();
        const request = {
          __proto__: null,
          credentials: "omit",
          referrerPolicy: "no-referrer",
          cache: "no-store",
          priority: "low",
          keepalive: via === KEEPALIVE || undefined,
          signal: controller.signal,
          ...(type
            ? { method: "POST", redirect: "error", headers: { "content-type": type }, body }
            : { mode: "no-cors" }),
        };
        const started = via === DEFERRED ? fetchLater(url, request) : fetch(url, request);
        flights.set(attempt, controller);
        if (via !== DEFERRED) follow(attempt, started);
        return true;
      }) === true,
  };
}

/**
 * A page load's random name: 12 characters of 32, so that five bits of a random byte choose one without bias: 60 bits. A
 * million of them a day for ten years collide with a chance of one in a hundred thousand.
 */
export const session = () => {
  const bytes = new Uint8Array(12);
  safely(() => crypto.getRandomValues(bytes));
  return Array.from(bytes, (byte) => (byte & 31).toString(32)).join("");
};
