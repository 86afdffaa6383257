//! What a day comes to, in figures.

use langflow_telemetry::delivery::Reason;

use crate::collector::Second;
use crate::people::NOON_MS;
use crate::world::{Day, USUAL_OVER_MS};

/// How long after an incident its wake is watched, in s.
const WAKE_S: usize = 3_600;

/// Soon after an incident, in s: the longest backoff is over by then, and so is the longest wait that
/// `Retry-After` can ask for with what is put on top of it.
pub(crate) const SOON_S: usize = 600;

/// The spans over which a peak is told, in s: a second is mostly chance where a fleet is small.
pub(crate) const SPANS_S: [usize; 3] = [1, 10, 60];

/// The figures of a day.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Figures {
    pub(crate) requests: u64,
    pub(crate) refused: u64,
    pub(crate) rows: u64,
    pub(crate) duplicates: u64,
    pub(crate) bytes: u64,
    /// Requests a second in the half hour before the incident (or the busiest time).
    pub(crate) usual: f64,
    /// The busiest second, ten seconds and minute, as multiples of `usual`: in the half hour before, during the
    /// incident, and in the hour after it.
    pub(crate) before: [f64; 3],
    pub(crate) during: [f64; 3],
    pub(crate) after: [f64; 3],
    /// Of the events that the incident kept waiting, the share that arrived within [`SOON_S`] of its end. What
    /// is left waits in the stores of pages that were closed, for their browsers' next visits.
    pub(crate) arrived_soon: f64,
    /// Events that were refused by the queue's bound.
    pub(crate) queue_full: u64,
}

impl Figures {
    pub(crate) fn of(day: &Day) -> Self {
        let sum = |of: fn(&Second) -> u64| day.seconds.iter().map(of).sum();
        let (from, to) = span_s(day);
        let usual_from = from - USUAL_OVER_MS as usize / 1000;
        let usual = mean(&day.seconds[usual_from..from]);
        let peaks = |from: usize, to: usize| {
            SPANS_S.map(|span| {
                let seconds = &day.seconds[from..(to + span - 1).min(day.seconds.len())];
                seconds.windows(span).map(mean).fold(0.0, f64::max) / usual
            })
        };
        let waiting = waiting(day);
        let kept = |at: usize| waiting[at] as f64 - waiting[from - 1] as f64;
        Self {
            requests: sum(|second| u64::from(second.requests)),
            refused: sum(|second| u64::from(second.refused)),
            rows: sum(|second| u64::from(second.rows)),
            duplicates: sum(|second| u64::from(second.duplicates)),
            bytes: sum(|second| second.bytes),
            usual,
            before: peaks(usual_from, from - SPANS_S[2]),
            during: peaks(from, to),
            after: peaks(to, to + WAKE_S),
            arrived_soon: 1.0 - kept(to + SOON_S) / kept(to - 1).max(1.0),
            queue_full: day.dropped[Reason::QueueFull as usize],
        }
    }
}

/// From when to when the incident lasts, in s after midnight; where there is none, the ten minutes in which there
/// would have been one.
pub(crate) fn span_s(day: &Day) -> (usize, usize) {
    let (from_ms, to_ms) = day.scenario.incident().span().unwrap_or((NOON_MS, NOON_MS + 600_000));
    (from_ms as usize / 1000, to_ms as usize / 1000)
}

/// Mean requests a second.
pub(crate) fn mean(seconds: &[Second]) -> f64 {
    seconds.iter().map(|second| f64::from(second.requests)).sum::<f64>() / seconds.len() as f64
}

/// Events that pages have accepted and the collector does not have, at the end of each second.
pub(crate) fn waiting(day: &Day) -> Vec<u64> {
    let mut waiting = 0_u64;
    let each = day.seconds.iter().map(|second| {
        waiting = (waiting + u64::from(second.captured)).saturating_sub(u64::from(second.rows));
        waiting
    });
    each.collect()
}
