/** langflow-telemetry as it is imported, every option at its default but for the bound of the queue. */

import { init, trackComponent, trackPlayground, trackRun } from "langflow-telemetry";

import { options, untilItWorks } from "./options.mjs";

let client;

export async function start(endpoint, { held, tuned }) {
  // Without consent it does not get that far; that is not timed.
  const works = held ? undefined : untilItWorks();
  client = init(options(endpoint, held, tuned));
  await works;
}

export const run = trackRun;
export const playground = trackPlayground;
export const component = trackComponent;

export const flush = () => client.flush();
export const stats = () => client.stats();
