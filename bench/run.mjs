/**
 * The benchmark: what telemetry costs the page that carries it, ours beside a floor and five SDKs, in a real Chromium.
 * `make bench` runs it and writes RESULTS.md and cost.svg.
 *
 *   ROUNDS=n     visits of each contender (5)
 *   SOAK=n       events of the soak (1000000), 0 for none
 *   ONLY=a,b     these contenders alone, and nothing is written
 *   SOAK_ONLY=1  the soak alone, and nothing is written
 */

import { writeFileSync } from "node:fs";

import { brotli, bundles } from "./bundle.mjs";
import { launch } from "./chromium.mjs";
import { CONTENDERS } from "./contenders.mjs";
import { soak, weigh } from "./memory.mjs";
import { plot } from "./plot.mjs";
import { load, report, summary } from "./report.mjs";
import { serveSite } from "./site.mjs";
import { SIZES, visit } from "./visit.mjs";

/** Visits in which waiting events are weighed: memory, unlike time, hardly varies. */
const WEIGHINGS = 3;

function fail(message) {
  console.error(`bench: ${message}`);
  process.exit(1);
}

function count(name, fallback) {
  const given = process.env[name] ?? fallback;
  const number = Number(given);
  if (!Number.isInteger(number) || number < 0)
    fail(`${name}=${given}: expected a whole number, 0 or more, such as ${name}=${fallback}.`);
  return number;
}

const rounds = count("ROUNDS", "5");
const soakEvents = count("SOAK", "1000000");
const only = process.env.ONLY?.split(",");
const unknown = only?.find((name) => !CONTENDERS.some((contender) => contender.name === name));
if (unknown)
  fail(`ONLY names "${unknown}": expected some of ${CONTENDERS.map(({ name }) => name).join(", ")}.`);
if (rounds === 0) fail("ROUNDS=0: expected at least 1.");

const contenders = CONTENDERS.filter(({ name }) => !only || name === "nothing" || only.includes(name));

/** Ends all with one line that says who broke. */
const named = (contender, promise) =>
  promise.catch((error) => {
    throw new Error(`${contender.name} is broken: ${error.message}`);
  });

/** A list that begins one further each round, so that nobody is always first, or always behind the same one. */
const rotated = (list, by) => list.map((_, at) => list[(at + by) % list.length]);

async function main() {
  const loadBefore = load();
  const files = await bundles(CONTENDERS.map(({ file }) => file));
  const site = await serveSite(files, CONTENDERS);
  const browser = await launch();
  const results = new Map(contenders.map(({ name }) => [name, { visits: [], weights: [] }]));
  let readings = [];
  try {
    console.log(`── ${browser.product}, ${rounds} rounds`);
    for (let round = 0; round < rounds && !process.env.SOAK_ONLY; round++) {
      for (const contender of rotated(contenders, round)) {
        const began = performance.now();
        results.get(contender.name).visits.push(await named(contender, visit(browser, site, contender)));
        const seconds = ((performance.now() - began) / 1000).toFixed(1);
        console.log(`round ${round + 1}/${rounds}  ${contender.name.padEnd(14)} ${seconds.padStart(6)} s`);
      }
    }
    for (let round = 0; round < WEIGHINGS && !process.env.SOAK_ONLY; round++) {
      for (const contender of contenders.filter(({ holds }) => holds))
        results.get(contender.name).weights.push(await named(contender, weigh(browser, site, contender)));
    }
    const soaked = CONTENDERS.find(({ name }) => name === "ours");
    if (soakEvents > 0 && (!only || only.includes("ours"))) {
      console.log(`── soak: ${soakEvents.toLocaleString("en")} events`);
      readings = await named(
        soaked,
        soak(browser, site, soaked, soakEvents, ({ events, heap, wasm }) =>
          console.log(`${String(events).padStart(8)}  heap ${heap} bytes, wasm ${wasm} bytes`),
        ),
      );
    }
  } finally {
    await browser.close();
    site.close();
  }
  if (process.env.SOAK_ONLY) return;

  const figures = summary(contenders, results, readings, SIZES);
  const sizes = new Map(
    contenders.map(({ name, file }) => [
      name,
      brotli(files.get(`${file}.js`)) + (file === "slim" ? brotli(files.get("langflow_telemetry.wasm")) : 0),
    ]),
  );
  const text = report({ figures, sizes, readings, rounds, browser: browser.product, load: loadBefore });
  console.log(text);
  if (only) return;
  writeFileSync(new URL("RESULTS.md", import.meta.url), text);
  writeFileSync(new URL("cost.svg", import.meta.url), plot(figures, SIZES));
}

await main().catch((error) => fail(error.message));
