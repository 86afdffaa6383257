/** The page goes away: closed, navigated, crashed. */

import { assertRows } from "../harness/world.mjs";

/** What a run measured; `captured` by the pages' own account. */
function measured(world, captured, rows) {
  const { duplicates, requests } = world.proxy.counts();
  return { captured, rows: rows.length, duplicates, requests };
}

const captured = (snapshots) => snapshots.reduce((sum, stats) => sum + stats.captured, 0);

const close = (events, endpoint) => ({
  name: `tab closed after ${events} events, ${endpoint} endpoint`,
  async run(world) {
    const page = await world.open({ endpoint });
    await page.evaluate((count) => window.trackMany(0, count), events);
    await page.close();
    const rows = await world.rows(events + 2);
    assertRows(rows, { components: events });
    return measured(world, captured(await world.left()), rows);
  },
});

export const leaving = [1, 50, 500].flatMap((events) =>
  ["own", "foreign", "remote"].map((endpoint) => close(events, endpoint)),
);
