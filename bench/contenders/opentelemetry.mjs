/**
 * OpenTelemetry's log SDK and its OTLP/HTTP exporter (JSON), with the batch processor for browsers.
 *
 * - The queue takes 16,384 records: by default it takes 2,048 and drops the rest of a larger burst, uncounted.
 * - Batches of 512, as by default.
 * - Flush: `provider.forceFlush()`.
 */

import { SeverityNumber } from "@opentelemetry/api-logs";
import { OTLPLogExporter } from "@opentelemetry/exporter-logs-otlp-http";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { BatchLogRecordProcessor, LoggerProvider } from "@opentelemetry/sdk-logs";

let provider;
let logger;

export function start(endpoint, { held }) {
  const exporter = new OTLPLogExporter({ url: `${endpoint}/v1/logs` });
  provider = new LoggerProvider({
    resource: resourceFromAttributes({ "service.name": "langflow" }),
    processors: [
      new BatchLogRecordProcessor({
        exporter,
        maxQueueSize: 16_384,
        ...(held && { maxExportBatchSize: 16_384, scheduledDelayMillis: 60_000 }),
      }),
    ],
  });
  logger = provider.getLogger("langflow-telemetry-bench");
}

const emit = (eventName) => (attributes) =>
  logger.emit({ eventName, severityNumber: SeverityNumber.INFO, severityText: "INFO", attributes });

export const run = emit("run");
export const playground = emit("playground");
export const component = emit("component");

export const flush = () => provider.forceFlush();
