/**
 * The whole way: the built package in a browser, nginx, an OpenTelemetry collector (Rotel), and behind it ClickHouse's
 * engine or Kafka's protocol; each with the configuration of examples/pipelines, adapted in its addresses.
 */

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { launch } from "../e2e/harness/browser.mjs";
import { until } from "../e2e/harness/waiting.mjs";
import { startCurrentClickhouse, startKafka, startNginx, startRotel, textOf } from "./servers.mjs";
import { APP, assertTracked, trackAll, visit } from "./visit.mjs";

const DAY_MS = 24 * 60 * 60 * 1000;

/** More days than the 100 partitions that ClickHouse lets one INSERT have. */
const DAYS_WRONG = 200;

describe("otlp from a browser through nginx and Rotel", () => {
  let browser;
  const started = [];
  before(async () => {
    browser = await launch();
  });
  after(async () => {
    await browser?.close();
    for (const server of started.reverse()) await server.stop();
  });

  const run = async (starting) => {
    const server = await starting;
    started.push(server);
    return server;
  };

  const relay = (rotel) => run(startNginx("nginx-otlp.conf", [["127.0.0.1:4318", new URL(rotel.url).host]]));

  /** A visit from Version to Shutdown. */
  async function live(nginx) {
    const { context, preflights, ...client } = await visit(browser, nginx.url, { app: APP, format: "otlp" });
    await trackAll(client);
    assert.equal(await client.flush(), true);
    const { captured, sent } = await client.stats();
    assert.deepEqual({ captured, sent }, { captured: 7, sent: 7 });
    await client.leave();
    return { context, preflights };
  }

  describe("into ClickHouse", () => {
    let clickhouse, rotel, nginx;
    before(async () => {
      clickhouse = await run(startCurrentClickhouse());
      // In the order of docs/pipelines.md.
      const [, section] = /\*\*On into ClickHouse\.\*\*(.*?)\n\*\*/s.exec(textOf("docs/pipelines.md"));
      const files = [...section.matchAll(/^ +clickhouse-client --multiquery < (\S+)$/gm)];
      assert.equal(files.length, 3);
      for (const [, file] of files) await clickhouse.script(textOf(file));
      // Copies are to be seen: parts merge when a test says so.
      await clickhouse.query("SYSTEM STOP MERGES langflow_events");
      rotel = await run(
        startRotel("rotel-clickhouse.env", [
          ["http://127.0.0.1:8123", clickhouse.url],
          // Those are ClickHouse's own frames, which its server unpacks and the engine alone does not.
          ["COMPRESSION=lz4", "COMPRESSION=none"],
        ]),
      );
      nginx = await relay(rotel);
    });

    /** Rows of langflow_events once there are so many. */
    async function rowsOf(where, count) {
      const rows = () => clickhouse.rows(`SELECT * FROM langflow_events FINAL WHERE ${where} ORDER BY seq`);
      await until(
        async () => (await rows()).length >= count,
        () => rotel.words(),
      );
      return rows();
    }

    const countOf = async (from) => Number(await clickhouse.query(`SELECT count() FROM ${from}`));

    it("the same rows as ndjson makes", async () => {
      const { context, preflights } = await live(nginx);
      const rows = await rowsOf("1", 8);
      await context.close();
      assert.deepEqual(preflights, []);
      const known = (row) => Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null));
      assertTracked(rows.map(known));
      const resources = await clickhouse.rows(
        "SELECT DISTINCT ServiceName AS name, ResourceAttributes['service.version'] AS version FROM otel_logs",
      );
      assert.deepEqual(resources, [{ name: APP.package, version: APP.version }]);
    });

    it("at least once, and each event once in what FINAL reads", async () => {
      let lost = 0;
      const options = { format: "otlp", delivery: "at-least-once", clientType: "twice" };
      const { context, page, ...client } = await visit(browser, nginx.url, options, async (route) => {
        if (lost > 0) return route.continue();
        lost += 1;
        await route.fetch();
        await route.abort("connectionreset");
      });
      await page.evaluate(() => window.trackMany(0, 30));
      await until(client.flush);
      const { sent, retried } = await client.stats();
      assert.equal(sent, 31);
      assert.ok(retried > 0, "the first attempt counts as failed");
      await context.close();
      // Where every copy stays: in the table that the view fills, ClickHouse may have merged them at any moment.
      const logs = () => countOf("otel_logs WHERE LogAttributes['langflow.client_type'] = 'twice'");
      await until(async () => (await logs()) > 31);
      const rows = await rowsOf("clientType = 'twice'", 31);
      assert.deepEqual(
        rows.map(({ seq }) => seq),
        Array.from({ length: 31 }, (_, seq) => seq),
      );
    });

    it("whatever day a browser's clock says: more of them than an INSERT may name partitions", async () => {
      const now = Date.now();
      const record = (seq, time) => ({
        timeUnixNano: `${time}000000`,
        attributes: [
          { key: "langflow.session", value: { stringValue: "clocks000000" } },
          { key: "langflow.seq", value: { intValue: `${seq}` } },
          { key: "langflow.client_type", value: { stringValue: "clocks" } },
          { key: "langflow.seconds", value: { doubleValue: 1 } },
          { key: "langflow.success", value: { boolValue: true } },
        ],
      });
      // From 1970 to 2106: what a table of days or months by this clock would have to part.
      const wrong = Array.from({ length: DAYS_WRONG }, (_, number) =>
        record(number + 1, number * 245 * DAY_MS),
      );
      const logRecords = [...wrong, record(0, now)];
      const body = JSON.stringify({ resourceLogs: [{ resource: {}, scopeLogs: [{ logRecords }] }] });
      assert.equal((await fetch(`${nginx.url}/telemetry`, { method: "POST", body })).status, 200);

      await rowsOf("seq = 0 AND session = 'clocks000000'", 1);
      const logs = "otel_logs WHERE LogAttributes['langflow.session'] = 'clocks000000'";
      assert.equal(await countOf(logs), logRecords.length);
      const days = await clickhouse.query(
        "SELECT uniqExact(partition) FROM system.parts WHERE table = 'otel_logs'",
      );
      // A test may run past midnight.
      assert.ok(Number(days) <= 2, `${days} partitions`);
      const kept = await rowsOf("session = 'clocks000000'", 1);
      for (const { time } of kept) assert.ok(Math.abs(time - now) <= 400 * DAY_MS, `${time}`);
    });
  });

  it("into Kafka: every record, in OTLP's JSON", async () => {
    const kafka = await run(startKafka("langflow_telemetry"));
    const rotel = await run(startRotel("rotel-kafka.env", [["127.0.0.1:9092", kafka.address]]));
    const { context, preflights } = await live(await relay(rotel));
    const records = () =>
      kafka
        .messages()
        .flat()
        .flatMap(({ scopeLogs }) => scopeLogs)
        .flatMap(({ logRecords }) => logRecords);
    await until(
      () => records().length >= 8,
      () => rotel.words(),
    );
    await context.close();
    assert.deepEqual(preflights, []);
    assertTracked(
      records()
        .map(asOnTheWire)
        .sort((a, b) => a.seq - b.seq),
    );
  });
});

/** A log record as the event it was. */
function asOnTheWire({ eventName, timeUnixNano, attributes }) {
  const fields = attributes.map(({ key, value }) => [
    key.replace("langflow.", "").replace(/_./g, (part) => part[1].toUpperCase()),
    "intValue" in value ? Number(value.intValue) : Object.values(value)[0],
  ]);
  return {
    event: eventName.replace("langflow.", ""),
    time: Number(timeUnixNano) / 1e6,
    ...Object.fromEntries(fields),
  };
}
