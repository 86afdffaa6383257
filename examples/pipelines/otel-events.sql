-- Log records of an OpenTelemetry collector (otel_logs) as the events of docs/clickhouse.sql, each once by its key,
-- whichever way it came. They go in where NDJSON does, so what is no event is left out behind that. Attributes are text:
-- what is not a number becomes NULL, not an error that would hold up everything else.
CREATE MATERIALIZED VIEW IF NOT EXISTS langflow_events_of_otel TO langflow_events_in AS
SELECT
    substring(EventName, length('langflow.') + 1)                              AS event,
    LogAttributes['langflow.session']                                          AS session,
    toUInt64OrZero(LogAttributes['langflow.seq'])                              AS seq,
    toUInt64(greatest(0, toUnixTimestamp64Milli(Timestamp)))                   AS time,
    LogAttributes['langflow.client_type']                                      AS clientType,
    toFloat64OrNull(LogAttributes['langflow.sample_rate'])                     AS sampleRate,
    toFloat64OrNull(LogAttributes['langflow.seconds'])                         AS seconds,
    transform(LogAttributes['langflow.success'], ['true', 'false'], [true, false], NULL)      AS success,
    nullIf(LogAttributes['langflow.error_message'], '')                        AS errorMessage,
    transform(LogAttributes['langflow.is_webhook'], ['true', 'false'], [true, false], NULL)   AS isWebhook,
    toUInt64OrNull(LogAttributes['langflow.component_count'])                  AS componentCount,
    nullIf(LogAttributes['langflow.name'], '')                                 AS name,
    toFloat64OrNull(LogAttributes['langflow.time_running'])                    AS timeRunning,
    nullIf(LogAttributes['langflow.package'], '')                              AS package,
    nullIf(LogAttributes['langflow.version'], '')                              AS version,
    nullIf(LogAttributes['langflow.platform'], '')                             AS platform,
    nullIf(LogAttributes['langflow.python'], '')                               AS python,
    nullIf(LogAttributes['langflow.arch'], '')                                 AS arch,
    transform(LogAttributes['langflow.auto_login'], ['true', 'false'], [true, false], NULL)   AS autoLogin,
    nullIf(LogAttributes['langflow.cache_type'], '')                           AS cacheType,
    transform(LogAttributes['langflow.backend_only'], ['true', 'false'], [true, false], NULL) AS backendOnly
FROM otel_logs
WHERE EventName LIKE 'langflow.%' AND LogAttributes['langflow.session'] != ''
