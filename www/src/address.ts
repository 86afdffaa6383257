/**
 * What the page's address asks for. The page keeps its own settings here and in memory, never in storage: with
 * do-not-track on, a visit must leave no storage key behind, and tests assert that there is none.
 *
 * | query | meaning |
 * |---|---|
 * | `endpoint=URL` | where batches go, and whose events are shown; default `/v1/events` on the page's origin |
 * | `dnt=1` | telemetry starts with `doNotTrack: true` |
 * | `theme=light`, `theme=dark` | instead of the system's preference |
 * | `fail=NAME` | with "some components fail" on, this component fails every time and no other does |
 * | `expose=1` | the telemetry functions as `window.langflowTelemetry`, for tests |
 */
const query = new URLSearchParams(window.location.search);

/** The collector's path on the page's own origin. */
const DEFAULT_ENDPOINT = "/v1/events";

export type Theme = "light" | "dark";

export const endpoint = query.get("endpoint") ?? DEFAULT_ENDPOINT;
export const doNotTrack = query.get("dnt") === "1";
export const expose = query.get("expose") === "1";
export const alwaysFails = query.get("fail");

/** The theme in the address, if there is one. */
export function themeInAddress(): Theme | undefined {
  const theme = query.get("theme");
  return theme === "light" || theme === "dark" ? theme : undefined;
}

/** Writes the theme into the address, so that a reload keeps it. */
export function keepThemeInAddress(theme: Theme): void {
  const url = new URL(window.location.href);
  url.searchParams.set("theme", theme);
  window.history.replaceState(window.history.state, "", url);
}

/** This page's address without `dnt=1`. */
export function addressWithTracking(): string {
  const url = new URL(window.location.href);
  url.searchParams.delete("dnt");
  return url.href;
}
