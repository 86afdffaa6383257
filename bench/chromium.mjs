/**
 * A real Chromium, driven over its DevTools pipe. Not through Playwright as the tests are: it has DevTools watch the
 * network of each page, which costs the page's main thread more per request than most contenders do, and keeps
 * every body in memory.
 */

import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { FLAGS, executable } from "../tests/e2e/harness/browser.mjs";

/** A page is measured in the background too, and must not be slowed down there. */
const AWAKE = [
  "--disable-background-timer-throttling",
  "--disable-backgrounding-occluded-windows",
  "--disable-renderer-backgrounding",
];

/** Longest wait for an answer of the browser, in ms. */
const ANSWER_MS = 120_000;

/** What is recorded: the tasks of each thread, and the page's own marks. */
const TRACED = ["toplevel", "blink.user_timing"];

export async function launch({ extraFlags = [] } = {}) {
  const profile = mkdtempSync(join(tmpdir(), "langflow-telemetry-bench-"));
  const chromium = spawn(
    executable(),
    [
      "--headless",
      "--remote-debugging-pipe",
      `--user-data-dir=${profile}`,
      "--no-default-browser-check",
      ...FLAGS,
      ...AWAKE,
      ...extraFlags,
      "about:blank",
    ],
    { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] },
  );
  const [, , , toBrowser, fromBrowser] = chromium.stdio;

  const waiting = new Map();
  const listeners = new Set();
  let last = 0;
  let gone;

  const hear = (message) => {
    if (message.id === undefined) {
      for (const listener of listeners) listener(message);
      return;
    }
    const settle = waiting.get(message.id);
    waiting.delete(message.id);
    settle?.(message);
  };

  let pieces = [];
  fromBrowser.on("data", (chunk) => {
    let start = 0;
    for (let end = chunk.indexOf(0); end >= 0; end = chunk.indexOf(0, start)) {
      pieces.push(chunk.subarray(start, end));
      hear(JSON.parse(Buffer.concat(pieces).toString("utf8")));
      pieces = [];
      start = end + 1;
    }
    if (start < chunk.length) pieces.push(chunk.subarray(start));
  });
  toBrowser.on("error", () => {});
  const ended = new Promise((resolve) => chromium.once("exit", resolve)).then((code) => {
    gone = `Chromium ended (exit code ${code})`;
    for (const settle of waiting.values()) settle({ error: { message: gone } });
  });

  const send = (method, params = {}, sessionId) =>
    new Promise((resolve, reject) => {
      if (gone) return reject(new Error(gone));
      const id = ++last;
      const timeout = setTimeout(() => {
        waiting.delete(id);
        reject(new Error(`${method}: Chromium did not answer within ${ANSWER_MS / 1000} s`));
      }, ANSWER_MS);
      waiting.set(id, ({ error, result }) => {
        clearTimeout(timeout);
        if (error) reject(new Error(`${method}: ${error.message}`));
        else resolve(result);
      });
      toBrowser.write(JSON.stringify({ id, method, params, sessionId }) + "\0");
    });

  const { product } = await send("Browser.getVersion");

  /**
   * Opens a page in a context of its own: so it has a process of its own, and finds no compiled code, no cache and
   * no storage of another.
   */
  const open = async (url) => {
    const { browserContextId } = await send("Target.createBrowserContext");
    const { targetId } = await send("Target.createTarget", { url, browserContextId });
    const { sessionId } = await send("Target.attachToTarget", { targetId, flatten: true });
    const inPage = (method, params) => send(method, params, sessionId);
    return {
      send: inPage,
      onEvent(listener) {
        listeners.add((message) => message.sessionId === sessionId && listener(message));
      },
      /** Evaluates an expression, waits for its promise, returns its value. */
      async evaluate(expression) {
        const { result, exceptionDetails } = await inPage("Runtime.evaluate", {
          expression,
          awaitPromise: true,
          returnByValue: true,
        });
        if (exceptionDetails)
          throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
        return result.value;
      },
      close: () => send("Target.disposeBrowserContext", { browserContextId }),
    };
  };

  return {
    product,
    open,
    /** Records until the function that this returns is called: that returns the events. */
    async trace() {
      const events = [];
      let complete;
      const completed = new Promise((resolve) => (complete = resolve));
      const listener = ({ method, params }) => {
        if (method === "Tracing.dataCollected") for (const event of params.value) events.push(event);
        if (method === "Tracing.tracingComplete") complete();
      };
      listeners.add(listener);
      await send("Tracing.start", {
        transferMode: "ReportEvents",
        traceConfig: {
          recordMode: "recordAsMuchAsPossible",
          includedCategories: TRACED,
          excludedCategories: ["*"],
        },
      });
      return async () => {
        await send("Tracing.end");
        await completed;
        listeners.delete(listener);
        return events;
      };
    },
    async close() {
      await send("Browser.close").catch(() => chromium.kill());
      await ended;
      rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
