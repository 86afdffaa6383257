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

/** LFT_ONLY, a regular expression, chooses cases by their names. */
const only = new RegExp(process.env.LFT_ONLY ?? "");
const cases = [...leaving, ...network].filter(({ name }) => only.test(name));

describe("delivery", { concurrency: true }, () => {
  let browser;
  before(async () => {
    browser = await launch();
  });
  after(async () => {
    await browser.close();
    writeTable("delivery");
  });

  for (const { run, ...options } of cases)
    it(options.name, () => repeat(options, () => inWorld(browser, run)));
});
