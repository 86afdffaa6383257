/** A real Chromium, the one on PATH, driven through playwright-core. */

import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

import { chromium } from "playwright-core";

const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/** A name that leads here and that Chromium does not take for this machine: so `offline` means something. */
export const REMOTE_HOST = "collector.test";

/** Without the network that Chromium asks for by itself, and as root, which knows no sandbox. */
export const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  `--host-resolver-rules=MAP ${REMOTE_HOST} 127.0.0.1`,
];

export function executable() {
  if (process.env.CHROMIUM) return process.env.CHROMIUM;
  const folders = process.env.PATH.split(delimiter);
  const places = NAMES.flatMap((name) => folders.map((folder) => join(folder, name)));
  const found = places.find((place) => {
    try {
      accessSync(place, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
  if (!found) throw new Error(`none of ${NAMES.join(", ")} is on PATH: run \`make browser\`.`);
  return found;
}

/** Starts it, with the back/forward cache that Playwright would switch off and that every user has. */
export function launch() {
  return chromium.launch({
    executablePath: executable(),
    args: FLAGS,
    ignoreDefaultArgs: ["--disable-back-forward-cache"],
  });
}
