/** Puts React and the package into the test's hands. */
import * as telemetry from "langflow-telemetry";
import { TelemetryProvider, useTelemetry } from "langflow-telemetry/react";
import { StrictMode } from "react";
import { createRoot, hydrateRoot } from "react-dom/client";

import { App } from "./app.jsx";

const place = document.getElementById("root");
const inStrictMode = (children) => <StrictMode>{children}</StrictMode>;

window.app = {
  telemetry,
  mount: () => createRoot(document.body.appendChild(document.createElement("div"))),
  hydrate: (props) => hydrateRoot(place, inStrictMode(<App {...props} />)),
  /** With another `key`, all of it unmounts and mounts. */
  render: (root, { key, ...props }) => root.render(inStrictMode(<App key={key} {...props} />)),
  /** What `useTelemetry` returned, in each render. */
  renderSeen(root, props) {
    const seen = [];
    const See = () => {
      seen.push(useTelemetry());
      return null;
    };
    root.render(inStrictMode(props ? <TelemetryProvider {...props} children={<See />} /> : <See />));
    return seen;
  },
};
