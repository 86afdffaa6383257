/** The packed tarball on pages that make it hard: a Content-Security-Policy, a module that traps, a worker. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";

import { until } from "../e2e/harness/waiting.mjs";
import { installApp } from "./harness/install.mjs";
import { startReceiver } from "./harness/receiver.mjs";
import { serveFolder } from "./harness/serve.mjs";

/** What Chromium itself says of a module that the policy forbids. */
const FORBIDDEN = /^Failed to load resource|violates the following Content Security Policy directive/;

let receiver;
let roots;
let cases = 0;

before(async () => {
  const folder = installApp("html");
  roots = { "/lt/": join(folder, "node_modules/langflow-telemetry"), "/": folder };
  receiver = await startReceiver();
});
after(() => receiver?.stop());

/** Opens a page of the app, served with these headers, and closes all of it in the end. */
async function onPage(path, { headers, before, expected, ...query }, live) {
  const site = await serveFolder(roots, headers);
  const name = `Page${cases++}`;
  const search = new URLSearchParams({ ...query, endpoint: receiver.endpoint, name });
  const opened = await receiver.open(`${site.origin}${path}?${search}`, { before, expected });
  try {
    await live({ ...opened, name });
  } finally {
    await opened.close();
    await site.stop();
  }
}

const appRuns = async (page) => assert.equal(await page.textContent("p"), "The app runs");

describe("the entries by format", () => {
  for (const entry of ["langflow-telemetry", "langflow-telemetry/ndjson", "langflow-telemetry/gateway"])
    it(`${entry} tracks NDJSON where nothing is said, and what it tracks arrives`, async () => {
      await onPage("/entry.html", { entry }, async ({ page, noise, name }) => {
        await receiver.arrived(name, 2);
        assert.deepEqual(await page.evaluate(() => window.diagnostics), []);
        assert.deepEqual(noise, []);
      });
    });

  for (const [entry, format, expected] of [
    ["langflow-telemetry/ndjson", "otlp", '"ndjson": this entry has no others'],
    ["langflow-telemetry/ndjson", "gateway", '"ndjson": this entry has no others'],
    [
      "langflow-telemetry",
      "gateway",
      '"ndjson" or "otlp": for gateway import from langflow-telemetry/gateway',
    ],
  ])
    it(`${entry} refuses ${format}, and says what it takes`, async () => {
      await onPage("/entry.html", { entry, format }, async ({ page, noise, requests }) => {
        await page.waitForFunction(() => window.diagnostics?.length > 0);
        const [told, ...more] = await page.evaluate(() => window.diagnostics);
        assert.equal(told.code, "invalid_option");
        assert.ok(told.message.includes(`format: expected ${expected}, got "${format}"`), told.message);
        assert.deepEqual(more, []);
        assert.equal(await page.evaluate(() => window.client.stats().state), "off");
        assert.deepEqual(requests(), []);
        assert.deepEqual(noise, []);
      });
    });
});

describe("a Content-Security-Policy", () => {
  const policy = (scripts) => ({ "content-security-policy": `script-src ${scripts}` });

  it("of 'self' and 'wasm-unsafe-eval' is enough", async () => {
    const headers = policy("'self' 'wasm-unsafe-eval'");
    await onPage("/plain.html", { headers, told: 1 }, async ({ page, noise, name }) => {
      await receiver.arrived(name, 3);
      await appRuns(page);
      assert.deepEqual(await page.evaluate(() => window.diagnostics), []);
      assert.deepEqual(noise, []);
    });
  });

  it("without 'wasm-unsafe-eval' turns telemetry off, tells why once, and the app runs", async () => {
    const headers = policy("'self'");
    await onPage(
      "/plain.html",
      { headers, told: 1, expected: FORBIDDEN },
      async ({ page, noise, requests }) => {
        await appRuns(page);
        const { diagnostics, stats, flushed } = await page.evaluate(async () => {
          for (let i = 0; i < 10; i++) window.telemetry.trackRun({ seconds: 1, success: true });
          return {
            flushed: await window.telemetry.flush(),
            stats: window.telemetry.stats(),
            diagnostics: window.diagnostics,
          };
        });
        assert.deepEqual(
          diagnostics.map(({ code, count }) => [code, count]),
          [["wasm_unavailable", 1]],
        );
        assert.match(diagnostics[0].message, /wasm-unsafe-eval/);
        assert.deepEqual([stats.state, stats.reason, flushed], ["off", "wasm_unavailable", true]);
        assert.deepEqual(requests(), []);
        assert.deepEqual(noise, []);
      },
    );
  });

  it("without 'wasm-unsafe-eval' is told to the console, once, where no one listens", async () => {
    await onPage(
      "/plain.html",
      { headers: policy("'self'"), expected: FORBIDDEN },
      async ({ page, noise }) => {
        await appRuns(page);
        await until(() => noise.length > 0);
        assert.equal(noise.length, 1, noise.join("\n"));
        assert.match(noise[0], /^warning: langflow-telemetry: .*wasm-unsafe-eval/);
      },
    );
  });
});

describe("a module that traps", () => {
  /** Keeps hold of the module's own instance, and of what is sent and listened for. What the page gets is the real thing. */
  const watch = () => {
    window.sent = 0;
    // The client's, which are told by their capturing.
    window.listening = new Set();
    for (const [method, note] of [
      ["addEventListener", "add"],
      ["removeEventListener", "delete"],
    ]) {
      const original = window[method];
      window[method] = function (name, listener, captures) {
        if (captures === true) window.listening[note](name);
        return original.call(window, name, listener, captures);
      };
    }
    for (const [object, name] of [
      [window, "fetch"],
      [window, "fetchLater"],
      [Navigator.prototype, "sendBeacon"],
    ]) {
      const original = object[name];
      if (!original) continue;
      object[name] = function (...given) {
        window.sent++;
        return original.apply(this, given);
      };
    }
    WebAssembly.Instance = new Proxy(WebAssembly.Instance, {
      construct: (target, given) => (window.instance = Reflect.construct(target, given)),
    });
  };

  /**
   * Overwrites the module's memory, so that the next call into it meets pointers that lead nowhere: the same
   * RuntimeError as any other trap. Returns what had been sent by then.
   */
  const corrupt = () => {
    const memory = Object.values(window.instance.exports).find((one) => one instanceof WebAssembly.Memory);
    // Two gigabytes in, far behind its end; with 0xff an offset would lead back to its beginning.
    new Uint8Array(memory.buffer).fill(0x7f);
    return window.sent;
  };

  for (const [title, meet] of [
    ["when the app tracks", () => window.telemetry.trackRun({ seconds: 1, success: true })],
    ["when the app asks for stats", () => void window.telemetry.stats()],
    ["when the browser calls", () => dispatchEvent(new PageTransitionEvent("pagehide"))],
  ]) {
    it(`${title} is off from then on, is told once, and the app sees nothing`, async () => {
      await onPage("/plain.html", { before: watch, told: 1 }, async ({ page, noise, name }) => {
        await receiver.arrived(name, 3);
        const sent = await page.evaluate(corrupt);
        assert.ok((await page.evaluate(() => [...window.listening])).includes("pagehide"));
        await page.evaluate(meet);
        const { diagnostics, stats, flushed } = await page.evaluate(async () => {
          for (let i = 0; i < 10; i++) window.telemetry.trackRun({ seconds: 1, success: true });
          window.telemetry.startComponent("After").end({ success: false });
          window.telemetry.optIn();
          for (const name of ["pagehide", "online"]) dispatchEvent(new Event(name));
          document.dispatchEvent(new Event("visibilitychange"));
          const flushed = await window.telemetry.flush();
          await window.telemetry.shutdown();
          return { flushed, stats: window.client.stats(), diagnostics: window.diagnostics };
        });
        assert.deepEqual(
          diagnostics.map(({ code, count }) => [code, count]),
          [["internal", 1]],
        );
        assert.deepEqual([stats.state, stats.reason], ["off", "internal"]);
        assert.equal(typeof flushed, "boolean");

        // What the garbage collector then finds is freed in a module that cannot be called any more.
        const devtools = await page.context().newCDPSession(page);
        for (let round = 0; round < 3; round++) {
          await devtools.send("HeapProfiler.collectGarbage");
          await page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 50)));
        }
        await appRuns(page);
        assert.equal(await page.evaluate(() => window.sent), sent, "nothing is sent after the trap");
        assert.deepEqual(await page.evaluate(() => [...window.listening]), [], "nothing is listened for");
        assert.deepEqual(noise, []);
      });
    });
  }

  it("is told to the console, once, where no one listens", async () => {
    await onPage("/plain.html", { before: watch }, async ({ page, noise, name }) => {
      await receiver.arrived(name, 3);
      await page.evaluate(corrupt);
      await page.evaluate(() => {
        for (let i = 0; i < 10; i++) window.telemetry.trackRun({ seconds: 1, success: true });
      });
      await appRuns(page);
      assert.equal(noise.length, 1, noise.join("\n"));
      assert.match(noise[0], /^warning: langflow-telemetry: the module failed/);
    });
  });
});

describe("the task in which a page starts", () => {
  /** Counts the modules that are instantiated. */
  const count = () => {
    window.made = 0;
    WebAssembly.Instance = new Proxy(WebAssembly.Instance, {
      construct: (target, given) => {
        window.made++;
        return Reflect.construct(target, given);
      },
    });
  };

  /** A page of the same origin that starts no client. */
  const EMPTY = "/empty.html";

  it("is not held up by init: the module comes in a task behind it", async () => {
    await onPage(EMPTY, { before: count }, async ({ page, noise }) => {
      const made = await page.evaluate(async () => {
        const { init } = await import("/lt/index.js");
        init({ endpoint: "/nowhere", dryRun: true });
        return window.made;
      });
      assert.equal(made, 0);
      await page.waitForFunction(() => window.made === 1);
      // `dryRun` shows what would leave: it works, though nobody asked it for anything.
      await until(() => noise.some((line) => line.includes('{"event":"version"')));
    });
  });

  it("holds up what is tracked in it: no event waits for the module", async () => {
    await onPage(EMPTY, { before: count }, async ({ page }) => {
      const seen = await page.evaluate(async () => {
        const { init, trackRun } = await import("/lt/index.js");
        const client = init({ endpoint: "/nowhere", dryRun: true, consent: "pending" });
        trackRun({ seconds: 1, success: true });
        return [window.made, client.stats()];
      });
      assert.equal(seen[0], 1);
      assert.deepEqual([seen[1].state, seen[1].captured, seen[1].queued], ["pending", 1, 1]);
    });
  });
});

describe("events that cross together", () => {
  it("keep what is theirs, also where there are more texts than are remembered and the module needs more memory", async () => {
    await onPage("/plain.html", { told: 1 }, async ({ page, noise, name }) => {
      // First more texts than are remembered, so that most events cross alone; then a few, so that they cross together.
      const events = Array.from({ length: 5000 }, (_, at) => ({
        name: `Part${at < 600 ? (at * 7) % 150 : at % 5}`,
        seconds: at / 1000,
        success: at % 3 > 0,
        ...(at % 3 === 0 && {
          errorMessage: `KeyError: no field ${(at * 5) % (at < 600 ? 90 : 10)} for ada@example.com`,
        }),
      }));
      await page.evaluate((events) => {
        for (const event of events) window.telemetry.trackComponent(event);
        return window.telemetry.flush();
      }, events);
      const rows = await receiver.arrived(name, events.length + 3);
      const parts = rows.filter((row) => row.name?.startsWith("Part")).sort((a, b) => a.seq - b.seq);
      assert.deepEqual(
        parts.map((row) => [row.name, row.seconds, row.success, row.error_message]),
        events.map(({ name, seconds, success, errorMessage }) => [
          name,
          seconds,
          Number(success),
          errorMessage?.replace("ada@example.com", "<email>") ?? null,
        ]),
      );
      assert.deepEqual(await page.evaluate(() => window.diagnostics), []);
      assert.deepEqual(noise, []);
    });
  });

  it("are refused one by one: who is told reads of the event that was bad", async () => {
    await onPage("/plain.html", { told: 1 }, async ({ page, name }) => {
      await page.evaluate(() => {
        const { trackRun, trackPlayground } = window.telemetry;
        trackRun({ seconds: 1, success: true });
        trackRun({ seconds: -5, success: true });
        trackPlayground({ seconds: 2, success: true, componentCount: 1.5 });
        trackRun({ seconds: 3, success: "yes" });
        trackRun({ seconds: 4, success: true });
        return window.telemetry.flush();
      });
      await receiver.arrived(name, 5);
      assert.deepEqual(
        (await page.evaluate(() => window.diagnostics)).map(
          ({ message }) => /\w+: expected.*$/.exec(message)[0],
        ),
        [
          "seconds: expected a finite number of seconds, 0 or more, got -5: dropped.",
          "componentCount: expected a whole number, 0 or more, got 1.5: dropped.",
          'success: expected true or false, got "yes": dropped.',
        ],
      );
    });
  });

  it("are not written over by what is tracked while a listener is told of them", async () => {
    await onPage("/plain.html", {}, async ({ page, noise }) => {
      const { captured, queued, dropped } = await page.evaluate(async () => {
        const client = window.telemetry.createClient({
          endpoint: "/nowhere",
          consent: "pending",
          maxQueueBytes: 65_536,
          onDiagnostic() {
            for (let i = 0; i < 3; i++) client.trackRun({ seconds: 1, success: true });
          },
        });
        for (let i = 0; i < 2000; i++) client.trackComponent({ name: "Part", seconds: 1, success: true });
        await 0;
        return client.stats();
      });
      assert.ok(dropped.queue_full > 1000, JSON.stringify(dropped));
      assert.ok(captured > 2000 && captured % 3 === 2000 % 3, `${captured} captured`);
      assert.equal(queued + dropped.queue_full, captured);
      assert.deepEqual(noise, []);
    });
  });
});

describe("a worker", () => {
  it("tracks without a beacon, and says goodbye when it is told to", async () => {
    await onPage("/worker.html", {}, async ({ page, noise, name }) => {
      await receiver.arrived(name, 2);
      assert.equal((await page.evaluate(() => window.answer)).beacon, false);
      await page.evaluate(() => window.worker.postMessage({ end: true }));
      const rows = await receiver.arrived(name, 3);
      assert.deepEqual(rows.map(({ event }) => event).sort(), ["component", "shutdown", "version"]);
      const last = await until(() =>
        page.evaluate(() => (window.answer.reason === "shut_down" ? window.answer : undefined)),
      );
      assert.deepEqual([last.captured, last.sent], [3, 3]);
      assert.deepEqual(noise, []);
    });
  });
});
