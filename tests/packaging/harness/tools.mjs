/** Runs an app's own tools: a build until it ends, or a server until it is stopped. */

import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import { join } from "node:path";
import { promisify } from "node:util";

import { until } from "../../e2e/harness/waiting.mjs";

const run = promisify(execFile);

/** Tools that would else tell their makers about this build, or look for a newer version of themselves. */
const QUIET = {
  NEXT_TELEMETRY_DISABLED: "1",
  PARCEL_DISABLE_TELEMETRY: "1",
  NO_UPDATE_NOTIFIER: "1",
  NO_COLOR: "1",
};

/** Servers still running when this process ends, for whatever reason, are ended with it. */
const running = new Set();
process.on("exit", () => running.forEach(kill));

/** The whole group: npm's and Next's commands are parents of the process that listens. */
function kill({ pid }) {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // It has ended by itself.
  }
}

const settings = (folder, env) => ({ cwd: folder, env: { ...process.env, ...QUIET, ...env } });

const executable = (folder, command) =>
  command === "node" ? process.execPath : join(folder, "node_modules/.bin", command);

/**
 * Runs a tool to its end; where it fails, the error has what it printed.
 *
 * @param {string} folder The app's.
 * @param {string[]} commandLine A command of its node_modules, or `node`, and its arguments.
 */
export async function build(folder, [command, ...args], env = {}) {
  await run(executable(folder, command), args, settings(folder, env)).catch((error) => {
    throw new Error(`${command} ${args.join(" ")} in ${folder}:\n${error.stdout}\n${error.stderr}`);
  });
}

/**
 * Starts a server, and waits until it answers.
 *
 * @param {string} folder
 * @param {(port: number) => string[]} commandLine
 */
export async function serve(folder, commandLine, env = {}) {
  const port = await freePort();
  const [command, ...args] = commandLine(port);
  const child = spawn(executable(folder, command), args, { ...settings(folder, env), detached: true });
  running.add(child);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (data) => (output += data));
  const origin = `http://127.0.0.1:${port}`;
  const answers = () => {
    if (child.exitCode !== null) throw new Error(`${command} ${args.join(" ")} ended:\n${output}`);
    return fetch(origin).then(
      ({ ok }) => ok,
      () => false,
    );
  };
  await until(answers, () => `${command} ${args.join(" ")} answers; it said:\n${output}`);
  return {
    origin,
    async stop() {
      running.delete(child);
      const exit = once(child, "exit");
      kill(child);
      if (child.exitCode === null && child.signalCode === null) await exit;
    },
  };
}

async function freePort() {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}
