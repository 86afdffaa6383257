/**
 * One run of one case: a collector, a proxy in front of it, and a browser profile, all its own, so that runs can go
 * on side by side.
 */

import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { REMOTE_HOST } from "./browser.mjs";
import { startCollector } from "./collector.mjs";
import { allRows, countRows } from "./database.mjs";
import { temporaryFolder } from "./package.mjs";
import { startProxy } from "./proxy.mjs";
import { until } from "./waiting.mjs";

/** What pages tell their test on the console, see pages/app.mjs: their id, and how they were left. */
const HERE = "e2e:here ";
const LEFT = "e2e:left ";

/** So long without a request counts as quiet, in ms. */
const QUIET_MS = 1_500;

let folder;
let worlds = 0;

/**
 * Where the endpoint is, seen from the page: on its own origin (the proxy serves both), on another origin of this
 * machine, or on another machine. Chromium has deferred requests for the first two only, since the third is neither
 * https nor localhost; `offline` matters to the third only.
 */
export const ENDPOINTS = ["own", "foreign", "remote"];

/**
 * @param {import("playwright-core").Browser} browser
 * @param {(world: Awaited<ReturnType<typeof create>>) => Promise<T>} live
 * @returns {Promise<T>}
 * @template T
 */
export async function inWorld(browser, live) {
  const world = await create(browser);
  try {
    return await live(world);
  } catch (error) {
    error.message += `\n${await world.describe().catch(String)}`;
    throw error;
  } finally {
    await world.end();
  }
}

async function create(browser) {
  folder ??= temporaryFolder();
  const place = join(folder, String(++worlds));
  mkdirSync(place);
  const collector = await startCollector({ db: join(place, "events.db") });
  const proxy = await startProxy(collector);
  const context = await browser.newContext();
  /** What pages wrote to the console or threw: a page with telemetry is as quiet as one without. */
  const noise = [];

  const endpoints = {
    own: proxy.path,
    foreign: `http://localhost:${proxy.port}${proxy.path}`,
    remote: `http://${REMOTE_HOST}:${proxy.port}${proxy.path}`,
  };

  /** The address of a page with these options and headers. */
  const address = ({ endpoint = "own", headers = {}, path = "/app.html", ...options } = {}) => {
    const url = new URL(path, proxy.origin);
    url.searchParams.set("options", JSON.stringify({ endpoint: endpoints[endpoint], ...options }));
    url.searchParams.set("headers", JSON.stringify(headers));
    return url.href;
  };

  /** The page loads there were, by id, and what each said when it was left: the last word, of one left twice. */
  const left = new Map();
  context.on("weberror", (error) => noise.push(`threw: ${error.error().message}`));
  context.on("console", (message) => {
    const text = message.text();
    if (text.startsWith(HERE)) left.set(text.slice(HERE.length), undefined);
    else if (text.startsWith(LEFT)) {
      const report = JSON.parse(text.slice(LEFT.length));
      left.set(report.id, report);
    } else if (!/Failed to load resource|Content Security Policy/.test(text)) {
      // The browser's own words about a request that failed are the test's doing.
      noise.push(text);
    }
  });

  const newPage = () => context.newPage();

  /** Goes to a page; when it has loaded, its scripts have run. */
  const visit = async (page, options) => {
    await page.goto(address(options));
    assert.ok(await page.evaluate(() => window.ready), "the page's script has run to its end");
  };

  return {
    collector,
    proxy,
    context,
    noise,
    address,
    newPage,
    visit,

    /** Opens the page with telemetry, as a visit would. */
    async open(options) {
      const page = await newPage();
      await visit(page, options);
      return page;
    },

    /** What pages said when they were left: `{ stats, imbalances }` of each that was not killed. */
    async left() {
      const unheard = [...left].filter(([, report]) => !report).map(([id]) => `e2e:left:${id}`);
      if (unheard.length > 0) {
        const stored = await this.stored();
        const found = stored
          .filter(({ name }) => unheard.includes(name))
          .map(({ value }) => JSON.parse(value));
        for (const report of found) left.set(report.id, report);
      }
      return [...left.values()].filter(Boolean);
    },

    /** What is in localStorage: `[{ name, value }]`. Costs a page of its own. */
    async stored() {
      const { origins } = await context.storageState();
      return origins.flatMap(({ localStorage }) => localStorage);
    },

    /**
     * Waits until whatever still was under way has come: nothing new for a while. Only to measure how much came by
     * itself; no test fails by it.
     */
    async quiet() {
      let last = -1;
      await until(async () => {
        const { requests, under } = proxy.counts();
        const still = requests === last && under === 0;
        last = requests;
        if (!still) await sleep(QUIET_MS);
        return still;
      });
      return countRows(collector.db);
    },

    /** Waits for so many rows; then says what there is. */
    async rows(expected) {
      // A process for each look at the file: so not before it can be there.
      const found = async () => `${expected} rows; there are ${await countRows(collector.db)}`;
      await until(() => proxy.counts().unique >= expected, found);
      await until(async () => (await countRows(collector.db)) >= expected, found);
      return allRows(collector.db);
    },

    /** For an error: what became of everything. */
    async describe() {
      const pages = context.pages().filter((page) => page.url().includes("app.html"));
      const read = () => ({ stats: window.telemetry.stats(), diagnostics: window.diagnostics });
      const lives = await Promise.all(pages.map((page) => page.evaluate(read).catch(String)));
      const stored = await this.stored();
      return [
        `requests: ${JSON.stringify(proxy.counts())}`,
        ...proxy.log().map((entry) => `  ${JSON.stringify(entry)}`),
        `rows: ${await countRows(collector.db)}`,
        ...lives.map((life) => `page: ${JSON.stringify(life)}`),
        ...stored.map(({ name, value }) => `stored: ${name} = ${value.slice(0, 400).split("\n")[0]}`),
      ].join("\n");
    },

    async end() {
      await context.close();
      await proxy.stop();
      await collector.stop();
    },
  };
}

/** A page's stats, after having checked that its books were right whenever they were looked at. */
export async function audit(page) {
  const { stats, imbalances } = await page.evaluate(() => ({
    stats: window.audit(),
    imbalances: window.imbalances,
  }));
  assert.deepEqual(imbalances, [], "captured + recovered = sent + … + dropped, at every moment");
  return stats;
}

/**
 * What a run measured. `captured` is the pages' own account, as they gave it when they were left; `more` what pages
 * had captured that crashed and so gave none.
 */
export async function measure(world, rows, { more = 0, ...rest } = {}) {
  const left = await world.left();
  assert.deepEqual(
    left.flatMap(({ imbalances }) => imbalances),
    [],
    "captured + recovered = sent + … + dropped, at every moment",
  );
  assert.deepEqual(world.noise, [], "what the pages wrote to the console, or threw");
  const captured = left.reduce((sum, { stats }) => sum + stats.captured, more);
  const { duplicates, again, requests } = world.proxy.counts();
  return { captured, rows: rows.length, duplicates, again, requests, ...rest };
}

/**
 * Checks that the rows are exactly what was tracked: components C0 … C<components − 1>, each once, each as it was
 * given, and so many Version and Shutdown events.
 */
export function assertRows(rows, { components, version = 1, shutdown = 1, messageLength = 0 }) {
  const of = (event) => rows.filter((row) => row.event === event);
  assert.equal(of("version").length, version, "version events");
  assert.equal(of("shutdown").length, shutdown, "shutdown events");
  assert.equal(rows.length, components + version + shutdown, "rows");
  const found = of("component").sort((a, b) => a.seconds - b.seconds);
  assert.equal(found.length, components, "component events");
  found.forEach((row, number) => {
    assert.equal(row.name, `C${number}`);
    assert.equal(row.seconds, number / 1000);
    assert.equal(row.success, messageLength > 0 ? 0 : 1);
    assert.equal(row.error_message?.length ?? 0, messageLength);
  });
  // A session numbers its events from 0 without a gap: a gap would be a loss.
  for (const session of new Set(rows.map((row) => row.session))) {
    const numbers = rows.filter((row) => row.session === session).map((row) => row.seq);
    numbers.sort((a, b) => a - b);
    assert.deepEqual(numbers, [...numbers.keys()], `session ${session}`);
  }
}
