/** Figures → RESULTS.md. */

import { cpus, loadavg, totalmem } from "node:os";

/** A median with its quartiles. */
function spread(samples) {
  const sorted = [...samples].sort((a, b) => a - b);
  const at = (share) => {
    const place = share * (sorted.length - 1);
    const low = sorted[Math.floor(place)];
    return low + (sorted[Math.ceil(place)] - low) * (place - Math.floor(place));
  };
  return { median: at(0.5), low: at(0.25), high: at(0.75) };
}

const median = (samples) => spread(samples).median;

/** By contender: what the visits say, less what a page that does nothing takes. Times in µs. */
export function summary(contenders, results, readings, sizes) {
  const visitsOf = (name) => results.get(name).visits;
  const burstsOf = (name, wanted) => visitsOf(name).flatMap(({ bursts }) => bursts.filter(wanted));
  const recorded = (size) => (burst) => burst.size === size && !burst.warm && !burst.cold;
  const idle = (wanted) => median(burstsOf("nothing", wanted).map(({ work }) => work));
  const idleInit = median(visitsOf("nothing").map(({ init }) => init.work));
  const isCold = ({ cold }) => cold;

  return contenders
    .filter(({ name }) => name !== "nothing")
    .map(({ name, label, isOurs = false, isSdk = false }) => {
      const cost = Object.fromEntries(
        sizes.map((size) => {
          const base = idle(recorded(size));
          return [size, spread(burstsOf(name, recorded(size)).map(({ work }) => (work - base) / size))];
        }),
      );
      const capture = Object.fromEntries(
        sizes.map((size) => [
          size,
          median(burstsOf(name, recorded(size)).map((burst) => burst.first / size)),
        ]),
      );
      const thousand = burstsOf(name, recorded(1_000));
      const tenThousand = burstsOf(name, recorded(10_000));
      const cold = burstsOf(name, isCold);
      const inits = visitsOf(name).map(({ init }) => init);
      const perEvent = (field) => median(thousand.map((burst) => burst[field] / burst.size));
      const { weights } = results.get(name);
      return {
        name,
        label,
        isOurs,
        isSdk,
        cost,
        capture,
        cold: median(cold.map(({ work, size }) => (work - idle(isCold)) / size)),
        init: {
          readyMs: median(inits.map(({ readyMs }) => readyMs)),
          work: median(inits.map(({ work }) => work - idleInit)),
          longest: median(inits.map(({ longest }) => longest)),
          longestWall: median(inits.map(({ longestWall }) => longestWall)),
        },
        flush: {
          longest: median(tenThousand.map(({ longestLater }) => longestLater)),
          longestWall: median(tenThousand.map(({ longestLaterWall }) => longestLaterWall)),
        },
        bodyBytes: perEvent("bodyBytes"),
        headerBytes: perEvent("headerBytes"),
        requests: perEvent("requests") * 1_000,
        weight: weights.length > 0 ? median(weights.map(({ heap, wasm }) => heap + wasm)) : NaN,
      };
    });
}

const digits = (number) => (number >= 100 ? 0 : number >= 10 ? 1 : 2);
const fixed = (number) => (Number.isFinite(number) ? number.toFixed(digits(Math.abs(number))) : "–");
const whole = (number) => (Number.isFinite(number) ? Math.round(number).toLocaleString("en") : "–");
const milli = (us) => fixed(us / 1000);

function table(head, rows) {
  const widths = head.map((cell, at) =>
    Math.max(3, ...[cell, ...rows.map((row) => row[at])].map((text) => text.length)),
  );
  const line = (cells) =>
    `| ${cells.map((cell, at) => (at === 0 ? cell.padEnd(widths[at]) : cell.padStart(widths[at]))).join(" | ")} |`;
  const rule = `| ${widths.map((width, at) => (at === 0 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`)).join(" | ")} |`;
  return [line(head), rule, ...rows.map(line)].join("\n");
}

/** Bytes by which memory may grow from the first reading of the soak to the last: one page of WebAssembly. */
const FLAT_WITHIN = 65_536;

/** Each bar of the project, for each of our entries. */
function bars(figures, readings) {
  const floor = figures.find(({ name }) => name === "floor");
  const sdks = figures.filter(({ isSdk }) => isSdk);
  const ours = figures.filter(({ isOurs }) => isOurs);
  const rows = [];
  const add = (bar, entry, value, isMet) => rows.push([bar, entry, value, isMet ? "met" : "**missed**"]);
  for (const { name, cost, flush, init, weight, bodyBytes } of ours) {
    for (const size of [1_000, 10_000]) {
      if (floor) {
        const ratio = cost[size].median / floor.cost[size].median;
        add(`capture and flush ≤ 1.0 × floor, ${whole(size)} events`, name, `${fixed(ratio)} ×`, ratio <= 1);
      }
      if (sdks.length > 0) {
        const best = sdks.reduce((a, b) => (a.cost[size].median <= b.cost[size].median ? a : b));
        const ratio = best.cost[size].median / cost[size].median;
        const value = `${fixed(ratio)} × (${best.name})`;
        add(`≥ 10 × cheaper than the cheapest SDK, ${whole(size)} events`, name, value, ratio >= 10);
      }
    }
    const costs = [100, 1_000, 10_000].map((size) => cost[size].median);
    const flat = Math.max(...costs) / Math.min(...costs);
    add("cost per event flat from 100 to 10,000: within 1.5 ×", name, `${fixed(flat)} ×`, flat <= 1.5);
    const limit = 5_000;
    add("longest task at init < 5 ms", name, `${milli(init.longest)} ms`, init.longest < limit);
    add("longest task at flush of 10,000 < 5 ms", name, `${milli(flush.longest)} ms`, flush.longest < limit);
    const ratio = weight / bodyBytes;
    add("heap per waiting event ≤ 2 × its bytes on the wire", name, `${fixed(ratio)} ×`, ratio <= 2);
  }
  if (readings.length > 1) {
    const [first, last] = [readings[0], readings.at(-1)];
    const grown = last.heap + last.wasm - first.heap - first.wasm;
    const bar = `memory flat from event ${whole(first.events)} to event ${whole(last.events)}: grows by 64 KiB at most`;
    add(bar, "ours", `${grown >= 0 ? "+" : "−"}${whole(Math.abs(grown) / 1024)} KiB`, grown <= FLAT_WITHIN);
  }
  return table(["bar", "entry", "measured", ""], rows);
}

/** How many programs wanted a processor in the last minute, this one not yet among them. */
export const load = () => loadavg()[0];

/** The processor's name and number, what else it had to do, and nothing that tells which machine it is. */
function machine(browser, load) {
  const [{ model }] = cpus();
  const gib = Math.round(totalmem() / 2 ** 30);
  return `${model.trim()}, ${cpus().length} cores, ${gib} GiB, ${process.platform} ${process.arch}; ${browser} headless; Node ${process.version}; load ${fixed(load)} when it began`;
}

export function report({ figures, sizes, readings, rounds, browser, load }) {
  const floor = figures.find(({ name }) => name === "floor");
  const times = (figure, size) =>
    floor ? `${fixed(figure.cost[size].median / floor.cost[size].median)} ×` : "–";
  const withSpread = ({ median, low, high }) => `${fixed(median)} (${fixed(low)}–${fixed(high)})`;

  const cost = table(
    ["µs per event", "100", "1,000", "10,000", "× floor, 1,000", "× floor, 10,000", "first 100, cold"],
    figures.map((figure) => [
      figure.label,
      ...[100, 1_000, 10_000].map((size) => withSpread(figure.cost[size])),
      times(figure, 1_000),
      times(figure, 10_000),
      fixed(figure.cold),
    ]),
  );
  const capture = table(
    ["µs per event", "100", "1,000", "10,000"],
    figures.map((figure) => [
      figure.label,
      ...[100, 1_000, 10_000].map((size) => fixed(figure.capture[size])),
    ]),
  );
  const page = table(
    [
      "",
      "brotli, KB",
      "import to ready, ms",
      "main thread, ms",
      "longest task at init, ms (wall)",
      "longest task at flush of 10,000, ms (wall)",
    ],
    figures.map(({ name, label, init, flush }) => [
      label,
      fixed(sizes.get(name) / 1000),
      fixed(init.readyMs),
      milli(init.work),
      `${milli(init.longest)} (${milli(init.longestWall)})`,
      `${milli(flush.longest)} (${milli(flush.longestWall)})`,
    ]),
  );
  const wire = table(
    ["", "bytes per event", "with headers", "requests per 1,000", "heap per waiting event", "× its bytes"],
    figures.map(({ label, bodyBytes, headerBytes, requests, weight }) => [
      label,
      whole(bodyBytes),
      whole(bodyBytes + headerBytes),
      fixed(requests),
      whole(weight),
      fixed(weight / bodyBytes),
    ]),
  );
  const soaked = table(
    ["events", "heap, KiB", "WebAssembly, KiB"],
    readings.map(({ events, heap, wasm }) => [whole(events), whole(heap / 1024), whole(wasm / 1024)]),
  );

  return `# What telemetry costs the page that carries it

Written by \`make bench\`, ${rounds} rounds. ${machine(browser, load)}.

![Cost per event by burst size](cost.svg)

## Against the project's bars

${bars(figures, readings)}

\`ours\` is the default entry with default options, \`slim\` the entry that fetches its WebAssembly, \`tuned\` the default
entry with the fullest batches that the options allow (\`maxBatchEvents: 1000\`, \`maxBatchBytes: 61440\`).

## Main thread, capture plus flush

Median and quartiles over all bursts: processor time of the page's main thread from the first event of a burst until its last
answer was dealt with, garbage collection included, divided by the number of events; less what a page that only makes
the events takes. \`first 100, cold\` is the first burst of a fresh page, nothing compiled yet.

${cost}

Of that, the calls themselves, making the events included:

${capture}

## Loading, and the longest task

From \`import()\` to the client being ready, in a fresh process: nothing cached, WebAssembly compiled within. Longest
tasks are in processor time, in brackets in wall time. At the flush: of the tasks after the one in which the page
itself tracks its 10,000 events.

${page}

## Bytes, requests, memory

Bytes of bodies as they leave (PostHog compresses), with all of HTTP/1.1's headers beside; for bursts of 1,000. Heap
is what a waiting event adds after a full garbage collection: V8's heap, the DOM's, buffers, and the growth of
WebAssembly's memory, which counts in pages of 64 KiB and is not given back.

${wire}

${
  readings.length > 0
    ? `## Soak\n\nThe default entry, bursts of 1,000, every event acknowledged; memory after a full garbage collection.\n\n${soaked}\n`
    : ""
}
## How it is measured

- One fresh page per visit, in a browser context and so a process of its own, cross-origin isolated. Each round
  visits every contender once, beginning with the next one; what a visit measures is in \`visit.mjs\`.
- Work is read from Chromium's trace: processor time of each task of the main thread. Waiting costs nothing, and a
  busy machine distorts little. Requests are not watched by DevTools, which would cost more than they do.
- The same events for all: 3 in 4 a component, the rest playground runs and flow runs; 1 in 20 failed, with a message.
- Each contender batches, and sends to a receiver on 127.0.0.1 that answers as its own does and counts the events: one
  event missing, or one too many, and the run ends with its name. \`contenders/\` has each one's configuration, what
  was lifted so that it takes 10,000 events, and how its flush is forced.
- The floor sends one request per burst, keepalive where it fits into the 64 KiB that browsers give to those, else by
  plain fetch: from some 450 events on it would lose all of them where a page is closed.
`;
}
