/** The threats of docs/privacy.md, a test for each row of its table. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, describe, it } from "node:test";

import { launch } from "./harness/browser.mjs";
import { until } from "./harness/waiting.mjs";
import { inWorld } from "./harness/world.mjs";
import { OPT_OUT, PREFIX, inPlace, pass } from "./privacy/visit.mjs";

const names = (events) => events.filter(({ event }) => event === "component").map(({ name }) => name);

/** Names of the components that arrived, each key counted once, as a collector does. */
const arrived = (receiver) => {
  const byKey = new Map(receiver.events().map((event) => [`${event.session} ${event.seq}`, event]));
  return names([...byKey.values()]).toSorted();
};

/** Makes `window.client`, which keeps what it is told in `window.told`. */
const init = (page, options) =>
  page.evaluate((options) => {
    window.told = [];
    window.client = window.lt.init({ ...options, onDiagnostic: (told) => window.told.push(told) });
  }, options);

const track = (page, ...given) =>
  page.evaluate((given) => {
    for (const name of given) window.client.trackComponent({ name, seconds: 1, success: true });
  }, given);

const flush = (page) => page.evaluate(() => window.client.flush());
const stats = (page) => page.evaluate(() => window.client.stats());

describe("a hostile page script", { concurrency: 2 }, () => {
  let browser;
  before(async () => {
    browser = await launch();
  });
  after(() => browser.close());

  for (const [what, patch] of [
    [
      "throws",
      () =>
        (window.fetch = () => {
          throw new Error("patched");
        }),
    ],
    ["rejects", () => (window.fetch = () => Promise.reject(new Error("patched")))],
    ["returns nothing", () => (window.fetch = () => undefined)],
    [
      "returns junk",
      () => (window.fetch = async () => ({ status: "200", headers: 5, body: { getReader: 1 } })),
    ],
    [
      "returns what throws when it is looked at",
      () =>
        (window.fetch = async () =>
          new Proxy(
            {},
            {
              get(_, name) {
                if (name !== "then") throw new Error("patched");
              },
            },
          )),
    ],
    ["never answers", () => (window.fetch = () => new Promise(() => {}))],
    ["is gone", () => delete window.fetch],
  ])
    it(`fetch ${what}: nothing reaches the page, and no event is lost`, () =>
      inPlace(browser, async ({ receiver, visit, noise }) => {
        const page = await visit();
        await page.evaluate(patch);
        await init(page, { endpoint: receiver.foreign });
        await track(page, "A", "B", "C");
        await page.evaluate(() => void window.client.flush());
        await pass(page);
        const { captured, sent, dropped } = await stats(page);
        assert.equal(captured - 1, 3, "beside Version");
        assert.equal(sent, 0);
        assert.deepEqual(Object.values(dropped), Array(8).fill(0));
        await page.close();
        const next = await visit();
        await init(next, { endpoint: receiver.foreign });
        await until(() => arrived(receiver).length >= 3);
        assert.deepEqual(arrived(receiver), ["A", "B", "C"]);
        assert.deepEqual(noise, []);
      }));

  for (const [what, patch] of [
    [
      "waits before it passes a request on",
      () => {
        const { fetch } = window;
        window.fetch = async (...request) => {
          await new Promise((resolve) => setTimeout(resolve, 100));
          return fetch(...request);
        };
      },
    ],
    [
      // Then it says that it is native code.
      "does so, and is bound",
      () => {
        const { fetch } = window;
        const wrapped = async (...request) => {
          await new Promise((resolve) => setTimeout(resolve, 100));
          return fetch(...request);
        };
        window.fetch = wrapped.bind(window);
      },
    ],
  ])
    it(`fetch ${what}: what arrives is what was tracked before, whatever was tracked since`, () =>
      inPlace(browser, async ({ receiver, visit, noise }) => {
        const page = await visit();
        await page.evaluate(patch);
        await init(page, { endpoint: receiver.path });
        const isAcknowledged = await page.evaluate(async () => {
          const { client } = window;
          const component = (name, seconds) => client.trackComponent({ name, seconds, success: true });
          for (let i = 0; i < 100; i++) component("Early", i);
          const flushed = client.flush();
          // By now that request is on its way through the page's own function. The module's memory is written anew, and grows.
          await new Promise((resolve) => setTimeout(resolve, 20));
          for (let i = 0; i < 4000; i++) component("Late", i);
          return (await flushed) && client.flush();
        });
        assert.equal(isAcknowledged, true);
        const tracked = receiver.events().filter(({ event }) => event === "component");
        const seconds = (name) =>
          tracked.filter((event) => event.name === name).map((event) => event.seconds);
        assert.deepEqual(seconds("Early"), [...Array(100).keys()]);
        assert.deepEqual(
          seconds("Late").toSorted((a, b) => a - b),
          [...Array(4000).keys()],
        );
        assert.deepEqual(noise, []);
      }));

  it("a getter that tracks by the thousand, while its event is read: both arrive as they are", () =>
    inPlace(browser, async ({ receiver, visit, noise }) => {
      const page = await visit();
      await init(page, { endpoint: receiver.path });
      await page.evaluate(() => {
        const { client } = window;
        client.trackComponent({
          name: "Outer",
          success: true,
          get seconds() {
            // 600 KB: the module's memory grows.
            for (let i = 0; i < 4000; i++)
              client.trackComponent({ name: "Inner", seconds: 1, success: true });
            return 2;
          },
        });
        return client.flush();
      });
      await until(() => receiver.events().some(({ name }) => name === "Outer"));
      const tracked = receiver.events().filter(({ event }) => event === "component");
      const names = [...new Set(tracked.map(({ name, seconds }) => `${name} ${seconds}`))].sort();
      assert.deepEqual(names, ["Inner 1", "Outer 2"]);
      assert.deepEqual(noise, []);
    }));

  it("getters that throw, in events, outcomes and options: refused, counted, told; nothing thrown", () =>
    inPlace(browser, async ({ receiver, visit, noise }) => {
      const page = await visit();
      await init(page, { endpoint: receiver.path });
      await page.evaluate(() => {
        const { client, lt } = window;
        const bad = () => {
          throw new Error("getter");
        };
        const proxy = new Proxy({}, { get: bad, has: bad, ownKeys: bad, getOwnPropertyDescriptor: bad });
        const getter = {
          get seconds() {
            return bad();
          },
          success: true,
        };
        const symbol = { seconds: Symbol("s"), success: true };
        for (const event of [proxy, getter, symbol, null, undefined, 5, "text", () => {}, [], Symbol("s")]) {
          client.trackRun(event);
          client.trackPlayground(event);
          client.trackComponent(event);
          client.startRun().end(event);
          client.startComponent(event).end(event);
        }
        for (const value of [{ toString: bad }, Object.create(null), Symbol("s"), 1n, NaN, -1, Infinity, "1"])
          client.trackComponent({ name: "A", seconds: value, success: true });
        const options = [
          proxy,
          {
            get endpoint() {
              return bad();
            },
          },
          {
            get doNotTrack() {
              return bad();
            },
          },
        ];
        options.push(
          { doNotTrack: { toString: bad } },
          { doNotTrack: Object.create(null) },
          null,
          5,
          Symbol("s"),
        );
        options.push(
          {
            get onDiagnostic() {
              return bad();
            },
          },
          { endpoint: "/t", app: proxy },
        );
        window.others = options
          .map((given) => lt.createClient(given))
          .map((other) => {
            other.trackRun({ seconds: 1, success: true });
            return other.stats().state;
          });
        lt.doNotTrackFromEnv(proxy);
        lt.doNotTrackFromEnv(null);
      });
      assert.deepEqual([...new Set(await page.evaluate(() => window.others))], ["off"]);
      await track(page, "After");
      assert.equal(await flush(page), true);
      assert.deepEqual(arrived(receiver), ["After"]);
      const { captured, sent, dropped } = await stats(page);
      assert.equal(captured, sent + dropped.invalid);
      const told = await page.evaluate(() => window.told);
      assert.ok(told.length > 0 && told.every(({ code }) => code === "invalid_event"));
      assert.deepEqual(
        noise.filter((line) => !line.startsWith("langflow-telemetry: ")),
        [],
        "what is written to the console is our own word about options",
      );
    }));

  for (const [what, patch] of [
    [
      "may not even be looked at (SecurityError)",
      () =>
        Object.defineProperty(window, "localStorage", {
          get() {
            throw new DOMException("denied by the test", "SecurityError");
          },
        }),
    ],
    [
      "takes nothing (QuotaExceededError)",
      () =>
        (Storage.prototype.setItem = () => {
          throw new DOMException("full by the test", "QuotaExceededError");
        }),
    ],
  ])
    it(`a localStorage that ${what}: events arrive, it is told once, nothing reaches the page`, () =>
      inPlace(browser, async ({ receiver, visit, noise }) => {
        // Only what could not be sent is to be stored.
        receiver.answerBy(() => ({ status: 503 }));
        const page = await visit(patch);
        await init(page, { endpoint: receiver.foreign });
        await track(page, "A", "B");
        assert.equal(await flush(page), false);
        const told = () => page.evaluate(() => window.told.map(({ code, count }) => `${code} ${count}`));
        await until(async () => (await told()).length > 0);
        receiver.answerBy();
        await until(async () => (await stats(page)).sent === 3);
        await track(page, "C");
        assert.equal(await flush(page), true);
        // And what is left at the end, where all is to be stored once more.
        await track(page, "D");
        await page.evaluate(() => window.dispatchEvent(new PageTransitionEvent("pagehide")));
        assert.deepEqual(await told(), ["store_unavailable 1"]);
        await page.close();
        await until(() => receiver.events().some(({ event }) => event === "shutdown"));
        assert.deepEqual(arrived(receiver), ["A", "B", "C", "D"]);

        // Nor does an opt-out need it.
        const other = await visit(patch);
        await init(other, { endpoint: receiver.foreign });
        const { state, reason } = await other.evaluate(() => {
          window.client.optOut();
          return window.client.stats();
        });
        assert.deepEqual([state, reason], ["off", "opted_out"]);
        assert.deepEqual(noise, []);
      }));

  it("frozen prototypes: events arrive", () =>
    inPlace(browser, async ({ receiver, visit, noise }) => {
      const page = await visit();
      await page.evaluate(() => {
        for (const { prototype } of [
          Object,
          Array,
          Function,
          Promise,
          String,
          Number,
          Error,
          Map,
          Set,
          Event,
        ])
          Object.freeze(prototype);
        for (const { prototype } of [Uint8Array, ArrayBuffer, Response, Request, Storage, EventTarget])
          Object.freeze(prototype);
        Object.freeze(globalThis.WebAssembly);
      });
      await init(page, { endpoint: receiver.path });
      await track(page, "A", "B");
      assert.equal(await flush(page), true);
      assert.deepEqual(arrived(receiver), ["A", "B"]);
      assert.deepEqual(noise, []);
    }));

  it("beforeSend and onDiagnostic that throw, return junk or call back in: nothing breaks", () =>
    inPlace(browser, async ({ receiver, visit, noise }) => {
      const page = await visit();
      await page.evaluate((endpoint) => {
        let calls = 0;
        const told = (window.told = []);
        const junk = [
          5,
          "text",
          [],
          Symbol("s"),
          new Proxy(
            {},
            {
              get() {
                throw new Error("x");
              },
            },
          ),
        ];
        window.client = window.lt.init({
          endpoint,
          beforeSend(event) {
            calls += 1;
            const { client } = window;
            client?.stats();
            void client?.flush();
            if (event.name === "Throws") throw new Error("beforeSend");
            if (event.name === "Junk") return junk[calls % junk.length];
            if (event.name === "Null") return null;
            if (event.name === "Again") client.trackComponent({ ...event });
            if (event.name === "Renamed")
              return { ...event, name: "New", email: "ada@example.org", endpoint: "/x" };
            return event;
          },
          onDiagnostic(diagnostic) {
            told.push(diagnostic.code);
            window.client?.trackComponent({ name: "FromDiagnostic", seconds: -1, success: true });
            void window.client?.flush();
            throw new Error("onDiagnostic");
          },
        });
      }, receiver.path);
      await track(page, "Throws", "Junk", "Junk", "Junk", "Junk", "Junk", "Null", "Again", "Renamed", "Last");
      assert.equal(await flush(page), true);
      const after = await stats(page);
      assert.equal(after.state, "on");
      assert.equal(after.captured, after.sent + after.dropped.before_send + after.dropped.invalid);
      assert.ok(after.dropped.invalid >= 5);
      const own = arrived(receiver).filter((name) => name !== "Again");
      assert.deepEqual(own, ["Last", "New"]);
      // Each is captured within the one before: up to a bound, and each once.
      const again = arrived(receiver).filter((name) => name === "Again").length;
      assert.ok(again < 20, `${again} of an endless chain`);
      assert.ok(receiver.events().every((event) => !("email" in event) && !("endpoint" in event)));
      assert.deepEqual(noise, []);
    }));

  it("optOut() and shutdown() from within callbacks: it ends, and stays ended", () =>
    inPlace(browser, async ({ receiver, visit, stored, noise }) => {
      const page = await visit();
      await page.evaluate((endpoint) => {
        window.client = window.lt.init({
          endpoint,
          beforeSend(event) {
            if (event.name === "Out") window.client.optOut();
            return event;
          },
        });
      }, receiver.path);
      await track(page, "Before", "Out", "After");
      await flush(page);
      await pass(page);
      assert.equal((await stats(page)).reason, "opted_out");
      assert.deepEqual(arrived(receiver), []);
      assert.deepEqual(await stored(), { [OPT_OUT]: "1" });
      assert.deepEqual(noise, []);
    }));

  it("a polluted Object.prototype: no option and no field comes from there", () =>
    inPlace(browser, async ({ receiver, visit, stored, noise }) => {
      const pollute = (evil) => {
        const { prototype } = Object;
        Object.assign(prototype, {
          endpoint: evil,
          honorBrowserSignals: false,
          consent: "granted",
          dryRun: true,
        });
        Object.assign(prototype, {
          errorMessages: "scrubbed",
          sampleRate: 0,
          persist: false,
          clientType: "evil",
        });
        Object.assign(prototype, {
          app: { package: "evil" },
          package: "evil",
          python: "evil",
          backendOnly: true,
        });
        Object.assign(prototype, { doNotTrack: true, beforeSend: () => null, onDiagnostic: () => {} });
        Object.assign(prototype, {
          isWebhook: true,
          errorMessage: "evil",
          componentCount: 666,
          email: "evil",
        });
        Object.assign(prototype, { mode: "no-cors", referrer: "/evil", integrity: "", wasm: "/evil.wasm" });
        window.clean = () => Object.keys(prototype).forEach((name) => delete prototype[name]);
      };
      const page = await visit();
      await page.evaluate(pollute, `${receiver.origin}/evil`);
      const { state } = await page.evaluate((endpoint) => {
        window.client = window.lt.init({ endpoint, consent: "pending", app: { version: "1.13.0" } });
        return window.client.stats();
      }, receiver.path);
      assert.equal(state, "pending");
      await page.evaluate(async () => {
        const { client } = window;
        client.optIn();
        client.trackRun({ seconds: 1, success: false });
        client.trackPlayground({ seconds: 1, success: false });
        client.startComponent("A").end({ success: false });
        client.trackComponent({ seconds: 1, success: true });
        await client.flush();
        await client.shutdown();
        window.clean();
      });
      const events = receiver.events();
      assert.deepEqual(events.map(({ event }) => event).toSorted(), [
        "component",
        "playground",
        "run",
        "shutdown",
        "version",
      ]);
      assert.ok(!JSON.stringify(events).includes("evil"), JSON.stringify(events));
      const allowed = ["event", "session", "seq", "time", "clientType"];
      const own = {
        run: ["seconds", "success"],
        playground: ["seconds", "success"],
        shutdown: ["timeRunning"],
      };
      for (const event of events) {
        if (!own[event.event]) continue;
        assert.deepEqual(Object.keys(event).toSorted(), [...allowed, ...own[event.event]].toSorted());
      }
      assert.deepEqual(
        receiver.received.filter(({ url }) => url !== receiver.path),
        [],
      );
      await page.close();

      // Nor does it outvote the browser.
      const other = await visit([
        () => Object.defineProperty(Navigator.prototype, "globalPrivacyControl", { get: () => true }),
      ]);
      await other.evaluate(pollute, `${receiver.origin}/evil`);
      const off = await other.evaluate((endpoint) => {
        const { reason } = window.lt.init({ endpoint }).stats();
        window.clean();
        return reason;
      }, receiver.path);
      assert.equal(off, "browser_signal");
      assert.deepEqual(await stored(), {});
      assert.deepEqual(noise, []);
    }));

  it("an endpoint that is a script, a file, somebody else's or carries a password: off, told once, no request", () =>
    inPlace(browser, async ({ receiver, visit, noise }) => {
      const page = await visit();
      const endpoints = [
        "javascript:document.title='evil'",
        "JavaScript:document.title='evil'",
        " javascript:document.title='evil'",
        "java\nscript:document.title='evil'",
        "data:text/plain,x",
        "blob:http://127.0.0.1/x",
        "file:///etc/passwd",
        "ftp://127.0.0.1/x",
        "ws://127.0.0.1/x",
        receiver.foreign.replace("//", "//user:secret@"),
        receiver.foreign.replace("//", "//user@"),
        receiver.foreign.replace("http:", ""),
        `\\\\localhost${receiver.path}`,
        "/\\localhost/x",
        "/\t/localhost/x",
        "events",
        "",
        "/".padEnd(5_000, "x"),
      ];
      const outcomes = await page.evaluate((endpoints) => {
        return endpoints.map((endpoint) => {
          const told = [];
          const client = window.lt.createClient({ endpoint, onDiagnostic: (one) => told.push(one) });
          client.trackRun({ seconds: 1, success: true });
          void client.flush();
          return [client.stats().reason, told.map(({ code, subject }) => `${code} ${subject}`).join()];
        });
      }, endpoints);
      endpoints.forEach((endpoint, at) =>
        assert.deepEqual(outcomes[at], ["invalid_option", "invalid_option endpoint"], endpoint),
      );
      await pass(page, 300);
      assert.equal(await page.title(), "A page without telemetry");
      await page.close();
      assert.deepEqual(receiver.received, []);
      assert.deepEqual(noise, []);
    }));
});

describe("a hostile collector", { concurrency: 2 }, () => {
  let browser;
  before(async () => {
    browser = await launch();
  });
  after(() => browser.close());

  /** Writes until it is told to stop, or somebody hangs up; returns how many bytes were taken off its hands. */
  async function pour(response, { bytes = Infinity, pause = 0 }) {
    const chunk = Buffer.alloc(64 * 1024, "x");
    let written = 0;
    const closed = once(response, "close");
    response.writeHead(200, { "access-control-allow-origin": "*" });
    while (written < bytes && !response.destroyed) {
      if (!response.write(chunk)) await Promise.race([once(response, "drain"), closed]);
      else if (pause) await new Promise((resolve) => setTimeout(resolve, pause));
      written += chunk.length;
    }
    response.end();
    return written;
  }

  for (const [what, flow] of [
    ["100 MB", { bytes: 100 * 1024 * 1024 }],
    ["without an end", { pause: 5 }],
  ])
    it(`an answer ${what}: a little is read, the rest is hung up on, the event counts as sent`, () =>
      inPlace(browser, async ({ receiver, visit, noise }) => {
        let poured;
        receiver.answerBy(async (_, response) => {
          poured ??= pour(response, flow);
          await poured;
        });
        const page = await visit();
        await init(page, { endpoint: receiver.foreign });
        await track(page, "A");
        await flush(page);
        assert.equal((await stats(page)).sent, 2, "with Version");
        await track(page, "B");
        assert.equal((await stats(page)).state, "on");
        await page.close();
        // What is on its way through sockets when the client hangs up is not ours to bound.
        assert.ok((await poured) < 50 * 1024 * 1024, `${await poured} bytes`);
        assert.deepEqual(noise, []);
      }));

  it("a redirect to another origin is not followed, by fetch, keepalive or deferred request", () =>
    inPlace(browser, async ({ receiver, visit, noise }) => {
      const statuses = [301, 302, 303, 307, 308];
      const headers = { location: `${receiver.origin}/elsewhere` };
      receiver.answerBy(({ url }) =>
        url === receiver.path
          ? { status: statuses[receiver.sent().length % statuses.length], headers }
          : { status: 200 },
      );
      const page = await visit();
      await init(page, { endpoint: receiver.foreign });
      await track(page, "A");
      await flush(page);
      await pass(page);
      await page.close();
      const next = await visit();
      await pass(next, 500);
      assert.ok(receiver.sent().length > 0);
      assert.deepEqual(
        receiver.received.map(({ url }) => url).filter((url) => url !== receiver.path),
        [],
      );
      assert.deepEqual(
        noise.filter((line) => !line.includes("CORS policy")),
        [],
      );
    }));

  it("no request carries a cookie or a referrer, nor keeps one that is set; only the own origin's beacon does", () =>
    inPlace(browser, async ({ receiver, visit, context, noise }) => {
      const { port } = new URL(receiver.origin);
      await context.addCookies(
        ["127.0.0.1", "localhost"].map((domain) => ({ name: "who", value: "ada", domain, path: "/" })),
      );
      receiver.answerBy(() => ({
        status: 200,
        headers: { "set-cookie": "planted=1; Path=/", "access-control-allow-credentials": "true" },
        body: "{}",
      }));
      const kinds = [];
      for (const endpoint of [receiver.path, `http://localhost:${port}${receiver.path}`]) {
        const isOwn = endpoint === receiver.path;
        const from = receiver.sent().length;
        const page = await visit();
        await init(page, { endpoint });
        // One by keepalive, and one with more than goes by that, so by plain fetch.
        await track(page, "First");
        await flush(page);
        const message = "the model gave no answer ".repeat(20);
        await page.evaluate((errorMessage) => {
          for (let number = 0; number < 100; number++)
            window.client.trackComponent({ name: "A", seconds: 1, success: false, errorMessage });
        }, message);
        await flush(page);
        const answered = receiver.sent().length;
        assert.ok(answered - from >= 2, "one of each kind");
        assert.deepEqual(
          (await context.cookies()).map(({ name }) => name).filter((name) => name === "planted"),
          [],
          "an answer sets nothing",
        );
        await track(page, "Last");
        await page.goto(`${receiver.origin}/blank.html?left`);
        await until(() => receiver.sent().length > answered);
        for (const { headers } of receiver.sent().slice(from)) {
          const isBeacon = headers["sec-fetch-mode"] === "no-cors";
          kinds.push(isBeacon ? "beacon" : "fetch");
          assert.equal(headers.authorization, undefined);
          // To its own origin a page says both with whatever it loads; there is no beacon without them.
          if (isBeacon) assert.ok(isOwn, "a beacon goes to the page's own origin only");
          else assert.deepEqual([headers.cookie, headers.referer], [undefined, undefined]);
        }
        await page.close();
        // What a beacon was answered with is the own origin's to set.
        await context.clearCookies({ name: "planted" });
      }
      assert.ok(kinds.includes("beacon") && kinds.includes("fetch"));
      assert.deepEqual(noise, []);
    }));
});

describe("a poisoned store, a hostile message", { concurrency: 2 }, () => {
  let browser;
  before(async () => {
    browser = await launch();
  });
  after(() => browser.close());

  /** A page of a world with the real collector, in which the test calls the package. */
  async function enter(world, endpoint = world.proxy.path) {
    const page = await world.newPage();
    await page.goto(world.address({ path: "/blank.html" }));
    await page.evaluate(async () => (window.lt = await import("/lt/index.js")));
    await init(page, { endpoint });
    return page;
  }

  /** A visit that could not send: the key of the batch that it left. */
  async function leaveUnsent(world, endpoint) {
    world.proxy.fail(() => ({ status: 503 }));
    const page = await enter(world, endpoint);
    await track(page, "Real");
    await flush(page);
    await page.evaluate(() => window.dispatchEvent(new PageTransitionEvent("pagehide")));
    const real = await page.evaluate(() =>
      Object.keys(localStorage).find((key) => localStorage.getItem(key).includes('"Real"')),
    );
    assert.ok(real?.startsWith(PREFIX), "a batch was kept");
    await page.close();
    await world.quiet();
    world.proxy.fail();
    return real;
  }

  const keys = (page) =>
    page.evaluate((prefix) => Object.keys(localStorage).filter((key) => key.startsWith(prefix)), PREFIX);

  it("junk, huge values, foreign records, control characters and 10,000 keys: removed; what is real arrives", () =>
    inWorld(browser, async (world) => {
      // To learn from it how the store is laid out.
      const real = await leaveUnsent(world);

      const poisoner = await world.newPage();
      await poisoner.goto(world.address({ path: "/blank.html" }));
      await poisoner.evaluate((real) => {
        const place = real.slice(0, real.lastIndexOf(":", real.lastIndexOf(":") - 1) + 1);
        const now = Date.now();
        const put = (key, value) => localStorage.setItem(key, value);
        const batch = (lines) => `u${now} ${lines.length}\n${lines}`;
        const line = (fields) =>
          JSON.stringify({
            event: "run",
            session: "aaaaaaaaaaaa",
            seq: 0,
            time: now,
            clientType: "x",
            ...fields,
          });
        const fine = { seconds: 1, success: true };
        put(`${place}aaaaaaaaaaab:1`, "not a batch");
        put(`${place}aaaaaaaaaaac:1`, "");
        put(`${place}aaaaaaaaaaad:1`, `u${now} 999999999999999\n`);
        put(`${place}aaaaaaaaaaae:1`, `u99999999999999999999 5\n${line(fine)}\n`);
        put(`${place}aaaaaaaaaaaf:1`, batch("x".repeat(300_000)));
        put(`${place}aaaaaaaaaaag:1`, batch(`${line(fine)}\u0000\u0007\u001b[2J\n`));
        put(`${place}aaaaaaaaaaah:1`, batch(`{"__proto__":{"event":"run"}}\n`));
        put(`${place}__proto__:1`, batch(`{"event":"run","session":"__proto__","__proto__":1}\n`));
        put(`${place}constructor:prototype`, "x");
        put(`${place}aaaaaaaaaaai:-1`, batch(`${line(fine)}\n`));
        put(`${place}aaaaaaaaaaaj:1`, batch(`${line({ ...fine, email: "ada@example.org" })}\n`));
        put(`${place}aaaaaaaaaaak:1`, batch(`${line({ ...fine, seconds: -1 })}\n`));
        put(`${place}aaaaaaaaaaal:1`, batch("\ud800\ufeff\u2028\n"));
        put(`${place}aaaaaaaaaaam`, "not a number");
        put(`${place}aaaaaaaaaaan`, "999999999999999999999999");
        put("langflow-telemetry:", "x");
        put("langflow-telemetry:::::", "x");
        for (const name of ["__proto__", "length", "getItem", "setItem", "removeItem", "key", "clear"])
          put(name, "theirs");
        for (let number = 0; number < 10_000; number++) put(`${place}k${number}:1`, "x");
        put("theirs", "kept");
      }, real);
      await poisoner.close();

      const page = await enter(world);
      await track(page, "A", "B");
      await until(
        async () => (await keys(page)).length === 0,
        () => keys(page).then((left) => left.slice(0, 20).join()),
      );
      assert.equal(await flush(page), true);
      const rows = await world.rows(4);
      assert.deepEqual(
        rows
          .filter(({ event }) => event === "component")
          .map(({ name }) => name)
          .toSorted(),
        ["A", "B", "Real"],
      );
      // Only what any script could send by itself gets through, and only as a well-formed event.
      assert.deepEqual(
        rows.filter(({ session }) => session.startsWith("aaaa")),
        [],
      );
      assert.equal(await page.evaluate(() => localStorage.getItem("theirs")), "kept");
      assert.equal((await stats(page)).state, "on");
      assert.deepEqual(world.noise, []);
    }));

  it("what an endpoint that is no longer used left: removed after 7 days, whoever opens, and not before", () =>
    inWorld(browser, async (world) => {
      const former = `${world.proxy.path}?former`;
      const real = await leaveUnsent(world, former);
      const page = await world.newPage();
      await page.goto(world.address({ path: "/blank.html" }));
      const [old, young] = await page.evaluate((real) => {
        const value = localStorage.getItem(real);
        const place = real.slice(0, real.lastIndexOf(":", real.lastIndexOf(":") - 1) + 1);
        const put = (session, days) => {
          const written = Date.now() - days * 24 * 3_600_000;
          localStorage.setItem(`${place}${session}:1`, value.replace(/^([us])\d+/, `$1${written}`));
          // Its claim, of the same time.
          localStorage.setItem(`${place}${session}`, String(written));
          return [`${place}${session}`, `${place}${session}:1`];
        };
        localStorage.removeItem(real);
        return [put("aaaaaaaaaaaa", 8), put("bbbbbbbbbbbb", 1)];
      }, real);
      await page.close();

      const other = await enter(world);
      await until(
        async () => !(await keys(other)).some((key) => old.includes(key)),
        async () => `${old} gone; there is ${await keys(other)}`,
      );
      assert.equal(await flush(other), true);
      const left = await keys(other);
      assert.ok(
        young.every((key) => left.includes(key)),
        `${young} kept; there is ${left}`,
      );
      await other.close();

      // Who has that endpoint again sends it.
      const again = await enter(world, former);
      await until(async () => names(await world.rows(0)).length > 0);
      assert.deepEqual(names(await world.rows(0)), ["Real"]);
      const [, batch] = young;
      assert.ok(!(await keys(again)).includes(batch), "it is that page's own now");
      assert.deepEqual(world.noise, []);
    }));

  it("an error message of 1 MiB, with NULs, lone surrogates, line ends and forged lines: one event, capped", () =>
    inWorld(browser, async (world) => {
      const page = await enter(world);
      const count = await page.evaluate(() => {
        const forged =
          '{"event":"run","session":"forgedforged","seq":0,"time":1,"clientType":"x","seconds":1,"success":true}';
        const messages = [
          "x".repeat(1024 * 1024),
          "password=".repeat(120_000),
          "ada@".repeat(262_144),
          "\u0000\u0001\u001f\u007f\u0085",
          "\ud800",
          "\udc00\ud800 broken \ud83d",
          "\ud83d".repeat(4_095) + "\ude00",
          `Error\n${forged}\n`,
          `Error\r\n${forged}\r\n`,
          `Error\u2028${forged}\u2029`,
          `"},${forged},{"`,
          '\\\n\\"\\u0000',
          "\u202e\u200b\ufeff right to left",
          "e\u0301".repeat(600),
        ];
        for (const errorMessage of messages)
          window.client.trackRun({ seconds: 1, success: false, errorMessage });
        return messages.length;
      });
      assert.equal(await flush(page), true);
      const rows = (await world.rows(count)).filter(({ event }) => event === "run");
      assert.equal(rows.length, count);
      const own = new Set(rows.map(({ session }) => session));
      assert.equal(own.size, 1, "no line was forged");
      for (const { error_message: message } of rows) assert.ok(Buffer.byteLength(message ?? "") <= 512);
      const { dropped, state } = await stats(page);
      assert.deepEqual([state, dropped.rejected, dropped.invalid], ["on", 0, 0]);
      assert.deepEqual(world.noise, []);
    }));
});
