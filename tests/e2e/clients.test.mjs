/** Several clients on one page, and pages that do to a client what nobody expects: clear its storage, call back into it. */

import assert from "node:assert/strict";
import { after, before, describe, it as test } from "node:test";

import { launch } from "./harness/browser.mjs";
import { until } from "./harness/waiting.mjs";
import { OPT_OUT, PREFIX, inPlace, pass } from "./privacy/visit.mjs";

/** A promise that never settles is one of the mistakes that are looked for here: the test ends all the same. */
const it = (name, live) => test(name, { timeout: 60_000 }, live);

/** Of the requests to this address, the names of components, in order. */
const namesAt = (receiver, url) =>
  receiver
    .sent()
    .filter((request) => request.url === url)
    .flatMap(({ body }) => [...body.matchAll(/"name":"(\w*)"/g)].map(([, name]) => name));

/** So that the store is the one place for what cannot be sent. */
const withoutDeferred = () => delete window.fetchLater;

const forbidStorage = () =>
  Object.defineProperty(window, "localStorage", {
    get() {
      throw new DOMException("The operation is insecure.", "SecurityError");
    },
  });

describe("several clients of a page", { concurrency: 2 }, () => {
  let browser;
  before(async () => {
    browser = await launch();
  });
  after(() => browser.close());

  it("each is its own, in whatever order they come to work", () =>
    inPlace(browser, async ({ receiver, visit, noise }) => {
      const page = await visit();
      const told = await page.evaluate(async (path) => {
        const { createClient } = window.lt;
        const clients = ["a", "b", "c"].map((name) => createClient({ endpoint: `${path}?${name}` }));
        // In one task, so that who is used first is there first.
        for (const at of [1, 2, 0])
          clients[at].trackComponent({ name: `Of${at}`, seconds: 1, success: true });
        const flushed = await Promise.all(clients.map((client) => client.flush()));
        return [flushed, clients.map((client) => client.stats().captured)];
      }, receiver.path);
      assert.deepEqual(told, [
        [true, true, true],
        [2, 2, 2],
      ]);
      for (const [at, name] of ["a", "b", "c"].entries())
        assert.deepEqual(namesAt(receiver, `${receiver.path}?${name}`), [`Of${at}`]);
      assert.deepEqual(noise, []);
    }));

  it("a person's no to one is a no to all, and so is the yes that takes it back", () =>
    inPlace(browser, async ({ receiver, visit, stored, noise }) => {
      receiver.answerBy(() => ({ status: 503 }));
      const page = await visit(withoutDeferred);
      await page.evaluate((path) => {
        window.one = window.lt.createClient({ endpoint: `${path}?one` });
        window.other = window.lt.createClient({ endpoint: `${path}?other` });
        window.other.trackComponent({ name: "Before", seconds: 1, success: true });
      }, receiver.path);
      await pass(page);
      const keys = Object.keys(await stored());
      assert.ok(keys.some((key) => key.startsWith(PREFIX)));

      const off = await page.evaluate(() => {
        window.one.optOut();
        window.other.trackComponent({ name: "After", seconds: 1, success: true });
        return window.other.stats();
      });
      assert.deepEqual([off.state, off.reason, off.queued], ["off", "opted_out", 0]);
      await pass(page);
      assert.deepEqual(await stored(), { [OPT_OUT]: "1" });

      receiver.answerBy();
      const flushed = await page.evaluate(() => {
        window.one.optIn();
        window.other.trackComponent({ name: "Again", seconds: 1, success: true });
        return window.other.flush();
      });
      assert.equal(flushed, true);
      assert.ok(namesAt(receiver, `${receiver.path}?other`).includes("Again"));
      assert.deepEqual(noise, []);
    }));

  it("a yes through another client takes a no back, and leaves what was not answered yet unanswered", () =>
    inPlace(browser, async ({ receiver, visit, noise }) => {
      const page = await visit();
      const told = await page.evaluate(async (path) => {
        const { createClient } = window.lt;
        const one = createClient({ endpoint: `${path}?one` });
        const other = createClient({ endpoint: `${path}?other` });
        const asking = createClient({ endpoint: `${path}?asking`, consent: "pending" });
        for (const client of [one, other, asking]) client.stats();
        other.optOut();
        one.optIn();
        asking.trackComponent({ name: "Held", seconds: 1, success: true });
        const states = [one, other, asking].map((client) => client.stats().state);
        const { reason, captured } = asking.stats();
        asking.optIn();
        await asking.flush();
        return [states, reason, captured];
      }, receiver.path);
      assert.deepEqual(told, [["on", "on", "pending"], undefined, 1]);
      assert.deepEqual(namesAt(receiver, `${receiver.path}?asking`), ["Held"]);
      assert.deepEqual(noise, []);
    }));

  it("a no to one client counts for another whose module is still on its way", () =>
    inPlace(browser, async ({ receiver, visit }) => {
      const page = await visit();
      const captured = await page.evaluate(async (path) => {
        const slim = await import("/lt/slim.js");
        let come;
        const wasm = new Promise((resolve) => (come = resolve));
        const clients = ["one", "other"].map((name) =>
          slim.createClient({ endpoint: `${path}?${name}`, wasm }),
        );
        clients[1].trackComponent({ name: "Before", seconds: 1, success: true });
        clients[0].optOut();
        clients[0].optIn();
        clients[1].trackComponent({ name: "After", seconds: 1, success: true });
        come(await fetch("/lt/dist/langflow_telemetry_bg.wasm"));
        while (clients[1].stats().state !== "on") await new Promise((resolve) => setTimeout(resolve, 10));
        await clients[1].flush();
        return clients.map((client) => client.stats().state);
      }, receiver.path);
      assert.deepEqual(captured, ["on", "on"]);
      assert.deepEqual(namesAt(receiver, `${receiver.path}?other`), ["After"]);
    }));

  it("a no from within another client's request: that request is aborted", () =>
    inPlace(browser, async ({ receiver, visit }) => {
      const page = await visit();
      const aborted = await page.evaluate(async (path) => {
        const one = window.lt.createClient({ endpoint: `${path}?one` });
        const other = window.lt.createClient({ endpoint: `${path}?other` });
        one.stats();
        let signal;
        window.fetch = (url, request) => {
          if (signal) return Promise.reject(new TypeError("no more"));
          ({ signal } = request);
          one.optOut();
          return new Promise(() => {});
        };
        other.trackRun({ seconds: 1, success: true });
        await other.flush();
        return signal.aborted;
      }, receiver.path);
      assert.equal(aborted, true);
    }));

  it("a person's no where nothing can be stored holds for as long as the page is there", () =>
    inPlace(browser, async ({ receiver, visit }) => {
      const page = await visit(forbidStorage);
      const states = await page.evaluate(async (path) => {
        const { lt } = window;
        const other = lt.createClient({ endpoint: path });
        lt.init({ endpoint: path }).optOut();
        await lt.shutdown();
        const again = lt.init({ endpoint: path });
        for (const client of [other, again])
          client.trackComponent({ name: "After", seconds: 1, success: true });
        await Promise.all([other.flush(), again.flush()]);
        return [other, again].map((client) => client.stats().reason);
      }, receiver.path);
      assert.deepEqual(states, ["opted_out", "opted_out"]);
      assert.deepEqual(namesAt(receiver, receiver.path), []);
    }));

  it("a no to another copy of the package, which shares nothing but the storage: nothing more is kept", () =>
    inPlace(browser, async ({ receiver, visit, stored }) => {
      receiver.answerBy(() => ({ status: 503 }));
      const page = await visit(withoutDeferred);
      await page.evaluate(async (path) => {
        const copy = await import("/lt/dist/ndjson.js");
        const other = copy.createClient({ endpoint: `${path}?other`, flushIntervalMs: 600_000 });
        const client = window.lt.init({ endpoint: path, flushIntervalMs: 600_000 });
        client.stats();
        other.optOut();
        client.trackComponent({ name: "After", seconds: 1, success: true });
      }, receiver.path);
      await pass(page, 2_500);
      assert.deepEqual(await stored(), { [OPT_OUT]: "1" });
      assert.deepEqual(receiver.sent(), []);
    }));

  it("shutdown() while it is off is the end all the same", () =>
    inPlace(browser, async ({ receiver, visit, stored, noise }) => {
      for (const options of [{}, { consent: "denied" }]) {
        const page = await visit();
        const states = await page.evaluate(
          async (options) => {
            const client = window.lt.createClient(options);
            client.optOut();
            await client.shutdown();
            client.optIn();
            client.trackRun({ seconds: 1, success: true });
            window.dispatchEvent(new PageTransitionEvent("pagehide"));
            return [client.stats().state, client.stats().captured];
          },
          { endpoint: receiver.path, ...options },
        );
        await pass(page);
        assert.deepEqual(states, ["off", 0]);
        await page.close();
      }
      assert.deepEqual(receiver.sent(), []);
      assert.deepEqual(await stored(), {});
      assert.deepEqual(noise, []);
    }));
});

describe("what a person said", { concurrency: 2 }, () => {
  let browser;
  before(async () => {
    browser = await launch();
  });
  after(() => browser.close());

  it("is remembered also where our own batches have filled the storage", () =>
    inPlace(browser, async ({ receiver, visit, stored }) => {
      receiver.answerBy(() => ({ status: 503 }));
      const page = await visit(withoutDeferred);
      await page.evaluate((endpoint) => {
        window.lt.init({ endpoint });
        window.lt.trackComponent({ name: "Kept", seconds: 1, success: true });
      }, receiver.path);
      await until(async () => Object.values(await stored()).some((value) => value.includes('"Kept"')));
      await page.evaluate(() => {
        // To the last character that there is room for.
        let full = "";
        for (let size = 2 ** 22; size >= 1; size /= 2)
          try {
            localStorage.setItem("theirs", full + "x".repeat(size));
            full += "x".repeat(size);
          } catch {
            // Less, then.
          }
        window.lt.optOut();
      });
      const kept = await stored();
      delete kept.theirs;
      assert.deepEqual(kept, { [OPT_OUT]: "1" });
    }));

  it("holds on its page also where that clears the storage", () =>
    inPlace(browser, async ({ receiver, visit }) => {
      const page = await visit();
      const state = await page.evaluate(async (endpoint) => {
        const { lt } = window;
        lt.init({ endpoint }).optOut();
        localStorage.clear();
        await lt.shutdown();
        const { trackRun, flush, stats } = lt.init({ endpoint });
        trackRun({ seconds: 1, success: true });
        await flush();
        return stats().reason;
      }, receiver.path);
      assert.equal(state, "opted_out");
      assert.deepEqual(receiver.sent(), []);
    }));

  it("is the end of looking at events: beforeSend is not called after it", () =>
    inPlace(browser, async ({ receiver, visit }) => {
      const page = await visit();
      const seen = await page.evaluate(async (endpoint) => {
        const seen = [];
        const client = window.lt.init({
          endpoint,
          beforeSend(event) {
            seen.push(event.name ?? event.event);
            return event;
          },
        });
        const component = (name) => ({ name, seconds: 1, success: false, errorMessage: "x" });
        client.trackComponent(component("Before"));
        client.optOut();
        client.trackComponent(component("After"));
        client.optIn();
        client.trackComponent(component("Again"));
        await client.shutdown();
        client.trackComponent(component("Late"));
        return seen.filter((name) => /^[A-Z]/.test(name));
      }, receiver.path);
      assert.deepEqual(seen, ["Before", "Again"]);
    }));
});

describe("what a page may do", { concurrency: 2 }, () => {
  let browser;
  before(async () => {
    browser = await launch();
  });
  after(() => browser.close());

  it("localStorage.clear(): what was kept there is kept again", () =>
    inPlace(browser, async ({ receiver, visit, stored }) => {
      // Nothing leaves until then: the store is the one place there is.
      receiver.answerBy(() => ({ status: 503, headers: { "retry-after": "600" } }));
      const page = await visit(withoutDeferred);
      await page.evaluate(async (endpoint) => {
        window.lt.init({ endpoint });
        window.lt.trackRun({ seconds: 1, success: true });
        await window.lt.flush();
        for (let at = 0; at < 20; at++)
          window.lt.trackComponent({ name: `C${at}`, seconds: 1, success: true });
      }, receiver.path);
      const batches = async () => Object.values(await stored()).filter((value) => value.includes('"C19"'));
      await until(async () => (await batches()).length === 1);
      await page.evaluate(() => localStorage.clear());
      await page.close({ runBeforeUnload: false });
      await until(async () => (await batches()).length === 1);

      receiver.received.length = 0;
      receiver.answerBy();
      const next = await visit();
      await next.evaluate((endpoint) => window.lt.init({ endpoint }).stats(), receiver.path);
      const expected = Array.from({ length: 20 }, (_, at) => `C${at}`);
      await until(() => expected.every((name) => namesAt(receiver, receiver.path).includes(name)));
    }));

  it("a storage event of its own, with a value and no key, is nobody's no", () =>
    inPlace(browser, async ({ receiver, visit }) => {
      const page = await visit();
      const state = await page.evaluate((endpoint) => {
        const client = window.lt.init({ endpoint });
        client.stats();
        window.dispatchEvent(new StorageEvent("storage", { newValue: "{}" }));
        return client.stats().state;
      }, receiver.path);
      assert.equal(state, "on");
    }));

  for (const [options, code] of [[{}, "wasm_unavailable"], [{ doNotTrack: true }], [{ consent: "denied" }]])
    it(`a promise of the module that fails is ours to tell, with ${JSON.stringify(options)}`, () =>
      inPlace(browser, async ({ receiver, visit, noise }) => {
        const page = await visit();
        const told = await page.evaluate(
          async ([endpoint, options]) => {
            const slim = await import("/lt/slim.js");
            const told = [];
            window.addEventListener("unhandledrejection", ({ reason }) => told.push(`unhandled: ${reason}`));
            slim.init({
              endpoint,
              wasm: Promise.reject(new TypeError("Failed to fetch")),
              onDiagnostic: ({ code }) => told.push(code),
              ...options,
            });
            await new Promise((resolve) => setTimeout(resolve, 300));
            return told;
          },
          [receiver.path, options],
        );
        assert.deepEqual(told, code ? [code] : []);
        assert.deepEqual(noise, []);
      }));

  it("one response does for all clients of the page, at once and after a shutdown", () =>
    inPlace(browser, async ({ receiver, visit }) => {
      const page = await visit();
      const states = await page.evaluate(async (endpoint) => {
        const slim = await import("/lt/slim.js");
        const options = { endpoint, wasm: fetch("/lt/dist/langflow_telemetry_bg.wasm"), onDiagnostic() {} };
        const clients = [slim.init(options), slim.createClient(options)];
        const isOn = async (client) => {
          while (client.stats().state === "loading") await new Promise((resolve) => setTimeout(resolve, 10));
          return client.stats().state;
        };
        const states = await Promise.all(clients.map(isOn));
        await slim.shutdown();
        return [...states, await isOn(slim.init(options))];
      }, receiver.path);
      assert.deepEqual(states, ["on", "on", "on"]);
    }));

  it("a getter that runs out of range, or throws what cannot be looked at, costs its event and no more", () =>
    inPlace(browser, async ({ receiver, visit, noise }) => {
      const page = await visit();
      const stats = await page.evaluate(async (endpoint) => {
        const told = [];
        const client = window.lt.init({ endpoint, onDiagnostic: ({ code }) => told.push(code) });
        const unreadable = new Proxy(function () {}, {
          getPrototypeOf() {
            throw new Error("not this either");
          },
        });
        for (const get of [
          () => (1).toFixed(200),
          () => "x".repeat(-1),
          () => {
            throw unreadable;
          },
          () => {
            throw new WebAssembly.RuntimeError("unreachable");
          },
        ])
          client.trackRun(Object.defineProperty({ success: true }, "seconds", { get, enumerable: true }));
        client.trackComponent({ name: "Fine", seconds: 1, success: true });
        await client.flush();
        return [client.stats().state, client.stats().dropped.invalid, told];
      }, receiver.path);
      assert.deepEqual(stats, ["on", 4, Array(4).fill("invalid_event")]);
      assert.deepEqual(namesAt(receiver, receiver.path), ["Fine"]);
      assert.deepEqual(noise, []);
    }));

  it("hostile values before the module has come: nothing is thrown, and the bound of what is held holds", () =>
    inPlace(browser, async ({ receiver, visit, noise }) => {
      const page = await visit();
      const [refused, captured] = await page.evaluate(async (endpoint) => {
        const slim = await import("/lt/slim.js");
        let come;
        const wasm = new Promise((resolve) => (come = resolve));
        const client = slim.createClient({ endpoint, wasm, maxQueueBytes: 16_777_216, onDiagnostic() {} });
        await Promise.resolve();
        const { proxy, revoke } = Proxy.revocable({}, {});
        revoke();
        const hostile = [
          proxy,
          { length: 1n },
          { length: NaN },
          {
            get length() {
              throw new Error("no");
            },
          },
        ];
        for (const errorMessage of hostile) client.trackRun({ seconds: 1, success: false, errorMessage });
        // 4 MiB of names: twice what is held.
        for (let at = 0; at < 1_024; at++)
          client.trackComponent({ name: "x".repeat(4_096), seconds: 1, success: true });
        come(await fetch("/lt/dist/langflow_telemetry_bg.wasm"));
        while (client.stats().state !== "on") await new Promise((resolve) => setTimeout(resolve, 10));
        const { dropped, captured } = client.stats();
        return [dropped, captured];
      }, receiver.path);
      assert.equal(refused.invalid, 4);
      assert.ok(refused.queue_full > 256 && refused.queue_full < 1_024, JSON.stringify(refused));
      assert.ok(captured >= 4 + 1_024, `${captured}`);
      assert.deepEqual(noise, []);
    }));

  it("onDiagnostic that tracks, for the one client and for another, as often as it likes", () =>
    inPlace(browser, async ({ receiver, visit, noise }) => {
      receiver.answerBy(() => ({ status: 503 }));
      const page = await visit();
      await page.evaluate(async (path) => {
        const { createClient } = window.lt;
        const component = (name) => ({ name, seconds: 1, success: true });
        let told = 0;
        const one = createClient({ endpoint: `${path}?one`, persist: false });
        const other = createClient({
          endpoint: `${path}?other`,
          maxQueueBytes: 16_384,
          persist: false,
          onDiagnostic({ code }) {
            if (code !== "queue_full" || told++ > 0) return;
            // As many as cross at a time, and one of its own, for which those have to make way.
            for (let at = 0; at < 512; at++) one.trackComponent(component("One"));
            other.trackComponent(component("Other"));
          },
        });
        // So that the names are known, and nothing else has to make way.
        one.trackComponent(component("One"));
        other.trackComponent(component("Other"));
        one.stats();
        for (let at = 0; at < 200; at++) other.trackComponent(component("Other"));
        one.trackComponent(component("One"));
        window.clients = [one, other];
      }, receiver.path);
      // With a Version event each, which waits for the browser's hints no longer than this takes.
      await pass(page);
      const captured = await page.evaluate(() => window.clients.map((client) => client.stats().captured));
      assert.deepEqual(captured, [1 + 512 + 1 + 1, 1 + 200 + 1 + 1]);
      receiver.received.length = 0;
      receiver.answerBy();
      await until(async () => {
        await page.evaluate(() => Promise.all(window.clients.map((client) => client.flush())));
        return namesAt(receiver, `${receiver.path}?one`).length >= 514;
      });
      const names = namesAt(receiver, `${receiver.path}?one`);
      assert.deepEqual([names.length, ...new Set(names)], [514, "One"]);
      assert.deepEqual(noise, []);
    }));
});
