import { Check, X } from "lucide-react";
import type { ReactNode } from "react";

import type { CollectedEvent } from "../collector/api";
import type { CollectorState } from "../collector/useCollector";
import { formatClock, formatSeconds } from "../format";
import { CollectorNotice } from "./CollectorNotice";

/** The newest events the collector has, of this page and of others. */
export function EventsPanel({ collector }: { collector: CollectorState & { askAgain: () => void } }) {
  const { snapshot, status } = collector;
  return (
    <section className="panel events-panel" aria-labelledby="events-title">
      <div className="panel-head">
        <h2 id="events-title">In the collector</h2>
        <p className="panel-note" role="status">
          {snapshot !== undefined && status === "unreachable"
            ? "It does not answer; this is what it had."
            : snapshot?.ownSession !== undefined && (
                <>
                  <span className="own-swatch" aria-hidden /> this page
                </>
              )}
        </p>
      </div>
      {snapshot === undefined || snapshot.events.length === 0 ? (
        <CollectorNotice collector={collector} empty="No events yet. Run the flow to send some." />
      ) : (
        <div className="table-scroll" role="region" aria-label="Newest events" tabIndex={0}>
          <table className="table" data-testid="events-table">
            <thead>
              <tr>
                <th scope="col">Time</th>
                <th scope="col">Event</th>
                <th scope="col" className="wide-only">
                  Session · seq
                </th>
                <th scope="col" className="number">
                  Duration
                </th>
                <th scope="col" className="outcome">
                  <span className="sr-only">Outcome</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {snapshot.events.map((event) => (
                <EventRow
                  key={`${event.session}/${event.seq}`}
                  event={event}
                  isOwn={event.session === snapshot.ownSession}
                />
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

function EventRow({ event, isOwn }: { event: CollectedEvent; isOwn: boolean }) {
  return (
    <tr
      data-testid="event-row"
      data-event={event.event}
      data-session={event.session}
      data-seq={event.seq}
      data-own={isOwn}
    >
      <td className="time">{formatClock(event.time)}</td>
      <td className="what">
        <span className="event-kind" data-event={event.event}>
          {event.event}
        </span>
        <span className="event-subject">{subject(event)}</span>
        {event.errorMessage !== undefined && (
          <div className="event-error">{withPlaceholders(event.errorMessage)}</div>
        )}
      </td>
      <td className="key wide-only">
        {event.session}
        <span> · {event.seq}</span>
        {isOwn && <span className="sr-only"> (this page)</span>}
      </td>
      <td className="number">{duration(event)}</td>
      <td className="outcome">
        {event.success === true && <Check className="good" aria-label="succeeded" />}
        {event.success === false && <X className="bad" aria-label="failed" />}
      </td>
    </tr>
  );
}

/** What tells this event from others of its kind. */
function subject(event: CollectedEvent): ReactNode {
  switch (event.event) {
    case "component":
      return event.name;
    case "playground":
      return event.componentCount === undefined ? "" : `${event.componentCount} components`;
    case "run":
      return event.isWebhook === true ? "by webhook" : "";
    case "version":
      return [event.package, event.version, event.platform, event.arch].filter(Boolean).join(" · ");
    case "shutdown":
      return "page closed";
  }
}

function duration(event: CollectedEvent): string {
  const seconds = event.seconds ?? event.timeRunning;
  return seconds === undefined ? "" : formatSeconds(seconds);
}

/** The message, with what stands in the place of something scrubbed, such as `<email>`, set off. */
function withPlaceholders(message: string): ReactNode[] {
  return message
    .split(/(<[a-z]+>)/)
    .map((part, index) => (index % 2 === 1 ? <mark key={index}>{part}</mark> : part));
}
