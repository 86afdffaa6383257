/** The real collector and a real browser, shared by the apps of one test file. An app is told apart by its events. */

import assert from "node:assert/strict";
import { join } from "node:path";

import { launch } from "../../e2e/harness/browser.mjs";
import { startCollector } from "../../e2e/harness/collector.mjs";
import { query } from "../../e2e/harness/database.mjs";
import { temporaryFolder } from "../../e2e/harness/package.mjs";
import { DEADLINE_MS, until } from "../../e2e/harness/waiting.mjs";

/** Chromium's own words on a page that has no icon, and React's on every page that it is developed in. */
const NOT_OURS = /^Failed to load resource|Download the React DevTools/;

export async function startReceiver() {
  const collector = await startCollector({ db: join(temporaryFolder(), "events.db") });
  const browser = await launch();
  return {
    endpoint: `${collector.url}/v1/events`,

    /**
     * Opens a page in a profile of its own. `noise` is what it threw or wrote to its console, less what `expected`
     * fits; `requests()` are those that it made for the endpoint.
     *
     * @param {string} address
     * @param {{ expected?: RegExp, before?: () => void }} options `before` runs ahead of the page's own scripts.
     */
    async open(address, { expected = NOT_OURS, before } = {}) {
      const context = await browser.newContext();
      // A dev server compiles while the page waits.
      context.setDefaultTimeout(DEADLINE_MS);
      const noise = [];
      context.on("weberror", (error) => noise.push(`threw: ${error.error().stack}`));
      context.on("console", (message) => {
        if (!expected.test(message.text())) noise.push(`${message.type()}: ${message.text()}`);
      });
      const sent = [];
      context.on("request", (request) => sent.push(request.url()));
      const page = await context.newPage();
      if (before) await page.addInitScript(before);
      await page.goto(address);
      return {
        page,
        noise,
        requests: () => sent.filter((url) => url.startsWith(collector.url)),
        close: () => context.close(),
      };
    },

    /** The rows of one app: of each session in which a component of this name was tracked. */
    rows: (name) => rowsOf(collector.db, name),

    /**
     * Waits for so many rows of this app, and returns them in the order of their events.
     *
     * @param {string} name
     * @param {number | ((rows: Record<string, unknown>[]) => boolean)} expected
     */
    async arrived(name, expected) {
      const enough = typeof expected === "function" ? expected : (rows) => rows.length >= expected;
      let rows = [];
      await until(
        async () => enough((rows = await rowsOf(collector.db, name))),
        () => `rows of ${name}; there are ${JSON.stringify(rows)}`,
      );
      return rows;
    },

    async stop() {
      await browser.close();
      await collector.stop();
    },
  };
}

async function rowsOf(db, name) {
  assert.match(name, /^\w+$/);
  return query(
    db,
    `SELECT * FROM events WHERE session IN (SELECT session FROM events WHERE name = '${name}') ORDER BY time, seq`,
  );
}
