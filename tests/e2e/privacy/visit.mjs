/** A browser profile and a receiver of its own for each case, and pages in which the test itself calls the package. */

import { startReceiver } from "./receiver.mjs";

/** All our keys begin so: see src/web/store.rs. */
export const PREFIX = "langflow-telemetry:";
export const OPT_OUT = `${PREFIX}opt-out`;

/**
 * @param {import("playwright-core").Browser} browser
 * @param {(place: Awaited<ReturnType<typeof settle>>) => Promise<void>} live
 */
export async function inPlace(browser, live) {
  const place = await settle(browser);
  try {
    await live(place);
  } finally {
    await place.context.close();
    await place.receiver.stop();
  }
}

async function settle(browser) {
  const receiver = await startReceiver();
  const context = await browser.newContext();
  /** What reached the page from us: what it threw, and what was written to its console. */
  const noise = [];
  return {
    receiver,
    context,
    noise,

    /**
     * A page with the package as `window.lt`, not yet initialised. `before` runs before any script of it: functions
     * for addInitScript, or `[function, argument]`.
     */
    async visit(...before) {
      const page = await context.newPage();
      page.on("pageerror", (error) => noise.push(`threw: ${error.message}`));
      page.on("console", (message) => {
        if (!message.text().startsWith("Failed to load resource")) noise.push(message.text());
      });
      for (const script of before) await page.addInitScript(...[script].flat());
      await page.goto(`${receiver.origin}/blank.html`);
      await page.evaluate(async () => (window.lt = await import("/lt/index.js")));
      return page;
    },

    /** What is stored on the origin, by key. */
    async stored() {
      const { origins } = await context.storageState();
      const entries = origins.flatMap(({ localStorage }) => localStorage);
      return Object.fromEntries(entries.map(({ name, value }) => [name, value]));
    },

    /** Puts this into the origin's storage, as an earlier visit or somebody else would have. */
    async store(entries) {
      const page = await context.newPage();
      await page.goto(`${receiver.origin}/blank.html`);
      await page.evaluate((entries) => {
        for (const [key, value] of Object.entries(entries)) localStorage.setItem(key, value);
      }, entries);
      await page.close();
    },
  };
}

/** Longer than a batch waits for company, and than the store and the deferred request lag behind, in ms. */
export const QUIET_MS = 1_600;

/** Lets a page live for a while, by its own clock. */
export const pass = (page, ms = QUIET_MS) =>
  page.evaluate((ms) => new Promise((resolve) => setTimeout(resolve, ms)), ms);
