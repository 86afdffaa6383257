import { init, stats, trackComponent } from "langflow-telemetry";

/** The same on the server, where it does nothing, and in the browser. */
export function begin(search) {
  const query = new URLSearchParams(search);
  init({ endpoint: query.get("endpoint"), flushIntervalMs: 0, app: { package: "vite" } });
  trackComponent({ name: query.get("name"), seconds: 0.5, success: true });
  return stats();
}
