/** Renders the app where there is no window, and says what telemetry did meanwhile. */
import { stats } from "langflow-telemetry";
import { StrictMode } from "react";
import { renderToString } from "react-dom/server";

import { App } from "./app.jsx";

const [name, endpoint] = process.argv.slice(2);
const html = renderToString(
  <StrictMode>
    <App name={name} options={{ endpoint }} />
  </StrictMode>,
);
const { state, reason, captured } = stats();
console.log(JSON.stringify({ html, state, reason, captured }));
