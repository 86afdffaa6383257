/**
 * The same page of examples/langflow, built for Langflow's existing gateway: what arrives there, on another origin, to
 * the letter of the query.
 */

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { launch } from "../e2e/harness/browser.mjs";
import { temporaryFolder } from "../e2e/harness/package.mjs";
import { until } from "../e2e/harness/waiting.mjs";
import { judge } from "../pipelines/receiver.mjs";
import { startBackend } from "./backend.mjs";
import { build, built, consented, ended, failed, FORBIDDEN, openFlow, sorted, TYPED } from "./flow.mjs";

const EXAMPLE = fileURLToPath(new URL("../../examples/langflow", import.meta.url));

/** One vertex that took more than a second, one that failed in less. */
const STEPS = [
  sorted("ChatInput-Ab3dE"),
  built("ChatInput-Ab3dE", 1.75, ["Prompt-Xy9Zk"]),
  failed("Prompt-Xy9Zk", 0.25),
  ended,
];

/** What every ping but Version ends with. */
const FRAME = "langflow_version=1.13.0&platform=browser&os=linux&timestamp=TIME";

// By the table of fields that Langflow's own client has, as it writes them: seconds whole, an empty message sent.
const VERSION = "?clientType=browser&package=langflow&version=1.13.0&platform=Linux&arch=ARCH&timestamp=TIME";
const SHUTDOWN = `/shutdown?clientType=browser&timeRunning=WHOLE&${FRAME}`;
const COMPONENTS = [
  `/component?clientType=browser&componentName=ChatInput&componentSeconds=1&componentSuccess=true&componentErrorMessage=&${FRAME}`,
  `/component?clientType=browser&componentName=Prompt&componentSeconds=0&componentSuccess=false&componentErrorMessage=ValueError&${FRAME}`,
];
const RUN = `/run?clientType=browser&runIsWebhook=false&runSeconds=WHOLE&runSuccess=false&runErrorMessage=ValueError&${FRAME}`;
const PLAYGROUND = `/playground?clientType=browser&playgroundSeconds=WHOLE&playgroundComponentCount=4&playgroundSuccess=false&playgroundErrorMessage=ValueError&${FRAME}`;

/** What a clock or the machine decides is replaced by its type: a value of another type stays, and differs. */
const typed = ({ path, search }) =>
  `${path.slice("/gateway".length)}${search}`
    .replace(/(?<=&(?:runSeconds|playgroundSeconds|timeRunning)=)\d+(?=&)/, "WHOLE")
    .replace(/(?<=&arch=)\w+(?=&)/, "ARCH")
    .replace(/(?<=&timestamp=)\d{4}-\d\d-\d\dT\d\d%3A\d\d%3A\d\d\.\d{6}%2B00%3A00$/, "TIME");

describe("Langflow's frontend and its existing gateway", () => {
  let browser;
  let gateway;
  let dist;

  before(async () => {
    // A backend of which only the gateway is used: on another port, so on another origin than the page.
    gateway = await startBackend({});
    dist = temporaryFolder();
    const building = promisify(execFile)(
      process.execPath,
      ["node_modules/vite/bin/vite.js", "build", "--mode", "development", "--outDir", dist],
      {
        cwd: EXAMPLE,
        env: {
          ...process.env,
          NODE_ENV: "development",
          VITE_TELEMETRY_ENDPOINT: `${gateway.origin}/gateway`,
          VITE_TELEMETRY_FORMAT: "gateway",
        },
      },
    );
    [browser] = await Promise.all([launch(), building]);
  });
  after(async () => {
    await browser?.close();
    await gateway?.stop();
  });

  /** A backend and a browser profile of its own; afterwards, what the gateway was asked for. */
  async function inLangflow(live) {
    gateway.requests.length = 0;
    const backend = await startBackend({ dist });
    const context = await browser.newContext();
    try {
      backend.plays(STEPS);
      await live({ backend, context, open: () => openFlow(context, backend.origin) });
      assert.deepEqual(backend.telemetry(), [], "its own backend gets none of it");
    } finally {
      await context.close();
      await backend.stop();
    }
  }

  const pings = () => gateway.telemetry().map(typed);
  /** The gateway's own types take them: all, the early ones included. */
  const judged = () => {
    const urls = gateway.telemetry().map(({ path, search }) => path + search);
    assert.equal(judge("gateway_models.py", urls, "/gateway").length, urls.length);
  };

  for (const [what, params, expected] of [
    ["a run from the canvas", {}, RUN],
    ["a message in the playground", { input_value: TYPED }, PLAYGROUND],
  ])
    it(`${what}: a ping an event, with Langflow's own paths, fields, order and types`, () =>
      inLangflow(async ({ open }) => {
        const page = await open();
        await consented(page);
        await build(page, params);
        await page.close();
        const all = [VERSION, ...COMPONENTS, expected, SHUTDOWN];
        await until(
          () => pings().length >= all.length,
          () => JSON.stringify(pings()),
        );
        // Each is a request of its own: they overtake each other.
        assert.deepEqual(pings().sort(), all.sort());
        judged();
        for (const { method, search, headers, body } of gateway.telemetry()) {
          assert.deepEqual([method, body, headers["sec-fetch-mode"]], ["GET", "", "no-cors"]);
          assert.deepEqual([headers.cookie, headers.referer], [undefined, undefined]);
          for (const word of FORBIDDEN) assert.ok(!search.includes(word), `${word} in ${search}`);
        }
      }));

  it("what waited for a late yes has the facts that came with it", () =>
    inLangflow(async ({ backend, open }) => {
      const answer = backend.saysLater();
      const page = await open();
      await build(page);
      assert.deepEqual(pings(), []);
      answer({ auto_saving: true, do_not_track: "0" });
      await consented(page);
      await page.close();
      const all = [VERSION, ...COMPONENTS, RUN, SHUTDOWN];
      await until(
        () => pings().length >= all.length,
        () => JSON.stringify(pings()),
      );
      assert.deepEqual(pings().sort(), all.sort());
      judged();
    }));

  for (const [who, config, refuse, reason] of [
    ["the server says no", { auto_saving: true, do_not_track: "1" }, () => {}, "do_not_track"],
    [
      "a person opted out",
      { auto_saving: true, do_not_track: false },
      () => window.langflow.optOut(),
      "opted_out",
    ],
  ])
    it(`${who}: not one ping`, () =>
      inLangflow(async ({ backend, context, open }) => {
        const answer = backend.saysLater();
        const page = await open();
        await build(page);
        await page.evaluate(refuse);
        answer(config);
        await page.waitForFunction((reason) => window.langflow.stats().reason === reason, reason);
        await build(page);
        await page.close();
        // A page that is closed has sent what it ever will once another one, opened after it, has been answered.
        const other = await context.newPage();
        await other.goto(`${gateway.origin}/api/v1/version`);
        assert.deepEqual(pings(), []);
      }));
});
