//! What a seed decides: the world's fixed traits, and the steps of one schedule. A schedule is plain data, so
//! that a failing one can be printed, cut down and run again.

use langflow_telemetry::config::Guarantee;
use langflow_telemetry::queue::Limits;

use crate::rng::Rng;

/// What does not change during a schedule.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Setup {
    pub(crate) guarantee: Guarantee,
    pub(crate) store: bool,
    /// Whether there is `fetchLater`.
    pub(crate) deferred: bool,
    /// Percent of deferred requests that the browser refuses.
    pub(crate) deferred_refused: u64,
    pub(crate) beacon: bool,
    /// Whether each event is a GET by itself, of whose answer the page learns nothing.
    pub(crate) pings: bool,
    /// Bytes that a format puts round the lines of a request.
    pub(crate) frame: usize,
    pub(crate) limits: Limits,
    pub(crate) flush_interval_ms: f64,
    /// Bytes that the store takes: 1 MiB, or little, so that short schedules reach the bound too.
    pub(crate) store_bytes: usize,
    /// A larger body is answered with 413.
    pub(crate) receiver_bytes: usize,
    /// Percent of events that the receiver refuses by the line.
    pub(crate) bad_lines: u64,
    /// Percent of pages that `sampleRate` left out.
    pub(crate) sampled_out: u64,
    /// Percent of pages that begin without consent.
    pub(crate) pending: u64,
    /// Whether another tab may run between two actions of one: tabs are processes, the store is shared.
    pub(crate) interleaved: bool,
    /// Whether a deferred request also leaves when its page enters the back/forward cache.
    pub(crate) deferred_leaves_on_freeze: bool,
}

/// One step, and the seed of all that is random until the next. Each step has its own, so that taking one out
/// leaves the others as they were.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Step {
    pub(crate) seed: u64,
    pub(crate) what: What,
}

/// `tab` counts the pages that could do it, wrapping around; where there is none, nothing happens.
#[derive(Debug, Clone, Copy)]
pub(crate) enum What {
    /// Time passes, in ms.
    Wait(u64),
    /// A new tab.
    Open,
    Capture {
        tab: u8,
        events: u8,
        bytes: u32,
        urgent: bool,
    },
    /// The edge refuses an event.
    Refuse {
        tab: u8,
    },
    Hide {
        tab: u8,
    },
    Show {
        tab: u8,
    },
    /// A hidden page is frozen.
    Freeze {
        tab: u8,
    },
    /// The page leaves, and may come back from the back/forward cache if it is `cached`.
    Navigate {
        tab: u8,
        cached: bool,
    },
    /// A frozen page comes back.
    Return {
        tab: u8,
    },
    Close {
        tab: u8,
    },
    Reload {
        tab: u8,
    },
    /// The renderer is killed.
    Crash {
        tab: u8,
    },
    /// The renderer is killed before it executes so many more actions.
    CrashWithin {
        tab: u8,
        actions: u8,
    },
    /// The browser drops a hidden or frozen page without a word.
    Discard {
        tab: u8,
    },
    Offline,
    Online,
    Network(Weather),
    /// The wall clock jumps, in ms.
    Clock(i64),
    OptOut {
        tab: u8,
    },
    OptIn {
        tab: u8,
    },
    Flush {
        tab: u8,
    },
    Shutdown {
        tab: u8,
    },
    Timers {
        tab: u8,
        how: Timers,
    },
    /// Percent of writes that the store refuses from now on.
    Quota(u64),
    /// The site clears its storage, as many do when somebody logs out: no page is told.
    Clear,
}

/// How a page's timers behave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Timers {
    OnTime,
    /// Aligned to whole seconds, as in hidden pages.
    Seconds,
    /// Aligned to whole minutes, as in pages hidden for long.
    Minutes,
    /// Up to 40 s late: a blocked main thread, a sleeping machine.
    Oversleeping,
}

/// How the network and the receiver behave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Weather {
    Well,
    /// Requests and answers get lost, come late, twice, and in any order.
    Lossy,
    /// Nothing gets through.
    Down,
    /// Connections are accepted and never answered; some requests are processed all the same.
    Hanging,
    /// 503 and 429, with and without `Retry-After`; some of the 503 come after the batch was taken.
    Overloaded,
    /// 400, 403, 404 and redirects.
    Refusing,
    /// Well, but answers take seconds.
    Slow,
    /// Now and then 410.
    Retired,
    /// A little of everything.
    Chaos,
}

#[derive(Debug, Clone)]
pub(crate) struct Schedule {
    pub(crate) setup: Setup,
    pub(crate) steps: Vec<Step>,
}

const DAY_MS: i64 = 24 * 3_600_000;

impl Schedule {
    pub(crate) fn of(seed: u64) -> Self {
        // Neighbouring seeds must not share parts of one stream.
        let mut rng = Rng::new(seed.wrapping_mul(0xd134_2543_de82_ef95).wrapping_add(1));
        let setup = setup(&mut rng);
        let count = 8 + rng.below(56);
        let mut jumped = false;
        let mut steps = vec![Step { seed: rng.next(), what: What::Open }];
        for _ in 0..count {
            let mut what = what(&mut rng);
            // Sent at most once: two jumps within one lease can undo each other unseen; see docs/simulation.md.
            if matches!(what, What::Clock(_)) && setup.guarantee == Guarantee::AtMostOnce {
                if jumped {
                    what = What::Wait(1_000);
                }
                jumped = true;
            }
            let seed = rng.next();
            // In place of every other quota of none, so that all other schedules are what they were without.
            if matches!(what, What::Quota(0)) && seed & 1 == 0 {
                what = What::Clear;
            }
            steps.push(Step { seed, what });
        }
        Self { setup, steps }
    }
}

fn setup(rng: &mut Rng) -> Setup {
    // One in sixteen worlds is large: it fills the budget, the deferred request and the queue.
    let large = rng.chance(6);
    let limits = if large {
        Limits {
            batch_events: rng.pick(&[50, 1000]),
            batch_bytes: rng.pick(&[16_384, 40_000, 61_440]),
            queue_bytes: rng.pick(&[131_072, 2_097_152]),
        }
    } else {
        Limits {
            batch_events: rng.pick(&[1, 3, 10, 50]),
            batch_bytes: rng.pick(&[1_024, 2_048, 16_384]),
            queue_bytes: rng.pick(&[4_096, 16_384, 2_097_152]),
        }
    };
    let setup = Setup {
        guarantee: if rng.chance(60) { Guarantee::AtLeastOnce } else { Guarantee::AtMostOnce },
        store: rng.chance(80),
        deferred: rng.chance(40),
        deferred_refused: rng.pick(&[0, 0, 0, 30]),
        beacon: rng.chance(60),
        pings: false,
        frame: 0,
        limits,
        flush_interval_ms: rng.pick(&[0.0, 200.0, 5_000.0, 5_000.0, 60_000.0]),
        store_bytes: rng.pick(&[1_048_576, 1_048_576, 1_048_576, 8_192, 1_500]),
        receiver_bytes: rng.pick(&[1_048_576, 1_048_576, 20_000, 1_500, 300]),
        bad_lines: rng.pick(&[0, 0, 0, 5]),
        sampled_out: rng.pick(&[0, 0, 0, 20]),
        pending: rng.pick(&[0, 0, 0, 30]),
        interleaved: rng.chance(50),
        deferred_leaves_on_freeze: rng.chance(50),
    };
    // The format: last, so that a seed's other traits are what they were when there was only one.
    match rng.below(10) {
        0..=1 => Setup {
            pings: true,
            deferred: false,
            beacon: false,
            bad_lines: 0,
            limits: Limits { batch_events: 1, ..setup.limits },
            ..setup
        },
        2..=3 => Setup { frame: rng.pick(&[200, 600]), ..setup },
        _ => setup,
    }
}

fn what(rng: &mut Rng) -> What {
    let tab = rng.below(4) as u8;
    match rng.below(100) {
        0..=29 => What::Capture {
            tab,
            events: rng.pick(&[1, 1, 2, 5, 12]),
            bytes: rng.pick(&[20, 60, 60, 150, 500, 1_100, 5_000]),
            urgent: rng.chance(10),
        },
        30..=51 => What::Wait(match rng.below(10) {
            0..=2 => rng.below(60),
            3..=5 => rng.below(1_500),
            6..=7 => rng.below(8_000),
            8 => rng.below(30_000),
            _ => rng.below(400_000),
        }),
        52..=59 => What::Network(rng.pick(&[
            Weather::Well,
            Weather::Well,
            Weather::Lossy,
            Weather::Lossy,
            Weather::Down,
            Weather::Hanging,
            Weather::Overloaded,
            Weather::Refusing,
            Weather::Slow,
            Weather::Retired,
            Weather::Chaos,
            Weather::Chaos,
        ])),
        60..=63 => What::Hide { tab },
        64..=66 => What::Show { tab },
        67 => What::Freeze { tab },
        68..=70 => What::Navigate { tab, cached: rng.chance(60) },
        71..=73 => What::Return { tab },
        74..=76 => What::Close { tab },
        77..=78 => What::Reload { tab },
        79..=80 => What::Crash { tab },
        81..=83 => What::CrashWithin { tab, actions: rng.below(12) as u8 },
        84 => What::Discard { tab },
        85..=88 => What::Open,
        89 => What::Offline,
        90 => What::Online,
        91 => What::Clock(match rng.below(8) {
            0..=2 => rng.below(30_000) as i64,
            3..=5 => -(rng.below(30_000) as i64),
            6 => DAY_MS * (rng.below(9) as i64 - 4),
            _ => DAY_MS * 8,
        }),
        // Most schedules keep their consent: a world that is off has little left to show.
        92 if rng.chance(20) => What::OptOut { tab },
        92..=93 => What::OptIn { tab },
        94..=95 => What::Flush { tab },
        96 if rng.chance(40) => What::Shutdown { tab },
        96 => What::Refuse { tab },
        97..=98 => What::Timers {
            tab,
            how: rng.pick(&[Timers::OnTime, Timers::Seconds, Timers::Minutes, Timers::Oversleeping]),
        },
        _ => What::Quota(rng.pick(&[0, 30, 100])),
    }
}
