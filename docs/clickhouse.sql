-- One row an event, straight from the client's own body (format "ndjson"):
--
--     POST /?query=INSERT INTO langflow_events_in FORMAT JSONEachRow
--
-- JSONEachRow finds a column by its name, so the columns bear the wire's names (docs/events.md tells what they mean);
-- what an event does not have is NULL. Rows go in at langflow_events_in and are read from langflow_events; the view
-- between them, at the end of this file, lets only events through. How to put it behind a relay, and the settings of the
-- INSERT: docs/pipelines.md.
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
-- By default ClickHouse answers when the system has the rows, and a loss of power still takes them. With these, 200 means
-- on the disk, as the client takes it.
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- Where INSERTs go. It keeps nothing: it hands what it gets to the view, and without a view it would be gone, at 200. So
-- to take the view away take this away first: clients get 503 then, and come again. A new column is ALTER TABLE … ADD
-- COLUMN on both tables, langflow_events first; the view follows.
CREATE TABLE IF NOT EXISTS langflow_events_in AS langflow_events ENGINE = Null;

-- Events get through; anything else is left out without an error. Not a CHECK constraint, which would refuse the whole
-- INSERT, and with async_insert that of everyone in the same flush. The same goes for times: a block of more than 100
-- partitions is refused as a whole, and browsers' clocks name any month. 402 days are 15 of them at most.
CREATE MATERIALIZED VIEW IF NOT EXISTS langflow_events_filter TO langflow_events AS
SELECT *
FROM langflow_events_in
WHERE event IN ('run', 'shutdown', 'version', 'playground', 'component')
    AND match(session, '^[0-9a-z]{12}$')
    -- Back: at least as long as you keep rows. Ahead: a clock that is set to a wrong zone or day.
    AND time >= toUnixTimestamp(now() - INTERVAL 400 DAY) * 1000
    AND time <= toUnixTimestamp(now() + INTERVAL 2 DAY) * 1000;
