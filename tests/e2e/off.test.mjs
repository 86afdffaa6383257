/** Off is off: no request, no storage, no listener, no timer, no WebAssembly; and after an end, none that is left. */

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { launch } from "./harness/browser.mjs";
import { until } from "./harness/waiting.mjs";
import { watch } from "./harness/watcher.mjs";
import { assertRows, inWorld } from "./harness/world.mjs";

const NOTHING = { listeners: [], added: [], timers: 0, storage: [], wasm: 0, requests: [], locks: 0 };

describe("off", { concurrency: true }, () => {
  let browser;
  before(async () => {
    browser = await launch();
  });
  after(() => browser.close());

  /** A page with the client, watched. */
  async function watched(world, options) {
    const page = await world.newPage();
    await watch(page, "/lt/");
    await world.visit(page, options);
    return page;
  }

  for (const doNotTrack of [true, "1", "true", "TRUE", "yes", " On "]) {
    it(`doNotTrack ${JSON.stringify(doNotTrack)}: nothing is touched, whatever is called`, () =>
      inWorld(browser, async (world) => {
        const page = await watched(world, { doNotTrack, quiet: true });
        assert.deepEqual(await page.evaluate(() => window.touched), NOTHING, "by init");
        const { stats, answers } = await page.evaluate(async () => {
          const { telemetry } = window;
          window.trackMany(0, 100, 200);
          telemetry.startRun().end({ success: true });
          telemetry.optIn();
          const answers = [await telemetry.flush(), await telemetry.shutdown()];
          return { answers, stats: telemetry.stats() };
        });
        assert.equal(stats.state, "off");
        assert.equal(stats.reason, "do_not_track");
        assert.equal(stats.captured, 0);
        assert.deepEqual(answers, [true, undefined]);
        assert.deepEqual(await page.evaluate(() => window.touched), NOTHING, "by calls");
        await page.close();
        assert.equal(world.proxy.counts().requests, 0);
        assert.deepEqual((await world.context.storageState()).origins, []);
        assert.deepEqual(world.noise, []);
      }));
  }

  it("what an earlier visit left is purged by a visit with do-not-track", () =>
    inWorld(browser, async (world) => {
      world.proxy.fail(() => ({ status: 503 }));
      const earlier = await world.open();
      await earlier.evaluate(() => window.trackMany(0, 40));
      await earlier.close();
      assert.ok(
        (await world.stored()).some(({ name }) => name.startsWith("langflow-telemetry:")),
        "something is left",
      );
      world.proxy.fail();
      const before = world.proxy.counts().requests;
      const page = await world.open({ doNotTrack: true, quiet: true });
      await page.close();
      assert.deepEqual(
        (await world.stored()).filter(({ name }) => name.startsWith("langflow-telemetry")),
        [],
      );
      assert.equal(world.proxy.counts().requests, before);
    }));

  for (const [way, end] of [
    ["shutdown()", () => window.telemetry.shutdown()],
    ["optOut()", () => window.telemetry.optOut()],
  ]) {
    it(`${way} removes every listener, and no timer works on`, () =>
      inWorld(browser, async (world) => {
        // Nothing leaves before the end comes, however slow the machine is.
        const page = await watched(world, { quiet: true, flushIntervalMs: 600_000 });
        await page.evaluate(() => window.trackMany(0, 10));
        // The watcher sees a client that is on: so what it does not see elsewhere is not there.
        const during = await page.evaluate(() => structuredClone(window.touched));
        assert.ok(during.listeners.includes("visibilitychange") && during.listeners.includes("pagehide"));
        assert.ok(during.wasm > 0 && during.timers > 0 && during.locks > 0);
        await page.evaluate(end);
        assert.deepEqual(await page.evaluate(() => window.touched.listeners), []);

        // Whatever was under way has had its time when something that starts later has ended.
        const { timers, requests } = await page.evaluate(() => structuredClone(window.touched));
        await page.evaluate(() => window.trackMany(10, 100));
        await page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 1_500)));
        const later = await page.evaluate(() => structuredClone(window.touched));
        assert.equal(later.timers, timers);
        assert.deepEqual(later.requests, requests);
        await page.close();

        if (way === "shutdown()") assertRows(await world.rows(12), { components: 10 });
        else {
          const kept = await world.stored();
          assert.deepEqual(
            kept.map(({ name }) => name),
            ["langflow-telemetry:opt-out"],
          );
          await until(() => world.proxy.counts().under === 0);
          assert.equal(world.proxy.counts().requests, 0);
        }
      }));
  }
});
