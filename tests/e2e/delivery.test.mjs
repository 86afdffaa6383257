/**
 * What was captured arrives, once, whatever happens to the page, the network or the collector. Each case is run
 * LFT_REPEAT times; `make e2e N=20` writes the table that docs/delivery.md shows.
 */

import { after, before, describe, it } from "node:test";

import { leaving } from "./cases/leaving.mjs";
import { network } from "./cases/network.mjs";
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

  const only = new RegExp(process.env.LFT_ONLY ?? "");
  for (const { name, explains, run } of [...leaving, ...network].filter((one) => only.test(one.name))) {
    it(name, () => repeat(name, () => inWorld(browser, run), explains));
  }
});
