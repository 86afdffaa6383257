/** One visit: a fresh page in a fresh process, one contender, from its import to its last burst. */

import { windows } from "./trace.mjs";

/** Longest wait for events to arrive, in ms: a slow SDK on a busy machine needs many seconds for 10,000. */
const ARRIVAL_MS = 90_000;

/** How long the page may still work on answers that the receiver has given, in ms, before a burst counts as over. */
const SETTLE_MS = 60;

/** How long the page may still work after it says that it is ready, in ms. */
const READY_MS = 150;

/** Bursts in one visit: what is not recorded warms the page up. The very first is a cold page's first 100 events. */
export const SIZES = [100, 1_000, 10_000];
const BURSTS = [
  { size: 100, cold: true },
  ...[1_000, 1_000, 1_000].map((size) => ({ size, warm: true })),
  ...[100, 100, 100, 100, 100, 1_000, 1_000, 1_000, 10_000].map((size) => ({ size })),
];

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Opens the page and waits for its script. */
export async function openPage(browser, site) {
  const page = await browser.open(`${site.origin}/page`);
  for (let looks = 0; ; looks++) {
    const isThere = await page
      .evaluate("typeof bench === 'object' && crossOriginIsolated")
      .catch(() => false);
    if (isThere) return page;
    if (looks > 3000) throw new Error("the page did not load, or is not cross-origin isolated");
    await pause(10);
  }
}

/** Imports and starts the contender. */
export const start = (page, contender, endpoint, options = {}) =>
  page.evaluate(
    `bench.init("/bundle/${contender.file}.js", "${endpoint}", ${JSON.stringify({ ...contender.options, ...options })})`,
  );

/** Ours says what it refused; what was refused would be cheap. */
export async function expectAllTaken(page, contender) {
  if (!contender.isOurs) return;
  const { dropped } = await page.evaluate("bench.stats()");
  const lost = Object.entries(dropped).filter(([, count]) => count > 0);
  if (lost.length > 0) throw new Error(`refused or dropped: ${JSON.stringify(Object.fromEntries(lost))}`);
}

/** Returns what each burst cost, and what it took to get ready. */
export async function visit(browser, site, contender) {
  const { endpoint, seen } = site.visit(contender.name);
  const page = await openPage(browser, site);
  const endTrace = await browser.trace();
  const bursts = [];
  let readyMs;
  let events;
  try {
    readyMs = await start(page, contender, endpoint);
    await pause(READY_MS);
    await page.evaluate("bench.stop()");
    let tracked = 0;
    for (const burst of BURSTS) {
      const before = { ...seen };
      await page.evaluate(`bench.burst(${burst.size})`);
      tracked += burst.size;
      if (contender.name !== "nothing") await site.arrived(seen, tracked, ARRIVAL_MS);
      await pause(SETTLE_MS);
      await page.evaluate("bench.stop()");
      bursts.push({
        ...burst,
        requests: seen.requests - before.requests,
        bodyBytes: seen.bodyBytes - before.bodyBytes,
        headerBytes: seen.headerBytes - before.headerBytes,
      });
    }
    await expectAllTaken(page, contender);
  } finally {
    // Also where a contender broke: a browser has one trace at a time.
    events = await endTrace();
    await page.close();
  }
  const [init, ...parts] = windows(events);
  if (parts.length !== bursts.length)
    throw new Error(`${bursts.length} bursts, but the trace shows ${parts.length}`);
  return { init: { ...init, readyMs }, bursts: bursts.map((burst, at) => ({ ...burst, ...parts[at] })) };
}
