/** langflow-telemetry with NDJSON alone: 1 KB less. */

import type { TelemetryClient, TelemetryOptions as AllOptions } from "./index.js";

export * from "./index.js";

export interface TelemetryOptions extends Omit<AllOptions, "format"> {
  /** How events are written down: one JSON object a line. */
  format?: "ndjson";
}

/** Makes the client that the functions below use, and returns it at once. A second call returns the same client. */
export function init(options: TelemetryOptions): TelemetryClient;
/** Makes a client of its own. */
export function createClient(options: TelemetryOptions): TelemetryClient;
