/**
 * `langflow-telemetry/react` in React's own development build, where StrictMode unmounts and mounts everything once
 * for nothing, and in a server's renderer.
 */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cpSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { after, before, describe, it } from "node:test";

import { installApp } from "./harness/install.mjs";
import { startReceiver } from "./harness/receiver.mjs";
import { serveFolder } from "./harness/serve.mjs";

/** The oldest React that the package names, and the newest. */
for (const app of ["react-18", "react"]) {
  describe(`React, in the app ${app}`, () => {
    let receiver;
    let site;
    let folder;
    const count = (rows, event) => rows.filter((row) => row.event === event).length;
    const sessions = (rows) => new Set(rows.map((row) => row.session)).size;

    /** A name for the events of one case, in one app. */
    const named = (name) => name + app.replace(/\W/g, "");

    before(async () => {
      folder = installApp(app);
      receiver = await startReceiver();
      await build(folder);
      site = await serveFolder(join(folder, "dist"));
    });
    after(async () => {
      await site?.stop();
      await receiver?.stop();
    });

    const renderOnServer = (name) =>
      JSON.parse(
        execFileSync(process.execPath, ["dist/server.mjs", name, receiver.endpoint], {
          cwd: folder,
          encoding: "utf8",
        }),
      );

    it("begins one client in StrictMode, before its children's effects, and does not end it", async () => {
      const name = named("Strict");
      const { page, noise, close } = await receiver.open(site.origin);
      await page.evaluate(
        ([name, endpoint]) => {
          window.root = window.app.mount();
          window.app.render(window.root, { name, options: { endpoint, flushIntervalMs: 100 } });
        },
        [name, receiver.endpoint],
      );
      // Version, and what the two effects tracked: twice each, which is StrictMode's doing.
      await page.waitForFunction(() => window.app.telemetry.stats().captured >= 5);
      await page.evaluate(() => window.app.telemetry.flush());
      const rows = await receiver.arrived(name, 5);
      assert.deepEqual(
        [count(rows, "version"), count(rows, "component"), count(rows, "shutdown"), sessions(rows)],
        [1, 4, 0, 1],
      );

      // Another key unmounts and mounts for real, but all at once: the client goes on.
      await page.evaluate(
        ([name, endpoint]) =>
          window.app.render(window.root, { key: "other", name, options: { endpoint, flushIntervalMs: 100 } }),
        [name, receiver.endpoint],
      );
      await page.waitForFunction(() => window.app.telemetry.stats().captured >= 9);
      await page.evaluate(() => window.app.telemetry.flush());
      assert.equal(sessions(await receiver.arrived(name, 9)), 1);

      // Gone, and at once another: a life ends with its Shutdown event while the next one begins.
      await page.evaluate(
        ([name, endpoint]) => {
          window.root.unmount();
          window.root = window.app.mount();
          window.app.render(window.root, { name, options: { endpoint, flushIntervalMs: 100 } });
        },
        [name, receiver.endpoint],
      );
      const two = await receiver.arrived(
        name,
        (rows) => sessions(rows) === 2 && count(rows, "version") === 2,
      );
      assert.equal(count(two, "shutdown"), 1);

      await page.evaluate(() => window.root.unmount());
      const all = await receiver.arrived(name, (rows) => count(rows, "shutdown") === 2);
      assert.equal(
        all.length,
        10 + 6,
        "two lives: 4 + 4 and 4 components, each with its Version and Shutdown",
      );
      assert.deepEqual(noise, []);
      await close();
    });

    it("ends the client with the last provider of several", async () => {
      const name = named("Several");
      const { page, noise, close } = await receiver.open(site.origin);
      await page.evaluate(
        ([name, endpoint]) => {
          window.roots = [window.app.mount(), window.app.mount()];
          for (const root of window.roots)
            window.app.render(root, { name, options: { endpoint, flushIntervalMs: 100 } });
        },
        [name, receiver.endpoint],
      );
      await page.waitForFunction(() => window.app.telemetry.stats().captured >= 9);
      await page.evaluate(() => window.roots[0].unmount());
      assert.equal(await page.evaluate(() => window.app.telemetry.flush()), true);
      assert.equal(count(await receiver.arrived(name, 9), "shutdown"), 0);
      await page.evaluate(() => window.roots[1].unmount());
      const rows = await receiver.arrived(name, 10);
      assert.deepEqual([count(rows, "shutdown"), sessions(rows)], [1, 1]);
      assert.deepEqual(noise, []);
      await close();
    });

    it("renders on a server without doing anything, and takes over there in the browser", async () => {
      const name = named("Server");
      const { html, ...rest } = renderOnServer(name);
      assert.deepEqual(rest, { state: "off", reason: "not_initialised", captured: 0 });
      assert.equal(html, `<p>${name}</p>`);

      writeFileSync(join(folder, "dist/rendered.html"), pageWith(html));
      const { page, noise, close } = await receiver.open(`${site.origin}/rendered.html`);
      await page.evaluate(
        ([name, endpoint]) => {
          window.app.hydrate({ name, options: { endpoint, flushIntervalMs: 100 } });
        },
        [name, receiver.endpoint],
      );
      const rows = await receiver.arrived(name, 5);
      assert.deepEqual([count(rows, "version"), count(rows, "component"), sessions(rows)], [1, 4, 1]);
      assert.deepEqual(noise, [], "nor did hydration find a difference");
      await close();
    });

    it("waits for options that come later, and does nothing without a provider", async () => {
      const name = named("Later");
      const { page, noise, close } = await receiver.open(site.origin);
      const before = await page.evaluate(async (name) => {
        window.root = window.app.mount();
        window.app.render(window.root, { name });
        window.app.renderSeen(window.app.mount());
        await new Promise((resolve) => setTimeout(resolve, 100));
        return window.app.telemetry.stats();
      }, name);
      assert.deepEqual([before.state, before.reason, before.captured], ["off", "not_initialised", 0]);
      await page.evaluate(
        ([name, endpoint]) =>
          window.app.render(window.root, { key: "now", name, options: { endpoint, flushIntervalMs: 100 } }),
        [name, receiver.endpoint],
      );
      assert.equal(count(await receiver.arrived(name, 5), "component"), 4);
      assert.deepEqual(noise, []);
      await close();
    });

    it("hands out the same client in every render: the page's, or the one it was given", async () => {
      const { page, close } = await receiver.open(site.origin);
      const seen = await page.evaluate(async (endpoint) => {
        const root = window.app.mount();
        const first = window.app.renderSeen(root, { options: { endpoint, flushIntervalMs: 100 } });
        await new Promise((resolve) => setTimeout(resolve, 100));
        const client = window.app.telemetry.createClient({ endpoint, consent: "pending" });
        const second = window.app.renderSeen(window.app.mount(), { client });
        await new Promise((resolve) => setTimeout(resolve, 100));
        await window.app.telemetry.shutdown();
        return {
          renders: first.length,
          clients: new Set(first).size,
          calls: first[0].trackRun === window.app.telemetry.trackRun,
          own: second.length > 0 && second.every((one) => one === client),
        };
      }, receiver.endpoint);
      assert.ok(seen.renders >= 2);
      assert.deepEqual([seen.clients, seen.calls, seen.own], [1, true, true]);
      await close();
    });
  });
}

/** React's development build for the browser, since only that has StrictMode's second round. */
async function build(folder) {
  const esbuild = await import(pathToFileURL(join(folder, "node_modules/esbuild/lib/main.js")));
  // The two apps share their pages: copied, so that each finds its own React.
  const source = join(folder, "dist/source");
  cpSync(join(folder, "../react/source"), source, { recursive: true });
  const shared = {
    absWorkingDir: folder,
    bundle: true,
    jsx: "automatic",
    format: "esm",
    define: { "process.env.NODE_ENV": '"development"' },
    logLevel: "warning",
  };
  await esbuild.build({ ...shared, entryPoints: [join(source, "browser.jsx")], outfile: "dist/browser.js" });
  await esbuild.build({
    ...shared,
    entryPoints: [join(source, "server.jsx")],
    outfile: "dist/server.mjs",
    platform: "node",
    banner: {
      js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);',
    },
  });
  writeFileSync(join(folder, "dist/index.html"), pageWith(""));
}

const pageWith = (html) =>
  `<!doctype html><link rel="icon" href="data:," /><div id="root">${html}</div>` +
  `<script type="module" src="/browser.js"></script>`;
