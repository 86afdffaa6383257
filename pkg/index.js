import { createClient as make, moduleClient } from "./client.js";
import { initSync } from "./dist/langflow_telemetry.js";
import wasmBytes from "./dist/wasm-inline.js";

/**
 * Two parts, each some two milliseconds, cold. The second compiles at once: from then on nothing needs to be held or waited
 * for. Chromium before 115 refuses that on the main thread.
 */
function load() {
  const module = wasmBytes();
  return () => {
    try {
      initSync({ module });
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      return WebAssembly.compile(module).then((module) => initSync({ module }));
    }
  };
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
