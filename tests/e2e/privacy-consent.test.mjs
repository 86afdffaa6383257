/** Consent that is pending, withdrawn, given back, or lost between capture and sending. */

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { launch } from "./harness/browser.mjs";
import { until } from "./harness/waiting.mjs";
import { watchEverything } from "./privacy/touch.mjs";
import { OPT_OUT, PREFIX, inPlace, pass } from "./privacy/visit.mjs";

/** Makes `window.client`. */
const init = (page, options) =>
  page.evaluate((options) => (window.client = window.lt.init(options)), options);

const stats = (page) => page.evaluate(() => window.client.stats());

const track = (page, count, errorMessage) =>
  page.evaluate(
    ([count, errorMessage]) => {
      for (let number = 0; number < count; number++)
        window.client.trackComponent({
          name: `C${number}`,
          seconds: number,
          success: !errorMessage,
          errorMessage,
        });
    },
    [count, errorMessage],
  );

/** Whether any text in the page's JavaScript memory, once it has been tidied up, has this in it. */
async function holds(session, text) {
  const pieces = [];
  const keep = ({ chunk }) => pieces.push(chunk);
  session.on("HeapProfiler.addHeapSnapshotChunk", keep);
  await session.send("HeapProfiler.collectGarbage");
  await session.send("HeapProfiler.takeHeapSnapshot", { reportProgress: false });
  session.off("HeapProfiler.addHeapSnapshotChunk", keep);
  return pieces.join("").includes(text);
}

const components = (receiver) => receiver.events().filter(({ event }) => event === "component");

describe("consent", { concurrency: 2 }, () => {
  let browser;
  before(async () => {
    browser = await launch();
  });
  after(() => browser.close());

  it("pending: events wait in memory and nothing else is touched, until optIn() sends them", () =>
    inPlace(browser, async ({ receiver, visit, stored }) => {
      const page = await visit(watchEverything);
      await init(page, { endpoint: receiver.path, consent: "pending" });
      await track(page, 120);
      await page.evaluate(() => {
        document.dispatchEvent(new Event("visibilitychange"));
        window.dispatchEvent(new PageTransitionEvent("pagehide"));
      });
      const touched = await page.evaluate(() => structuredClone(window.touched));
      for (const what of ["listeners", "timers", "requests", "written", "locks", "opened"])
        assert.deepEqual(touched[what], [], what);
      await pass(page);
      const waiting = await stats(page);
      assert.deepEqual([waiting.state, waiting.queued, waiting.captured], ["pending", 120, 120]);
      assert.deepEqual(await stored(), {});
      assert.equal(receiver.received.length, 0);

      await page.evaluate(() => window.client.optIn());
      assert.equal(await page.evaluate(() => window.client.flush()), true);
      assert.deepEqual(
        components(receiver)
          .map(({ seconds }) => seconds)
          .sort((a, b) => a - b),
        [...Array(120).keys()],
      );
      assert.equal(receiver.events().filter(({ event }) => event === "version").length, 1);
    }));

  it("pending: what is held is bounded, and the rest is counted", () =>
    inPlace(browser, async ({ receiver, visit }) => {
      const page = await visit();
      await init(page, { endpoint: receiver.path, consent: "pending", maxQueueBytes: 65_536 });
      await track(page, 20_000);
      const { captured, queued, bytes, dropped } = await stats(page);
      assert.equal(captured, 20_000);
      assert.equal(queued + dropped.queue_full, 20_000);
      assert.ok(queued > 100 && bytes <= 65_536, `${queued} events, ${bytes} bytes`);
      await page.evaluate(() => window.client.optIn());
      assert.equal(await page.evaluate(() => window.client.flush()), true);
      // The Version event of this page found the queue full, or room in it.
      const names = components(receiver).map(({ name }) => name);
      assert.deepEqual(
        names.toSorted((a, b) => Number(a.slice(1)) - Number(b.slice(1))),
        Array.from({ length: queued }, (_, number) => `C${number}`),
        "the oldest are kept",
      );
    }));

  it("pending, then optOut(): all is forgotten, and the next visit is off", () =>
    inPlace(browser, async ({ receiver, visit, stored }) => {
      const page = await visit();
      await init(page, { endpoint: receiver.path, consent: "pending" });
      await track(page, 30);
      await page.evaluate(() => window.client.optOut());
      const after = await stats(page);
      assert.deepEqual([after.state, after.queued, after.dropped.opted_out], ["off", 0, 30]);
      await page.close();
      const next = await visit();
      await init(next, { endpoint: receiver.path, consent: "pending" });
      await track(next, 5);
      const { state, reason, captured } = await stats(next);
      assert.deepEqual([state, reason, captured], ["off", "opted_out", 0]);
      assert.deepEqual(await stored(), { [OPT_OUT]: "1" });
      assert.equal(receiver.received.length, 0);
    }));

  it("optOut() and optIn() in one task of another tab: what this one had is gone all the same, and it is off", () =>
    inPlace(browser, async ({ receiver, visit, stored }) => {
      receiver.answerBy(() => undefined);
      const [page, other] = [await visit(), await visit()];
      for (const tab of [page, other]) await init(tab, { endpoint: receiver.foreign });
      await track(page, 20);
      await page.evaluate(() => void window.client.flush());
      await until(() => receiver.sent().some(({ body }) => body.includes('"C0"')));
      await other.evaluate(() => {
        window.client.optOut();
        window.client.optIn();
      });
      await until(async () => (await stats(page)).state === "off");
      const { reason, queued, inFlight, dropped } = await stats(page);
      assert.deepEqual([reason, queued, inFlight, dropped.opted_out], ["opted_out", 0, 0, 21]);
      assert.equal((await stored())[OPT_OUT], undefined);
      assert.equal((await stats(other)).state, "on");
      const next = await visit();
      await init(next, { endpoint: receiver.foreign });
      assert.equal((await stats(next)).state, "on");
    }));

  it("optOut() aborts what is under way, purges what is kept, reaches other tabs, and lasts until optIn()", () =>
    inPlace(browser, async ({ receiver, visit, stored }) => {
      // Never an answer, so that requests are under way and events are kept.
      receiver.answerBy(() => undefined);
      const [page, other] = [await visit(), await visit()];
      // More than the keepalive budget and the deferred request hold: some goes by plain fetch, some is kept. With
      // the other tab's one request it is five, since a sixth would be the last that Chromium has under way at a time.
      for (const [tab, count] of [
        [page, 200],
        [other, 5],
      ]) {
        await init(tab, { endpoint: receiver.foreign });
        await track(tab, count, "the model gave no answer ".repeat(20));
        await tab.evaluate(() => void window.client.flush());
      }
      await until(() => receiver.sent().length >= 5);
      await until(async () => Object.keys(await stored()).some((key) => key.startsWith(PREFIX)));

      const before = receiver.sent().length;
      await page.evaluate(() => window.client.optOut());
      await until(async () => (await stats(other)).state === "off");
      for (const tab of [page, other]) {
        const { state, reason, queued, inFlight, stored } = await stats(tab);
        assert.deepEqual([state, reason, queued, inFlight, stored], ["off", "opted_out", 0, 0, 0]);
      }
      // One of each tab was keepalive, which Chromium does not call back: its body has left.
      await until(() => receiver.sent().filter(({ aborted }) => aborted).length >= before - 2);
      assert.deepEqual(await stored(), { [OPT_OUT]: "1" });
      await track(page, 10);
      await pass(page);
      assert.equal(receiver.sent().length, before, "nothing more leaves");
      await page.close();
      await other.close();

      receiver.answerBy();
      const next = await visit();
      await init(next, { endpoint: receiver.foreign });
      await track(next, 3);
      assert.equal((await stats(next)).reason, "opted_out");
      await next.evaluate(() => window.client.optIn());
      await track(next, 2);
      assert.equal(await next.evaluate(() => window.client.flush()), true);
      await next.close();
      assert.deepEqual(
        receiver
          .sent()
          .slice(before)
          .flatMap(({ body }) => body.split("\n").filter(Boolean))
          .map((line) => JSON.parse(line))
          .filter(({ event }) => event === "component")
          .map(({ name }) => name),
        ["C0", "C1"],
        "what was tracked while off is gone, what came after is there",
      );
      const later = await visit();
      await init(later, { endpoint: receiver.foreign });
      assert.equal((await stats(later)).state, "on");
    }));

  for (const [when, prepare] of [
    ["before init()", () => window.lt.optOut()],
    ["with doNotTrack", (endpoint) => window.lt.init({ endpoint, doNotTrack: true }).optOut()],
    [
      "after shutdown()",
      async (endpoint) => {
        const client = window.lt.init({ endpoint });
        await client.shutdown();
        client.optOut();
      },
    ],
    [
      "while the wasm is still loading",
      async (endpoint) => {
        const slim = await import("/lt/slim.js");
        slim.init({ endpoint, wasm: new Promise(() => {}) }).optOut();
      },
    ],
  ]) {
    it(`optOut() ${when} is remembered`, () =>
      inPlace(browser, async ({ receiver, visit, stored, store }) => {
        await store({ [`${PREFIX}1:k3f9x2ab7c1d:1`]: "of an earlier visit" });
        const page = await visit();
        await page.evaluate(prepare, receiver.path);
        assert.equal((await stored())[OPT_OUT], "1");
        await page.close();
        const before = receiver.sent().length;
        const next = await visit();
        await init(next, { endpoint: receiver.path });
        await track(next, 3);
        assert.equal((await stats(next)).reason, "opted_out");
        await next.close();
        assert.deepEqual(await stored(), { [OPT_OUT]: "1" });
        assert.equal(receiver.sent().length, before);
      }));
  }

  for (const [name, leave] of [
    ["optOut()", () => window.client.optOut()],
    ["shutdown()", () => window.client.shutdown()],
  ]) {
    it(`${name}: a message that was remembered as it came is gone from JavaScript's memory`, () =>
      inPlace(browser, async ({ receiver, context, visit }) => {
        const page = await visit();
        await init(page, { endpoint: receiver.path });
        // Version, which comes by itself, shall not be the last event.
        await until(async () => (await stats(page)).captured === 1);
        // Put together in the page: the test's own source, and what it hands over, are in that memory too.
        await page.evaluate(() => {
          const errorMessage = ["KeyError: needle", "in", "a", "haystack", 6 * 7].join("_");
          for (let n = 0; n < 3; n++) window.client.trackRun({ seconds: 1, success: false, errorMessage });
        });
        const session = await context.newCDPSession(page);
        assert.ok(await holds(session, "needle_in_a_haystack_42"), "it is remembered while the client works");
        await page.evaluate(leave);
        assert.equal(await holds(session, "needle_in_a_haystack_42"), false);
      }));
  }

  for (const [name, turnOn] of [
    [
      "Global Privacy Control",
      () => Object.defineProperty(navigator, "globalPrivacyControl", { value: true }),
    ],
    ["Do Not Track", () => Object.defineProperty(navigator, "doNotTrack", { value: "1" })],
    ["a remembered opt-out", () => localStorage.setItem("langflow-telemetry:opt-out", "1")],
  ]) {
    it(`${name}, turned on between capture and sending: nothing leaves, by no way`, () =>
      inPlace(browser, async ({ receiver, visit, stored }) => {
        const page = await visit();
        await init(page, { endpoint: receiver.path });
        await track(page, 20);
        await page.evaluate(turnOn);
        // Longer than the deferred request and the copies in the store wait to be made.
        await pass(page);
        await page.evaluate(() => window.client.flush());
        assert.equal((await stats(page)).state, "off");
        await page.close();
        const next = await visit();
        await pass(next, 500);
        assert.deepEqual(receiver.received, []);
        assert.deepEqual(
          Object.keys(await stored()).filter((key) => key !== OPT_OUT),
          [],
        );
      }));
  }
});
