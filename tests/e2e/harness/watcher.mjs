/** Sees what a page touches, from before its first script on. What it watches still works as it did. */

/**
 * Has every later page load of `page` keep in `window.touched`
 *   listeners  names of the events listened for, each as often as it was added and not yet removed
 *   added      names of all that were ever added
 *   timers     timeouts and intervals that were set
 *   storage    keys written, in localStorage or sessionStorage
 *   wasm       how often WebAssembly was compiled or instantiated
 *   requests   what was sent, and by what
 *
 * @param {import("playwright-core").Page} page
 * @param {string} script Counts only what a script does whose address contains this: Playwright's own scripts in
 *   the page, and the page itself, listen for things too.
 */
export const watch = (page, script) => page.addInitScript(install, script);

function install(script) {
  // Enough for a call through the wasm and its glue.
  Error.stackTraceLimit = 50;
  const touched = { listeners: [], added: [], timers: 0, storage: [], wasm: 0, requests: [], locks: 0 };
  window.touched = touched;

  /** Puts `see` in front of a function: it is called with the same `this` and arguments. */
  const inFrontOf = (object, name, see) => {
    const original = object?.[name];
    if (typeof original !== "function") return;
    const seeing = function (...given) {
      if (new Error().stack.includes(script)) see.apply(this, given);
      return new.target ? Reflect.construct(original, given, new.target) : original.apply(this, given);
    };
    seeing.prototype = original.prototype;
    Object.defineProperty(object, name, { value: seeing, configurable: true, writable: true });
  };

  inFrontOf(EventTarget.prototype, "addEventListener", (name) => {
    touched.listeners.push(name);
    touched.added.push(name);
  });
  inFrontOf(EventTarget.prototype, "removeEventListener", (name) => {
    const at = touched.listeners.indexOf(name);
    if (at >= 0) touched.listeners.splice(at, 1);
  });
  for (const name of ["setTimeout", "setInterval", "requestIdleCallback"])
    inFrontOf(window, name, () => (touched.timers += 1));
  inFrontOf(Storage.prototype, "setItem", (key) => touched.storage.push(key));
  for (const name of [
    "compile",
    "instantiate",
    "compileStreaming",
    "instantiateStreaming",
    "Module",
    "Instance",
  ])
    inFrontOf(WebAssembly, name, () => (touched.wasm += 1));
  for (const name of ["fetch", "fetchLater"])
    inFrontOf(window, name, (url) => touched.requests.push(`${name} ${url}`));
  inFrontOf(Navigator.prototype, "sendBeacon", (url) => touched.requests.push(`sendBeacon ${url}`));
  inFrontOf(XMLHttpRequest.prototype, "open", (method, url) => touched.requests.push(`xhr ${url}`));
  inFrontOf(LockManager.prototype, "request", () => (touched.locks += 1));
}
