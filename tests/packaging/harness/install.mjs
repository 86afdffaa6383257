/**
 * Installs an app of apps/ as a user would: its own packages from its lock file, then the packed tarball. What is
 * there already, and is of the same lock or the same tarball, stays.
 */

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const APPS = fileURLToPath(new URL("../apps", import.meta.url));
const PACKAGE = fileURLToPath(new URL("../../../pkg", import.meta.url));
const { name: NAME, version } = JSON.parse(readFileSync(join(PACKAGE, "package.json"), "utf8"));

/** Where `make package` leaves it. */
export const TARBALL = process.env.LFT_TARBALL ?? join(PACKAGE, `${NAME}-${version}.tgz`);

/**
 * Install scripts stay off: every tool here comes with its binaries as packages. What npm has in its cache it need not
 * ask for again: versions are pinned.
 */
const QUIET = ["--prefer-offline", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];

const digest = (...files) => {
  const hash = createHash("sha256");
  for (const file of files) hash.update(readFileSync(file));
  return hash.digest("hex");
};

/**
 * Makes an app ready to be built, and returns its folder.
 *
 * @param {string} name A folder of apps/ with a package.json and a package-lock.json.
 * @param {string} pagesOf The app whose pages it has, where they are not its own.
 */
export function installApp(name, pagesOf = name) {
  if (!existsSync(TARBALL)) throw new Error(`${TARBALL} is not there: run \`make package\`.`);
  const folder = join(APPS, name);
  if (pagesOf !== name) {
    const isPage = (file) => /\.(html|js)$/.test(file);
    for (const file of readdirSync(join(APPS, pagesOf)).filter(isPage))
      copyFileSync(join(APPS, pagesOf, file), join(folder, file));
  }
  const npm = (...args) => execFileSync("npm", [...args, ...QUIET], { cwd: folder, stdio: "inherit" });

  once(join(folder, "node_modules/.lock-installed"), digest(join(folder, "package-lock.json")), () =>
    npm("ci"),
  );
  once(join(folder, "node_modules/.tarball-installed"), digest(TARBALL), () => {
    // npm takes a tarball of the same version for the one it has.
    rmSync(join(folder, "node_modules", NAME), { recursive: true, force: true });
    npm("install", "--no-save", "--no-package-lock", TARBALL);
  });
  return folder;
}

/** Does the work unless the stamp says that it is done for this digest. `npm ci` removes the stamps by itself. */
function once(stamp, wanted, work) {
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return;
  work();
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, wanted);
}
