import { createClient, type TelemetryClient } from "langflow-telemetry";
import { TelemetryProvider, useTelemetry } from "langflow-telemetry/react";
import type { ReactElement } from "react";

function Tracks(): ReactElement {
  const { startPlayground, flush } = useTelemetry();
  const client: TelemetryClient = useTelemetry();
  startPlayground().end({ success: true });
  return <button onClick={() => void flush()}>{client.stats().state}</button>;
}

export const right = (
  <TelemetryProvider options={{ endpoint: "/telemetry", doNotTrack: "1" }}>
    <Tracks />
    <TelemetryProvider client={createClient({ endpoint: "/other" })}>text</TelemetryProvider>
    <TelemetryProvider options={undefined} />
  </TelemetryProvider>
);

// @ts-expect-error the endpoint is required here too
export const noEndpoint = <TelemetryProvider options={{}} />;
// @ts-expect-error options are an object of their own
export const spread = <TelemetryProvider endpoint="/telemetry" />;
// @ts-expect-error it takes no client: the provider has it
useTelemetry({ endpoint: "/telemetry" });
