/** Each contender as an app would ship it: one file, minified by esbuild. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync } from "node:zlib";

import { build } from "esbuild";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

/** The package: another build of it can be put in its place. */
const PACKAGE = process.env.LFT_PACKAGE ?? here("../pkg");

const RATE_LIMIT = /const EVENT_RATE_LIMIT = 3e3;/;

/** Datadog's limit of 3,000 logs a minute is a constant without an option. */
const liftRateLimit = {
  name: "lift-rate-limit",
  setup({ onLoad }) {
    onLoad({ filter: /createEventRateLimiter\.mjs$/ }, ({ path }) => {
      const source = readFileSync(path, "utf8");
      if (!RATE_LIMIT.test(source))
        throw new Error(`${path}: expected ${RATE_LIMIT}: has Datadog's rate limit moved?`);
      return { contents: source.replace(RATE_LIMIT, "const EVENT_RATE_LIMIT = 1e9;"), loader: "js" };
    });
  },
};

/** The bundles by file name, as `{ bytes, brotli }`. */
export async function bundles(files) {
  const entries = [...new Set(files)];
  const { outputFiles } = await build({
    entryPoints: [...entries.map((file) => here(`contenders/${file}.mjs`)), here("page.mjs")],
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    legalComments: "none",
    define: { "process.env.NODE_ENV": '"production"' },
    alias: {
      "langflow-telemetry": join(PACKAGE, "index.js"),
      "langflow-telemetry/slim": join(PACKAGE, "slim.js"),
    },
    plugins: [liftRateLimit],
    outdir: here("."),
    write: false,
    logLevel: "error",
  });
  const made = new Map(
    outputFiles.map(({ path, contents }) => [path.split("/").pop(), Buffer.from(contents)]),
  );
  made.set("langflow_telemetry.wasm", readFileSync(join(PACKAGE, "dist/langflow_telemetry_bg.wasm")));
  return made;
}

export const brotli = (bytes) => brotliCompressSync(bytes).length;
