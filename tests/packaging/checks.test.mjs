/**
 * What the ecosystem's own checks say of the packed tarball: publint, Are The Types Wrong?, and tsc on right and
 * wrong uses. A wrong use that compiles is an error too.
 */

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { installApp, TARBALL } from "./harness/install.mjs";

const TSC = fileURLToPath(new URL("../node_modules/.bin/tsc", import.meta.url));

let folder;
before(() => (folder = installApp("checks")));

/** Runs a tool; where it finds something, what it printed is the error. */
async function check(command, ...args) {
  const { stdout } = await promisify(execFile)(command, args, { cwd: folder }).catch((error) => {
    throw new Error(`${command} ${args.join(" ")}:\n${error.stdout}${error.stderr}`);
  });
  return stdout;
}

const tool = (name) => join(folder, "node_modules/.bin", name);

test("publint has nothing to say", async () => {
  assert.match(await check(tool("publint"), "run", TARBALL, "--strict"), /All good!/);
});

test("the types are not wrong, for all who can import an ES module", async () => {
  // The .wasm has no types, and is no module for TypeScript. As JSON: the table for people is another on each terminal.
  const args = [
    "--profile",
    "esm-only",
    "--exclude-entrypoints",
    "langflow_telemetry.wasm",
    "--format",
    "json",
  ];
  const { analysis } = JSON.parse(await check(tool("attw"), TARBALL, ...args));
  for (const entry of [".", "./ndjson", "./gateway", "./slim", "./react"])
    for (const kind of ["node16-esm", "bundler"]) {
      const { resolution } = analysis.entrypoints[entry].resolutions[kind];
      assert.equal(resolution.isTypeScript, true, `${entry} with ${kind}`);
    }
  const theirs = analysis.problems.filter(
    ({ resolutionKind }) => !/^(node10|node16-cjs)$/.test(resolutionKind),
  );
  assert.deepEqual(theirs, []);
});

for (const [module, moduleResolution] of [
  ["esnext", "bundler"],
  ["node16", "node16"],
]) {
  test(`the types take right uses and refuse wrong ones, with moduleResolution ${moduleResolution}`, async () => {
    const compilerOptions = {
      ...{ module, moduleResolution, target: "es2022", lib: ["es2022", "dom"], jsx: "react-jsx", types: [] },
      ...{ strict: true, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true, noEmit: true },
    };
    const project = join(folder, `tsconfig.${moduleResolution}.json`);
    writeFileSync(project, JSON.stringify({ compilerOptions, files: ["uses.ts", "uses-react.tsx"] }));
    await check(TSC, "--project", project);
  });
}
