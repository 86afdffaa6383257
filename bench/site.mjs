/**
 * One server on 127.0.0.1: the page, the bundles, and the receiver of all contenders. They share an origin, which
 * saves each of them the preflight that some would cause. The receiver counts events, requests and bytes by visit.
 */

import { createServer } from "node:http";

const PAGE = `<!doctype html><meta charset="utf-8"><title>bench</title><link rel="icon" href="data:,">
<script type="module" src="/bundle/page.js"></script>`;

/** Cross-origin isolated, so that the page's clock has 5 µs; nothing is cached, so that each load is a first one. */
const HEADERS = {
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-embedder-policy": "require-corp",
  "cache-control": "no-store",
};

const TYPES = { js: "text/javascript; charset=utf-8", wasm: "application/wasm" };

/** How often the receiver is looked at by who waits for it, in ms. */
const LOOK_MS = 2;

export async function serveSite(bundles, contenders) {
  const visits = new Map();
  const answers = new Map(contenders.map((contender) => [contender.name, contender]));

  const receive = async (request, response, name, visit) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    const seen = visits.get(visit);
    const contender = answers.get(name);
    if (!seen || !contender) return response.writeHead(404).end();
    try {
      seen.events += contender.events(body);
    } catch (error) {
      seen.error ??= `a request of ${name} that its reader does not understand (${error.message}): ${body.toString("latin1", 0, 200)}`;
    }
    seen.requests += 1;
    seen.bodyBytes += body.length;
    seen.headerBytes += request.rawHeaders.reduce(
      (sum, part) => sum + part.length + 2, // ": " or the line's end
      request.method.length + request.url.length + "  HTTP/1.1\r\n\r\n".length,
    );
    response.writeHead(200, { ...HEADERS, "content-type": "application/json" }).end(contender.answer);
  };

  const server = createServer((request, response) => {
    const [, first, second, third] = new URL(request.url, "http://site").pathname.split("/");
    if (first === "sink") return void receive(request, response, second, third);
    if (first === "page") {
      return response.writeHead(200, { ...HEADERS, "content-type": "text/html; charset=utf-8" }).end(PAGE);
    }
    const file = first === "bundle" ? bundles.get(second) : undefined;
    if (!file) return response.writeHead(404, HEADERS).end();
    response.writeHead(200, { ...HEADERS, "content-type": TYPES[second.split(".").pop()] }).end(file);
  });
  // Idle connections stay: a new one per burst would be measured with it.
  server.keepAliveTimeout = 120_000;
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const origin = `http://127.0.0.1:${server.address().port}`;

  return {
    origin,
    /** A contender's visit: the address of its receiver, and what it got so far. */
    visit(name) {
      const id = `v${visits.size + 1}`;
      const seen = { events: 0, requests: 0, bodyBytes: 0, headerBytes: 0 };
      visits.set(id, seen);
      return { endpoint: `${origin}/sink/${name}/${id}`, seen };
    },
    /** Waits until so many events of the visit have arrived. */
    async arrived(seen, events, timeoutMs) {
      const until = performance.now() + timeoutMs;
      while (seen.events < events) {
        if (seen.error) throw new Error(seen.error);
        if (performance.now() > until)
          throw new Error(
            `${events} events were tracked, ${seen.events} arrived within ${timeoutMs / 1000} s`,
          );
        await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
      }
      if (seen.events > events) throw new Error(`${events} events were tracked, ${seen.events} arrived`);
    },
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}
