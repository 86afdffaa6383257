/** `format: "gateway"`: what arrives at an HTTP server on another origin that has never heard of CORS. */

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { launch } from "../e2e/harness/browser.mjs";
import { until } from "../e2e/harness/waiting.mjs";
import { judge, startReceiver, startSite } from "./receiver.mjs";
import { APP, trackAll, visit } from "./visit.mjs";

describe("pings to a gateway", () => {
  let browser, site, gateway;
  before(async () => {
    browser = await launch();
    site = await startSite();
    gateway = await startReceiver((request, response) => response.end("ok"));
  });
  after(async () => {
    await browser?.close();
    site?.stop();
    gateway?.stop();
  });

  const open = (options) =>
    visit(browser, site.url, {
      format: "gateway",
      endpoint: `${gateway.url}/telemetry/`,
      app: APP,
      quiet: true,
      ...options,
    });
  const urls = () => gateway.requests.map(({ url }) => url);

  it("has a path, an order and types that Langflow's own models take", async () => {
    gateway.requests.length = 0;
    const began = Date.now();
    const page = await open({ clientType: "oss" });
    // At once: what is tracked before there was a Version has the facts in it all the same.
    await trackAll(page);
    assert.equal(await page.flush(), true);
    await page.leave();
    await until(() => urls().length >= 8);
    await page.context.close();
    for (const { method, headers, body } of gateway.requests) {
      assert.deepEqual([method, body], ["GET", ""]);
      assert.equal(headers["sec-fetch-mode"], "no-cors");
      assert.deepEqual([headers.cookie, headers.referer], [undefined, undefined]);
    }
    const pings = judge("gateway_models.py", urls(), "/telemetry");
    for (const ping of pings) {
      assert.equal(ping.clientType, "oss");
      const age = Date.parse(ping.timestamp) - began;
      assert.ok(age > -1_000 && age < 600_000, ping.timestamp);
      if (ping.path)
        assert.deepEqual(
          [ping.langflow_version, ping.platform, ping.os],
          [APP.version, "python_package", "linux"],
        );
    }
    const message = 'ValueError: "no"\n\tsuch \\ model: größer 模型 🦀';
    const own = pings.map(({ path, ...fields }) => {
      const names = Object.keys(fields).filter(
        (name) => path && name.startsWith(path) && fields[name] !== null,
      );
      return [path, ...names.map((name) => fields[name])];
    });
    assert.deepEqual(
      own.map((ping) => JSON.stringify(ping)).sort(),
      [
        '["component","ChatInput",0,true,""]',
        '["component","LanguageModel",9007199,false,""]',
        '["playground",0,0,false,"TimeoutError: -"]',
        '["playground",1834,5,true,""]',
        `["run",0,false,${JSON.stringify(message)}]`,
        '["run",true,2,true,""]',
        '["shutdown"]',
        '[""]',
      ].sort(),
    );
    const version = pings.find(({ path }) => path === "");
    for (const name of Object.keys(APP)) assert.deepEqual(version[name], APP[name]);
  });

  it("what waits for a late yes has the facts that come with it", async () => {
    gateway.requests.length = 0;
    const page = await open({ consent: "pending", flushIntervalMs: 100 });
    await trackAll(page);
    assert.deepEqual(urls(), []);
    await page.page.evaluate(() => window.telemetry.optIn());
    await until(() => urls().length >= 7);
    await page.context.close();
    const pings = judge("gateway_models.py", urls(), "/telemetry");
    assert.equal(pings.filter(({ path }) => path === "").length, 1);
    for (const { path, langflow_version, os } of pings)
      if (path) assert.deepEqual([langflow_version, os], [APP.version, "linux"]);
  });

  it("a URL stays below 2048 characters: what is cut is the message, between two characters of it", async () => {
    gateway.requests.length = 0;
    const page = await open();
    await page.page.evaluate(() =>
      window.telemetry.trackRun({ seconds: 1, success: false, errorMessage: "🦀".repeat(1_024) }),
    );
    assert.equal(await page.flush(), true);
    await page.leave();
    await until(() => urls().some((url) => url.includes("/run?")));
    await page.context.close();
    const url = gateway.url + urls().find((url) => url.includes("/run?"));
    assert.ok(url.length < 2048, `${url.length}`);
    const [{ runErrorMessage, langflow_version }] = judge(
      "gateway_models.py",
      urls().filter((url) => url.includes("/run?")),
      "/telemetry",
    );
    assert.match(runErrorMessage, /^(?:🦀){100,}$/u);
    assert.equal(langflow_version, APP.version);
  });

  it("a page that goes pings at once, and the next visit sends what it kept", async () => {
    gateway.requests.length = 0;
    const page = await open({ flushIntervalMs: 600_000 });
    // Version is out of the way: whether it leaves before the others is the machine's affair.
    assert.equal(await page.flush(), true);
    // In one task, so that none can have been sent before.
    await page.page.evaluate(() => {
      window.trackMany(0, 150);
      location.href = "about:blank";
    });
    const names = () => new Set(urls().flatMap((url) => /componentName=C(\d+)&/.exec(url)?.[1] ?? []));
    // Shutdown is among the 64 that may leave.
    await until(() => names().size >= 63);
    assert.equal(names().size, 63);
    await page.page.goto(
      `${site.url}/gateway.html?options=${encodeURIComponent(
        JSON.stringify({ format: "gateway", endpoint: `${gateway.url}/telemetry/`, app: APP, quiet: true }),
      )}`,
    );
    await until(
      () => names().size === 150,
      () => `${names().size} of 150`,
    );
    await page.context.close();
    const components = urls().filter((url) => url.includes("/component?"));
    assert.equal(components.length, 150, "none twice");
  });

  it("an endpoint with a query is refused", async () => {
    const { context, page, stats } = await open({ endpoint: `${gateway.url}/?a=b` });
    assert.deepEqual((await stats()).reason, "invalid_option");
    const [{ subject, message }] = await page.evaluate(() => window.diagnostics);
    assert.equal(subject, "endpoint");
    assert.ok(message.includes("without a query") && message.includes("?a=b"), message);
    await context.close();
    // The pings of the test before may still be coming in.
    assert.deepEqual(
      urls().filter((url) => url.includes("a=b")),
      [],
    );
  });
});
