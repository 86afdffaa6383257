/** Firefox, the one on PATH, by geckodriver. */

import { execFileSync } from "node:child_process";

import { Builder } from "selenium-webdriver";
import { Options, ServiceBuilder } from "selenium-webdriver/firefox.js";

import { REMOTE_HOST } from "../e2e/harness/browser.mjs";
import { asBrowser } from "./webdriver.mjs";

const NAMES = ["firefox-esr", "firefox"];

function which(names, hint) {
  for (const name of names) {
    try {
      return execFileSync("sh", ["-c", `command -v ${name}`], { encoding: "utf8" }).trim();
    } catch {
      // The next one.
    }
  }
  throw new Error(`none of ${names.join(", ")} is on PATH: run \`${hint}\`.`);
}

/**
 * @param {object} options
 * @param {Record<string, boolean | number | string>} [options.preferences]
 * @param {string} [options.profile] A folder that outlives it; else it starts with a new one.
 */
export async function launch({ preferences = {}, profile } = {}) {
  const options = new Options().addArguments("-headless").setBinary(which(NAMES, ".ci/firefox.sh"));
  if (profile) options.addArguments("-profile", profile);
  const all = {
    "network.dns.localDomains": REMOTE_HOST,
    // Whatever it would fetch by itself.
    "network.captive-portal-service.enabled": false,
    "network.connectivity-service.enabled": false,
    "app.normandy.enabled": false,
    "services.settings.server": "http://127.0.0.1:1/",
    "browser.safebrowsing.downloads.enabled": false,
    ...preferences,
  };
  for (const [name, value] of Object.entries(all)) options.setPreference(name, value);
  const driver = await new Builder()
    .forBrowser("firefox")
    .setFirefoxOptions(options)
    .setFirefoxService(new ServiceBuilder(which(["geckodriver"], ".ci/firefox.sh")))
    .build();
  return asBrowser(driver);
}
