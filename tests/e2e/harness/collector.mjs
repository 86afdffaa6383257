/** The real collector, as a process of its own, with a database of its own. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const REPOSITORY = fileURLToPath(new URL("../../../", import.meta.url));

/** Where `make collector` leaves it. */
const COLLECTOR =
  process.env.COLLECTOR ?? resolve(REPOSITORY, process.env.CARGO_TARGET_DIR || "target", "release/collector");

/** A collector that is not ready by then never will be, in ms. */
const READY_DEADLINE_MS = 20_000;

/** Children still running when this process ends, for whatever reason, are ended with it. */
const running = new Set();
process.on("exit", () => running.forEach((child) => child.kill("SIGKILL")));

/**
 * Starts a collector on a free port, which it keeps across restarts.
 *
 * @param {{ db: string, www?: string }} options `www`: a folder to serve at /.
 */
export async function startCollector({ db, www }) {
  if (!existsSync(COLLECTOR)) throw new Error(`${COLLECTOR} is not there: run \`make collector\`.`);
  let child;
  let port = 0;

  const start = async () => {
    const options = ["--db", db, "--listen", `127.0.0.1:${port}`, "--allow-origin", "*"];
    child = spawn(COLLECTOR, [...options, ...(www ? ["--www", www] : [])], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    running.add(child);
    const lines = createInterface({ input: child.stdout });
    const [line] = await Promise.race([
      once(lines, "line", { signal: AbortSignal.timeout(READY_DEADLINE_MS) }),
      once(child, "exit").then(([code]) => Promise.reject(new Error(`the collector ended with ${code}`))),
    ]);
    port = Number(new URL(/http:\S+/.exec(line)[0]).port);
  };

  const end = async (signal) => {
    running.delete(child);
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exit = once(child, "exit");
    child.kill(signal);
    await exit;
  };

  await start();
  return {
    db,
    port,
    url: `http://127.0.0.1:${port}`,
    /** As a power cut would: no signal handler runs. */
    kill: () => end("SIGKILL"),
    /** On the same port, with the same database. */
    restart: start,
    stop: () => end("SIGTERM"),
  };
}
