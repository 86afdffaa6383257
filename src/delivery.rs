//! Delivery as a state machine that does no IO: [`Input`]s go in, [`Action`]s come out, and time and
//! randomness are arguments. Every rule about sending, retrying, storing and giving up is here, so that
//! `tests/simulation.rs` can live through a million page lives in a minute.
//!
//! The edge (`web`) executes actions in their order, in the task in which it got them, and nothing else.
//!
//! # Accounting
//! At every moment `captured + recovered = sent + unconfirmed + queued + in flight + stored + dropped`; see
//! [`Counts`].
//!
//! # Who owns a batch
//! A page owns what it captured. A copy in the store belongs to the page that wrote it for as long as that
//! page's *lease* runs; a page that leaves gives its lease up at once, one that crashes loses it within
//! [`LEASE_MS`]. Whoever opens next takes over what has no lease, under a lock. A page that comes back (from
//! the back/forward cache, or from a long sleep) no longer trusts its memory: it drops what it has a copy of
//! and takes from the store what is still there.

use alloc::string::String;
use alloc::vec::Vec;

use crate::config::Guarantee;
use crate::queue::{Batch, Limits, Queue, Refusal, Stored};
use crate::retry::{self, Verdict, backoff_ms};

/// Bytes of keepalive and beacon bodies in flight at a time. The Fetch standard allows 64 KiB for the whole
/// page; 4 KiB are left to whatever else the page sends.
pub const KEEPALIVE_BUDGET: usize = 60 * 1024;

/// Bytes of that budget which requests of a visible page may use. They too survive a page exit if they are
/// keepalive; the rest of the budget waits for the exit itself.
pub const KEEPALIVE_SHARE_VISIBLE: usize = 28 * 1024;

/// A refused beacon is halved down to this size, in bytes, before something else is tried.
pub const BEACON_MIN: usize = 16 * 1024;

/// Bytes of the lines of the one deferred request. Its quota is 64 KiB an origin, which leaves room for what a
/// format puts round them.
pub const DEFERRED_MAX: usize = 60 * 1024;

/// A try without an answer is aborted after so many ms. No SDK we looked at that lacks this recovers from a
/// receiver which accepts connections and never answers.
pub const ATTEMPT_TIMEOUT_MS: f64 = 10_000.0;

/// Bytes of a request that takes along what waits behind its first batch. A request costs the page's main thread
/// what encoding a hundred events does (measured: bench/RESULTS.md), so that a backlog leaves in few. A quarter of the
/// 1 MiB that nginx and the collector take. Not where it may have to be sent once only: all of it would be lost
/// with the page; nor once a try got no answer, since on a slow line it may be too much for
/// [`ATTEMPT_TIMEOUT_MS`].
pub const REQUEST_MAX: usize = 256 * 1024;

/// Requests in flight at a time while all goes well; one after a failure.
pub const WINDOW: usize = 4;

/// The same where each event is a request by itself: as many as browsers open connections to a host.
pub const PING_WINDOW: usize = 6;

/// Such requests in flight when the page is hidden or leaves; the rest is kept. They have no body, so the budget
/// is no bound; but browsers have another. Measured in Chromium 156: of 100 started in `pagehide` all arrive, of
/// 300 only 156. Some are left to the page itself.
pub const PING_EXIT: usize = 64;

/// Network failures in a row which open the breaker: a blocker or a firewall does not change its mind, so
/// from then on one request at a time probes the endpoint, and not even `flush()` hurries it.
pub const BREAKER_FAILURES: u32 = 3;

/// What a crash may cost, in ms: the copy in the store and the deferred request are renewed at most so often.
pub const INSURANCE_MS: f64 = 1_000.0;

/// How long a page's claim on its copies in the store holds, in ms of the wall clock (the only clock that
/// tabs share). Long enough for a busy main thread, short enough that the next page need not wait for long
/// after a crash.
pub const LEASE_MS: f64 = 15_000.0;

/// What a clock that is set back by little costs nobody's lease, in ms. Its holder, who has a second clock to
/// compare with, gives it up at half of it, so that the others come later.
pub const CLOCK_SLACK_MS: f64 = 1_000.0;

/// A lease is renewed after so many ms.
pub const LEASE_RENEWAL_MS: f64 = 5_000.0;

/// Age at which a stored batch is given up, in ms: 7 days.
pub const STORED_AGE_MAX_MS: f64 = 7.0 * 24.0 * 3_600_000.0;

/// Largest stored batch that is believed, in bytes: the option `maxBatchBytes` allows no larger one.
pub const STORED_BATCH_MAX: usize = 61_440;

/// After the store refused a write (full, or forbidden), it is left alone for so many ms.
pub const STORE_PAUSE_MS: f64 = 60_000.0;

/// A timer that has not fired so many ms after its time is not waited for any more: another is armed. Less would arm
/// one anew for each batch that a busy script fills before its timer can fire.
pub const TIMER_LATE_MS: f64 = 1_000.0;

/// The readings of both clocks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Now {
    /// Monotonic, in ms from any origin: for waits.
    pub mono_ms: f64,
    /// Wall clock, in Unix ms: for what other tabs and later visits read. It may jump.
    pub wall_ms: f64,
}

/// What the machine is told once.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rules {
    /// Bounds of batches and of the queue.
    pub limits: Limits,
    /// Longest wait before a batch leaves, in ms.
    pub flush_interval_ms: f64,
    /// Whether sending twice is safe.
    pub guarantee: Guarantee,
    /// Whether there is a store: the option `persist`, and a browser that lets us.
    pub store: bool,
    /// Whether the browser has `fetchLater` for this endpoint. It leaves by itself and has no answer, so that
    /// it is used only where sending twice is safe.
    pub deferred: bool,
    /// Whether a page that leaves uses beacons first: they carry the cookies of the endpoint's origin, so only
    /// where that is the page's own.
    pub beacon: bool,
    /// Whether each event is a request by itself, without a body. Then a batch is one event, by the limits, and
    /// there are neither beacons nor a deferred request.
    pub pings: bool,
    /// Whether this page load was not drawn by `sampleRate`: everything is counted and dropped.
    pub sampled_out: bool,
}

/// How a request leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Via {
    /// `fetch`: dies with the page.
    Fetch,
    /// `fetch` with keepalive: outlives the page, draws on the budget.
    Keepalive,
    /// `sendBeacon`: outlives the page, draws on the budget, gets no answer.
    Beacon,
}

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Outcome {
    /// The receiver answered.
    Answered {
        /// HTTP status.
        status: u16,
        /// Its `Retry-After`, in ms from now.
        retry_after_ms: Option<f64>,
        /// How many of the events it said it refused, where it said so.
        rejected: u32,
    },
    /// No answer: refused, reset, blocked, name not found.
    Unreachable,
    /// `sendBeacon` returned false. Said at once, in the same task.
    BeaconRefused,
}

/// A batch found in the store.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// The page that wrote it.
    pub session: String,
    /// Its id in that page.
    pub id: u32,
    /// When it was written, in Unix ms.
    pub written_ms: f64,
    /// Its lines: plausible ones, each with its `\n`.
    pub lines: Vec<u8>,
    /// How many lines.
    pub events: u32,
    /// Until when its writer claims it, in Unix ms; `None` where it gave up its claim.
    pub lease_ms: Option<f64>,
}

/// What happens to the machine.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// There is consent: send.
    Granted,
    /// There is none (any more): forget everything.
    Denied,
    /// The armed timer fired.
    Tick,
    /// [`Delivery::capture`] asked for attention.
    Wake,
    /// Attempt `attempt` ended.
    Answer {
        /// From [`Action::Send`].
        attempt: u32,
        /// How it ended.
        outcome: Outcome,
    },
    /// The page is hidden; it may live on.
    Hidden,
    /// The page goes away: no timer may ever fire again.
    Leaving,
    /// The page is frozen: no timer may ever fire again, and nothing that it starts now is sent (measured in
    /// Chromium: such a request waits for the page to be resumed, and is dropped with it).
    Frozen,
    /// The page came back from the back/forward cache, or was resumed.
    Returned,
    /// The page is visible again.
    Shown,
    /// Another page claimed its batches in the store, or gave its claim up.
    Noticed,
    /// The browser says that there is no network.
    Offline,
    /// The browser says that there is a network.
    Online,
    /// What [`Action::Drain`] found, this page's own batches included. The actions that this causes are
    /// executed before the lock is released.
    Drained(Vec<Found>),
    /// The store refused to keep batch `id`. What it had of that batch is removed.
    StoreFailed {
        /// From [`Action::Persist`].
        id: u32,
    },
    /// The browser refused the deferred request: do without from now on.
    DeferredFailed,
    /// Send all there is, and say when it is acknowledged.
    Flush {
        /// Comes back in [`Action::Settle`].
        token: u32,
    },
    /// As `Flush`; whatever is left then goes to the store, and the machine does nothing more.
    Close {
        /// Comes back in [`Action::Settle`].
        token: u32,
    },
}

/// What the edge has to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Start the request `attempt`; its body is [`Delivery::body`]. Answer with [`Input::Answer`].
    Send {
        /// Number of the attempt, unique in this page.
        attempt: u32,
        /// How.
        via: Via,
    },
    /// Abort the request `attempt`; no answer is expected any more.
    Abort {
        /// Number of the attempt.
        attempt: u32,
    },
    /// Have one timer that fires after so many ms, in place of any other.
    Arm {
        /// From now, in ms.
        after_ms: f64,
    },
    /// Have no timer.
    Disarm,
    /// Keep these lines under this page's session and `id`, in place of what is there. Whatever is kept keeps
    /// the time at which it was first written: a batch that is written again does not grow younger.
    Persist {
        /// The batch's id.
        id: u32,
        /// Whether it was sent and got no answer.
        sent: bool,
        /// The lines.
        lines: Vec<u8>,
    },
    /// Remove this page's batch `id` from the store.
    Forget {
        /// The batch's id.
        id: u32,
    },
    /// Remove another page's batch from the store.
    ForgetForeign {
        /// The page that wrote it.
        session: String,
        /// Its id there.
        id: u32,
    },
    /// Another page's batch is this page's from now on: keep the lines under this page's session and
    /// `new_id`, then remove the other's. Takes no more room than before, so no limit but the browser's own;
    /// where even that is refused, remove the other's all the same and answer [`Input::StoreFailed`]: the
    /// events are in memory, and two copies would be two owners. The time of the first writing stays.
    Adopt {
        /// The page that wrote it.
        session: String,
        /// Its id there.
        id: u32,
        /// Its id here.
        new_id: u32,
        /// The lines.
        lines: Vec<u8>,
    },
    /// Claim this page's batches in the store until then.
    Lease {
        /// In Unix ms.
        until_ms: f64,
    },
    /// Give that claim up.
    Release,
    /// Under the lock, read all batches of this endpoint from the store; answer with [`Input::Drained`].
    Drain,
    /// Have one deferred request with this body, in place of any other; where the browser refuses, answer with
    /// [`Input::DeferredFailed`].
    Insure {
        /// The lines.
        lines: Vec<u8>,
    },
    /// Have no deferred request.
    Uninsure,
    /// Remove everything of ours from the store, and the deferred request.
    Purge,
    /// Answer a `Flush` or `Close`.
    Settle {
        /// Theirs.
        token: u32,
        /// Whether all that was queued then has been acknowledged.
        acknowledged: bool,
    },
    /// Tell the host page.
    Tell(Notice),
}

/// Why an event was refused or given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The queue was full.
    QueueFull,
    /// A field was not acceptable.
    Invalid,
    /// Larger than a batch may be, or than the receiver takes.
    TooLarge,
    /// The receiver refused it.
    Rejected,
    /// Stored for more than 7 days.
    Expired,
    /// The person opted out while it waited.
    OptedOut,
    /// This page load was not drawn.
    Sampled,
    /// The host page's `beforeSend` dropped it.
    BeforeSend,
}

impl Reason {
    /// All, in the order of their counters.
    pub const ALL: [Self; 8] = [
        Self::QueueFull,
        Self::Invalid,
        Self::TooLarge,
        Self::Rejected,
        Self::Expired,
        Self::OptedOut,
        Self::Sampled,
        Self::BeforeSend,
    ];

    /// The stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::QueueFull => "queue_full",
            Self::Invalid => "invalid",
            Self::TooLarge => "too_large",
            Self::Rejected => "rejected",
            Self::Expired => "expired",
            Self::OptedOut => "opted_out",
            Self::Sampled => "sampled",
            Self::BeforeSend => "before_send",
        }
    }
}

/// Something the host page may want to know. Each is told at its 1st, 2nd, 4th, 8th … time, so that a full
/// queue does not flood the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notice {
    /// Events were dropped: why, and how many so far.
    Dropped(Reason, u32),
    /// The breaker opened, for the so manieth time.
    EndpointBlocked(u32),
    /// The receiver said 410: this page sends nothing more.
    Stopped,
    /// The store refused a write, for the so manieth time.
    StoreUnavailable(u32),
}

/// The counters behind `stats()`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Events given to this page's client.
    pub captured: u32,
    /// Events taken over from another page's store.
    pub recovered: u32,
    /// Waiting in memory.
    pub queued: u32,
    /// Their bytes, and those in flight.
    pub bytes: usize,
    /// Sent, answer awaited.
    pub in_flight: u32,
    /// Acknowledged.
    pub sent: u32,
    /// At-most-once only: handed over at exit without an answer, never to be sent again.
    pub unconfirmed: u32,
    /// In the store and no longer in memory.
    pub stored: u32,
    /// Events that were sent again after a failure.
    pub retried: u32,
    /// Refused or given up, in the order of [`Reason::ALL`].
    pub dropped: [u32; 8],
}

/// What became of a captured event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Captured {
    /// Queued; nothing to do.
    Quiet,
    /// Queued; call [`Delivery::handle`] with [`Input::Wake`].
    Wake,
    /// Refused and counted; tell the host page where there is a notice.
    Refused(Option<Notice>),
    /// Telemetry is off: not even counted.
    Off,
}

/// Whether the machine may work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// No consent yet: hold, touch nothing.
    Pending,
    /// At work.
    On,
    /// The receiver said 410.
    Stopped,
    /// No consent.
    Off,
    /// `shutdown()` is done.
    Closed,
}

/// A request in flight.
#[derive(Debug)]
struct Attempt {
    number: u32,
    via: Via,
    batches: Vec<Batch>,
    /// Monotonic.
    deadline_ms: f64,
    /// It takes the place of a beacon that was refused, so that it may be as well.
    is_doubtful: bool,
}

impl Attempt {
    fn bytes(&self) -> usize {
        self.batches.iter().map(|batch| batch.lines.len()).sum()
    }

    fn events(&self) -> u32 {
        self.batches.iter().map(|batch| batch.events).sum()
    }
}

/// Someone waits for all batches before `before` to be acknowledged.
#[derive(Debug)]
struct Waiter {
    token: u32,
    before: u32,
    closes: bool,
}

/// The machine.
#[derive(Debug)]
pub struct Delivery {
    rules: Rules,
    session: String,
    /// Bytes that a request's body has beside its lines.
    frame: usize,
    mode: Mode,
    /// The receiver said 410: not even consent given anew starts this page again.
    stopped: bool,
    /// Who waited for the end was answered: this input is the last.
    ends: bool,
    queue: Queue,
    attempts: Vec<Attempt>,
    next_attempt: u32,
    waiters: Vec<Waiter>,
    counts: Counts,
    /// Failed rounds in a row, of any kind; and those of them without any answer.
    failures: u32,
    unreachable: u32,
    /// The first attempt after the last failure.
    after_failure: u32,
    /// The receiver said 413: each batch travels by itself.
    splits: bool,
    /// A try got no answer: no request is larger than a batch.
    is_cautious: bool,
    /// Monotonic: no try before, by backoff; and by the receiver's own word.
    backoff_until_ms: f64,
    retry_after_until_ms: f64,
    blocked: u32,
    is_blocked: bool,
    offline: bool,
    /// The page went away; another may own our store now.
    left: bool,
    /// And may not send until it returns.
    is_frozen: bool,
    /// Monotonic: when the open batch leaves, when copies are renewed, when the store is looked into again.
    flush_at_ms: Option<f64>,
    insure_at_ms: Option<f64>,
    drain_at_ms: Option<f64>,
    armed_ms: Option<f64>,
    /// What is full was seen since the last task of our own: until then, one more full batch is no news.
    is_awake: bool,
    /// Something changed since the deferred request was made.
    deferred_stale: bool,
    has_deferred: bool,
    /// Until when we claim our copies, in Unix ms; and when we did, monotonic.
    lease_ms: Option<f64>,
    leased_at_ms: f64,
    store_paused_until_ms: f64,
    store_failures: u32,
    /// What was found in the store, and did not fit into memory.
    more_stored: bool,
}

impl Delivery {
    /// A machine that waits for [`Input::Granted`]. `session` is this page's.
    pub fn new(rules: Rules, session: String) -> Self {
        let deferred = rules.deferred && rules.guarantee == Guarantee::AtLeastOnce && !rules.pings;
        Self {
            rules: Rules { deferred, ..rules },
            session,
            frame: 0,
            mode: Mode::Pending,
            stopped: false,
            ends: false,
            queue: Queue::new(rules.limits),
            attempts: Vec::new(),
            next_attempt: 1,
            waiters: Vec::new(),
            counts: Counts::default(),
            failures: 0,
            unreachable: 0,
            after_failure: 0,
            splits: false,
            is_cautious: false,
            backoff_until_ms: f64::NEG_INFINITY,
            retry_after_until_ms: f64::NEG_INFINITY,
            blocked: 0,
            is_blocked: false,
            offline: false,
            left: false,
            is_frozen: false,
            flush_at_ms: None,
            insure_at_ms: None,
            drain_at_ms: None,
            armed_ms: None,
            is_awake: false,
            deferred_stale: false,
            has_deferred: false,
            lease_ms: None,
            leased_at_ms: f64::NEG_INFINITY,
            store_paused_until_ms: f64::NEG_INFINITY,
            store_failures: 0,
            more_stored: false,
        }
    }

    /// Whether it may work.
    pub const fn mode(&self) -> Mode {
        self.mode
    }

    /// Whether the breaker is open.
    pub const fn is_blocked(&self) -> bool {
        self.is_blocked
    }

    /// From now on a request's body has so many bytes beside its lines: see `Format::wrap`. Those under way
    /// count as if they had them too; a few bytes more or less do not matter, since the budget leaves 4 KiB.
    pub const fn frame(&mut self, bytes: usize) {
        self.frame = bytes;
    }

    /// A snapshot.
    pub fn counts(&self) -> Counts {
        Counts {
            queued: self.queue.events(),
            in_flight: self.attempts.iter().map(Attempt::events).sum(),
            bytes: self.queue.bytes() + self.flying(),
            ..self.counts
        }
    }

    /// The bytes of an attempt's body: its lines.
    pub fn body(&self, attempt: u32) -> Vec<u8> {
        let found = self.attempts.iter().find(|other| other.number == attempt);
        found.map(|attempt| concat(attempt.batches.iter())).unwrap_or_default()
    }

    /// The lines that wait in memory, batch by batch, first to leave first: what is held and not in flight, for
    /// whoever wants to check the counts against it.
    pub fn waiting(&self) -> impl Iterator<Item = &[u8]> {
        self.queue.iter().map(|batch| batch.lines.as_slice())
    }

    /// Bytes of keepalive and beacon bodies in flight; never more than [`KEEPALIVE_BUDGET`].
    pub fn keepalive_bytes(&self) -> usize {
        if self.rules.pings {
            return 0;
        }
        let drawing = self.attempts.iter().filter(|attempt| attempt.via != Via::Fetch);
        drawing.map(|attempt| attempt.bytes() + self.frame).sum()
    }

    fn flying(&self) -> usize {
        self.attempts.iter().map(Attempt::bytes).sum()
    }

    /// Takes an encoded event, `\n` included. This is the hot path: it copies the line and does nothing else.
    /// `urgent` ones leave before all others.
    pub fn capture(&mut self, line: &[u8], urgent: bool) -> Captured {
        if !self.collects() {
            return Captured::Off;
        }
        if self.rules.sampled_out {
            return self.refuse(Reason::Sampled);
        }
        if self.mode == Mode::Stopped {
            return self.refuse(Reason::Rejected);
        }
        let elsewhere = if self.attempts.is_empty() { 0 } else { self.flying() };
        let pushed =
            if urgent { self.queue.push_urgent(line, elsewhere) } else { self.queue.push(line, elsewhere) };
        let closed = match pushed {
            Err(Refusal::QueueFull) => return self.refuse(Reason::QueueFull),
            Err(Refusal::TooLarge) => return self.refuse(Reason::TooLarge),
            Ok(closed) => closed,
        };
        self.counts.captured += 1;
        self.deferred_stale = true;
        // Once a timer is armed for the flush and one for the copies, there is nothing to do until then; but
        // a full batch need not wait, and on a page that leaves nothing may.
        let idle = self.flush_at_ms.is_none() || self.insure_at_ms.is_none() && self.insures();
        if self.mode == Mode::On && (closed && !self.is_awake || idle || self.left) {
            Captured::Wake
        } else {
            Captured::Quiet
        }
    }

    /// Counts an event that got no further than the edge: it was invalid, or `beforeSend` dropped it.
    pub fn refuse(&mut self, reason: Reason) -> Captured {
        if !self.collects() {
            return Captured::Off;
        }
        self.counts.captured += 1;
        let notice = self.drop_events(reason, 1);
        // The host page knows of the others: it did them, or was told with the field's name.
        Captured::Refused(notice.filter(|_| matches!(reason, Reason::QueueFull | Reason::TooLarge)))
    }

    const fn collects(&self) -> bool {
        !matches!(self.mode, Mode::Off | Mode::Closed)
    }

    fn drop_events(&mut self, reason: Reason, events: u32) -> Option<Notice> {
        let counter = self.counts.dropped.get_mut(reason as usize)?;
        let before = *counter;
        *counter += events;
        // Told whenever the count passes a power of two.
        (events > 0 && before.checked_ilog2() != counter.checked_ilog2())
            .then_some(Notice::Dropped(reason, *counter))
    }

    /// Takes an input and returns what is to be done, in order. `random` is in 0..1.
    pub fn handle(&mut self, input: Input, now: Now, random: f64) -> Vec<Action> {
        let mut actions = Vec::new();
        let out = &mut actions;
        // Where the page is, and whether there is a network, is remembered in every mode: consent may come later.
        match input {
            Input::Offline => self.offline = true,
            Input::Online | Input::Returned => self.offline = false,
            Input::Leaving if self.mode != Mode::On => self.left = true,
            Input::Frozen => self.is_frozen = true,
            _ => {}
        }
        if input == Input::Returned {
            self.left = false;
            self.is_frozen = false;
        }
        match input {
            Input::Granted => self.grant(out),
            Input::Denied => self.deny(out),
            // A machine that may not work does nothing else.
            Input::Flush { token } | Input::Close { token } if self.mode != Mode::On => {
                let acknowledged = self.queue.is_empty() && self.attempts.is_empty();
                if matches!(input, Input::Close { .. }) && self.mode != Mode::Off {
                    self.close(out);
                }
                out.push(Action::Settle { token, acknowledged });
            }
            _ if self.mode != Mode::On => {}
            _ => {
                self.work(input, now, random, out);
                if self.ends && self.mode == Mode::On {
                    self.close(out);
                }
            }
        }
        if self.mode == Mode::On {
            self.plan(now, out);
        }
        actions
    }

    fn work(&mut self, input: Input, now: Now, random: f64, out: &mut Vec<Action>) {
        // Before anything can take away what it waits for.
        if let Input::Flush { token } | Input::Close { token } = input {
            self.queue.close();
            let closes = matches!(input, Input::Close { .. });
            self.waiters.push(Waiter { token, before: self.queue.next_id(), closes });
        }
        if self.has_lapsed(now) && input != Input::Returned {
            self.disown(out);
            // What the lock has just shown is enough.
            if !matches!(input, Input::Drained(_)) {
                self.drain(out);
            }
            // An answer still says what became of its events: found by the long run, at seed 1,039,868.
            if self.ends && !matches!(input, Input::Answer { .. }) {
                return;
            }
        }
        // What got no answer in time may be what `shutdown()` waits for. Then this is the end, and all goes to the
        // store: a beacon that left after it might be refused, and nobody would hear of that. Found by the long run,
        // at seed 3,137,825.
        if matches!(input, Input::Hidden | Input::Leaving) {
            self.expire(now, random, out);
            if self.ends {
                return;
            }
        }
        let input_is_wake = input == Input::Wake;
        self.is_awake = input_is_wake && self.queue.has_closed();
        let hurry = matches!(input, Input::Flush { .. } | Input::Close { .. });
        match input {
            Input::Tick => self.armed_ms = None,
            Input::Answer { attempt, outcome } => self.answer(attempt, outcome, now, random, out),
            // Gone already, and nothing new came since: what was handed over then is not to be taken back.
            Input::Hidden if self.left && self.queue.is_empty() => {}
            Input::Frozen => self.freeze(now, out),
            Input::Hidden => self.exit(false, now, out),
            Input::Leaving => self.exit(true, now, out),
            Input::Returned => {
                // Their answers, if any, wait in the task queue; their clock stood still.
                for attempt in &mut self.attempts {
                    attempt.deadline_ms = now.mono_ms + ATTEMPT_TIMEOUT_MS;
                }
                // The browser may have sent the deferred request while the page slept.
                self.deferred_stale = true;
                self.disown(out);
                self.drain(out);
            }
            Input::Shown | Input::Noticed => self.drain(out),
            Input::Online => {
                self.backoff_until_ms = f64::NEG_INFINITY;
                self.drain(out);
            }
            Input::Drained(found) => self.take_over(found, now, out),
            Input::StoreFailed { id } => self.store_failed(id, now, out),
            Input::DeferredFailed => {
                self.rules.deferred = false;
                self.has_deferred = false;
                // What it should have held is a second old already.
                self.insure_at_ms = Some(now.mono_ms);
            }
            Input::Wake
            | Input::Flush { .. }
            | Input::Close { .. }
            | Input::Offline
            | Input::Granted
            | Input::Denied => {}
        }
        // The end, or 410: nothing is sent after that.
        if self.ends || self.mode != Mode::On {
            return;
        }
        if input_is_wake {
            // Within a call of the host page: what is due leaves in a task of its own, unless there is none.
            if self.is_frozen {
                self.freeze(now, out);
            } else if self.left && !self.queue.is_empty() {
                self.exit(true, now, out);
            }
            return;
        }
        self.expire(now, random, out);
        // Before anything else is sent: this may be what `shutdown()` waits for.
        self.settle(out);
        if self.ends {
            return;
        }
        if self.drain_at_ms.is_some_and(|at| at <= now.mono_ms) {
            self.drain_at_ms = None;
            self.drain(out);
        }
        if self.left {
            // What came back to a page that left has no later moment to be kept in.
            self.persist_all(now.mono_ms, out);
            // But a frozen page's deferred request is the browser's now.
            if self.rules.deferred && !self.is_frozen && core::mem::take(&mut self.deferred_stale) {
                self.defer(true, out);
            }
        } else {
            if self.more_stored && self.queue.is_empty() && self.attempts.is_empty() {
                self.more_stored = false;
                self.drain(out);
            }
            self.pump(hurry, now, out);
        }
        // Nothing is under way, so nothing will be acknowledged soon: offline, blocked, or told to wait.
        if self.attempts.is_empty() {
            self.fail_waiters(out);
        }
        if !self.ends && !self.left {
            self.insure(now, out);
        }
    }

    // ---- consent

    fn grant(&mut self, out: &mut Vec<Action>) {
        if matches!(self.mode, Mode::Pending | Mode::Off) {
            self.mode = if self.stopped { Mode::Stopped } else { Mode::On };
        }
        if self.mode == Mode::On {
            self.drain(out);
        }
    }

    fn deny(&mut self, out: &mut Vec<Action>) {
        let closed = self.mode == Mode::Closed;
        let closes = self.abandon(Reason::OptedOut, out);
        let stored = core::mem::take(&mut self.counts.stored);
        let _ = self.drop_events(Reason::OptedOut, stored);
        self.has_deferred = false;
        self.lease_ms = None;
        self.drain_at_ms = None;
        self.more_stored = false;
        self.mode = if closed || closes { Mode::Closed } else { Mode::Off };
        out.push(Action::Purge);
    }

    /// Drops all that is in memory, ends all that is under way. Says whether somebody waits for the end.
    fn abandon(&mut self, reason: Reason, out: &mut Vec<Action>) -> bool {
        self.queue.close();
        let mut events = 0;
        while let Some(batch) = self.queue.take() {
            events += batch.events;
            forget(&batch, out);
        }
        for attempt in core::mem::take(&mut self.attempts) {
            events += attempt.events();
            attempt.batches.iter().for_each(|batch| forget(batch, out));
            out.push(Action::Abort { attempt: attempt.number });
        }
        let _ = self.drop_events(reason, events);
        let mut closes = false;
        for waiter in core::mem::take(&mut self.waiters) {
            closes |= waiter.closes;
            out.push(Action::Settle { token: waiter.token, acknowledged: events == 0 });
        }
        self.flush_at_ms = None;
        self.insure_at_ms = None;
        if core::mem::take(&mut self.armed_ms).is_some() {
            out.push(Action::Disarm);
        }
        closes
    }

    /// The receiver said 410.
    fn stop(&mut self, out: &mut Vec<Action>) {
        let closes = self.abandon(Reason::Rejected, out);
        self.release(out);
        self.uninsure(out);
        self.stopped = true;
        self.mode = if closes { Mode::Closed } else { Mode::Stopped };
        out.push(Action::Tell(Notice::Stopped));
    }

    /// `shutdown()` is done, or there is nothing it could do.
    fn close(&mut self, out: &mut Vec<Action>) {
        self.queue.close();
        if self.mode == Mode::Pending {
            let _ = self.abandon(Reason::OptedOut, out);
        }
        if self.mode == Mode::On {
            self.persist_all(f64::INFINITY, out);
            self.release(out);
            if self.rules.store {
                self.uninsure(out);
            } else if self.rules.deferred {
                // There is no other place for what is left.
                self.defer(false, out);
            }
        }
        if core::mem::take(&mut self.armed_ms).is_some() {
            out.push(Action::Disarm);
        }
        self.mode = Mode::Closed;
    }

    // ---- sending

    /// Sends what is due. `hurry`: do not wait for a batch to fill, nor for the backoff.
    fn pump(&mut self, hurry: bool, now: Now, out: &mut Vec<Action>) {
        if self.offline || now.mono_ms < self.gate(hurry) {
            return;
        }
        // What is still open goes along with what is full, where one request holds both: each costs the page more
        // than the few events that could have waited.
        let along = self.merges() && self.queue.has_closed();
        if hurry || along || self.failures > 0 || self.flush_at_ms.is_some_and(|at| at <= now.mono_ms) {
            self.queue.close();
            self.flush_at_ms = None;
        }
        let window = self.window();
        while self.answerable() < window {
            let batches = self.next_batches();
            let bytes: usize = batches.iter().map(|batch| batch.lines.len()).sum();
            if bytes == 0 {
                break;
            }
            let fits = self.keepalive_bytes() + bytes + self.frame <= KEEPALIVE_SHARE_VISIBLE;
            let via = if fits { Via::Keepalive } else { Via::Fetch };
            self.send(batches, via, now, out);
        }
    }

    /// Whether a request may be larger than a batch: see [`REQUEST_MAX`].
    fn merges(&self) -> bool {
        self.rules.guarantee == Guarantee::AtLeastOnce
            && !(self.rules.pings || self.is_cautious || self.splits)
    }

    /// What the next request takes along: the first batch, and as many after it as fit into one. Each failed try
    /// closes a batch, and so does each page that left: a fleet that comes back after an outage with a request
    /// for each of them would be an outage of its own.
    fn next_batches(&mut self) -> Vec<Batch> {
        let Limits { mut batch_events, mut batch_bytes, .. } = self.rules.limits;
        if self.merges() {
            (batch_events, batch_bytes) = (u32::MAX, REQUEST_MAX);
        }
        let (mut batches, mut bytes, mut events) = (Vec::new(), 0, 0);
        while let Some(batch) = self.queue.take_if(|batch| {
            bytes == 0
                || !self.splits
                    && bytes + batch.lines.len() <= batch_bytes
                    && events + batch.events <= batch_events
        }) {
            bytes += batch.lines.len();
            events += batch.events;
            batches.push(batch);
        }
        batches
    }

    /// How many requests may be in flight.
    const fn window(&self) -> usize {
        match self.rules.pings {
            _ if self.failures > 0 => 1,
            true => PING_WINDOW,
            false => WINDOW,
        }
    }

    /// Requests in flight that will have an answer.
    fn answerable(&self) -> usize {
        self.attempts.iter().filter(|attempt| attempt.via != Via::Beacon).count()
    }

    /// Monotonic: before this, nothing is sent.
    fn gate(&self, hurry: bool) -> f64 {
        if hurry && !self.is_blocked {
            self.retry_after_until_ms
        } else {
            self.retry_after_until_ms.max(self.backoff_until_ms)
        }
    }

    fn send(&mut self, mut batches: Vec<Batch>, via: Via, now: Now, out: &mut Vec<Action>) {
        for batch in &mut batches {
            if batch.tries > 0 {
                self.counts.retried += batch.events;
            }
            // What may be sent only once must not be found in the store once it is sent.
            if self.rules.guarantee == Guarantee::AtMostOnce {
                forget(batch, out);
                batch.stored = Stored::No;
            }
        }
        let number = self.next_attempt;
        self.next_attempt += 1;
        let deadline_ms = now.mono_ms + ATTEMPT_TIMEOUT_MS;
        self.attempts.push(Attempt { number, via, batches, deadline_ms, is_doubtful: false });
        out.push(Action::Send { attempt: number, via });
    }

    fn answer(&mut self, number: u32, outcome: Outcome, now: Now, random: f64, out: &mut Vec<Action>) {
        let Some(at) = self.attempts.iter().position(|attempt| attempt.number == number) else {
            // Aborted, or from before an opt-out.
            return;
        };
        let attempt = self.attempts.swap_remove(at);
        if let Outcome::Answered { status, .. } = outcome {
            // Whatever it says: nobody blocks the endpoint.
            self.unreachable = 0;
            self.is_blocked = false;
            if retry::verdict(status) != Verdict::Later {
                self.failures = 0;
                self.backoff_until_ms = f64::NEG_INFINITY;
            }
        }
        match outcome {
            Outcome::BeaconRefused => self.beacon_refused(attempt, now, out),
            Outcome::Unreachable => self.failed(attempt, true, None, now, random, out),
            Outcome::Answered { status, retry_after_ms, rejected } => match retry::verdict(status) {
                Verdict::Later => self.failed(attempt, false, retry_after_ms, now, random, out),
                Verdict::TooLarge => self.too_large(attempt, out),
                Verdict::Gone => {
                    self.attempts.push(attempt);
                    self.stop(out);
                }
                Verdict::Done => self.done(attempt, rejected, out),
                Verdict::Refused => {
                    let events = attempt.events();
                    self.done(attempt, events, out);
                }
            },
        }
    }

    /// The receiver has it, but for `rejected` events.
    fn done(&mut self, attempt: Attempt, rejected: u32, out: &mut Vec<Action>) {
        let events = attempt.events();
        let rejected = rejected.min(events);
        self.counts.sent += events - rejected;
        self.drop_told(Reason::Rejected, rejected, out);
        if rejected > 0 {
            self.fail_waiters(out);
        }
        attempt.batches.iter().for_each(|batch| forget(batch, out));
        self.deferred_stale = true;
    }

    fn drop_told(&mut self, reason: Reason, events: u32, out: &mut Vec<Action>) {
        out.extend(self.drop_events(reason, events).map(Action::Tell));
    }

    fn failed(
        &mut self,
        attempt: Attempt,
        unreachable: bool,
        retry_after_ms: Option<f64>,
        now: Now,
        random: f64,
        out: &mut Vec<Action>,
    ) {
        // Requests that were under way together fail together: that is one failure. By number, not by time: a
        // clock may be as coarse as 100 ms.
        if attempt.number >= self.after_failure {
            self.failures += 1;
            self.unreachable = if unreachable { self.unreachable + 1 } else { 0 };
            self.after_failure = self.next_attempt;
            self.backoff_until_ms = now.mono_ms + backoff_ms(self.failures, random);
            if self.unreachable >= BREAKER_FAILURES && !self.is_blocked {
                self.is_blocked = true;
                self.blocked += 1;
                if self.blocked.is_power_of_two() {
                    out.push(Action::Tell(Notice::EndpointBlocked(self.blocked)));
                }
            }
        }
        self.is_cautious |= unreachable;
        if let Some(wait) = retry_after_ms {
            self.retry_after_until_ms = self.retry_after_until_ms.max(now.mono_ms + wait);
            // A floor, but no appointment: a fleet that is told one moment would come back at that moment. Spread
            // over as long again as it waits, it brings at most what it would have brought without the wait, on
            // top of the usual.
            let spread = now.mono_ms + wait * (1.0 + random);
            self.backoff_until_ms = self.backoff_until_ms.max(spread);
        }
        self.put_back(attempt);
        self.fail_waiters(out);
    }

    fn put_back(&mut self, attempt: Attempt) {
        self.deferred_stale = true;
        for mut batch in attempt.batches.into_iter().rev() {
            batch.tries += 1;
            self.queue.put_back(batch);
        }
    }

    /// 413: halve, down to one event, which is dropped.
    fn too_large(&mut self, attempt: Attempt, out: &mut Vec<Action>) {
        // What this receiver takes is less than a batch may be.
        self.splits = true;
        if attempt.batches.len() > 1 {
            // Each by itself next time.
            self.put_back(attempt);
            return;
        }
        for batch in attempt.batches {
            if batch.events <= 1 {
                forget(&batch, out);
                // There is room for another in the deferred request.
                self.deferred_stale = true;
                self.drop_told(Reason::TooLarge, batch.events, out);
                self.fail_waiters(out);
                continue;
            }
            let (id, copied) = (self.queue.take_id(), batch.stored != Stored::No);
            // Who waits for the batch waits for both halves; the second one's id is new.
            for waiter in self.waiters.iter_mut().filter(|waiter| batch.id < waiter.before) {
                waiter.before = waiter.before.max(id + 1);
            }
            for mut half in batch.halve(id).into_iter().flat_map(|(first, second)| [second, first]) {
                half.tries += 1;
                if copied {
                    persist(&mut half, false, out);
                }
                self.queue.put_back(half);
            }
        }
    }

    /// Halves, down to [`BEACON_MIN`]; then goes by keepalive fetch.
    fn beacon_refused(&mut self, mut attempt: Attempt, now: Now, out: &mut Vec<Action>) {
        if attempt.bytes() > BEACON_MIN && attempt.batches.len() > 1 {
            let batches = attempt.batches.split_off(attempt.batches.len() / 2);
            let second = Attempt { batches, ..attempt };
            self.send(attempt.batches, Via::Beacon, now, out);
            // Two requests have two frames.
            if self.keepalive_bytes() + second.bytes() + self.frame <= KEEPALIVE_BUDGET {
                self.send(second.batches, Via::Beacon, now, out);
            } else {
                self.put_back(second);
            }
        } else {
            self.send(attempt.batches, Via::Keepalive, now, out);
            // Chromium gives the budget back some time after an answer: what refused the beacon may refuse this.
            if let Some(attempt) = self.attempts.last_mut() {
                attempt.is_doubtful = true;
            }
            self.deferred_stale = true;
        }
    }

    /// Ends the tries that got no answer in time.
    fn expire(&mut self, now: Now, random: f64, out: &mut Vec<Action>) {
        while let Some(at) = self.attempts.iter().position(|attempt| attempt.deadline_ms <= now.mono_ms) {
            let attempt = self.attempts.swap_remove(at);
            if attempt.via != Via::Beacon {
                out.push(Action::Abort { attempt: attempt.number });
                self.failed(attempt, true, None, now, random, out);
            } else if self.rules.guarantee == Guarantee::AtLeastOnce {
                // A beacon never has an answer, so this is no failure; but nor is it delivery.
                self.put_back(attempt);
            } else {
                self.counts.unconfirmed += attempt.events();
                self.fail_waiters(out);
            }
        }
    }

    // ---- leaving and coming back

    /// The page is hidden, or leaves: all that the budget holds starts now, in this task; the rest goes to
    /// the store. Nothing is awaited.
    fn exit(&mut self, leaving: bool, now: Now, out: &mut Vec<Action>) {
        // A script may track between `pagehide` and the `visibilitychange` that browsers fire after it.
        let already = self.left;
        let leaving = leaving || already;
        let again = self.rules.guarantee == Guarantee::AtLeastOnce;
        self.queue.close();
        self.flush_at_ms = None;
        // What can wait until the beacon is gone and the rest is kept: Firefox ends the scripts of a tab that is
        // closed within milliseconds, in the middle of whatever they do.
        let mut last = Vec::new();
        if leaving && again {
            // A plain fetch dies with the page: once more, by something that does not.
            while let Some(at) = self.attempts.iter().position(|attempt| attempt.via == Via::Fetch) {
                let attempt = self.attempts.swap_remove(at);
                last.push(Action::Abort { attempt: attempt.number });
                self.put_back(attempt);
            }
        }
        if !self.offline && now.mono_ms >= self.gate(true) {
            let room = KEEPALIVE_BUDGET.saturating_sub(self.keepalive_bytes() + self.frame);
            let (mut body, mut bytes) = (Vec::new(), 0);
            // Since it left, another page may have taken over what is in the store.
            let ours = |batch: &Batch| again || !already || batch.stored == Stored::No;
            while !self.rules.pings || self.attempts.len() < PING_EXIT {
                let fitting = self.queue.take_if(|b| bytes + b.lines.len() <= room && ours(b));
                let Some(batch) = fitting else { break };
                if self.rules.pings {
                    self.send(Vec::from([batch]), Via::Keepalive, now, out);
                } else {
                    bytes += batch.lines.len();
                    body.push(batch);
                }
            }
            if !body.is_empty() {
                let via = if leaving && self.rules.beacon { Via::Beacon } else { Via::Keepalive };
                self.send(body, via, now, out);
            }
            // A hidden page often lives on: plain fetch for the rest. Where twice is once too often, only if
            // the page need not leave it to the store.
            if again || !leaving {
                self.pump(true, now, &mut last);
            }
        }
        self.left = leaving;
        // There may be no later moment: even a store that refused lately is asked once more.
        self.keep_all(now, out);
        out.append(&mut last);
        if leaving {
            self.release(out);
        }
        if self.rules.deferred {
            self.defer(leaving, out);
            self.deferred_stale = false;
        }
    }

    /// All to the store, and whoever opens next may have it.
    fn freeze(&mut self, now: Now, out: &mut Vec<Action>) {
        let already = core::mem::replace(&mut self.left, true);
        self.queue.close();
        self.flush_at_ms = None;
        self.keep_all(now, out);
        self.release(out);
        // After it left, the browser is about to send the deferred request.
        if self.rules.deferred && !already {
            self.defer(true, out);
            self.deferred_stale = false;
        }
    }

    /// Another page may have taken what we have copies of: forget those. What is still there, the store tells.
    fn disown(&mut self, out: &mut Vec<Action>) {
        self.lease_ms = None;
        let taken = self.queue.take_all(|batch| batch.stored != Stored::No);
        if !taken.is_empty() {
            self.fail_waiters(out);
        }
        for mut batch in taken {
            let (bytes, events) = batch.kept;
            self.counts.stored += events;
            // Lines that came in since the copy was made are only here.
            let rest = batch.lines.split_off(bytes.min(batch.lines.len()));
            if !rest.is_empty() {
                let rest = self.queue.batch(rest, batch.events - events);
                self.queue.put_back(rest);
            }
        }
    }

    // ---- the store

    fn drain(&self, out: &mut Vec<Action>) {
        if self.rules.store && !self.ends {
            out.push(Action::Drain);
        }
    }

    fn take_over(&mut self, found: Vec<Found>, now: Now, out: &mut Vec<Action>) {
        if self.left {
            return;
        }
        self.more_stored = false;
        let mut taken = false;
        // The newest is put back first, so that the oldest ends up in front. A batch is 16 KiB or so, and all of
        // them at most 1 MiB: too few for the 4 KB of the standard library's sort.
        let mut found = found;
        while let Some(Found { session, id, written_ms, lines, events, lease_ms }) = take_newest(&mut found) {
            let own = session == self.session;
            if own && self.holds(id) {
                continue;
            }
            // A lease that runs for longer than leases do was written before the clock was set back.
            let left = lease_ms.map(|until| until - now.wall_ms);
            let leased = left.filter(|left| (0.0..=LEASE_MS + CLOCK_SLACK_MS).contains(left));
            if let (false, Some(left)) = (own, leased) {
                let at = now.mono_ms + left + INSURANCE_MS;
                self.drain_at_ms = Some(self.drain_at_ms.map_or(at, |other| other.min(at)));
                continue;
            }
            if (now.wall_ms - written_ms).abs() > STORED_AGE_MAX_MS {
                self.come_back(own, events);
                self.drop_told(Reason::Expired, events, out);
                out.push(if own { Action::Forget { id } } else { Action::ForgetForeign { session, id } });
                continue;
            }
            if self.queue.bytes() + self.flying() + lines.len() > self.queue.limits().queue_bytes {
                // What does not fit where nothing else is never will.
                self.more_stored |= self.queue.bytes() + self.flying() > 0;
                continue;
            }
            self.come_back(own, events);
            let mut batch = self.queue.batch(lines, events);
            batch.tries = 1;
            batch.stored = Stored::Unsent;
            batch.kept = (batch.lines.len(), events);
            if own {
                batch.id = id;
            } else {
                out.push(Action::Adopt { session, id, new_id: batch.id, lines: batch.lines.clone() });
            }
            taken = true;
            self.queue.put_back(batch);
        }
        if taken {
            self.renew_lease(now, out);
        }
    }

    /// Events are in memory again: this page's own, or another's.
    fn come_back(&mut self, own: bool, events: u32) {
        if own {
            // After a clear of the site's data by hand, a stale copy may be larger than what we counted.
            self.counts.recovered += events.saturating_sub(self.counts.stored);
            self.counts.stored = self.counts.stored.saturating_sub(events);
        } else {
            self.counts.recovered += events;
        }
    }

    fn holds(&self, id: u32) -> bool {
        let mut flying = self.attempts.iter().flat_map(|attempt| &attempt.batches);
        self.queue.iter().any(|batch| batch.id == id) || flying.any(|batch| batch.id == id)
    }

    /// Brings the store up to date with memory. `mono_ms` is now; infinity overrides a pause.
    fn persist_all(&mut self, mono_ms: f64, out: &mut Vec<Action>) {
        if !self.rules.store || mono_ms < self.store_paused_until_ms {
            return;
        }
        // First what was not sent: of the rest most will arrive, kept or not.
        for batch in self.queue.iter_mut() {
            persist(batch, false, out);
        }
        if self.rules.guarantee == Guarantee::AtLeastOnce {
            for batch in self.attempts.iter_mut().flat_map(|attempt| &mut attempt.batches) {
                persist(batch, true, out);
            }
        }
    }

    /// The last moment there may be: claims, also where the claim is given up in the next moment, since that is
    /// what other pages notice.
    fn keep_all(&mut self, now: Now, out: &mut Vec<Action>) {
        if self.is_behind() || self.has_copies() {
            self.claim(now, out);
        }
        self.persist_all(f64::INFINITY, out);
    }

    fn store_failed(&mut self, id: u32, now: Now, out: &mut Vec<Action>) {
        let flying = self.attempts.iter_mut().flat_map(|attempt| &mut attempt.batches);
        for batch in self.queue.iter_mut().chain(flying).filter(|batch| batch.id == id) {
            batch.stored = Stored::No;
        }
        // An older copy is not what the batch is now; and nobody would remove it when the batch is done.
        out.push(Action::Forget { id });
        self.deferred_stale = true;
        // A full store refuses batch after batch: that is one failure.
        if now.mono_ms >= self.store_paused_until_ms {
            self.store_failures += 1;
            if self.store_failures.is_power_of_two() {
                out.push(Action::Tell(Notice::StoreUnavailable(self.store_failures)));
            }
        }
        self.store_paused_until_ms = now.mono_ms + STORE_PAUSE_MS;
    }

    fn renew_lease(&mut self, now: Now, out: &mut Vec<Action>) {
        if self.has_copies() {
            self.claim(now, out);
        } else {
            self.release(out);
        }
    }

    /// Comes before the first copy: tabs are processes, and one may look between two of our writes.
    fn claim(&mut self, now: Now, out: &mut Vec<Action>) {
        if self.rules.store {
            let until_ms = now.wall_ms + LEASE_MS;
            self.lease_ms = Some(until_ms);
            self.leased_at_ms = now.mono_ms;
            out.push(Action::Lease { until_ms });
        }
    }

    /// Whether others may have taken this page's claim for none: it ran out, or the wall clock was set back, so
    /// that it is longer than they believe.
    fn has_lapsed(&self, now: Now) -> bool {
        self.lease_ms.is_some_and(|until| {
            let should_be = until - LEASE_MS + (now.mono_ms - self.leased_at_ms);
            now.wall_ms > until || now.wall_ms < should_be - CLOCK_SLACK_MS / 2.0
        })
    }

    fn release(&mut self, out: &mut Vec<Action>) {
        if self.lease_ms.take().is_some() {
            out.push(Action::Release);
        }
    }

    fn has_copies(&self) -> bool {
        let mut flying = self.attempts.iter().flat_map(|attempt| &attempt.batches);
        self.queue.iter().any(|batch| batch.stored != Stored::No)
            || flying.any(|batch| batch.stored != Stored::No)
    }

    /// Whether something that may be kept has no exact copy.
    fn is_behind(&self) -> bool {
        let behind = |batch: &Batch| matches!(batch.stored, Stored::No | Stored::Stale);
        let mut flying = self.attempts.iter().flat_map(|attempt| &attempt.batches);
        self.queue.iter().any(behind) || self.rules.guarantee == Guarantee::AtLeastOnce && flying.any(behind)
    }

    // ---- insurance against a crash

    /// Whether there is anything to insure with.
    const fn insures(&self) -> bool {
        self.rules.store || self.rules.deferred
    }

    /// Whether copies in the store are needed now: where there is no deferred request, where it could not get
    /// through, and where it is too small.
    fn mirrors(&self) -> bool {
        self.rules.store
            && (!self.rules.deferred
                || self.offline
                || self.failures > 0
                || self.queue.bytes() + self.flying() > DEFERRED_MAX)
    }

    /// Renews copies, lease and deferred request, each when it is due.
    fn insure(&mut self, now: Now, out: &mut Vec<Action>) {
        if self.insure_at_ms.is_some_and(|at| at <= now.mono_ms) {
            self.insure_at_ms = None;
            if self.mirrors() && self.is_behind() && now.mono_ms >= self.store_paused_until_ms {
                if self.lease_ms.is_none() {
                    self.claim(now, out);
                }
                self.persist_all(now.mono_ms, out);
            }
            if self.rules.deferred && core::mem::take(&mut self.deferred_stale) {
                self.defer(false, out);
            }
        }
        match self.lease_ms {
            Some(until) if until - now.wall_ms > LEASE_MS - LEASE_RENEWAL_MS && self.has_copies() => {}
            None if !self.has_copies() => {}
            _ => self.renew_lease(now, out),
        }
    }

    /// Makes the deferred request anew: the oldest that fits. What is in flight when a page leaves is handed
    /// over and in the store, but for plain fetches, which die with the page, and for what took the place of a
    /// refused beacon; where there is no store, and while
    /// the page stays, all of it is insured too.
    fn defer(&mut self, leaving: bool, out: &mut Vec<Action>) {
        let kept = leaving && self.rules.store;
        let flying = self.attempts.iter();
        let flying = flying.filter(|attempt| !kept || attempt.via == Via::Fetch || attempt.is_doubtful);
        let flying = flying.flat_map(|attempt| &attempt.batches);
        let mut room = DEFERRED_MAX;
        let fitting = flying.chain(self.queue.iter()).take_while(|batch| {
            let fits = batch.lines.len() <= room;
            room = room.saturating_sub(batch.lines.len());
            fits
        });
        let lines = concat(fitting);
        if lines.is_empty() {
            self.uninsure(out);
        } else {
            self.has_deferred = true;
            out.push(Action::Insure { lines });
        }
    }

    fn uninsure(&mut self, out: &mut Vec<Action>) {
        if core::mem::take(&mut self.has_deferred) {
            out.push(Action::Uninsure);
        }
    }

    // ---- promises

    /// Answers those whose batches are all acknowledged.
    fn settle(&mut self, out: &mut Vec<Action>) {
        let flying = self.attempts.iter().flat_map(|attempt| &attempt.batches);
        let oldest = self.queue.iter().chain(flying).map(|batch| batch.id).min().unwrap_or(u32::MAX);
        self.answer_waiters(true, |waiter| waiter.before <= oldest, out);
    }

    /// Something failed or was refused: that is an answer for all who wait.
    fn fail_waiters(&mut self, out: &mut Vec<Action>) {
        self.answer_waiters(false, |_| true, out);
    }

    fn answer_waiters(&mut self, acknowledged: bool, ready: impl Fn(&Waiter) -> bool, out: &mut Vec<Action>) {
        let ends = &mut self.ends;
        self.waiters.retain(|waiter| {
            let done = ready(waiter);
            if done {
                *ends |= waiter.closes;
                out.push(Action::Settle { token: waiter.token, acknowledged });
            }
            !done
        });
    }

    // ---- the timer

    /// Arms the one timer for whatever comes next.
    fn plan(&mut self, now: Now, out: &mut Vec<Action>) {
        let mono_ms = now.mono_ms;
        if !self.queue.is_empty() && !self.queue.has_closed() && self.flush_at_ms.is_none() {
            self.flush_at_ms = Some(mono_ms + self.rules.flush_interval_ms);
        }
        let uninsured = self.rules.deferred && self.deferred_stale || self.mirrors() && self.is_behind();
        if uninsured && self.insure_at_ms.is_none() {
            self.insure_at_ms = Some((mono_ms + INSURANCE_MS).max(self.store_paused_until_ms));
        }
        let mut next = f64::INFINITY;
        if !self.left {
            if !self.offline && !self.queue.is_empty() {
                let window = self.window();
                if self.answerable() < window {
                    let ready = self.queue.has_closed() || self.failures > 0;
                    let due = if ready { mono_ms } else { self.flush_at_ms.unwrap_or(mono_ms) };
                    next = next.min(due.max(self.gate(false)));
                }
            }
            next = self.insure_at_ms.map_or(next, |at| next.min(at));
            if self.lease_ms.is_some() {
                next = next.min(mono_ms + LEASE_RENEWAL_MS);
            }
        }
        next = self.drain_at_ms.map_or(next, |at| next.min(at));
        next = self.attempts.iter().map(|attempt| attempt.deadline_ms).fold(next, f64::min);
        if next == f64::INFINITY {
            if core::mem::take(&mut self.armed_ms).is_some() {
                out.push(Action::Disarm);
            }
        } else if self.armed_ms.is_none_or(|armed| next < armed || armed + TIMER_LATE_MS < mono_ms) {
            self.armed_ms = Some(next);
            out.push(Action::Arm { after_ms: (next - mono_ms).max(0.0) });
        }
    }
}

/// Takes out what was written last.
fn take_newest(found: &mut Vec<Found>) -> Option<Found> {
    let newest = found.iter().map(|batch| batch.written_ms).fold(f64::NEG_INFINITY, f64::max);
    let at = found.iter().position(|batch| batch.written_ms >= newest)?;
    Some(found.swap_remove(at))
}

/// Removes a batch's copy, if it has one.
fn forget(batch: &Batch, out: &mut Vec<Action>) {
    if batch.stored != Stored::No {
        out.push(Action::Forget { id: batch.id });
    }
}

/// Brings a batch's copy up to date.
fn persist(batch: &mut Batch, sent: bool, out: &mut Vec<Action>) {
    let wanted = if sent { Stored::Sent } else { Stored::Unsent };
    if batch.stored != wanted {
        batch.stored = wanted;
        batch.kept = (batch.lines.len(), batch.events);
        out.push(Action::Persist { id: batch.id, sent, lines: batch.lines.clone() });
    }
}

fn concat<'a>(batches: impl Iterator<Item = &'a Batch>) -> Vec<u8> {
    // Whole slices: byte by byte, this was most of what a flush cost.
    batches.fold(Vec::new(), |mut lines, batch| {
        lines.extend_from_slice(&batch.lines);
        lines
    })
}
