import type { ReactElement, ReactNode } from "react";

import type { TelemetryClient, TelemetryOptions } from "./index.js";

export interface TelemetryProviderProps {
  /**
   * Given to `init` when the provider mounts. Absent means not yet, for options that have to be fetched first: what
   * is tracked before is dropped. Later changes have no effect, as with a second `init`.
   */
  options?: TelemetryOptions | null | undefined;
  /** A client of your own for what is inside, such as one by `createClient`: whoever made it ends it. */
  client?: TelemetryClient | null | undefined;
  children?: ReactNode;
}

/**
 * Starts the page's client while it is mounted, before any effect of its children runs, and shuts it down when the
 * last provider with options has gone. Does nothing on a server.
 */
export function TelemetryProvider(props: TelemetryProviderProps): ReactElement;

/**
 * The nearest provider's `client`, or else the page's: the same object in every render, so it can stand in a list
 * of dependencies. To be used in effects and event handlers. Without a provider every call does nothing.
 */
export function useTelemetry(): TelemetryClient;
