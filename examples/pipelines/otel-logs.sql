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
        'langflow.version'),

    -- Not sent: when the row came in, by the server's clock.
    ReceivedAt         DateTime('UTC') DEFAULT now()
)
ENGINE = MergeTree
-- By the server's clock, as the TTL is. Timestamp is the browser's: an INSERT that names more than 100 days of it would
-- be refused with all that is in it, after the collector has answered 200; and days in the future would not expire.
PARTITION BY toDate(ReceivedAt)
ORDER BY (ServiceName, Timestamp)
-- A pass-through: the view below has made an event of each by then.
TTL ReceivedAt + INTERVAL 3 DAY
