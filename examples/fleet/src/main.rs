//! A day of a million browsers against one collector: each page has the client's own delivery rules
//! (`src/delivery.rs`), and the day is over in minutes. See docs/scale.md.

mod agenda;
mod bars;
mod browser;
mod chance;
mod chart;
mod collector;
mod document;
mod figures;
mod people;
#[path = "../../../tests/simulation/rng.rs"]
mod rng;
mod scenario;
mod world;

use std::num::NonZero;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Mutex;
use std::time::Instant;

use clap::Parser;

use chart::thousands;
use figures::Figures;
use scenario::Scenario;
use world::{Day, Setup, live};

/// The intervals that the table of docs/scale.md compares, in ms.
const INTERVALS_MS: [f64; 5] = [1_000.0, 5_000.0, 15_000.0, 30_000.0, 60_000.0];

/// They are compared with this part of the fleet: means need no million.
const INTERVALS_PART: u32 = 20;

/// A day of so many browsers, each with the client's own delivery rules, against one collector.
#[derive(Debug, Parser)]
#[command(version)]
struct Args {
    /// Browsers that come on the day
    #[arg(long, value_name = "N", default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(100..=20_000_000))]
    clients: u32,

    /// What happens on the day; repeatable, all of them by default
    #[arg(long, value_enum)]
    scenario: Vec<Scenario>,

    /// Decides everything that is left to chance
    #[arg(long, default_value_t = 1)]
    seed: u64,

    /// Requests a second that the collector can take; by default somewhat more than twice what the busiest hour
    /// usually brings
    #[arg(long, value_name = "REQUESTS", value_parser = positive)]
    capacity: Option<f64>,

    /// The option flushIntervalMs
    #[arg(long, value_name = "MS", default_value_t = 5_000, value_parser = clap::value_parser!(u32).range(0..=600_000))]
    flush_interval: u32,

    /// The option sampleRate
    #[arg(long, value_name = "SHARE", default_value_t = 1.0, value_parser = share)]
    sample_rate: f64,

    /// Folder to write a chart of each day to, as SVG
    #[arg(long, value_name = "DIR")]
    charts: Option<PathBuf>,

    /// Markdown file whose block of figures is written anew; takes all scenarios
    #[arg(long, value_name = "FILE", conflicts_with = "scenario")]
    figures: Option<PathBuf>,
}

fn positive(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|number: &f64| number.is_finite() && *number > 0.0);
    number.ok_or_else(|| "expected a number above 0, in requests a second".to_owned())
}

fn share(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|number| (0.0..=1.0).contains(number));
    number.ok_or_else(|| "expected a number from 0 to 1".to_owned())
}

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("fleet: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> Result<(), String> {
    if let Some(dir) = &args.charts {
        std::fs::create_dir_all(dir).map_err(|error| format!("--charts {}: {error}", dir.display()))?;
    }
    let scenarios = if args.scenario.is_empty() { &Scenario::ALL[..] } else { &args.scenario };
    let setup = Setup {
        flush_interval_ms: f64::from(args.flush_interval),
        sample_rate: args.sample_rate,
        ..Setup::new(args.clients, args.seed)
    };
    let setup = Setup { capacity: args.capacity.unwrap_or(setup.capacity), ..setup };
    let mut days: Vec<(Scenario, Setup)> = scenarios.iter().map(|scenario| (*scenario, setup)).collect();
    if args.figures.is_some() {
        let small = Setup::new((args.clients / INTERVALS_PART).max(100), args.seed);
        days.extend(INTERVALS_MS.map(|ms| (Scenario::Steady, Setup { flush_interval_ms: ms, ..small })));
    }
    println!(
        "{} browsers, seed {}, a collector of {} requests/s",
        thousands(u64::from(setup.clients)),
        setup.seed,
        setup.capacity
    );
    let began = Instant::now();
    let days = live_all(&days);
    let told: Vec<document::Told<'_>> = days.iter().map(|(day, figures)| (day, figures)).collect();
    let (told, intervals) = told.split_at(scenarios.len());

    let mut text = document::scenarios(told);
    if let Some((day, figures)) = told.iter().find(|(day, _)| day.scenario == Scenario::Steady) {
        text = format!("{text}\n{}", document::costs(day, figures));
    }
    if let Some((day, figures)) = told.iter().find(|(day, _)| day.scenario == Scenario::Blocked) {
        text = format!("{text}\n{}", document::blocked(day, figures));
    }
    println!("\n{text}");
    for (day, figures) in told {
        if let Some(dir) = &args.charts {
            let path = dir.join(format!("{}.svg", day.scenario.name()));
            std::fs::write(&path, chart::draw(day, figures))
                .map_err(|error| format!("{}: {error}", path.display()))?;
        }
    }
    if let Some(path) = &args.figures {
        let setup = format!(
            "{} browsers ({} page loads, at most {} open at a time), seed {}, a collector of {} requests/s.",
            thousands(u64::from(setup.clients)),
            thousands(told[0].0.page_loads),
            thousands(told[0].0.open_max as u64),
            setup.seed,
            setup.capacity
        );
        document::renew(path, &format!("{setup}\n\n{text}\n{}", document::intervals(intervals)))?;
    }
    println!("{:.0} s in all", began.elapsed().as_secs_f64());
    let misses: Vec<String> =
        told.iter().filter_map(|(day, figures)| bars::check(day, figures).err()).collect();
    if misses.is_empty() { Ok(()) } else { Err(misses.join("\n")) }
}

/// Lives through the days, as many at a time as there are cores: a day has one clock, so it is one thread's.
fn live_all(days: &[(Scenario, Setup)]) -> Vec<(Day, Figures)> {
    // Pages that are blocked try all day long, so that this day takes longest: begun last, it would keep one core busy
    // while the others have nothing left to do.
    let mut order: Vec<usize> = (0..days.len()).collect();
    order.sort_by_key(|at| days[*at].0 != Scenario::Blocked);
    let next = Mutex::new(order.into_iter());
    let done = Mutex::new(Vec::new());
    let threads = std::thread::available_parallelism().map_or(1, NonZero::get).min(days.len());
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let at = next.lock().expect("no thread panics with it").next();
                    let Some((at, (scenario, setup))) = at.map(|at| (at, &days[at])) else { break };
                    let began = Instant::now();
                    let day = live(*scenario, *setup);
                    let figures = Figures::of(&day);
                    eprintln!(
                        "{}, flushIntervalMs {}: {} requests, {:.0} s",
                        scenario.name(),
                        setup.flush_interval_ms,
                        thousands(figures.requests),
                        began.elapsed().as_secs_f64()
                    );
                    done.lock().expect("no thread panics with it").push((at, (day, figures)));
                }
            });
        }
    });
    let mut done = done.into_inner().expect("no thread panics with it");
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, day)| day).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_fleet_is_refused() {
        for bad in [
            &["--clients", "12"][..],
            &["--clients", "many"],
            &["--capacity", "0"],
            &["--capacity", "inf"],
            &["--sample-rate", "1.5"],
            &["--flush-interval", "600001"],
            &["--scenario", "flood"],
            &["--scenario", "steady", "--figures", "docs/scale.md"],
        ] {
            let args = ["fleet"].iter().chain(bad);
            assert!(Args::try_parse_from(args).is_err(), "{bad:?}");
        }
        assert!(Args::try_parse_from(["fleet", "--scenario", "steady", "--scenario", "outage"]).is_ok());
    }
}
