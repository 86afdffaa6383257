/** An app without a line of inline script, as a Content-Security-Policy would have it; the test does the rest. */
import * as telemetry from "/lt/index.js";

const query = new URLSearchParams(location.search);
window.diagnostics = [];
window.telemetry = telemetry;
window.client = telemetry.init({
  endpoint: query.get("endpoint"),
  flushIntervalMs: 0,
  ...(query.has("told") && { onDiagnostic: (diagnostic) => window.diagnostics.push(diagnostic) }),
});
telemetry.trackComponent({ name: query.get("name"), seconds: 0.5, success: true });
telemetry.startRun().end({ success: true });
document.querySelector("p").textContent = "The app runs";
