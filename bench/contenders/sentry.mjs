/**
 * Sentry's browser SDK, by its structured logs: the part of it that batches (an event of its other kinds is a
 * request each, which would be no match).
 *
 * - No default integrations: nothing listens to clicks, fetches, the console.
 * - Batches of 100 logs, which is fixed. As many requests at a time as a burst of 10,000 makes (100): by default
 *   those beyond 64 are dropped.
 * - Flush: `Sentry.flush()`.
 */

import * as Sentry from "@sentry/browser";

export function start(endpoint) {
  const dsn = new URL(endpoint);
  dsn.username = "public";
  Sentry.init({
    dsn: `${dsn.href}/1`,
    defaultIntegrations: false,
    enableLogs: true,
    transportOptions: { bufferSize: 1024 },
  });
}

const log = (name) => (attributes) => Sentry.logger.info(name, attributes);

export const run = log("run");
export const playground = log("playground");
export const component = log("component");

export const flush = () => Sentry.flush();
