import { useEffect } from "react";

import { useGetConfig } from "./controllers/use-get-config";
import { startTelemetry } from "./customization/utils/analytics";
import { useFlowStore } from "./stores/flowStore";

export function App() {
  // #region app
  // React's StrictMode runs this twice: the second call gets the client of the first.
  useEffect(startTelemetry, []);
  useGetConfig();
  // #endregion
  const { nodes, flowBuildStatus, isBuilding } = useFlowStore();
  return (
    <ul aria-busy={isBuilding}>
      {nodes.map(({ id, data }) => (
        <li key={id}>
          {data.node.display_name}: {flowBuildStatus[id] ?? "new"}
        </li>
      ))}
    </ul>
  );
}
