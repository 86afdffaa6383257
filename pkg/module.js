/**
 * Instantiates the module, and lets numbers, texts and bytes through: what wasm-bindgen's own glue does, which the tests
 * in a browser go by, in a quarter of its bytes (1.2 KB after brotli). That has a class of adapter for whatever a module
 * may export or import, and another way to load it; ours are these few.
 *
 * pkg/build.mjs makes dist/langflow_telemetry.js of this: a name with a $ becomes the short one that the module has for
 * what is called so in src/web.
 */

import { call, lend, monotonic, random, refuse, send, take, wall } from "./host.js";

export let answer, command, hear, inbox, learn, open, stat, track, version;

let memory;

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** A view of the module's memory, made anew each time: when it grows, all views are lost. */
const bytes = (at, length) => new Uint8Array(memory.buffer, at, length);

/** Most calls have none, and a decoder that is asked a few times is slow: ten microseconds. */
const text = (at, length) => (length ? decoder.decode(bytes(at, length)) : "");

const imports = {
  $call: (client, what, number, at, length, lines, size) =>
    call(client, what, number, text(at, length), size && bytes(lines, size)),
  $take: (...room) => take(bytes(...room)),
  $lend: (...room) => lend(bytes(...room)),
  $refuse: (client, count, subject, length, ...expected) =>
    refuse(client, count, text(subject, length), text(...expected)),
  $send: (client, attempt, via, url, urlLength, body, bodyLength, ...type) =>
    send(client, attempt, via, text(url, urlLength), bytes(body, bodyLength), text(...type)),
  $monotonic: monotonic,
  $wall: wall,
  $random: random,
};

/** Once: the clients of a page share it. `module` may be its bytes. */
export function initSync({ module }) {
  if (memory) return;
  if (!(module instanceof WebAssembly.Module)) module = new WebAssembly.Module(module);
  ({
    $memory: memory,
    $answer: answer,
    $command: command,
    $hear: hear,
    $inbox: inbox,
    $learn: learn,
    $open: open,
    $stat: stat,
    $track: track,
    $version: version,
  } = new WebAssembly.Instance(module, { $module: imports }).exports);
}
