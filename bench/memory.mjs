/** What waiting events weigh, and whether memory stays flat. */

import { expectAllTaken, openPage, start } from "./visit.mjs";

/** Events of the soak that are tracked before its first reading: by then all code is compiled, all buffers are grown. */
const SOAK_WARM = 100_000;

/** Events between two readings, and in a burst. */
const SOAK_STEP = 100_000;
const SOAK_BURST = 1_000;

/**
 * Garbage collections before a reading. What one lets go of may be held by finalizers until the next, and code that
 * did not run for some of them is given back too, which would look like events that weigh less than nothing.
 */
const COLLECTIONS = 5;

/** Events tracked and sent before those that are weighed. */
const HELD_WARM = 5;

/** How often weighing is tried where events leave too soon. */
const WEIGH_TRIES = 5;

/** Longest wait for a burst of the soak, in ms. */
const ARRIVAL_MS = 60_000;

/** Bytes the page holds after a full garbage collection: V8's heap, the DOM's, buffers, WebAssembly. */
async function bytesHeld(page) {
  for (let times = 0; times < COLLECTIONS; times++) await page.send("HeapProfiler.collectGarbage");
  const {
    usedSize,
    embedderHeapUsedSize = 0,
    backingStorageSize = 0,
  } = await page.send("Runtime.getHeapUsage");
  const wasm = await page.evaluate("bench.wasmBytes()");
  return { heap: usedSize + embedderHeapUsedSize + backingStorageSize, wasm };
}

/** Bytes per event of events that wait: `holds` is as many as the contender keeps without sending any. */
export async function weigh(browser, site, contender) {
  for (let tries = 1; ; tries++) {
    const { bytes, left } = await tryToWeigh(browser, site, contender);
    if (left === 0) return bytes;
    // PostHog waits for five seconds at most, which on a busy machine may not do.
    if (tries === WEIGH_TRIES) throw new Error(`${left} events left while they should have waited`);
  }
}

async function tryToWeigh(browser, site, contender) {
  const { endpoint, seen } = site.visit(contender.name);
  const page = await openPage(browser, site);
  try {
    await start(page, contender, endpoint, { held: true });
    // Its code is compiled and its hidden classes are made, which weighs too, but not per event.
    await page.evaluate(`bench.burst(${HELD_WARM})`);
    if (!contender.isOurs) await site.arrived(seen, HELD_WARM, ARRIVAL_MS);
    const before = await bytesHeld(page);
    const sent = seen.events;
    await page.evaluate(`bench.hold(${contender.holds})`);
    const after = await bytesHeld(page);
    const left = seen.events - sent;
    await expectAllTaken(page, contender);
    const perEvent = (of) => (after[of] - before[of]) / contender.holds;
    return { bytes: { heap: perEvent("heap"), wasm: perEvent("wasm") }, left };
  } finally {
    await page.close();
  }
}

/** Tracks so many events, all of which arrive, and reads the memory on the way. */
export async function soak(browser, site, contender, total, report) {
  const { endpoint, seen } = site.visit(contender.name);
  const page = await openPage(browser, site);
  const readings = [];
  try {
    await start(page, contender, endpoint);
    for (let tracked = 0; tracked < total;) {
      await page.evaluate(`bench.burst(${SOAK_BURST})`);
      tracked += SOAK_BURST;
      await site.arrived(seen, tracked, ARRIVAL_MS);
      if (tracked >= SOAK_WARM && tracked % SOAK_STEP === 0) {
        const reading = { events: tracked, ...(await bytesHeld(page)) };
        readings.push(reading);
        report(reading);
      }
    }
    await expectAllTaken(page, contender);
    return readings;
  } finally {
    await page.close();
  }
}
