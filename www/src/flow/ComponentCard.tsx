import { Handle, Position } from "@xyflow/react";
import type { Node, NodeProps } from "@xyflow/react";
import { Check, CircleSlash, LoaderCircle, Square, X } from "lucide-react";
import { use, useEffect, useState } from "react";

import { formatSeconds } from "../format";
import type { FlowComponent } from "./components";
import { ComponentStates } from "./RunContext";
import type { ComponentState } from "./useRun";

/** How often the running time is redrawn, in ms. */
const TICK_MS = 100;

export type ComponentNode = Node<{ component: FlowComponent; vertical: boolean }, "component">;

/** A component on the canvas: icon, name, how it fares, and its handles with their labels. */
export function ComponentCard({ data: { component, vertical } }: NodeProps<ComponentNode>) {
  const state = use(ComponentStates)[component.name] ?? { status: "idle" };
  const Icon = component.icon;
  return (
    <div className="card" data-status={state.status} data-accent={component.accent} data-vertical={vertical}>
      <div className="card-head">
        <span className="card-icon">
          <Icon aria-hidden />
        </span>
        <div className="card-title">
          <div className="card-name">{component.name}</div>
          <div className="card-status">
            <CardStatus state={state} purpose={component.purpose} />
          </div>
        </div>
      </div>
      <div className="card-ports">
        <span>{component.input}</span>
        <span>{component.output}</span>
      </div>
      {component.input !== undefined && (
        <Handle type="target" position={vertical ? Position.Top : Position.Left} isConnectable={false} />
      )}
      <Handle type="source" position={vertical ? Position.Bottom : Position.Right} isConnectable={false} />
    </div>
  );
}

function CardStatus({ state, purpose }: { state: ComponentState; purpose: string }) {
  const seconds = state.seconds === undefined ? "" : formatSeconds(state.seconds);
  switch (state.status) {
    case "idle":
      return purpose;
    case "waiting":
      return "Waiting";
    case "running":
      return (
        <>
          <LoaderCircle className="spin" aria-hidden /> Running <Elapsed />
        </>
      );
    case "done":
      return (
        <>
          <Check aria-label="Done" /> {seconds}
        </>
      );
    case "failed":
      return (
        <>
          <X aria-hidden /> Failed after {seconds}
        </>
      );
    case "stopped":
      return (
        <>
          <Square aria-hidden /> Stopped
        </>
      );
    case "inactive":
      return (
        <>
          <CircleSlash aria-hidden /> Not run
        </>
      );
  }
}

/** Time since it appeared. */
function Elapsed() {
  const [seconds, setSeconds] = useState(0);
  useEffect(() => {
    const startedAt = performance.now();
    const timer = setInterval(() => setSeconds((performance.now() - startedAt) / 1000), TICK_MS);
    return () => clearInterval(timer);
  }, []);
  return <span className="elapsed">{seconds.toFixed(1)} s</span>;
}
