import type { TelemetryOptions } from "langflow-telemetry/gateway";

// #region destination
/** Where this distribution's events go. The default is a path of Langflow's own backend, which passes them on. */
export const TELEMETRY: Pick<TelemetryOptions, "endpoint" | "format"> = {
  endpoint: import.meta.env.VITE_TELEMETRY_ENDPOINT ?? "/api/v1/telemetry",
  format: import.meta.env.VITE_TELEMETRY_FORMAT ?? "ndjson",
};
// #endregion
