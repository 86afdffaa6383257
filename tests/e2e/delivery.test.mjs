/**
 * What was captured arrives, once, whatever happens to the page, the network or the collector. Each case is run
 * LFT_REPEAT times; `make e2e N=20` writes the table that docs/delivery.md shows.
 */

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { leaving } from "./cases/leaving.mjs";
import { launch } from "./harness/browser.mjs";
import { repeat, writeTable } from "./harness/matrix.mjs";
import { inWorld } from "./harness/world.mjs";

describe("delivery", { concurrency: true }, () => {
  let browser;
  before(async () => {
    browser = await launch();
  });
  after(async () => {
    await browser.close();
    writeTable("delivery");
  });

  for (const { name, explains, run } of [...leaving]) {
    it(name, () =>
      repeat(
        name,
        () =>
          inWorld(browser, async (world) => {
            const measured = await run(world);
            assert.deepEqual(world.noise, [], "what the pages wrote to the console, or threw");
            const imbalances = (await world.left()).filter((stats) => stats.imbalance);
            assert.deepEqual(imbalances, [], "books that did not add up");
            return measured;
          }),
        explains,
      ),
    );
  }
});
