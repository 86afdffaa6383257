/**
 * Builds what `npm pack` takes from pkg/dist, out of the Rust crate one folder up:
 *
 *   langflow_telemetry_bg.wasm  the module, for `langflow-telemetry/slim`
 *   langflow_telemetry.js       ../module.js, minified, with the module's names
 *   wasm-inline.js              a function that returns the module's bytes, for `langflow-telemetry`
 *   react.js                    ../react.js, minified, for `langflow-telemetry/react`
 *   ndjson.js                   all of it in one file, without the other formats, for `langflow-telemetry/ndjson`
 *   gateway.js                  all of it in one file, with every format, for `langflow-telemetry/gateway`
 *
 * and prints what each of them weighs. `node build.mjs --check` builds nothing: it fails where a file that
 * package.json promises is missing, which `npm pack` itself passes over in silence. `node build.mjs --formats` builds
 * the module with and without the formats beside NDJSON, prints what each of them weighs, and fails where those of the
 * default entry weigh more than they may.
 *
 * Needs cargo and wasm-bindgen on PATH, and the devDependencies (`npm ci`): `make setup` sees to all.
 */

import { execFileSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { basename, dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { brotliCompressSync, constants as zlib, gzipSync } from "node:zlib";

const PACKAGE = dirname(fileURLToPath(import.meta.url));
const CRATE = dirname(PACKAGE);
const DIST = join(PACKAGE, "dist");
/** Where wasm-bindgen writes: not dist itself, so that a build that fails leaves the last good one in place. */
const SCRATCH = join(CRATE, "target", "package");

const GLUE = "langflow_telemetry.js";
const WASM = "langflow_telemetry_bg.wasm";
const INLINE = "wasm-inline.js";
const MODULE = "module.js";
const REACT = "react.js";

/** What the module exports, beside what wasm-bindgen has of its own: see src/web/api.rs. */
const EXPORTS = ["memory", "answer", "command", "hear", "inbox", "learn", "open", "stat", "track", "version"];

const TARGET = "wasm32-unknown-unknown";

/** Cargo's profile for the module, in Cargo.toml: size first, which would make the native collector slow. */
const PROFILE = "wasm";

/**
 * Bytes of the module's stack. The linker's own choice, 1 MiB, puts all data behind it, at addresses that take a byte more
 * (77 bytes after brotli). The deepest calls need less than 4 KB; what overflows traps, since the stack ends at zero.
 */
const STACK = 64 * 1024;

/**
 * What rustc emits by default since 1.87, and what wasm-bindgen adds. Not `--all-features`: that lets wasm-opt
 * write a module that browsers refuse.
 */
const WASM_FEATURES = [
  "--enable-bulk-memory",
  "--enable-nontrapping-float-to-int",
  "--enable-sign-ext",
  "--enable-mutable-globals",
  "--enable-reference-types",
  "--enable-multivalue",
];

/**
 * What makes the module smallest after brotli, which is not what makes it smallest: measured one by one. Not
 * `--traps-never-happen`: a trap is how a panic shows itself to the shell. The first KB of memory is the end of the stack,
 * and no address of ours is so low that adding to it could begin anew from zero (151 bytes).
 */
const WASM_SHRINK = [
  "-Oz",
  "--converge",
  "--low-memory-unused",
  // What is small is inlined wherever it is called, and what is large nowhere (200 bytes).
  "--always-inline-max-function-size=8",
  "--one-caller-inline-max-function-size=20",
  // Zeros in the data weigh less than what leaves them out (100), and what is the same twice less than a local (50).
  "--skip-pass=memory-packing",
  "--skip-pass=local-cse",
  // What is alike is near (50).
  "--reorder-functions-by-name",
];

/** Sections that no browser reads. `producers` also names the compilers, and would change with each of them. */
const WASM_STRIP = ["--strip-debug", "--strip-producers", "--strip-target-features"];

/**
 * The inlined module's encoding: a byte is its place in one of three pages of 86, written as one printable
 * ASCII character, with a page mark before it where the page is not the first. Most of a module's bytes are
 * below 86, so they stay one aligned character each and compression sees them. Measured, after brotli, on a
 * module of 9,697 bytes: this 10,166; hexadecimal 10,519; base64, which shifts every byte by a different
 * number of bits, 13,102. Bytes above 127 as they are take 9,784, but break in a classic script on a page
 * without a charset.
 */
const PAGE_SIZE = 86;
const FIRST_CODE = "#".charCodeAt(0);
const BACKSLASH = "\\".charCodeAt(0);

/** Cargo's features for the formats beside NDJSON. */
const FORMATS = ["otlp", "gateway"];

/**
 * Those of them that the default entry and `./slim` have. The gateway's pings are for one receiver, and would cost
 * everybody else 0.8 KB: they have an entry of their own.
 */
const DEFAULT_FORMATS = ["otlp"];

/**
 * Bytes that the default entry's formats may add to the module, after brotli 11: what those pay who only send NDJSON.
 * Whoever will not have them at all takes the entry `./ndjson`.
 */
const FORMATS_MAX = 1_024;

/** The entries with formats of their own, each all in one file, since the glue's names are those of its module. */
const ENTRIES = { "ndjson.js": [], "gateway.js": FORMATS };

/** How an app would have it. */
const BUNDLE = { bundle: true, minify: true, format: "esm", legalComments: "none", write: false };

if (process.argv.includes("--check")) checkPackage();
else if (process.argv.includes("--formats")) await weighFormats();
else await build();

async function build() {
  const tools = await findTools();

  const { names, wasm } = compile(tools, SCRATCH, DEFAULT_FORMATS);

  mkdirSync(DIST, { recursive: true });
  writeFileSync(join(DIST, WASM), wasm);
  writeFileSync(join(DIST, GLUE), minify(tools.esbuild, shortenNames(names)));
  writeFileSync(join(DIST, INLINE), minify(tools.esbuild, inlineModule(wasm)));
  const react = readFileSync(join(PACKAGE, REACT), "utf8").replace('"./index.js"', '"../index.js"');
  writeFileSync(join(DIST, REACT), minify(tools.esbuild, react));
  for (const [file, formats] of Object.entries(ENTRIES))
    writeFileSync(join(DIST, file), await bundleWith(tools, formats));
  copyFileSync(join(CRATE, "LICENSE"), join(PACKAGE, "LICENSE"));

  await proveLinks(wasm);
  checkPackage();
  printSizes(tools.esbuild);
}

/** Makes the module with these formats beside NDJSON, in the folder `scratch`: its bytes, and `optimise`'s names. */
function compile(tools, scratch, formats) {
  heading(
    `cargo and wasm-bindgen: Rust → WebAssembly and its glue, with ${["ndjson", ...formats].join(", ")}`,
  );
  rmSync(scratch, { recursive: true, force: true });
  // Not wasm-pack: it builds what Cargo.toml says, a cdylib and an rlib for the tests, and for an rlib cargo leaves out
  // link-time optimisation, whatever the profile says, without a word. That cost 5 KB after brotli: all of core's panic
  // messages and the formatting behind them.
  run("cargo", withoutPaths(), [
    ...["rustc", "--lib", "--crate-type", "cdylib", "--manifest-path", join(CRATE, "Cargo.toml")],
    ...["--target", TARGET, "--profile", PROFILE],
    ...["--no-default-features", "--features", ["lean", ...formats].join()],
  ]);
  run("wasm-bindgen", process.env, [
    join(process.env.CARGO_TARGET_DIR ?? join(CRATE, "target"), TARGET, PROFILE, "langflow_telemetry.wasm"),
    ...["--target", "web", "--no-typescript", "--omit-default-module-path"],
    ...["--out-dir", scratch],
  ]);

  heading("wasm-opt: smaller, and its names cut short");
  const names = optimise(tools, join(scratch, WASM));
  const wasm = readFileSync(join(scratch, WASM));
  if (homedir().length > 1 && wasm.includes(homedir()))
    fail(`${WASM} names ${homedir()}: a path of this machine is nobody's business.`);
  return { names, wasm };
}

/** index.js with a module that knows these formats beside NDJSON, in one file. */
async function bundleWith(tools, formats) {
  const scratch = join(SCRATCH, "..", ["package", "ndjson", ...formats].join("-"));
  const { names, wasm } = compile(tools, scratch, formats);
  const made = {
    [GLUE]: shortenNames(names),
    [INLINE]: inlineModule(wasm),
  };
  const swap = ({ onLoad }) =>
    onLoad({ filter: /[\\/]dist[\\/](langflow_telemetry|wasm-inline)\.js$/ }, ({ path }) => ({
      contents: made[basename(path)],
      resolveDir: DIST,
    }));
  const { outputFiles } = await tools.esbuild.build({
    ...BUNDLE,
    entryPoints: [join(PACKAGE, "index.js")],
    plugins: [{ name: "formats", setup: swap }],
  });
  return outputFiles[0].contents;
}

/** What each format beside NDJSON adds to the module, and all of them together: the last as in `./gateway`. */
async function weighFormats() {
  const tools = await findTools();
  const weigh = (formats) => brotli(compile(tools, join(SCRATCH, "..", "formats"), formats).wasm);
  const least = weigh([]);
  const added = new Map(
    [...FORMATS.map((format) => [format]), FORMATS].map((formats) => [
      String(formats),
      weigh(formats) - least,
    ]),
  );
  heading("bytes of the formats, brotli 11");
  const line = (name, bytes, more = "") =>
    console.log(name.padEnd(40) + String(bytes).padStart(10) + String(more).padStart(10));
  line("the module with ndjson alone", least);
  for (const [formats, more] of added)
    line(`with ${formats.replace(",", " and ")} beside it`, least + more, more);
  const more = added.get(String(DEFAULT_FORMATS));
  if (more > FORMATS_MAX)
    fail(`${DEFAULT_FORMATS} adds ${more} bytes to ndjson, and may add ${FORMATS_MAX}.`);
}

/**
 * The environment in which rustc writes no path of this machine into the module: a panic names its file, and the
 * dependencies' are below Cargo's home. So the same sources give the same bytes wherever they are built.
 */
function withoutPaths() {
  const home = process.env.CARGO_HOME ?? join(homedir(), ".cargo");
  const flags = [`--remap-path-prefix=${home}=cargo`, `-Clink-arg=-zstack-size=${STACK}`];
  return { ...process.env, RUSTFLAGS: [process.env.RUSTFLAGS, ...flags].filter(Boolean).join(" ") };
}

/** The tools at the versions pinned, or an end with the one sentence that says what is missing. */
async function findTools() {
  requireVersion("wasm-bindgen", pinned("Cargo.toml", /^wasm-bindgen = .*"=([\d.]+)"/m));

  const [wasmOpt, wasmMetadce] = ["wasm-opt", "wasm-metadce"].map((tool) =>
    join(PACKAGE, "node_modules", ".bin", tool),
  );
  const esbuild = await import("esbuild").catch(() => undefined);
  if (!existsSync(wasmOpt) || !esbuild)
    fail("pkg/node_modules is missing or incomplete: run `npm ci` in pkg/.");

  const { devDependencies } = readJson("package.json");
  for (const [name, wanted] of Object.entries(devDependencies)) {
    const found = readJson(`node_modules/${name}/package.json`).version;
    if (found !== wanted) fail(`${name} ${wanted} is needed, found ${found}: run \`npm ci\` in pkg/.`);
  }
  return { esbuild, wasmOpt, wasmMetadce };
}

/** The version that a file of the repository pins, in the first group of `pattern`. */
function pinned(file, pattern) {
  const version = pattern.exec(readFileSync(join(CRATE, file), "utf8"))?.[1];
  return version ?? fail(`${file} pins no version: expected a line like ${pattern}.`);
}

function requireVersion(tool, wanted) {
  let found;
  try {
    found = /\d+\.\d+\.\d+/.exec(execFileSync(tool, ["--version"], { encoding: "utf8" }))?.[0];
  } catch {
    fail(`${tool} ${wanted} is needed, and there is none on PATH: run \`make setup\`.`);
  }
  if (found !== wanted) fail(`${tool} ${wanted} is needed, found ${found}: run \`make setup\`.`);
}

/**
 * Shrinks the module in place, and gives its imports and exports names of one or two characters: wasm-bindgen's own,
 * such as `__wbg_addEventListener_6a82629b…`, stand in the wasm and in the glue and cost 1 KB of brotli.
 * Returns what is called how then, by the names that are in src/web.
 */
function optimise({ wasmOpt, wasmMetadce }, wasm) {
  // With its names, for tests/size/grown.mjs, which tells what grew.
  copyFileSync(wasm, join(dirname(wasm), "named.wasm"));
  // What wasm-bindgen adds for JavaScript's objects, of which none crosses here.
  const graph = join(dirname(wasm), "exports.json");
  const kept = EXPORTS.map((name) => ({ name, export: name, root: true }));
  writeFileSync(graph, JSON.stringify(kept));
  execFileSync(wasmMetadce, [wasm, "--graph-file", graph, ...WASM_FEATURES, "-g", "-o", wasm]);
  run(wasmOpt, process.env, [wasm, ...WASM_SHRINK, ...WASM_STRIP, ...WASM_FEATURES, "-o", wasm]);
  const report = execFileSync(
    wasmOpt,
    [wasm, "--minify-imports-and-exports-and-modules", ...WASM_FEATURES, "-o", wasm],
    { encoding: "utf8" },
  );
  const { imports, exports } = JSON.parse(report);
  const names = new Map([["module", "a"], ...exports]);
  for (const [, long, brief] of imports)
    names.set(/^__wbg_(\w+)_[0-9a-f]{16}$/.exec(long)?.[1] ?? long, brief);
  return names;
}

/** Source of the glue, with the names that `optimise` gave to the module. */
function shortenNames(names) {
  const glue = readFileSync(join(PACKAGE, MODULE), "utf8").replace('"./host.js"', '"../host.js"');
  return glue.replace(
    /\$(\w+)/g,
    (_, name) => names.get(name) ?? fail(`${MODULE} has ${name}, which is neither imported nor exported.`),
  );
}

/** Source of a module whose default export returns a fresh copy of the bytes; see PAGE_SIZE. */
function inlineModule(wasm) {
  const character = (symbol) => {
    const code = FIRST_CODE + symbol;
    return String.fromCharCode(code < BACKSLASH ? code : code + 1);
  };
  let text = "";
  for (const byte of wasm) {
    const page = Math.floor(byte / PAGE_SIZE);
    if (page > 0) text += character(PAGE_SIZE - 1 + page);
    text += character(byte % PAGE_SIZE);
  }
  return `
    const text = "${text}";
    export default function wasmBytes() {
      const bytes = new Uint8Array(${wasm.length});
      let length = 0;
      let page = 0;
      for (let at = 0; at < text.length; at++) {
        const code = text.charCodeAt(at);
        const symbol = code - (code < ${BACKSLASH} ? ${FIRST_CODE} : ${FIRST_CODE + 1});
        if (symbol < ${PAGE_SIZE}) {
          bytes[length++] = page + symbol;
          page = 0;
        } else page = (symbol - ${PAGE_SIZE - 1}) * ${PAGE_SIZE};
      }
      return bytes;
    }`;
}

/** Loads what was written, as the package will: a name that the wasm and the glue do not share is an error here. */
async function proveLinks(wasm) {
  const { default: wasmBytes } = await import(pathToFileURL(join(DIST, INLINE)).href);
  if (!wasm.equals(wasmBytes())) fail(`${INLINE} does not return the bytes of ${WASM}.`);
  const { initSync } = await import(pathToFileURL(join(DIST, GLUE)).href);
  initSync({ module: wasmBytes() });
}

/** Every file that package.json names is there, and its version is the crate's. */
function checkPackage() {
  const { files, version } = readJson("package.json");
  const missing = files.filter((file) => !existsSync(join(PACKAGE, file)));
  if (missing.length > 0)
    fail(`package.json names files that are not there: ${missing.join(", ")}. Run \`make package\`.`);

  const crateVersion = pinned("Cargo.toml", /^version = "(.+)"$/m);
  if (version !== crateVersion) fail(`pkg/package.json is version ${version}, Cargo.toml ${crateVersion}.`);
}

function printSizes(esbuild) {
  const wasm = readFileSync(join(DIST, WASM));
  const inlined = bundle(esbuild, "index.js");
  const slim = bundle(esbuild, "slim.js");
  const rows = [
    ["wasm", wasm],
    ["glue", readFileSync(join(DIST, GLUE))],
    ["shell", bundle(esbuild, "index.js", ["./dist/*"])],
    ["langflow-telemetry, all in one", inlined],
    ...Object.keys(ENTRIES).map((file) => [
      `langflow-telemetry/${basename(file, ".js")}, all in one`,
      readFileSync(join(DIST, file)),
    ]),
    ["langflow-telemetry/slim, the JavaScript", slim],
    ["langflow-telemetry/react, on top", readFileSync(join(DIST, REACT))],
  ].map(([name, bytes]) => [name, bytes.length, gzip(bytes), brotli(bytes)]);
  rows.push([
    "langflow-telemetry/slim, with its wasm",
    slim.length + wasm.length,
    gzip(slim) + gzip(wasm),
    brotli(slim) + brotli(wasm),
  ]);

  heading("bytes, JavaScript minified");
  const line = (name, ...columns) =>
    console.log(name.padEnd(40) + columns.map((c) => String(c).padStart(10)).join(""));
  line("", "raw", "gzip 9", "brotli 11");
  for (const row of rows) line(...row);
}

/** One of the package's entries as an app that imports all of it would carry it. */
function bundle(esbuild, entry, external = []) {
  const { outputFiles } = esbuild.buildSync({
    ...BUNDLE,
    entryPoints: [join(PACKAGE, entry)],
    external,
  });
  return Buffer.from(outputFiles[0].contents);
}

function minify(esbuild, source) {
  return esbuild.transformSync(source, { minify: true, format: "esm", legalComments: "none" }).code;
}

function gzip(bytes) {
  return gzipSync(bytes, { level: 9 }).length;
}

function brotli(bytes) {
  return brotliCompressSync(bytes, {
    params: { [zlib.BROTLI_PARAM_QUALITY]: 11, [zlib.BROTLI_PARAM_SIZE_HINT]: bytes.length },
  }).length;
}

function readJson(file) {
  return JSON.parse(readFileSync(join(PACKAGE, file), "utf8"));
}

function run(command, env, args) {
  try {
    execFileSync(command, args, { stdio: "inherit", env });
  } catch (error) {
    fail(`${command} failed${error.status ? ` with exit code ${error.status}` : `: ${error.message}`}.`);
  }
}

function heading(text) {
  console.log(`\n── ${text}`);
}

function fail(message) {
  console.error(`pkg/build.mjs: ${message}`);
  process.exit(1);
}
