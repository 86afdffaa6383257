/** The page stays; the network, the collector or the page's own policy does not do what it should. */

import assert from "node:assert/strict";

import { until } from "../harness/waiting.mjs";
import { assertRows, audit, measure } from "../harness/world.mjs";
import { SHUTDOWN, VERSION, visitAgain } from "./leaving.mjs";

/** Batches leave soon: these cases are not about waiting for one to fill. */
const SOON = { flushIntervalMs: 100 };

/** One batch holds the 50 events and the Version, and leaves as soon as it does. */
const TOGETHER = { track: 50, flushIntervalMs: 5_000, maxBatchEvents: 50 + VERSION };

/** Ends a run whose page lives: all is acknowledged, the page is closed, its Shutdown arrives too. */
async function finish(world, page, components) {
  await world.rows(components + VERSION);
  await until(
    async () => (await audit(page)).sent === components + VERSION,
    async () => `all acknowledged; stats: ${JSON.stringify(await audit(page))}`,
  );
  await page.close();
  const rows = await world.rows(components + VERSION + SHUTDOWN);
  assertRows(rows, { components });
  return measure(world, rows);
}

/** A page that tracks 50 events and meets this fault. */
const failing = (name, fault, { endpoint = "own", check = () => {} } = {}) => ({
  name,
  async run(world) {
    const log = [];
    world.proxy.fail((request) => {
      log.push({ ...request, at: performance.now() });
      return fault(request, world);
    });
    const page = await world.open({ endpoint, ...TOGETHER });
    const measured = await finish(world, page, 50);
    assert.equal(log[0].events, 50 + VERSION, "the first request is the whole batch");
    check(log);
    return measured;
  },
});

const first = (count, answer) => (request) => (request.number <= count ? answer(request) : undefined);

const RETRY_AFTER_S = 2;

/** As HTTP writes it, to the whole second: so that it is never sooner than asked for. */
const dateIn = (seconds) => new Date(Math.ceil(Date.now() / 1000 + seconds) * 1000).toUTCString();

const tooMany = (header) => () => ({
  status: 429,
  headers: { "retry-after": header(), "access-control-expose-headers": "retry-after" },
});

/** The clocks of the proxy's process and the browser may read some ms apart. */
const CLOCKS_MS = 50;

const waited = (log) => {
  const wait = log[1].at - log[0].at;
  assert.ok(wait >= RETRY_AFTER_S * 1000 - CLOCKS_MS, `waited ${wait} ms, told to wait ${RETRY_AFTER_S} s`);
};

const killedHalfway = {
  name: "collector killed (-9) halfway through a batch, restarted",
  async run(world) {
    const { collector, proxy } = world;
    proxy.fail(
      first(1, () => ({
        half: () => collector.kill(),
      })),
    );
    const page = await world.open({ track: 200, ...SOON });
    // Some tries meet a collector that is not there.
    await until(() => proxy.counts().requests >= 3);
    await collector.restart();
    return finish(world, page, 200);
  },
};

const killedUnheard = {
  name: "collector killed (-9) after it kept a batch, before its answer was heard",
  async run(world) {
    const { collector, proxy } = world;
    proxy.fail(
      first(1, () => ({
        async silent() {
          await collector.kill();
          await collector.restart();
        },
      })),
    );
    const page = await world.open({ track: 200, ...SOON });
    const measured = await finish(world, page, 200);
    assert.ok(measured.duplicates >= 50, "the batch came again, and its rows are there once");
    return measured;
  },
};

const offline = {
  name: "offline, 50 events, loaded again while offline, 50 more, back online",
  async run(world) {
    const options = { endpoint: "remote", ...SOON };
    const page = await world.open(options);
    await world.rows(VERSION);
    await until(async () => (await audit(page)).sent === VERSION);
    const before = world.proxy.counts().requests;
    await world.context.setOffline(true);
    await page.evaluate(() => window.trackMany(0, 50));
    await until(async () => (await audit(page)).queued === 50);
    assert.equal(world.proxy.counts().requests, before, "requests while offline");
    // Chromium takes a moment to tell the next page's process that it is offline.
    world.proxy.fail(() => ({ drop: true }));
    // From the browser's cache, as a page that works offline is. A forced reload would ask the network.
    await world.visit(page, options);
    assert.equal(await page.evaluate(() => navigator.onLine), false);
    await page.evaluate(() => window.trackMany(50, 50));
    // What the first load left: its 50 events and its Shutdown.
    await until(async () => (await audit(page)).recovered === 50 + SHUTDOWN);
    await world.context.setOffline(false);
    world.proxy.fail();
    await world.rows(100 + 2 * VERSION + SHUTDOWN);
    await until(async () => (await audit(page)).sent === 100 + VERSION + SHUTDOWN);
    await page.close();
    const rows = await world.rows(100 + 2 * (VERSION + SHUTDOWN));
    assertRows(rows, { components: 100, version: 2, shutdown: 2 });
    return measure(world, rows);
  },
};

/** The default of `maxQueueBytes`. */
const QUEUE_BYTES = 2 * 1024 * 1024;

/** STORE_MAX of pkg/browser.js: bytes of batches on one origin. */
const STORE_BYTES = 1024 * 1024;

/** Has the page tell how many bytes of batches were in the store at most, by its own count after each write. */
const watchStore = (page) =>
  page.addInitScript(() => {
    const original = Storage.prototype.setItem;
    window.storedMost = 0;
    const utf8 = new TextEncoder();
    Storage.prototype.setItem = function (...given) {
      original.apply(this, given);
      let bytes = 0;
      for (const key of Object.keys(this)) {
        if (!key.startsWith("langflow-telemetry:")) continue;
        const [head, lines] = this.getItem(key).split(/\n(.*)/s);
        // A claim has no lines.
        if (/^[us]\d+ \d+$/.test(head)) bytes += utf8.encode(lines).length;
      }
      window.storedMost = Math.max(window.storedMost, bytes);
    };
  });

const flood = {
  name: "20,000 events while offline, then online",
  explains: "a queue of 2 MiB: the newest are refused, and counted",
  async run(world) {
    const page = await world.newPage();
    await watchStore(page);
    await world.visit(page, { endpoint: "remote", ...SOON });
    await world.rows(VERSION);
    await until(async () => (await audit(page)).sent === VERSION);
    await world.context.setOffline(true);
    await page.evaluate(() => window.trackMany(0, 20_000));
    const full = await audit(page);
    const refused = full.dropped.queue_full;
    assert.ok(full.bytes <= QUEUE_BYTES && full.bytes > QUEUE_BYTES - 1024, `${full.bytes} bytes held`);
    assert.equal(full.captured, 20_000 + VERSION);
    assert.equal(full.queued, 20_000 - refused);
    // The queue is twice the store: what fits is kept, the host page is told, and nothing is kept beyond.
    const diagnostics = () => page.evaluate(() => window.diagnostics);
    await until(async () => (await diagnostics()).some(({ code }) => code === "store_unavailable"));
    const most = await page.evaluate(() => window.storedMost);
    assert.ok(most <= STORE_BYTES, `${most} bytes of batches in the store`);
    assert.ok(most > STORE_BYTES * 0.9, `only ${most} bytes of batches in the store`);
    // Each at its 1st, 2nd, 4th, 8th … time: a queue that is full, and a store that is.
    const told = await diagnostics();
    assert.equal(told[0].code, "queue_full");
    for (const { code, count } of told) {
      assert.ok(["queue_full", "store_unavailable"].includes(code), code);
      assert.equal(Math.log2(count) % 1, 0, `${code}, ${count} times`);
    }
    await world.context.setOffline(false);

    const kept = 20_000 - refused;
    await world.rows(kept + VERSION);
    await until(async () => (await audit(page)).sent === kept + VERSION);
    await page.close();
    const rows = await world.rows(kept + VERSION + SHUTDOWN);
    // C0 … C<kept − 1>: the oldest, every one of them.
    assertRows(rows, { components: kept });
    const measured = await measure(world, rows);
    assert.equal(measured.captured, rows.length + refused, "captured = rows + refused");
    return measured;
  },
};

/** What a page may have in flight as keepalive bodies, by the Fetch standard, in bytes. */
const BROWSER_BUDGET = 64 * 1024;

/** Has the page tell what it sent by keepalive fetch, and how often that was refused. No answer's body is touched. */
const watchKeepalive = (page) =>
  page.addInitScript(() => {
    const original = window.fetch;
    window.keepalive = { bytes: 0, refused: 0 };
    window.fetch = function (url, init) {
      const answer = original.call(this, url, init);
      if (init?.keepalive) {
        window.keepalive.bytes += init.body.byteLength;
        answer.catch(() => (window.keepalive.refused += 1));
      }
      return answer;
    };
  });

/**
 * Chromium gives the budget of a keepalive body back when the answer's body has been read; of one that it may not
 * cache nobody else reads it. A client that leaves it there is refused every request after some 64 KiB.
 */
const drained = {
  name: "40 requests of 100 events to an endpoint that forbids to cache its answers",
  async run(world) {
    world.proxy.fail(() => ({ headers: { "cache-control": "no-store" } }));
    const page = await world.newPage();
    await watchKeepalive(page);
    await world.visit(page);
    const settled = await page.evaluate(async () => {
      const settled = [];
      for (let first = 0; first < 4_000; first += 100) {
        window.trackMany(first, 100);
        settled.push(await window.telemetry.flush());
      }
      return settled;
    });
    assert.deepEqual([...new Set(settled)], [true], "each was acknowledged at once");
    const { bytes, refused } = await page.evaluate(() => window.keepalive);
    assert.equal(refused, 0, "requests that the browser refused");
    assert.ok(bytes > 5 * BROWSER_BUDGET, `${bytes} bytes of keepalive bodies`);
    assert.equal((await audit(page)).retried, 0);
    const measured = await finish(world, page, 4_000);
    assert.equal(measured.again, 0, "events sent again");
    return measured;
  },
};

const refusedBatch = {
  name: "400 to a batch of 20, then well",
  explains: "the refused batch is dropped, and counted as rejected: no second try could help",
  async run(world) {
    world.proxy.fail(({ events }) => (events === 20 ? { status: 400, body: "no" } : undefined));
    const page = await world.open(SOON);
    await world.rows(VERSION);
    await page.evaluate(() => window.trackMany(0, 20));
    await until(async () => (await audit(page)).dropped.rejected === 20);
    await page.evaluate(() => window.trackMany(0, 30));
    await world.rows(VERSION + 30);
    await until(async () => (await audit(page)).sent === VERSION + 30);
    const told = await page.evaluate(() => window.diagnostics.map(({ code, count }) => ({ code, count })));
    assert.deepEqual(told, [{ code: "rejected", count: 20 }]);
    await page.close();
    const rows = await world.rows(VERSION + 30 + SHUTDOWN);
    const of = (event) => rows.filter((row) => row.event === event).length;
    assert.deepEqual([of("version"), of("component"), of("shutdown")], [1, 30, 1]);
    const measured = await measure(world, rows);
    assert.equal(measured.captured, rows.length + 20);
    assert.equal(measured.again, 0, "none was sent twice");
    return measured;
  },
};

/** Bytes above which the proxy says 413: a few events. */
const TAKES = 1_000;

const gone = {
  name: "410 to everything",
  explains: "the collector is gone for good: the page stops, and counts what it had as rejected",
  async run(world) {
    world.proxy.fail(() => ({ status: 410 }));
    const page = await world.open(SOON);
    await page.evaluate(() => window.trackMany(0, 50));
    await until(async () => (await audit(page)).state === "stopped");
    // Version may have gone by itself, or with the first batch.
    const { requests } = world.proxy.counts();
    await page.evaluate(() => window.trackMany(50, 10));
    const stats = await audit(page);
    assert.equal(stats.captured, 60 + VERSION);
    assert.equal(stats.dropped.rejected, 60 + VERSION);
    assert.equal(await page.evaluate(() => window.telemetry.flush()), true, "nothing is left to acknowledge");
    await page.close();
    const early = await world.quiet();
    assert.equal(early, 0);
    assert.equal(world.proxy.counts().requests, requests, "requests after the 410");
    return measure(world, []);
  },
};

const policy = {
  name: "endpoint refused by the page's CSP connect-src, then a next visit without it",
  async run(world) {
    const headers = {
      "content-security-policy":
        "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'none'",
      "cache-control": "no-store",
    };
    const page = await world.open({ headers, ...SOON });
    await page.evaluate(() => window.trackMany(0, 50));
    await until(() =>
      page.evaluate(() => window.diagnostics.some(({ code }) => code === "endpoint_blocked")),
    );
    const stats = await audit(page);
    assert.equal(stats.captured, 50 + VERSION);
    assert.equal(stats.sent, 0);
    await page.close();
    const early = await world.quiet();
    assert.equal(early, 0);
    assert.equal(world.proxy.counts().requests, 0, "requests that the policy forbids");
    const rows = await visitAgain(world, {}, 50 + VERSION + SHUTDOWN);
    assertRows(rows, { components: 50, version: 2, shutdown: 2 });
    return measure(world, rows, { early });
  },
};

export const network = [
  offline,
  flood,
  drained,
  failing(
    "503 three times",
    first(3, () => ({ status: 503 })),
  ),
  failing(
    "429 with Retry-After: 2",
    first(
      1,
      tooMany(() => `${RETRY_AFTER_S}`),
    ),
    { check: waited },
  ),
  failing(
    "429 with Retry-After: a date",
    first(
      1,
      tooMany(() => dateIn(RETRY_AFTER_S)),
    ),
    { check: waited },
  ),
  failing(
    "429 with Retry-After: 2, foreign endpoint",
    first(
      1,
      tooMany(() => `${RETRY_AFTER_S}`),
    ),
    { check: waited, endpoint: "foreign" },
  ),
  failing(
    "no answer to the first request, ever",
    first(1, () => ({ hang: true })),
  ),
  failing(
    "connection closed on the first three requests",
    first(3, () => ({ drop: true })),
  ),
  failing("413 to what is larger than 1,000 bytes", ({ bytes }) =>
    bytes > TAKES ? { status: 413 } : undefined,
  ),
  killedHalfway,
  killedUnheard,
  refusedBatch,
  gone,
  policy,
];
