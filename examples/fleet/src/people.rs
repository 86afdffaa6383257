//! What people do: when they come, how long they stay, what they run. Every number here is listed, with where
//! it comes from, in docs/scale.md.

use std::f64::consts::TAU;

use langflow_telemetry::event::{Component, Event, Playground, Run, Shutdown, Version};

use crate::chance::{Draw, Rng};

/// A day, in ms.
pub(crate) const DAY_MS: u32 = 24 * 3_600_000;

/// The busiest time of the day, in ms after midnight.
pub(crate) const NOON_MS: u32 = 15 * 3_600_000;

/// How far the busiest hour is above the day's mean, and the quietest below.
const SWING: f64 = 0.45;

/// Share of visits after which the same browser comes back on the same day, and after how long.
const COMES_BACK: f64 = 0.45;
const AWAY_MEDIAN_MS: f64 = 90.0 * 60_000.0;
const AWAY_SIGMA: f64 = 1.2;

/// Share of visits that run nothing, and how long they look.
const GLANCES: f64 = 0.35;
const GLANCE_MEDIAN_MS: f64 = 40_000.0;
const GLANCE_SIGMA: f64 = 1.0;

/// After a run, the share of people who do another one, and the pause before it: reading, and editing the flow.
const RUNS_AGAIN: f64 = 0.83;
const PAUSE_MEDIAN_MS: f64 = 75_000.0;
const PAUSE_SIGMA: f64 = 1.0;

/// Percent of runs that come from the playground; the others are flow runs.
const FROM_PLAYGROUND: u64 = 80;

/// Components of a flow: so many at least, and a long tail of more.
const COMPONENTS_MIN: u32 = 3;
const COMPONENTS_MAX: u32 = 60;
const COMPONENTS_MORE_MEDIAN: f64 = 2.0;
const COMPONENTS_MORE_SIGMA: f64 = 0.8;

/// How long the model of a flow takes, and each of the other components.
const MODEL_MEDIAN_MS: f64 = 3_000.0;
const MODEL_SIGMA: f64 = 0.8;
const COMPONENT_MEDIAN_MS: f64 = 50.0;
const COMPONENT_SIGMA: f64 = 1.2;
const COMPONENT_MAX_MS: f64 = 300_000.0;

/// Runs that fail, at one of their components.
const FAILS: f64 = 0.08;

/// Pauses in which people look at another tab, if they are long enough to.
const LOOKS_AWAY: f64 = 0.35;
const LOOKS_AWAY_FROM_MS: f64 = 20_000.0;

/// After the last run: what people still read, and the share of tabs that are then left open, unseen.
const TAIL_MEDIAN_MS: f64 = 90_000.0;
const TAIL_SIGMA: f64 = 1.2;
const FORGOTTEN: f64 = 0.2;
const FORGOTTEN_MEDIAN_MS: f64 = 2.0 * 3_600_000.0;
const FORGOTTEN_SIGMA: f64 = 1.0;

/// Page loads that end in a crash, or are killed.
const CRASHES: f64 = 0.003;

/// Until the client knows the platform: a little after the page has loaded.
const VERSION_AFTER_MS: u32 = 150;

/// Names of Langflow's components, as its starter flows use them.
const COMPONENTS: [&str; 12] = [
    "ChatInput",
    "Prompt",
    "LanguageModelComponent",
    "ChatOutput",
    "Agent",
    "URLComponent",
    "File",
    "SplitText",
    "AstraDB",
    "ParserComponent",
    "CalculatorComponent",
    "StructuredOutput",
];

/// Errors as they look once they are scrubbed.
const ERRORS: [&str; 4] = [
    "KeyError: 'text' at <path>:42",
    "ValueError: Error building Component Language Model: Error code: 401 - Incorrect API key provided: <redacted>",
    "TimeoutError: no answer within 30 s",
    "Error building Component URL: One or more URLs failed to load: <url> returned 403 Forbidden, after 3 retries",
];

/// When a browser first opens the page, in ms after midnight.
pub(crate) fn first_visit_ms(rng: &mut Rng) -> u32 {
    loop {
        let at = rng.unit();
        let swing = (TAU * (at - f64::from(NOON_MS) / f64::from(DAY_MS))).cos();
        if rng.unit() * (1.0 + SWING) < 1.0 + SWING * swing {
            return (at * f64::from(DAY_MS)) as u32;
        }
    }
}

/// How long after a visit the next one begins, in ms; `None` where it is not on this day.
pub(crate) fn next_visit_ms(rng: &mut Rng) -> Option<u32> {
    rng.with(COMES_BACK).then(|| wait(rng.lognormal(AWAY_MEDIAN_MS, AWAY_SIGMA)))
}

/// What happens on a page.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Act {
    /// The client tracks this.
    Track(Seen),
    /// The person looks at another tab.
    Hide,
    /// And comes back.
    Show,
    /// The person closes the page.
    Close,
    /// The page dies without a word.
    Crash,
}

/// What a page saw happen, as long as it is still to come: small, and without texts of its own.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Seen {
    /// The client began.
    Loaded,
    /// A component ended.
    Component {
        /// How it is called.
        name: &'static str,
        /// How long it took, in ms.
        took_ms: u32,
        /// Why it failed.
        error: Option<&'static str>,
    },
    /// A run ended.
    Run {
        /// Whether it came from the playground.
        from_playground: bool,
        /// How long it took, in ms.
        took_ms: u32,
        /// Of so many components.
        of: u32,
        /// Why it failed.
        error: Option<&'static str>,
    },
}

impl Seen {
    /// What the client is told.
    pub(crate) fn event(self) -> Event {
        match self {
            Self::Loaded => version(),
            Self::Component { name, took_ms, error } => Event::Component(Component {
                name: name.to_owned(),
                seconds: f64::from(took_ms) / 1000.0,
                success: error.is_none(),
                error_message: error.map(str::to_owned),
            }),
            Self::Run { from_playground, took_ms, of, error } => {
                let (seconds, success) = (f64::from(took_ms) / 1000.0, error.is_none());
                let error_message = error.map(str::to_owned);
                if from_playground {
                    let component_count = Some(u64::from(of));
                    Event::Playground(Playground { seconds, component_count, success, error_message })
                } else {
                    Event::Run(Run { is_webhook: None, seconds, success, error_message })
                }
            }
        }
    }
}

/// What is to come, after the act that was drawn last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Loaded,
    /// The pause before a run, and its second and third part where the person looks away.
    Pause,
    Away {
        left_ms: u32,
    },
    Back {
        left_ms: u32,
    },
    /// A run with so many components still to end.
    Run {
        left: u32,
        model: u32,
        fails_at: Option<u32>,
        took_ms: u32,
        of: u32,
    },
    Tail,
    Left,
    End,
}

/// A visit, drawn act by act: nothing of it is kept but what comes next.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    rng: Rng,
    stage: Stage,
    runs: u32,
    glances: bool,
}

impl Plan {
    /// A visit whose acts come from `rng`.
    pub(crate) fn new(mut rng: Rng) -> Self {
        let glances = rng.with(GLANCES);
        let runs = if glances { 0 } else { 1 + rng.geometric(RUNS_AGAIN) };
        Self { rng, stage: Stage::Loaded, runs, glances }
    }

    /// The next act, and how many ms after the last one it comes.
    pub(crate) fn next(&mut self) -> (u32, Act) {
        match self.stage {
            Stage::Loaded => {
                self.stage = if self.runs > 0 { Stage::Pause } else { Stage::Tail };
                (VERSION_AFTER_MS, Act::Track(Seen::Loaded))
            }
            Stage::Pause => {
                let pause = self.rng.lognormal(PAUSE_MEDIAN_MS, PAUSE_SIGMA);
                if pause > LOOKS_AWAY_FROM_MS && self.rng.with(LOOKS_AWAY) {
                    self.stage = Stage::Away { left_ms: wait(pause / 3.0) };
                    return (wait(pause / 3.0), Act::Hide);
                }
                self.start(wait(pause))
            }
            Stage::Away { left_ms } => {
                self.stage = Stage::Back { left_ms };
                (left_ms, Act::Show)
            }
            Stage::Back { left_ms } => self.start(left_ms),
            Stage::Run { .. } => self.go_on(0),
            Stage::Tail => {
                let median = if self.glances { GLANCE_MEDIAN_MS } else { TAIL_MEDIAN_MS };
                let sigma = if self.glances { GLANCE_SIGMA } else { TAIL_SIGMA };
                let tail = wait(self.rng.lognormal(median, sigma));
                if self.rng.with(FORGOTTEN) {
                    self.stage = Stage::Left;
                    return (tail, Act::Hide);
                }
                self.end(tail)
            }
            Stage::Left => {
                let tail = wait(self.rng.lognormal(FORGOTTEN_MEDIAN_MS, FORGOTTEN_SIGMA));
                self.end(tail)
            }
            // Asked for no more: the page is gone.
            Stage::End => (DAY_MS, Act::Close),
        }
    }

    fn end(&mut self, after_ms: u32) -> (u32, Act) {
        self.stage = Stage::End;
        (after_ms, if self.rng.with(CRASHES) { Act::Crash } else { Act::Close })
    }

    /// A run begins, after so many ms.
    fn start(&mut self, after_ms: u32) -> (u32, Act) {
        self.runs -= 1;
        let more = self.rng.lognormal(COMPONENTS_MORE_MEDIAN, COMPONENTS_MORE_SIGMA) as u32;
        let of = (COMPONENTS_MIN + more).min(COMPONENTS_MAX);
        let model = self.rng.below(u64::from(of)) as u32;
        let fails_at = self.rng.with(FAILS).then(|| self.rng.below(u64::from(of)) as u32);
        self.stage = Stage::Run { left: of, model, fails_at, took_ms: 0, of };
        self.go_on(after_ms)
    }

    /// The run's next component ends, or the run itself.
    fn go_on(&mut self, after_ms: u32) -> (u32, Act) {
        let Stage::Run { left, model, fails_at, took_ms, of } = self.stage else {
            return self.end(after_ms);
        };
        let failed = fails_at.is_some_and(|at| left <= at);
        if left == 0 || failed {
            self.stage = if self.runs > 0 { Stage::Pause } else { Stage::Tail };
            let error = failed.then(|| self.rng.pick(&ERRORS));
            let from_playground = self.rng.chance(FROM_PLAYGROUND);
            return (after_ms, Act::Track(Seen::Run { from_playground, took_ms, of, error }));
        }
        let left = left - 1;
        let (median, sigma) = if left == model {
            (MODEL_MEDIAN_MS, MODEL_SIGMA)
        } else {
            (COMPONENT_MEDIAN_MS, COMPONENT_SIGMA)
        };
        let took = wait(self.rng.lognormal(median, sigma).min(COMPONENT_MAX_MS));
        let name = self.rng.pick(&COMPONENTS);
        let error = (fails_at == Some(left)).then(|| self.rng.pick(&ERRORS));
        self.stage = Stage::Run { left, model, fails_at, took_ms: took_ms + took, of };
        (after_ms + took, Act::Track(Seen::Component { name, took_ms: took, error }))
    }
}

/// What is running, as a deployed Langflow would say.
pub(crate) fn version() -> Event {
    let text = |text: &str| Some(text.to_owned());
    Event::Version(Version {
        package: text("langflow"),
        version: text("1.13.0"),
        platform: text("Windows"),
        python: text("3.12"),
        arch: text("x86_64"),
        auto_login: Some(true),
        cache_type: text("memory"),
        backend_only: Some(false),
    })
}

/// The end of a page that was open for so many ms.
pub(crate) fn shutdown(open_ms: u32) -> Event {
    Event::Shutdown(Shutdown { time_running: f64::from(open_ms) / 1000.0 })
}

/// Whole ms, within a day.
fn wait(ms: f64) -> u32 {
    ms.clamp(1.0, f64::from(DAY_MS)) as u32
}
