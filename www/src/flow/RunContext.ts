import { createContext } from "react";

import type { RunState } from "./useRun";

/** The components' states, for the cards on the canvas: so that a step of the run does not make new nodes. */
export const ComponentStates = createContext<RunState["components"]>({});
