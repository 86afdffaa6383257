/**
 * As much of Langflow's backend as its frontend needs to run a flow: it serves the built page, says what its
 * configuration is, plays back the events of a build, and passes telemetry on to the collector, as a relay on
 * Langflow's own origin does.
 */

import { once } from "node:events";
import { readFile } from "node:fs/promises";
import http from "node:http";
import { extname, join, normalize } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const TYPES = { ".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8" };

/**
 * @param {object} options
 * @param {string} options.dist The built page.
 * @param {{ url: string }} options.collector
 */
export async function startBackend({ dist, collector }) {
  /** What was asked for: `{ method, path, headers, body }` of all but the page's own files. */
  const requests = [];
  /** How long each build took here, in ms, from its request to its last line: when that is on its way the page may have it. */
  const builds = [];
  let script = [];
  let config = () => ({ auto_saving: true, do_not_track: false });
  const version = () => ({ package: "langflow", version: "1.13.0" });

  const server = http.createServer((request, response) => {
    handle(request, response).catch(() => response.destroy());
  });

  async function handle(request, response) {
    const began = performance.now();
    const { pathname: path, search } = new URL(request.url, "http://backend");
    if (request.method === "GET" && !path.startsWith("/api/") && !path.startsWith("/gateway"))
      return serve(path, response);

    const parts = [];
    for await (const part of request) parts.push(part);
    const body = Buffer.concat(parts).toString();
    requests.push({ method: request.method, path, search, headers: request.headers, body });

    if (path === "/api/v1/config") return answer(response, await config());
    if (path === "/api/v1/version") return answer(response, await version());
    if (path === "/api/v1/telemetry") return relay(response, body);
    if (path.startsWith("/gateway")) return response.writeHead(200).end();
    if (path.startsWith("/api/v1/build/")) {
      builds.push((await play(response)) - began);
      return;
    }
    response.writeHead(404).end();
  }

  async function serve(path, response) {
    const file = join(dist, normalize(path === "/" ? "/index.html" : path));
    const body = await readFile(file).catch(() => undefined);
    if (!body) return response.writeHead(404).end();
    response.writeHead(200, { "content-type": TYPES[extname(file)] ?? "application/octet-stream" }).end(body);
  }

  /** An undefined answer is a backend that fails. */
  const answer = (response, json) =>
    json
      ? response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(json))
      : response.writeHead(500).end();

  async function relay(response, body) {
    const accepted = await fetch(`${collector.url}/v1/events`, { method: "POST", body }).catch(
      () => undefined,
    );
    if (!accepted) return response.writeHead(502).end();
    response.writeHead(accepted.status).end(await accepted.text());
  }

  /** Plays the script: lines go out together until a step says to wait. Returns the moment before the last of them. */
  async function play(response) {
    let last = performance.now();
    if (script.length === 0) {
      response.writeHead(404).end();
      return last;
    }
    response.writeHead(200, { "content-type": "application/x-ndjson" });
    // The head goes out at once, as from a server that streams.
    response.flushHeaders();
    for (const { wait = 0, breakOff, ...line } of script) {
      if (wait > 0) await sleep(wait);
      last = performance.now();
      if (response.destroyed) return last;
      if (breakOff) {
        response.destroy();
        return last;
      }
      response.write(`${JSON.stringify(line)}\n\n`);
    }
    response.end();
    await once(response, "finish");
    return last;
  }

  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const origin = `http://127.0.0.1:${server.address().port}`;

  return {
    origin,
    requests,
    builds,
    /** The events of the next builds. A step may have `wait`, in ms, or `breakOff`. */
    plays(steps) {
      script = steps;
    },
    /** What /api/v1/config answers from now on; a promise is waited for. */
    says(next) {
      config = next;
    },
    /** It answers nothing, until what is returned here is called with an answer: then that, to all who asked. */
    saysLater() {
      const waiting = [];
      config = () => new Promise((resolve) => waiting.push(resolve));
      return (answer) => {
        config = () => answer;
        for (const resolve of waiting) resolve(answer);
      };
    },
    telemetry: () =>
      requests.filter(({ path }) => path === "/api/v1/telemetry" || path.startsWith("/gateway")),
    async stop() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}
