import { Play, Square } from "lucide-react";

import type { Theme } from "../address";
import { Switch } from "../Switch";
import { useMediaQuery } from "../useMediaQuery";
import { FLOW } from "./components";
import { FlowCanvas } from "./FlowCanvas";
import type { Run, RunState } from "./useRun";

/** What the flow is given when it is run without a message from the playground. */
const DEFAULT_MESSAGE = "Hello, flow!";

interface FlowPanelProps {
  run: Run;
  theme: Theme;
  mayFail: boolean;
  onMayFail: (mayFail: boolean) => void;
}

export function FlowPanel({ run: { state, start, stop }, theme, mayFail, onMayFail }: FlowPanelProps) {
  // As wide as page.css gives the flow a column of its own.
  const vertical = useMediaQuery("(max-width: 1119px)");
  const isRunning = state.status === "running";
  return (
    <section className="panel flow-panel" aria-labelledby="flow-title">
      <div className="panel-head">
        <h2 id="flow-title">Flow</h2>
        <div className="run-status" role="status" data-testid="run-status" data-state={state.status}>
          <span className="dot" aria-hidden />
          {describe(state)}
        </div>
        <div className="flow-actions">
          <Switch checked={mayFail} onChange={onMayFail} testId="fail-switch">
            Some components fail
          </Switch>
          {/* aria-disabled, not disabled: a button that is disabled under the focus loses it. */}
          <button
            type="button"
            className="button"
            data-testid="stop-button"
            aria-disabled={!isRunning}
            onClick={stop}
          >
            <Square aria-hidden /> Stop
          </button>
          <button
            type="button"
            className="button button-primary"
            data-testid="run-button"
            aria-disabled={isRunning}
            onClick={() => start(DEFAULT_MESSAGE)}
          >
            <Play aria-hidden /> Run
          </button>
        </div>
        <div className="progress" aria-hidden data-state={state.status}>
          <span style={{ inlineSize: `${(100 * ended(state)) / FLOW.length}%` }} />
        </div>
      </div>
      <div className="flow-canvas">
        <FlowCanvas state={state} vertical={vertical} theme={theme} />
      </div>
    </section>
  );
}

function ended(state: RunState): number {
  return Object.values(state.components).filter(({ status }) => status === "done" || status === "failed")
    .length;
}

function describe(state: RunState): string {
  const current = state.current ?? "";
  switch (state.status) {
    case "idle":
      return "Not run yet";
    case "running": {
      const position = FLOW.findIndex(({ name }) => name === current) + 1;
      return position === 0 ? "Running" : `Running ${current}, ${position} of ${FLOW.length}`;
    }
    case "done":
      return `Done in ${totalSeconds(state).toFixed(2)} s`;
    case "failed":
      return `${current} failed`;
    case "stopped":
      return `Stopped at ${current}`;
  }
}

function totalSeconds(state: RunState): number {
  return Object.values(state.components).reduce((sum, { seconds = 0 }) => sum + seconds, 0);
}
