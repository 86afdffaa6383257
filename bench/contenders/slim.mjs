/** langflow-telemetry/slim, which fetches its WebAssembly and compiles it off the main thread. */

import { init, trackComponent, trackPlayground, trackRun } from "langflow-telemetry/slim";

import { options } from "./options.mjs";

/** Ms between two looks at whether the module is there. */
const LOOK_MS = 1;

let client;

export async function start(endpoint, { held, tuned }) {
  client = init({ wasm: "/bundle/langflow_telemetry.wasm", ...options(endpoint, held, tuned) });
  while (client.stats().state === "loading") await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
}

export const run = trackRun;
export const playground = trackPlayground;
export const component = trackComponent;

export const flush = () => client.flush();
export const stats = () => client.stats();
