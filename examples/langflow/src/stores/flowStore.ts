import { create } from "zustand";

import type { FlowRun } from "../customization/utils/analytics";
import { beginFlowRun, trackFlowBuild } from "../customization/utils/analytics";
import type { AllNodeType, BuildFlowParams, FlowType } from "../types";
import { BuildStatus } from "../types";
import { buildFlowVertices } from "../utils/buildUtils";

interface FlowStore {
  currentFlow: FlowType;
  nodes: AllNodeType[];
  isBuilding: boolean;
  flowBuildStatus: Record<string, BuildStatus>;
  buildInfo: { success: boolean; error?: string[] } | null;
  buildController: AbortController;
  run: FlowRun | undefined;
  setNodes(nodes: AllNodeType[]): void;
  updateBuildStatus(ids: string[], status: BuildStatus): void;
  buildFlow(params: BuildFlowParams): Promise<void>;
  stopBuilding(): void;
}

export const useFlowStore = create<FlowStore>((set, get) => ({
  currentFlow: { id: "00000000-0000-4000-8000-000000000000", name: "Untitled" },
  nodes: [],
  isBuilding: false,
  flowBuildStatus: {},
  buildInfo: null,
  buildController: new AbortController(),
  run: undefined,

  setNodes: (nodes) => set({ nodes }),

  updateBuildStatus: (ids, status) =>
    set({
      flowBuildStatus: { ...get().flowBuildStatus, ...Object.fromEntries(ids.map((id) => [id, status])) },
    }),

  // #region build
  buildFlow: async ({ startNodeId, stopNodeId, input_value, session }) => {
    // What a person wrote in the playground comes as input_value; a run from the canvas has none.
    const run = beginFlowRun(get().nodes.length, input_value !== undefined);
    set({ isBuilding: true, buildInfo: null, buildController: new AbortController(), run });
    try {
      await buildFlowVertices({
        flowId: get().currentFlow.id,
        startNodeId,
        stopNodeId,
        input_value,
        session,
        run,
        buildController: get().buildController,
        onBuildComplete(allNodesValid) {
          run.ended(allNodesValid);
          set({ isBuilding: false, buildInfo: { success: allNodesValid } });
          void trackFlowBuild(get().currentFlow.name, false, { flowId: get().currentFlow.id });
        },
        onBuildError(list, ids) {
          run.ended(false, list[0]);
          set({ isBuilding: false, buildInfo: { success: false, error: list } });
          get().updateBuildStatus(ids, BuildStatus.ERROR);
          void trackFlowBuild(get().currentFlow.name, true, { flowId: get().currentFlow.id, error: list });
        },
      });
    } catch (error) {
      run.ended(false, error);
      throw error;
    } finally {
      // The stream broke off without a last word. After any of the above this does nothing.
      run.ended(false);
      set({ isBuilding: false });
    }
  },

  stopBuilding: () => {
    get().run?.stopped();
    get().buildController.abort();
    set({ isBuilding: false });
  },
  // #endregion
}));
