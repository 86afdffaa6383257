/** Waiting for what has to come: no test fails because a machine is slow, only because something never comes. */

import { setTimeout as sleep } from "node:timers/promises";

/** Nothing here takes a tenth of it, in ms. Retries back off up to a few seconds, an attempt times out after ten. */
export const DEADLINE_MS = 60_000;

const INTERVAL_MS = 100;

/**
 * Asks until the answer is truthy, and returns it.
 *
 * @template T
 * @param {() => T | Promise<T>} ask
 * @param {() => unknown} describe Says what was there instead, for the error.
 * @returns {Promise<NonNullable<T>>}
 */
export async function until(ask, describe = () => ask) {
  const end = performance.now() + DEADLINE_MS;
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    if (performance.now() > end) {
      const found = await describe();
      throw new Error(
        `not within ${DEADLINE_MS / 1000} s: ${typeof found === "string" ? found : String(ask)}`,
      );
    }
    await sleep(INTERVAL_MS);
  }
}
