/** langflow-telemetry with every format, Langflow's own gateway's among them. */

import type { TelemetryClient, TelemetryOptions as AllOptions } from "./index.js";

export * from "./index.js";

export interface TelemetryOptions extends Omit<AllOptions, "format"> {
  /**
   * How events are written down: see the default entry. `"gateway"`: the GET pings of Langflow's own gateway, one an event;
   * its endpoint may have no query.
   */
  format?: "ndjson" | "otlp" | "gateway";
}

/** Makes the client that the functions below use, and returns it at once. A second call returns the same client. */
export function init(options: TelemetryOptions): TelemetryClient;
/** Makes a client of its own. */
export function createClient(options: TelemetryOptions): TelemetryClient;
