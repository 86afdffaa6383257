/** Executes the flow and tracks it as a frontend would. It knows nothing of React. */
import { alwaysFails } from "../address";
import { markCaptured } from "../ownSession";
import { startComponent, startPlayground, startRun } from "../telemetry";
import { FLOW } from "./components";
import type { FlowComponent } from "./components";

/** With "some components fail" on: the share of executions that fail, so that about every other run does. */
const FAILURE_SHARE = 0.14;

/** What the run and the playground report where the user stopped them. */
const STOPPED_MESSAGE = "CancelledError: stopped by the user";

export type Outcome =
  | { kind: "done"; answer: string }
  | { kind: "failed"; component: string; message: string }
  | { kind: "stopped" };

export interface RunRequest {
  message: string;
  /** Whether components may fail. Asked before each, so that the switch works during a run. */
  mayFail: () => boolean;
  /** Aborted when the user stops the run. */
  signal: AbortSignal;
  onStarted: (component: string) => void;
  /** `seconds` as the user sees it. */
  onEnded: (component: string, seconds: number, success: boolean) => void;
}

/**
 * One after the other, until one fails or the signal is aborted. Each executed component is reported, and the run
 * and the playground once each, whatever their end. Components behind a failure did not run: they are no failures
 * and are not reported. Neither is the one interrupted by the user: nobody knows how it would have ended.
 */
export async function executeFlow(request: RunRequest): Promise<Outcome> {
  const playground = startPlayground();
  const run = startRun();
  const report = (success: boolean, errorMessage?: string) => {
    const outcome = errorMessage === undefined ? { success } : { success, errorMessage };
    run.end({ isWebhook: false, ...outcome });
    markCaptured("run");
    playground.end({ componentCount: FLOW.length, ...outcome });
    markCaptured("playground");
  };

  for (const component of FLOW) {
    request.onStarted(component.name);
    const handle = startComponent(component.name);
    const startedAt = performance.now();
    const finished = await sleep(draw(component.duration), request.signal);
    const seconds = (performance.now() - startedAt) / 1000;
    if (!finished) {
      report(false, STOPPED_MESSAGE);
      return { kind: "stopped" };
    }
    if (request.mayFail() && fails(component)) {
      handle.end({ success: false, errorMessage: component.failure });
      markCaptured("component", component.name);
      request.onEnded(component.name, seconds, false);
      report(false, component.failure);
      return { kind: "failed", component: component.name, message: component.failure };
    }
    handle.end({ success: true });
    markCaptured("component", component.name);
    request.onEnded(component.name, seconds, true);
  }
  report(true);
  return { kind: "done", answer: answerTo(request.message) };
}

function fails(component: FlowComponent): boolean {
  return alwaysFails === null ? Math.random() < FAILURE_SHARE : alwaysFails === component.name;
}

function draw([shortest, longest]: FlowComponent["duration"]): number {
  return shortest + Math.random() * (longest - shortest);
}

/** Resolves to true after `ms`, or to false as soon as the signal is aborted. */
function sleep(ms: number, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve(false);
      return;
    }
    const onAbort = () => {
      clearTimeout(timer);
      resolve(false);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", onAbort);
      resolve(true);
    }, ms);
    signal.addEventListener("abort", onAbort, { once: true });
  });
}

/** There is no model behind this page, and it says so. */
function answerTo(message: string): string {
  const words = message.split(/\s+/).filter(Boolean).length;
  return (
    `That was ${words} ${words === 1 ? "word" : "words"}. No model read ${words === 1 ? "it" : "them"}: the ` +
    `components here only take their time. How long they took is on its way to the collector; your words are not.`
  );
}
