-- One row an event, straight from the client's own body (format "ndjson"):
--
--     POST /?query=INSERT INTO langflow_events FORMAT JSONEachRow
--
-- JSONEachRow finds a column by its name, so the columns bear the wire's names (docs/events.md tells what they mean);
-- what an event does not have is NULL. How to put it behind a relay, and the settings of the INSERT: docs/pipelines.md.
CREATE TABLE IF NOT EXISTS langflow_events
(
    -- The envelope: in every row but for sampleRate, which is NULL where all page loads report.
    event          LowCardinality(String),
    session        String,
    seq            UInt64,
    -- Unix milliseconds, as sent. Not DateTime64(3): JSONEachRow reads a number for that type as seconds, and puts all
    -- events into the year 9999. `at` below is the same moment as a time.
    time           UInt64,
    clientType     LowCardinality(String),
    sampleRate     Nullable(Float64),

    -- run, playground, component
    seconds        Nullable(Float64),
    success        Nullable(Bool),
    errorMessage   Nullable(String),
    -- run
    isWebhook      Nullable(Bool),
    -- playground
    componentCount Nullable(UInt64),
    -- component
    name           LowCardinality(Nullable(String)),
    -- shutdown
    timeRunning    Nullable(Float64),
    -- version
    package        LowCardinality(Nullable(String)),
    version        LowCardinality(Nullable(String)),
    platform       LowCardinality(Nullable(String)),
    python         LowCardinality(Nullable(String)),
    arch           LowCardinality(Nullable(String)),
    autoLogin      Nullable(Bool),
    cacheType      LowCardinality(Nullable(String)),
    backendOnly    Nullable(Bool),

    -- Not sent. When the event happened by the browser's clock, and when its row came in by the server's.
    at             DateTime64(3, 'UTC') ALIAS fromUnixTimestamp64Milli(toInt64(time), 'UTC'),
    receivedAt     DateTime('UTC') MATERIALIZED now()
)
-- The client sends again what was not acknowledged, byte for byte: the key (session, seq) tells the copies. They are
-- dropped when parts merge, at a time of ClickHouse's choosing: SELECT … FROM langflow_events FINAL sees each once
-- at any time. No version column: copies of a key are the same, so it does not matter which is kept.
ENGINE = ReplacingMergeTree
ORDER BY (session, seq)
-- Parts merge within a partition only. `time` is sent with the event, so copies share a partition; `receivedAt` would
-- part them whenever a retry passes midnight on the last of the month.
PARTITION BY toYYYYMM(toDateTime(intDiv(time, 1000), 'UTC'))
-- Keep no longer than you need; for instance:
-- TTL receivedAt + INTERVAL 400 DAY
