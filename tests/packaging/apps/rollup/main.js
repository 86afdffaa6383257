import { init, trackComponent } from "langflow-telemetry";

const query = new URLSearchParams(location.search);
init({ endpoint: query.get("endpoint"), flushIntervalMs: 0, app: { package: "rollup" } });
trackComponent({ name: query.get("name"), seconds: 0.5, success: true });
