/**
 * The events of the load: what a page of the playground sends, line for line as the client encodes them. Every line
 * follows from its session's number and its own, so that the rows can be checked against it afterwards.
 */

/** Events in a batch: the client's own limit, `maxBatchEvents`. */
export const BATCH_EVENTS = 50;

/** Batches of a session: half an hour of a flow a minute. */
const SESSION_BATCHES = 8;

/** When the first event happened, Unix ms. */
const START = 1_763_834_701_123;

const NAMES = [
  "ChatInput",
  "Prompt",
  "LanguageModel",
  "Parser",
  "ChatOutput",
  "VectorStoreRetriever",
  "APIRequest",
];

const ERROR =
  "ValueError: no such model: <path> at line 42 of the component, see the log for what came before";

const SESSION_CHARS = 12;

/** The key of session `number` of a run: 12 characters of 0-9a-z. */
export const sessionOf = (number) => number.toString(36).padStart(SESSION_CHARS, "0");

/**
 * An event without its session: a flow of seven components and its run, over and over, a failure now and then, and
 * what a page begins and ends with.
 */
export function eventOf(number, seq) {
  const last = SESSION_BATCHES * BATCH_EVENTS - 1;
  const time = START + number * 1_000 + seq * 137;
  const origin = { seq, time, clientType: "browser" };
  if (seq === 0) {
    const app = { package: "langflow", version: "1.13.0", platform: "Linux", python: "3.12", arch: "x86_64" };
    return { event: "version", ...origin, ...app, autoLogin: true, cacheType: "memory", backendOnly: false };
  }
  if (seq === last) return { event: "shutdown", ...origin, timeRunning: 1_834.207 };
  const seconds = ((number * 7 + seq * 31) % 9_000) / 1_000;
  const success = seq % 23 !== 0;
  const outcome = { seconds, success, ...(!success && { errorMessage: ERROR }) };
  if (seq % 8 === 7) return { event: "playground", ...origin, componentCount: 7, ...outcome };
  return { event: "component", ...origin, name: NAMES[seq % NAMES.length], ...outcome };
}

/** Batch `index` of session `number` as a request's body; undefined after the session's last. */
export function batchOf(number, index) {
  if (index >= SESSION_BATCHES) return undefined;
  const session = sessionOf(number);
  let body = "";
  for (let seq = index * BATCH_EVENTS; seq < (index + 1) * BATCH_EVENTS; seq++) {
    const { event, ...rest } = eventOf(number, seq);
    body += `${JSON.stringify({ event, session, ...rest })}\n`;
  }
  return body;
}
