/**
 * The collector under load, on this machine's loopback; writes bench/COLLECTOR.md. Run by `make bench-collector`.
 *
 * First wrk with real batches, in turns against the collector and against a handler of the same framework that only
 * reads the body (examples/collector/src/bin/bare-handler.rs): figures beside each other in time, since other work on the
 * machine moves both. Then clients that keep what was not acknowledged, while the collector is killed and started
 * again; each row is compared with what was sent.
 *
 * BENCH_SECONDS   of each turn of the first, and of the second, 60
 * BENCH_KILLS     in the second, 8
 *
 * Ends with an error when a request failed, a row was lost, doubled or changed, or the collector's memory grew; never
 * because of how fast something was.
 */

import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { availableParallelism, loadavg, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { runClients } from "./clients.mjs";
import { BATCH_EVENTS, batchOf, eventOf, sessionOf } from "./events.mjs";

const REPOSITORY = fileURLToPath(new URL("../../", import.meta.url));
/** Where cargo leaves what it built. */
const BUILT = resolve(REPOSITORY, process.env.CARGO_TARGET_DIR || "target", "release");
const COLLECTOR = process.env.COLLECTOR ?? join(BUILT, "collector");
const BARE = process.env.BARE ?? join(BUILT, "bare-handler");
const LUA = fileURLToPath(new URL("load.lua", import.meta.url));
const REPORT = join(REPOSITORY, "bench/COLLECTOR.md");

const SECONDS = seconds("BENCH_SECONDS", 60);
const KILLS = seconds("BENCH_KILLS", 8);

/** Turns of the first part, each for both: so that what else the machine does meanwhile meets both. */
const ROUNDS = 3;

/**
 * Memory is flat where the last third of its readings is at most so many times the second: an allocator gives back when
 * it likes. Rows that are never freed would, at a thousand a second, add half of what it has in each turn.
 */
const FLAT = 1.1;

/** Connections at once: more than the commits that can be under way, few enough that all are busy. */
const CONNECTIONS = 32;

/** How often the collector's memory is read, in ms. */
const SAMPLE_MS = 500;

/** Columns of which `eventOf` knows nothing. */
const NOT_THE_EVENTS = new Set(["arrival", "received_at", "session"]);

/** Kernel clock ticks a second, in which /proc counts processor time: 100 on every Linux that Node runs on. */
const TICKS = 100;

const run = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), "collector-bench-"));
const running = new Set();
process.on("exit", () => {
  running.forEach((child) => child.kill("SIGKILL"));
  rmSync(folder, { recursive: true, force: true });
});

function seconds(name, byDefault) {
  const given = Number(process.env[name] ?? byDefault);
  if (Number.isInteger(given) && given > 0) return given;
  console.error(`${name}=${process.env[name]}: expected a whole number above 0.`);
  process.exit(2);
}

/** Starts a server that prints its address. */
async function serve(command, parameters) {
  const child = spawn(command, parameters, { stdio: ["ignore", "pipe", "inherit"] });
  running.add(child);
  const gone = once(child, "exit").then(([code]) =>
    Promise.reject(new Error(`${command} ended with ${code}`)),
  );
  gone.catch(() => {});
  const [line] = await Promise.race([once(createInterface({ input: child.stdout }), "line"), gone]);
  const url = /http:\S+/.exec(line)[0];
  return {
    pid: child.pid,
    url,
    async end(signal) {
      running.delete(child);
      const exit = once(child, "exit");
      child.kill(signal);
      await exit;
    },
  };
}

const startCollector = (db, port = 0) => serve(COLLECTOR, ["--db", db, "--listen", `127.0.0.1:${port}`]);

/** Memory in RAM, in KiB. */
const memoryOf = (pid) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))[1]);

/** Processor time so far, in seconds. */
function processorOf(pid) {
  // After the name, which is in parentheses and may hold anything: utime and stime are fields 14 and 15.
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
    .replace(/^.*\) /s, "")
    .split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS;
}

/** One run of wrk, with the processor time that the server took. */
async function wrk(server, duration, round) {
  const before = processorOf(server.pid);
  const options = ["-t2", `-c${CONNECTIONS}`, `-d${duration}s`, "--timeout", "10s", "-s", LUA];
  const { stdout } = await run("wrk", [...options, `${server.url}/v1/events`, "--", ...batch, String(round)]);
  const result = JSON.parse(stdout.trim().split("\n").at(-1));
  return { ...result, processor: processorOf(server.pid) - before };
}

async function sql(db, query) {
  const { stdout } = await run("sqlite3", ["-readonly", "-batch", "-json", db, query]);
  return stdout.trim() ? JSON.parse(stdout) : [];
}

const sum = (rounds, name) => rounds.reduce((all, round) => all + round[name], 0);
const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

async function underLoad() {
  const db = join(folder, "load.db");
  const collector = await startCollector(db);
  const bare = await serve(BARE, []);
  const memory = [];
  const rounds = [];
  for (let round = 0; round < ROUNDS; round++) {
    const ofBare = await wrk(bare, SECONDS, round);
    const sampling = setInterval(() => memory.push(memoryOf(collector.pid)), SAMPLE_MS);
    const ofCollector = await wrk(collector, SECONDS, round);
    clearInterval(sampling);
    rounds.push({ bare: ofBare, collector: ofCollector });
    console.log(`round ${round + 1}: ${rowsPerSecond(ofCollector)} rows/s, bare ${rowsPerSecond(ofBare)}`);
  }
  const log = statSync(`${db}-wal`).size;
  await collector.end("SIGTERM");
  await bare.end("SIGKILL");

  const loads = rounds.map(({ collector }) => collector);
  for (const name of ["status", "connect", "read", "write", "timeout"])
    assert.equal(sum(loads, name), 0, `errors of kind ${name}`);
  const [{ rows }] = await sql(db, "SELECT count(*) AS rows FROM events");
  const [{ odd }] = await sql(
    db,
    `SELECT count(*) AS odd FROM (SELECT 1 FROM events GROUP BY session HAVING count(*) <> ${BATCH_EVENTS})`,
  );
  assert.equal(odd, 0, "batches of which only a part is there");
  const answered = sum(loads, "requests") * BATCH_EVENTS;
  // What was under way when wrk hung up may be there or not.
  assert.ok(
    rows >= answered && rows <= sum(loads, "sent") * BATCH_EVENTS,
    `${rows} rows, ${answered} answered`,
  );
  return { rounds, memory, rows, answered, log, size: statSync(db).size };
}

async function killed() {
  const db = join(folder, "killed.db");
  let collector = await startCollector(db);
  const { url } = collector;
  const { port } = new URL(url);
  const end = performance.now() + SECONDS * 1_000;
  let over = false;
  const clients = runClients(
    () => url,
    CONNECTIONS,
    () => over,
  );
  let kills = 0;
  for (; kills < KILLS; kills++) {
    // At a moment that nothing else sets, so that it falls into every phase of a request.
    await sleep((SECONDS * 1_000 * (0.5 + Math.random())) / (KILLS + 1));
    await collector.end("SIGKILL");
    collector = await startCollector(db, port);
  }
  await sleep(Math.max(0, end - performance.now()));
  over = true;
  const result = await clients;
  assert.deepEqual(result.failures, [], "answers that a client does not expect");
  const compared = await compare(db, result.acknowledged);
  await collector.end("SIGTERM");
  return { ...result, kills, ...compared };
}

/** Each row with what was sent, by streaming: there are millions. */
async function compare(db, acknowledged) {
  const expected = [...acknowledged.values()].reduce((all, batches) => all + batches * BATCH_EVENTS, 0);
  const numbers = new Map([...acknowledged.keys()].map((number) => [sessionOf(number), number]));
  const child = spawn(
    "sqlite3",
    ["-readonly", "-batch", "-json", db, "SELECT * FROM events ORDER BY session, seq"],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  running.add(child);
  let rows = 0;
  let doubled = 0;
  let strange = 0;
  let before = "";
  for await (const line of createInterface({ input: child.stdout })) {
    const row = JSON.parse(line.replace(/^\[/, "").replace(/[,\]]$/, ""));
    const key = `${row.session} ${row.seq}`;
    if (key === before) doubled += 1;
    before = key;
    rows += 1;
    const number = numbers.get(row.session);
    const sent = number !== undefined && row.seq < acknowledged.get(number) * BATCH_EVENTS;
    if (!sent || !matches(row, eventOf(number, row.seq))) strange += 1;
  }
  running.delete(child);
  assert.deepEqual({ rows, doubled, strange }, { rows: expected, doubled: 0, strange: 0 });
  return { rows };
}

/** Whether a row is an event: its fields as columns, every other column NULL. */
function matches(row, event) {
  const known = Object.entries(row).filter(([name, value]) => value !== null && !NOT_THE_EVENTS.has(name));
  return (
    known.length === Object.keys(event).length &&
    known.every(([name, value]) => {
      const sent = event[name.replace(/_./g, (part) => part[1].toUpperCase())];
      return value === (typeof sent === "boolean" ? Number(sent) : sent);
    })
  );
}

const thousands = (number) => Math.round(number).toLocaleString("en");
const rate = ({ requests, seconds }) => (requests * BATCH_EVENTS) / seconds;
const rowsPerSecond = (result) => thousands(rate(result));
const mebibytes = (bytes) => (bytes / 2 ** 20).toFixed(1);
const microseconds = ({ processor, requests }) => ((processor / requests / BATCH_EVENTS) * 1e6).toFixed(2);

/** What grows without bound also grows after the first third. */
function flatness(memory) {
  const third = Math.floor(memory.length / 3);
  const [second, last] = [memory.slice(third, 2 * third), memory.slice(2 * third)].map(median);
  const isFlat = last <= FLAT * second;
  const verdict =
    `Memory ${isFlat ? "is flat" : "GROWS"}: the last third is at ${(last / second).toFixed(3)} of the second, ` +
    `${FLAT} allowed.`;
  return { second, last, isFlat, verdict };
}

function report(load, crash, busy) {
  const { rounds, memory } = load;
  const { second, last, verdict } = flatness(memory);
  const ratio = median(rounds.map(({ bare, collector }) => rate(collector) / rate(bare)));
  const cost = median(
    rounds.map(
      ({ bare, collector }) => collector.processor / collector.requests / (bare.processor / bare.requests),
    ),
  );
  const row = ({ bare, collector }, index) =>
    `| ${index + 1} | ${rowsPerSecond(collector)} | ${rowsPerSecond(bare)} ` +
    `| ${(rate(collector) / rate(bare)).toFixed(3)} | ${microseconds(collector)} | ${microseconds(bare)} ` +
    `| ${collector.p50Ms.toFixed(1)} | ${collector.p99Ms.toFixed(1)} | ${collector.maxMs.toFixed(0)} |`;
  const batches = load.answered / BATCH_EVENTS;
  const { size } = statSync(batch[0]);
  return `<!-- Written by \`make bench-collector\`. -->

# The collector under load

On loopback, ${availableParallelism()} cores shared by the collector, the load and whatever else runs: the load average was
${busy.before} before and ${busy.after} after. So look at ratios and at processor time, not at rows a second as such.

## Rows a second

wrk, ${CONNECTIONS} connections, a batch of ${BATCH_EVENTS} events (${thousands(size)} bytes; sessions of their own, so that every line
becomes a row) after another for ${SECONDS} s, in ${ROUNDS} turns with as long for a handler of the same framework that reads the
body and does nothing with it (\`examples/collector/src/bin/bare-handler.rs\`). The collector checks every line against the schema, and
answers when the rows are on the disk (\`synchronous=FULL\`).

| turn | collector, rows/s | bare handler, "rows"/s | ratio | collector, processor µs a row | bare, µs a row | p50 ms | p99 ms | max ms |
| ---- | ----------------- | ---------------------- | ----- | ----------------------------- | -------------- | ------ | ------ | ------ |
${rounds.map(row).join("\n")}

The median: ${(ratio * 100).toFixed(1)} % of the bare handler's rate, ${cost.toFixed(1)} times its processor time for a request. The ${thousands(batches)}
batches were answered without an error; ${thousands(load.rows)} rows were there afterwards, ${BATCH_EVENTS} of each batch
(${thousands(load.rows - load.answered)} of batches that were under way when wrk hung up).

## Memory

${memory.length} readings, one each ${SAMPLE_MS} ms under load, of the same process in all turns, in MiB:

| first reading | median of the second third | median of the last third | largest |
| ------------- | -------------------------- | ------------------------ | ------- |
| ${[memory[0], second, last, Math.max(...memory)].map((kib) => mebibytes(kib * 1024)).join(" | ")} |

${verdict} Database ${mebibytes(load.size)} MiB, its log ${mebibytes(load.log)} MiB at the end.

## Killed in the middle

${CONNECTIONS} clients that send a batch until it is acknowledged, for ${SECONDS} s, while the collector was killed (\`kill -9\`) ${crash.kills}
times at random moments and started again on its database.

| attempts | not answered | told to come later | rows acknowledged as new | as duplicates | rows in the database | lost | doubled | changed |
| -------- | ------------ | ------------------ | ------------------------ | ------------- | -------------------- | ---- | ------- | ------- |
| ${[crash.attempts, crash.unanswered, crash.busy, crash.accepted, crash.duplicate, crash.rows].map(thousands).join(" | ")} | 0 | 0 | 0 |

Each row was compared with the event that was sent, field by field. "As duplicates": the rows were on the disk when the
collector died, and nobody had been told; they were sent again, and kept once.
`;
}

for (const path of [COLLECTOR, BARE])
  if (!existsSync(path)) {
    console.error(`${path} is not there: run \`make bench-collector\`.`);
    process.exit(2);
  }

/** wrk's script needs the batch, and the session in it to replace. */
const batch = [join(folder, "batch.ndjson"), sessionOf(0)];
// The second of a session: neither its Version nor its Shutdown.
writeFileSync(batch[0], batchOf(0, 1));

const load = () => loadavg()[0].toFixed(1);
const before = load();
const loaded = await underLoad();
const crashed = await killed();
writeFileSync(REPORT, report(loaded, crashed, { before, after: load() }));
console.log(`${REPORT} written`);
const { isFlat, verdict } = flatness(loaded.memory);
console.log(verdict);
if (!isFlat) process.exitCode = 1;
