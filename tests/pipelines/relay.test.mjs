/** A relay on the page's own origin, as examples/pipelines has them, between a browser and the reference collector. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";

import { launch } from "../e2e/harness/browser.mjs";
import { startCollector } from "../e2e/harness/collector.mjs";
import { allRows, countRows } from "../e2e/harness/database.mjs";
import { temporaryFolder } from "../e2e/harness/package.mjs";
import { until } from "../e2e/harness/waiting.mjs";
import { startNginx, startVite } from "./servers.mjs";
import { APP, assertTracked, trackAll, visit } from "./visit.mjs";

/** Events that pile up while the collector is away: more than a megabyte, less than the queue's two. */
const BACKLOG = 8_000;

/** REQUEST_MAX of src/delivery.rs, in bytes: a backlog leaves in requests as large as that. */
const REQUEST_MAX = 384 * 1024;

const RELAYS = [
  {
    name: "nginx",
    start: ({ port }) => startNginx("nginx-collector.conf", [["127.0.0.1:8081", `127.0.0.1:${port}`]]),
  },
  {
    name: "Vite's server",
    start: ({ port }) => startVite([["127.0.0.1:8080", `127.0.0.1:${port}`]]),
  },
];

for (const { name, start } of RELAYS) {
  describe(`${name} between the page and the reference collector`, () => {
    let browser;
    let collector;
    let relay;
    before(async () => {
      browser = await launch();
      collector = await startCollector({ db: join(temporaryFolder(), "events.db") });
      relay = await start(collector);
    });
    after(async () => {
      await browser?.close();
      await relay?.stop();
      await collector?.stop();
    });

    it("passes on what a page sends, also when it is left", async () => {
      const { context, preflights, ...client } = await visit(browser, relay.url, { app: APP });
      await trackAll(client);
      assert.equal(await client.flush(), true);
      await client.leave();
      await until(async () => (await countRows(collector.db)) >= 8);
      await context.close();
      assert.deepEqual(preflights, []);
      assertTracked((await allRows(collector.db)).map(asOnTheWire));
    });

    it("tells the page when the collector is away, and the events come when it is back", async () => {
      const rows = await countRows(collector.db);
      await collector.kill();
      const { context, page, ...client } = await visit(browser, relay.url, {});
      await page.evaluate(() => window.trackMany(0, 20));
      assert.equal(await client.flush(), false);
      assert.equal((await client.stats()).sent, 0);
      await collector.restart();
      await until(async () => (await client.stats()).sent === 21);
      assert.equal(await countRows(collector.db), rows + 21);
      await context.close();
    });

    it("lets a backlog through: thousands of events, in few requests, and none is too large", async () => {
      await collector.kill();
      const { context, page, ...client } = await visit(browser, relay.url, {});
      const answers = [];
      context.on("response", (response) => {
        const request = response.request();
        if (request.method() !== "POST") return;
        const bytes = request.postDataBuffer()?.length ?? 0;
        answers.push({ status: response.status(), bytes });
      });
      await page.evaluate((events) => window.trackMany(0, events), BACKLOG);
      assert.equal(await client.flush(), false);
      await collector.restart();
      await until(async () => (await client.stats()).sent === BACKLOG + 1);
      const rows = await allRows(collector.db);
      const { session } = rows.find(({ name }) => name === `C${BACKLOG - 1}`);
      assert.equal(rows.filter((row) => row.session === session).length, BACKLOG + 1);
      const { dropped } = await client.stats();
      assert.deepEqual(Object.values(dropped).filter(Boolean), [], "nothing was dropped");
      const taken = () => answers.filter(({ status }) => status === 200);
      const bytes = () => taken().reduce((sum, answer) => sum + answer.bytes, 0);
      // The last answer may reach the page before the test hears of it.
      await until(bytes);
      const summary = JSON.stringify(answers);
      assert.equal(answers.filter(({ status }) => status === 413).length, 0, summary);
      assert.ok(
        taken().some((answer) => answer.bytes > REQUEST_MAX / 2),
        summary,
      );
      assert.ok(taken().length <= 2 * Math.ceil(bytes() / REQUEST_MAX), summary);
      await context.close();
    });
  });
}

const BOOLEANS = ["success", "isWebhook", "autoLogin", "backendOnly"];

/** A row as the event it was: names in camelCase, and only what is known. */
function asOnTheWire(row) {
  const known = Object.entries(row)
    .filter(([name, value]) => value !== null && name !== "arrival" && name !== "received_at")
    .map(([name, value]) => [name.replace(/_./g, (part) => part[1].toUpperCase()), value]);
  return Object.fromEntries(
    known.map(([name, value]) => [name, BOOLEANS.includes(name) ? value === 1 : value]),
  );
}
