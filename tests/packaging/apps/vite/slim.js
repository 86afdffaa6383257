import { init, trackComponent } from "langflow-telemetry/slim";
import wasm from "langflow-telemetry/langflow_telemetry.wasm?url";

const query = new URLSearchParams(location.search);
init({ wasm, endpoint: query.get("endpoint"), flushIntervalMs: 0, app: { package: "vite" } });
trackComponent({ name: query.get("name"), seconds: 0.5, success: true });
