import { useCallback, useEffect, useReducer, useRef } from "react";

import { readStats } from "../useTelemetryStats";
import { FLOW } from "./components";
import { executeFlow } from "./execute";
import type { Outcome } from "./execute";

export type ComponentStatus = "idle" | "waiting" | "running" | "done" | "failed" | "stopped" | "inactive";

export interface ComponentState {
  status: ComponentStatus;
  /** Once it ended. */
  seconds?: number;
}

export interface ChatMessage {
  id: number;
  from: "user" | "flow" | "failed" | "stopped";
  text: string;
}

export interface RunState {
  status: "idle" | "running" | "done" | "failed" | "stopped";
  components: Readonly<Record<string, ComponentState>>;
  /** The component that is being executed, or was when the run ended early. */
  current: string | undefined;
  chat: readonly ChatMessage[];
}

type Action =
  | { type: "started"; message: string }
  | { type: "componentStarted"; name: string }
  | { type: "componentEnded"; name: string; seconds: number; success: boolean }
  | { type: "ended"; outcome: Outcome };

/** How much of the conversation is kept on the page. */
const CHAT_KEPT = 40;

const INITIAL: RunState = {
  status: "idle",
  components: everyComponent("idle"),
  current: undefined,
  chat: [],
};

function everyComponent(status: ComponentStatus): Record<string, ComponentState> {
  return Object.fromEntries(FLOW.map(({ name }) => [name, { status }]));
}

function reduce(state: RunState, action: Action): RunState {
  switch (action.type) {
    case "started":
      return {
        status: "running",
        components: everyComponent("waiting"),
        current: undefined,
        chat: say(state.chat, "user", action.message),
      };
    case "componentStarted":
      return { ...state, current: action.name, components: set(state, action.name, { status: "running" }) };
    case "componentEnded":
      return {
        ...state,
        components: set(state, action.name, {
          status: action.success ? "done" : "failed",
          seconds: action.seconds,
        }),
      };
    case "ended":
      return end(state, action.outcome);
  }
}

function end(state: RunState, outcome: Outcome): RunState {
  if (outcome.kind === "done")
    return { ...state, status: "done", current: undefined, chat: say(state.chat, "flow", outcome.answer) };
  // What did not get its turn is inactive: neither done nor failed.
  const settled: Partial<Record<ComponentStatus, ComponentStatus>> = {
    waiting: "inactive",
    running: "stopped",
  };
  const components = Object.fromEntries(
    Object.entries(state.components).map(([name, component]) => [
      name,
      { ...component, status: settled[component.status] ?? component.status },
    ]),
  );
  const text =
    outcome.kind === "failed" ? `${outcome.component} failed. ${outcome.message}` : "You stopped the run.";
  return { ...state, status: outcome.kind, components, chat: say(state.chat, outcome.kind, text) };
}

function set(state: RunState, name: string, component: ComponentState): RunState["components"] {
  return { ...state.components, [name]: component };
}

function say(chat: readonly ChatMessage[], from: ChatMessage["from"], text: string): readonly ChatMessage[] {
  const id = (chat.at(-1)?.id ?? 0) + 1;
  return [...chat, { id, from, text }].slice(-CHAT_KEPT);
}

export interface Run {
  state: RunState;
  /** Starts a run with this message. Does nothing while one is running. */
  start: (message: string) => void;
  /** Ends the run as cancelled. Does nothing while none is running. */
  stop: () => void;
}

/** A run at a time, and what the page shows of it. */
export function useRun(mayFail: boolean): Run {
  const [state, dispatch] = useReducer(reduce, INITIAL);
  const running = useRef<AbortController | undefined>(undefined);
  const mayFailNow = useRef(mayFail);
  useEffect(() => {
    mayFailNow.current = mayFail;
  }, [mayFail]);

  const start = useCallback((message: string) => {
    if (running.current) return;
    const controller = new AbortController();
    running.current = controller;
    dispatch({ type: "started", message });
    void executeFlow({
      message,
      mayFail: () => mayFailNow.current,
      signal: controller.signal,
      onStarted: (name) => dispatch({ type: "componentStarted", name }),
      onEnded: (name, seconds, success) => dispatch({ type: "componentEnded", name, seconds, success }),
    }).then((outcome) => {
      running.current = undefined;
      dispatch({ type: "ended", outcome });
      readStats();
    });
  }, []);

  const stop = useCallback(() => running.current?.abort(), []);
  return { state, start, stop };
}
