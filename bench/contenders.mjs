/** Who is measured, and how many of their events a request holds. */

import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";

const version = (name) =>
  JSON.parse(readFileSync(new URL(`node_modules/${name}/package.json`, import.meta.url), "utf8")).version;

const ours = JSON.parse(readFileSync(new URL("../pkg/package.json", import.meta.url), "utf8")).version;

const text = (body) => body.toString("utf8");
const json = (body) => JSON.parse(text(body));
const lines = (body) =>
  text(body)
    .split("\n")
    .filter((line) => line !== "");

/** Version and Shutdown are sent by themselves, and not part of the mix. */
const ourEvents = (body) =>
  lines(body).filter((line) => !/^\{"event":"(version|shutdown)"/.test(line)).length;

/** gzip begins with these two bytes. */
const isGzip = (body) => body[0] === 0x1f && body[1] === 0x8b;

/**
 * The answer to SDKs that send keepalive requests and never read what comes back. Their own receivers say `{}`; then
 * Chromium counts the request as under way until the garbage collector comes by, and refuses the next ones beyond
 * 64 KiB: seen here, a hundred events lost in most bursts. An answer without a body spares them that.
 */
const UNREAD = "";

/**
 * `file` of contenders/, with its `options`; `events` counts those in a request's body; `answer` is what its
 * receiver would say. `holds`: how many events it keeps without sending any, to be weighed.
 */
export const CONTENDERS = [
  { name: "nothing", label: "nothing", file: "nothing", events: () => 0 },
  {
    name: "floor",
    label: "floor: push, stringify, fetch",
    file: "floor",
    events: (body) => lines(body).length,
    answer: '{"accepted":1}',
    holds: 10_000,
  },
  {
    name: "ours",
    label: `langflow-telemetry ${ours}`,
    file: "ours",
    events: ourEvents,
    answer: '{"accepted":1,"duplicate":0,"rejected":0}',
    holds: 10_000,
    isOurs: true,
  },
  {
    name: "slim",
    label: `langflow-telemetry/slim ${ours}`,
    file: "slim",
    events: ourEvents,
    answer: '{"accepted":1,"duplicate":0,"rejected":0}',
    holds: 10_000,
    isOurs: true,
  },
  {
    name: "tuned",
    label: `langflow-telemetry ${ours}, full batches`,
    file: "ours",
    options: { tuned: true },
    events: ourEvents,
    answer: '{"accepted":1,"duplicate":0,"rejected":0}',
    holds: 10_000,
    isOurs: true,
  },
  {
    name: "opentelemetry",
    label: `OpenTelemetry sdk-logs ${version("@opentelemetry/sdk-logs")}`,
    file: "opentelemetry",
    events: (body) =>
      json(body)
        .resourceLogs.flatMap((resource) => resource.scopeLogs)
        .reduce((sum, scope) => sum + scope.logRecords.length, 0),
    answer: UNREAD,
    holds: 10_000,
    isSdk: true,
  },
  {
    name: "sentry",
    label: `@sentry/browser ${version("@sentry/browser")}`,
    file: "sentry",
    // An envelope: a header, then for each item a header and a line.
    events: (body) =>
      lines(body)
        .filter((line) => line.startsWith('{"type":"log"'))
        .reduce((sum, line) => sum + JSON.parse(line).item_count, 0),
    answer: UNREAD,
    holds: 90,
    isSdk: true,
  },
  {
    name: "posthog",
    label: `posthog-js ${version("posthog-js")}`,
    file: "posthog",
    events: (body) => {
      const given = json(isGzip(body) ? gunzipSync(body) : body);
      return given.batch.length;
    },
    answer: '{"status":"Ok"}',
    holds: 1_000,
    isSdk: true,
  },
  {
    name: "datadog",
    label: `@datadog/browser-logs ${version("@datadog/browser-logs")}`,
    file: "datadog",
    events: (body) => lines(body).length,
    answer: "{}",
    holds: 20,
    isSdk: true,
  },
  {
    name: "snowplow",
    label: `@snowplow/browser-tracker ${version("@snowplow/browser-tracker")}`,
    file: "snowplow",
    events: (body) => json(body).data.length,
    answer: "ok",
    holds: 1_000,
    isSdk: true,
  },
];
