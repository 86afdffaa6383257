-- Where an OpenTelemetry collector writes log records: Rotel, or the OpenTelemetry Collector's exporter with
-- create_schema: false. The columns are those that both fill.
CREATE TABLE IF NOT EXISTS otel_logs
(
    Timestamp          DateTime64(9, 'UTC'),
    TraceId            String,
    SpanId             String,
    TraceFlags         UInt8,
    SeverityText       LowCardinality(String),
    SeverityNumber     UInt8,
    ServiceName        LowCardinality(String),
    Body               String,
    ResourceSchemaUrl  LowCardinality(String),
    ResourceAttributes Map(LowCardinality(String), String),
    ScopeSchemaUrl     LowCardinality(String),
    ScopeName          String,
    ScopeVersion       LowCardinality(String),
    ScopeAttributes    Map(LowCardinality(String), String),
    LogAttributes      Map(LowCardinality(String), String),

    -- Rotel (0.0.1a15) and older Collectors leave the event's name out, so there it is told from what only that event
    -- has. One cannot be told: a playground run whose page gave no component count comes out as a run.
    EventName          LowCardinality(String) DEFAULT multiIf(
        mapContains(LogAttributes, 'langflow.session') = 0, '',
        mapContains(LogAttributes, 'langflow.name'), 'langflow.component',
        mapContains(LogAttributes, 'langflow.time_running'), 'langflow.shutdown',
        mapContains(LogAttributes, 'langflow.component_count'), 'langflow.playground',
        mapContains(LogAttributes, 'langflow.seconds'), 'langflow.run',
        'langflow.version')
)
ENGINE = MergeTree
PARTITION BY toDate(Timestamp)
ORDER BY (ServiceName, Timestamp)
-- A pass-through: the view below has made an event of each by then.
TTL toDateTime(Timestamp) + INTERVAL 3 DAY
