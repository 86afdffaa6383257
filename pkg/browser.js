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
const PREFIX = "langflow-telemetry:";

/** The one of them that is kept. */
const OPT_OUT = PREFIX + "opt-out";

/** Of `signals`: the browser says no for its person, by either of its ways; and the person said so to us. */
export const SAYS_NO = 3;
export const SAID_NO = 4;

/** Most bytes of batches on one origin: a fifth of what browsers allow it, which belongs to the host page. */
const STORE_MAX = 1024 * 1024;

/** Most characters that are read of a batch: one more than are believed, see `STORED_BATCH_MAX` in src/delivery.rs. */
const BATCH_READ_MAX = 61_441;

/** Age at which what no endpoint of this page looks after is removed, in ms: `STORED_AGE_MAX_MS` there. */
const AGE_MAX = 7 * 24 * 3600_000;

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

/** How many events the receiver says it refused, ours by `"rejected":n`, an OTLP one by `"rejectedLogRecords":"n"`. */
const REJECTED = /"rejected[a-z": ]*(\d*)/i;

/** Hosts on this machine: a browser that says there is no network still has them, and trusts them like https. */
const LOOPBACK = /^(.*\.)?localhost$|^127\.|^\[::1]$/;

/** What it returns; undefined where it throws. */
export const safely = (act) => {
  try {
    return act();
  } catch {
    // Missing, forbidden or patched: the caller goes on without.
  }
};

/**
 * A `fetch` of the browser's own, as text. A bound one says that it is native too, but not its name. What is passed is a view
 * of the module's memory, which the browser copies at once; but a function that a page has put in its place may first wait
 * for something, so that it gets a copy. (Those that have `toString` lie, as Sentry's and Zone.js's, call on at once.)
 */
const NATIVE = /^function fetch(Later)?\W+\[native code/;

const nothing = () => {};

const decoder = new TextDecoder();

const keys = () => safely(() => Object.keys(localStorage).filter((key) => key.startsWith(PREFIX))) ?? [];

const item = (key) => safely(() => localStorage.getItem(key));

/** The first line of a stored value as far as it is ours, when it was written and how many bytes follow; or a claim. */
const head = (value) => /^[us]?(\d{1,15})(?: (\d{1,15})\n|$)/.exec(value) ?? [""];

/** A property, such as `navigator.userAgent`, as text; undefined where there is none. */
const ask = (path) =>
  safely(() => {
    const value = path.split(".").reduce((object, name) => object[name], globalThis);
    return value == null ? undefined : String(value);
  });

const bits = (...flags) => flags.reduce((sum, flag, at) => sum | (!!flag << at), 0);

const put = (key, value) =>
  safely(() => {
    localStorage.setItem(key, value);
    return true;
  }) ?? false;

const remove = (key) => void safely(() => localStorage.removeItem(key));

/** Removes all that is ours, but for the remembered opt-out. */
export const purge = () => {
  for (const key of keys()) if (key !== OPT_OUT) remove(key);
};

/** A no on this page, which keeps it for as long as it is there: storage may be forbidden, or cleared by the page. */
let isOut = false;

/** Remembers the person's choice: here and not in Rust, so that a click counts while the wasm is not there, or no longer. */
export const remember = (optOut) => {
  isOut = optOut;
  if (!optOut) remove(OPT_OUT);
  else if (!put(OPT_OUT, "1")) {
    // It may be our own batches which fill it.
    purge();
    put(OPT_OUT, "1");
  }
};

/**
 * Lends the browser to one client. `hear(signal, number, text)` is told what happens, `answer(attempt, status, wait,
 * rejected)` what became of a request: status 0 where there was no answer; the ms that its Retry-After (RFC 9110 §10.2.3)
 * asks for, NaN where it has none; how many events it says it refused.
 */
export function lend(hear, answer) {
  /** What can be aborted, by its attempt; the deferred request is attempt 0. */
  const flights = new Map();
  let listening = [];
  let timer;
  let hintsTimer;

  /** Whether the endpoint is on the page's own origin; on this machine; one that a deferred request may go to. */
  let isOwn;
  let isLoopback;
  let defers;

  /** What our keys begin with at this endpoint; and what those of this page have next. */
  let prefix;
  let mine;
  /** Bytes of all stored batches, of whatever endpoint, while this task lasts: after it other tabs may write. */
  let total;
  /** Keys yet to be looked at, and what the batch is that `next` came to. */
  let pending;
  let found;

  const place = (from, id) => prefix + (from || mine + ":" + id);

  const isClaim = (key) => key?.startsWith(prefix) && !key.includes(":", prefix.length);

  /**
   * Capturing, so that a listener of the page cannot stop the event before us. What has such a name on some element is the
   * page's own.
   */
  const listener = (event) =>
    safely(
      () =>
        [globalThis, globalThis.document].includes(event.target) &&
        hear(
          EVENTS.indexOf(event.type),
          bits(
            globalThis.document?.visibilityState === "hidden",
            event.persisted,
            typeof event.newValue === "string",
            typeof event.oldValue === "string",
            // All that a clear says is that there is nothing.
            event.key === OPT_OUT || (event.key == null && event.newValue == null),
            isClaim(event.key),
          ),
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
        text += decoder.decode(value.subarray(0, ANSWER_KEPT - text.length), { stream: true });
        if (read > ANSWER_MAX) {
          reader.cancel().then(nothing, nothing);
          break;
        }
      }
    } catch {
      // A window that a script has closed: Chromium says so of requests with keepalive too, and goes on with them.
      if (safely(() => globalThis.closed)) return;
    }
    const wait = /^\s*\d+\s*$/.test(retryAfter) ? retryAfter * 1000 : Date.parse(retryAfter) - Date.now();
    if (flights.delete(attempt)) answer(attempt, status, wait, Number(REJECTED.exec(text)?.[1]));
  };

  const abort = (attempt) => {
    const controller = flights.get(attempt);
    flights.delete(attempt);
    safely(() => controller?.abort());
  };

  // In the order of `Ask` in src/web/mod.rs.
  return {
    ask,

    /**
     * What may be asked anew at any time: whether the person said no, by Global Privacy Control (whatever JavaScript takes
     * for true), by Do Not Track (`"yes"` in old Firefox) or to us; whether the page is prerendered; whether it is offline;
     * what the endpoint is; whether there are locks; whether more than one finger can touch it.
     */
    signals: () =>
      bits(
        !/^(false|0|)$/.test(safely(() => navigator.globalPrivacyControl) ?? ""),
        /^(1|yes)$/.test(safely(() => navigator.doNotTrack)),
        isOut || typeof item(OPT_OUT) === "string",
        safely(() => globalThis.document.prerendering),
        safely(() => navigator.onLine) === false,
        isOwn,
        isLoopback,
        defers,
        safely(() => navigator.locks),
        safely(() => navigator.maxTouchPoints) > 1,
      ),

    /** An endpoint, resolved against the page's origin, not against its `<base>`, which may name a CDN. */
    resolve: (endpoint, trims) =>
      safely(() => {
        const { href, origin, protocol, hostname } = new URL(endpoint, globalThis.origin);
        isOwn = origin === ask("origin");
        isLoopback = LOOPBACK.test(hostname);
        defers = (isLoopback || protocol === "https:") && ask("fetchLater") !== undefined;
        return trims ? href.replace(/\/+$/, "") : href;
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

    /** Says what the keys have in them: a number for the endpoint and the format, and a name for this page. */
    name(session, tag) {
      prefix = PREFIX + tag + ":";
      mine = session;
    },

    /**
     * Comes to the next stored batch of this endpoint, with a number from the first one on: says under which name it is
     * (this page's, if it is its own), or nothing at the end. What is nobody's is removed on the way.
     */
    next(_, begins) {
      if (begins) pending = keys();
      for (let key; (key = pending.pop());) {
        const value = item(key) ?? "";
        const [line, written] = head(value);
        const name = key.startsWith(prefix) ? key.slice(prefix.length) : "";
        const [, session, id] = /^([^:]+):(\d{1,15})$/.exec(name) ?? [];
        if (id) {
          const lines = value.slice(line.length, line.length + BATCH_READ_MAX);
          found = { key, lines, ...[id, written, head(item(prefix + session))[1] ?? -1].map(Number) };
          return session === mine ? mine : name;
        }
        // Of another endpoint: one that is no longer used would leave its batches for ever.
        const isOld = !(Math.abs(Date.now() - written) <= AGE_MAX);
        if (key !== OPT_OUT && (name.includes(":") || isOld)) remove(key);
      }
    },

    /** Of that batch: its number, when it was written, until when it is claimed. */
    about: (_, which) => found[which],
    lines: () => found.lines,
    reject: () => remove(found.key),

    /**
     * Keeps a batch of this page, or what was until now another's, under `from`: `number` is twice its own, and one more
     * where it was sent. What is kept already keeps its age. False where there was no room, or no permission: then nothing
     * of it is kept.
     */
    keep(from, number, lines) {
      const key = place("", number >> 1);
      const old = place(from, number >> 1);
      const [, written = Date.now(), bytes = 0] = head(item(old));
      if (total === undefined) {
        total = keys().reduce((sum, key) => sum + Number(head(item(key))[2] ?? 0), 0);
        Promise.resolve().then(() => (total = undefined));
      }
      total -= bytes;
      const write = () =>
        put(key, `${number & 1 ? "s" : "u"}${written} ${lines.length}\n${decoder.decode(lines)}`);
      let kept = (from || total + lines.length <= STORE_MAX) && write();
      if (from) {
        // Behind that, so that a crash in between leaves two copies rather than none; but where it takes room …
        remove(old);
        kept ||= write();
      }
      if (kept) total += lines.length;
      else remove(key);
      return kept;
    },

    forget: (from, id) => remove(place(from, id)),

    /** Claims this page's batches until then; gives the claim up where that is negative; says whether it is there. */
    claim: (_, until) =>
      until > 0
        ? put(prefix + mine, String(until))
        : until < 0
          ? remove(prefix + mine)
          : typeof item(prefix + mine) === "string",
    purge,

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

    /**
     * Starts a request: says whether the browser took it. No cookies and no referrer; a redirect could lead to another
     * origin, so it is an error; the page's own requests go first. Without a type it is a ping: the gateway has no CORS
     * headers, so its answer cannot be read, and such a request has to follow redirects.
     */
    send: (attempt, via, url, body, type) =>
      safely(() => {
        if (via === BEACON) return navigator.sendBeacon(url, new Blob([body], { type }));
        const call = via === DEFERRED ? fetchLater : fetch;
        if (!NATIVE.test(call)) body = body.slice();
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
        const started = call(url, request);
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
