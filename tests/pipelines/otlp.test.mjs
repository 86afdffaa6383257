/** `format: "otlp"`: what a collector on another origin gets, read by OpenTelemetry's own parser. */

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { launch } from "../e2e/harness/browser.mjs";
import { until } from "../e2e/harness/waiting.mjs";
import { judge, startReceiver, startSite } from "./receiver.mjs";
import { textOf } from "./servers.mjs";
import { APP, assertTracked, trackAll, visit } from "./visit.mjs";

/** Longer than the first wait that the client would choose by itself, which is a second at most. */
const RETRY_AFTER_S = 3;

/** The clocks of this process and the browser may read some ms apart. */
const CLOCKS_MS = 50;

/** The origin that the example allows; a test's own takes its place. */
const EXAMPLE_ORIGIN = "https://app.example.com";

/** What `cors:` of examples/pipelines/otelcol.yaml has: lists and single values by name. Of YAML it reads no more. */
function corsOfExample() {
  const [block] = /^( *)cors:\n(?:\1 .*\n)+/m.exec(textOf("examples/pipelines/otelcol.yaml"));
  const cors = {};
  let last;
  for (const line of block.split("\n").slice(1)) {
    const [, name, value] = /^ *([a-z_]+):(.*)$/.exec(line) ?? [];
    const [, item] = /^ *- (.+)$/.exec(line) ?? [];
    if (name) cors[(last = name)] = value.trim() || [];
    else if (item) cors[last].push(item);
  }
  assert.deepEqual(cors.allowed_origins, [EXAMPLE_ORIGIN]);
  return cors;
}

/**
 * Answers as a Collector with these settings does: only to origins and headers that they have. Says whether that was a
 * preflight.
 */
function answerCors(cors, { method, headers }, response) {
  const asked = headers["access-control-request-headers"]?.split(",") ?? [];
  const allowed = cors.allowed_headers.map((name) => name.toLowerCase());
  const isKnown = cors.allowed_origins.includes(headers.origin);
  if (isKnown && asked.every((name) => allowed.includes(name.trim()))) {
    response.setHeader("access-control-allow-origin", headers.origin);
    if (method === "OPTIONS") {
      response.setHeader("access-control-allow-headers", asked.join());
      response.setHeader("access-control-max-age", cors.max_age);
    } else response.setHeader("access-control-expose-headers", cors.exposed_headers.join());
  }
  return method === "OPTIONS";
}

describe("otlp to a collector on another origin, with the CORS of examples/pipelines/otelcol.yaml", () => {
  let browser, site, collector;
  let partial = {};
  /** How the next request is answered, once, in place of 200. */
  let next;
  before(async () => {
    browser = await launch();
    site = await startSite();
    const cors = corsOfExample();
    cors.allowed_origins = [site.url];
    collector = await startReceiver((request, response) => {
      if (answerCors(cors, request, response)) return response.writeHead(204).end();
      const { status, headers } = next ?? { status: 200, headers: {} };
      next = undefined;
      response.writeHead(status, { "content-type": "application/json", ...headers });
      response.end(JSON.stringify(partial));
    });
  });
  after(async () => {
    await browser?.close();
    site?.stop();
    collector?.stop();
  });

  const open = (options, from = site) =>
    visit(browser, from.url, {
      format: "otlp",
      endpoint: `${collector.url}/v1/logs`,
      app: APP,
      quiet: true,
      ...options,
    });
  const requests = (wanted) => collector.requests.filter(({ method }) => method === wanted);
  const bodies = () => requests("POST").map(({ body }) => body);
  /** The last of a page: closed at once, its Shutdown may come while the next test counts requests. */
  async function leave(page) {
    await page.leave();
    await until(() => bodies().join().includes("langflow.shutdown"));
    await page.context.close();
  }
  /** A body is one line but for what is between its records. */
  const records = () =>
    judge(
      "otlp_parser.py",
      bodies().map((body) => body.replaceAll("\n", " ")),
    );

  it("every body is a request by OpenTelemetry's own types, and every event is in it", async () => {
    collector.requests.length = 0;
    partial = {};
    const page = await open();
    await trackAll(page);
    assert.equal(await page.flush(), true);
    await leave(page);
    for (const { headers } of requests("POST")) assert.equal(headers["content-type"], "application/json");
    const read = records();
    const events = read.map(({ name, time, attributes }) => ({
      event: name.replace("langflow.", ""),
      time: time / 1e6,
      ...Object.fromEntries(
        Object.entries(attributes).map(([key, [, value]]) => [
          key.replace("langflow.", "").replace(/_./g, (part) => part[1].toUpperCase()),
          value,
        ]),
      ),
    }));
    assertTracked(events.sort((a, b) => a.seq - b.seq));
    const kinds = { seq: "int", component_count: "int", seconds: "double", success: "bool", name: "string" };
    for (const { severity, attributes, resource } of read) {
      for (const [name, kind] of Object.entries(kinds)) {
        const attribute = attributes[`langflow.${name}`];
        if (attribute) assert.equal(attribute[0], kind, name);
      }
      const failed = attributes["langflow.success"]?.[1] === false;
      assert.deepEqual(
        severity,
        failed ? ["SEVERITY_NUMBER_ERROR", "ERROR"] : ["SEVERITY_NUMBER_INFO", "INFO"],
      );
      assert.deepEqual(resource["service.name"], ["string", APP.package]);
      assert.deepEqual(resource["service.version"], ["string", APP.version]);
      assert.deepEqual(resource["telemetry.sdk.name"], ["string", "langflow-telemetry"]);
      assert.deepEqual(resource["os.name"], ["string", "Linux"]);
    }
  });

  it("what a collector refuses in part is counted as rejected", async () => {
    collector.requests.length = 0;
    const page = await open({ flushIntervalMs: 600_000 });
    partial = {};
    await page.flush();
    partial = { partialSuccess: { rejectedLogRecords: "2", errorMessage: "no" } };
    await trackAll(page);
    assert.equal(await page.flush(), false);
    const { sent, dropped, queued } = await page.stats();
    partial = {};
    await leave(page);
    assert.deepEqual({ sent, rejected: dropped.rejected, queued }, { sent: 5, rejected: 2, queued: 0 });
  });

  it("the wait that a collector asks for is heard: the header is exposed", async () => {
    collector.requests.length = 0;
    next = { status: 429, headers: { "retry-after": `${RETRY_AFTER_S}` } };
    const page = await open();
    await until(async () => (await page.stats()).sent === 1);
    const [first, second] = requests("POST").map(({ at }) => at);
    await leave(page);
    assert.ok(second - first >= RETRY_AFTER_S * 1000 - CLOCKS_MS, `came again after ${second - first} ms`);
  });

  it("a page of another origin gets nothing in, and keeps it", async () => {
    collector.requests.length = 0;
    const elsewhere = await startSite();
    const page = await open({}, elsewhere);
    assert.equal(await page.flush(), false);
    const { captured, sent, queued, inFlight } = await page.stats();
    await page.context.close();
    elsewhere.stop();
    // It may be trying again just then.
    assert.deepEqual({ captured, sent, kept: queued + inFlight }, { captured: 1, sent: 0, kept: 1 });
    assert.ok(requests("OPTIONS").length > 0, "the browser asked");
    assert.deepEqual(requests("POST"), []);
  });
});
