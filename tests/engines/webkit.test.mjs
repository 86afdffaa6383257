/** WebKitGTK: a page is loaded, tracks, is closed, and all of it arrives. */

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { SHUTDOWN, VERSION } from "../e2e/cases/leaving.mjs";
import { assertRows, inWorld } from "../e2e/harness/world.mjs";
import { launch } from "./webkit.mjs";

describe("WebKitGTK", () => {
  let browser;
  before(async () => {
    browser = await launch();
  });
  after(() => browser.close());

  it("a page tracks, and is closed", () =>
    inWorld(browser, async (world) => {
      const page = await world.open({ flushIntervalMs: 100 });
      await page.evaluate(() => window.trackMany(0, 20));
      await world.rows(20 + VERSION);
      assert.equal(await page.evaluate(() => window.telemetry.stats().state), "on");
      await page.close();
      assertRows(await world.rows(20 + VERSION + SHUTDOWN), { components: 20 });
    }));
});
