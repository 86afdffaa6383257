/** Cases that need what WebDriver has and Playwright has not. */

import { SHUTDOWN, VERSION } from "../e2e/cases/leaving.mjs";
import { until } from "../e2e/harness/waiting.mjs";
import { assertRows, audit, measure } from "../e2e/harness/world.mjs";

/** Nothing leaves by itself while a test looks on, in ms and events. */
const NEVER = { flushIntervalMs: 600_000, maxBatchEvents: 1_000, maxBatchBytes: 61_440 };

/** Playwright keeps every page visible; WebDriver's other tab hides this one as a person's would. */
export const hiddenBehindTab = {
  name: "page hidden behind another tab with 200 events, and alive",
  async run(world) {
    const page = await world.open(NEVER);
    await page.evaluate(() => window.trackMany(0, 200));
    await world.newPage();
    await world.rows(200 + VERSION);
    await until(async () => (await audit(page)).sent === 200 + VERSION);
    await page.close();
    const rows = await world.rows(200 + VERSION + SHUTDOWN);
    assertRows(rows, { components: 200 });
    return measure(world, rows);
  },
};
