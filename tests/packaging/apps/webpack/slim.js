import { init, trackComponent } from "langflow-telemetry/slim";

const query = new URLSearchParams(location.search);
const wasm = new URL("langflow-telemetry/langflow_telemetry.wasm", import.meta.url);
init({ wasm, endpoint: query.get("endpoint"), flushIntervalMs: 0, app: { package: "webpack" } });
trackComponent({ name: query.get("name"), seconds: 0.5, success: true });
