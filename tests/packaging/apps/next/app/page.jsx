// A server component: it imports the package itself, which does nothing here, and the provider, which is a client's.
import { describe, stats, trackComponent } from "langflow-telemetry";
import { TelemetryProvider } from "langflow-telemetry/react";

import { Tracker } from "./tracker.jsx";

export default async function Page({ searchParams }) {
  const { endpoint, name } = await searchParams;
  trackComponent({ name: "NeverFromTheServer", seconds: 1, success: true });
  return (
    <TelemetryProvider options={{ endpoint, flushIntervalMs: 0, app: { package: "next" } }}>
      <p>
        {describe().events.length} events, {stats().state} on the server
      </p>
      <Tracker name={name} />
    </TelemetryProvider>
  );
}
