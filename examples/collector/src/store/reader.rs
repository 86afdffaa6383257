//! Reads: each on a connection of its own, which WAL mode lets see a settled state while rows are written.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use langflow_telemetry::event::Record;
use rusqlite::{Connection, ErrorCode, OpenFlags, Row, named_params, types::Value};
use serde::Serialize;
use tokio::time::timeout;

use super::{BUSY_TIMEOUT, Store, columns};
use crate::refusal::Refusal;

/// Reads at once. They cost processor time, which the writing needs too.
pub(super) const READS_MAX: usize = 4;

/// How long a read waits for its turn, and how long it may then take. A query over more rows than this allows
/// belongs into an SQL shell on the file.
const READ_DEADLINE: Duration = Duration::from_secs(5);

/// How many steps of SQLite's machine pass between two looks at the clock: well under a millisecond.
const STEPS_BETWEEN_LOOKS: i32 = 10_000;

/// What a reader waits before it comes again when all places were taken, in seconds.
const RETRY_AFTER_SECONDS: u32 = 5;

/// Most component names in the statistics, the most frequent first: names come from outside, without end.
const COMPONENT_NAMES_MAX: u32 = 200;

/// Which rows a page shows.
#[derive(Debug, Default)]
pub(crate) struct PageFilter {
    pub(crate) event: Option<String>,
    pub(crate) session: Option<String>,
    /// Unix milliseconds: events that happened then or later.
    pub(crate) since: Option<u64>,
    /// Rows that arrived before the one with this number.
    pub(crate) before: Option<u64>,
    pub(crate) limit: u32,
}

/// A record as it was sent, and when it came.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StoredRecord {
    #[serde(flatten)]
    record: Record,
    /// Unix milliseconds, by the collector's clock.
    received_at: u64,
}

/// A page of rows, the last arrived first.
#[derive(Debug, Serialize)]
pub(crate) struct Page {
    events: Vec<StoredRecord>,
    /// `before` of the next page; null on the last.
    next: Option<String>,
}

/// Figures over all rows, or those since a time.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Stats {
    /// As it was asked, Unix milliseconds.
    since: Option<u64>,
    /// Rows.
    count: u64,
    /// Different sessions among them.
    sessions: u64,
    /// By event, in alphabetical order; an event without rows is not there.
    events: Vec<EventFigures>,
    /// By component name, the most frequent first.
    components: Vec<ComponentFigures>,
}

#[derive(Debug, Serialize)]
struct EventFigures {
    event: String,
    #[serde(flatten)]
    figures: Figures,
}

#[derive(Debug, Serialize)]
struct ComponentFigures {
    name: String,
    #[serde(flatten)]
    figures: Figures,
}

/// Figures of one group of rows. What a group does not have, such as a duration of Version events, is null.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Figures {
    count: u64,
    /// Successes over rows that tell their success, 0 to 1.
    success_rate: Option<f64>,
    /// Percentiles by nearest rank: the smallest duration that at least half, or 95 %, of the rows do not exceed.
    /// So each is a duration that was measured; interpolation would make up one between two.
    p50_seconds: Option<f64>,
    p95_seconds: Option<f64>,
}

impl Figures {
    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            count: row.get("count")?,
            success_rate: row.get("success_rate")?,
            p50_seconds: row.get("p50")?,
            p95_seconds: row.get("p95")?,
        })
    }
}

/// Figures by `{group}` over the rows `{of}`. The rank is `ceil(n * share)`, in whole numbers. NULL durations
/// sort last and are not counted in `n`, so no rank reaches them. A page's life is its duration.
macro_rules! figures_sql {
    (by $group:literal, of $rows:literal, order $order:literal) => {
        concat!(
            "WITH timed AS (
                SELECT ",
            $group,
            " AS label, success, coalesce(seconds, time_running) AS duration FROM events WHERE ",
            $rows,
            "), ranked AS (
                SELECT label, success, duration,
                    row_number() OVER (PARTITION BY label ORDER BY duration NULLS LAST) AS rank,
                    count(duration) OVER (PARTITION BY label) AS n
                FROM timed)
            SELECT label, count(*) AS count, avg(success) AS success_rate,
                max(CASE WHEN rank = (n * 50 + 99) / 100 THEN duration END) AS p50,
                max(CASE WHEN rank = (n * 95 + 99) / 100 THEN duration END) AS p95
            FROM ranked GROUP BY label ORDER BY ",
            $order
        )
    };
}

impl Store {
    /// The rows that arrived last, among those the filter lets through.
    pub(crate) async fn page(&self, filter: PageFilter) -> Result<Page, Refusal> {
        self.read(move |connection| page(connection, &filter)).await
    }

    /// The figures; `since` in Unix milliseconds.
    pub(crate) async fn stats(&self, since: Option<u64>) -> Result<Stats, Refusal> {
        self.read(move |connection| stats(connection, since)).await
    }

    /// Runs a read off the threads that serve connections, within [`READS_MAX`] and [`READ_DEADLINE`].
    async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Refusal> {
        let busy = || Refusal::busy(RETRY_AFTER_SECONDS, "too many queries at once");
        let place = timeout(READ_DEADLINE, Arc::clone(&self.reads).acquire_owned())
            .await
            .map_err(|_| busy())?
            .map_err(|_closed| busy())?;
        let path = self.path.clone();
        let read = move || {
            // Until the query has ended: it runs on when the client hangs up, which drops everything out here.
            let _place = place;
            let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            let mut connection = Connection::open_with_flags(path, flags)?;
            connection.busy_timeout(BUSY_TIMEOUT)?;
            let started = Instant::now();
            connection.progress_handler(STEPS_BETWEEN_LOOKS, Some(move || started.elapsed() > READ_DEADLINE));
            query(&mut connection)
        };
        let failed = |error: String| {
            eprintln!("collector: a query failed: {error}");
            Refusal::busy(RETRY_AFTER_SECONDS, "the database could not be read")
        };
        match tokio::task::spawn_blocking(read).await {
            Ok(Ok(found)) => Ok(found),
            Ok(Err(error)) if error.sqlite_error_code() == Some(ErrorCode::OperationInterrupted) => {
                Err(Refusal::busy(
                    RETRY_AFTER_SECONDS,
                    format!(
                        "the query took longer than {} s, expected one over fewer rows (since=…)",
                        READ_DEADLINE.as_secs()
                    ),
                ))
            }
            Ok(Err(error)) => Err(failed(error.to_string())),
            Err(error) => Err(failed(error.to_string())),
        }
    }
}

fn page(connection: &mut Connection, filter: &PageFilter) -> rusqlite::Result<Page> {
    // Only the conditions asked for: SQLite plans a statement before it knows its values, so `:x IS NULL OR …`
    // would keep it from the index.
    // `+` keeps SQLite from the index on time, with which it would sort all rows since then to show a few:
    // walking back from the last arrival it can stop when the page is full.
    let asked = [
        ("event =", filter.event.clone().map(Value::Text)),
        ("session =", filter.session.clone().map(Value::Text)),
        ("+time >=", filter.since.map(integer)),
        ("arrival <", filter.before.map(integer)),
    ];
    let mut sql = "SELECT * FROM events WHERE TRUE".to_owned();
    let mut values = Vec::new();
    for (condition, value) in asked.into_iter().filter_map(|(condition, value)| Some((condition, value?))) {
        values.push(value);
        sql.push_str(&format!(" AND {condition} ?{}", values.len()));
    }
    // One more than the page holds tells whether there is a next one.
    values.push(Value::Integer(i64::from(filter.limit) + 1));
    sql.push_str(&format!(" ORDER BY arrival DESC LIMIT ?{}", values.len()));

    let mut statement = connection.prepare(&sql)?;
    let mut rows = statement
        .query_map(rusqlite::params_from_iter(values), |row| {
            let stored = StoredRecord { record: columns::record(row)?, received_at: row.get("received_at")? };
            Ok((row.get::<_, u64>("arrival")?, stored))
        })?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    let more = rows.len() > filter.limit as usize;
    rows.truncate(filter.limit as usize);
    let next = rows.last().filter(|_| more).map(|(arrival, _)| arrival.to_string());
    Ok(Page { events: rows.into_iter().map(|(_, stored)| stored).collect(), next })
}

fn stats(connection: &mut Connection, since: Option<u64>) -> rusqlite::Result<Stats> {
    // One transaction, so that all figures are of one moment.
    let transaction = connection.transaction()?;
    let from = since.unwrap_or(0);
    let (count, sessions) = transaction.query_row(
        "SELECT count(*), count(DISTINCT session) FROM events WHERE time >= ?1",
        [from],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    let events = transaction
        .prepare(figures_sql!(by "event", of "time >= :since", order "label"))?
        .query_map(named_params! { ":since": from }, |row| {
            Ok(EventFigures { event: row.get("label")?, figures: Figures::from_row(row)? })
        })?
        .collect::<rusqlite::Result<_>>()?;
    let components = transaction
        .prepare(figures_sql!(by "name", of "event = 'component' AND time >= :since",
            order "count DESC, label LIMIT :names"))?
        .query_map(named_params! { ":since": from, ":names": COMPONENT_NAMES_MAX }, |row| {
            Ok(ComponentFigures { name: row.get("label")?, figures: Figures::from_row(row)? })
        })?
        .collect::<rusqlite::Result<_>>()?;
    Ok(Stats { since, count, sessions, events, components })
}

/// A number that [`crate::query`] has bounded to what SQLite's integers hold.
fn integer(number: u64) -> Value {
    Value::Integer(i64::try_from(number).unwrap_or(i64::MAX))
}
