/** Runs cases several times, side by side, and writes the table of what arrived. */

import { mkdirSync, writeFileSync } from "node:fs";
import { availableParallelism, loadavg } from "node:os";
import { fileURLToPath } from "node:url";

const RESULTS = fileURLToPath(new URL("../results/", import.meta.url));

/** How often each case is run. */
export const REPEAT = Number(process.env.LFT_REPEAT ?? 3);

/** Runs at a time. Most of a run is waiting: for a timer, a retry, a disk. */
const AT_ONCE = 2 * availableParallelism();

let free = AT_ONCE;
const queue = [];

/** Runs in the order in which they came, so many at a time; one that is to run alone counts as all of them. */
async function inTurn(weight, run) {
  await new Promise((resolve) => {
    queue.push({ weight, resolve });
    admit();
  });
  try {
    return await run();
  } finally {
    free += weight;
    admit();
  }
}

function admit() {
  while (queue.length > 0 && queue[0].weight <= free) {
    const { weight, resolve } = queue.shift();
    free -= weight;
    resolve();
  }
}

/**
 * The table's columns. `early`: rows there were before a next visit to the site, where one was needed.
 * `duplicates`: events that the collector had already. `again`: events sent more than once for whatever reason, a
 * request that was failed on purpose among them.
 */
const COLUMNS = {
  captured: "captured",
  early: "rows before a next visit",
  rows: "rows",
  duplicates: "duplicates sent",
  again: "sent again",
  requests: "requests",
};

/** Of all cases: `{ name, explains, runs }`. */
const results = [];

/**
 * Runs a case so many times, and keeps what it measured.
 *
 * @param {object} options
 * @param {string} options.name
 * @param {string} [options.explains] Why rows are fewer than captured, where they are.
 * @param {boolean} [options.alone] Whether no other run may take the processor from it meanwhile.
 * @param {() => Promise<Partial<Record<keyof typeof COLUMNS, number>>>} run
 */
export async function repeat({ name, explains = "", alone = false }, run) {
  began ??= performance.now();
  const result = { name, explains, runs: [] };
  results.push(result);
  const runs = Array.from({ length: REPEAT }, () =>
    inTurn(alone ? AT_ONCE : 1, async () => {
      result.runs.push(await run());
    }),
  );
  // All of them have ended before the browser is closed, also where one failed.
  for (const ended of await Promise.allSettled(runs)) if (ended.status === "rejected") throw ended.reason;
}

/** When the first case began: what came before is the browser's start. */
let began;

/** Prints the table, and writes it to results/NAME.md and NAME.json. */
export function writeTable(name) {
  const span = (runs, column) => {
    const numbers = runs.map((run) => run[column]).filter((number) => number !== undefined);
    if (numbers.length === 0) return "";
    const [least, most] = [Math.min(...numbers), Math.max(...numbers)];
    return least === most ? `${least}` : `${least}–${most}`;
  };
  const columns = Object.keys(COLUMNS);
  const rows = results.map(({ name: label, explains, runs }) => {
    const incomplete = runs.length < REPEAT ? ` (${runs.length} of ${REPEAT} runs passed)` : "";
    return [label + incomplete, ...columns.map((column) => span(runs, column)), explains];
  });
  const head = ["case", ...Object.values(COLUMNS), "why rows are fewer"];
  const widths = head.map((title, at) => Math.max(title.length, ...rows.map((row) => row[at].length)));
  const line = (cells) => `| ${cells.map((cell, at) => cell.padEnd(widths[at])).join(" | ")} |`;
  const table = [line(head), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)].join("\n");
  mkdirSync(RESULTS, { recursive: true });
  const seconds = Math.round((performance.now() - began) / 1000);
  const [processors, load] = [availableParallelism(), loadavg()[0].toFixed(1)];
  const what =
    `${results.length} cases, ${REPEAT} runs of each, least–most. All of them took ${seconds} s on ${processors} ` +
    `processors, with a load of ${load} in the last minute.`;
  writeFileSync(`${RESULTS}${name}.md`, `${what}\n\n${table}\n`);
  writeFileSync(
    `${RESULTS}${name}.json`,
    `${JSON.stringify({ repeat: REPEAT, seconds, results }, null, 1)}\n`,
  );
  console.log(`${table}\n\n${what} Written to tests/e2e/results/${name}.md`);
}
