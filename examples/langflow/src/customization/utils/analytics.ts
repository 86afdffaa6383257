/** The seam: all that Langflow's frontend knows of telemetry is in this file. */

import type { AppInfo } from "langflow-telemetry/gateway";
import {
  doNotTrackFromEnv,
  init,
  optIn,
  shutdown,
  startPlayground,
  startRun,
  stats,
  trackComponent,
} from "langflow-telemetry/gateway";

import { useTypesStore } from "../../stores/typesStore";
import type { AllNodeType, ConfigResponse, VersionResponse, VertexBuildTypeAPI } from "../../types";
import { TELEMETRY } from "../config-constants";

// #region start
/** Facts for the Version event. */
let app: AppInfo = {};
/** What the backend said last. */
let isRefused = false;

/** Until the backend has answered, events wait in memory and nothing leaves the page. */
export function startTelemetry() {
  init({
    ...TELEMETRY,
    consent: "pending",
    beforeSend(event) {
      if (isRefused) return null;
      // It is made once consent is there: by then the backend has told the facts.
      return event.event === "version" ? { ...event, ...app } : event;
    },
  });
}
// #endregion

// #region answer
/** The backend's answer, each time it is asked. */
export function onBackendConfig(config: ConfigResponse, version: VersionResponse) {
  // A backend too old to say: then this page never sends.
  if (config.do_not_track === undefined) return;
  app = { package: version.package, version: version.version };
  isRefused = doNotTrackFromEnv({ DO_NOT_TRACK: config.do_not_track });
  if (isRefused) {
    // Not optOut(): that is a person's own choice, and remembered. This one is the server's, and may change.
    void shutdown().then(() => init({ ...TELEMETRY, doNotTrack: true }));
  } else if (stats().state === "pending") {
    // Only then: a person who opted out on an earlier visit is not opted in by a server.
    optIn();
  }
}
// #endregion

// #region run
/** A run of a flow, from the click to its end. Whatever ends it first counts, and nothing after. */
export interface FlowRun {
  /** Passes the backend's events on, and notes when each came: the UI takes its time to show them. */
  timed(body: ReadableStream<Uint8Array>): ReadableStream<Uint8Array>;
  /** The backend's last word, or an error that was thrown. */
  ended(success: boolean, error?: unknown): void;
  /** A person stopped it: no success, and no failure of the flow. */
  stopped(): void;
}

export function beginFlowRun(componentCount: number, isPlayground: boolean): FlowRun {
  const began = performance.now();
  let lastArrival: number | undefined;
  const playground = isPlayground && startPlayground();
  const run = !isPlayground && startRun();

  const end = (at: number, success: boolean, errorMessage: string) => {
    const outcome = { seconds: (at - began) / 1000, success, ...(!success && { errorMessage }) };
    if (playground) playground.end({ ...outcome, componentCount });
    if (run) run.end({ ...outcome, isWebhook: false });
  };

  return {
    timed: (body) =>
      body.pipeThrough(
        new TransformStream<Uint8Array, Uint8Array>(
          {
            transform(chunk, controller) {
              lastArrival = performance.now();
              controller.enqueue(chunk);
            },
          },
          undefined,
          // It never waits for its reader, so a part is noted when it comes, not when the UI gets to it.
          { highWaterMark: Infinity },
        ),
      ),
    ended: (success, error) => end(lastArrival ?? performance.now(), success, kindOf(error)),
    stopped: () => end(performance.now(), false, "stopped"),
  };
}
// #endregion

// #region component
/** A vertex as the backend built it. To be called when its `end_vertex` comes, before the UI shows it. */
export function trackVertex({ valid, data }: VertexBuildTypeAPI, node: AllNodeType | undefined) {
  // Not chosen by a branch, so neither built nor failed. Without a duration: not known, so not told.
  if (data.inactive || data.timedelta === undefined) return;
  const failure = Object.values(data.outputs).map(({ message }) => message);
  trackComponent({
    name: nameOf(node),
    // The backend's own clock: the UI's stops at 300 ms or later.
    seconds: data.timedelta,
    success: valid,
    ...(!valid && { errorMessage: kindOf(failure.map(textOf).find(Boolean)) }),
  });
}
// #endregion

// #region names
/** The type of a component that Langflow ships. Ids and titles, and the names of people's own components, stay. */
function nameOf(node: AllNodeType | undefined) {
  const { types } = useTypesStore.getState();
  return node && !node.data.node.edited && types.has(node.data.type) ? node.data.type : "custom";
}

/** A raw error may quote what a person typed: the name of its class is all that travels. */
function kindOf(error: unknown) {
  if (error instanceof Error) return error.name;
  return /\b[A-Z]\w{0,60}(?:Error|Exception)\b/.exec(String(error))?.[0] ?? "unknown";
}
// #endregion

/** The text of an output's message, where it is an error's. */
function textOf(message: unknown) {
  return typeof message === "object" && message !== null && "errorMessage" in message
    ? String(message.errorMessage)
    : "";
}

// #region stubs
// As before: their callers hand over flow names, ids and raw errors, and say "no error" of runs whose nodes failed.
export async function track(_name: string, _properties?: Record<string, unknown>, _id?: string) {}
export async function trackFlowBuild(_name: string, _isError?: boolean, _properties?: object) {}
export async function trackDataLoaded(..._ids: (string | undefined)[]) {}
// #endregion
