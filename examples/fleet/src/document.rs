//! The figures as Markdown, and the block of docs/scale.md that holds them.

use std::fmt::Write;
use std::path::Path;

use crate::chart::thousands;
use crate::figures::Figures;
use crate::scenario::Scenario;
use crate::world::Day;

/// What the block stands between.
const BEGIN: &str = "<!-- begin of what `make fleet` writes -->";
const END: &str = "<!-- end of what `make fleet` writes -->";

/// Page loads a day, in millions, for which the costs are worked out.
const MILLIONS: [u32; 4] = [1, 10, 100, 1_000];

/// A day's seconds.
const DAY_S: f64 = 86_400.0;

/// A day and its figures.
pub(crate) type Told<'a> = (&'a Day, &'a Figures);

/// What happened in each scenario.
pub(crate) fn scenarios(days: &[Told<'_>]) -> String {
    let mut out = String::from(
        "| scenario | usual requests/s | busiest before | during | after | backlog in within 10 min | told to wait, or no answer | requests | bodies | \
         events accepted | arrived by midnight | still in browsers | lost in crashes | beyond a bound | lost |\n\
         |---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n",
    );
    for (day, figures) in days {
        let peaks = |peaks: [f64; 3]| peaks.map(|peak| format!("{peak:.1}")).join(" / ");
        let quiet = matches!(day.scenario, Scenario::Steady | Scenario::Blocked);
        let soon = if quiet { "–".to_owned() } else { format!("{:.0} %", 100.0 * figures.arrived_soon) };
        let row = [
            day.scenario.name().to_owned(),
            format!("{:.1}", figures.usual),
            peaks(figures.before),
            peaks(figures.during),
            peaks(figures.after),
            soon,
            thousands(figures.refused),
            thousands(figures.requests),
            size(figures.bytes as f64),
            thousands(day.fate.accepted),
            thousands(day.fate.arrived),
            thousands(day.fate.waiting),
            thousands(day.fate.crashed),
            thousands(day.fate.overflowed + figures.queue_full),
            thousands(day.fate.lost),
        ];
        let _ = writeln!(out, "| {} |", row.join(" | "));
    }
    out
}

/// What one page load costs, and what millions do.
pub(crate) fn costs(day: &Day, figures: &Figures) -> String {
    let loads = day.page_loads as f64;
    let per_load = |number: u64| number as f64 / loads;
    let (requests, rows, bytes) =
        (per_load(figures.requests), per_load(figures.rows), per_load(figures.bytes));
    let busy = figures.usual * DAY_S / figures.requests as f64;
    let mut out = format!(
        "A page load costs {requests:.1} requests, {rows:.1} rows and {:.1} KB of bodies: {:.0} bytes a row, {:.1} rows a \
         request, {:.1} % of the rows sent twice. The busiest half hour has {busy:.2} times the day's mean.\n\n\
         | million page loads a day | requests/s, mean | busiest half hour | to provide for (twice that) | rows/s, mean | \
         rows a day | NDJSON a day | NDJSON a year |\n|--:|--:|--:|--:|--:|--:|--:|--:|\n",
        bytes / 1_000.0,
        figures.bytes as f64 / (figures.rows + figures.duplicates) as f64,
        figures.rows as f64 / figures.requests as f64,
        100.0 * figures.duplicates as f64 / (figures.rows + figures.duplicates) as f64,
    );
    for millions in MILLIONS {
        let loads = f64::from(millions) * 1e6;
        let mean = loads * requests / DAY_S;
        let number = |number: f64| thousands(number.round() as u64);
        let row = [
            number(loads / 1e6),
            number(mean),
            number(mean * busy),
            number(mean * busy * 2.0),
            number(loads * rows / DAY_S),
            format!("{} million", number(loads * rows / 1e6)),
            size(loads * bytes),
            size(loads * bytes * 365.0),
        ];
        let _ = writeln!(out, "| {} |", row.join(" | "));
    }
    out
}

/// What the blocked browsers did.
pub(crate) fn blocked(day: &Day, figures: &Figures) -> String {
    let blocked = day.blocked;
    format!(
        "The blocked: {} page loads tried {} requests, {:.1} each or {:.1} an hour that they were open; the fullest store \
         held {} bytes at midnight. The collector had {} requests from the others.\n",
        thousands(blocked.page_loads),
        thousands(blocked.attempts),
        blocked.attempts as f64 / blocked.page_loads.max(1) as f64,
        blocked.attempts as f64 / blocked.hours.max(1.0),
        thousands(blocked.stored_max as u64),
        thousands(figures.requests),
    )
}

/// What the flush interval does to a steady day.
pub(crate) fn intervals(days: &[Told<'_>]) -> String {
    let clients = days.first().map_or(0, |(day, _)| day.setup.clients);
    let mut out = format!(
        "A steady day of {} browsers, by the option `flushIntervalMs`:\n\n\
         | `flushIntervalMs` | requests a page load | rows a request | requests/s at 10 million page loads a day | bytes a \
         row |\n|--:|--:|--:|--:|--:|\n",
        thousands(u64::from(clients))
    );
    for (day, figures) in days {
        let requests = figures.requests as f64 / day.page_loads as f64;
        let row = [
            thousands(day.setup.flush_interval_ms as u64),
            format!("{requests:.1}"),
            format!("{:.1}", figures.rows as f64 / figures.requests as f64),
            thousands((requests * 1e7 / DAY_S).round() as u64),
            format!("{:.0}", figures.bytes as f64 / (figures.rows + figures.duplicates) as f64),
        ];
        let _ = writeln!(out, "| {} |", row.join(" | "));
    }
    out
}

/// Decimal units, two digits at least.
fn size(bytes: f64) -> String {
    let units = [(1e15, "PB"), (1e12, "TB"), (1e9, "GB"), (1e6, "MB")];
    let (unit, name) = units.into_iter().find(|(unit, _)| bytes >= *unit).unwrap_or((1e3, "KB"));
    format!("{:.1} {name}", bytes / unit)
}

/// Puts `text` between the markers of the file.
pub(crate) fn renew(path: &Path, text: &str) -> Result<(), String> {
    let name = path.display();
    let old = std::fs::read_to_string(path).map_err(|error| format!("{name}: {error}"))?;
    let new = replace(&old, text)
        .ok_or_else(|| format!("{name}: expected a line \"{BEGIN}\" and, after it, a line \"{END}\""))?;
    std::fs::write(path, new).map_err(|error| format!("{name}: {error}"))
}

fn replace(old: &str, text: &str) -> Option<String> {
    let (before, rest) = old.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n\n{}\n\n{END}{after}", text.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_block_is_renewed() {
        let old = format!("# Scale\n{BEGIN}\nold\n{END}\nafter\n");
        assert_eq!(replace(&old, "new\n"), Some(format!("# Scale\n{BEGIN}\n\nnew\n\n{END}\nafter\n")));
        assert_eq!(replace(END, "new"), None);
    }

    #[test]
    fn sizes_read_easily() {
        assert_eq!([1.2e6, 3.45e9, 6e12, 7e15].map(size), ["1.2 MB", "3.5 GB", "6.0 TB", "7.0 PB"]);
    }
}
