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

  /** A visit from Version to Shutdown. */
  async function live(rotel) {
    const nginx = await run(startNginx("nginx-otlp.conf", [["127.0.0.1:4318", new URL(rotel.url).host]]));
    const { context, preflights, ...client } = await visit(browser, nginx.url, { app: APP, format: "otlp" });
    await trackAll(client);
    assert.equal(await client.flush(), true);
    const { captured, sent } = await client.stats();
    assert.deepEqual({ captured, sent }, { captured: 7, sent: 7 });
    await client.leave();
    return { context, preflights };
  }

  it("into ClickHouse: the same rows as ndjson makes", async () => {
    const clickhouse = await run(startCurrentClickhouse());
    // In the order of docs/pipelines.md.
    const [, section] = /\*\*On into ClickHouse\.\*\*(.*?)\n\*\*/s.exec(textOf("docs/pipelines.md"));
    const files = [...section.matchAll(/^ +clickhouse-client < (\S+)$/gm)].map(([, file]) => file);
    assert.equal(files.length, 3);
    for (const file of files) await clickhouse.query(textOf(file));
    const rotel = await run(
      startRotel("rotel-clickhouse.env", [
        ["http://127.0.0.1:8123", clickhouse.url],
        // Those are ClickHouse's own frames, which its server unpacks and the engine alone does not.
        ["COMPRESSION=lz4", "COMPRESSION=none"],
      ]),
    );
    const { context, preflights } = await live(rotel);
    const rows = () => clickhouse.rows("SELECT * FROM langflow_events FINAL ORDER BY seq");
    await until(
      async () => (await rows()).length >= 8,
      () => rotel.words(),
    );
    await context.close();
    assert.deepEqual(preflights, []);
    const known = (row) => Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null));
    assertTracked((await rows()).map(known));
    const resources = await clickhouse.rows(
      "SELECT DISTINCT ServiceName AS name, ResourceAttributes['service.version'] AS version FROM otel_logs",
    );
    assert.deepEqual(resources, [{ name: APP.package, version: APP.version }]);
  });

  it("into Kafka: every record, in OTLP's JSON", async () => {
    const kafka = await run(startKafka("langflow_telemetry"));
    const rotel = await run(startRotel("rotel-kafka.env", [["127.0.0.1:9092", kafka.address]]));
    const { context, preflights } = await live(rotel);
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
