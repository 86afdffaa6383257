/**
 * The apps of apps/, and the ways in which each is built and served. Every page reads `endpoint` and `name` from its
 * address, begins telemetry and tracks one component of that name.
 *
 * A way has
 *   start     makes it ready and returns `{ origin, stop }`
 *   pages     the paths to visit: the one with the package as it is first, then with `slim`, in a worker …
 *   rendered  what the server's HTML says of telemetry there
 *   output    folders of built files, whose JavaScript and WebAssembly are weighed
 *   tracked   how many component events there are: 2 where React's StrictMode repeats effects
 */

import { cpSync } from "node:fs";
import { join } from "node:path";

import { serveFolder } from "./harness/serve.mjs";
import { build, serve } from "./harness/tools.mjs";

const vite = (name) => ({
  name,
  pagesOf: "vite",
  ways: [
    {
      title: "vite (dev server)",
      start: (folder) =>
        serve(folder, (port) => ["vite", "--host", "127.0.0.1", "--port", port, "--strictPort"]),
      pages: ["/", "/slim.html", "/worker.html"],
    },
    {
      title: "vite build",
      async start(folder) {
        await build(folder, ["vite", "build", "--outDir", "dist/client"]);
        return serveFolder(join(folder, "dist/client"));
      },
      pages: ["/", "/slim.html", "/worker.html"],
      output: "dist/client/assets",
    },
    {
      title: "server-side rendering by the dev server, the package from node_modules",
      start: (folder) => serve(folder, (port) => ["node", "server.js", "dev", port]),
      pages: ["/"],
      rendered: "off no_browser 0",
    },
    {
      title: "vite build --ssr, the package bundled",
      async start(folder) {
        const bundled = ["--ssr", "entry-server.js", "--outDir", "dist/server"];
        await build(folder, ["vite", "build", ...bundled], { NODE_ENV: "production" });
        return serve(folder, (port) => ["node", "server.js", "built", port]);
      },
      pages: ["/"],
      rendered: "off no_browser 0",
    },
  ],
});

const webpack = (mode) => ({
  title: `webpack --mode ${mode}`,
  async start(folder) {
    const dist = join(folder, "dist", mode);
    await build(folder, ["webpack", "--mode", mode, "--output-path", dist]);
    return serveFolder(withPages(folder, dist, ["index.html", "slim.html"]));
  },
  pages: ["/", "/slim.html"],
  output: `dist/${mode}`,
});

const next = (bundler, command) => {
  const env = { DIST_DIR: `dist/${bundler}-${command}` };
  const rest = { pages: ["/"], rendered: "5<!-- --> events, <!-- -->off<!-- --> on the server" };
  const listen = (port) => ["--hostname", "127.0.0.1", "--port", port];
  if (command === "dev")
    return {
      title: `next dev --${bundler}`,
      start: (folder) => serve(folder, (port) => ["next", "dev", `--${bundler}`, ...listen(port)], env),
      tracked: 2,
      ...rest,
    };
  return {
    title: `next build --${bundler}, next start`,
    async start(folder) {
      await build(folder, ["next", "build", `--${bundler}`], env);
      return serve(folder, (port) => ["next", "start", ...listen(port)], env);
    },
    ...rest,
  };
};

export const APPS = [
  {
    name: "html",
    ways: [
      {
        title: "no bundler, an import map",
        start: (folder) =>
          serveFolder({ "/lt/": join(folder, "node_modules/langflow-telemetry"), "/": folder }),
        pages: ["/", "/slim.html", "/worker.html"],
      },
    ],
  },
  vite("vite"),
  vite("vite-7"),
  { name: "webpack", ways: [webpack("production"), webpack("development")] },
  {
    name: "next",
    ways: [
      next("turbopack", "build"),
      next("webpack", "build"),
      next("turbopack", "dev"),
      next("webpack", "dev"),
    ],
  },
  {
    name: "esbuild",
    ways: [
      {
        title: "esbuild --bundle",
        async start(folder) {
          const dist = join(folder, "dist");
          const how = ["--bundle", "--minify", "--format=esm", "--loader:.wasm=file", "--public-path=/"];
          await build(folder, ["esbuild", "main.js", "slim.js", ...how, `--outdir=${dist}`]);
          return serveFolder(withPages(folder, dist, ["index.html", "slim.html"]));
        },
        pages: ["/", "/slim.html"],
        output: "dist",
      },
    ],
  },
  {
    name: "rollup",
    ways: [
      {
        title: "rollup with plugin-node-resolve",
        async start(folder) {
          await build(folder, ["rollup", "--config", "--silent"]);
          return serveFolder(withPages(folder, join(folder, "dist"), ["index.html"]));
        },
        pages: ["/"],
        output: "dist",
      },
    ],
  },
  {
    name: "parcel",
    ways: [
      {
        title: "parcel build",
        async start(folder) {
          const places = ["--dist-dir", "dist/app", "--cache-dir", "dist/cache"];
          await build(folder, ["parcel", "build", "index.html", ...places]);
          return serveFolder(join(folder, "dist/app"));
        },
        pages: ["/"],
        output: "dist/app",
      },
    ],
  },
];

/** Puts the pages beside what was built. */
function withPages(folder, dist, pages) {
  for (const page of pages) cpSync(join(folder, page), join(dist, page));
  return dist;
}
