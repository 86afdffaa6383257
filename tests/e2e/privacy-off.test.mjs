/** Every way of saying no, each in a page that is watched from before its first script. */

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { launch } from "./harness/browser.mjs";
import { watchEverything } from "./privacy/touch.mjs";
import { OPT_OUT, PREFIX, inPlace, pass } from "./privacy/visit.mjs";

/** What an earlier visit may have left, and what is somebody else's. */
const LEFT = {
  [`${PREFIX}2005074726:k3f9x2ab7c1d`]: "1763834701123",
  [`${PREFIX}2005074726:k3f9x2ab7c1d:1`]: 'u1763834701123 13\n{"event":"x"}\n',
  [`${PREFIX}anything`]: "at all",
};
const THEIRS = { "langflow-theme": "dark", theirs: "kept" };

const NOTHING = {
  listeners: [],
  timers: [],
  requests: [],
  read: [],
  written: [],
  removed: [],
  wasm: [],
  locks: [],
  opened: [],
};

const gpc = () => Object.defineProperty(Navigator.prototype, "globalPrivacyControl", { get: () => true });
const dnt = (value) => Object.defineProperty(Navigator.prototype, "doNotTrack", { get: () => value });

/** Pages, each with clients that all have the same reason to be off. */
const WAYS = [
  {
    name: "doNotTrack in each form that means yes",
    clients: [true, "1", "true", "TRUE", "yes", "on", " On "].map((doNotTrack) => ({ doNotTrack })),
  },
  {
    name: "doNotTrackFromEnv, by each name",
    clients: ["", "VITE_", "NEXT_PUBLIC_"].flatMap((prefix) =>
      ["LANGFLOW_DO_NOT_TRACK", "DO_NOT_TRACK"].map((name) => ({
        env: { [prefix + name]: "1", OTHER: "0" },
      })),
    ),
  },
  // Neither yes nor no: better off than wrong.
  { name: 'doNotTrack: "please"', clients: [{ doNotTrack: "please" }], reason: "invalid_option" },
  // It were a no that nobody hears. But what an earlier visit kept may be for a page without the mistake.
  {
    name: "doNotTrack, misspelt",
    clients: [{ donottrack: true }, { app: { doNotTrack: true } }],
    reason: "invalid_option",
    isMistake: true,
  },
  { name: "Global Privacy Control", script: gpc, reason: "browser_signal" },
  { name: 'Do Not Track "1"', script: [dnt, "1"], reason: "browser_signal" },
  { name: 'Do Not Track "yes"', script: [dnt, "yes"], reason: "browser_signal" },
  { name: "a remembered optOut()", remembered: true, reason: "opted_out" },
  { name: 'consent: "denied"', clients: [{ consent: "denied" }], reason: "denied" },
];

/** Makes a client, asks it for all that it can be asked for, and returns its stats. */
async function useEverything([endpoint, { env, ...options }]) {
  const { lt } = window;
  const doNotTrack = env && { doNotTrack: lt.doNotTrackFromEnv(env) };
  const client = lt.createClient({ endpoint, ...options, ...doNotTrack, onDiagnostic() {} });
  client.trackRun({ isWebhook: true, seconds: 1, success: true });
  client.trackPlayground({ seconds: 1, componentCount: 5, success: false, errorMessage: "ValueError: no" });
  client.trackComponent({ name: "ChatInput", seconds: 1, success: true });
  client.startRun().end({ success: true });
  client.startPlayground().end({ success: true });
  client.startComponent("ChatInput").end({ success: true });
  document.dispatchEvent(new Event("visibilitychange"));
  const { state, reason, captured } = client.stats();
  return [state, reason, captured, await client.flush(), await client.shutdown()];
}

describe("every way of saying no", { concurrency: 2 }, () => {
  let browser;
  before(async () => {
    browser = await launch();
  });
  after(() => browser.close());

  for (const { name, clients = [{}], script, remembered, reason = "do_not_track", isMistake } of WAYS) {
    it(name, () =>
      inPlace(browser, async ({ receiver, visit, store, stored, noise, context }) => {
        if (remembered) {
          const page = await visit();
          await page.evaluate((endpoint) => window.lt.init({ endpoint }).optOut(), receiver.path);
          await page.close();
        }
        await store({ ...LEFT, ...THEIRS });
        const sentBefore = receiver.sent().length;

        const page = await visit(...(script ? [script] : []), watchEverything);
        for (const options of clients) {
          const answers = await page.evaluate(useEverything, [receiver.path, options]);
          assert.deepEqual(answers, ["off", reason, 0, true, undefined], JSON.stringify(options));
        }
        const touched = await page.evaluate(() => structuredClone(window.touched));
        touched.removed.sort();
        await pass(page, 300);
        await page.close();

        assert.deepEqual(touched, {
          ...NOTHING,
          // The remembered choice is read, what is left over is removed; and that is all.
          read: touched.read.filter((key) => key === OPT_OUT),
          removed: isMistake ? [] : Object.keys(LEFT),
          // Which options there are is the module's to say.
          wasm: isMistake ? touched.wasm : [],
        });
        assert.equal(receiver.sent().length, sentBefore);
        assert.deepEqual(await stored(), {
          ...THEIRS,
          ...(isMistake && LEFT),
          ...(remembered && { [OPT_OUT]: "1" }),
        });
        assert.deepEqual(await context.cookies(), []);
        assert.deepEqual(noise, []);
      }),
    );
  }

  it("the same page without a no touches each of these: the watch sees", () =>
    inPlace(browser, async ({ receiver, visit }) => {
      receiver.answerBy(() => ({ status: 503 }));
      const page = await visit(watchEverything);
      await page.evaluate(async (endpoint) => {
        const client = window.lt.init({ endpoint });
        client.trackRun({ seconds: 1, success: true });
        await client.flush();
        window.dispatchEvent(new PageTransitionEvent("pagehide"));
      }, receiver.path);
      const touched = await page.evaluate(() => window.touched);
      for (const what of ["listeners", "timers", "requests", "read", "written", "wasm", "locks"])
        assert.ok(touched[what].length > 0, what);
      assert.deepEqual(touched.opened, [], "what is never used");
    }));
});
