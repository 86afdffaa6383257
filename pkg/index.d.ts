/**
 * langflow-telemetry: Langflow's anonymous usage telemetry for the browser.
 *
 * Nothing here throws. Bad input is refused, counted in `stats()`, and told to `onDiagnostic`.
 */

/** What `doNotTrack` takes: a boolean, or a string as an environment variable has it. */
export type DoNotTrack = boolean | string | undefined | null;

export interface TelemetryOptions {
  /** Where batches go: an http(s) URL without credentials, or a path on the page's own origin. Required. */
  endpoint: string;
  /**
   * How events are written down. `"ndjson"` (default): one JSON object a line. `"otlp"`: OTLP/HTTP logs in JSON, for
   * an OpenTelemetry collector's `/v1/logs`. For `"gateway"`, the GET pings of Langflow's own gateway, import from
   * `langflow-telemetry/gateway`, which has all three.
   */
  format?: "ndjson" | "otlp";
  /** Yes means: no request, no storage, no listener, no wasm. 1, true, yes, on in any case mean yes. Default false. */
  doNotTrack?: DoNotTrack;
  /** The browser's Global Privacy Control and Do Not Track opt out too. Default true. */
  honorBrowserSignals?: boolean;
  /** `"pending"` loads the module, holds events in memory and touches nothing else until `optIn()`. Default `"granted"`. */
  consent?: "granted" | "pending" | "denied";
  /** Facts for the Version event. */
  app?: AppInfo;
  /** Tells these events from the backend's for the same run. Default `"browser"`. */
  clientType?: string;
  /** `"scrubbed"` (default) or `"off"`. */
  errorMessages?: "scrubbed" | "off";
  /** Component names that may travel; every other becomes `custom`. Default: all that look like a name. */
  componentNames?: readonly string[];
  /** Longest wait before a batch leaves, in ms: 0 to 600000. Default 5000. */
  flushIntervalMs?: number;
  /** Most events in a batch: 1 to 1000. Default 50. */
  maxBatchEvents?: number;
  /** Most bytes in a batch: 1024 to 61440. Default 16384. With at-least-once a backlog leaves in requests of up to 384 KiB. */
  maxBatchBytes?: number;
  /** Most bytes held in memory: 16384 to 16777216. Then the newest event is refused, and counted. Default 2097152. */
  maxQueueBytes?: number;
  /** By default `"at-least-once"` where the receiver dedups (ndjson), else `"at-most-once"`. */
  delivery?: "at-least-once" | "at-most-once";
  /** Keep unsent events across page loads. Default true. */
  persist?: boolean;
  /** Share of page loads that report: 0 to 1. The rate travels with the session's events. Default 1. */
  sampleRate?: number;
  /** Prints what it would send, sends nothing, stores nothing. Default false. */
  dryRun?: boolean;
  /** Called with each event before it is scrubbed and queued; returns it, changed or not, or null to drop it. */
  beforeSend?: (event: TelemetryEvent) => TelemetryEvent | null | undefined;
  /**
   * Called with what went wrong. Without it, a mistake in the options, a module that cannot be loaded and one that failed
   * are written to the console, and nothing else.
   */
  onDiagnostic?: (diagnostic: Diagnostic) => void;
}

// ── Written by `make schema` from the types in src/event.rs: change those. ──

/** A flow run. */
export interface RunInput {
  /** Whether the run was triggered by a webhook. */
  isWebhook?: boolean;
  /** How long the run lasted, in seconds, to the millisecond. */
  seconds: number;
  /** Whether the run was successful. */
  success: boolean;
  /** What went wrong, where the run was not successful: scrubbed, at most 512 bytes. */
  errorMessage?: string;
}

/**
 * Facts about the app for the Version event. What is not given is left out; a string has at most 128
 * characters.
 */
export interface AppInfo {
  /** The package in use, such as `langflow`. */
  package?: string;
  /** The version of that package. */
  version?: string;
  /** The version of Python behind the page, as the host page was told it. */
  python?: string;
  /** Whether auto-login is enabled. */
  autoLogin?: boolean;
  /** The kind of cache in use. */
  cacheType?: string;
  /** Whether Langflow runs without its frontend. */
  backendOnly?: boolean;
}

/** A run in the playground. */
export interface PlaygroundInput {
  /** How long the run lasted, in seconds, to the millisecond. */
  seconds: number;
  /** How many components the flow has. */
  componentCount?: number;
  /** Whether the run was successful. */
  success: boolean;
  /** What went wrong, where the run was not successful: scrubbed, at most 512 bytes. */
  errorMessage?: string;
}

/** One component's execution. */
export interface ComponentInput {
  /**
   * The component's type name, such as `ChatInput`, never a person's own title; `custom` where it does not
   * look like a name.
   */
  name: string;
  /** How long the execution lasted, in seconds, to the millisecond. */
  seconds: number;
  /** Whether the component was successful. */
  success: boolean;
  /** What went wrong, where the component was not successful: scrubbed, at most 512 bytes. */
  errorMessage?: string;
}

/** An event as `beforeSend` sees it. */
export type TelemetryEvent =
  | ({ event: "run" } & RunInput)
  | { event: "shutdown"; timeRunning: number }
  | ({ event: "version"; platform?: string; arch?: string } & AppInfo)
  | ({ event: "playground" } & PlaygroundInput)
  | ({ event: "component" } & ComponentInput);

// ── Written by hand from here on. ──

/** What ends a handle: a run's outcome. The duration comes from the monotonic clock unless `seconds` is given. */
export type RunEnd = Omit<RunInput, "seconds"> & { seconds?: number };
export type PlaygroundEnd = Omit<PlaygroundInput, "seconds"> & { seconds?: number };
export type ComponentEnd = Omit<ComponentInput, "name" | "seconds"> & { seconds?: number };

/** A one-shot stopwatch: the first `end` tracks, a second does nothing. */
export interface Handle<End> {
  end(outcome: End): void;
}

/** Why an event was refused or given up. */
export type DropReason =
  "queue_full" | "invalid" | "too_large" | "rejected" | "expired" | "opted_out" | "sampled" | "before_send";

/** Why nothing is collected: what somebody said, what is wrong, or that `init` was not called or `shutdown` was. */
export type OffReason =
  | "do_not_track"
  | "browser_signal"
  | "opted_out"
  | "denied"
  | "sampled"
  | "invalid_option"
  | "wasm_unavailable"
  | "internal"
  | "no_browser"
  | "not_initialised"
  | "shut_down";

/**
 * A snapshot. At every moment
 * `captured + recovered = sent + unconfirmed + queued + inFlight + stored + the sum of dropped`.
 */
export interface Stats {
  state: "loading" | "pending" | "on" | "off" | "stopped";
  /** Why it is off. */
  reason?: OffReason;
  /** Events given to this page's client. */
  captured: number;
  /** Events taken over from an earlier page's store. */
  recovered: number;
  /** Waiting in memory. */
  queued: number;
  /** Their bytes on the wire. */
  bytes: number;
  /** Sent, answer awaited. */
  inFlight: number;
  /** Acknowledged by the receiver. */
  sent: number;
  /** At-most-once only: handed to the browser at exit, never to be sent again, no answer. */
  unconfirmed: number;
  /** Left in the store for whichever page opens next. */
  stored: number;
  /** Attempts made again after a failure. */
  retried: number;
  dropped: Record<DropReason, number>;
}

/** What went wrong, with a code that never changes meaning. */
export interface Diagnostic {
  code:
    | "invalid_option"
    | "invalid_event"
    | "queue_full"
    | "too_large"
    | "rejected"
    | "expired"
    | "endpoint_blocked"
    | "stopped"
    | "store_unavailable"
    | "before_send_threw"
    | "wasm_unavailable"
    | "internal";
  /** A sentence: of input what was given and what was expected, of all else what happened and what to look at. */
  message: string;
  /** How often since `init`. */
  count: number;
  /** The option or field at fault, where there is one. */
  subject?: string;
}

/** Its functions need no `this`: they can be taken out of it. */
export interface TelemetryClient {
  trackRun(this: void, event: RunInput): void;
  trackPlayground(this: void, event: PlaygroundInput): void;
  trackComponent(this: void, event: ComponentInput): void;
  startRun(this: void): Handle<RunEnd>;
  startPlayground(this: void): Handle<PlaygroundEnd>;
  startComponent(this: void, name: string): Handle<ComponentEnd>;
  /** Sends now. True when all that was queued has been acknowledged, and where nothing is collected. */
  flush(this: void): Promise<boolean>;
  /** Shutdown event, flush, then every listener and timer is removed. Once. */
  shutdown(this: void): Promise<void>;
  /** From now on nothing is collected; queue and storage are purged; remembered on this origin. */
  optOut(this: void): void;
  /** Ends `consent: "pending"` and takes a remembered opt-out back. `doNotTrack` and the browser's own signals stay in force. */
  optIn(this: void): void;
  stats(this: void): Stats;
}

/** Makes the client that the functions below use, and returns it at once. A second call returns the same client. */
export function init(options: TelemetryOptions): TelemetryClient;
/** Makes a client of its own. */
export function createClient(options: TelemetryOptions): TelemetryClient;

/** What a field of an event is. */
export interface FieldDescription {
  name: string;
  type: "boolean" | "integer" | "number" | "string";
  /** Whether it is always there; else it is left out where it is not known. */
  required: boolean;
  description: string;
  /** What it is collected for. */
  purpose: string;
  example: boolean | number | string;
}

/** What can be sent. */
export interface Description {
  /** The fields of every event. */
  envelope: FieldDescription[];
  /** The events, each with its own fields. */
  events: { event: TelemetryEvent["event"]; description: string; fields: FieldDescription[] }[];
}

/** Every event that can ever be sent, and every field of it, as data: a fresh copy at each call. */
export function describe(): Description;

/**
 * Whether an environment asks not to be tracked: reads `LANGFLOW_DO_NOT_TRACK`, `DO_NOT_TRACK` and their
 * `VITE_` and `NEXT_PUBLIC_` forms. Bundlers put in what they find when the page is built: of `import.meta.env` Vite only what
 * begins with `VITE_`; Next.js only what is named, as in `{ DO_NOT_TRACK: process.env.NEXT_PUBLIC_DO_NOT_TRACK }`.
 */
export function doNotTrackFromEnv(env: Record<string, unknown> | undefined | null): boolean;

export function trackRun(event: RunInput): void;
export function trackPlayground(event: PlaygroundInput): void;
export function trackComponent(event: ComponentInput): void;
export function startRun(): Handle<RunEnd>;
export function startPlayground(): Handle<PlaygroundEnd>;
export function startComponent(name: string): Handle<ComponentEnd>;
export function flush(): Promise<boolean>;
export function shutdown(): Promise<void>;
export function optOut(): void;
export function optIn(): void;
export function stats(): Stats;
