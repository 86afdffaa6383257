import { useCallback, useEffect, useRef, useState } from "react";

import { repeatWhileVisible } from "../whileVisible";
import { fetchSnapshot } from "./api";
import type { Snapshot } from "./api";

/** How often the collector is asked, in ms. Other pages write to it too, so our own numbers do not tell. */
const ASK_EVERY_MS = 2500;

/** How long it is left alone when it did not answer, in ms. */
const ASK_AGAIN_AFTER_MS = 6000;

export interface CollectorState {
  /** `unreachable` keeps the last snapshot: old rows are better than none. */
  status: "loading" | "ready" | "unreachable";
  snapshot: Snapshot | undefined;
}

/** What the collector has, asked anew whenever `acknowledged` changes and every few seconds. */
export function useCollector(acknowledged: number): CollectorState & { askAgain: () => void } {
  const [state, setState] = useState<CollectorState>({ status: "loading", snapshot: undefined });
  const asking = useRef<ReturnType<typeof repeatWhileVisible> | undefined>(undefined);

  useEffect(() => {
    const ask = async (signal: AbortSignal) => {
      try {
        const snapshot = await fetchSnapshot(signal);
        if (!signal.aborted)
          setState((last) => ({ status: "ready", snapshot: unlessSame(last.snapshot, snapshot) }));
        return true;
      } catch {
        if (!signal.aborted) setState((last) => ({ ...last, status: "unreachable" }));
        return false;
      }
    };
    const repeated = repeatWhileVisible(ask, (ok) => (ok ? ASK_EVERY_MS : ASK_AGAIN_AFTER_MS));
    asking.current = repeated;
    return () => repeated.end();
  }, []);

  const askAgain = useCallback(() => asking.current?.again(), []);
  useEffect(() => {
    if (acknowledged > 0) askAgain();
  }, [acknowledged, askAgain]);

  return { ...state, askAgain };
}

/** The last snapshot where the next says the same: mostly nothing happened, and then nothing is to be drawn. */
function unlessSame(last: Snapshot | undefined, next: Snapshot): Snapshot {
  return last !== undefined && JSON.stringify(last) === JSON.stringify(next) ? last : next;
}
