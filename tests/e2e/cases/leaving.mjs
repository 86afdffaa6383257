/** The page goes away: closed, navigated, reloaded, crashed; or it is hidden, or comes back. */

import assert from "node:assert/strict";

import { DEADLINE_MS, until } from "../harness/waiting.mjs";
import { assertRows, audit, measure } from "../harness/world.mjs";

/** Nothing leaves by itself while a test looks on, in ms and events. */
const NEVER = { flushIntervalMs: 600_000, maxBatchEvents: 1_000, maxBatchBytes: 61_440 };

/** What a `seconds`-old page had captured of its own: its Version event. */
export const VERSION = 1;
export const SHUTDOWN = 1;

/**
 * A next visit: another page load in the same browser profile. It takes over what the store holds, and its own two
 * events come on top.
 */
export async function visitAgain(world, options, expected) {
  const page = await world.open({ flushIntervalMs: 100, ...options });
  await world.rows(expected + VERSION);
  await audit(page);
  await page.close();
  return world.rows(expected + VERSION + SHUTDOWN);
}

/** As many events as surely fit into what a browser takes from a page that ends: 64 KiB. */
const FITS = 400;

/** What a page that was left with so many events brought, by itself or, where that is too much, after a next visit. */
async function arrived(world, events, endpoint = "own") {
  const left = events + VERSION + SHUTDOWN;
  if (events <= FITS) {
    const rows = await world.rows(left);
    assertRows(rows, { components: events });
    return measure(world, rows);
  }
  const early = await world.quiet();
  const rows = await visitAgain(world, { endpoint }, left);
  assertRows(rows, { components: events, version: 2, shutdown: 2 });
  return measure(world, rows, { early });
}

const counted = (events) => (events === 1 ? "1 event" : `${events.toLocaleString("en")} events`);

const closed = (events, endpoint) => ({
  name: `tab closed after ${counted(events)}, ${endpoint} endpoint`,
  async run(world) {
    const page = await world.open({ endpoint });
    await page.evaluate((count) => window.trackMany(0, count), events);
    await page.close();
    return arrived(world, events, endpoint);
  },
});

/**
 * Far more than a browser lets a page hand over at its end: most waits in the store, for the next visit. Chromium
 * gives a closing tab half a second to put it there; that is plenty, unless other pages have the processor meanwhile.
 */
const closedFull = (events, endpoint) => ({ ...closed(events, endpoint), alone: true });

/** Opens the page by a script of another page: only such a one may close itself. */
async function openByScript(world, options) {
  const opener = await world.newPage();
  await opener.goto(world.address({ path: "/blank.html" }));
  const opening = world.context.waitForEvent("page");
  await opener.evaluate((url) => void window.open(url), world.address(options));
  const page = await opening;
  await page.waitForLoadState();
  return page;
}

/** Not a moment between the last event and the end. */
async function closeItself(page, events) {
  const gone = page.waitForEvent("close");
  const call = (count) => {
    window.trackMany(0, count);
    window.close();
  };
  await page.evaluate(call, events).catch(() => {});
  await gone;
}

const closedItself = (events) => ({
  name: `window.close() in the same task as ${events} events`,
  async run(world) {
    await closeItself(await openByScript(world), events);
    return arrived(world, events);
  },
});

/** The default of `maxBatchEvents`. */
const BATCH = 50;

/**
 * For receivers that do not dedup: nothing is sent twice, and what was not sent waits for the next visit. A page that
 * is shown sends one batch in four by plain fetch, since keepalive's budget is kept for its end; one that is under way
 * then may die with the page, and nobody can tell whether it did.
 */
const closedOnce = (how, end) => ({
  name: `at-most-once: ${how} after 500 events, then a next visit`,
  explains: "the batch under way by plain fetch when the page ended, and not sent again",
  async run(world) {
    const options = { delivery: "at-most-once", flushIntervalMs: 100 };
    await end(await openByScript(world, options), 500);
    const early = await world.quiet();
    const page = await world.open(options);
    await world.rows(500 + VERSION + SHUTDOWN - BATCH + VERSION);
    await until(async () => (await audit(page)).queued + (await audit(page)).inFlight === 0);
    await page.close();
    await world.rows(500 + 2 * (VERSION + SHUTDOWN) - BATCH);
    await world.quiet();
    const rows = await world.rows(0);
    const missing = 500 + 2 * (VERSION + SHUTDOWN) - rows.length;
    assert.ok([0, BATCH].includes(missing), `${missing} events are missing`);
    const measured = await measure(world, rows, { early });
    assert.equal(measured.captured, 500 + 2 * (VERSION + SHUTDOWN));
    assert.equal(measured.again, 0, "events sent twice");
    return measured;
  },
});

async function closeTab(page, events) {
  await page.evaluate((count) => window.trackMany(0, count), events);
  await page.close();
}

const navigated = (events, headers, how) => ({
  name: `navigated away after ${events} events, in the same task, ${how}`,
  async run(world) {
    const page = await world.open({ headers });
    await page
      .evaluate(
        ([count, url]) => {
          window.trackMany(0, count);
          location.href = url;
        },
        [events, world.address({ path: "/blank.html" })],
      )
      .catch(() => {});
    await page.waitForURL(/blank/);
    return arrived(world, events);
  },
});

const reloaded = {
  name: "reloaded in the middle of a flush of 300 events",
  async run(world) {
    const page = await world.open();
    world.proxy.fail(() => ({ delay: 400 }));
    await page.evaluate(() => {
      window.trackMany(0, 300);
      void window.telemetry.flush();
    });
    await until(() => world.proxy.counts().under > 0);
    await page.reload();
    world.proxy.fail();
    await world.rows(300 + VERSION + SHUTDOWN + VERSION);
    await audit(page);
    await page.close();
    const rows = await world.rows(300 + 2 * (VERSION + SHUTDOWN));
    assertRows(rows, { components: 300, version: 2, shutdown: 2 });
    return measure(world, rows);
  },
};

/** Kills the page's renderer process, as it would die of a crash: no event of the page's life is fired. */
async function crash(page, session) {
  const crashed = page.waitForEvent("crash", { timeout: DEADLINE_MS });
  // It never answers.
  session.send("Page.crash").catch(() => {});
  await crashed;
}

/** Has the page tell of every deferred request: how many lines the last one had. The request is made as before. */
const watchDeferred = (page) =>
  page.addInitScript(() => {
    const original = window.fetchLater;
    window.deferred = 0;
    window.fetchLater = function (url, init) {
      window.deferred = new TextDecoder().decode(init.body).trimEnd().split("\n").length;
      return original.call(this, url, init);
    };
  });

async function openInsured(world) {
  const page = await world.newPage();
  await watchDeferred(page);
  await world.visit(page, NEVER);
  await page.evaluate(() => window.trackMany(0, 50));
  await until(() => page.evaluate((events) => window.deferred === events, 50 + VERSION));
  assert.equal(world.proxy.counts().requests, 0, "nothing was sent before the crash");
  return page;
}

const crashed = {
  name: "renderer crashed with 50 events queued, deferred request",
  async run(world) {
    const page = await openInsured(world);
    await crash(page, await world.context.newCDPSession(page));
    const rows = await world.rows(50 + VERSION);
    assertRows(rows, { components: 50, shutdown: 0 });
    return measure(world, rows, { more: 50 + VERSION });
  },
};

const crashedAtOnce = {
  name: "renderer crashed with 50 events queued, and 10 in the same instant",
  explains: "the 10 of the last second: insurance is renewed once a second",
  async run(world) {
    const page = await openInsured(world);
    const session = await world.context.newCDPSession(page);
    // Its one thread is kept busy from the capture to the crash: no timer of the client's can fire in between.
    void page
      .evaluate(() =>
        setTimeout(() => {
          window.trackMany(50, 10);
          for (;;);
        }),
      )
      .catch(() => {});
    await crash(page, session);
    const early = await world.quiet();
    assert.equal(early, 50 + VERSION, "all but the last second");
    const rows = await world.rows(50 + VERSION);
    assertRows(rows, { components: 50, shutdown: 0 });
    return measure(world, rows, { more: 60 + VERSION });
  },
};

const crashedStored = {
  name: "renderer crashed with 50 events queued, store only, then a next visit",
  async run(world) {
    const options = { endpoint: "remote", ...NEVER };
    const page = await world.open(options);
    await page.evaluate(() => window.trackMany(0, 50));
    await until(() =>
      page.evaluate((events) => {
        const copies = Object.entries(localStorage).filter(([, value]) => /^u\d+ \d+\n/.test(value));
        return copies.reduce((sum, [, value]) => sum + value.split("\n").length - 2, 0) === events;
      }, 50 + VERSION),
    );
    await crash(page, await world.context.newCDPSession(page));
    assert.equal(world.proxy.counts().requests, 0, "nothing was sent before the crash");
    const early = await world.quiet();
    const rows = await visitAgain(world, { endpoint: "remote" }, 50 + VERSION);
    assertRows(rows, { components: 50, version: 2, shutdown: 1 });
    return measure(world, rows, { more: 50 + VERSION, early });
  },
};

/** Has the page tell how much keepalive and beacon bodies were in flight at most, without changing what it does. */
const watchBudget = (page) =>
  page.addInitScript(() => {
    let flying = 0;
    const take = (bytes) => {
      flying += bytes;
      const peak = Number(localStorage.getItem("e2e:peak") ?? 0);
      localStorage.setItem("e2e:peak", String(Math.max(peak, flying)));
    };
    const originalFetch = window.fetch;
    window.fetch = function (url, init) {
      const answer = originalFetch.call(this, url, init);
      if (!init?.keepalive) return answer;
      take(init.body.byteLength);
      const give = () => (flying -= init.body.byteLength);
      // The budget is the body's until the answer's body was read; the copy is, at once.
      answer.then((response) => response.clone().arrayBuffer()).then(give, give);
      return answer;
    };
    const originalBeacon = navigator.sendBeacon;
    navigator.sendBeacon = function (url, body) {
      const taken = originalBeacon.call(this, url, body);
      if (taken) take(body.size);
      return taken;
    };
  });

/** What the client allows itself, in bytes: KEEPALIVE_BUDGET of src/delivery.rs. */
const BUDGET = 60 * 1024;

const MESSAGE = 500;

async function assertBudget(world) {
  const stored = await world.stored();
  const peak = Number(stored.find(({ name }) => name === "e2e:peak").value);
  assert.ok(peak > BUDGET / 2 && peak <= BUDGET, `${peak} bytes in flight at most`);
}

const overBudget = {
  name: "tab closed with 200 events of 500-byte messages, then a next visit",
  async run(world) {
    const page = await world.newPage();
    await watchBudget(page);
    await world.visit(page);
    // What is larger than the budget leaves by plain fetch: it might be quick enough to take all of it.
    world.proxy.fail(({ bytes }) => (bytes > BUDGET ? { hang: true } : undefined));
    await page.evaluate((length) => window.trackMany(0, 200, length), MESSAGE);
    await page.close();
    world.proxy.fail();
    await assertBudget(world);
    const early = await world.quiet();
    const rows = await visitAgain(world, {}, 200 + VERSION + SHUTDOWN);
    assertRows(rows, { components: 200, version: 2, shutdown: 2, messageLength: MESSAGE });
    return measure(world, rows, { early });
  },
};

/**
 * Playwright keeps every page visible, so the signal is the test's; what leaves then is real. The page lives on, as
 * one does behind another tab.
 */
const hidden = {
  name: "page hidden with 200 events of 500-byte messages, and alive",
  async run(world) {
    const page = await world.newPage();
    await watchBudget(page);
    await world.visit(page, NEVER);
    await page.evaluate((length) => {
      window.trackMany(0, 200, length);
      Object.defineProperty(document, "visibilityState", { value: "hidden", configurable: true });
      document.dispatchEvent(new Event("visibilitychange"));
    }, MESSAGE);
    await world.rows(200 + VERSION);
    await until(async () => (await audit(page)).sent === 200 + VERSION);
    await assertBudget(world);
    await page.close();
    const rows = await world.rows(200 + VERSION + SHUTDOWN);
    assertRows(rows, { components: 200, messageLength: MESSAGE });
    return measure(world, rows);
  },
};

/**
 * Chromium freezes what has been behind another tab for some minutes, and drops it when memory is short. As with
 * `hidden`, the signal is the test's: the protocol freezes only pages that are hidden.
 */
const frozen = {
  name: "frozen with 50 events, then killed, then a next visit",
  async run(world) {
    const page = await world.open({ endpoint: "remote", ...NEVER });
    const session = await world.context.newCDPSession(page);
    // All in one task, so that only the freeze can have kept it.
    await page.evaluate(() => {
      document.addEventListener("freeze", () => window.trackMany(40, 10), { capture: true });
      window.trackMany(0, 40);
      document.dispatchEvent(new Event("freeze"));
    });
    await until(async () => {
      const copies = (await world.stored()).filter(({ value }) => /^[us]\d+ \d+\n/.test(value));
      return copies.reduce((sum, { value }) => sum + value.split("\n").length - 2, 0) === 50 + VERSION;
    });
    assert.equal(world.proxy.counts().requests, 0, "a frozen page sends nothing");
    await crash(page, session);
    const early = await world.quiet();
    const rows = await visitAgain(world, { endpoint: "remote" }, 50 + VERSION);
    assertRows(rows, { components: 50, version: 2, shutdown: 1 });
    return measure(world, rows, { more: 50 + VERSION, early });
  },
};

const restored = {
  name: "left and restored from the back/forward cache, twice",
  async run(world) {
    const page = await world.open();
    for (let life = 0; life < 2; life++) {
      await page.evaluate((first) => window.trackMany(first, 25), 25 * life);
      await page.goto(world.address({ path: "/blank.html" }));
      await page.goBack({ waitUntil: "commit" });
      await until(() => page.evaluate((shows) => window.shows?.length === shows, life + 2));
      assert.equal(await page.evaluate(() => window.shows.at(-1)), true, "event.persisted");
    }
    await page.evaluate(() => window.trackMany(50, 25));
    await until(async () => (await audit(page)).captured === 75 + VERSION + 2 * SHUTDOWN);
    // By its own timers: one whose timers had died in the cache would send the last 25 only when it is left.
    await world.rows(75 + VERSION + 2 * SHUTDOWN);
    await page.close();
    // One Shutdown for each life of the page.
    const rows = await world.rows(75 + VERSION + 3 * SHUTDOWN);
    assertRows(rows, { components: 75, shutdown: 3 });
    return measure(world, rows);
  },
};

const tabs = {
  name: "three tabs that share a store of 90 events",
  async run(world) {
    world.proxy.fail(() => ({ drop: true }));
    const options = { flushIntervalMs: 100 };
    for (const first of [0, 30, 60]) {
      const page = await world.open(options);
      await page.evaluate((number) => window.trackMany(number, 30), first);
      await page.close();
    }
    await world.quiet();
    const early = (await world.rows(0)).length;
    world.proxy.fail();
    const pages = await Promise.all([0, 1, 2].map(() => world.open({ ...options, consent: "pending" })));
    // All at the same moment, so that they do meet.
    const begin = (at) => {
      while (Date.now() < at);
      window.telemetry.optIn();
      window.listenLast();
    };
    const at = Date.now() + 200;
    await Promise.all(pages.map((page) => page.evaluate(begin, at)));
    const stored = 90 + 3 * (VERSION + SHUTDOWN);
    await world.rows(stored + 3 * VERSION);
    const audits = () => Promise.all(pages.map(audit));
    await until(async () => (await audits()).every(({ queued, inFlight }) => queued + inFlight === 0));
    const recovered = (await audits()).map((stats) => stats.recovered);
    // Under the lock: what one tab took over no other did, so that nothing came twice.
    assert.equal(
      recovered.reduce((sum, count) => sum + count),
      stored,
      `taken over: ${recovered}`,
    );
    assert.equal(world.proxy.counts().duplicates, 0, "events that the collector had already");
    await Promise.all(pages.map((page) => page.close()));
    const rows = await world.rows(90 + 6 * (VERSION + SHUTDOWN));
    assertRows(rows, { components: 90, version: 6, shutdown: 6 });
    return measure(world, rows, { early });
  },
};

const noticed = {
  name: "a tab closed offline with 30 events, while another stays open",
  async run(world) {
    world.proxy.fail(() => ({ drop: true }));
    const options = { endpoint: "remote", flushIntervalMs: 100 };
    const [page, other] = [await world.open(options), await world.open(options)];
    await other.evaluate(() => window.trackMany(0, 30));
    await other.close();
    await world.quiet();
    world.proxy.fail();
    // Nobody shows, loads or leaves a page: the one that is open has seen that the other gave up its claim.
    const rows = await world.rows(30 + 2 * VERSION + SHUTDOWN);
    assertRows(rows, { components: 30, version: 2, shutdown: 1 });
    await audit(page);
    await page.close();
    return measure(world, await world.rows(30 + 2 * (VERSION + SHUTDOWN)), { early: 0 });
  },
};

export const leaving = [
  closed(1, "own"),
  closed(1, "foreign"),
  closed(1, "remote"),
  closed(50, "own"),
  closed(50, "foreign"),
  closed(50, "remote"),
  closed(500, "own"),
  closed(500, "foreign"),
  closed(500, "remote"),
  closedFull(5_000, "own"),
  closedFull(5_000, "remote"),
  closedItself(50),
  closedItself(500),
  closedOnce("tab closed", closeTab),
  closedOnce("window.close() in the same task", closeItself),
  navigated(50, {}, "into the back/forward cache"),
  navigated(500, {}, "into the back/forward cache"),
  navigated(50, { "cache-control": "no-store" }, "for good"),
  navigated(500, { "cache-control": "no-store" }, "for good"),
  reloaded,
  crashed,
  crashedAtOnce,
  crashedStored,
  overBudget,
  hidden,
  frozen,
  restored,
  tabs,
  noticed,
];
