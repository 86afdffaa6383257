/**
 * What the module calls, and how texts get into it. Numbers, texts and bytes are all that crosses, and no JavaScript
 * object: handles to those, an import for each function and the code that passes texts with them weighed 1 KB
 * more than this.
 */

/** The functions of each client, in the order of `Ask` in src/web/mod.rs. Its number is its place; zero is none. */
const hosts = [[]];

const encoder = new TextEncoder();

/** The text that Rust takes next, once it has made room. */
let waiting;

/** Memory of the module, lent for the texts of an event; empty once the module's memory has grown. */
let inbox = new Uint8Array();

/** Gives a client a number. Its functions get a text, a number and bytes, and return a text, a number, a flag or nothing. */
export const enlist = (host) => hosts.push(Object.values(host)) - 1;

/** Has a text wait for Rust. Returns its length in bytes; -1 where there is none. */
export const give = (text) => {
  if (text === undefined) return -1;
  waiting = encoder.encode(text);
  return waiting.length;
};

/** Whether the inbox is there; if not, Rust has to lend it. */
export const hasInbox = () => inbox.length > 0;

/** Writes a text into the inbox from `at` on. Returns its length in bytes; -1 where there is none. */
export const write = (text, at) => {
  if (text === undefined) return -1;
  // Most texts are short and ASCII: then this is faster than the encoder.
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 127) return encoder.encodeInto(text, inbox.subarray(at)).written;
    inbox[at + i] = code;
  }
  return text.length;
};

// What Rust imports.

export const call = (client, what, number, text, bytes) => {
  const result = hosts[client][what](text, number, bytes);
  return typeof result === "string" ? give(result) : Number(result ?? -1);
};
export const take = (room) => room.set(waiting);
export const lend = (memory) => {
  inbox = memory;
};
export const tell = (client, count, ...texts) => hosts[client].at(-1)(count, ...texts);
export const send = (client, ...request) => hosts[client].at(-2)(...request);

// Looked up at each call: a page may put clocks of its own in their place, as tests do.
export const monotonic = () => performance.now();
export const wall = () => Date.now();
export const random = () => Math.random();
