import { lazy, Suspense } from "react";

import type { CollectorState } from "../collector/useCollector";
import { FLOW } from "../flow/components";
import { formatSeconds } from "../format";
import { CollectorNotice } from "./CollectorNotice";

// The chart library is more than half of the page's code, and nothing waits for it.
const DurationsChart = lazy(() => import("./DurationsChart"));

/** The most frequent components; more bars than these could not be read. */
const COMPONENTS_SHOWN = 8;

/** How long components take, as the collector has it from all pages. */
export function DurationsPanel({ collector }: { collector: CollectorState & { askAgain: () => void } }) {
  const components = (collector.snapshot?.byComponent ?? [])
    .slice(0, COMPONENTS_SHOWN)
    .sort((a, b) => placeInFlow(a.name) - placeInFlow(b.name) || a.name.localeCompare(b.name));
  return (
    <section className="panel durations-panel" aria-labelledby="durations-title">
      <div className="panel-head">
        <h2 id="durations-title">Component durations</h2>
        <p className="panel-note chart-legend" aria-hidden>
          <span data-series="p50" /> median <span data-series="p95" /> p95
        </p>
      </div>
      {components.length === 0 ? (
        <CollectorNotice collector={collector} empty="No component has reported yet." brief />
      ) : (
        <figure className="durations" data-testid="durations-chart">
          <Suspense fallback={null}>
            <DurationsChart components={components} />
          </Suspense>
          {/* The bars again for those who do not see them. */}
          <table className="sr-only">
            <caption>Durations by component</caption>
            <thead>
              <tr>
                <th scope="col">Component</th>
                <th scope="col">Executions</th>
                <th scope="col">Median</th>
                <th scope="col">95th percentile</th>
              </tr>
            </thead>
            <tbody>
              {components.map(({ name, count, p50Seconds, p95Seconds }) => (
                <tr key={name}>
                  <th scope="row">{name}</th>
                  <td>{count}</td>
                  <td>{formatSeconds(p50Seconds ?? 0)}</td>
                  <td>{formatSeconds(p95Seconds ?? 0)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </figure>
      )}
    </section>
  );
}

/** This flow's components in their order, those of other pages behind them. */
function placeInFlow(name: string): number {
  const place = FLOW.findIndex((component) => component.name === name);
  return place === -1 ? FLOW.length : place;
}
