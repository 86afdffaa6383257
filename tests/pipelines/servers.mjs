/** Servers that are not ours, each a process of its own, on a free port, with a folder of its own. */

import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { accessSync, constants, cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

import { packageFolder, temporaryFolder } from "../e2e/harness/package.mjs";
import { until } from "../e2e/harness/waiting.mjs";

const REPOSITORY = fileURLToPath(new URL("../../", import.meta.url));

/** Python with tests/pipelines/requirements.txt: `make test-pipelines` makes it. */
export const PYTHON =
  process.env.PIPELINES_PYTHON ?? fileURLToPath(new URL(".venv/bin/python", import.meta.url));

/** nginx and ClickHouse are in sbin, which is not on everyone's PATH. */
const FOLDERS = [...process.env.PATH.split(delimiter), "/usr/sbin", "/usr/local/sbin"];

/** What a server has said, for the error when it does not start: its last lines, in characters. */
const WORDS_MAX = 4_000;

/** Children still running when this process ends, for whatever reason, are ended with it. */
const running = new Set();
process.on("exit", () => running.forEach((child) => child.kill("SIGKILL")));

/** The text of a file of this repository. */
export const textOf = (path) => readFileSync(join(REPOSITORY, path), "utf8");

/** Where a program is; an error that says how to get it where it is not. */
export function program(name, remedy) {
  const found = FOLDERS.map((folder) => join(folder, name)).find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
  if (!found) throw new Error(`${name} is not there: ${remedy}.`);
  return found;
}

/** A port that is free now. For programs that cannot be told to take any and say which. */
export async function freePort() {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

/**
 * Replaces each `[from, to]` in a text, as String.replaceAll does. Each `from` has to be there: else an example has changed and the test would
 * run something else.
 */
export function adapted(text, replacements) {
  return replacements.reduce((all, [from, to]) => {
    if (typeof from === "string" ? !all.includes(from) : !from.test(all))
      throw new Error(`expected ${from} in\n${all}`);
    return all.replaceAll(from, to);
  }, text);
}

/**
 * Starts a program and waits until `ready` says so.
 *
 * @param {string} command
 * @param {string[]} parameters
 * @param {(words: string) => T | Promise<T>} ready Asked until truthy, with all that it has said.
 * @param {object} [options] Of spawn.
 * @template T
 */
export async function start(command, parameters, ready, options = {}) {
  const child = spawn(command, parameters, { ...options, stdio: ["ignore", "pipe", "pipe"] });
  running.add(child);
  const state = { words: "", ended: undefined };
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text) => (state.words += text));
  child.once("error", (error) => (state.ended = error.message));
  child.once("exit", (code, signal) => (state.ended = `ended with ${code ?? signal}`));
  const said = () => `${command} ${state.ended ?? "runs"}: ${state.words.slice(-WORDS_MAX)}`;
  const answer = await until(() => {
    if (state.ended) throw new Error(said());
    return ready(state.words);
  }, said).catch((error) => {
    child.kill("SIGKILL");
    throw error;
  });
  return {
    answer,
    words: () => state.words,
    async stop(signal = "SIGTERM") {
      running.delete(child);
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exit = once(child, "exit");
      child.kill(signal);
      await exit;
    },
  };
}

/** Whether something answers at an address. */
export const answers = (url) =>
  fetch(url).then(
    (response) => response.arrayBuffer().then(() => true),
    () => false,
  );

/** A folder with the test page of the end-to-end tests and the package, as a web server would have it. */
export function pageFolder() {
  const folder = temporaryFolder();
  cpSync(join(REPOSITORY, "tests/e2e/pages"), folder, { recursive: true });
  cpSync(packageFolder(), join(folder, "lt"), { recursive: true });
  return folder;
}

/**
 * nginx with one of the examples/pipelines/*.conf, and the test page.
 *
 * @param {string} example
 * @param {[string | RegExp, string][]} replacements Addresses, and what an old receiver does not know.
 */
export async function startNginx(example, replacements) {
  const nginx = program("nginx", "apt-get install nginx-light");
  const folder = temporaryFolder();
  const port = await freePort();
  const site = adapted(textOf(`examples/pipelines/${example}`), [
    ["listen 8080;", `listen 127.0.0.1:${port};`],
    ["/srv/www", pageFolder()],
    ["/var/log/nginx/error.log", join(folder, "error.log")],
    ...replacements,
  ]);
  writeFileSync(join(folder, "site.conf"), site);
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (name) => `${name}_temp_path ${join(folder, name)};`,
  );
  writeFileSync(
    join(folder, "nginx.conf"),
    // As root it would serve as a user who may not look into the folder.
    `${process.getuid() === 0 ? "user root;" : ""} daemon off; pid ${join(folder, "nginx.pid")}; error_log stderr; worker_processes 1;
     events {}
     http {
       access_log off; ${temporary.join(" ")}
       types { text/html html; text/javascript js mjs; application/wasm wasm; }
       include ${join(folder, "site.conf")};
     }`,
  );
  const url = `http://127.0.0.1:${port}`;
  // From the start, errors before the configuration is read go to stderr too, not to /var/log.
  const parameters = ["-p", folder, "-c", join(folder, "nginx.conf"), "-e", "stderr"];
  const server = await start(nginx, parameters, () => answers(url));
  return { ...server, url };
}

/** A script of this folder that prints "listening on ADDRESS". */
async function startPython(script, ...parameters) {
  if (!existsSync(PYTHON)) throw new Error(`${PYTHON} is not there: run \`make test-pipelines\`.`);
  const file = fileURLToPath(new URL(script, import.meta.url));
  const address = (words) => /listening on (\S+)\n/.exec(words)?.[1];
  return start(PYTHON, [file, ...parameters], address);
}

/** The engine of a current ClickHouse behind clickhouse_http.py. */
export async function startCurrentClickhouse() {
  const server = await startPython("clickhouse_http.py", join(temporaryFolder(), "db"));
  return clickhouse(server, server.answer);
}

/** A Kafka broker of kafka_broker.py with one topic, and the messages that were sent to it. */
export async function startKafka(topic) {
  const server = await startPython("kafka_broker.py", topic);
  const messages = () =>
    server
      .words()
      .split("\n")
      .slice(0, -1)
      .filter((line) => line.startsWith("["));
  return { ...server, address: server.answer, messages: () => messages().map((line) => JSON.parse(line)) };
}

/** Debian's ClickHouse server: 18.16, of 2018, with an HTTP interface of its own. */
export async function startDebianClickhouse() {
  const command = program("clickhouse-server", "apt-get install clickhouse-server");
  const folder = temporaryFolder();
  const [http, tcp] = [await freePort(), await freePort()];
  for (const name of ["data", "tmp", "user_files"]) mkdirSync(join(folder, name));
  writeFileSync(
    join(folder, "config.xml"),
    `<yandex>
       <logger><level>warning</level><console>1</console></logger>
       <listen_host>127.0.0.1</listen_host><http_port>${http}</http_port><tcp_port>${tcp}</tcp_port>
       <path>${folder}/data/</path><tmp_path>${folder}/tmp/</tmp_path>
       <user_files_path>${folder}/user_files/</user_files_path>
       <users_config>${folder}/users.xml</users_config>
       <default_profile>default</default_profile><default_database>default</default_database>
       <mark_cache_size>16777216</mark_cache_size><timezone>UTC</timezone>
     </yandex>`,
  );
  const user = (name, key) =>
    `<${name}><password>${key}</password><networks><ip>127.0.0.1</ip></networks>` +
    `<profile>default</profile><quota>default</quota></${name}>`;
  const telemetryKey = "the key of a user that may INSERT into langflow_events_in and no more";
  writeFileSync(
    join(folder, "users.xml"),
    `<yandex><profiles><default></default></profiles><quotas><default></default></quotas>
     <users>${user("default", "")}${user("telemetry", telemetryKey)}</users></yandex>`,
  );
  const url = `http://127.0.0.1:${http}`;
  const server = await start(command, [`--config-file=${join(folder, "config.xml")}`], () => answers(url), {
    cwd: folder,
  });
  return clickhouse(server, url);
}

function clickhouse(server, url) {
  const query = async (sql, parameters = {}) => {
    const address = `${url}/?${new URLSearchParams(parameters)}`;
    const response = await fetch(address, { method: "POST", body: sql });
    const text = await response.text();
    if (!response.ok) throw new Error(`${response.status} to ${sql}: ${text}`);
    return text;
  };
  return {
    ...server,
    url,
    query,
    /** Statements one by one, as `clickhouse-client --multiquery` runs a file: over HTTP a request is one. */
    async script(text) {
      // A comment may end in a semicolon too.
      const bare = text.replace(/^ *--.*\n/gm, "");
      for (const statement of bare.split(/;\n/).filter((one) => one.trim())) await query(statement);
    },
    /** The rows of a SELECT. */
    async rows(select) {
      const plainIntegers = { output_format_json_quote_64bit_integers: "0" };
      const text = await query(`${select} FORMAT JSONEachRow`, plainIntegers);
      return text.split("\n").filter(Boolean).map(JSON.parse);
    },
  };
}

/** Vite's development server with examples/pipelines/vite.config.js, and the test page. */
export async function startVite(replacements) {
  const vite = join(REPOSITORY, "www/node_modules/vite/bin/vite.js");
  if (!existsSync(vite)) throw new Error(`${vite} is not there: run \`make npm\`.`);
  const config = join(temporaryFolder(), "vite.config.mjs");
  writeFileSync(config, adapted(textOf("examples/pipelines/vite.config.js"), replacements));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const where = ["--config", config, "--host", "127.0.0.1", "--port", String(port), "--strictPort"];
  const server = await start(process.execPath, [vite, pageFolder(), ...where], () => answers(url));
  return { ...server, url };
}

/** Rotel, an OpenTelemetry collector, with one of the examples/pipelines/rotel-*.env. */
export async function startRotel(example, replacements) {
  const find = "import rotel, os; print(os.path.join(os.path.dirname(rotel.__file__), 'rotel-agent'))";
  const found = spawnSync(PYTHON, ["-c", find], { encoding: "utf8" });
  if (found.status !== 0) throw new Error(`${PYTHON} has no rotel: run \`make test-pipelines\`.`);
  const [http, grpc] = [await freePort(), await freePort()];
  const settings = adapted(textOf(`examples/pipelines/${example}`), [
    ["127.0.0.1:4318", `127.0.0.1:${http}`],
    ["127.0.0.1:4317", `127.0.0.1:${grpc}`],
    ...replacements,
  ]);
  const lines = settings.split("\n").filter((line) => line && !line.startsWith("#"));
  const env = Object.fromEntries(lines.map((line) => /^(\w+)=(.*)$/.exec(line).slice(1)));
  const folder = temporaryFolder();
  env.ROTEL_PID_FILE = join(folder, "pid");
  env.ROTEL_LOG_FILE = join(folder, "log");
  const url = `http://127.0.0.1:${http}`;
  const server = await start(found.stdout.trim(), ["start"], () => answers(url), { env });
  return { ...server, url };
}
