//! What a day has to keep to.

use crate::figures::{Figures, SPANS_S};
use crate::scenario::Scenario;
use crate::world::Day;

/// After an incident, the busiest moment may have so many times the usual requests.
const PEAK_MAX: f64 = 2.0;

/// A moment is the shortest of [`SPANS_S`] in which so many requests are usual: with fewer, chance alone makes peaks
/// (a tenth up or down is one standard deviation of a hundred).
const REQUESTS_MIN: f64 = 100.0;

/// After a `Retry-After` a moment is so many s at least: who asked in its last seconds was told to wait for seconds,
/// and comes back within seconds. A collector's queue takes that in.
const TOLD_SPAN_S: usize = 10;

/// Checks a day.
///
/// # Errors
/// Says what was seen and what was allowed.
pub(crate) fn check(day: &Day, figures: &Figures) -> Result<(), String> {
    let name = day.scenario.name();
    let mut misses = Vec::new();
    let fate = day.fate;
    if fate.lost > 0 {
        misses.push(format!("{} events were lost without a reason", fate.lost));
    }
    if fate.overflowed + figures.queue_full > 0 {
        misses.push(format!("{} events passed a bound", fate.overflowed + figures.queue_full));
    }
    if fate.accepted != fate.arrived + fate.waiting + fate.crashed + fate.overflowed + fate.lost {
        misses.push("the sums do not agree".to_owned());
    }
    let comes_back = matches!(day.scenario, Scenario::Outage | Scenario::Throttled | Scenario::Maintenance);
    let (span, peak) = peak(day.scenario, figures);
    if comes_back && peak > PEAK_MAX {
        misses.push(format!(
            "in its busiest {span} s after it, the collector had {peak:.2} times the usual {:.1} requests/s, not {PEAK_MAX}",
            figures.usual
        ));
    }
    if misses.is_empty() { Ok(()) } else { Err(format!("{name}: {}", misses.join("; "))) }
}

/// The busiest moment after the incident, and how many seconds a moment is.
fn peak(scenario: Scenario, figures: &Figures) -> (usize, f64) {
    let least = if scenario == Scenario::Outage { 1 } else { TOLD_SPAN_S };
    let enough = |span: &&(usize, f64)| span.0 >= least && span.0 as f64 * figures.usual >= REQUESTS_MIN;
    let peaks: Vec<(usize, f64)> = SPANS_S.into_iter().zip(figures.after).collect();
    *peaks.iter().find(enough).unwrap_or(&peaks[SPANS_S.len() - 1])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::{Setup, live};

    /// Enough that a minute's requests say something, few enough for a few seconds.
    const CLIENTS: u32 = 20_000;

    /// A blocked page costs more than any other, and there the peaks are not asked for.
    const CLIENTS_BLOCKED: u32 = 5_000;

    fn lives_well(scenario: Scenario) -> (Day, Figures) {
        let clients = if scenario == Scenario::Blocked { CLIENTS_BLOCKED } else { CLIENTS };
        let day = live(scenario, Setup::new(clients, 1));
        let figures = Figures::of(&day);
        assert_eq!(check(&day, &figures), Ok(()));
        assert!(day.fate.accepted > 20 * u64::from(clients), "a day in which something happens");
        (day, figures)
    }

    #[test]
    fn a_steady_day_brings_everything() {
        let (day, figures) = lives_well(Scenario::Steady);
        assert_eq!(figures.refused, 0);
        // What is left is of the evening's last pages, and of those that crashed.
        assert!(day.fate.waiting + day.fate.crashed < day.fate.accepted / 1_000, "{:?}", day.fate);
    }

    #[test]
    fn after_an_outage_the_fleet_comes_back_softly_and_complete() {
        let (_, figures) = lives_well(Scenario::Outage);
        assert!(figures.refused > 1_000, "there was one");
    }

    #[test]
    fn a_throttle_with_retry_after_makes_no_waves() {
        let (_, figures) = lives_well(Scenario::Throttled);
        assert!(figures.refused > 500, "there was one");
    }

    #[test]
    fn the_end_of_a_maintenance_is_no_appointment() {
        let (_, figures) = lives_well(Scenario::Maintenance);
        assert!(figures.refused > 500, "there was one");
    }

    #[test]
    fn a_deploy_that_reloads_every_page_loses_nothing() {
        let (_, figures) = lives_well(Scenario::Reload);
        assert!(figures.during[2] > 2.0, "everyone knocks");
        assert!(figures.after[2] < 10.0, "{figures:?}");
    }

    #[test]
    fn the_blocked_stay_within_bounds_and_cost_the_others_nothing() {
        let (day, _) = lives_well(Scenario::Blocked);
        assert!(day.blocked.page_loads > 1_000);
        assert!(day.blocked.attempts > 0);
        assert!(day.blocked.stored_max < 1024 * 1024, "{:?}", day.blocked);
        assert!(day.fate.waiting > 0, "what they hold is in their stores");
    }

    #[test]
    fn a_day_is_decided_by_its_seed() {
        let figures = |seed| {
            let day = live(Scenario::Outage, Setup::new(500, seed));
            (day.fate, Figures::of(&day).bytes, day.page_loads)
        };
        assert_eq!(figures(7), figures(7));
        assert_ne!(figures(7), figures(8));
    }
}
