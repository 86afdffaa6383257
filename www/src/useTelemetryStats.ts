import { useSyncExternalStore } from "react";

import { stats } from "./telemetry";
import type { Stats } from "./telemetry";
import { repeatWhileVisible } from "./whileVisible";

/** How often the numbers are read, in ms: quick enough to be seen moving, rare enough to cost nothing. */
const READ_EVERY_MS = 250;

let snapshot = stats();
let snapshotText = JSON.stringify(snapshot);
const watchers = new Set<() => void>();
let reading: ReturnType<typeof repeatWhileVisible> | undefined;

/** Reads the numbers now: after a click the page must not lag behind by a quarter second. */
export function readStats(): void {
  const next = stats();
  const text = JSON.stringify(next);
  if (text === snapshotText) return;
  snapshot = next;
  snapshotText = text;
  for (const watcher of watchers) watcher();
}

function watch(watcher: () => void): () => void {
  watchers.add(watcher);
  reading ??= repeatWhileVisible(readStats, () => READ_EVERY_MS);
  return () => {
    watchers.delete(watcher);
    if (watchers.size > 0) return;
    reading?.end();
    reading = undefined;
  };
}

/** The client's numbers, a new object only when one of them changed. */
export function useTelemetryStats(): Stats {
  return useSyncExternalStore(watch, () => snapshot);
}
