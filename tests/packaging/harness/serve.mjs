/** Serves a folder of built files, on a free port of this machine. */

import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";

const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".mjs": "text/javascript; charset=utf-8",
  ".wasm": "application/wasm",
};

/**
 * @param {string | Record<string, string>} roots A folder, or folders by the prefix of their paths; the first prefix
 *   that fits counts.
 * @param {Record<string, string>} headers Sent with every answer.
 */
export async function serveFolder(roots, headers = {}) {
  const places = Object.entries(typeof roots === "string" ? { "/": roots } : roots);
  const server = createServer(async (request, response) => {
    const path = normalize(new URL(request.url, "http://site").pathname).replace(/\/$/, "/index.html");
    const [prefix, root] = places.find(([prefix]) => path.startsWith(prefix)) ?? [];
    const body = root && (await readFile(join(root, path.slice(prefix.length))).catch(() => undefined));
    if (!body) return response.writeHead(404).end();
    const type = TYPES[extname(path)] ?? "application/octet-stream";
    response.writeHead(200, { "content-type": type, "cache-control": "no-store", ...headers }).end(body);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    origin: `http://127.0.0.1:${server.address().port}`,
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
