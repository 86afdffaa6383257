/** Reads from the collector: the newest events, and durations by component. */
import { endpoint } from "../address";
import { findOwnSession } from "../ownSession";

/** How many of the newest events the table shows. */
const EVENTS_SHOWN = 50;

/** A collector that has not answered by then, in ms, counts as unreachable. */
const ANSWER_WITHIN_MS = 8000;

/** A row of the collector: the envelope, and whichever fields the event has. */
export interface CollectedEvent {
  event: "run" | "shutdown" | "version" | "playground" | "component";
  session: string;
  seq: number;
  /** When it happened, Unix ms by the page's clock. */
  time: number;
  /** When it was stored, Unix ms by the collector's clock. */
  receivedAt: number;
  clientType: string;
  seconds?: number;
  success?: boolean;
  errorMessage?: string;
  name?: string;
  isWebhook?: boolean;
  componentCount?: number;
  timeRunning?: number;
  package?: string;
  version?: string;
  platform?: string;
  python?: string;
  arch?: string;
}

/** Figures over a group of events. What the group does not have, such as a duration of Version events, is null. */
export interface Figures {
  count: number;
  /** Share of those with an outcome that succeeded, 0 to 1. */
  successRate: number | null;
  p50Seconds: number | null;
  p95Seconds: number | null;
}

export type EventFigures = Figures & { event: CollectedEvent["event"] };
export type ComponentFigures = Figures & { name: string };

export interface Snapshot {
  /** Newest first. */
  events: CollectedEvent[];
  /** The session of this page's own events, once it is known. */
  ownSession: string | undefined;
  byEvent: EventFigures[];
  /** The most frequent first. */
  byComponent: ComponentFigures[];
}

/**
 * Throws where the endpoint is no URL, or the collector does not answer, or answers with something else than JSON
 * and a 2xx.
 */
export async function fetchSnapshot(signal: AbortSignal): Promise<Snapshot> {
  const newest = new URL(endpoint, window.location.href);
  newest.searchParams.set("limit", String(EVENTS_SHOWN));
  const [page, figures] = await Promise.all([
    fetchJson<{ events: CollectedEvent[] }>(newest, signal),
    // Beside `/v1/events` there is `/v1/stats`, wherever the collector is.
    fetchJson<{ events: EventFigures[]; components: ComponentFigures[] }>(new URL("stats", newest), signal),
  ]);
  return {
    events: page.events,
    ownSession: findOwnSession(page.events),
    byEvent: figures.events,
    byComponent: figures.components,
  };
}

async function fetchJson<Body>(url: URL, signal: AbortSignal): Promise<Body> {
  const response = await fetch(url, {
    signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_WITHIN_MS)]),
    headers: { accept: "application/json" },
  });
  if (!response.ok) throw new Error(`${url.pathname} answered ${response.status}`);
  return (await response.json()) as Body;
}
