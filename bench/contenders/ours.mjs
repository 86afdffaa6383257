/** langflow-telemetry as it is imported, every option at its default but for the bound of the queue. */

import { init, trackComponent, trackPlayground, trackRun } from "langflow-telemetry";

import { options } from "./options.mjs";

let client;

export function start(endpoint, { held, tuned }) {
  client = init(options(endpoint, held, tuned));
}

export const run = trackRun;
export const playground = trackPlayground;
export const component = trackComponent;

export const flush = () => client.flush();
export const stats = () => client.stats();
