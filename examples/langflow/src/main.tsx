import { optOut, stats } from "langflow-telemetry/gateway";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import { App } from "./App";
import { getConfig } from "./controllers/use-get-config";
import { useFlowStore } from "./stores/flowStore";
import { useMessagesStore } from "./stores/messagesStore";
import { useTypesStore } from "./stores/typesStore";

/** What a test needs to do as a person would, and to look on. */
export interface LangflowInPage {
  useFlowStore: typeof useFlowStore;
  useMessagesStore: typeof useMessagesStore;
  useTypesStore: typeof useTypesStore;
  getConfig: typeof getConfig;
  optOut: typeof optOut;
  stats: typeof stats;
}
declare global {
  interface Window {
    langflow: LangflowInPage;
  }
}
window.langflow = { useFlowStore, useMessagesStore, useTypesStore, getConfig, optOut, stats };

const root = document.getElementById("root");
if (root)
  createRoot(root).render(
    <StrictMode>
      <App />
    </StrictMode>,
  );
