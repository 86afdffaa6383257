//! Delivery, proven by simulation: a hundred thousand page lives on a bad network, each decided by its seed;
//! what must hold is in `simulation/audit.rs`, what is modelled in docs/simulation.md.
//!
//! `LFT_SCHEDULES=N` lives through N schedules, `LFT_SEED=S` through one, and prints it. Schedules begin at
//! seed 0, or at `LFT_FIRST=S`.
#![cfg(not(target_arch = "wasm32"))]

#[path = "simulation/audit.rs"]
mod audit;
#[path = "simulation/ledger.rs"]
mod ledger;
#[path = "simulation/network.rs"]
mod network;
#[path = "simulation/rng.rs"]
mod rng;
#[path = "simulation/schedule.rs"]
mod schedule;
#[path = "simulation/shrink.rs"]
mod shrink;
#[path = "simulation/store.rs"]
mod store;
#[path = "simulation/world.rs"]
mod world;

use std::io::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use langflow_telemetry::delivery::Reason;
use ledger::Tally;
use schedule::Schedule;

/// Schedules of one run of the tests.
const SCHEDULES: u64 = 100_000;

/// Seeds that a thread takes at a time.
const PORTION: u64 = 256;

/// What is printed of a failing seed's trace: the last so many lines.
const TRACE_LINES: usize = 120;

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.replace('_', "").parse().unwrap_or_else(|_| panic!("{name} is not a number: {text}")))
}

/// Past the test harness, which holds back what a test prints until it fails.
fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

#[test]
fn nothing_is_lost_and_the_counts_say_so() {
    if let Some(seed) = number("LFT_SEED") {
        replay(seed);
        return;
    }
    let (first, count) = (number("LFT_FIRST").unwrap_or(0), number("LFT_SCHEDULES").unwrap_or(SCHEDULES));
    let began = Instant::now();
    let next = AtomicU64::new(first);
    // The smallest seed that failed: then all smaller ones are still tried, so that it is always the same.
    let failed = AtomicU64::new(u64::MAX);
    let total = Mutex::new(Tally::default());
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    // Panics of the machine are failures as others are; they are told once, at the end.
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let from = next.fetch_add(PORTION, Ordering::Relaxed);
                    let mut sum = Tally::default();
                    for seed in from..(from + PORTION).min(first + count) {
                        if seed >= failed.load(Ordering::Relaxed) {
                            break;
                        }
                        match shrink::live(&Schedule::of(seed)) {
                            Ok(tally) => sum.add(&tally),
                            Err(_) => {
                                failed.fetch_min(seed, Ordering::Relaxed);
                            }
                        }
                    }
                    let mut total = total.lock().expect("no thread panics");
                    let before = total.schedules;
                    total.add(&sum);
                    if before >> 20 != total.schedules >> 20 {
                        say(&format!(
                            "  {} schedules, {:.0} s",
                            total.schedules,
                            began.elapsed().as_secs_f64()
                        ));
                    }
                    if from + PORTION >= (first + count).min(failed.load(Ordering::Relaxed)) {
                        break;
                    }
                }
            });
        }
    });
    std::panic::set_hook(hook);
    let total = total.into_inner().expect("no thread panics");
    let failed = failed.into_inner();
    if failed < u64::MAX {
        report(failed);
    }
    summary(&total, began.elapsed().as_secs_f64());
    assert_eq!(total.schedules, count);
    assert!(total.delivered * 2 > total.events, "the worlds are too bad to prove anything");
}

/// Prints what is left of a failing seed's schedule when all that does not matter is taken out.
fn report(seed: u64) -> ! {
    let whole = Schedule::of(seed);
    let small = shrink::shrink(&whole);
    let (check, trace) = shrink::trace(&small);
    say(&format!(
        "\nseed {seed} fails; {} of its {} steps are enough:",
        small.steps.len(),
        whole.steps.len()
    ));
    say(&format!("{:#?}", small.setup));
    for step in &small.steps {
        say(&format!("  {:?}", step.what));
    }
    let hidden = trace.len().saturating_sub(TRACE_LINES);
    say(&format!("what happened ({hidden} lines left out; times in ms):"));
    for line in &trace[hidden..] {
        say(line);
    }
    let why = check.err().unwrap_or_else(|| "no more: it depends on something else than its seed".to_owned());
    panic!("seed {seed}: {why}. LFT_SEED={seed} runs it alone");
}

fn replay(seed: u64) {
    let schedule = Schedule::of(seed);
    say(&format!("{:#?}", schedule.setup));
    let (check, trace) = shrink::trace(&schedule);
    for line in &trace {
        say(line);
    }
    match check {
        Ok(tally) => summary(&tally, 0.0),
        Err(_) => report(seed),
    }
}

fn summary(tally: &Tally, seconds: f64) {
    let rate = tally.schedules as f64 / seconds.max(0.001);
    say(&format!("simulation: {} schedules in {seconds:.1} s ({rate:.0} a second)", tally.schedules));
    say(&format!("  {} events accepted, {} delivered", tally.events, tally.delivered));
    let why = [
        "refused by the receiver",
        "held by a page that was told 410",
        "opted out, or without consent",
        "stored for more than 7 days",
        "lost to the insurance window of a crash",
        "gone with a page that had no store",
        "at most once: under way when the page left",
        "insured by a deferred request that was lost",
        "in a store that was cleared",
    ];
    for (why, count) in why.iter().zip(tally.missing) {
        say(&format!("    {count:>9} {why}"));
    }
    say(&format!(
        "  {} crashes; the worst cost {} events of its window, the oldest {} ms old",
        tally.crashes, tally.most_lost, tally.oldest_lost_ms
    ));
    let dropped = Reason::ALL.iter().zip(tally.dropped);
    let dropped: Vec<_> = dropped.map(|(reason, count)| format!("{} {count}", reason.as_str())).collect();
    say(&format!("  counted as dropped: {}", dropped.join(", ")));
    say(&format!(
        "  {} requests, at worst {:.1} an event; {} events received again; at most {} keepalive bytes in flight",
        tally.requests,
        tally.requests_per_event as f64 / 100.0,
        tally.duplicates,
        tally.keepalive_bytes
    ));
    say(&format!("  {} promises settled, {} of them as acknowledged", tally.settled, tally.acknowledged));
}
