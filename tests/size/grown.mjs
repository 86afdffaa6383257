/**
 * What grew, when a budget is passed: the module's functions beside those of the last budget that held, by name.
 *
 *   node size/grown.mjs           prints the functions that grew most, and the ones that are new
 *   node size/grown.mjs --write   takes the module as it is for the new measure (after a budget was changed on purpose)
 *
 * Not `twiggy diff`: it wants both modules, and the old one is not in the repository; its names and sizes are.
 */

import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const MEASURE = here("functions.json");
/** wasm-bindgen's output before wasm-opt and before its names are cut: see pkg/build.mjs. */
const MODULE = here("../../target/package/named.wasm");
const WASM_OPT = here("../../pkg/node_modules/.bin/wasm-opt");

/**
 * As in pkg/build.mjs. Not `--all-features`: with it wasm-opt writes imports of a kind that is not read here, so that
 * every size stood beside another function's name.
 */
const WASM_FEATURES = [
  "--enable-bulk-memory",
  "--enable-nontrapping-float-to-int",
  "--enable-sign-ext",
  "--enable-mutable-globals",
  "--enable-reference-types",
  "--enable-multivalue",
];

/** So many lines are printed: what grew is seldom more than a few functions. */
const SHOWN = 15;

const CODE_SECTION = 10;
const IMPORT_SECTION = 2;
const DATA_SECTION = 11;
const CUSTOM_SECTION = 0;
const FUNCTION_NAMES = 1;

/** A reader of WebAssembly's binary format (https://webassembly.github.io/spec/core/binary/). */
function reader(bytes, at = 0) {
  const number = () => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++];
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) return value;
    }
  };
  const text = () => {
    const length = number();
    at += length;
    return bytes.subarray(at - length, at).toString("utf8");
  };
  return { number, text, at: () => at, byte: () => bytes[at++], seek: (to) => (at = to) };
}

function countImports(read) {
  let functions = 0;
  for (let left = read.number(); left > 0; left--) {
    read.text();
    read.text();
    const kind = read.byte();
    if (kind > 3) throw new Error(`an import of kind ${kind}: its functions would be counted wrong`);
    if (kind === 0) functions++;
    if (kind === 1) read.byte();
    if (kind === 1 || kind === 2) {
      const bounded = read.byte() & 1;
      read.number();
      if (bounded) read.number();
    } else if (kind === 3) read.seek(read.at() + 2);
    else read.number();
  }
  return functions;
}

/** Bytes of each function, by its name without the compiler's hash; and those of the data. */
function measure(bytes) {
  const read = reader(bytes, 8);
  const sizes = [];
  const names = new Map();
  let imports = 0;
  let data = 0;
  while (read.at() < bytes.length) {
    const section = read.byte();
    const length = read.number();
    const end = read.at() + length;
    if (section === IMPORT_SECTION) imports = countImports(read);
    if (section === DATA_SECTION) data = length;
    if (section === CODE_SECTION) {
      for (let left = read.number(); left > 0; left--) {
        const size = read.number();
        sizes.push(size);
        read.seek(read.at() + size);
      }
    }
    if (section === CUSTOM_SECTION && read.text() === "name") {
      while (read.at() < end) {
        const kind = read.byte();
        const size = read.number();
        const next = read.at() + size;
        if (kind === FUNCTION_NAMES)
          for (let left = read.number(); left > 0; left--) names.set(read.number(), read.text());
        read.seek(next);
      }
    }
    read.seek(end);
  }
  const functions = { "(data)": data };
  for (const [place, size] of sizes.entries()) {
    const name = (names.get(imports + place) ?? "(no name)")
      .replace(/::h[0-9a-f]{16}\b/g, "")
      .replace(/\[[0-9a-f]{16}\]/g, "");
    functions[name] = (functions[name] ?? 0) + size;
  }
  return functions;
}

if (!existsSync(MODULE)) {
  console.error(`${MODULE} is missing: run \`make package\` first.`);
  process.exit(1);
}
const optimised = `${MODULE}.opt`;
execFileSync(WASM_OPT, [MODULE, "-Oz", "--converge", "-g", ...WASM_FEATURES, "-o", optimised]);
const now = measure(readFileSync(optimised));

if (process.argv.includes("--write")) {
  const sorted = Object.entries(now).sort(([a], [b]) => (a < b ? -1 : 1));
  writeFileSync(MEASURE, `${JSON.stringify(Object.fromEntries(sorted), null, 1)}\n`);
} else {
  const then = JSON.parse(readFileSync(MEASURE, "utf8"));
  const grown = Object.keys({ ...then, ...now })
    .map((name) => [name, (now[name] ?? 0) - (then[name] ?? 0)])
    .filter(([, bytes]) => bytes !== 0)
    .sort(([, a], [, b]) => b - a);
  const total = grown.reduce((sum, [, bytes]) => sum + bytes, 0);
  console.log(`since the last measure the module's code and data changed by ${total} bytes; most of it:`);
  for (const [name, bytes] of grown.slice(0, SHOWN))
    console.log(`${String(bytes).padStart(8)}  ${then[name] === undefined ? "(new) " : ""}${name}`);
  for (const [name, bytes] of grown.slice(SHOWN).slice(-5))
    if (bytes < 0)
      console.log(`${String(bytes).padStart(8)}  ${now[name] === undefined ? "(gone) " : ""}${name}`);
}
