/**
 * NDJSON into ClickHouse with nothing of ours between: the built package in a real browser, nginx as in
 * examples/pipelines, the table of docs/clickhouse.sql, and the rows as ClickHouse has them.
 *
 * Two engines, since a current server is not to be had from a package registry: a current engine whose HTTP interface is our shim
 * (clickhouse_http.py), and an old server whose HTTP interface is its own.
 */

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { launch } from "../e2e/harness/browser.mjs";
import { until } from "../e2e/harness/waiting.mjs";
import { APP, assertTracked, eventsOf, trackAll, visit } from "./visit.mjs";
import { adapted, startCurrentClickhouse, startDebianClickhouse, startNginx, textOf } from "./servers.mjs";

const TABLE = textOf("docs/clickhouse.sql");
const SCHEMA = JSON.parse(textOf("schema/events.schema.json"));

/** The INSERT of a page that has no relay: all of it in the endpoint. */
const INSERT = "query=INSERT+INTO+langflow_events_in+FORMAT+JSONEachRow&input_format_skip_unknown_fields=1";

/** REQUEST_MAX of src/delivery.rs, in bytes. */
const REQUEST_MAX = 384 * 1024;

/** Partitions that one block may have in an INSERT: ClickHouse's max_partitions_per_insert_block. */
const PARTITIONS_MAX = 100;

const DAY_MS = 24 * 60 * 60 * 1000;

/** Columns that no event has. */
const NOT_SENT = ["at", "receivedAt"];

const ENGINES = [
  {
    name: "a current ClickHouse engine (chDB)",
    launch: startCurrentClickhouse,
    table: TABLE,
    nginx: [],
    types: { string: "String", integer: "UInt64", number: "Float64", boolean: "Bool" },
    synced: true,
  },
  {
    name: "ClickHouse server 18.16 (Debian)",
    launch: startDebianClickhouse,
    // Types and settings that came after 2018.
    table: adapted(TABLE, [
      [/LowCardinality\((.*)\)/g, "$1"],
      ["Bool", "UInt8"],
      [
        "DateTime64(3, 'UTC') ALIAS fromUnixTimestamp64Milli(toInt64(time), 'UTC')",
        "DateTime ALIAS toDateTime(intDiv(time, 1000))",
      ],
      ["DateTime('UTC') MATERIALIZED", "DateTime MATERIALIZED"],
      ["SETTINGS fsync_after_insert = 1, fsync_part_directory = 1", ""],
      // It fills no such column of a table that a view writes into.
      ["SELECT *\n", "SELECT *, receivedAt\n"],
    ]),
    nginx: [["&async_insert=1&wait_for_async_insert=1", ""]],
    types: { string: "String", integer: "UInt64", number: "Float64", boolean: "UInt8" },
  },
];

for (const engine of ENGINES) {
  describe(`ndjson into ${engine.name}`, () => {
    let browser;
    let clickhouse;
    let nginx;
    before(async () => {
      browser = await launch();
      clickhouse = await engine.launch();
      await clickhouse.script(engine.table);
      // Copies are to be seen: parts merge when a test says so.
      await clickhouse.query("SYSTEM STOP MERGES langflow_events");
      nginx = await startNginx("nginx-clickhouse.conf", [
        ["127.0.0.1:8123", new URL(clickhouse.url).host],
        ["Retry-After 30", "Retry-After 1"],
        ...engine.nginx,
      ]);
    });
    after(async () => {
      await browser?.close();
      await nginx?.stop();
      await clickhouse?.stop();
    });

    /** Rows of a session without copies, as lines of the wire: what is not known is not there. */
    async function lines(session) {
      const from = `FROM langflow_events FINAL WHERE session = '${session}' ORDER BY seq`;
      const rows = await clickhouse.rows(`SELECT * ${from}`);
      return rows.map((row) => {
        const known = Object.entries(row).filter(([, value]) => value !== null);
        // UInt8 before there was Bool.
        const typed = known.map(([name, value]) => [
          name,
          typeOf(name) === "boolean" ? Boolean(value) : value,
        ]);
        return Object.fromEntries(typed);
      });
    }

    const count = async (session, final = "") => {
      const from = `FROM langflow_events ${final} ${session ? `WHERE session = '${session}'` : ""}`;
      return Number(await clickhouse.query(`SELECT count() ${from}`));
    };

    const post = (body) => fetch(`${nginx.url}/telemetry`, { method: "POST", body });

    it("has a column for each field of the schema, of its type, and two more", async () => {
      const described = await clickhouse.rows(
        "SELECT name, type, default_kind FROM system.columns WHERE table = 'langflow_events'",
      );
      const sent = described.filter(({ default_kind }) => default_kind === "");
      const bare = (type) => type.replace("LowCardinality(", "").replace("Nullable(", "").replaceAll(")", "");
      const columns = Object.fromEntries(sent.map(({ name, type }) => [name, bare(type)]));
      const fields = Object.fromEntries(fieldNames().map((name) => [name, engine.types[typeOf(name)]]));
      assert.deepEqual(columns, fields);
      assert.deepEqual(
        described
          .filter(({ default_kind }) => default_kind !== "")
          .map(({ name }) => name)
          .sort(),
        NOT_SENT,
      );
      // Only what is always sent may do without NULL.
      const always = ["event", ...SCHEMA.required];
      const nullable = sent.filter(({ type }) => type.includes("Nullable")).map(({ name }) => name);
      assert.deepEqual(new Set(nullable), new Set(fieldNames().filter((name) => !always.includes(name))));
    });

    // The old engine does not know the setting, so that its table is made without.
    if (engine.synced)
      it("waits for the disk before it answers", async () => {
        const [{ engine_full }] = await clickhouse.rows(
          "SELECT engine_full FROM system.tables WHERE name = 'langflow_events'",
        );
        assert.match(engine_full, /fsync_after_insert = 1, fsync_part_directory = 1/);
      });

    it("takes every event and field from a browser, through nginx, and keeps copies once", async () => {
      const { context, bodies, preflights, ...client } = await visit(browser, nginx.url, { app: APP });
      await trackAll(client);
      assert.equal(await client.flush(), true);
      const { captured, sent } = await client.stats();
      assert.deepEqual({ captured, sent }, { captured: 7, sent: 7 }, "Version and six tracked");
      await client.leave();
      const [{ session }] = eventsOf(bodies);
      await until(async () => (await count(session, "FINAL")) === 8);
      await context.close();

      const found = await lines(session);
      assertTracked(found);
      assert.deepEqual(found.slice(0, 7), eventsOf(bodies).slice(0, 7), "row for row what was sent");
      assert.deepEqual(preflights, []);

      // `at` is `time`, not the year 9999.
      const seconds = await clickhouse.rows(
        `SELECT toUnixTimestamp(at) AS at, time FROM langflow_events FINAL WHERE session = '${session}'`,
      );
      for (const { at, time } of seconds) assert.equal(at, Math.floor(time / 1000));

      // The query that docs/pipelines.md gives as an example.
      const [, example] = /```sql\n(.*?)```/s.exec(textOf("docs/pipelines.md"));
      const report = await clickhouse.rows(example);
      assert.deepEqual(report.map(({ name, runs }) => [name, runs]).sort(), [
        ["ChatInput", 1],
        ["LanguageModel", 1],
      ]);

      const rows = await count(session);
      for (const body of bodies) assert.equal((await post(body)).status, 200);
      assert.equal(await count(session), rows + eventsOf(bodies).length, "a row for each copy");
      assert.equal(await count(session, "FINAL"), 8);
      assert.deepEqual(await lines(session), found);
      await clickhouse.query("SYSTEM START MERGES langflow_events");
      await clickhouse.query("OPTIMIZE TABLE langflow_events FINAL");
      assert.equal(await count(session), 8, "one of them after parts merged");
      await clickhouse.query("SYSTEM STOP MERGES langflow_events");
    });

    it("keeps once what the client sent again since no answer came", async () => {
      let lost = 0;
      const { context, page, bodies, ...client } = await visit(browser, nginx.url, {}, async (route) => {
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
      assert.equal(lost, 1);
      const [{ session }] = eventsOf(bodies);
      assert.equal(await count(session, "FINAL"), 31);
      assert.ok((await count(session)) > 31, "the lost answer's rows are there too");
      await context.close();
    });

    it("takes batches from a page of another origin, without a relay and without a preflight", async () => {
      const endpoint = `${clickhouse.url}/?${INSERT}&add_http_cors_header=1`;
      const { context, page, bodies, preflights, ...client } = await visit(browser, nginx.url, { endpoint });
      for (const first of [0, 60]) {
        await page.evaluate((number) => window.trackMany(number, 60, 200), first);
        await until(client.flush);
      }
      const { captured, sent } = await client.stats();
      assert.deepEqual({ captured, sent }, { captured: 121, sent: 121 });
      assert.ok(bodies.length > 1);
      const [{ session }] = eventsOf(bodies);
      assert.equal(await count(session, "FINAL"), 121);
      assert.deepEqual(await lines(session), eventsOf(bodies));
      assert.deepEqual(preflights, []);
      await context.close();
    });

    it("loses a bad line, not its batch, and no batch to a field that is new", async () => {
      const line = (seq, more = {}) =>
        JSON.stringify({
          event: "run",
          session: "badlines0000",
          seq,
          time: Date.now(),
          clientType: "browser",
          ...more,
        });
      const body = [
        line(0),
        '{"seq": "not a number"}',
        line(1, { aFieldOfTomorrow: [{ a: 1 }] }),
        line(2),
      ].join("\n");
      assert.equal((await post(body)).status, 200);
      assert.deepEqual(
        (await lines("badlines0000")).map(({ seq }) => seq),
        [0, 1, 2],
      );

      // As many bad lines as the client's largest request can hold, and one that is well.
      const bad = line("no", { seconds: 0, success: true });
      const full = Array(Math.floor(REQUEST_MAX / (bad.length + 1)) - 1).fill(bad);
      assert.ok(full.length > 2_000);
      assert.equal((await post([...full, line(3)].join("\n"))).status, 200);
      assert.deepEqual(
        (await lines("badlines0000")).map(({ seq }) => seq),
        [0, 1, 2, 3],
      );
    });

    it("keeps events, and nothing else that a request holds: no batch fails for it", async () => {
      const kinds = SCHEMA.oneOf.map(({ properties }) => properties.event.const);
      assert.equal(kinds.length, 5);
      let seq = 0;
      const event = (more = {}) => ({
        event: "run",
        session: "filtered0000",
        seq: seq++,
        time: Date.now(),
        clientType: "browser",
        ...more,
      });
      const wanted = [
        ...kinds.map((kind) => event({ event: kind })),
        event({ time: Date.now() - 399 * DAY_MS }),
        event({ time: Date.now() + DAY_MS }),
      ];
      // A clock in each of more months than an INSERT may have partitions.
      const clocks = Array.from({ length: 2 * PARTITIONS_MAX }, (_, months) =>
        event({ time: months * 31 * DAY_MS }),
      );
      const others = [
        {},
        { hello: 1 },
        { event: "run" },
        event({ event: "walk" }),
        event({ session: "Filtered0000" }),
        event({ session: "filtered00000" }),
        event({ session: `filtered0000\n` }),
        event({ time: undefined }),
        event({ time: 0 }),
        event({ time: Date.now() - 401 * DAY_MS }),
        event({ time: Date.now() + 3 * DAY_MS }),
        event({ time: Number.MAX_SAFE_INTEGER }),
      ];
      const before = await count();
      const body = [...clocks, ...others, ...wanted].map((one) => JSON.stringify(one)).join("\n");
      assert.equal((await post(body)).status, 200);
      assert.deepEqual(await lines("filtered0000"), wanted);
      assert.equal(await count(), before + wanted.length, "and nothing under another session");
    });

    it("tells of rows that it could not store", async () => {
      await clickhouse.query("RENAME TABLE langflow_events_in TO langflow_events_elsewhere");
      assert.equal((await fetch(`${clickhouse.url}/?${INSERT}`, { method: "POST", body: "{}" })).status, 404);
      await clickhouse.query("RENAME TABLE langflow_events_elsewhere TO langflow_events_in");

      // One partition too many, past the view that keeps such rows away.
      const rows = Array.from({ length: PARTITIONS_MAX + 1 }, (_, months) =>
        JSON.stringify({ event: "run", session: "unstored0000", seq: months, time: months * 31 * DAY_MS }),
      );
      const limit = `max_partitions_per_insert_block=${PARTITIONS_MAX}`;
      const direct = `${clickhouse.url}/?${INSERT.replace("_in", "")}&${limit}`;
      const refused = await fetch(direct, { method: "POST", body: rows.join("\n") });
      const stored = await count("unstored0000");
      assert.deepEqual([refused.ok, stored], [false, 0], await refused.text());
    });

    it("answers only what it should: POST, 512 KiB, and no query but its own", async () => {
      assert.equal((await fetch(`${nginx.url}/telemetry`)).status, 405);
      assert.equal((await post("x".repeat(512 * 1024 + 1))).status, 413);
      const drop = await fetch(`${nginx.url}/telemetry?query=DROP+TABLE+langflow_events_in`, {
        method: "POST",
        body: "",
        headers: { "x-clickhouse-database": "system" },
      });
      assert.equal(drop.status, 200, "an INSERT of nothing");
      assert.equal(await clickhouse.query("EXISTS TABLE langflow_events_in"), "1\n");
    });

    it("is waited for while its table is not there", async () => {
      await clickhouse.query("RENAME TABLE langflow_events TO elsewhere");
      const { context, page, bodies, ...client } = await visit(browser, nginx.url, {});
      await page.evaluate(() => window.trackMany(0, 5));
      assert.equal(await client.flush(), false);
      const refused = await post("{}");
      assert.deepEqual([refused.status, refused.headers.get("retry-after")], [503, "1"]);
      assert.doesNotMatch(await refused.text(), /langflow_events/, "no word of the database gets out");
      await clickhouse.query("RENAME TABLE elsewhere TO langflow_events");
      await until(async () => (await client.stats()).sent === 6);
      assert.deepEqual(
        (await lines(eventsOf(bodies)[0].session)).map(({ seq }) => seq),
        [0, 1, 2, 3, 4, 5],
      );
      await context.close();
    });

    it("takes a field of tomorrow once both tables have its column", async () => {
      for (const table of ["langflow_events", "langflow_events_in"])
        await clickhouse.query(`ALTER TABLE ${table} ADD COLUMN ofTomorrow Nullable(String)`);
      const envelope = {
        event: "run",
        session: "tomorrow0000",
        seq: 0,
        time: Date.now(),
        clientType: "browser",
      };
      const event = { ...envelope, ofTomorrow: "a" };
      assert.equal((await post(JSON.stringify(event))).status, 200);
      const from = "FROM langflow_events FINAL WHERE session = 'tomorrow0000'";
      assert.equal(await clickhouse.query(`SELECT ofTomorrow ${from}`), "a\n");
    });
  });
}

function properties() {
  const events = Object.values(SCHEMA.$defs).map((event) => event.properties);
  return Object.assign({}, SCHEMA.properties, ...events, { event: { type: "string" } });
}

/** Every field of every event, as schema/events.schema.json has it. */
function fieldNames() {
  return Object.keys(properties());
}

/** A field's type, without null. */
function typeOf(name) {
  const { type } = properties()[name];
  return [type].flat().find((one) => one !== "null");
}
