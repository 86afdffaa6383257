/**
 * The packed tarball, as somebody gets it who installs it: what is in it, that Node takes it, and that its types say
 * what they should. That it works in a page built by Vite is shown end to end: www is built with this tarball.
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

for (const entry of [name, `${name}/slim`]) {
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

test("the module is exported as a file", () => {
  const printed = node(`console.log(import.meta.resolve("${name}/langflow_telemetry.wasm"))`);
  assert.ok(WebAssembly.validate(readFileSync(fileURLToPath(printed.trim()))));
});

/** Each wrong use stands under a directive that is itself an error where the next line is none. */
const USES = `
import { createClient, describe, doNotTrackFromEnv, init, startComponent, stats, trackPlayground } from "${name}";
import { init as slim } from "${name}/slim";

const client = init({
  endpoint: "/telemetry",
  doNotTrack: doNotTrackFromEnv({ DO_NOT_TRACK: "1" }),
  app: { package: "langflow", version: "1.13.0", autoLogin: true },
  onDiagnostic: ({ code, count }) => console.log(code satisfies string, count satisfies number),
});
trackPlayground({ seconds: 2.4, componentCount: 5, success: true });
startComponent("ChatInput").end({ success: false, errorMessage: "no" });
const done: Promise<boolean> = client.flush();
const full: number = stats().dropped.queue_full;
slim({ endpoint: "/telemetry", wasm: new URL("https://t.example/x.wasm") });
console.log(done, full, describe(), createClient);

// @ts-expect-error the endpoint is required
init({});
// @ts-expect-error a duration is a number
trackPlayground({ seconds: "2.4", success: true });
// @ts-expect-error success is required
trackPlayground({ seconds: 2.4 });
// @ts-expect-error no such option
init({ endpoint: "/telemetry", debug: true });
// @ts-expect-error a component has a name
startComponent();
// @ts-expect-error slim needs the module
slim({ endpoint: "/telemetry" });
// @ts-expect-error no such reason
stats().dropped.bored;
`;

for (const [module, moduleResolution] of [
  ["esnext", "bundler"],
  ["node16", "node16"],
]) {
  test(`the types take right uses and refuse wrong ones, with moduleResolution ${moduleResolution}`, () => {
    writeFileSync(join(app, "uses.ts"), USES);
    const options = { module, moduleResolution, target: "es2022", lib: ["es2022", "dom"], types: [] };
    const config = { compilerOptions: { ...options, strict: true, noEmit: true }, files: ["uses.ts"] };
    writeFileSync(join(app, "tsconfig.json"), JSON.stringify(config));
    const tsc = join(TESTS, "node_modules", ".bin", "tsc");
    const { status, stdout } = run(tsc, ["--project", app]);
    assert.equal(status, 0, stdout);
  });
}

function run(command, args) {
  try {
    return { status: 0, stdout: execFileSync(command, args, { encoding: "utf8" }) };
  } catch (error) {
    return { status: error.status, stdout: error.stdout };
  }
}
