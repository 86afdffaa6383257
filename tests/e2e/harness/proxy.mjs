/**
 * What stands between a page and its collector: it passes requests on, counts them, and fails them as a test asks.
 * Whatever is not the collector's it answers itself, as the page's own site: so page and endpoint share an origin,
 * as they do behind a real reverse proxy.
 *
 * A fault is a function that gets a request `{ number, bytes, events }`, 1 being the first, and returns nothing to
 * let it pass, or one of
 *   { status, headers?, body? }  an answer in the collector's place
 *   { hang: true }               no answer, ever
 *   { drop: true }               the connection is closed without one
 *   { delay: ms }                passed on later
 *   { headers }                  passed on, and these come to the collector's answer
 *   { half: async () => {} }     half of the body reaches the collector, then that is called, then all is closed
 *   { silent: async () => {} }   the collector answers, then that is called, and the page never hears of it
 */

import { once } from "node:events";
import http from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

import { serveSite } from "./site.mjs";

const ENDPOINT = "/v1/events";

/** Requests that the log keeps. */
const LOG_MAX = 40;

/** @param {{ url: string }} collector */
export async function startProxy(collector) {
  const agent = new http.Agent({ keepAlive: true });
  const target = new URL(collector.url);
  let fault = () => undefined;
  const keys = new Set();
  /** The last requests: when they came, what they held, how and when they ended. For the errors of tests. */
  const log = [];
  /** `under`: requests being answered now; `largest`: bytes of the largest body. */
  const seen = { requests: 0, preflights: 0, events: 0, bytes: 0, largest: 0, under: 0, duplicates: 0 };

  const server = http.createServer((request, response) => {
    handle(request, response).catch(() => response.destroy());
  });

  async function handle(request, response) {
    if (!request.url.startsWith("/v1/")) return serveSite(request, response);
    if (request.method === "OPTIONS") seen.preflights += 1;
    const parts = [];
    // A page that dies while it uploads has sent nothing: that throws.
    for await (const part of request) parts.push(part);
    const body = Buffer.concat(parts);
    if (request.method !== "POST") return pass(request, response, body);

    seen.requests += 1;
    seen.bytes += body.length;
    seen.largest = Math.max(seen.largest, body.length);
    const lines = body.toString().split("\n").filter(Boolean);
    seen.events += lines.length;
    for (const line of lines) keys.add(keyOf(line));

    seen.under += 1;
    const number = seen.requests;
    const entry = { number, ms: Math.round(performance.now()), events: lines.length, bytes: body.length };
    log.push(entry);
    if (log.length > LOG_MAX) log.shift();
    response.once("close", () => {
      entry.status = response.writableFinished ? response.statusCode : "closed";
      entry.took = Math.round(performance.now()) - entry.ms;
    });
    try {
      const wanted = (await fault({ number, bytes: body.length, events: lines.length })) ?? {};
      if (wanted.hang) await once(response, "close");
      else if (wanted.drop) response.destroy();
      else if (wanted.status) {
        const headers = { "access-control-allow-origin": "*", ...wanted.headers };
        response.writeHead(wanted.status, headers).end(wanted.body ?? "");
      } else if (wanted.half) {
        await passHalf(request, body, wanted.half);
        response.destroy();
      } else if (wanted.silent) {
        await forward(request, body);
        await wanted.silent();
        response.destroy();
      } else {
        if (wanted.delay) await sleep(wanted.delay);
        await pass(request, response, body, wanted.headers);
      }
    } finally {
      seen.under -= 1;
    }
  }

  const open = (request) =>
    http.request({
      agent,
      host: target.hostname,
      port: target.port,
      method: request.method,
      path: request.url,
      headers: request.headers,
    });

  /** The collector's answer, whole. */
  async function forward(request, body) {
    const onward = open(request).end(body);
    const [answer] = await once(onward, "response");
    const parts = [];
    for await (const part of answer) parts.push(part);
    const told = Buffer.concat(parts);
    if (request.method === "POST" && answer.statusCode === 200)
      seen.duplicates += JSON.parse(told.toString()).duplicate;
    return { status: answer.statusCode, headers: answer.headers, body: told };
  }

  async function pass(request, response, body, more = {}) {
    // A collector that is not there: the connection is closed, as if there were no proxy.
    const { status, headers, body: answer } = await forward(request, body);
    delete headers["transfer-encoding"];
    response.writeHead(status, { ...headers, ...more }).end(answer);
  }

  async function passHalf(request, body, then) {
    const onward = open(request);
    const gone = once(onward, "error");
    onward.write(body.subarray(0, Math.ceil(body.length / 2)));
    await new Promise((resolve) => onward.once("socket", (socket) => resolve(socket)));
    await then();
    onward.destroy(new Error("cut"));
    await gone;
  }

  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();

  return {
    port,
    origin: `http://127.0.0.1:${port}`,
    path: ENDPOINT,
    /** From now on, until the next call. */
    fail(next) {
      fault = next ?? (() => undefined);
    },
    /**
     * So far. `unique`: events that came at all. `duplicates`: events of which the collector said that it has them already. `again`: events that came
     * again, whatever became of them the first time.
     */
    counts: () => ({ ...seen, unique: keys.size, again: seen.events - keys.size }),
    log: () => log,
    async stop() {
      agent.destroy();
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

/** `(session, seq)` of a line; the line itself where it has none. */
function keyOf(line) {
  try {
    const { session, seq } = JSON.parse(line);
    return `${session} ${seq}`;
  } catch {
    return line;
  }
}
