import { useTelemetry } from "langflow-telemetry/react";
import { Send } from "lucide-react";
import { useState } from "react";

import { addressWithTracking, doNotTrack } from "../address";
import { formatBytes, formatCount } from "../format";
import { Switch } from "../Switch";
import type { DropReason, Stats } from "../telemetry";
import { readStats } from "../useTelemetryStats";

const STATES: Record<Stats["state"], string> = {
  loading: "Loading",
  pending: "Waiting for consent",
  on: "On",
  off: "Off",
  stopped: "Stopped",
};

const REASONS: Record<string, string> = {
  do_not_track: "do not track is set",
  browser_signal: "the browser asks not to be tracked",
  opted_out: "you opted out",
  invalid_option: "an option is not valid",
  wasm_unavailable: "WebAssembly is not to be had here",
};

const DROPS: Record<DropReason, string> = {
  queue_full: "queue full",
  invalid: "not valid",
  too_large: "too large",
  rejected: "rejected",
  expired: "expired",
  opted_out: "opted out",
  sampled: "not in the sample",
  before_send: "by beforeSend",
};

/** What this page's client has captured, and where that is now. */
export function PagePanel({ stats }: { stats: Stats }) {
  const drops = (Object.entries(stats.dropped) as [DropReason, number][]).filter(([, count]) => count > 0);
  const dropped = drops.reduce((sum, [, count]) => sum + count, 0);
  const known = stats.captured + stats.recovered;
  const places = [
    { key: "sent", label: "Sent", count: stats.sent, testId: "stat-sent" },
    { key: "inFlight", label: "In flight", count: stats.inFlight, testId: "stat-inFlight" },
    { key: "queued", label: "Queued", count: stats.queued, testId: "stat-queued" },
    { key: "stored", label: "Stored", count: stats.stored, testId: "stat-stored" },
    { key: "dropped", label: "Dropped", count: dropped, testId: "stat-dropped" },
  ];
  return (
    <section className="panel page-panel" aria-labelledby="page-title">
      <div className="panel-head">
        <h2 id="page-title">This page</h2>
        <span className="pill" data-state={stats.state} data-testid="stat-state" data-value={stats.state}>
          {STATES[stats.state]}
        </span>
      </div>
      <div className="page-body">
        <div className="captured">
          <span data-testid="stat-captured" data-value={stats.captured}>
            {formatCount(stats.captured)}
          </span>
          <span>
            {stats.captured === 1 ? "event" : "events"} captured
            {stats.recovered > 0 && <>, {formatCount(stats.recovered)} from earlier</>}
          </span>
        </div>
        <div className="places-bar" aria-hidden>
          {known > 0 &&
            places
              .filter(({ count }) => count > 0)
              .map(({ key, count }) => <span key={key} data-place={key} style={{ flexGrow: count }} />)}
        </div>
        <dl className="places">
          {places.map(({ key, label, count, testId }) => (
            <div key={key}>
              <dt>
                <span className="swatch" data-place={key} aria-hidden />
                {label}
                {key === "queued" && stats.bytes > 0 && <small>{formatBytes(stats.bytes)}</small>}
                {key === "sent" && stats.retried > 0 && (
                  <small>{formatCount(stats.retried)} tried again</small>
                )}
                {key === "dropped" &&
                  drops.map(([reason, number]) => (
                    <small key={reason} data-testid={`stat-dropped-${reason}`}>
                      {drops.length > 1 && `${formatCount(number)} `}
                      {DROPS[reason]}
                    </small>
                  ))}
              </dt>
              <dd data-testid={testId} data-value={count}>
                {formatCount(count)}
              </dd>
            </div>
          ))}
        </dl>
        <FlushButton canFlush={stats.state === "on" || stats.state === "loading"} />
        <DoNotTrackSwitch stats={stats} />
      </div>
    </section>
  );
}

function FlushButton({ canFlush }: { canFlush: boolean }) {
  const { flush } = useTelemetry();
  const [result, setResult] = useState("");
  const send = async () => {
    setResult("Sending…");
    const acknowledged = await flush();
    readStats();
    setResult(acknowledged ? "All acknowledged" : "Not all could be delivered");
  };
  return (
    <div className="flush">
      <button
        type="button"
        className="button"
        data-testid="flush-button"
        aria-disabled={!canFlush}
        onClick={() => {
          if (canFlush) void send();
        }}
      >
        <Send aria-hidden /> Flush now
      </button>
      <span role="status">{canFlush ? result : ""}</span>
    </div>
  );
}

function DoNotTrackSwitch({ stats }: { stats: Stats }) {
  const { optIn, optOut } = useTelemetry();
  const isOff = stats.state === "off";
  const reason = stats.reason === undefined ? undefined : (REASONS[stats.reason] ?? stats.reason);
  // Off for want of WebAssembly, say, is off, but nobody's choice.
  const isChosen = ["do_not_track", "browser_signal", "opted_out"].includes(stats.reason ?? "");
  return (
    <Switch
      testId="dnt-switch"
      checked={isOff && isChosen}
      fixed={isOff && stats.reason !== "opted_out"}
      onChange={(checked) => {
        if (checked) optOut();
        else optIn();
        readStats();
      }}
      hint={
        doNotTrack ? (
          <>
            Set by the address. <a href={addressWithTracking()}>Open without it</a>
          </>
        ) : isOff && reason !== undefined ? (
          `Off: ${reason}.`
        ) : (
          "When on: no request, no storage, no listener."
        )
      }
    >
      Do not track
    </Switch>
  );
}
