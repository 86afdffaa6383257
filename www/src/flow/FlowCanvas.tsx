import { Background, Controls, ReactFlow, useReactFlow, useStore } from "@xyflow/react";
import type { Edge, FitViewOptions } from "@xyflow/react";
import { useEffect, useMemo } from "react";

import type { Theme } from "../address";
import { ComponentCard } from "./ComponentCard";
import type { ComponentNode } from "./ComponentCard";
import { FLOW } from "./components";
import { ComponentStates } from "./RunContext";
import type { RunState } from "./useRun";

const NODE_TYPES = { component: ComponentCard };

/** From one card's corner to the next one's, in canvas pixels. */
const STEP_ACROSS = { x: 244, y: 56 };
const STEP_DOWN = 94;

/** The attribution stands below the cards. */
const FIT: FitViewOptions = { padding: { x: "36px", top: "20px", bottom: "28px" }, maxZoom: 1.1 };

/** Fills the place it is given; the cards lie side by side, or one under the other where it is `vertical`. */
export function FlowCanvas({ state, vertical, theme }: { state: RunState; vertical: boolean; theme: Theme }) {
  const nodes = useMemo(() => FLOW.map((_, index) => placed(index, vertical)), [vertical]);
  const edges = useMemo(() => connections(state), [state]);
  return (
    <ComponentStates value={state.components}>
      <ReactFlow
        // A new layout is a new canvas: handles move to other sides of the cards.
        key={vertical ? "vertical" : "across"}
        defaultNodes={nodes}
        edges={edges}
        nodeTypes={NODE_TYPES}
        colorMode={theme}
        fitView
        fitViewOptions={FIT}
        minZoom={0.4}
        maxZoom={1.6}
        aria-label="The flow: five components in a row"
        // The wheel scrolls the page, and where all is in one column so does a swipe; there are buttons to zoom.
        zoomOnScroll={false}
        zoomOnDoubleClick={false}
        preventScrolling={false}
        zoomOnPinch={!vertical}
        panOnDrag={!vertical}
        nodesDraggable={!vertical}
        nodesFocusable={!vertical}
        nodesConnectable={false}
        edgesFocusable={false}
        deleteKeyCode={null}
        selectionKeyCode={null}
      >
        <Background gap={18} size={1.5} />
        {!vertical && (
          <Controls
            showInteractive={false}
            fitViewOptions={FIT}
            position="bottom-left"
            orientation="horizontal"
          />
        )}
        <FitToPlace />
      </ReactFlow>
    </ComponentStates>
  );
}

/** Fits the flow again whenever the canvas gets another size. */
function FitToPlace() {
  const { fitView } = useReactFlow();
  const width = useStore((store) => store.width);
  const height = useStore((store) => store.height);
  useEffect(() => {
    if (width > 0 && height > 0) void fitView(FIT);
  }, [fitView, width, height]);
  return null;
}

function placed(index: number, vertical: boolean): ComponentNode {
  const component = FLOW[index];
  if (!component) throw new RangeError(`the flow has no component ${index}`);
  return {
    id: component.name,
    type: "component",
    position: vertical
      ? { x: 0, y: index * STEP_DOWN }
      : { x: index * STEP_ACROSS.x, y: index % 2 === 0 ? 0 : STEP_ACROSS.y },
    data: { component, vertical },
    ariaLabel: `${component.name} component`,
  };
}

function connections(state: RunState): Edge[] {
  return FLOW.slice(1).map((target, index) => {
    const source = FLOW[index];
    if (!source) throw new RangeError(`the flow has no component ${index}`);
    const reached = state.components[target.name]?.status ?? "idle";
    return {
      id: `${source.name}-${target.name}`,
      source: source.name,
      target: target.name,
      className: `edge-${reached}`,
      selectable: false,
    };
  });
}
