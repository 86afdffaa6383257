/**
 * Where this page meets its telemetry: the options, and the calls for what is no component. Components have
 * `useTelemetry`.
 */
import * as telemetry from "langflow-telemetry";
import type { TelemetryOptions } from "langflow-telemetry";

import { doNotTrack, endpoint, expose } from "./address";

declare global {
  interface Window {
    /** With `?expose=1` only. */
    langflowTelemetry?: typeof telemetry;
  }
}

/** For the provider in main.tsx. */
export const options: TelemetryOptions = {
  endpoint,
  doNotTrack,
  app: { package: "langflow", version: "1.13.0", autoLogin: true, cacheType: "async", backendOnly: false },
};

if (expose) window.langflowTelemetry = { ...telemetry };

export { startComponent, startPlayground, startRun, stats } from "langflow-telemetry";
export type { DropReason, Stats } from "langflow-telemetry";
