import { TelemetryProvider } from "langflow-telemetry/react";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import "@xyflow/react/dist/base.css";
import "./styles/tokens.css";
import "./styles/page.css";
import "./styles/flow.css";
import "./styles/panels.css";
import { App } from "./App";
import { options } from "./telemetry";

const root = document.getElementById("root");
if (!root) throw new Error("index.html has no #root to draw the page in");
createRoot(root).render(
  <StrictMode>
    <TelemetryProvider options={options}>
      <App />
    </TelemetryProvider>
  </StrictMode>,
);
