/** `format: "otlp"`: what a collector on another origin gets, read by OpenTelemetry's own parser. */

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { launch } from "../e2e/harness/browser.mjs";
import { until } from "../e2e/harness/waiting.mjs";
import { judge, startReceiver, startSite } from "./receiver.mjs";
import { APP, assertTracked, trackAll, visit } from "./visit.mjs";

describe("otlp to a collector on another origin", () => {
  let browser, site, collector;
  let partial = {};
  before(async () => {
    browser = await launch();
    site = await startSite();
    // As docs/pipelines.md has a Collector's CORS.
    collector = await startReceiver(({ method, headers }, response) => {
      response.setHeader("access-control-allow-origin", headers.origin ?? "");
      response.setHeader("access-control-allow-headers", "content-type");
      response.setHeader("content-type", "application/json");
      response.end(method === "OPTIONS" ? "" : JSON.stringify(partial));
    });
  });
  after(async () => {
    await browser?.close();
    site?.stop();
    collector?.stop();
  });

  const open = (options) =>
    visit(browser, site.url, {
      format: "otlp",
      endpoint: `${collector.url}/v1/logs`,
      app: APP,
      quiet: true,
      ...options,
    });
  const bodies = () => collector.requests.filter(({ method }) => method === "POST").map(({ body }) => body);
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
    await page.leave();
    await until(() => bodies().join().includes("langflow.shutdown"));
    await page.context.close();
    for (const { method, headers } of collector.requests)
      if (method === "POST") assert.equal(headers["content-type"], "application/json");
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
    await page.context.close();
    assert.deepEqual({ sent, rejected: dropped.rejected, queued }, { sent: 5, rejected: 2, queued: 0 });
  });
});
