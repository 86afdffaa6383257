/** The one place where this page meets its telemetry. Components import from here, not from the package. */
import * as telemetry from "langflow-telemetry";

import { doNotTrack, endpoint, expose } from "./address";

declare global {
  interface Window {
    /** With `?expose=1` only. */
    langflowTelemetry?: typeof telemetry;
  }
}

telemetry.init({
  endpoint,
  doNotTrack,
  app: { package: "langflow", version: "1.13.0", autoLogin: true, cacheType: "async", backendOnly: false },
});

if (expose) window.langflowTelemetry = { ...telemetry };

export { flush, optIn, optOut, startComponent, startPlayground, startRun, stats } from "langflow-telemetry";
export type { DropReason, Stats } from "langflow-telemetry";
