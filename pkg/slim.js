import { createClient as make, moduleClient } from "./client.js";
import { initSync } from "./dist/langflow_telemetry.js";

/** What is under way: one module does for all clients, and a response can be read once. */
let coming;

const instantiate = (module) => {
  initSync({ module });
};

/** Takes the module from the option `wasm`: at once where it is there, else when it has come. */
function load({ wasm }) {
  if (wasm instanceof WebAssembly.Module || wasm instanceof ArrayBuffer || ArrayBuffer.isView(wasm))
    return instantiate(wasm);
  // Not compileStreaming: it insists on the type application/wasm, and some 40 KB gain nothing by it.
  return (coming ??= Promise.resolve(typeof wasm === "string" || wasm instanceof URL ? fetch(wasm) : wasm)
    .then((response) => response.arrayBuffer())
    .then((bytes) => WebAssembly.compile(bytes))
    .then(instantiate)
    // Whoever comes after a failure may know better.
    .finally(() => (coming = undefined)));
}

const page = /* @__PURE__ */ moduleClient(load);

export { doNotTrackFromEnv } from "./client.js";
export { describe } from "./describe.js";

export const createClient = (options) => make(options, load);
export const init = (options) => page.init(options);
export const trackRun = (event) => page.current().trackRun(event);
export const trackPlayground = (event) => page.current().trackPlayground(event);
export const trackComponent = (event) => page.current().trackComponent(event);
export const startRun = () => page.current().startRun();
export const startPlayground = () => page.current().startPlayground();
export const startComponent = (name) => page.current().startComponent(name);
export const flush = () => page.current().flush();
export const shutdown = () => page.current().shutdown();
export const optOut = () => page.current().optOut();
export const optIn = () => page.current().optIn();
export const stats = () => page.current().stats();
