import { TelemetryProvider, useTelemetry } from "langflow-telemetry/react";
import { useEffect, useLayoutEffect } from "react";

/** React 18 warns of the other one on a server. */
const useEarliestEffect = typeof document === "undefined" ? useEffect : useLayoutEffect;

/** Tracks as early as a component can: its effects run before those of the provider around it. */
function Early({ name }) {
  const { trackComponent } = useTelemetry();
  useEarliestEffect(() => trackComponent({ name, seconds: 1, success: true }), [name, trackComponent]);
  useEffect(() => trackComponent({ name, seconds: 2, success: true }), [name, trackComponent]);
  return <p>{name}</p>;
}

export function App({ name, options }) {
  return (
    <TelemetryProvider options={options}>
      <Early name={name} />
    </TelemetryProvider>
  );
}
