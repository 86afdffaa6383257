//! The days that the fleet can have.

use clap::ValueEnum;

use crate::people::NOON_MS;

/// How long the collector is away, or throttles.
const TEN_MINUTES_MS: u32 = 600_000;

/// A day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Scenario {
    /// Nothing happens
    Steady,
    /// The collector refuses every connection for ten minutes, at the busiest time
    Outage,
    /// A gateway lets half of the usual requests through for ten minutes; 429, Retry-After: 30, to the others
    Throttled,
    /// Ten minutes of 503 with the end of the maintenance, a date, as Retry-After
    Maintenance,
    /// A deploy has every open page load itself again within a minute
    Reload,
    /// Nothing of three browsers in ten gets through, all day
    Blocked,
}

impl Scenario {
    /// All, in the order of the issue they answer.
    pub(crate) const ALL: [Self; 6] =
        [Self::Steady, Self::Outage, Self::Throttled, Self::Maintenance, Self::Reload, Self::Blocked];

    /// As the command line and the charts' file names have it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Steady => "steady",
            Self::Outage => "outage",
            Self::Throttled => "throttled",
            Self::Maintenance => "maintenance",
            Self::Reload => "reload",
            Self::Blocked => "blocked",
        }
    }

    /// A chart's title.
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Steady => "A steady day",
            Self::Outage => "Ten minutes without a collector",
            Self::Throttled => "Ten minutes of 429 to half of the requests, Retry-After: 30",
            Self::Maintenance => "Ten minutes of 503, Retry-After: the end of the maintenance",
            Self::Reload => "A deploy: every open page reloads within a minute",
            Self::Blocked => "Three browsers in ten are blocked",
        }
    }

    /// What happens, and when.
    pub(crate) const fn incident(self) -> Incident {
        let (from_ms, to_ms) = (NOON_MS, NOON_MS + TEN_MINUTES_MS);
        match self {
            Self::Steady => Incident::None,
            Self::Outage => Incident::Outage { from_ms, to_ms },
            Self::Throttled => Incident::Throttled { from_ms, to_ms, share: 0.5, retry_after_ms: 30_000.0 },
            Self::Maintenance => Incident::Maintenance { from_ms, to_ms },
            Self::Reload => Incident::Reload { from_ms, to_ms: NOON_MS + 60_000 },
            Self::Blocked => Incident::Blocked { share: 0.3 },
        }
    }
}

/// What happens on a day. Times are in ms after midnight.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Incident {
    /// Nothing.
    None,
    /// No request is answered.
    Outage { from_ms: u32, to_ms: u32 },
    /// As many requests a second are let through as this share of the usual; the others are told to wait.
    Throttled { from_ms: u32, to_ms: u32, share: f64, retry_after_ms: f64 },
    /// All are told to wait for the end.
    Maintenance { from_ms: u32, to_ms: u32 },
    /// Open pages reload, each at a moment of its own.
    Reload { from_ms: u32, to_ms: u32 },
    /// This share of browsers sends nothing that arrives.
    Blocked { share: f64 },
}

impl Incident {
    /// When it happens; `None` where it has no time.
    pub(crate) const fn span(self) -> Option<(u32, u32)> {
        match self {
            Self::None | Self::Blocked { .. } => None,
            Self::Outage { from_ms, to_ms }
            | Self::Throttled { from_ms, to_ms, .. }
            | Self::Maintenance { from_ms, to_ms }
            | Self::Reload { from_ms, to_ms } => Some((from_ms, to_ms)),
        }
    }

    /// When it ends, if it happens now; in ms after midnight.
    pub(crate) fn at(self, now_ms: u32) -> Option<f64> {
        self.span().filter(|(from, to)| (*from..*to).contains(&now_ms)).map(|(_, to)| f64::from(to))
    }
}
