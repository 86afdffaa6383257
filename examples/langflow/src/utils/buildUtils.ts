import type { FlowRun } from "../customization/utils/analytics";
import { trackVertex } from "../customization/utils/analytics";
import { useFlowStore } from "../stores/flowStore";
import { useMessagesStore } from "../stores/messagesStore";
import type { BuildEvent, VertexBuildTypeAPI } from "../types";
import { BuildStatus } from "../types";

/** A vertex is shown as under way for so long at least, in ms: Langflow's own. */
export const MIN_VISUAL_BUILD_TIME_MS = 300;

interface BuildVerticesParams {
  flowId: string;
  startNodeId: string | undefined;
  stopNodeId: string | undefined;
  input_value: string | undefined;
  session: string | undefined;
  run: FlowRun;
  buildController: AbortController;
  onBuildComplete(allNodesValid: boolean): void;
  onBuildError(list: string[], ids: string[]): void;
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

const errorsOf = ({ data }: VertexBuildTypeAPI) =>
  Object.values(data.outputs).flatMap(({ message }) =>
    typeof message === "object" && message && "errorMessage" in message ? [String(message.errorMessage)] : [],
  );

export async function buildFlowVertices(params: BuildVerticesParams) {
  const { flowId, startNodeId, stopNodeId, input_value, session, run, buildController } = params;
  const startTimes = new Map<string, number>();
  const buildResults: boolean[] = [];
  const start = (ids: string[]) => {
    useFlowStore.getState().updateBuildStatus(ids, BuildStatus.TO_BUILD);
    for (const id of ids) startTimes.set(id, Date.now());
  };

  /** Whether to read on. */
  async function onEvent({ event, data }: BuildEvent): Promise<boolean> {
    switch (event) {
      case "vertices_sorted":
        start(data.ids);
        return true;
      // #region end_vertex
      case "end_vertex": {
        const { build_data } = data;
        const { nodes } = useFlowStore.getState();
        trackVertex(
          build_data,
          nodes.find(({ id }) => id === build_data.id),
        );
        // As before: from here on the UI takes its time.
        const shown = Date.now() - (startTimes.get(build_data.id) ?? 0);
        if (shown < MIN_VISUAL_BUILD_TIME_MS) await sleep(MIN_VISUAL_BUILD_TIME_MS - shown);
        // #endregion
        const store = useFlowStore.getState();
        if (build_data.inactivated_vertices)
          store.updateBuildStatus(build_data.inactivated_vertices, BuildStatus.INACTIVE);
        buildResults.push(build_data.valid || build_data.data.inactive === true);
        if (!buildResults.at(-1)) {
          params.onBuildError(errorsOf(build_data), [build_data.id]);
          return true;
        }
        store.updateBuildStatus([build_data.id], BuildStatus.BUILT);
        start(build_data.next_vertices_ids ?? []);
        return true;
      }
      case "add_message":
        useMessagesStore.getState().addMessage(data.text);
        return true;
      case "error":
        buildResults.push(false);
        params.onBuildError([data.text], []);
        return true;
      case "end":
        params.onBuildComplete(buildResults.every(Boolean));
        return false;
    }
  }

  const response = await fetch(`/api/v1/build/${flowId}/flow?event_delivery=direct`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ inputs: { input_value, session }, startNodeId, stopNodeId }),
    signal: buildController.signal,
  }).catch((error: unknown) => {
    if (buildController.signal.aborted) return undefined;
    throw error;
  });
  if (!response) return;
  if (!response.ok || !response.body) throw new Error("Flow not found");
  await readEvents(run, response.body, onEvent).catch((error: unknown) => {
    if (!buildController.signal.aborted) throw error;
  });
}

// #region stream
async function readEvents(
  run: FlowRun,
  body: ReadableStream<Uint8Array>,
  onEvent: (event: BuildEvent) => Promise<boolean>,
) {
  const reader = run.timed(body).getReader();
  // #endregion
  const decoder = new TextDecoder();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const parts = (rest + decoder.decode(value, { stream: true })).split("\n\n");
    rest = parts.pop() ?? "";
    // One after the other, each shown in full before the next: as Langflow does.
    for (const part of parts) if (!(await onEvent(JSON.parse(part) as BuildEvent))) return;
  }
}
