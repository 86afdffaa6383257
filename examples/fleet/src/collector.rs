//! The collector: so many requests a second, a short queue before it, and what it counted, second by second.

use langflow_telemetry::delivery::Outcome;

use crate::scenario::Incident;

/// Longest queue before the collector, in ms of its own work. What comes on top is refused.
const QUEUE_MAX_MS: f64 = 2_000.0;

/// What it tells those to wait that it has no room for, in ms: as the reference collector does.
const BUSY_RETRY_AFTER_MS: f64 = 1_000.0;

/// Bodies that are larger are answered with 413 by the reference collector; no page sends such.
const STATUS_TAKEN: u16 = 200;
const STATUS_BUSY: u16 = 503;
const STATUS_TOO_MANY: u16 = 429;

/// One second at the collector's door.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Second {
    /// Requests that came, whatever became of them.
    pub(crate) requests: u32,
    /// Requests that it answered with "later", or not at all.
    pub(crate) refused: u32,
    /// Bytes of all bodies.
    pub(crate) bytes: u64,
    /// Events that were new, and those that it had.
    pub(crate) rows: u32,
    pub(crate) duplicates: u32,
    /// Events that pages accepted in this second.
    pub(crate) captured: u32,
}

/// The collector.
#[derive(Debug)]
pub(crate) struct Collector {
    /// Requests a second.
    capacity: f64,
    incident: Incident,
    /// When all that waits will be done, in ms.
    busy_until_ms: f64,
    /// Requests a second before the incident.
    pub(crate) usual: f64,
    /// The gateway's allowance while it throttles: requests, and when it was filled up last.
    allowance: f64,
    filled_ms: f64,
}

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Reply {
    pub(crate) outcome: Outcome,
    /// How long the answer takes, in ms.
    pub(crate) after_ms: f64,
    /// Whether its events are kept.
    pub(crate) takes: bool,
}

impl Collector {
    pub(crate) const fn new(capacity: f64, incident: Incident) -> Self {
        Self { capacity, incident, busy_until_ms: 0.0, usual: 0.0, allowance: 0.0, filled_ms: 0.0 }
    }

    /// A request arrives.
    pub(crate) fn answer(&mut self, now_ms: u32) -> Reply {
        let now = f64::from(now_ms);
        if let Some(end_ms) = self.incident.at(now_ms) {
            match self.incident {
                Incident::Outage { .. } => return refuse(Outcome::Unreachable),
                Incident::Maintenance { .. } => return later(STATUS_BUSY, end_ms - now),
                Incident::Throttled { share, retry_after_ms, .. } => {
                    let per_second = self.usual * share;
                    let filled = self.allowance + (now - self.filled_ms) / 1000.0 * per_second;
                    (self.allowance, self.filled_ms) = (filled.min(per_second), now);
                    if self.allowance < 1.0 {
                        return later(STATUS_TOO_MANY, retry_after_ms);
                    }
                    self.allowance -= 1.0;
                }
                Incident::None | Incident::Reload { .. } | Incident::Blocked { .. } => {}
            }
        }
        let begins = self.busy_until_ms.max(now);
        if begins - now > QUEUE_MAX_MS {
            return later(STATUS_BUSY, BUSY_RETRY_AFTER_MS);
        }
        self.busy_until_ms = begins + 1000.0 / self.capacity;
        let outcome = Outcome::Answered { status: STATUS_TAKEN, retry_after_ms: None, rejected: 0 };
        Reply { outcome, after_ms: self.busy_until_ms - now, takes: true }
    }
}

const fn refuse(outcome: Outcome) -> Reply {
    Reply { outcome, after_ms: 0.0, takes: false }
}

/// `Retry-After` is in whole seconds, and the client takes at most five minutes of it.
fn later(status: u16, wait_ms: f64) -> Reply {
    let wait_ms = ((wait_ms / 1000.0).ceil() * 1000.0).min(langflow_telemetry::retry::BACKOFF_MAX_MS);
    refuse(Outcome::Answered { status, retry_after_ms: Some(wait_ms), rejected: 0 })
}
