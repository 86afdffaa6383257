/**
 * The cases in which a page goes away, in Firefox: the same cases, pages, proxy and collector as in Chromium.
 * LFT_REPEAT times each; the table is written to tests/e2e/results/firefox.md.
 */

import { after, before, describe, it } from "node:test";

import { leaving } from "../e2e/cases/leaving.mjs";
import { repeat, writeTable } from "../e2e/harness/matrix.mjs";
import { inWorld } from "../e2e/harness/world.mjs";
import { hiddenBehindTab } from "./cases.mjs";
import { launch } from "./firefox.mjs";

const only = new RegExp(process.env.LFT_ONLY ?? "");

/**
 * What WebDriver cannot do: crash a renderer, run a script before the page's own, let a window close itself. "Remote"
 * differs only where there is `fetchLater`. What Firefox does not keep, docs/browsers.md says: 5,000 events in a tab that is closed at
 * once, a foreign endpoint then.
 */
const NOT_HERE = /crashed|500-byte|remote|foreign|window\.close|at-most-once|5,000|three tabs/;

const cases = [...leaving.filter(({ name }) => !NOT_HERE.test(name)), hiddenBehindTab].filter(({ name }) =>
  only.test(name),
);

describe("Firefox", () => {
  let browser;
  before(async () => {
    browser = await launch();
  });
  after(async () => {
    await browser.close();
    writeTable("firefox");
  });

  // One tab at a time has WebDriver's attention.
  for (const { run, ...options } of cases)
    it(options.name, () => repeat({ ...options, alone: true }, () => inWorld(browser, run)));
});
