/**
 * langflow-telemetry without the wasm inside: the caller says where it is.
 *
 * Events tracked before it has come are held; a page that is closed before that loses them. Where that matters,
 * pass bytes or a compiled module, or use the main entry.
 */

import type { TelemetryClient, TelemetryOptions } from "./index.js";

export * from "./index.js";

export interface SlimOptions extends TelemetryOptions {
  /** Where `langflow-telemetry/langflow_telemetry.wasm` is, or itself. */
  wasm: string | URL | Response | Promise<Response> | ArrayBuffer | ArrayBufferView | WebAssembly.Module;
}

/** Makes the client that the functions below use, and returns it at once. A second call returns the same client. */
export function init(options: SlimOptions): TelemetryClient;
/** Makes a client of its own. */
export function createClient(options: SlimOptions): TelemetryClient;
