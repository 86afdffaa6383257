/**
 * Clients that do as the real one does: a batch is sent until it is acknowledged, whatever comes between, and the
 * next one only then.
 */

import http from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

import { BATCH_EVENTS, batchOf } from "./events.mjs";

/** An attempt's time, in ms: the client's own. */
const ATTEMPT_MS = 10_000;

/** Longest wait before a batch is sent again, in ms. The real client backs off up to minutes: this is a load. */
const BACKOFF_MS = 300;

/**
 * Runs `count` clients until `ends()` says so; each then finishes the batch that it has under way.
 *
 * @param {() => string} url Asked at each attempt.
 * @returns What they sent: batches acknowledged by session, and what befell the attempts.
 */
export async function runClients(url, count, ends) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: count });
  const seen = { attempts: 0, unanswered: 0, busy: 0, accepted: 0, duplicate: 0, failures: [] };
  /** Session's number → batches acknowledged. */
  const acknowledged = new Map();
  let next = 0;

  async function client() {
    while (!ends()) {
      const number = next++;
      for (let index = 0; !ends(); index++) {
        const body = batchOf(number, index);
        if (body === undefined) break;
        await deliver(body);
        acknowledged.set(number, index + 1);
      }
    }
  }

  async function deliver(body) {
    for (;;) {
      seen.attempts += 1;
      const { status, text } = await post(agent, url(), body).catch(() => ({ status: 0 }));
      if (status === 200) {
        const answer = JSON.parse(text);
        seen.accepted += answer.accepted;
        seen.duplicate += answer.duplicate;
        if (answer.rejected > 0 || answer.accepted + answer.duplicate !== BATCH_EVENTS)
          seen.failures.push(text);
        return;
      }
      if (status === 0) seen.unanswered += 1;
      else if (status === 503) seen.busy += 1;
      else seen.failures.push(`${status} ${text}`);
      await sleep(Math.random() * BACKOFF_MS);
    }
  }

  await Promise.all(Array.from({ length: count }, client));
  agent.destroy();
  return { ...seen, acknowledged };
}

function post(agent, url, body) {
  return new Promise((resolve, reject) => {
    const headers = { "content-type": "text/plain;charset=UTF-8", "content-length": Buffer.byteLength(body) };
    const request = http.request(`${url}/v1/events`, { agent, method: "POST", headers, timeout: ATTEMPT_MS });
    request.on("timeout", () => request.destroy(new Error("no answer in time")));
    request.on("error", reject);
    request.on("response", (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (part) => (text += part));
      response.on("end", () => resolve({ status: response.statusCode, text }));
      response.on("error", reject);
    });
    request.end(body);
  });
}
