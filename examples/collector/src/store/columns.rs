//! An event's fields as columns of a row, and back.

use langflow_telemetry::event::{Component, Event, Origin, Playground, Record, Run, Shutdown, Version};
use rusqlite::{Row, Statement, named_params};

/// Keeps the first row of a key.
pub(super) const INSERT: &str = "
    INSERT INTO events (session, seq, event, time, client_type, sample_rate, seconds, success, error_message,
        name, component_count, is_webhook, time_running, package, version, platform, python, arch,
        auto_login, cache_type, backend_only, received_at)
    VALUES (:session, :seq, :event, :time, :client_type, :sample_rate, :seconds, :success, :error_message,
        :name, :component_count, :is_webhook, :time_running, :package, :version, :platform, :python, :arch,
        :auto_login, :cache_type, :backend_only, :received_at)
    ON CONFLICT (session, seq) DO NOTHING
";

/// The columns of the events' own fields: each event fills some, the rest stay NULL.
#[derive(Default)]
struct Columns<'a> {
    event: &'static str,
    seconds: Option<f64>,
    success: Option<bool>,
    error_message: Option<&'a str>,
    name: Option<&'a str>,
    component_count: Option<u64>,
    is_webhook: Option<bool>,
    time_running: Option<f64>,
    package: Option<&'a str>,
    version: Option<&'a str>,
    platform: Option<&'a str>,
    python: Option<&'a str>,
    arch: Option<&'a str>,
    auto_login: Option<bool>,
    cache_type: Option<&'a str>,
    backend_only: Option<bool>,
}

// Taken apart without `..`: a field added to an event does not compile until it has its column.
impl<'a> From<&'a Event> for Columns<'a> {
    fn from(event: &'a Event) -> Self {
        match event {
            Event::Run(Run { is_webhook, seconds, success, error_message }) => Self {
                event: "run",
                is_webhook: *is_webhook,
                seconds: Some(*seconds),
                success: Some(*success),
                error_message: error_message.as_deref(),
                ..Self::default()
            },
            Event::Shutdown(Shutdown { time_running }) => {
                Self { event: "shutdown", time_running: Some(*time_running), ..Self::default() }
            }
            Event::Version(Version {
                package,
                version,
                platform,
                python,
                arch,
                auto_login,
                cache_type,
                backend_only,
            }) => Self {
                event: "version",
                package: package.as_deref(),
                version: version.as_deref(),
                platform: platform.as_deref(),
                python: python.as_deref(),
                arch: arch.as_deref(),
                auto_login: *auto_login,
                cache_type: cache_type.as_deref(),
                backend_only: *backend_only,
                ..Self::default()
            },
            Event::Playground(Playground { seconds, component_count, success, error_message }) => Self {
                event: "playground",
                seconds: Some(*seconds),
                component_count: *component_count,
                success: Some(*success),
                error_message: error_message.as_deref(),
                ..Self::default()
            },
            Event::Component(Component { name, seconds, success, error_message }) => Self {
                event: "component",
                name: Some(name),
                seconds: Some(*seconds),
                success: Some(*success),
                error_message: error_message.as_deref(),
                ..Self::default()
            },
        }
    }
}

/// Inserts one record. Returns 1 where its key was new, else 0.
pub(super) fn insert(
    statement: &mut Statement<'_>,
    record: &Record,
    received_at: u64,
) -> rusqlite::Result<usize> {
    let Record { event, origin } = record;
    let Origin { session, seq, time, client_type, sample_rate } = origin;
    let columns = Columns::from(event);
    statement.execute(named_params! {
        ":session": session,
        ":seq": seq,
        ":event": columns.event,
        ":time": time,
        ":client_type": client_type,
        ":sample_rate": sample_rate,
        ":seconds": columns.seconds,
        ":success": columns.success,
        ":error_message": columns.error_message,
        ":name": columns.name,
        ":component_count": columns.component_count,
        ":is_webhook": columns.is_webhook,
        ":time_running": columns.time_running,
        ":package": columns.package,
        ":version": columns.version,
        ":platform": columns.platform,
        ":python": columns.python,
        ":arch": columns.arch,
        ":auto_login": columns.auto_login,
        ":cache_type": columns.cache_type,
        ":backend_only": columns.backend_only,
        ":received_at": received_at,
    })
}

/// The record in a row with all columns.
pub(super) fn record(row: &Row<'_>) -> rusqlite::Result<Record> {
    let event: String = row.get("event")?;
    let event = match event.as_str() {
        "run" => Event::Run(Run {
            is_webhook: row.get("is_webhook")?,
            seconds: row.get("seconds")?,
            success: row.get("success")?,
            error_message: row.get("error_message")?,
        }),
        "shutdown" => Event::Shutdown(Shutdown { time_running: row.get("time_running")? }),
        "version" => Event::Version(Version {
            package: row.get("package")?,
            version: row.get("version")?,
            platform: row.get("platform")?,
            python: row.get("python")?,
            arch: row.get("arch")?,
            auto_login: row.get("auto_login")?,
            cache_type: row.get("cache_type")?,
            backend_only: row.get("backend_only")?,
        }),
        "playground" => Event::Playground(Playground {
            seconds: row.get("seconds")?,
            component_count: row.get("component_count")?,
            success: row.get("success")?,
            error_message: row.get("error_message")?,
        }),
        "component" => Event::Component(Component {
            name: row.get("name")?,
            seconds: row.get("seconds")?,
            success: row.get("success")?,
            error_message: row.get("error_message")?,
        }),
        // Only a row that another program wrote.
        _ => return Err(rusqlite::Error::InvalidColumnName(format!("event {event}"))),
    };
    let origin = Origin {
        session: row.get("session")?,
        seq: row.get("seq")?,
        time: row.get("time")?,
        client_type: row.get("client_type")?,
        sample_rate: row.get("sample_rate")?,
    };
    Ok(Record { event, origin })
}
