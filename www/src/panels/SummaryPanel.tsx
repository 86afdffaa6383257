import type { CollectorState } from "../collector/useCollector";
import { formatCount, formatSeconds, formatShare } from "../format";
import { CollectorNotice } from "./CollectorNotice";

/** How often each kind of event was collected, and how it went. */
export function SummaryPanel({ collector }: { collector: CollectorState & { askAgain: () => void } }) {
  const kinds = collector.snapshot?.byEvent ?? [];
  return (
    <section className="panel summary-panel" aria-labelledby="summary-title">
      <div className="panel-head">
        <h2 id="summary-title">By kind of event</h2>
      </div>
      {kinds.length === 0 ? (
        <CollectorNotice collector={collector} empty="Nothing to sum up yet." brief />
      ) : (
        <div className="table-scroll" role="region" aria-label="Figures by kind of event" tabIndex={0}>
          <table className="table">
            <thead>
              <tr>
                <th scope="col">Event</th>
                <th scope="col" className="number">
                  Count
                </th>
                <th scope="col" className="number">
                  Success
                </th>
                <th scope="col" className="number">
                  Median
                </th>
                <th scope="col" className="number">
                  p95
                </th>
              </tr>
            </thead>
            <tbody>
              {kinds.map(({ event, count, successRate, p50Seconds, p95Seconds }) => (
                <tr key={event}>
                  <td>
                    <span className="event-kind" data-event={event}>
                      {event}
                    </span>
                  </td>
                  <td className="number">{formatCount(count)}</td>
                  <td className="number">{successRate === null ? "–" : formatShare(successRate)}</td>
                  <td className="number">{p50Seconds === null ? "–" : formatSeconds(p50Seconds)}</td>
                  <td className="number">{p95Seconds === null ? "–" : formatSeconds(p95Seconds)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}
