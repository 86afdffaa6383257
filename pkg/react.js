"use client";

import { createContext, createElement, useContext, useInsertionEffect } from "react";
import {
  flush,
  init,
  optIn,
  optOut,
  shutdown,
  startComponent,
  startPlayground,
  startRun,
  stats,
  trackComponent,
  trackPlayground,
  trackRun,
} from "./index.js";

/** What `init` made, whenever that is: the same object in every render, on the server too. */
const page = {
  trackRun,
  trackPlayground,
  trackComponent,
  startRun,
  startPlayground,
  startComponent,
  flush,
  shutdown,
  optOut,
  optIn,
  stats,
};

const Context = /* @__PURE__ */ createContext(page);

/** Providers with options that are on the page now; the last one to go ends the client. */
let mounted = 0;

/**
 * The client begins in an insertion effect: not in render, which React may throw away or repeat, and never on a
 * server; not in `useEffect`, which runs after those of the children, whose events would be lost. StrictMode does
 * not repeat it either. Where something unmounts and mounts at once all the same (a `key` that changes, Fast
 * Refresh), the count is back before the microtask looks.
 */
export function TelemetryProvider({ options, client, children }) {
  useInsertionEffect(() => {
    if (!options) return;
    mounted++;
    init(options);
    return () => {
      mounted--;
      queueMicrotask(() => mounted || shutdown());
    };
  }, [!options]);
  return createElement(Context.Provider, { value: client ?? page }, children);
}

export const useTelemetry = () => useContext(Context);
