/**
 * Snowplow's browser tracker, by self-describing events.
 *
 * - Batches of 50 events (by default each is a request), at most 40,000 bytes as by default.
 * - Events wait in memory: by default each is written to localStorage, all of them each time.
 * - No cookies, no session, no page context.
 * - Flush: `flushBuffer()`.
 */

import { flushBuffer, newTracker, trackSelfDescribingEvent } from "@snowplow/browser-tracker";

export function start(endpoint, { held }) {
  const { origin, pathname } = new URL(endpoint);
  newTracker("bench", origin, {
    appId: "langflow",
    postPath: `${pathname}/tp2`,
    bufferSize: held ? 20_000 : 50,
    maxLocalStorageQueueSize: 20_000,
    useLocalStorage: false,
    stateStorageStrategy: "none",
    anonymousTracking: true,
    contexts: {},
  });
}

const track = (name) => {
  const schema = `iglu:org.langflow/${name}/jsonschema/1-0-0`;
  return (data) => trackSelfDescribingEvent({ event: { schema, data } });
};

export const run = track("run");
export const playground = track("playground");
export const component = track("component");

export function flush() {
  flushBuffer();
}
