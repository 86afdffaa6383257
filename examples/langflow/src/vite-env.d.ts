interface ImportMetaEnv {
  /** Another endpoint than Langflow's own backend. */
  readonly VITE_TELEMETRY_ENDPOINT?: string;
  /** What that endpoint reads. */
  readonly VITE_TELEMETRY_FORMAT?: "ndjson" | "gateway" | "otlp";
}
