/** Renders on the server: `node server.js dev PORT`, or `node server.js built PORT` after both builds. */
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join } from "node:path";

const [mode, port] = process.argv.slice(2);
const here = (path) => new URL(path, import.meta.url);
const TYPES = { ".js": "text/javascript", ".wasm": "application/wasm" };

const server = createServer();

const make = {
  async dev() {
    const { createServer: createVite } = await import("vite");
    const vite = await createVite({ server: { middlewareMode: true, hmr: { server } }, appType: "custom" });
    return {
      page: async (url) => vite.transformIndexHtml(url, await readFile(here("index.html"), "utf8")),
      load: () => vite.ssrLoadModule("/entry-server.js"),
      file: (request, response) => vite.middlewares(request, response, () => response.writeHead(404).end()),
    };
  },
  async built() {
    return {
      page: () => readFile(here("dist/client/index.html"), "utf8"),
      load: () => import("./dist/server/entry-server.js"),
      async file(request, response) {
        const body = await readFile(join(here("dist/client").pathname, request.url)).catch(() => undefined);
        response.writeHead(body ? 200 : 404, { "content-type": TYPES[extname(request.url)] ?? "text/plain" });
        response.end(body);
      },
    };
  },
}[mode];
const { page, load, file } = await make();

server.on("request", async (request, response) => {
  const { pathname, search } = new URL(request.url, "http://site");
  if (pathname !== "/") return file(request, response);
  const { render } = await load();
  const html = (await page(request.url)).replace("<!--rendered-->", render(search));
  response.writeHead(200, { "content-type": "text/html" }).end(html);
});
server.listen(Number(port), "127.0.0.1");
