/**
 * The packed tarball in one app after the other, in a real browser: one component tracked, and the rows that came of
 * it in the collector's database. `LFT_APPS` names the apps, or is `all`.
 */

import assert from "node:assert/strict";
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { brotliCompressSync } from "node:zlib";

import { APPS } from "./apps.mjs";
import { installApp } from "./harness/install.mjs";
import { startReceiver } from "./harness/receiver.mjs";

/** Enough to see at each commit that the package can be bundled, prebundled, imported as it is and rendered. */
const REPRESENTATIVE = "html,vite,webpack";

const asked = process.env.LFT_APPS ?? REPRESENTATIVE;
const chosen = asked === "all" ? APPS : asked.split(",").map(find);

function find(name) {
  const app = APPS.find((app) => app.name === name);
  if (!app)
    throw new Error(`LFT_APPS has ${name}; there are all, ${APPS.map(({ name }) => name).join(", ")}.`);
  return app;
}

/** What dev servers say on a page's console, besides what any page has there. */
const DEV_SERVER =
  /^Failed to load resource|Download the React DevTools|^\[vite\] connect|^\[HMR\]|^\[Fast Refresh\]/;

let receiver;
before(async () => (receiver = await startReceiver()));
after(() => receiver?.stop());

let cases = 0;

for (const { name, pagesOf, ways } of chosen) {
  describe(`${name}`, () => {
    let folder;
    before(() => (folder = installApp(name, pagesOf)));

    for (const { title, start, pages, rendered, output, tracked = 1 } of ways) {
      it(title, async (t) => {
        // File names have hashes: what an earlier build left would be weighed too.
        if (output) rmSync(join(folder, output), { recursive: true, force: true });
        const site = await start(folder);
        try {
          for (const path of pages) await visit(site, path, tracked, rendered);
        } finally {
          await site.stop();
        }
        if (output) t.diagnostic(`${name}: ${weigh(join(folder, output))}`);
      });
    }
  });
}

/** Visits a page, leaves it, and looks at what came of that. */
async function visit(site, path, tracked, rendered) {
  const name = `Case${cases++}`;
  const query = new URLSearchParams({ endpoint: receiver.endpoint, name });
  const address = `${site.origin}${path}?${query}`;
  if (rendered) {
    const html = await (await fetch(address)).text();
    assert.ok(html.includes(rendered), `the server's page says “${rendered}”: ${html}`);
  }
  const { page, noise, close } = await receiver.open(address, { expected: DEV_SERVER });
  const rows = await receiver.arrived(name, 1 + tracked);
  const of = (event) => rows.filter((row) => row.event === event);
  assert.deepEqual(
    [of("component").length, of("version").length, rows.length],
    [tracked, 1, tracked + 1],
    path,
  );
  for (const row of of("component")) assert.deepEqual([row.name, row.seconds, row.success], [name, 0.5, 1]);
  assert.equal(of("version")[0].platform, "Linux");

  // A worker that is ended is told nothing, and so cannot say goodbye.
  const isWorker = path.includes("worker");
  await page.goto("about:blank");
  if (!isWorker) {
    const last = (await receiver.arrived(name, 2 + tracked)).at(-1);
    assert.equal(last.event, "shutdown", path);
  }
  assert.deepEqual(noise, [], path);
  await close();
}

/** The app's JavaScript and WebAssembly, each file as it would travel. */
function weigh(folder) {
  const files = readdirSync(folder).filter((file) => /\.(js|wasm)$/.test(file));
  const sizes = files.map((file) => `${file} ${brotliCompressSync(readFileSync(join(folder, file))).length}`);
  return `brotli bytes: ${sizes.join(", ")}`;
}
