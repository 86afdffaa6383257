/**
 * Langflow's frontend with telemetry, as examples/langflow has it: a page built by Vite, in a real browser, with
 * stores and an event stream like Langflow's, and the real collector behind a relay. What is asserted are the rows.
 */

import assert from "node:assert/strict";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";

import { launch } from "../e2e/harness/browser.mjs";
import { startCollector } from "../e2e/harness/collector.mjs";
import { allRows } from "../e2e/harness/database.mjs";
import { temporaryFolder } from "../e2e/harness/package.mjs";
import { until } from "../e2e/harness/waiting.mjs";
import { startBackend } from "./backend.mjs";
import {
  build,
  built,
  consented,
  ended,
  failed,
  FORBIDDEN,
  node,
  openFlow,
  RAW,
  sorted,
  TYPED,
  WELL,
} from "./flow.mjs";

const DIST = fileURLToPath(new URL("../../examples/langflow/dist", import.meta.url));

/** As MIN_VISUAL_BUILD_TIME_MS of the example, in ms. */
const SHOWN_MS = 300;

/** What performance.now() is rounded to, and a row's seconds, in ms. */
const ROUNDING_MS = 2;

const WELL_COMPONENTS = [
  ["ChatInput", 0.004, 1, null],
  ["Prompt", 0.03, 1, null],
  ["OpenAIModel", 1.25, 1, null],
  ["ChatOutput", 0.001, 1, null],
];

const components = (rows) =>
  rows
    .filter(({ event }) => event === "component")
    .sort((a, b) => a.seq - b.seq)
    .map(({ name, seconds, success, error_message }) => [name, seconds, success, error_message]);

/** How often the page asked for the backend's configuration. */
const asked = ({ requests }) => requests.filter(({ path }) => path === "/api/v1/config").length;

const of = (rows, event) => rows.filter((row) => row.event === event);

describe("Langflow's frontend", { concurrency: 4 }, () => {
  let browser;
  let folder;
  let places = 0;

  before(async () => {
    if (!existsSync(join(DIST, "index.html")))
      throw new Error(`${DIST} is not there: run \`make langflow\`.`);
    folder = temporaryFolder();
    browser = await launch();
  });
  after(() => browser.close());

  /** A backend, a collector and a browser profile, all its own. */
  async function inLangflow(live) {
    const place = join(folder, String(++places));
    mkdirSync(place);
    const collector = await startCollector({ db: join(place, "events.db") });
    const backend = await startBackend({ dist: DIST, collector });
    const context = await browser.newContext();
    const noise = [];
    context.on("weberror", (error) => noise.push(error.error().message));
    const rows = async (expected) => {
      await until(
        async () => (await allRows(collector.db)).length >= expected,
        async () => `${expected} rows; there are ${JSON.stringify(await allRows(collector.db))}`,
      );
      return allRows(collector.db);
    };
    const open = () => openFlow(context, backend.origin);
    try {
      await live({ backend, collector, context, open, rows, noise });
      for (const { path, search, body } of backend.telemetry())
        for (const word of FORBIDDEN)
          assert.ok(!`${path}${search}${body}`.includes(word), `${word} in ${body}`);
      assert.deepEqual(noise, [], "errors on the page");
    } finally {
      await context.close();
      await backend.stop();
      await collector.stop();
    }
  }

  /** A visit with a yes, while the collector is away: what it tracked is left in the store. */
  async function leaveUnsent({ backend, collector, context, open }) {
    await collector.kill();
    backend.plays(WELL);
    const page = await open();
    await consented(page);
    await build(page);
    await page.close();
    await until(() => backend.telemetry().some(({ body }) => body.includes('"shutdown"')));
    const { origins } = await context.storageState();
    const batches = origins.flatMap(({ localStorage }) => localStorage).map(({ value }) => value);
    assert.ok(
      batches.some((batch) => batch.includes('"OpenAIModel"')),
      `a batch was kept: ${batches}`,
    );
    await collector.restart();
    const [asks, sent] = [asked(backend), backend.telemetry().length];
    return {
      asked: () => asked(backend) - asks,
      telemetry: () => backend.telemetry().slice(sent),
    };
  }

  it("a run from the canvas: each component once, by its type and the backend's clock; the run without the UI's pauses", () =>
    inLangflow(async ({ backend, open, rows }) => {
      backend.plays(WELL);
      const page = await open();
      await consented(page);
      const ui = await build(page, { stopNodeId: "ChatOutput-Zz0Aa" });
      assert.equal(ui.success, true);
      assert.ok(ui.took >= WELL_COMPONENTS.length * SHOWN_MS, "the UI takes its time");
      await page.close();
      const found = await rows(4 + 3);
      assert.deepEqual(components(found), WELL_COMPONENTS);
      const [run] = of(found, "run");
      assert.deepEqual([run.success, run.is_webhook, run.error_message], [1, 0, null]);
      const seconds = run.seconds * 1000;
      assert.ok(
        seconds >= backend.builds[0] - ROUNDING_MS,
        `${seconds} ms, the backend ${backend.builds[0]} ms`,
      );
      // All that came came before the second vertex was shown.
      const pauses = (WELL_COMPONENTS.length - 1) * SHOWN_MS;
      assert.ok(
        seconds <= ui.took - pauses,
        `${seconds} ms; the UI ${ui.took} ms, ${pauses} ms of it pauses`,
      );
      const [version] = of(found, "version");
      assert.deepEqual([version.package, version.version], ["langflow", "1.13.0"]);
      assert.equal(asked(backend), 2, "StrictMode ran the effects twice");
      assert.deepEqual([of(found, "version").length, of(found, "shutdown").length, found.length], [1, 1, 7]);
      assert.ok(found.every(({ client_type }) => client_type === "browser"));
    }));

  it("a pause of the UI that the backend uses to work is not taken off", () =>
    inLangflow(async ({ backend, open, rows }) => {
      backend.plays([
        sorted("ChatInput-Ab3dE"),
        built("ChatInput-Ab3dE", 0.001, ["OpenAIModel-Qq1Ww"]),
        { ...built("OpenAIModel-Qq1Ww", 0.9), wait: 900 },
        ended,
      ]);
      const page = await open();
      await consented(page);
      const ui = await build(page);
      await page.close();
      const [run] = of(await rows(2 + 3), "run");
      const seconds = run.seconds * 1000;
      assert.ok(
        seconds >= backend.builds[0] - ROUNDING_MS,
        `${seconds} ms, the backend ${backend.builds[0]} ms`,
      );
      assert.ok(seconds <= ui.took + ROUNDING_MS);
    }));

  it("a message in the playground is a playground run, with its number of components, and no other run", () =>
    inLangflow(async ({ backend, open, rows }) => {
      backend.plays(WELL);
      const page = await open();
      await consented(page);
      await build(page, { input_value: TYPED, session: "a session of Langflow's" });
      const messages = await page.evaluate(() => window.langflow.useMessagesStore.getState().messages);
      assert.deepEqual(messages, [TYPED], "the message itself reached the UI");
      await page.close();
      const found = await rows(4 + 3);
      const [playground] = of(found, "playground");
      assert.deepEqual([playground.success, playground.component_count], [1, 4]);
      assert.deepEqual([of(found, "run").length, of(found, "playground").length], [0, 1]);
    }));

  it("a node that fails: one failed run, also where an error and an end follow, and its error's class alone", () =>
    inLangflow(async ({ backend, open, rows }) => {
      backend.plays([
        sorted("ChatInput-Ab3dE"),
        built("ChatInput-Ab3dE", 0.5, ["Prompt-Xy9Zk"]),
        failed("Prompt-Xy9Zk", 0.25),
        { event: "error", data: { text: RAW } },
        ended,
      ]);
      const page = await open();
      await consented(page);
      await build(page);
      await page.close();
      const found = await rows(2 + 3);
      assert.deepEqual(components(found), [
        ["ChatInput", 0.5, 1, null],
        ["Prompt", 0.25, 0, "ValueError"],
      ]);
      assert.deepEqual(
        of(found, "run").map(({ success, error_message }) => [success, error_message]),
        [[0, "ValueError"]],
      );
    }));

  it("an end that follows a failed node is no success, where no error was said", () =>
    inLangflow(async ({ backend, open, rows }) => {
      backend.plays([sorted("Prompt-Xy9Zk"), failed("Prompt-Xy9Zk", 0.25, "it just did not work"), ended]);
      const page = await open();
      await consented(page);
      await build(page);
      await page.close();
      const found = await rows(1 + 3);
      assert.deepEqual(components(found), [["Prompt", 0.25, 0, "unknown"]]);
      assert.deepEqual(
        of(found, "run").map(({ success, error_message }) => [success, error_message]),
        [[0, "unknown"]],
      );
    }));

  it("a branch that was not taken is no failure, and no component", () =>
    inLangflow(async ({ backend, open, rows }) => {
      backend.plays([
        sorted("ChatInput-Ab3dE"),
        built("ChatInput-Ab3dE", 0.5, ["ChatOutput-Zz0Aa"], { inactivated: ["OpenAIModel-Qq1Ww"] }),
        built("OpenAIModel-Qq1Ww", 0, [], { valid: false, data: { inactive: true } }),
        built("ChatOutput-Zz0Aa", 0.125),
        ended,
      ]);
      const page = await open();
      await consented(page);
      await build(page);
      await page.close();
      const found = await rows(2 + 3);
      assert.deepEqual(components(found), [
        ["ChatInput", 0.5, 1, null],
        ["ChatOutput", 0.125, 1, null],
      ]);
      assert.deepEqual(
        of(found, "run").map(({ success }) => success),
        [1],
      );
    }));

  it("a component of a person's own is custom, whatever it is called", () =>
    inLangflow(async ({ backend, open, rows }) => {
      backend.plays([
        sorted("Own-Ab3dE", "Prompt-Ab3dE", "Gone-Ab3dE"),
        built("Own-Ab3dE", 1),
        built("Prompt-Ab3dE", 2),
        built("Gone-Ab3dE", 3),
        ended,
      ]);
      const page = await open();
      await consented(page);
      await page.evaluate(
        (nodes) => window.langflow.useFlowStore.getState().setNodes(nodes),
        [node("Own-Ab3dE", "ErikasPayrollTool"), node("Prompt-Ab3dE", "Prompt", { edited: true })],
      );
      await build(page);
      await page.close();
      const found = await rows(3 + 3);
      assert.deepEqual(
        components(found).map(([name]) => name),
        ["custom", "custom", "custom"],
      );
    }));

  it("a run that a person stops is told as stopped, once", () =>
    inLangflow(async ({ backend, open, rows }) => {
      backend.plays([sorted("ChatInput-Ab3dE"), built("ChatInput-Ab3dE", 0.5), { ...ended, wait: 30_000 }]);
      const page = await open();
      await consented(page);
      const building = build(page);
      // The component's event is there: the run is under way.
      await page.waitForFunction(() => window.langflow.stats().captured >= 2);
      await page.evaluate(() => window.langflow.useFlowStore.getState().stopBuilding());
      assert.equal((await building).threw, undefined);
      await page.close();
      const found = await rows(1 + 3);
      assert.deepEqual(
        of(found, "run").map(({ success, error_message }) => [success, error_message]),
        [[0, "stopped"]],
      );
    }));

  for (const [how, steps, kind] of [
    ["is not found", [], "Error"],
    ["breaks off", [sorted("ChatInput-Ab3dE"), { breakOff: true, wait: 50 }], "TypeError"],
    ["ends without a last word", [sorted("ChatInput-Ab3dE")], "unknown"],
  ])
    it(`a run that ${how} is a failed one`, () =>
      inLangflow(async ({ backend, open, rows }) => {
        backend.plays(steps);
        const page = await open();
        await consented(page);
        await build(page);
        await page.close();
        const found = await rows(3);
        assert.deepEqual(
          of(found, "run").map(({ success, error_message }) => [success, error_message]),
          [[0, kind]],
        );
        assert.equal(found.length, 3);
      }));

  it("the tab is closed in the middle of a run: what was built arrives, of the run nothing, since its end is not known", () =>
    inLangflow(async ({ backend, open, rows }) => {
      backend.plays([
        sorted("ChatInput-Ab3dE"),
        built("ChatInput-Ab3dE", 0.5, ["Prompt-Xy9Zk"]),
        { ...built("Prompt-Xy9Zk", 9), wait: 30_000 },
        ended,
      ]);
      const page = await open();
      await consented(page);
      build(page).catch(() => {});
      await page.waitForFunction(() => window.langflow.stats().captured >= 2);
      await page.close();
      const found = await rows(1 + 2);
      assert.deepEqual(components(found), [["ChatInput", 0.5, 1, null]]);
      assert.deepEqual(found.map(({ event }) => event).sort(), ["component", "shutdown", "version"]);
    }));

  it("a yes that comes late: what was tracked meanwhile arrives, with the time when it happened", () =>
    inLangflow(async ({ backend, open, rows }) => {
      const answer = backend.saysLater();
      backend.plays(WELL);
      const page = await open();
      await build(page);
      const { state, queued } = await page.evaluate(() => window.langflow.stats());
      assert.deepEqual([state, queued], ["pending", 5]);
      assert.deepEqual(backend.telemetry(), []);
      const answered = Date.now();
      answer({ auto_saving: true, do_not_track: "0" });
      await consented(page);
      await page.close();
      const found = await rows(4 + 3);
      assert.deepEqual(components(found), WELL_COMPONENTS);
      const before = found.filter(({ event }) => ["component", "run"].includes(event));
      assert.ok(before.every(({ time }) => time <= answered));
      assert.deepEqual([of(found, "version").length, of(found, "version")[0].version], [1, "1.13.0"]);
    }));

  for (const no of [true, "1", "please"])
    it(`a no (${JSON.stringify(no)}) that comes late: nothing is sent or kept, not even what an earlier visit left`, () =>
      inLangflow(async (langflow) => {
        const { backend, collector, context, open } = langflow;
        const { telemetry } = await leaveUnsent(langflow);
        const answer = backend.saysLater();
        backend.plays(WELL);
        const page = await open();
        await build(page);
        assert.equal((await page.evaluate(() => window.langflow.stats())).captured, 5);
        answer({ auto_saving: true, do_not_track: no });
        await page.waitForFunction(() => window.langflow.stats().reason === "do_not_track");
        await build(page);
        assert.equal((await page.evaluate(() => window.langflow.stats())).captured, 0);
        const { origins } = await context.storageState();
        assert.deepEqual(origins, [], "storage");
        await page.close();
        // A page that is closed has sent what it ever will once another one, opened after it, has been answered.
        const other = await context.newPage();
        await other.goto(`${backend.origin}/api/v1/version`);
        assert.deepEqual(telemetry(), []);
        assert.deepEqual(await allRows(collector.db), []);
      }));

  it("a no after a yes: what was tracked under the yes arrives, and nothing after it, not even a Shutdown", () =>
    inLangflow(async ({ backend, open, rows }) => {
      backend.plays(WELL);
      const page = await open();
      await consented(page);
      await build(page);
      backend.says(() => ({ auto_saving: true, do_not_track: "1" }));
      await page.evaluate(() => window.langflow.getConfig());
      await page.waitForFunction(() => window.langflow.stats().reason === "do_not_track");
      await build(page);
      await page.close();
      const found = await rows(4 + 2);
      assert.deepEqual(components(found), WELL_COMPONENTS);
      assert.deepEqual([of(found, "version").length, of(found, "run").length, found.length], [1, 1, 6]);
    }));

  for (const [who, config] of [
    ["is too old to say", { auto_saving: true }],
    ["fails", undefined],
  ])
    it(`a backend that ${who} has not said yes: nothing is sent, and the app runs`, () =>
      inLangflow(async ({ backend, collector, context, open }) => {
        backend.says(() => config);
        backend.plays(WELL);
        const page = await open();
        assert.equal((await build(page)).success, true);
        assert.equal((await page.evaluate(() => window.langflow.stats())).state, "pending");
        assert.deepEqual((await context.storageState()).origins, []);
        await page.close();
        const other = await context.newPage();
        await other.goto(`${backend.origin}/api/v1/version`);
        assert.deepEqual(backend.telemetry(), []);
        assert.deepEqual(await allRows(collector.db), []);
      }));

  it("a person who opted out stays out, whatever the backend says, then or on the next visit; what an earlier one left is gone", () =>
    inLangflow(async (langflow) => {
      const { backend, collector, context, open } = langflow;
      const since = await leaveUnsent(langflow);
      const answer = backend.saysLater();
      backend.plays(WELL);
      const first = await open();
      await build(first);
      await first.evaluate(() => window.langflow.optOut());
      // StrictMode asks twice; the browser holds the second back for 20 s while the first has no answer.
      await until(() => since.asked() >= 1);
      const { origins } = await context.storageState();
      assert.deepEqual(
        origins.flatMap(({ localStorage }) => localStorage.map(({ name }) => name)),
        ["langflow-telemetry:opt-out"],
      );
      answer({ auto_saving: true, do_not_track: false });
      const next = await open();
      await until(() => since.asked() === 4);
      for (const page of [first, next]) {
        await build(page);
        const { state, reason } = await page.evaluate(() => window.langflow.stats());
        assert.deepEqual([state, reason], ["off", "opted_out"]);
        await page.close();
      }
      const other = await context.newPage();
      await other.goto(`${backend.origin}/api/v1/version`);
      assert.deepEqual(since.telemetry(), []);
      assert.deepEqual(await allRows(collector.db), []);
    }));
});
