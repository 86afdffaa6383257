//! The world in which the machine lives: time, tabs, the edge that executes its actions, and all that can
//! happen to a page. `network.rs` adds the network and the collector, `audit.rs` the checks.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use langflow_telemetry::config::Guarantee;
use langflow_telemetry::delivery::{
    Action, Captured, DEFERRED_MAX, Delivery, INSURANCE_MS, Input, Mode, Now, Outcome, Reason, Rules,
    STORE_PAUSE_MS, STORED_AGE_MAX_MS,
};

use crate::ledger::{Event, Tally, excuse, keys, line};
use crate::network::Request;
use crate::rng::Rng;
use crate::schedule::{Schedule, Setup, Timers, Weather, What};
use crate::store::Store;

/// What went wrong.
pub(crate) type Check = Result<(), String>;

/// Unix ms at the start of every schedule.
const EPOCH_MS: f64 = 1_763_834_701_000.0;

/// Timers are in whole ms, so that what is due at a fraction comes with the next one.
const TIMER_GRAIN_MS: u64 = 2;

/// More than so many things that happen in one schedule: it does not end.
const HAPPENINGS_MAX: u32 = 200_000;

/// Longest time, in ms, that the world gets to come to rest once all is well: a few times the longest backoff.
const REST_MS: u64 = 40 * 60_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    Visible,
    Hidden,
    /// In the back/forward cache, or frozen: runs nothing.
    Frozen,
    Dead,
}

/// What `flush()` or `shutdown()` waits for.
#[derive(Debug)]
pub(crate) struct Token {
    pub(crate) token: u32,
    /// All that was in memory then.
    pub(crate) keys: Vec<usize>,
    pub(crate) settled: bool,
}

/// What is to happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Due {
    Timer {
        page: usize,
        generation: u32,
    },
    Arrival {
        request: usize,
        again: bool,
    },
    Outcome {
        request: usize,
    },
    /// The lock is this page's.
    Drain {
        page: usize,
    },
    /// The page hears that another one's person opted out, or in.
    Marker {
        page: usize,
        opted_out: bool,
    },
    /// The page hears that another one claimed its batches, or gave its claim up.
    Noticed {
        page: usize,
    },
}

#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) session: String,
    pub(crate) machine: Delivery,
    pub(crate) phase: Phase,
    /// The one timer: when it should fire.
    timer: Option<u64>,
    /// Since when a timer is late: armed anew in the meantime, or its task is running.
    late_since: Option<u64>,
    /// Whether its `freeze` event is running.
    pub(crate) freezing: bool,
    /// Since when it is frozen.
    frozen_since: Option<u64>,
    generation: u32,
    timers: Timers,
    /// The body of the deferred request.
    pub(crate) deferred: Option<Vec<u8>>,
    deferred_refused: bool,
    /// When it last held more than a deferred request does.
    overfull_at: u64,
    drain_wanted: bool,
    /// The renderer dies instead of executing the action after so many.
    crash_within: Option<u8>,
    /// Answers that came while it was frozen.
    pub(crate) inbox: Vec<usize>,
    /// The store refused a write: until then, less is promised.
    store_trouble_until: u64,
    pub(crate) tokens: Vec<Token>,
    pub(crate) denied: bool,
    pub(crate) closing: bool,
    pub(crate) sampled_out: bool,
    /// Attempts that may be in flight, with their requests where those have been started.
    pub(crate) attempts: Vec<(u32, Option<usize>)>,
    /// Events given to the client, and those of them refused or given up, by reason, as the world saw it.
    pub(crate) given: u32,
    pub(crate) dropped: [u32; 8],
    /// It hears a 410 just now: what it had in the store, and not in memory, before.
    pub(crate) stored_at_gone: Option<u32>,
    /// Events in requests of which it heard a 2xx, but for those that the answer refused.
    pub(crate) acknowledged: u32,
    /// It has put a claim into the store, and not given it up.
    has_claim: bool,
    /// The store was cleared, and it has not noticed yet.
    is_cleared: bool,
}

pub(crate) struct World {
    pub(crate) setup: Setup,
    pub(crate) rng: Rng,
    pub(crate) now: u64,
    wall_offset: i64,
    pub(crate) pages: Vec<Page>,
    agenda: BinaryHeap<Reverse<(u64, u64, Due)>>,
    order: u64,
    happenings: u32,
    pub(crate) store: Store,
    /// Whether somebody holds the lock.
    locked: bool,
    /// Percent of writes refused.
    quota: u64,
    pub(crate) requests: Vec<Request>,
    pub(crate) weather: Weather,
    pub(crate) offline: bool,
    pub(crate) opted_out: bool,
    /// When the last tab hears of the last change.
    marker_at: u64,
    pub(crate) events: Vec<Event>,
    pub(crate) tally: Tally,
    /// What happened, where somebody wants to read it.
    pub(crate) trace: Option<Vec<String>>,
}

/// Lives through one schedule. The trace is returned if `traced`.
pub(crate) fn live(schedule: &Schedule, traced: bool) -> (Result<Tally, String>, Vec<String>) {
    let mut world = World::new(schedule.setup, traced);
    let check = world.live(schedule);
    (check.map(|()| world.tally), world.trace.unwrap_or_default())
}

impl World {
    fn new(setup: Setup, traced: bool) -> Self {
        Self {
            setup,
            rng: Rng::new(0),
            now: 1_000,
            wall_offset: 0,
            pages: Vec::new(),
            agenda: BinaryHeap::new(),
            order: 0,
            happenings: 0,
            store: Store::default(),
            locked: false,
            quota: 0,
            requests: Vec::new(),
            weather: Weather::Well,
            offline: false,
            opted_out: false,
            marker_at: 0,
            events: Vec::new(),
            tally: Tally { schedules: 1, ..Tally::default() },
            trace: traced.then(Vec::new),
        }
    }

    fn live(&mut self, schedule: &Schedule) -> Check {
        for step in &schedule.steps {
            self.rng = Rng::new(step.seed);
            self.note(|| format!("— {:?}", step.what));
            self.step(step.what)?;
        }
        self.rest()?;
        self.verdict()
    }

    pub(crate) fn note(&mut self, text: impl FnOnce() -> String) {
        if let Some(trace) = &mut self.trace {
            trace.push(format!("{:>9} {}", self.now, text()));
        }
    }

    // ---- time

    pub(crate) fn at(&mut self, at: u64, due: Due) {
        self.order += 1;
        self.agenda.push(Reverse((at, self.order, due)));
    }

    const fn clock(&self) -> Now {
        Now { mono_ms: self.now as f64, wall_ms: EPOCH_MS + self.now as f64 + self.wall_offset as f64 }
    }

    fn wait(&mut self, until: u64) -> Check {
        while let Some(Reverse((at, _, due))) = self.agenda.peek().copied() {
            if at > until {
                break;
            }
            self.agenda.pop();
            self.happen(at, due)?;
        }
        self.now = self.now.max(until);
        Ok(())
    }

    fn happen(&mut self, at: u64, due: Due) -> Check {
        self.now = self.now.max(at);
        self.happenings += 1;
        if self.happenings > HAPPENINGS_MAX {
            return Err("it does not end".to_owned());
        }
        match due {
            Due::Timer { page, generation } => self.timer(page, generation),
            Due::Arrival { request, again } => {
                self.arrive(request, again);
                Ok(())
            }
            Due::Outcome { request } => self.conclude(request),
            Due::Drain { page } => self.drain(page),
            Due::Marker { page, opted_out } => self.marker(page, opted_out),
            Due::Noticed { page } => self.tell(page, Input::Noticed),
        }
    }

    fn timer(&mut self, p: usize, generation: u32) -> Check {
        let page = &mut self.pages[p];
        if page.generation != generation || !page.awake() {
            return Ok(());
        }
        page.be_late();
        page.timer = None;
        self.tell(p, Input::Tick)?;
        self.pages[p].late_since = None;
        Ok(())
    }

    /// Schedules the page's timer, as late as its timers are.
    fn arm(&mut self, p: usize) {
        let Some(due) = self.pages[p].timer else { return };
        let due = due.max(self.now);
        let late = self.rng.below(4);
        let at = match self.pages[p].timers {
            Timers::OnTime => due + late,
            Timers::Seconds => due.next_multiple_of(1_000) + late,
            Timers::Minutes => due.next_multiple_of(60_000) + late,
            Timers::Oversleeping => due + self.rng.below(40_000),
        };
        self.pages[p].generation += 1;
        let generation = self.pages[p].generation;
        self.at(at, Due::Timer { page: p, generation });
    }

    // ---- the edge

    /// Gives the machine an input and does what it says, all in one task.
    pub(crate) fn tell(&mut self, p: usize, input: Input) -> Check {
        let mut actions = VecDeque::new();
        if self.pages[p].awake() {
            // Behind a no nothing is sent of what the edge would hand over before it.
            if input != Input::Denied {
                self.notice_cleared(p, &mut actions);
            }
            self.think(p, input, &mut actions)?;
        }
        let mut first = true;
        while let Some(action) = actions.pop_front() {
            if !std::mem::take(&mut first) && self.setup.interleaved && !self.locked && self.rng.chance(10) {
                self.somebody_drains(p)?;
            }
            match self.pages[p].crash_within {
                Some(0) => {
                    self.die(p, true);
                    return Ok(());
                }
                Some(left) => self.pages[p].crash_within = Some(left - 1),
                None => {}
            }
            self.execute(p, action, &mut actions)?;
        }
        if self.pages[p].awake() { self.audit_in_flight(p) } else { Ok(()) }
    }

    /// The edge looks for its claim before it gives the machine an input.
    fn notice_cleared(&mut self, p: usize, actions: &mut VecDeque<Action>) {
        let page = &mut self.pages[p];
        if !page.has_claim || self.store.is_leased(&page.session) {
            return;
        }
        page.has_claim = false;
        page.is_cleared = false;
        let until = self.now + INSURANCE_MS as u64 + TIMER_GRAIN_MS;
        page.store_trouble_until = page.store_trouble_until.max(until);
        // Not audited by itself: the world's books are those of the input that comes next.
        let more = self.hand_over(p, Input::Cleared);
        actions.extend(more);
    }

    /// Somebody clears the store. What a page has in memory that will notice is kept again; else it is gone, and where it
    /// may be sent only once the machine may take it for somebody else's.
    fn clear(&mut self) {
        let entries = self.store.entries().to_vec();
        self.store.purge();
        let once = self.setup.guarantee == Guarantee::AtMostOnce;
        for entry in entries {
            let owner = (0..self.pages.len()).find(|p| self.pages[*p].session == entry.session);
            let notices = |p: &usize| self.pages[*p].awake() && self.pages[*p].has_claim;
            let held = owner.filter(notices).map(|p| self.held(p)).unwrap_or_default();
            for key in keys(&entry.lines) {
                let event = &mut self.events[key];
                if once || !held.contains(&key) {
                    event.excuses |= excuse::CLEARED;
                }
                event.at = self.now;
            }
        }
        for page in self.pages.iter_mut().filter(|page| page.has_claim) {
            page.is_cleared = true;
        }
    }

    /// The machine's answer to an input comes after what is still to be done: so does the edge.
    pub(crate) fn think(&mut self, p: usize, input: Input, actions: &mut VecDeque<Action>) -> Check {
        let before = self.pages[p].machine.mode();
        let denying = input == Input::Denied;
        let more = self.hand_over(p, input);
        self.audit(p)?;
        self.audit_actions(p, before, denying, &more)?;
        actions.extend(more);
        Ok(())
    }

    fn hand_over(&mut self, p: usize, input: Input) -> Vec<Action> {
        let now = self.clock();
        let random = self.rng.unit();
        self.note(|| format!("page {p} ← {}", brief(&input)));
        if self.pages[p].machine.counts().bytes > DEFERRED_MAX {
            self.pages[p].overfull_at = self.now;
        }
        let more = self.pages[p].machine.handle(input, now, random);
        for action in &more {
            match action {
                Action::Send { attempt, .. } => self.pages[p].attempts.push((*attempt, None)),
                Action::Abort { attempt } => self.given_up(p, *attempt),
                _ => {}
            }
        }
        more
    }

    fn execute(&mut self, p: usize, action: Action, actions: &mut VecDeque<Action>) -> Check {
        self.note(|| format!("  page {p} → {}", brief_action(&action)));
        let session = self.pages[p].session.clone();
        match action {
            Action::Send { attempt, via } => return self.send(p, attempt, via, actions),
            Action::Abort { attempt } => self.abort(p, attempt),
            Action::Arm { after_ms } => {
                if self.pages[p].timer.is_some_and(|due| due < self.now) {
                    self.pages[p].be_late();
                }
                self.pages[p].timer = Some(self.now + (after_ms as u64).max(1));
                self.arm(p);
            }
            Action::Disarm => {
                self.pages[p].timer = None;
                self.pages[p].generation += 1;
            }
            Action::Persist { id, lines, .. } => {
                let wall_ms = self.clock().wall_ms;
                if self.rng.chance(self.quota)
                    || !self.store.put(&session, id, lines, wall_ms, self.setup.store_bytes)
                {
                    return self.store_failed(p, id, actions);
                }
            }
            Action::Forget { id } => drop(self.store.remove(&session, id)),
            Action::ForgetForeign { session, id } => drop(self.store.remove(&session, id)),
            Action::Adopt { session: other, id, new_id, .. } => {
                if self.rng.chance(self.quota) {
                    self.store.remove(&other, id);
                    return self.store_failed(p, new_id, actions);
                } else if !self.store.adopt(&other, id, &session, new_id) {
                    return Err(format!("page {p} adopts what is not there"));
                }
            }
            Action::Lease { until_ms } => {
                self.pages[p].has_claim = true;
                if self.store.lease(&session, until_ms) {
                    self.notify_others(p);
                }
            }
            Action::Release => {
                self.pages[p].has_claim = false;
                self.store.release(&session);
                self.notify_others(p);
            }
            Action::Drain => {
                if !self.pages[p].drain_wanted {
                    self.pages[p].drain_wanted = true;
                    // The lock is free soon, mostly.
                    let wait = if self.rng.chance(10) { self.rng.below(3_000) } else { self.rng.below(15) };
                    self.at(self.now + wait, Due::Drain { page: p });
                }
            }
            Action::Insure { lines } => {
                self.pages[p].deferred = None;
                if self.rng.chance(self.setup.deferred_refused) {
                    self.pages[p].deferred_refused = true;
                    // The one before it is gone; in this task the store takes over.
                    let until = self.now + TIMER_GRAIN_MS;
                    self.pages[p].store_trouble_until = self.pages[p].store_trouble_until.max(until);
                    return self.think(p, Input::DeferredFailed, actions);
                }
                self.pages[p].deferred = Some(lines);
            }
            Action::Uninsure => self.pages[p].deferred = None,
            Action::Purge => {
                for key in self.store.entries().iter().flat_map(|entry| keys(&entry.lines)) {
                    self.events[key].excuses |= excuse::OPTED_OUT;
                }
                self.store.purge();
                self.pages[p].has_claim = false;
                self.pages[p].deferred = None;
            }
            Action::Settle { token, acknowledged } => return self.settle(p, token, acknowledged),
            Action::Tell(_) => {}
        }
        Ok(())
    }

    fn store_failed(&mut self, p: usize, id: u32, actions: &mut VecDeque<Action>) -> Check {
        let pause = (STORE_PAUSE_MS + INSURANCE_MS) as u64 + TIMER_GRAIN_MS;
        // The edge leaves no older copy either, for another tab to find before the machine says so.
        let session = self.pages[p].session.clone();
        drop(self.store.remove(&session, id));
        // A machine that is closed does not try again.
        let closed = self.pages[p].machine.mode() == Mode::Closed;
        self.pages[p].store_trouble_until = if closed { u64::MAX } else { self.now + pause };
        self.think(p, Input::StoreFailed { id }, actions)
    }

    /// The lock is the page's: what it finds, and what it does with it, is one step for all other tabs.
    fn drain(&mut self, p: usize) -> Check {
        if !std::mem::take(&mut self.pages[p].drain_wanted) || !self.pages[p].awake() {
            return Ok(());
        }
        let found = self.store.read();
        let wall_ms = self.clock().wall_ms;
        for batch in &found {
            let expired = (wall_ms - batch.written_ms).abs() > STORED_AGE_MAX_MS;
            for key in keys(&batch.lines) {
                if expired {
                    self.events[key].excuses |= excuse::EXPIRED;
                }
                // Another page's copy, or its own from before a sleep: it may send that.
                self.events[key].refused_to = None;
            }
        }
        self.locked = true;
        let check = self.tell(p, Input::Drained(found));
        self.locked = false;
        check
    }

    /// Another process gets the lock between two actions of page `p`.
    fn somebody_drains(&mut self, p: usize) -> Check {
        let other = (0..self.pages.len()).find(|other| *other != p && self.pages[*other].drain_wanted);
        other.map_or(Ok(()), |other| self.drain(other))
    }

    fn marker(&mut self, p: usize, opted_out: bool) -> Check {
        if !self.pages[p].awake() {
            return Ok(());
        }
        if opted_out && !self.pages[p].denied {
            self.deny(p)
        } else if !opted_out && self.pages[p].denied {
            self.grant(p)
        } else {
            Ok(())
        }
    }

    fn deny(&mut self, p: usize) -> Check {
        let held = self.held(p);
        for key in &held {
            self.events[*key].excuses |= excuse::OPTED_OUT;
        }
        let page = &mut self.pages[p];
        page.dropped[Reason::OptedOut as usize] += held.len() as u32 + page.machine.counts().stored;
        page.denied = true;
        self.tell(p, Input::Denied)
    }

    fn grant(&mut self, p: usize) -> Check {
        self.pages[p].denied = false;
        // Held for want of consent until now: nothing could have a copy.
        if self.pages[p].machine.mode() == Mode::Pending {
            for key in self.held(p) {
                self.events[key].at = self.now;
            }
        }
        self.tell(p, Input::Granted)
    }

    // ---- lives of pages

    fn open(&mut self) -> Check {
        let setup = self.setup;
        let sampled_out = self.rng.chance(setup.sampled_out);
        let rules = Rules {
            limits: setup.limits,
            flush_interval_ms: setup.flush_interval_ms,
            guarantee: setup.guarantee,
            store: setup.store,
            deferred: setup.deferred,
            beacon: setup.beacon,
            pings: setup.pings,
            sampled_out,
        };
        let p = self.pages.len();
        let session = format!("p{p}");
        self.pages.push(Page {
            machine: Delivery::new(rules, session.clone()),
            session,
            phase: Phase::Visible,
            timer: None,
            late_since: None,
            freezing: false,
            frozen_since: None,
            generation: 0,
            timers: Timers::OnTime,
            deferred: None,
            deferred_refused: false,
            overfull_at: 0,
            drain_wanted: false,
            crash_within: None,
            inbox: Vec::new(),
            store_trouble_until: 0,
            tokens: Vec::new(),
            denied: false,
            closing: false,
            sampled_out,
            attempts: Vec::new(),
            given: 0,
            dropped: [0; 8],
            stored_at_gone: None,
            acknowledged: 0,
            has_claim: false,
            is_cleared: false,
        });
        self.pages[p].machine.frame(setup.frame);
        if self.opted_out {
            self.deny(p)
        } else if self.rng.chance(setup.pending) {
            Ok(())
        } else {
            self.tell(p, Input::Granted)?;
            if self.offline { self.tell(p, Input::Offline) } else { Ok(()) }
        }
    }

    /// Everything in the page's memory: waiting, and in flight.
    pub(crate) fn held(&self, p: usize) -> Vec<usize> {
        let page = &self.pages[p];
        let mut held: Vec<usize> = page.machine.waiting().flat_map(keys).collect();
        held.extend(self.flying(p));
        held
    }

    fn flying(&self, p: usize) -> Vec<usize> {
        let page = &self.pages[p];
        page.attempts
            .iter()
            .flat_map(|(attempt, _)| keys(&page.machine.body(*attempt)).collect::<Vec<_>>())
            .collect()
    }

    /// The page is gone. What it held, and nobody else does, is gone with it.
    fn die(&mut self, p: usize, crash: bool) {
        self.note(|| format!("page {p} {}", if crash { "crashes" } else { "is gone" }));
        let setup = self.setup;
        let once = setup.guarantee == Guarantee::AtMostOnce;
        let flying = self.flying(p);
        let held = self.held(p);
        let page = &self.pages[p];
        let bytes = page.machine.counts().bytes;
        let deferred: Vec<usize> = page.deferred.iter().flat_map(|lines| keys(lines)).collect();
        // What a timer that is late should have done is not done.
        let late = page.timer.into_iter().chain(page.late_since).chain(page.frozen_since).min();
        let current = late.map_or(self.now, |due| due.min(self.now));
        let window = current.saturating_sub(INSURANCE_MS as u64 + TIMER_GRAIN_MS);
        let trouble = page.store_trouble_until >= current || page.is_cleared;
        let consent = page.machine.mode() != Mode::Pending;
        let stored: Vec<usize> = self.store.entries().iter().flat_map(|entry| keys(&entry.lines)).collect();
        // Without a store, a deferred request is all there is; it holds so much.
        let insured = page.overfull_at <= window
            && setup.deferred
            && !page.deferred_refused
            && !once
            && bytes <= DEFERRED_MAX;
        let mut lost = 0;
        for key in held {
            let event = &mut self.events[key];
            if once && flying.contains(&key) {
                event.excuses |= excuse::UNDER_WAY;
            }
            if stored.contains(&key) || deferred.contains(&key) {
                continue;
            }
            if !consent {
                event.excuses |= excuse::OPTED_OUT;
            } else if crash && event.at > window {
                event.excuses |= excuse::WINDOW;
                if event.arrivals == 0 {
                    lost += 1;
                    let age = current.saturating_sub(event.at);
                    self.tally.oldest_lost_ms = self.tally.oldest_lost_ms.max(age);
                }
            } else if trouble || !setup.store && !insured {
                event.excuses |= excuse::NO_STORE;
            }
        }
        if crash {
            self.tally.crashes += 1;
            self.tally.most_lost = self.tally.most_lost.max(lost);
        }
        self.pages[p].phase = Phase::Dead;
        self.bury_requests(p);
        self.send_deferred(p);
    }

    /// What a page sees when it goes: `pagehide`, then `visibilitychange` where it was visible.
    fn leave(&mut self, p: usize) -> Check {
        let visible = self.pages[p].phase == Phase::Visible;
        self.capture(p, 60, true)?;
        self.under_way(p);
        self.tell(p, Input::Leaving)?;
        if visible && self.pages[p].awake() {
            self.pages[p].phase = Phase::Hidden;
            self.tell(p, Input::Hidden)?;
        }
        self.under_way(p);
        Ok(())
    }

    /// At most once: what is in flight when a page leaves may be lost.
    fn under_way(&mut self, p: usize) {
        if self.setup.guarantee == Guarantee::AtMostOnce {
            for key in self.flying(p) {
                self.events[key].excuses |= excuse::UNDER_WAY;
            }
        }
    }

    fn close(&mut self, p: usize) -> Check {
        self.leave(p)?;
        if self.pages[p].phase != Phase::Dead {
            self.die(p, false);
        }
        Ok(())
    }

    fn freeze(&mut self, p: usize, cached: bool) -> Check {
        if cached {
            self.leave(p)?;
        }
        // Then comes `freeze`: what a page starts in it never leaves, so that it may start nothing.
        self.pages[p].freezing = true;
        self.tell(p, Input::Frozen)?;
        self.under_way(p);
        let page = &mut self.pages[p];
        page.freezing = false;
        if page.phase == Phase::Dead {
            return Ok(());
        }
        page.phase = Phase::Frozen;
        page.frozen_since = Some(self.now);
        page.generation += 1;
        page.drain_wanted = false;
        if cached && self.setup.deferred_leaves_on_freeze {
            self.send_deferred(p);
        }
        Ok(())
    }

    fn unfreeze(&mut self, p: usize) -> Check {
        let page = &mut self.pages[p];
        page.phase = Phase::Visible;
        if page.frozen_since.take().is_some_and(|since| page.store_trouble_until >= since) {
            page.store_trouble_until =
                page.store_trouble_until.max(self.now + INSURANCE_MS as u64 + TIMER_GRAIN_MS);
        }
        // The edge looks at the marker before anything else.
        self.marker(p, self.opted_out)?;
        self.tell(p, Input::Returned)?;
        self.tell(p, Input::Shown)?;
        self.arm(p);
        for request in std::mem::take(&mut self.pages[p].inbox) {
            let at = self.now + self.rng.below(3);
            self.at(at, Due::Outcome { request });
        }
        Ok(())
    }

    /// Captures one event of so many bytes.
    fn capture(&mut self, p: usize, bytes: usize, urgent: bool) -> Check {
        if !self.pages[p].awake() {
            return Ok(());
        }
        let key = self.events.len();
        let line = line(key, bytes);
        let limits = self.setup.limits;
        let page = &mut self.pages[p];
        let counts = page.machine.counts();
        let mode = page.machine.mode();
        let expected = if page.sampled_out {
            Some(Reason::Sampled)
        } else if mode == Mode::Stopped {
            Some(Reason::Rejected)
        } else if line.len() > limits.batch_bytes {
            Some(Reason::TooLarge)
        } else {
            (counts.bytes + line.len() > limits.queue_bytes).then_some(Reason::QueueFull)
        };
        let captured = page.machine.capture(&line, urgent);
        match (captured, expected) {
            (Captured::Off, _) if matches!(mode, Mode::Off | Mode::Closed) => return Ok(()),
            (Captured::Refused(_), Some(reason)) => {
                page.given += 1;
                page.dropped[reason as usize] += 1;
            }
            (Captured::Quiet | Captured::Wake, None) => {
                page.given += 1;
                let bad = self.rng.chance(self.setup.bad_lines);
                self.events.push(Event { at: self.now, bad, ..Event::default() });
            }
            _ => return Err(format!("captured as {captured:?}, expected {expected:?} in mode {mode:?}")),
        }
        self.note(|| format!("page {p} captures {key}, {} bytes: {captured:?}", line.len()));
        self.audit(p)?;
        if captured == Captured::Wake {
            self.tell(p, Input::Wake)?;
        }
        Ok(())
    }

    // ---- steps

    /// The page that `tab` means, of those in such a phase.
    fn choose(&self, tab: u8, phases: &[Phase]) -> Option<usize> {
        let fitting: Vec<usize> =
            (0..self.pages.len()).filter(|p| phases.contains(&self.pages[*p].phase)).collect();
        fitting.get(usize::from(tab) % fitting.len().max(1)).copied()
    }

    fn step(&mut self, what: What) -> Check {
        const AWAKE: [Phase; 2] = [Phase::Visible, Phase::Hidden];
        match what {
            What::Wait(ms) => self.wait(self.now + ms)?,
            What::Open => {
                // Enough tabs to race; more would only be slower.
                if self.pages.iter().filter(|page| page.awake()).count() < 3 {
                    self.open()?;
                }
            }
            What::Capture { tab, events, bytes, urgent } => {
                if let Some(p) = self.choose(tab, &AWAKE) {
                    for _ in 0..events {
                        self.capture(p, bytes as usize, urgent)?;
                    }
                }
            }
            What::Refuse { tab } => {
                if let Some(p) = self.choose(tab, &AWAKE) {
                    let reason = self.rng.pick(&[Reason::Invalid, Reason::BeforeSend]);
                    if self.pages[p].machine.refuse(reason) != Captured::Off {
                        self.pages[p].given += 1;
                        self.pages[p].dropped[reason as usize] += 1;
                    }
                    self.audit(p)?;
                }
            }
            What::Hide { tab } => {
                if let Some(p) = self.choose(tab, &[Phase::Visible]) {
                    self.pages[p].phase = Phase::Hidden;
                    self.tell(p, Input::Hidden)?;
                }
            }
            What::Show { tab } => {
                if let Some(p) = self.choose(tab, &[Phase::Hidden]) {
                    self.pages[p].phase = Phase::Visible;
                    self.tell(p, Input::Shown)?;
                }
            }
            What::Freeze { tab } => {
                if let Some(p) = self.choose(tab, &[Phase::Hidden]) {
                    self.freeze(p, false)?;
                }
            }
            What::Navigate { tab, cached } => {
                if let Some(p) = self.choose(tab, &AWAKE) {
                    if cached {
                        self.freeze(p, true)?
                    } else {
                        self.close(p)?
                    }
                    self.open()?;
                }
            }
            What::Return { tab } => {
                if let Some(p) = self.choose(tab, &[Phase::Frozen]) {
                    self.unfreeze(p)?;
                }
            }
            What::Close { tab } => {
                if let Some(p) = self.choose(tab, &AWAKE) {
                    self.close(p)?;
                }
            }
            What::Reload { tab } => {
                if let Some(p) = self.choose(tab, &AWAKE) {
                    self.close(p)?;
                    self.open()?;
                }
            }
            What::Crash { tab } => {
                if let Some(p) = self.choose(tab, &AWAKE) {
                    self.die(p, true);
                }
            }
            What::CrashWithin { tab, actions } => {
                if let Some(p) = self.choose(tab, &AWAKE) {
                    self.pages[p].crash_within = Some(actions);
                }
            }
            What::Discard { tab } => {
                if let Some(p) = self.choose(tab, &[Phase::Hidden, Phase::Frozen]) {
                    // A frozen page was told in time.
                    self.die(p, self.pages[p].phase == Phase::Hidden);
                }
            }
            What::Offline | What::Online => {
                self.offline = matches!(what, What::Offline);
                for p in 0..self.pages.len() {
                    if self.pages[p].awake() {
                        self.tell(p, if self.offline { Input::Offline } else { Input::Online })?;
                    }
                }
            }
            What::Network(weather) => self.weather = weather,
            What::Clock(ms) => self.wall_offset += ms,
            What::OptOut { tab } => {
                if let Some(p) = self.choose(tab, &AWAKE) {
                    self.opted_out = true;
                    for event in &mut self.events {
                        event.excuses |= excuse::OPTED_OUT;
                    }
                    self.deny(p)?;
                    self.mark_others(p);
                }
            }
            What::OptIn { tab } => {
                if let Some(p) = self.choose(tab, &AWAKE) {
                    self.opted_out = false;
                    self.grant(p)?;
                    self.mark_others(p);
                }
            }
            What::Flush { tab } | What::Shutdown { tab } => {
                if let Some(p) = self.choose(tab, &AWAKE) {
                    self.promise(p, matches!(what, What::Shutdown { .. }))?;
                }
            }
            What::Timers { tab, how } => {
                if let Some(p) = self.choose(tab, &AWAKE) {
                    self.pages[p].timers = how;
                }
            }
            What::Quota(percent) => self.quota = percent,
            What::Clear => self.clear(),
        }
        Ok(())
    }

    fn notify_others(&mut self, p: usize) {
        for page in (0..self.pages.len()).filter(|other| *other != p) {
            if self.pages[page].awake() {
                let at = self.now + self.rng.below(8);
                self.at(at, Due::Noticed { page });
            }
        }
    }

    fn mark_others(&mut self, p: usize) {
        for page in (0..self.pages.len()).filter(|other| *other != p) {
            // Storage events keep their order.
            self.marker_at = self.marker_at.max(self.now) + self.rng.below(8);
            self.at(self.marker_at, Due::Marker { page, opted_out: self.opted_out });
        }
    }

    fn promise(&mut self, p: usize, closes: bool) -> Check {
        let token = self.pages[p].tokens.len() as u32;
        let keys = self.held(p);
        if closes && self.pages[p].machine.mode() == Mode::Pending {
            // Closed without ever having had consent.
            for key in &keys {
                self.events[*key].excuses |= excuse::OPTED_OUT;
            }
            self.pages[p].dropped[Reason::OptedOut as usize] += keys.len() as u32;
        }
        let page = &mut self.pages[p];
        page.tokens.push(Token { token, keys, settled: false });
        page.closing |= closes;
        self.tell(p, if closes { Input::Close { token } } else { Input::Flush { token } })
    }

    // ---- the end

    /// All is well at last, and one page is open: until nothing is left to do.
    fn rest(&mut self) -> Check {
        self.note(|| "— at rest".to_owned());
        self.rng = Rng::new(self.events.len() as u64);
        self.weather = Weather::Well;
        self.offline = false;
        self.quota = 0;
        for p in 0..self.pages.len() {
            self.pages[p].crash_within = None;
            self.pages[p].timers = Timers::OnTime;
            if self.pages[p].awake() {
                self.arm(p);
                self.tell(p, Input::Online)?;
            }
        }
        let well = |page: &Page| page.awake() && page.machine.mode() == Mode::On && !page.closing;
        let survivor = if self.rng.chance(50) { self.pages.iter().position(well) } else { None };
        for p in 0..self.pages.len() {
            if Some(p) == survivor {
                continue;
            }
            match self.pages[p].phase {
                Phase::Frozen => self.die(p, false),
                Phase::Dead => {}
                _ if self.rng.chance(20) => self.die(p, true),
                _ => self.close(p)?,
            }
        }
        let p = match survivor {
            Some(p) => p,
            None => {
                self.setup.pending = 0;
                self.setup.sampled_out = 0;
                self.open()?;
                self.pages.len() - 1
            }
        };
        // The tab that is left comes to the front.
        if survivor.is_some() {
            if self.pages[p].phase == Phase::Visible {
                self.pages[p].phase = Phase::Hidden;
                self.tell(p, Input::Hidden)?;
            }
            self.pages[p].phase = Phase::Visible;
            self.tell(p, Input::Shown)?;
        }
        let p = if self.settles(p)? {
            p
        } else {
            // An answer from before, 410, has stopped that page: the person loads it anew.
            self.close(p)?;
            self.setup.pending = 0;
            self.setup.sampled_out = 0;
            self.open()?;
            self.pages.len() - 1
        };
        if self.settles(p)? { Ok(()) } else { Err("it stops before all is done".to_owned()) }
    }

    /// Whether page `p` comes to rest with nothing left; it may stop before, on the receiver's word.
    fn settles(&mut self, p: usize) -> Result<bool, String> {
        let deadline = self.now + REST_MS;
        while !self.rested(p) {
            let Some(Reverse((at, _, due))) = self.agenda.pop() else { break };
            if at > deadline {
                return Err("it does not come to rest".to_owned());
            }
            self.happen(at, due)?;
        }
        if !self.rested(p) && self.pages[p].machine.mode() != Mode::Stopped {
            return Err("it stops before all is done".to_owned());
        }
        Ok(self.rested(p))
    }

    /// Nothing in memory, nothing in the store, nothing on its way.
    fn rested(&self, p: usize) -> bool {
        let counts = self.pages[p].machine.counts();
        let idle = counts.queued == 0 && counts.in_flight == 0 && self.store.entries().is_empty();
        idle && self.requests.iter().all(Request::is_over) && !self.pages[p].drain_wanted
    }
}

impl Page {
    /// What the timer should have done is still not done.
    fn be_late(&mut self) {
        self.late_since = self.late_since.into_iter().chain(self.timer).min();
    }

    pub(crate) const fn awake(&self) -> bool {
        matches!(self.phase, Phase::Visible | Phase::Hidden)
    }
}

fn brief(input: &Input) -> String {
    match input {
        Input::Drained(found) => {
            let batches = found.iter().map(|found| {
                let keys: Vec<_> = keys(&found.lines).collect();
                format!(" {}/{} {keys:?}", found.session, found.id)
            });
            format!("Drained{}", batches.collect::<String>())
        }
        Input::Answer { attempt, outcome: Outcome::Answered { status, retry_after_ms, rejected } } => {
            format!("Answer {attempt}: {status}, retry after {retry_after_ms:?}, {rejected} rejected")
        }
        other => format!("{other:?}"),
    }
}

fn brief_action(action: &Action) -> String {
    match action {
        Action::Persist { id, sent, lines } => {
            format!("Persist {id}, sent: {sent}, {:?}", keys(lines).collect::<Vec<_>>())
        }
        Action::Adopt { session, id, new_id, lines } => {
            format!("Adopt {session}/{id} as {new_id}, {:?}", keys(lines).collect::<Vec<_>>())
        }
        Action::Insure { lines } => format!("Insure {:?}", keys(lines).collect::<Vec<_>>()),
        other => format!("{other:?}"),
    }
}
