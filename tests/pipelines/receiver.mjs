/** A plain HTTP server on an origin of its own, which keeps what it got; and the judges in Python of what that was. */

import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";

import { serveSite } from "../e2e/harness/site.mjs";
import { PYTHON } from "./servers.mjs";

/**
 * @param {(request: { method: string, url: string, headers: object, body: string, at: number }, response: import("node:http").ServerResponse) => void} answer `at`: when all of it had come, in ms.
 */
export async function startReceiver(answer) {
  const requests = [];
  const server = createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const { method, url, headers } = request;
    const body = Buffer.concat(chunks).toString("utf8");
    const got = { method, url, headers, body, at: performance.now() };
    requests.push(got);
    answer(got, response);
  });
  return { requests, ...(await listen(server)) };
}

/** The test page on an origin of its own. */
export const startSite = () => listen(createServer((request, response) => void serveSite(request, response)));

async function listen(server) {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    stop() {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** What a script of this folder makes of some lines: a value for each line that it prints. */
export function judge(script, lines, ...parameters) {
  const file = fileURLToPath(new URL(script, import.meta.url));
  const input = lines.map((line) => `${line}\n`).join("");
  const { status, stdout, stderr, error } = spawnSync(PYTHON, [file, ...parameters], {
    input,
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`${script} refuses it: ${error ?? stderr}`);
  return stdout.split("\n").filter(Boolean).map(JSON.parse);
}
