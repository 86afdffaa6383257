//! The database: one SQLite file in WAL mode, one thread that writes it, short-lived connections that read it.

mod columns;
mod reader;
mod writer;

use std::{path::Path, path::PathBuf, sync::Arc, time::Duration};

use rusqlite::{Connection, OpenFlags};
use tokio::sync::{Semaphore, mpsc};

pub(crate) use reader::{Page, PageFilter, Stats};
pub(crate) use writer::Writer;

/// Marks the file as ours: "lftm" in ASCII.
const APPLICATION_ID: i32 = 0x6c66_746d;

/// The version of [`SCHEMA`], kept in the file.
const SCHEMA_VERSION: i32 = 1;

/// One column a field, so that people can query it with nothing but SQL. Times are Unix milliseconds,
/// booleans 0 or 1; a field that an event does not have, or that was not known, is NULL.
///
/// `arrival` counts the rows as they come. It orders pages by something that a wrong clock in some browser
/// cannot change, and that stays put while new rows come in; the key of an event is `(session, seq)`.
const SCHEMA: &str = "
    CREATE TABLE events (
        arrival         INTEGER PRIMARY KEY,
        session         TEXT    NOT NULL,
        seq             INTEGER NOT NULL,
        event           TEXT    NOT NULL,
        time            INTEGER NOT NULL,
        client_type     TEXT    NOT NULL,
        sample_rate     REAL,
        seconds         REAL,
        success         INTEGER,
        error_message   TEXT,
        name            TEXT,
        component_count INTEGER,
        is_webhook      INTEGER,
        time_running    REAL,
        package         TEXT,
        version         TEXT,
        platform        TEXT,
        python          TEXT,
        arch            TEXT,
        auto_login      INTEGER,
        cache_type      TEXT,
        backend_only    INTEGER,
        received_at     INTEGER NOT NULL,
        UNIQUE (session, seq)
    ) STRICT;
    -- Also in order of arrival, as every index ends with the row's number: the pages of one event.
    CREATE INDEX events_by_event ON events (event);
    CREATE INDEX events_by_time ON events (time);
    CREATE INDEX components_by_name ON events (name, seconds) WHERE event = 'component';
";

/// How long a connection waits for another process that holds the file, such as a person's SQL shell.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Size to which the log is cut back once it is folded in, in bytes; a long read may have let it grow.
const LOG_KEPT_BYTES: u32 = 64 << 20;

/// The database as the handlers see it.
pub(crate) struct Store {
    path: PathBuf,
    to_writer: mpsc::Sender<writer::Command>,
    /// Places for reads at once.
    reads: Arc<Semaphore>,
}

/// Opens the file, making it where it is not there, and starts the thread that writes it.
///
/// Errors, each naming the file: it cannot be opened or written, is no SQLite database, or is one of another
/// program or of another version of this one.
pub(crate) fn open(path: &Path) -> Result<(Store, Writer), String> {
    let connection = open_for_writing(path).map_err(|error| format!("--db {}: {error}", path.display()))?;
    let (to_writer, writer) =
        writer::start(connection).map_err(|error| format!("the writing thread: {error}"))?;
    let reads = Arc::new(Semaphore::new(reader::READS_MAX));
    Ok((Store { path: path.to_path_buf(), to_writer, reads }, writer))
}

fn open_for_writing(path: &Path) -> Result<Connection, String> {
    let says = |error: rusqlite::Error| error.to_string();
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags).map_err(says)?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(says)?;
    // FULL: in WAL mode NORMAL would lose the last commits when the power goes, after they were answered.
    connection.pragma_update(None, "synchronous", "FULL").map_err(says)?;
    let mode: String =
        connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0)).map_err(says)?;
    if mode != "wal" {
        return Err(format!("expected a file that SQLite can keep in WAL mode, given one in mode {mode}"));
    }
    connection.pragma_update(None, "journal_size_limit", LOG_KEPT_BYTES).map_err(says)?;

    // One transaction: of two collectors started at once on a new file, the second sees it finished.
    let transaction =
        connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate).map_err(says)?;
    let number = |name: &str| transaction.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
    let tables: i64 =
        transaction.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(says)?;
    if tables == 0 {
        transaction.execute_batch(SCHEMA).map_err(says)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID).map_err(says)?;
        transaction.pragma_update(None, "user_version", SCHEMA_VERSION).map_err(says)?;
    } else if number("application_id").map_err(says)? != APPLICATION_ID {
        return Err("expected a new file or a collector's database, given another program's".to_owned());
    } else {
        let version = number("user_version").map_err(says)?;
        if version != SCHEMA_VERSION {
            return Err(format!(
                "expected a database of version {SCHEMA_VERSION}, given one of version {version}"
            ));
        }
    }
    transaction.commit().map_err(says)?;
    Ok(connection)
}
