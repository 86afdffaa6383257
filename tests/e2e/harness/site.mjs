/**
 * Serves the test pages and the package. A page's own address can ask for headers, so that one page does for all
 * cases: `/app.html?headers={"content-security-policy":"…"}`.
 */

import { readFile } from "node:fs/promises";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";

import { packageFolder } from "./package.mjs";

const PAGES = fileURLToPath(new URL("../pages", import.meta.url));

const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".mjs": "text/javascript; charset=utf-8",
  ".wasm": "application/wasm",
};

/**
 * Answers a request for a page or a file of the package (under /lt/).
 *
 * @param {import("node:http").IncomingMessage} request
 * @param {import("node:http").ServerResponse} response
 */
export async function serveSite(request, response) {
  const url = new URL(request.url, "http://site");
  const path = normalize(url.pathname);
  const file = path.startsWith("/lt/") ? join(packageFolder(), path.slice("/lt/".length)) : join(PAGES, path);
  const body = await readFile(file).catch(() => undefined);
  if (!body) {
    response.writeHead(404).end();
    return;
  }
  response.writeHead(200, {
    "content-type": TYPES[extname(file)] ?? "application/octet-stream",
    // Cached, so that a page can be loaded again while offline. Every run has an origin of its own.
    "cache-control": "max-age=3600",
    ...JSON.parse(url.searchParams.get("headers") ?? "{}"),
  });
  response.end(body);
}
