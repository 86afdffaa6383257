//! The network, the browser's own limits on requests, and the receiver.

use std::collections::VecDeque;

use langflow_telemetry::config::Guarantee;
use langflow_telemetry::delivery::{Action, Input, Mode, Outcome, Reason, Via};

use crate::ledger::{excuse, keys};
use crate::schedule::Weather;
use crate::world::{Check, Due, Phase, World};

/// What the Fetch standard allows a page to have in flight as keepalive and beacon bodies, in bytes.
const BROWSER_BUDGET: usize = 65_536;

/// The browser gives a hanging connection up after so many ms.
const BROWSER_TIMEOUT_MS: u64 = 60_000;

#[derive(Debug)]
pub(crate) struct Request {
    page: usize,
    attempt: u32,
    /// `None`: the deferred request.
    via: Option<Via>,
    keys: Vec<usize>,
    bytes: usize,
    /// It will not reach the receiver any more.
    cancelled: bool,
    /// The page hears no more of it.
    aborted: bool,
    /// The receiver took its events.
    processed: bool,
    /// First and second copies still on their way.
    arriving: u8,
    /// The end of it, as its page will hear it.
    outcome: Outcome,
    concluding: bool,
}

impl Request {
    /// Nothing will come of it any more.
    pub(crate) const fn is_over(&self) -> bool {
        self.arriving == 0 && !self.concluding
    }
}

/// Percents, but for the delay.
struct Odds {
    lost: u64,
    answer_lost: u64,
    hanging: u64,
    twice: u64,
    beacon_refused: u64,
    delay_ms: u64,
}

const fn odds(weather: Weather) -> Odds {
    let well = Odds { lost: 0, answer_lost: 0, hanging: 0, twice: 0, beacon_refused: 0, delay_ms: 80 };
    match weather {
        Weather::Well | Weather::Refusing | Weather::Retired => well,
        Weather::Lossy => {
            Odds { lost: 25, answer_lost: 20, hanging: 5, twice: 20, beacon_refused: 20, delay_ms: 2_000 }
        }
        Weather::Down => Odds { lost: 100, ..well },
        Weather::Hanging => Odds { hanging: 80, ..well },
        Weather::Overloaded => Odds { delay_ms: 600, ..well },
        Weather::Slow => Odds { delay_ms: 12_000, ..well },
        Weather::Chaos => {
            Odds { lost: 15, answer_lost: 10, hanging: 10, twice: 15, beacon_refused: 40, delay_ms: 6_000 }
        }
    }
}

impl World {
    /// Starts a request of page `p`.
    pub(crate) fn send(&mut self, p: usize, attempt: u32, via: Via, actions: &mut VecDeque<Action>) -> Check {
        let body = self.pages[p].machine.body(attempt);
        if body.is_empty() {
            return Err(format!("page {p} sends attempt {attempt} without a body"));
        }
        if self.pages[p].freezing {
            return Err(format!("page {p} sends attempt {attempt} while it is frozen"));
        }
        let keys: Vec<usize> = keys(&body).collect();
        if let Some(key) = keys.iter().find(|key| self.events[**key].refused_to == Some(p)) {
            return Err(format!("page {p} sends {key} again, which the receiver refused for good"));
        }
        let number = self.requests.len();
        self.note(|| format!("    request {number} with {keys:?}, {} bytes", body.len()));
        self.tally.requests += 1;
        let odds = odds(self.weather);
        if via != Via::Fetch && !self.setup.pings {
            let drawing = |request: &&Request| {
                request.page == p && !request.is_over() && !request.aborted && request.draws()
            };
            let drawn: usize = self.requests.iter().filter(drawing).map(|request| request.bytes).sum();
            let full = drawn + body.len() + self.setup.frame > BROWSER_BUDGET;
            if via == Via::Beacon && (full || self.rng.chance(odds.beacon_refused)) {
                let outcome = Outcome::BeaconRefused;
                return self.think(p, Input::Answer { attempt, outcome }, actions);
            }
            if full {
                let request = self.request(p, attempt, Some(via), keys, body.len() + self.setup.frame);
                self.end(request, 1, Outcome::Unreachable);
                return Ok(());
            }
        }
        let request = self.request(p, attempt, Some(via), keys, body.len() + self.setup.frame);
        self.route(request);
        Ok(())
    }

    fn request(
        &mut self,
        page: usize,
        attempt: u32,
        via: Option<Via>,
        keys: Vec<usize>,
        bytes: usize,
    ) -> usize {
        let number = self.requests.len();
        if let Some(entry) = self.pages[page].attempts.iter_mut().find(|(other, _)| *other == attempt) {
            entry.1 = Some(number);
        }
        self.requests.push(Request {
            page,
            attempt,
            via,
            keys,
            bytes,
            cancelled: false,
            aborted: false,
            processed: false,
            arriving: 0,
            outcome: Outcome::Unreachable,
            concluding: false,
        });
        number
    }

    /// What the network does with it.
    fn route(&mut self, request: usize) {
        let odds = odds(self.weather);
        let delay = self.rng.below(odds.delay_ms);
        if self.offline || self.rng.chance(odds.lost) {
            self.end(request, delay, Outcome::Unreachable);
            return;
        }
        if self.rng.chance(odds.hanging) {
            if self.rng.chance(50) {
                self.arriving(request, delay, false);
            }
            self.end(request, BROWSER_TIMEOUT_MS, Outcome::Unreachable);
            return;
        }
        self.arriving(request, delay, false);
        if self.rng.chance(odds.twice) {
            let later = delay + self.rng.below(20_000);
            self.arriving(request, later, true);
        }
    }

    fn arriving(&mut self, request: usize, delay: u64, again: bool) {
        self.requests[request].arriving += 1;
        self.at(self.now + delay, Due::Arrival { request, again });
    }

    /// The page hears of it after so many ms.
    fn end(&mut self, request: usize, delay: u64, outcome: Outcome) {
        self.requests[request].outcome = outcome;
        if !self.requests[request].concluding {
            self.requests[request].concluding = true;
            self.at(self.now + delay, Due::Outcome { request });
        }
    }

    /// It reaches the receiver.
    pub(crate) fn arrive(&mut self, request: usize, again: bool) {
        self.requests[request].arriving -= 1;
        if self.requests[request].cancelled {
            return;
        }
        let (mut status, mut retry_after_ms, takes) = self.status(request);
        let mut rejected = 0;
        if takes {
            self.requests[request].processed = true;
            for key in self.requests[request].keys.clone() {
                let event = &mut self.events[key];
                if event.bad {
                    event.excuses |= excuse::REFUSED;
                    rejected += 1;
                } else {
                    event.arrivals += 1;
                    event.allowed += u16::from(again);
                }
            }
        }
        self.note(|| format!("request {request} arrives{}: {status}", if again { " again" } else { "" }));
        if self.setup.pings {
            // The answer is opaque: all the page learns is that there was one.
            if !takes {
                self.excuse(request, excuse::REFUSED);
            }
            (status, retry_after_ms) = (200, None);
        }
        if again {
            return;
        }
        if self.requests[request].via.is_none() && !takes {
            self.excuse(request, excuse::DEFERRED_LOST);
        }
        let odds = odds(self.weather);
        let delay = self.rng.below(odds.delay_ms);
        let outcome = if self.rng.chance(odds.answer_lost) {
            Outcome::Unreachable
        } else {
            Outcome::Answered { status, retry_after_ms, rejected }
        };
        self.end(request, delay, outcome);
    }

    /// How the receiver answers: status, `Retry-After`, and whether it took the events.
    fn status(&mut self, request: usize) -> (u16, Option<f64>, bool) {
        if self.requests[request].bytes > self.setup.receiver_bytes {
            return (413, None, false);
        }
        let overloaded = [
            (503, None, false),
            (502, None, false),
            (504, None, true),
            (408, None, false),
            (425, None, false),
            (429, None, false),
            (429, Some(0.0), false),
            (429, Some(2_000.0), false),
            (503, Some(10_000.0), false),
            (429, Some(300_000.0), false),
        ];
        let refusing = [(400, None, false), (403, None, false), (404, None, false), (302, None, false)];
        match self.weather {
            Weather::Overloaded if self.rng.chance(70) => self.rng.pick(&overloaded),
            Weather::Refusing if self.rng.chance(50) => self.rng.pick(&refusing),
            Weather::Retired if self.rng.chance(10) => (410, None, false),
            Weather::Chaos if self.rng.chance(20) => self.rng.pick(&overloaded),
            Weather::Chaos if self.rng.chance(5) => self.rng.pick(&refusing),
            Weather::Chaos if self.rng.chance(1) => (410, None, false),
            _ => (self.rng.pick(&[200, 200, 202, 204]), None, true),
        }
    }

    /// The page hears how it ended.
    pub(crate) fn conclude(&mut self, number: usize) -> Check {
        let (p, attempt, via) = {
            let request = &self.requests[number];
            (request.page, request.attempt, request.via)
        };
        let unheard = self.requests[number].aborted || matches!(via, None | Some(Via::Beacon));
        match self.pages[p].phase {
            Phase::Dead => {}
            Phase::Frozen if !unheard => {
                // Held back until the page runs again, or lost in its sleep.
                if self.rng.chance(30) {
                    self.requests[number].outcome = Outcome::Unreachable;
                }
                self.pages[p].inbox.push(number);
                return Ok(());
            }
            _ if unheard => {}
            _ => {
                let outcome = self.requests[number].outcome;
                let live = self.pages[p].machine.mode() == Mode::On
                    && !self.pages[p].machine.body(attempt).is_empty();
                if live {
                    self.heard(p, number, outcome);
                }
                self.requests[number].concluding = false;
                return self.tell(p, Input::Answer { attempt, outcome });
            }
        }
        self.requests[number].concluding = false;
        Ok(())
    }

    /// What an answer that the machine waits for means to the events.
    fn heard(&mut self, p: usize, number: usize, outcome: Outcome) {
        let Outcome::Answered { status, rejected, .. } = outcome else {
            self.failed(number);
            return;
        };
        let events = self.requests[number].keys.len() as u32;
        // By the design's words, not by the machine's own function: that one is on trial too.
        match status {
            200..=299 => {
                self.pages[p].acknowledged += events - rejected;
                self.pages[p].dropped[Reason::Rejected as usize] += rejected;
                for key in self.requests[number].keys.clone() {
                    self.events[key].heard_refused |= self.events[key].bad;
                }
            }
            408 | 425 | 429 | 500..=599 => self.failed(number),
            410 => {
                let held = self.held(p);
                let page = &mut self.pages[p];
                page.dropped[Reason::Rejected as usize] += held.len() as u32;
                page.stored_at_gone = Some(page.machine.counts().stored);
                for key in held {
                    self.events[key].excuses |= excuse::GONE;
                }
            }
            413 if events > 1 => self.failed(number),
            _ => {
                let reason = if status == 413 { Reason::TooLarge } else { Reason::Rejected };
                self.pages[p].dropped[reason as usize] += events;
                self.excuse(number, excuse::REFUSED);
                let held = self.held(p);
                for key in self.requests[number].keys.clone() {
                    // At least once: it may hold a second copy, from a page that had taken over the first.
                    let only = held.iter().filter(|other| **other == key).count() == 1;
                    self.events[key].refused_to = only.then_some(p);
                    self.events[key].heard_refused = true;
                }
            }
        }
    }

    /// As far as the page knows, the receiver does not have it.
    fn failed(&mut self, number: usize) {
        let request = &self.requests[number];
        let ambiguous = request.processed || (request.arriving > 0 && !request.cancelled);
        let once = self.setup.guarantee == Guarantee::AtMostOnce;
        for key in request.keys.clone() {
            let event = &mut self.events[key];
            event.allowed += u16::from(ambiguous);
            if once {
                event.excuses &= !excuse::UNDER_WAY;
            }
        }
        self.back(number);
    }

    /// At most once: what is in memory again is nowhere else, as if it had just been captured.
    fn back(&mut self, number: usize) {
        if self.setup.guarantee == Guarantee::AtMostOnce {
            for key in self.requests[number].keys.clone() {
                self.events[key].at = self.now;
            }
        }
    }

    /// The machine gave an attempt up; the edge has still to abort it.
    pub(crate) fn given_up(&mut self, p: usize, attempt: u32) {
        if let Some(number) = self.started(p, attempt) {
            self.back(number);
        }
    }

    fn started(&self, p: usize, attempt: u32) -> Option<usize> {
        self.pages[p].attempts.iter().find(|(other, _)| *other == attempt).and_then(|(_, number)| *number)
    }

    fn excuse(&mut self, number: usize, why: u16) {
        for key in self.requests[number].keys.clone() {
            self.events[key].excuses |= why;
        }
    }

    pub(crate) fn abort(&mut self, p: usize, attempt: u32) {
        let Some(number) = self.started(p, attempt) else { return };
        if self.requests[number].via == Some(Via::Beacon) || self.requests[number].is_over() {
            return;
        }
        self.requests[number].aborted = true;
        if self.rng.chance(50) {
            self.requests[number].cancelled = true;
        }
        self.failed(number);
    }

    /// A page's plain requests die with it.
    pub(crate) fn bury_requests(&mut self, p: usize) {
        for request in self.requests.iter_mut().filter(|request| request.page == p) {
            if request.via == Some(Via::Fetch) {
                request.cancelled = true;
            }
        }
        for number in std::mem::take(&mut self.pages[p].inbox) {
            self.requests[number].concluding = false;
        }
    }

    /// The browser sends the deferred request: once, whatever becomes of it.
    pub(crate) fn send_deferred(&mut self, p: usize) {
        let Some(body) = self.pages[p].deferred.take() else { return };
        let keys: Vec<usize> = keys(&body).collect();
        self.note(|| format!("page {p}'s deferred request leaves with {keys:?}"));
        self.tally.requests += 1;
        let request = self.request(p, 0, None, keys, body.len() + self.setup.frame);
        self.route(request);
        if self.requests[request].arriving == 0 {
            self.excuse(request, excuse::DEFERRED_LOST);
        }
    }
}

impl Request {
    /// Whether it draws on the budget for what outlives a page.
    pub(crate) const fn draws(&self) -> bool {
        matches!(self.via, Some(Via::Keepalive | Via::Beacon))
    }
}
