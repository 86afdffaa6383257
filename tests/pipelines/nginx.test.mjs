/** Whom the nginx-*.conf of examples/pipelines let through, and what they make of a receiver's answer. */

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { launch } from "../e2e/harness/browser.mjs";
import { startReceiver, startSite } from "./receiver.mjs";
import { startNginx } from "./servers.mjs";

/** What each passes on as it came. At 4xx the client drops a batch, so only what is said of the batch is among them. */
const PASSED = [200, 400, 408, 410, 413, 429];

/** A wrong address or key in the relay: its own mistake, at which the client has to come again. */
const MISTAKES = [401, 403, 404];

const RELAYS = [
  { example: "nginx-clickhouse.conf", receiver: "127.0.0.1:8123" },
  { example: "nginx-collector.conf", receiver: "127.0.0.1:8081", passed: [503] },
  { example: "nginx-otlp.conf", receiver: "127.0.0.1:4318", passed: [503] },
];

for (const relay of RELAYS) {
  describe(relay.example, () => {
    let browser, nginx, receiver;
    let status = 200;
    before(async () => {
      browser = await launch();
      receiver = await startReceiver((request, response) =>
        response.writeHead(status, { "retry-after": "7" }).end(`${status} it is`),
      );
      nginx = await startNginx(relay.example, [[relay.receiver, new URL(receiver.url).host]]);
    });
    after(async () => {
      await browser?.close();
      await nginx?.stop();
      receiver?.stop();
    });

    /** What a page gets for a request that a browser sends without asking; the page itself is not shown it. */
    async function postFrom(site) {
      const page = await browser.newPage();
      await page.goto(`${site}/blank.html`);
      const answered = page.waitForResponse((response) => response.request().method() === "POST");
      await page.evaluate(
        (url) => fetch(url, { method: "POST", mode: "no-cors", body: "{}" }).then(() => undefined),
        `${nginx.url}/telemetry`,
      );
      const response = await answered;
      await page.close();
      return response.status();
    }

    it("takes what its own page sends, and nothing of a page from elsewhere", async () => {
      status = 200;
      const elsewhere = await startSite();
      const [own, foreign] = [nginx.url, elsewhere.url];
      assert.equal(await postFrom(own), 200);
      assert.equal(receiver.requests.length, 1);
      // For browsers a port is the same site, and a name beside an address another.
      assert.equal(await postFrom(foreign), 403, "same site, another origin");
      assert.equal(await postFrom(foreign.replace("127.0.0.1", "localhost")), 403, "another site");
      assert.equal(receiver.requests.length, 1, "none of it reached the receiver");
      elsewhere.stop();
    });

    it("passes on what a receiver says of a batch, and calls its own mistakes 503", async () => {
      const post = () => fetch(`${nginx.url}/telemetry`, { method: "POST", body: "{}" });
      for (status of [...PASSED, ...(relay.passed ?? [])]) {
        const answer = await post();
        assert.equal(answer.status, status);
        // ClickHouse's words of an error stay inside.
        if (status === 400 && !relay.passed) continue;
        assert.equal(answer.headers.get("retry-after"), "7", `the wait at ${status}`);
        assert.equal(await answer.text(), `${status} it is`);
      }
      for (status of MISTAKES) {
        const answer = await post();
        assert.deepEqual([status, answer.status, answer.headers.get("retry-after")], [status, 503, "30"]);
        assert.doesNotMatch(await answer.text(), /it is/);
      }
    });
  });
}
