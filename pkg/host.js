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

/** Numbers that an event crosses as: RECORD in src/web/api.rs. */
const RECORD = 4;

/** Events that cross in one call: RECORDS_MAX there. */
const RECORDS_MAX = 512;

/** Memory of the module, lent for a text; empty once the module's memory has grown. */
let inbox = new Uint8Array();

/** The same for events. */
export let records = new Float64Array();

/** Events that wait in there, and the client whose they are: a function that has so many of them captured. */
let noted = 0;
let owner;

/** Whether the end of this task is waited for. */
let isAwaited = false;

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

/** Writes a text into the inbox. Returns its length in bytes. */
export const write = (text) => {
  // Most texts are short and ASCII: then this is faster than the encoder.
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 127) return encoder.encodeInto(text, inbox).written;
    inbox[i] = code;
  }
  return text.length;
};

/** Has the events that wait captured. */
export const drain = () => {
  const count = noted;
  noted = 0;
  if (count > 0) owner(count);
};

/** An `await` and no `Promise`: a page's own promises (zone.js) would have its change detection run at each event. */
const drainSoon = async () => {
  await undefined;
  isAwaited = false;
  drain();
};

/**
 * Has the events that wait captured, where one of this client's cannot wait with them, or has to be `alone`; says whether
 * there were any. To be asked until there are none: while they are captured, others may come in.
 */
export const makesWay = (client, alone) => {
  if (noted === 0 || (!alone && noted < RECORDS_MAX && owner === client)) return false;
  drain();
  return true;
};

/**
 * Takes a place for an event in `records`, for which `makesWay` has made room. It crosses with those that follow it, at the
 * end of this task at the latest: one by one, a call into the module cost as much as all that is done there. Whoever calls
 * the module for another reason drains first. The numbers are the caller's to write: passed on, each were an object on V8's
 * heap.
 */
export const reserve = (client) => {
  owner = client;
  if (!isAwaited) {
    isAwaited = true;
    drainSoon();
  }
  return noted++ * RECORD;
};

// What Rust imports.

export const call = (client, what, number, text, bytes) => {
  const result = hosts[client][what](text, number, bytes);
  return typeof result === "string" ? give(result) : Number(result ?? -1);
};
export const take = (room) => room.set(waiting);
export const lend = (memory) => {
  records = new Float64Array(memory.buffer, memory.byteOffset, RECORDS_MAX * RECORD);
  inbox = memory.subarray(records.byteLength);
};
export const refuse = (client, count, ...texts) => hosts[client].at(-1)(count, ...texts);
export const send = (client, ...request) => hosts[client].at(-2)(...request);

// Looked up at each call: a page may put clocks of its own in their place, as tests do.
export const monotonic = () => performance.now();
export const wall = () => Date.now();
export const random = () => Math.random();
