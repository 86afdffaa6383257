/** The demo page as it was built, served by the real collector: a flow is run, and its rows are read field by field. */

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";

import { launch } from "./harness/browser.mjs";
import { startCollector } from "./harness/collector.mjs";
import { allRows } from "./harness/database.mjs";
import { temporaryFolder } from "./harness/package.mjs";
import { until } from "./harness/waiting.mjs";
import { watch } from "./harness/watcher.mjs";

const WWW = process.env.WWW ?? fileURLToPath(new URL("../../www/dist", import.meta.url));

const COMPONENTS = ["ChatInput", "Prompt", "LanguageModel", "Parser", "ChatOutput"];

/** Node's names for processors, and the client's. */
const ARCHITECTURES = { x64: "x86_64", arm64: "arm64", ia32: "x86", arm: "arm" };

/** Every column of a row; each test names those that are not NULL. */
const EMPTY = {
  sample_rate: null,
  seconds: null,
  success: null,
  error_message: null,
  name: null,
  component_count: null,
  is_webhook: null,
  time_running: null,
  package: null,
  version: null,
  platform: null,
  python: null,
  arch: null,
  auto_login: null,
  cache_type: null,
  backend_only: null,
};

describe("the playground", () => {
  let browser;
  let collector;
  let context;
  let page;
  let began;
  let noise;

  before(async () => {
    if (!existsSync(join(WWW, "index.html"))) throw new Error(`${WWW} holds no page: run \`make www\`.`);
    collector = await startCollector({ db: join(temporaryFolder(), "events.db"), www: WWW });
    browser = await launch();
  });
  after(async () => {
    await browser?.close();
    await collector?.stop();
  });

  /** A visit of its own to the page. */
  async function visit(query) {
    await context?.close();
    context = await browser.newContext();
    page = await context.newPage();
    noise = [];
    page.on("pageerror", (error) => noise.push(error.message));
    page.on("console", (message) => noise.push(message.text()));
    began = Date.now();
    await page.goto(`${collector.url}/?${query}`);
    await page.getByTestId("run-button").waitFor();
  }

  const flow = async () => {
    await page.getByTestId("run-button").click();
    await page.locator('[data-testid="run-status"]:is([data-state="done"], [data-state="failed"])').waitFor();
  };

  /** Rows that came since the visit began, without what differs from run to run; that is checked by itself. */
  async function rowsOfVisit(expected) {
    const ofVisit = async () => (await allRows(collector.db)).filter((row) => row.received_at >= began);
    const rows = await until(async () => {
      const found = await ofVisit();
      return found.length >= expected && found;
    });
    const [{ session }] = rows;
    assert.match(session, /^[0-9a-v]{12}$/);
    return rows.map(({ arrival, received_at, time, seq, ...row }) => {
      assert.ok(arrival > 0);
      assert.equal(row.session, session, "one page load, one session");
      assert.equal(row.client_type, "browser");
      assert.ok(time >= began && time <= received_at, "happened after the visit began, arrived after that");
      delete row.session;
      delete row.client_type;
      return { seq, row };
    });
  }

  /** The fields of all rows in the order of their numbers, which have no gap. */
  function inOrder(rows) {
    rows.sort((a, b) => a.seq - b.seq);
    assert.deepEqual(
      rows.map(({ seq }) => seq),
      [...rows.keys()],
    );
    return rows.map(({ row }) => row);
  }

  const isDuration = (seconds) => {
    assert.ok(seconds > 0 && seconds < 60, `${seconds} s`);
    assert.equal(seconds, Math.round(seconds * 1000) / 1000, "whole milliseconds");
  };

  const version = {
    ...EMPTY,
    event: "version",
    package: "langflow",
    version: "1.13.0",
    platform: "Linux",
    arch: ARCHITECTURES[process.arch],
    auto_login: 1,
    cache_type: "async",
    backend_only: 0,
  };

  it("delivers a flow run, field by field", async () => {
    await visit("");
    await until(async () => (await page.getByTestId("stat-captured").getAttribute("data-value")) === "1");
    await flow();
    await page.getByTestId("flush-button").click();
    const rows = inOrder(await rowsOfVisit(8));
    const timed = rows.map(({ seconds, ...row }) => {
      if (row.event !== "version") isDuration(seconds);
      return { ...row, seconds: null };
    });
    assert.deepEqual(timed, [
      version,
      ...COMPONENTS.map((name) => ({ ...EMPTY, event: "component", name, success: 1 })),
      { ...EMPTY, event: "run", success: 1, is_webhook: 0 },
      { ...EMPTY, event: "playground", success: 1, component_count: 5 },
    ]);
    const of = (event) => rows.filter((row) => row.event === event);
    const sum = of("component").reduce((total, { seconds }) => total + seconds, 0);
    assert.ok(of("run")[0].seconds >= sum - 0.003, "a run takes as long as its components, but for rounding");
    assert.deepEqual(noise, []);
  });

  it("delivers a failure, its message scrubbed", async () => {
    await visit("fail=LanguageModel");
    await page.getByTestId("fail-switch").click();
    await flow();
    await page.getByTestId("flush-button").click();
    const rows = inOrder(await rowsOfVisit(6)).filter((row) => row.event !== "version");
    assert.deepEqual(
      rows.map(({ event, name, success }) => [event, name, success]),
      [
        ["component", "ChatInput", 1],
        ["component", "Prompt", 1],
        ["component", "LanguageModel", 0],
        ["run", null, 0],
        ["playground", null, 0],
      ],
    );
    for (const { success, error_message: message } of rows) {
      if (success) assert.equal(message, null);
      else {
        assert.match(message, /^RateLimitError: 429 for /);
        assert.doesNotMatch(message, /ada|lovelace|k-20250131/);
      }
    }
  });

  it("delivers what the page gives by hand, value by value", async () => {
    await visit("expose=1");
    await page.evaluate(async () => {
      const { flush, trackComponent, trackPlayground, trackRun } = window.langflowTelemetry;
      trackRun({ isWebhook: true, seconds: 1.25, success: true });
      trackRun({ seconds: 0, success: false });
      trackPlayground({ seconds: 2.4, componentCount: 5, success: true });
      trackComponent({
        name: "Prompt Template",
        seconds: 0.4217,
        success: false,
        errorMessage: "Äpfel → 🍎",
      });
      await flush();
    });
    const rows = inOrder(await rowsOfVisit(5)).filter((row) => row.event !== "version");
    assert.deepEqual(rows, [
      { ...EMPTY, event: "run", seconds: 1.25, success: 1, is_webhook: 1 },
      { ...EMPTY, event: "run", seconds: 0, success: 0 },
      { ...EMPTY, event: "playground", seconds: 2.4, success: 1, component_count: 5 },
      {
        ...EMPTY,
        event: "component",
        name: "Prompt Template",
        seconds: 0.422,
        success: 0,
        error_message: "Äpfel → 🍎",
      },
    ]);
  });

  it("tells how long the page ran, when its tab is closed", async () => {
    await visit("");
    const opened = performance.now();
    await until(async () => (await page.getByTestId("stat-captured").getAttribute("data-value")) === "1");
    const least = (performance.now() - opened) / 1000;
    await page.close();
    const rows = inOrder(await rowsOfVisit(2));
    assert.ok(rows[1].time_running >= least && rows[1].time_running <= (Date.now() - began) / 1000);
    assert.deepEqual(rows, [version, { ...EMPTY, event: "shutdown", time_running: rows[1].time_running }]);
  });

  it("with do-not-track runs all the same, and sends and stores nothing", async () => {
    await context?.close();
    context = await browser.newContext();
    page = await context.newPage();
    const sent = [];
    page.on("request", (request) => request.method() === "POST" && sent.push(request.url()));
    await watch(page, "/assets/");
    await page.goto(`${collector.url}/?dnt=1`);
    const before = (await allRows(collector.db)).length;
    await flow();
    const touched = await page.evaluate(() => window.touched);
    await page.goto("about:blank");
    assert.deepEqual(sent, []);
    assert.equal(touched.wasm, 0, "WebAssembly");
    assert.deepEqual(touched.storage, [], "storage");
    assert.deepEqual(
      touched.listeners.filter((name) => ["pagehide", "pageshow", "freeze", "storage"].includes(name)),
      [],
      "listeners that only a client has",
    );
    assert.deepEqual((await context.storageState()).origins, []);
    assert.equal((await allRows(collector.db)).length, before);
  });
});
