/**
 * Sees whatever a page touches, from before its first script on: everything by which something could be sent, kept,
 * heard or woken up. What it watches still works as it did. To be given to addInitScript, so it stands by itself.
 */
export function watchEverything() {
  const touched = {
    /** Names of the events listened for. */
    listeners: [],
    /** Timeouts, intervals, idle callbacks. */
    timers: [],
    /** What was sent, and by what. */
    requests: [],
    /** Keys of localStorage or sessionStorage. */
    read: [],
    written: [],
    removed: [],
    /** Compilations and instances of WebAssembly. */
    wasm: [],
    /** Locks asked for. */
    locks: [],
    /** Every other place where something could be kept or shared, and every other connection. */
    opened: [],
  };
  window.touched = touched;

  const inFrontOf = (object, name, list, shown = (first) => `${name} ${first}`) => {
    const original = object?.[name];
    if (typeof original !== "function") throw new Error(`nothing to watch: ${name}`);
    const seeing = function (...given) {
      list.push(shown(...given));
      return new.target ? Reflect.construct(original, given, new.target) : original.apply(this, given);
    };
    seeing.prototype = original.prototype;
    Object.defineProperty(object, name, { value: seeing, configurable: true, writable: true });
  };

  const asIs = (first) => first;
  const nameOnly = (name) => () => name;
  inFrontOf(EventTarget.prototype, "addEventListener", touched.listeners, asIs);
  for (const name of ["setTimeout", "setInterval", "requestIdleCallback", "requestAnimationFrame"])
    inFrontOf(window, name, touched.timers, nameOnly(name));
  for (const name of ["fetch", "fetchLater"]) inFrontOf(window, name, touched.requests);
  inFrontOf(Navigator.prototype, "sendBeacon", touched.requests);
  inFrontOf(XMLHttpRequest.prototype, "open", touched.requests, (method, url) => `xhr ${url}`);
  inFrontOf(Storage.prototype, "getItem", touched.read, asIs);
  inFrontOf(Storage.prototype, "setItem", touched.written, asIs);
  inFrontOf(Storage.prototype, "removeItem", touched.removed, asIs);
  inFrontOf(Storage.prototype, "clear", touched.removed, nameOnly("everything"));
  const compiling = [
    "compile",
    "instantiate",
    "compileStreaming",
    "instantiateStreaming",
    "Module",
    "Instance",
  ];
  for (const name of compiling) inFrontOf(WebAssembly, name, touched.wasm, nameOnly(name));
  inFrontOf(LockManager.prototype, "request", touched.locks, asIs);
  inFrontOf(IDBFactory.prototype, "open", touched.opened);
  inFrontOf(CacheStorage.prototype, "open", touched.opened);
  for (const name of ["BroadcastChannel", "Worker", "SharedWorker", "WebSocket", "EventSource", "Image"])
    inFrontOf(window, name, touched.opened);
  const { get, set } = Object.getOwnPropertyDescriptor(Document.prototype, "cookie");
  Object.defineProperty(document, "cookie", {
    configurable: true,
    get() {
      touched.opened.push("cookies, read");
      return get.call(document);
    },
    set(value) {
      touched.opened.push("cookies, written");
      set.call(document, value);
    },
  });
}
