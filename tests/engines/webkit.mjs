/** WebKitGTK, as Debian has it: its MiniBrowser, driven by WebKitWebDriver, on an X server without a screen. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync } from "node:fs";
import { connect, createServer } from "node:net";
import { createInterface } from "node:readline";

import { Builder, Capabilities } from "selenium-webdriver";

import { until } from "../e2e/harness/waiting.mjs";
import { asBrowser } from "./webdriver.mjs";

/** Where Debian puts it, by the library's version. */
function miniBrowser() {
  const places = readdirSync("/usr/lib")
    .map((triplet) => `/usr/lib/${triplet}/webkit2gtk-4.1/MiniBrowser`)
    .filter((place) => existsSync(place));
  if (places.length === 0) throw new Error("there is no MiniBrowser of webkit2gtk-4.1: run `.ci/webkit.sh`.");
  return places[0];
}

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

const answers = (port) =>
  new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    socket.once("close", () => socket.destroy());
    setTimeout(() => socket.destroy(), 1_000).unref();
  });

/** Starts all of it, with a profile of its own that ends with it. */
export async function launch() {
  const children = [];
  const start = (command, options, more) => {
    const child = spawn(command, options, { stdio: ["ignore", "ignore", "inherit"], ...more });
    children.push(child);
    return child;
  };
  const stop = () => children.reverse().forEach((child) => child.kill());
  process.on("exit", stop);

  // It writes the number of a display that is free to its third file.
  const xvfb = start("Xvfb", ["-displayfd", "3", "-nolisten", "tcp", "-screen", "0", "1280x800x24"], {
    stdio: ["ignore", "ignore", "ignore", "pipe"],
  });
  const [display] = await once(createInterface({ input: xvfb.stdio[3] }), "line");

  const port = await freePort();
  start("WebKitWebDriver", [`--port=${port}`], {
    env: { ...process.env, DISPLAY: `:${display}`, GDK_BACKEND: "x11", LIBGL_ALWAYS_SOFTWARE: "1" },
  });
  await until(() => answers(port));

  const capabilities = new Capabilities({
    browserName: "MiniBrowser",
    "webkitgtk:browserOptions": { binary: miniBrowser(), args: ["--automation"] },
  });
  const driver = await new Builder()
    .usingServer(`http://127.0.0.1:${port}`)
    .withCapabilities(capabilities)
    .build();
  const browser = await asBrowser(driver);
  return {
    ...browser,
    async close() {
      await browser.close();
      stop();
      process.off("exit", stop);
    },
  };
}
