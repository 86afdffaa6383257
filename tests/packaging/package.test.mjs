/**
 * The packed tarball, as somebody gets it who installs it: what is in it, and that Node takes it. Its types are in
 * checks.test.mjs, what bundlers make of it in bundlers.test.mjs.
 */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";

const TESTS = dirname(dirname(fileURLToPath(import.meta.url)));
const PACKAGE = join(dirname(TESTS), "pkg");
const { name, version, files } = JSON.parse(readFileSync(join(PACKAGE, "package.json"), "utf8"));
const TARBALL = join(PACKAGE, `${name}-${version}.tgz`);

let app;

before(() => {
  app = mkdtempSync(join(tmpdir(), "packaging-"));
  writeFileSync(join(app, "package.json"), JSON.stringify({ name: "app", private: true, type: "module" }));
  const quiet = ["--offline", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
  execFileSync("npm", ["install", ...quiet, TARBALL], { cwd: app, stdio: "inherit" });
});

after(() => rmSync(app, { recursive: true, force: true }));

const node = (source) =>
  execFileSync(process.execPath, ["--input-type=module", "--eval", source], { cwd: app, encoding: "utf8" });

test("the tarball holds what package.json allows, a licence and a README, and nothing else", () => {
  const packed = execFileSync("tar", ["-tzf", TARBALL], { encoding: "utf8" }).trim().split("\n");
  const allowed = [...files, "package.json", "README.md", "LICENSE"].map((file) => `package/${file}`);
  assert.deepEqual(packed.sort(), allowed.sort());
});

test("it brings no other package along", () => {
  const lock = JSON.parse(readFileSync(join(app, "package-lock.json"), "utf8"));
  assert.deepEqual(Object.keys(lock.packages).sort(), ["", `node_modules/${name}`]);
});

for (const entry of [name, `${name}/ndjson`, `${name}/gateway`, `${name}/slim`]) {
  test(`importing ${entry} in Node does nothing, and every call is safe`, () => {
    const printed = node(`
      import * as telemetry from "${entry}";
      const client = telemetry.init({ endpoint: "https://t.example/" });
      telemetry.trackPlayground({ seconds: 1, success: true });
      telemetry.startRun().end({ success: false, errorMessage: "x" });
      telemetry.optOut();
      telemetry.optIn();
      const flushed = await telemetry.flush();
      await telemetry.shutdown();
      const { state, reason, captured } = client.stats();
      console.log(JSON.stringify({ state, reason, captured, flushed, events: telemetry.describe().events.length }));
    `);
    assert.deepEqual(JSON.parse(printed), {
      state: "off",
      reason: "no_browser",
      captured: 0,
      flushed: true,
      events: 5,
    });
  });
}

test("a server that makes a client for each request keeps none of them", () => {
  const source = `
    import { createClient } from "${name}";
    const clients = Array.from({ length: 100 }, () => new WeakRef(createClient({ endpoint: "https://t.example/" })));
    await new Promise((resolve) => setTimeout(resolve, 10));
    globalThis.gc();
    console.log(clients.filter((client) => client.deref()).length);
  `;
  const args = ["--expose-gc", "--input-type=module", "--eval", source];
  const printed = execFileSync(process.execPath, args, { cwd: app, encoding: "utf8" });
  assert.ok(Number(printed) < 5, `${printed.trim()} of 100 are still there`);
});

test("the module is exported as a file", () => {
  const printed = node(`console.log(import.meta.resolve("${name}/langflow_telemetry.wasm"))`);
  assert.ok(WebAssembly.validate(readFileSync(fileURLToPath(printed.trim()))));
});
