interface ImportMetaEnv {
  /** Another endpoint than Langflow's own backend. */
  readonly VITE_TELEMETRY_ENDPOINT?: string;
}
