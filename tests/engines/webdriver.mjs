/**
 * A browser driven over WebDriver, with as much of Playwright's interface as the end-to-end cases use: so Firefox and
 * WebKit are given the very cases that Chromium is given.
 *
 * WebDriver looks at one tab at a time, so whatever is done takes its turn.
 */

import { setTimeout as sleep } from "node:timers/promises";

import { DEADLINE_MS } from "../e2e/harness/waiting.mjs";

const POLL_MS = 50;

/** A page of the site that does nothing. */
const BLANK = "/blank.html";

async function poll(ask, what) {
  const end = performance.now() + DEADLINE_MS;
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    if (performance.now() > end) throw new Error(`not within ${DEADLINE_MS / 1000} s: ${what}`);
    await sleep(POLL_MS);
  }
}

/** @param {import("selenium-webdriver").WebDriver} driver A browser that has just been started: one tab. */
export async function asBrowser(driver) {
  let turn = Promise.resolve();
  const home = await driver.getWindowHandle();

  /** Runs alone: nothing else switches tabs meanwhile. */
  const alone = (act) => {
    const mine = turn.then(act);
    turn = mine.catch(() => {});
    return mine;
  };

  async function newContext() {
    const listeners = { console: [], weberror: [] };
    const pages = [];
    const origins = new Set();

    const page = (handle) => {
      const here = (act) =>
        alone(async () => {
          await driver.switchTo().window(handle);
          return act();
        });

      /** WebKitGTK comes back while the page is still loading its scripts. */
      const loaded = () =>
        poll(() => driver.executeScript("return document.readyState === 'complete'"), "the page has loaded");

      /** What Playwright hears on the console: a page load that says who it is. */
      const hear = async () => {
        await loaded();
        const id = await driver.executeScript("return window.loadId");
        if (id) for (const listen of listeners.console) listen({ text: () => `e2e:here ${id}` });
      };

      const self = {
        handle,
        goto: (url) =>
          here(async () => {
            await driver.get(url);
            origins.add(new URL(url).origin);
            self.address = url;
            await hear();
          }),
        reload: () =>
          here(async () => {
            await driver.navigate().refresh();
            await hear();
          }),
        goBack: () => here(() => driver.navigate().back()),
        evaluate: (script, argument) => here(() => driver.executeScript(script, argument)),
        url: () => self.address ?? "",
        waitForURL: (pattern) =>
          poll(
            async () => pattern.test(await here(() => driver.getCurrentUrl())),
            `${pattern} in the address`,
          ),
        waitForLoadState: () => here(() => driver.getCurrentUrl()),
        waitForEvent: (name) => {
          if (name !== "close") throw new Error(`expected "close", got "${name}".`);
          return poll(
            () => alone(async () => !(await driver.getAllWindowHandles()).includes(handle)),
            "closed",
          );
        },
        close: () => alone(() => closeTab(handle)),
      };
      pages.push(self);
      return self;
    };

    /** As a click on the tab's cross: the page gets its pagehide, and no more time than it has then. */
    async function closeTab(handle) {
      if ((await driver.getAllWindowHandles()).includes(handle)) {
        await driver.switchTo().window(handle);
        await driver.close();
      }
      await driver.switchTo().window(home);
      pages.splice(0, pages.length, ...pages.filter((page) => page.handle !== handle));
    }

    async function openTab() {
      await driver.switchTo().window(home);
      await driver.switchTo().newWindow("tab");
      return driver.getWindowHandle();
    }

    return {
      on: (name, listen) => listeners[name]?.push(listen),
      newPage: () => alone(async () => page(await openTab())),
      pages: () => [...pages],
      /** What is in localStorage, read by a page of its own on each origin. */
      storageState: () =>
        alone(async () => {
          const found = [];
          for (const origin of origins) {
            const handle = await openTab();
            await driver.get(`${origin}${BLANK}`);
            const entries = await driver.executeScript("return Object.entries(localStorage)");
            found.push({ origin, localStorage: entries.map(([name, value]) => ({ name, value })) });
            await driver.close();
            await driver.switchTo().window(home);
            void handle;
          }
          return { origins: found };
        }),
      async waitForEvent(name) {
        if (name !== "page") throw new Error(`expected "page", got "${name}".`);
        const before = await alone(() => driver.getAllWindowHandles());
        const opened = await poll(
          () =>
            alone(async () =>
              (await driver.getAllWindowHandles()).find((handle) => !before.includes(handle)),
            ),
          "another tab",
        );
        return page(opened);
      },
      close: () =>
        alone(async () => {
          for (const { handle } of [...pages]) await closeTab(handle);
        }),
    };
  }

  return { driver, newContext, close: () => driver.quit() };
}
