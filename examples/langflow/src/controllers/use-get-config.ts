import { useEffect } from "react";

import { onBackendConfig } from "../customization/utils/analytics";
import type { ConfigResponse, VersionResponse } from "../types";

async function getJson<T>(path: string): Promise<T> {
  const response = await fetch(`/api/v1/${path}`);
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return (await response.json()) as T;
}

// #region config
/** A backend that does not answer has not said yes: then nothing is sent, and nothing else is disturbed. */
export async function getConfig() {
  const [config, version] = await Promise.all([
    getJson<ConfigResponse>("config"),
    getJson<VersionResponse>("version"),
  ]);
  onBackendConfig(config, version);
  return config;
}
// #endregion

export function useGetConfig() {
  useEffect(() => {
    getConfig().catch(() => {
      // Langflow shows its health check here.
    });
  }, []);
}
