/** The built package, copied once, so that a build that runs meanwhile cannot give two pages different halves. */

import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const PACKAGE = process.env.LFT_PACKAGE ?? fileURLToPath(new URL("../../../pkg", import.meta.url));

/** A folder that is removed when this process ends. */
export function temporaryFolder() {
  const folder = mkdtempSync(join(tmpdir(), "langflow-telemetry-e2e-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

let copy;

/** The folder of the copy. */
export function packageFolder() {
  if (copy) return copy;
  const { files } = JSON.parse(readFileSync(join(PACKAGE, "package.json"), "utf8"));
  const missing = files.filter((file) => !existsSync(join(PACKAGE, file)));
  if (missing.length > 0) throw new Error(`${missing.join(", ")} not in ${PACKAGE}: run \`make package\`.`);
  const folder = temporaryFolder();
  for (const file of files) cpSync(join(PACKAGE, file), join(folder, file));
  return (copy = folder);
}
