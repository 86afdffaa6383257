// Each wrong use stands under a directive that is itself an error where the next line is none.
import {
  createClient,
  describe,
  doNotTrackFromEnv,
  init,
  startComponent,
  stats,
  trackPlayground,
} from "langflow-telemetry";
import { init as gateway, type TelemetryOptions } from "langflow-telemetry/gateway";
import { init as ndjson } from "langflow-telemetry/ndjson";
import { init as slim } from "langflow-telemetry/slim";

const client = init({
  endpoint: "/telemetry",
  doNotTrack: doNotTrackFromEnv({ DO_NOT_TRACK: "1" }),
  app: { package: "langflow", version: "1.13.0", autoLogin: true },
  onDiagnostic: ({ code, count }) => console.log(code satisfies string, count satisfies number),
});
trackPlayground({ seconds: 2.4, componentCount: 5, success: true });
startComponent("ChatInput").end({ success: false, errorMessage: "no" });
const done: Promise<boolean> = client.flush();
const full: number = stats().dropped.queue_full;
slim({ endpoint: "/telemetry", wasm: new URL("https://t.example/x.wasm") });
const toGateway: TelemetryOptions = { endpoint: "https://t.example", format: "gateway" };
gateway(toGateway).trackRun({ seconds: 1, success: true });
ndjson({ endpoint: "/telemetry", format: "ndjson" });
console.log(done, full, describe(), createClient);

// @ts-expect-error the endpoint is required
init({});
// @ts-expect-error a duration is a number
trackPlayground({ seconds: "2.4", success: true });
// @ts-expect-error success is required
trackPlayground({ seconds: 2.4 });
// @ts-expect-error no such option
init({ endpoint: "/telemetry", debug: true });
// @ts-expect-error a component has a name
startComponent();
// @ts-expect-error slim needs the module
slim({ endpoint: "/telemetry" });
// @ts-expect-error the pings have an entry of their own
init({ endpoint: "https://t.example", format: "gateway" });
// @ts-expect-error this entry has one format
ndjson({ endpoint: "/telemetry", format: "otlp" });
// @ts-expect-error no such reason to be off
stats().reason === "bored";
// @ts-expect-error no such reason
stats().dropped.bored;
// @ts-expect-error an event is given, not its parts
client.trackRun(2.4, true);
// @ts-expect-error what flush promises is whether all arrived
const wrong: Promise<void> & string = client.flush();
console.log(wrong);
