/**
 * Datadog's browser logs.
 *
 * - Nothing is forwarded from the console or from errors, none of its own telemetry.
 * - Batches of 50 messages or 16 KiB, which is fixed.
 * - It takes 3,000 logs a minute, which is fixed too: see bundle.mjs, where that constant is raised. Otherwise most
 *   of a burst would be cheap because it is dropped.
 * - Flush: there is none but by leaving, so the page says that it leaves. That takes the last, unfilled batch; it
 *   goes by beacon.
 */

import { datadogLogs } from "@datadog/browser-logs";

export function start(endpoint) {
  datadogLogs.init({
    clientToken: "pub00000000000000000000000000000000",
    site: "datadoghq.com",
    service: "langflow",
    proxy: endpoint,
    forwardErrorsToLogs: false,
    telemetrySampleRate: 0,
    sessionSampleRate: 100,
    allowUntrustedEvents: true,
  });
}

const log = (name) => (context) => datadogLogs.logger.info(name, context);

export const run = log("run");
export const playground = log("playground");
export const component = log("component");

export function flush() {
  window.dispatchEvent(new Event("beforeunload"));
}
