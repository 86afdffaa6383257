/**
 * A page that Chromium prerenders since another one's speculation rules ask for it: nobody has seen it, and maybe nobody
 * will. Chromium does not prerender where DevTools' protocol is attached in the way Playwright does it
 * (`PrerenderingDisabledByDevTools`), so this one runs by itself: the pages tell what they see, and go on when they are
 * answered.
 */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { it } from "node:test";

import { FLAGS, executable } from "./harness/browser.mjs";
import { temporaryFolder } from "./harness/package.mjs";
import { until } from "./harness/waiting.mjs";
import { startReceiver } from "./privacy/receiver.mjs";

/** A Chromium of its own, at an address. Ends with all its processes. */
function browse(address) {
  const profile = `--user-data-dir=${temporaryFolder()}`;
  // A group of its own: Debian's command is a script, and Chromium is many processes.
  const child = spawn(executable(), ["--headless", ...FLAGS, profile, address], {
    detached: true,
    stdio: "ignore",
  });
  const end = () => {
    try {
      process.kill(-child.pid, "SIGKILL");
    } catch {
      // It has ended by itself.
    }
  };
  process.on("exit", end);
  return {
    async stop() {
      const exit = child.exitCode === null && child.signalCode === null ? once(child, "exit") : undefined;
      end();
      await exit;
    },
  };
}

it("a prerendered page sends and keeps nothing until it is seen; then all that it tracked arrives", async () => {
  const receiver = await startReceiver();
  let go;
  const gone = new Promise((resolve) => (go = resolve));
  receiver.answerBy(async ({ url }) => {
    if (url === "/go") await gone;
    return { status: 200, body: "{}" };
  });
  const told = () =>
    receiver.received.filter(({ url }) => url === "/told").map(({ body }) => JSON.parse(body));
  const names = () => receiver.events().flatMap(({ event, name }) => name ?? event);
  const browser = browse(`${receiver.origin}/prerender.html`);
  try {
    await until(
      () => told().length >= 2,
      () => `two words of the prerendered page; told ${JSON.stringify(receiver.received)}`,
    );
    const held = { prerendering: true, captured: 1, state: "pending", kept: [] };
    assert.deepEqual(told(), [
      { when: "loaded", ...held },
      { when: "later", ...held },
    ]);
    assert.deepEqual(receiver.sent(), [], "requests while it is prerendered");

    go();
    await until(
      () => names().length >= 3,
      () => `three events; there are ${names()}`,
    );
    assert.deepEqual(names().toSorted(), ["After", "Before", "version"]);
    const [, , seen, ...more] = told();
    assert.deepEqual([seen.when, seen.prerendering, more], ["seen", false, []], "it is the same page load");
  } finally {
    await browser.stop();
    await receiver.stop();
  }
});
