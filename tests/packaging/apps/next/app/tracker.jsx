"use client";

import { useTelemetry } from "langflow-telemetry/react";
import { useEffect } from "react";

export function Tracker({ name }) {
  const { trackComponent } = useTelemetry();
  useEffect(() => trackComponent({ name, seconds: 0.5, success: true }), [name, trackComponent]);
  return null;
}
