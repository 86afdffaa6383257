/**
 * Which of the collector's sessions is this page's? The client does not tell its session to the page, rightly: it
 * is to join nothing. So the page remembers when it handed an event over, and looks for the session whose rows
 * happened at just those moments. That marks rows in a table and decides nothing else.
 */
import type { CollectedEvent } from "./collector/api";

interface Mark {
  event: string;
  name: string | undefined;
  /** Unix ms. */
  time: number;
}

/** A row's time may be this far from when the page handed the event over, in ms: rounding, and a slow machine. */
const TOLERANCE_MS = 40;

/** One agreement may be chance, when two pages run at once; three are not. */
const MARKS_NEEDED = 3;

/** More than the table shows is never compared. */
const MARKS_KEPT = 60;

const marks: Mark[] = [];

/** The session found last: its rows stay ours when the marks have gone. */
let own: string | undefined;

/** To be called right after an event was handed to the client. */
export function markCaptured(event: string, name?: string): void {
  marks.push({ event, name, time: Date.now() });
  if (marks.length > MARKS_KEPT) marks.shift();
}

/** The session with enough rows that are this page's, if there is one. */
export function findOwnSession(rows: readonly CollectedEvent[]): string | undefined {
  const agreements = new Map<string, number>();
  for (const row of rows) {
    const isOurs = marks.some(
      (mark) =>
        mark.event === row.event && mark.name === row.name && Math.abs(mark.time - row.time) <= TOLERANCE_MS,
    );
    if (!isOurs) continue;
    const count = (agreements.get(row.session) ?? 0) + 1;
    if (count >= MARKS_NEEDED) {
      own = row.session;
      break;
    }
    agreements.set(row.session, count);
  }
  return own;
}
