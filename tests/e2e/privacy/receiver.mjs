/**
 * A receiver that keeps all it is sent, heads included, and answers as a test wants: friendly, or as no collector
 * should. It serves the pages and the package too. What the real collector makes of events is in world.mjs's tests.
 */

import { once } from "node:events";
import http from "node:http";

import { serveSite } from "../harness/site.mjs";

const ENDPOINT = "/v1/events";

/** What a collector says that took one event. The client counts by its own books. */
const FRIENDLY = { status: 200, body: '{"accepted":1,"duplicate":0,"rejected":0}' };

/** Starts one on a free port. */
export async function startReceiver() {
  /** `{ url, method, headers, body, aborted }` of each request that is not for a page or the package. */
  const received = [];
  let answer = () => FRIENDLY;

  const server = http.createServer((request, response) => {
    take(request, response).catch(() => response.destroy());
  });

  async function take(request, response) {
    const { url, method, headers } = request;
    if (url.startsWith("/lt/") || /\.(html|mjs)(\?|$)/.test(url)) return serveSite(request, response);
    const kept = { url, method, headers, body: "", aborted: false };
    received.push(kept);
    const parts = [];
    for await (const part of request) parts.push(part);
    kept.body = Buffer.concat(parts).toString();
    response.on("close", () => (kept.aborted = !response.writableFinished));
    const told = (await answer(kept, response)) ?? {};
    if (told.status) {
      response.writeHead(told.status, { "access-control-allow-origin": "*", ...told.headers });
      response.end(told.body ?? "");
    }
  }

  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  const sent = () => received.filter(({ method }) => method === "POST");
  return {
    /** The pages' origin, and the endpoint on it. */
    origin: `http://127.0.0.1:${port}`,
    path: ENDPOINT,
    /** The same endpoint, on another origin of this machine. */
    foreign: `http://localhost:${port}${ENDPOINT}`,
    received,
    sent,
    /** All events that came, parsed; each line must be JSON by itself. */
    events: () =>
      sent()
        .filter(({ url }) => url === ENDPOINT)
        .flatMap(({ body }) => body.split("\n").filter(Boolean))
        .map((line) => JSON.parse(line)),
    /** From now on requests are answered by this function: `(request, response) => { status, headers?, body? }`. */
    answerBy(wanted) {
      answer = wanted ?? (() => FRIENDLY);
    },
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
