//! Takes out of a failing schedule what does not matter.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::ledger::Tally;
use crate::schedule::{Schedule, Step, What};
use crate::world;

/// Lives through a schedule; a panic is a failure.
pub(crate) fn live(schedule: &Schedule) -> Result<Tally, String> {
    run(schedule, false).0
}

/// As `live`, and tells what happened.
pub(crate) fn trace(schedule: &Schedule) -> (Result<Tally, String>, Vec<String>) {
    run(schedule, true)
}

fn run(schedule: &Schedule, traced: bool) -> (Result<Tally, String>, Vec<String>) {
    catch_unwind(AssertUnwindSafe(|| world::live(schedule, traced))).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        (Err(format!("panic: {}", text.unwrap_or_default())), Vec::new())
    })
}

/// A schedule that still fails, from which no step can be taken and no wait halved.
pub(crate) fn shrink(schedule: &Schedule) -> Schedule {
    let mut best = schedule.clone();
    loop {
        let before = (best.steps.len(), waits(&best));
        let mut size = best.steps.len() / 2;
        while size > 0 {
            let mut at = 0;
            while at < best.steps.len() {
                let mut steps = best.steps.clone();
                steps.drain(at..(at + size).min(steps.len()));
                if !keep(&mut best, steps) {
                    at += size;
                }
            }
            size /= 2;
        }
        for at in 0..best.steps.len() {
            while let Some(smaller) = simpler(best.steps[at]) {
                let mut steps = best.steps.clone();
                steps[at] = smaller;
                if !keep(&mut best, steps) {
                    break;
                }
            }
        }
        if (best.steps.len(), waits(&best)) == before {
            return best;
        }
    }
}

/// Takes these steps if they still fail.
fn keep(best: &mut Schedule, steps: Vec<Step>) -> bool {
    let candidate = Schedule { setup: best.setup, steps };
    let fails = live(&candidate).is_err();
    if fails {
        *best = candidate;
    }
    fails
}

fn simpler(step: Step) -> Option<Step> {
    let what = match step.what {
        What::Wait(ms) if ms > 1 => What::Wait(ms / 2),
        What::Capture { tab, events, bytes, urgent } if events > 1 => {
            What::Capture { tab, events: events / 2, bytes, urgent }
        }
        _ => return None,
    };
    Some(Step { what, ..step })
}

fn waits(schedule: &Schedule) -> u64 {
    let sizes = schedule.steps.iter().map(|step| match step.what {
        What::Wait(ms) => ms,
        What::Capture { events, .. } => u64::from(events),
        _ => 0,
    });
    sizes.sum()
}
