/** Anyone can look: `dryRun` shows the very bytes, `describe()` says what they can ever be. */

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, describe, it } from "node:test";

import { launch } from "./harness/browser.mjs";
import { watchEverything } from "./privacy/touch.mjs";
import { inPlace, pass } from "./privacy/visit.mjs";

const SCHEMA = new URL("../../schema/events.schema.json", import.meta.url);

/** The same events at the same moments: only what is random, and what the monotonic clock says, differs. */
async function live(options) {
  const client = (window.client = window.lt.init({
    ...options,
    app: { package: "langflow", version: "1.13.0" },
  }));
  // The Version event waits for the browser's hints: first it, then the rest.
  while (client.stats().captured === 0) await new Promise((resolve) => setTimeout(resolve, 10));
  client.trackRun({ isWebhook: false, seconds: 1.25, success: true });
  const errorMessage =
    "ValueError: no key sk-abcdefghijklmnop1234 for ada@example.org\nat line 2 \u{1F600} \ud800";
  client.trackPlayground({ seconds: 2.5, componentCount: 5, success: false, errorMessage });
  for (let number = 0; number < 60; number++)
    client.trackComponent({ name: `C${number}`, seconds: number / 1000, success: true });
  await client.flush();
  await client.shutdown();
  return client.stats();
}

const alike = (text) =>
  text.replace(/"session":"[0-9a-z]{12}"|"time":\d+|"timeRunning":[\d.]+/g, (field) => field.split(":")[0]);

describe("seeing what is sent", { concurrency: 2 }, () => {
  let browser;
  before(async () => {
    browser = await launch();
  });
  after(() => browser.close());

  it("dryRun prints the payload, byte for byte, and sends and stores nothing", () =>
    inPlace(browser, async ({ receiver, visit, stored }) => {
      const real = await visit();
      await real.evaluate(live, { endpoint: receiver.path });
      await real.close();
      const sent = receiver.sent().map(({ body }) => body);
      assert.ok(sent.length > 1);

      const page = await visit(watchEverything);
      const printed = [];
      page.on("console", (message) => printed.push(message));
      const { sent: counted } = await page.evaluate(live, { endpoint: receiver.path, dryRun: true });
      await pass(page);
      const touched = await page.evaluate(() => window.touched);
      const payloads = await Promise.all(
        printed.map(async (message) => {
          assert.equal(await message.args()[0].jsonValue(), "langflow-telemetry would send:");
          return message.args()[1].jsonValue();
        }),
      );
      await page.close();
      assert.deepEqual(alike(payloads.join("")).split("\n"), alike(sent.join("")).split("\n"));
      assert.equal(counted, payloads.join("").split("\n").length - 1);
      assert.deepEqual([touched.requests, touched.written, touched.locks, touched.opened], [[], [], [], []]);
      assert.deepEqual(await stored(), {});
      assert.equal(receiver.sent().length, sent.length, "nothing was sent but by the real one");
    }));

  it("describe() names every event and field of the schema, and of what was ever sent", () =>
    inPlace(browser, async ({ receiver, visit }) => {
      const page = await visit();
      await page.evaluate(live, { endpoint: receiver.path });
      const { described, fresh } = await page.evaluate(() => {
        const first = window.lt.describe();
        const untouched = JSON.stringify(first);
        first.events.length = 0;
        first.envelope[0].name = "mine";
        return { described: window.lt.describe(), fresh: JSON.stringify(window.lt.describe()) === untouched };
      });
      assert.equal(fresh, true, "a copy at each call");

      const schema = JSON.parse(await readFile(SCHEMA, "utf8"));
      const names = (fields) => fields.map(({ name }) => name).toSorted();
      assert.deepEqual(names(described.envelope), ["event", ...Object.keys(schema.properties)].toSorted());
      assert.deepEqual(
        described.events.map(({ event }) => event),
        schema.oneOf.map(({ properties }) => properties.event.const),
      );
      for (const { event, fields } of described.events) {
        const branch = schema.oneOf.find(({ properties }) => properties.event.const === event);
        const { properties, required } = schema.$defs[branch.$ref.split("/").at(-1)];
        assert.deepEqual(names(fields), Object.keys(properties).toSorted(), event);
        for (const field of fields) {
          assert.equal(field.required, required?.includes(field.name) ?? false, `${event}.${field.name}`);
          assert.ok([properties[field.name].type].flat().includes(field.type), `${event}.${field.name}`);
          assert.ok(field.purpose.length > 10 && field.description.length > 10, `${event}.${field.name}`);
          assert.equal(typeof field.example, field.type === "integer" ? "number" : field.type);
        }
      }

      const sent = receiver.events();
      assert.ok(sent.length > 60);
      for (const event of sent) {
        const { fields } = described.events.find((other) => other.event === event.event);
        const allowed = names([...described.envelope, ...fields]);
        assert.deepEqual(
          Object.keys(event).filter((name) => !allowed.includes(name)),
          [],
          event.event,
        );
      }
    }));
});
