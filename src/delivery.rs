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
use crate::queue::{Batch, Limits, Queue, Refusal};
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
/// what encoding a thousand events does (measured: bench/RESULTS.md), so that a backlog leaves in few: with a bound of
/// 256 KiB ten thousand events took 3 % more of its time, with 512 KiB some 10 % less. Three quarters of what the relays in
/// examples/pipelines take. Not where it may have to be sent once only: all of it would be lost with the page; nor once a try got no answer,
/// since on a slow line it may be too much for [`ATTEMPT_TIMEOUT_MS`].
pub const REQUEST_MAX: usize = 384 * 1024;

/// Requests in flight at a time while all goes well; one after a failure. The largest two together fit through a line of
/// 1 Mbit/s before they time out; and what waits behind two goes into the third.
pub const WINDOW: usize = 2;

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
    /// A no was taken back, and no yes given: hold, as before the first answer.
    Asked,
    /// Somebody cleared the site's data under this page: what had copies, and a claim, has none. What was kept and is not
    /// in memory is gone, and stays counted as stored.
    Cleared,
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
///
/// What of it has to be allocated, the machine keeps [beside it](Delivery::carried), and has `()` in its place: so an
/// action is sixteen bytes that are copied. With texts and lines in it, moves and drops were 0.4 KB of the module.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Action<Name = String, Lines = Vec<u8>> {
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
        lines: Lines,
    },
    /// Remove this page's batch `id` from the store.
    Forget {
        /// The batch's id.
        id: u32,
    },
    /// Remove another page's batch from the store.
    ForgetForeign {
        /// The page that wrote it.
        session: Name,
        /// Its id there.
        id: u32,
    },
    /// Another page's batch is this page's from now on: keep the lines under this page's session and
    /// `new_id`, then remove the other's. Takes no more room than before, so no limit but the browser's own;
    /// where even that is refused, remove the other's all the same and answer [`Input::StoreFailed`]: the
    /// events are in memory, and two copies would be two owners. The time of the first writing stays.
    Adopt {
        /// The page that wrote it.
        session: Name,
        /// Its id there.
        id: u32,
        /// Its id here.
        new_id: u32,
        /// The lines.
        lines: Lines,
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
        lines: Lines,
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

/// What the machine holds of an [`Action`].
pub type Step = Action<(), ()>;

/// What is to be done, in order.
#[derive(Debug)]
struct Steps {
    steps: Vec<Step>,
    /// What they carry: of each that has them its name, then its lines.
    carried: Vec<Vec<u8>>,
}

impl Steps {
    /// Not inlined: a call is smaller.
    #[inline(never)]
    fn push(&mut self, step: Step) {
        self.steps.push(step);
    }

    /// What the step to be pushed next carries.
    #[inline(never)]
    fn carry(&mut self, bytes: Vec<u8>) {
        self.carried.push(bytes);
    }
}

impl Counts {
    const NONE: Self = Self {
        captured: 0,
        recovered: 0,
        queued: 0,
        bytes: 0,
        in_flight: 0,
        sent: 0,
        unconfirmed: 0,
        stored: 0,
        retried: 0,
        dropped: [0; 8],
    };
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

/// A request in flight. Its batches bear its number.
#[derive(Debug, Clone, Copy)]
struct Attempt {
    number: u32,
    via: Via,
    /// Bytes of its lines.
    bytes: usize,
    /// Monotonic.
    deadline_ms: f64,
    /// It takes the place of a beacon that was refused, so that it may be as well.
    is_doubtful: bool,
}

/// Someone waits for all batches before `before` to be acknowledged.
#[derive(Debug)]
struct Waiter {
    token: u32,
    before: u32,
    closes: bool,
}

/// In place of a moment: what is not armed.
const NEVER: f64 = f64::INFINITY;

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
    /// All that is in memory: what waits, and what is in flight.
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
    /// Monotonic, or [`NEVER`]: when the open batch leaves, when copies are renewed, when the store is looked into
    /// again, when the timer fires.
    flush_at_ms: f64,
    insure_at_ms: f64,
    drain_at_ms: f64,
    armed_ms: f64,
    /// What is full was seen since the last task of our own: until then, one more full batch is no news.
    is_awake: bool,
    /// Something changed since the deferred request was made.
    deferred_stale: bool,
    has_deferred: bool,
    /// Until when we claim our copies, in Unix ms; NaN where we do not, which is neither before nor after any time.
    lease_ms: f64,
    /// When we claimed them, monotonic.
    leased_at_ms: f64,
    store_paused_until_ms: f64,
    store_failures: u32,
    /// What was found in the store, and did not fit into memory.
    more_stored: bool,
    /// Of the input that is being handled: its time, its chance, and what is to be done.
    now: Now,
    random: f64,
    out: Steps,
}

impl Delivery {
    /// One that is yet to be told its [rules](Self::begin).
    pub const BLANK: Self = Self {
        rules: Rules {
            limits: Limits { batch_events: 0, batch_bytes: 0, queue_bytes: 0 },
            flush_interval_ms: 0.0,
            guarantee: Guarantee::AtMostOnce,
            store: false,
            deferred: false,
            beacon: false,
            pings: false,
            sampled_out: false,
        },
        session: String::new(),
        frame: 0,
        mode: Mode::Pending,
        stopped: false,
        ends: false,
        queue: Queue::new(Limits { batch_events: 0, batch_bytes: 0, queue_bytes: 0 }),
        attempts: Vec::new(),
        next_attempt: 1,
        waiters: Vec::new(),
        counts: Counts::NONE,
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
        flush_at_ms: NEVER,
        insure_at_ms: NEVER,
        drain_at_ms: NEVER,
        armed_ms: NEVER,
        is_awake: false,
        deferred_stale: false,
        has_deferred: false,
        lease_ms: f64::NAN,
        leased_at_ms: 0.0,
        store_paused_until_ms: f64::NEG_INFINITY,
        store_failures: 0,
        more_stored: false,
        now: Now { mono_ms: 0.0, wall_ms: 0.0 },
        random: 0.0,
        out: Steps { steps: Vec::new(), carried: Vec::new() },
    };

    /// A machine that waits for [`Input::Granted`]. `session` is this page's.
    pub fn new(rules: Rules, session: String) -> Self {
        let mut machine = Self::BLANK;
        machine.begin(rules, session);
        machine
    }

    /// Tells a blank machine its rules. The edge has it where it stays: to make it and hand it on were copies of each
    /// field.
    pub fn begin(&mut self, rules: Rules, session: String) {
        self.rules = rules;
        self.rules.deferred &= rules.guarantee == Guarantee::AtLeastOnce && !rules.pings;
        self.rules.beacon &= !rules.pings;
        self.queue.limits = rules.limits;
        self.session = session;
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
        let mut counts = self.counts;
        for batch in &self.queue.batches {
            *if batch.attempt == 0 { &mut counts.queued } else { &mut counts.in_flight } += batch.events;
        }
        counts.bytes = self.queue.bytes;
        counts
    }

    /// The bytes of an attempt's body: its lines. None where there is no such attempt.
    pub fn body(&self, attempt: u32) -> Vec<u8> {
        let bytes = self.attempts.iter().find(|one| one.number == attempt).map_or(0, |one| one.bytes);
        let mut body = Vec::with_capacity(bytes);
        for batch in &self.queue.batches {
            if batch.attempt == attempt && attempt != 0 {
                // Whole slices: byte by byte, this was most of what a flush cost.
                body.extend_from_slice(&batch.lines);
            }
        }
        body
    }

    /// The lines that wait in memory, batch by batch, first to leave first: what is held and not in flight, for
    /// whoever wants to check the counts against it.
    pub fn waiting(&self) -> impl Iterator<Item = &[u8]> {
        let waiting = self.queue.batches.iter().filter(|batch| batch.attempt == 0);
        waiting.map(|batch| batch.lines.as_slice())
    }

    /// Bytes of keepalive and beacon bodies in flight; never more than [`KEEPALIVE_BUDGET`].
    pub fn keepalive_bytes(&self) -> usize {
        let mut bytes = 0;
        for attempt in &self.attempts {
            if attempt.via != Via::Fetch && !self.rules.pings {
                bytes += attempt.bytes + self.frame;
            }
        }
        bytes
    }

    /// Bytes of lines for which one more body has room in so much of the budget.
    fn room(&self, budget: usize) -> usize {
        budget.saturating_sub(self.keepalive_bytes() + self.frame)
    }

    /// Whether sending twice does no harm.
    fn again(&self) -> bool {
        self.rules.guarantee == Guarantee::AtLeastOnce
    }

    /// Takes an encoded event, `\n` included. This is the hot path: it copies the line and does nothing else.
    /// `urgent` ones leave before all others.
    pub fn capture(&mut self, line: &[u8], urgent: bool) -> Captured {
        let reason = if self.rules.sampled_out {
            Reason::Sampled
        } else if self.mode == Mode::Stopped {
            Reason::Rejected
        } else if !self.collects() {
            return Captured::Off;
        } else {
            match self.queue.push(line, urgent) {
                Err(Refusal::QueueFull) => Reason::QueueFull,
                Err(Refusal::TooLarge) => Reason::TooLarge,
                Ok(closed) => {
                    self.counts.captured += 1;
                    self.deferred_stale = true;
                    // Once a timer is armed for the flush and one for the copies, there is nothing to do until then;
                    // but a full batch need not wait, and on a page that leaves nothing may.
                    let idle = self.flush_at_ms == NEVER
                        || self.insure_at_ms == NEVER && (self.rules.store || self.rules.deferred);
                    return if self.mode == Mode::On && (closed && !self.is_awake || idle || self.left) {
                        Captured::Wake
                    } else {
                        Captured::Quiet
                    };
                }
            }
        };
        self.refuse(reason)
    }

    /// Counts an event that got no further than the edge: it was invalid, or `beforeSend` dropped it.
    pub fn refuse(&mut self, reason: Reason) -> Captured {
        if !self.collects() {
            return Captured::Off;
        }
        self.counts.captured += 1;
        let count = self.drop_events(reason, 1);
        // The host page knows of the others: it did them, or was told with the field's name.
        let tells = count > 0 && matches!(reason, Reason::QueueFull | Reason::TooLarge);
        Captured::Refused(tells.then_some(Notice::Dropped(reason, count)))
    }

    const fn collects(&self) -> bool {
        !matches!(self.mode, Mode::Off | Mode::Closed)
    }

    /// Counts what is dropped. How many that are by now, where they passed a power of two: then it is told.
    fn drop_events(&mut self, reason: Reason, events: u32) -> u32 {
        let Some(counter) = self.counts.dropped.get_mut(reason as usize) else { return 0 };
        let before = *counter;
        *counter += events;
        if before.leading_zeros() == counter.leading_zeros() { 0 } else { *counter }
    }

    fn drop_told(&mut self, reason: Reason, events: u32) {
        let count = self.drop_events(reason, events);
        if count > 0 {
            self.out.push(Action::Tell(Notice::Dropped(reason, count)));
        }
    }

    /// Takes an input and returns what is to be done, in order. `random` is in 0..1.
    pub fn handle(&mut self, input: Input, now: Now, random: f64) -> Vec<Action> {
        self.take(input, now, random);
        core::iter::from_fn(|| self.whole()).collect()
    }

    /// The next step, with what it carries.
    fn whole(&mut self) -> Option<Action> {
        Some(match self.step()? {
            Action::Send { attempt, via } => Action::Send { attempt, via },
            Action::Abort { attempt } => Action::Abort { attempt },
            Action::Arm { after_ms } => Action::Arm { after_ms },
            Action::Disarm => Action::Disarm,
            Action::Persist { id, sent, .. } => Action::Persist { id, sent, lines: self.carried() },
            Action::Forget { id } => Action::Forget { id },
            Action::ForgetForeign { id, .. } => Action::ForgetForeign { session: self.name(), id },
            Action::Adopt { id, new_id, .. } => {
                Action::Adopt { session: self.name(), id, new_id, lines: self.carried() }
            }
            Action::Lease { until_ms } => Action::Lease { until_ms },
            Action::Release => Action::Release,
            Action::Drain => Action::Drain,
            Action::Insure { .. } => Action::Insure { lines: self.carried() },
            Action::Uninsure => Action::Uninsure,
            Action::Purge => Action::Purge,
            Action::Settle { token, acknowledged } => Action::Settle { token, acknowledged },
            Action::Tell(notice) => Action::Tell(notice),
        })
    }

    fn name(&mut self) -> String {
        String::from_utf8(self.carried()).unwrap_or_default()
    }

    /// What is to be done next.
    pub fn step(&mut self) -> Option<Step> {
        let step = *self.out.steps.first()?;
        self.out.steps.remove(0);
        Some(step)
    }

    /// What the step that was just taken carries: its name first, then its lines. To be asked for each once.
    pub fn carried(&mut self) -> Vec<u8> {
        if self.out.carried.is_empty() { Vec::new() } else { self.out.carried.remove(0) }
    }

    /// Takes an input: [`step`](Self::step) then says what is to be done. `random` is in 0..1.
    pub fn take(&mut self, mut input: Input, now: Now, random: f64) {
        (self.now, self.random) = (now, random);
        // Where the page is, and whether there is a network, is remembered in every mode: consent may come later.
        match input {
            Input::Offline => self.offline = true,
            Input::Online => self.offline = false,
            Input::Leaving if self.mode != Mode::On => self.left = true,
            Input::Frozen => self.is_frozen = true,
            Input::Returned => {
                self.offline = false;
                self.left = false;
                self.is_frozen = false;
            }
            _ => {}
        }
        match input {
            Input::Granted => self.grant(),
            Input::Denied => self.deny(),
            Input::Asked if self.mode == Mode::Off && !self.stopped => self.mode = Mode::Pending,
            _ if self.mode == Mode::On => {
                self.work(&mut input);
                if self.ends && self.mode == Mode::On {
                    self.close();
                }
            }
            // A machine that may not work does nothing else.
            Input::Flush { token } | Input::Close { token } => {
                let acknowledged = self.queue.batches.is_empty();
                if matches!(input, Input::Close { .. }) {
                    self.close();
                }
                self.out.push(Action::Settle { token, acknowledged });
            }
            _ => {}
        }
        if self.mode == Mode::On {
            self.plan();
        }
    }

    fn work(&mut self, input: &mut Input) {
        let mut hurry = false;
        // Before anything can take away what it waits for.
        if let Input::Flush { token } | Input::Close { token } = *input {
            hurry = true;
            self.queue.open = 0;
            let closes = matches!(input, Input::Close { .. });
            self.waiters.push(Waiter { token, before: self.queue.next_id, closes });
        }
        if matches!(input, Input::Cleared) {
            // Another page may have taken it before: then it is not ours to send again, where that does harm.
            if self.has_lapsed() && !self.again() {
                self.disown();
            }
            self.lease_ms = f64::NAN;
            for batch in &mut self.queue.batches {
                batch.kept_bytes = 0;
            }
        }
        if self.has_lapsed() && !matches!(input, Input::Returned) {
            self.disown();
            // What the lock has just shown is enough.
            if !matches!(input, Input::Drained(_)) {
                self.drain();
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
            self.expire();
            if self.ends {
                return;
            }
        }
        self.is_awake = false;
        match input {
            Input::Wake => {
                self.is_awake = self.queue.has_closed();
                // Within a call of the host page: what is due leaves in a task of its own, unless there is none.
                if self.is_frozen || self.left && self.queue.first() != 0 {
                    self.exit(true);
                }
                return;
            }
            Input::Tick => self.armed_ms = NEVER,
            Input::Answer { attempt, outcome } => self.answer(*attempt, outcome),
            // Gone already, and nothing new came since: what was handed over then is not to be taken back.
            Input::Hidden if self.left && self.queue.first() == 0 => {}
            Input::Hidden => self.exit(false),
            Input::Leaving | Input::Frozen => self.exit(true),
            Input::Returned => {
                // Their answers, if any, wait in the task queue; their clock stood still.
                for attempt in &mut self.attempts {
                    attempt.deadline_ms = self.now.mono_ms + ATTEMPT_TIMEOUT_MS;
                }
                // The browser may have sent the deferred request while the page slept.
                self.deferred_stale = true;
                self.disown();
                self.drain();
            }
            Input::Shown | Input::Noticed => self.drain(),
            Input::Online => {
                self.backoff_until_ms = f64::NEG_INFINITY;
                self.drain();
            }
            Input::Drained(found) => self.take_over(found),
            Input::StoreFailed { id } => self.store_failed(*id),
            Input::DeferredFailed => {
                self.rules.deferred = false;
                self.has_deferred = false;
                // What it should have held is a second old already.
                self.insure_at_ms = self.now.mono_ms;
            }
            Input::Flush { .. }
            | Input::Close { .. }
            | Input::Cleared
            | Input::Asked
            | Input::Offline
            | Input::Granted
            | Input::Denied => {}
        }
        // The end, or 410: nothing is sent after that.
        if self.ends || self.mode != Mode::On {
            return;
        }
        self.expire();
        // Before anything else is sent: this may be what `shutdown()` waits for.
        self.settle();
        if self.ends {
            return;
        }
        if self.drain_at_ms <= self.now.mono_ms {
            self.drain_at_ms = NEVER;
            self.drain();
        }
        if self.left {
            // What came back to a page that left has no later moment to be kept in.
            self.persist_all(false);
            // But a frozen page's deferred request is the browser's now.
            if self.deferred_stale && !self.is_frozen {
                self.defer(true);
            }
        } else {
            if self.more_stored && self.queue.batches.is_empty() {
                self.more_stored = false;
                self.drain();
            }
            self.pump(hurry);
        }
        // Nothing is under way, so nothing will be acknowledged soon: offline, blocked, or told to wait.
        if self.attempts.is_empty() {
            self.fail_waiters();
        }
        if !self.ends && !self.left {
            self.insure();
        }
    }

    // ---- consent

    fn grant(&mut self) {
        if matches!(self.mode, Mode::Pending | Mode::Off) {
            self.mode = if self.stopped { Mode::Stopped } else { Mode::On };
        }
        if self.mode == Mode::On {
            self.drain();
        }
    }

    fn deny(&mut self) {
        self.abandon(Reason::OptedOut);
        let stored = core::mem::take(&mut self.counts.stored);
        self.drop_events(Reason::OptedOut, stored);
        self.has_deferred = false;
        self.lease_ms = f64::NAN;
        self.drain_at_ms = NEVER;
        self.more_stored = false;
        self.mode = if self.ends { Mode::Closed } else { Mode::Off };
        self.out.push(Action::Purge);
    }

    /// Drops all that is in memory, ends all that is under way, and answers all who wait.
    fn abandon(&mut self, reason: Reason) {
        let events = self.finish(0);
        self.drop_events(reason, events);
        for attempt in &self.attempts {
            self.out.push(Action::Abort { attempt: attempt.number });
        }
        self.attempts.clear();
        self.answer_waiters(events == 0, u32::MAX);
        self.flush_at_ms = NEVER;
        self.insure_at_ms = NEVER;
        self.disarm();
    }

    /// The receiver said 410.
    fn stop(&mut self) {
        self.abandon(Reason::Rejected);
        self.release();
        self.uninsure();
        self.stopped = true;
        self.mode = if self.ends { Mode::Closed } else { Mode::Stopped };
        self.out.push(Action::Tell(Notice::Stopped));
    }

    /// `shutdown()` is done, or there is nothing it could do.
    fn close(&mut self) {
        self.ends = true;
        if self.mode == Mode::Pending {
            self.abandon(Reason::OptedOut);
        }
        if self.mode == Mode::On {
            self.persist_all(true);
            self.release();
            if self.rules.store {
                self.uninsure();
            } else {
                // There is no other place for what is left.
                self.defer(false);
            }
        }
        self.disarm();
        self.mode = Mode::Closed;
    }

    // ---- sending

    /// Sends what is due. `hurry`: do not wait for a batch to fill, nor for the backoff.
    fn pump(&mut self, hurry: bool) {
        if !self.may_send(hurry) {
            return;
        }
        // Whether a request may be larger than a batch: see `REQUEST_MAX`.
        let merges = self.again() && !(self.rules.pings || self.is_cautious || self.splits);
        // What is still open goes along with what is full, where one request holds both: each costs the page more
        // than the few events that could have waited.
        let along = merges && self.queue.has_closed();
        if hurry || along || self.failures > 0 || self.flush_at_ms <= self.now.mono_ms {
            self.close_batch();
        }
        // What a request takes along behind its first batch, if they fit into it together. Each failed try closes a
        // batch, and so does each page that left: a fleet that comes back after an outage with a request for each of
        // them would be an outage of its own.
        let Limits { batch_events, batch_bytes, .. } = self.queue.limits;
        let (bytes, events) = match merges {
            true => (REQUEST_MAX, u32::MAX),
            false if self.splits => (0, 0),
            false => (batch_bytes, batch_events),
        };
        while self.answerable() < self.window() {
            let loaded = self.load(0, bytes, events, true);
            if loaded == 0 {
                break;
            }
            let fits = loaded <= self.room(KEEPALIVE_SHARE_VISIBLE);
            self.launch(loaded, if fits { Via::Keepalive } else { Via::Fetch }, false);
            // To hand one over takes two milliseconds or three: the next goes in a task of its own.
            if loaded > batch_bytes {
                break;
            }
        }
    }

    /// What is open takes no more lines, and may leave.
    const fn close_batch(&mut self) {
        self.queue.open = 0;
        self.flush_at_ms = NEVER;
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

    fn may_send(&self, hurry: bool) -> bool {
        !self.offline && self.now.mono_ms >= self.gate(hurry)
    }

    /// Monotonic: before this, nothing is sent.
    fn gate(&self, hurry: bool) -> f64 {
        let (floor, backoff) = (self.retry_after_until_ms, self.backoff_until_ms);
        if hurry && !self.is_blocked || backoff < floor { floor } else { backoff }
    }

    /// Loads the next attempt with batches of attempt `from` (0: with those that wait): the first, and what follows
    /// it, as long as they are no more than so many bytes and events. `any_first`: the first one whatever it is.
    /// Says how many bytes that are; unless it is none, [`launch`](Self::launch) comes next.
    fn load(&mut self, from: u32, most_bytes: usize, most_events: u32, any_first: bool) -> usize {
        let again = self.again();
        let (mut bytes, mut events) = (0, 0);
        for batch in &mut self.queue.batches {
            if batch.attempt != from {
                continue;
            }
            let (all_bytes, all_events) = (bytes + batch.lines.len(), events + batch.events);
            let fits = all_bytes <= most_bytes && all_events <= most_events || any_first && bytes == 0;
            // Since the page left, another one may have taken over what is in the store.
            let ours = again || !self.left || !batch.has_copy();
            if !fits || !ours || batch.id == self.queue.open {
                break;
            }
            (bytes, events) = (all_bytes, all_events);
            batch.attempt = self.next_attempt;
            if batch.was_tried {
                self.counts.retried += batch.events;
            }
            // What may be sent only once must not be found in the store once it is sent.
            if !again {
                forget(batch, &mut self.out);
            }
        }
        bytes
    }

    /// Sends what is loaded.
    fn launch(&mut self, bytes: usize, via: Via, is_doubtful: bool) {
        let number = self.next_attempt;
        self.next_attempt += 1;
        let deadline_ms = self.now.mono_ms + ATTEMPT_TIMEOUT_MS;
        self.attempts.push(Attempt { number, via, bytes, deadline_ms, is_doubtful });
        self.out.push(Action::Send { attempt: number, via });
    }

    fn answer(&mut self, number: u32, outcome: &Outcome) {
        let Some(attempt) = self.end(number) else { return };
        let (status, wait_ms, rejected) = match *outcome {
            Outcome::BeaconRefused => return self.beacon_refused(attempt),
            Outcome::Unreachable => return self.failed(number, true, f64::NAN),
            Outcome::Answered { status, retry_after_ms, rejected } => {
                (status, retry_after_ms.unwrap_or(f64::NAN), rejected)
            }
        };
        // Whatever it says: nobody blocks the endpoint.
        self.unreachable = 0;
        self.is_blocked = false;
        let verdict = retry::verdict(status);
        if verdict == Verdict::Later {
            return self.failed(number, false, wait_ms);
        }
        self.failures = 0;
        self.backoff_until_ms = f64::NEG_INFINITY;
        match verdict {
            Verdict::TooLarge => self.too_large(attempt),
            Verdict::Gone => self.stop(),
            Verdict::Refused => self.done(number, u32::MAX),
            Verdict::Done | Verdict::Later => self.done(number, rejected),
        }
    }

    /// The request is no longer in flight; its batches are yet to be seen to. `None` where it never was: aborted, or
    /// from before an opt-out.
    fn end(&mut self, number: u32) -> Option<Attempt> {
        let at = self.attempts.iter().position(|attempt| attempt.number == number)?;
        Some(self.attempts.swap_remove(at))
    }

    /// The receiver has it, but for `rejected` events.
    fn done(&mut self, number: u32, rejected: u32) {
        let events = self.finish(number);
        let rejected = rejected.min(events);
        self.counts.sent += events - rejected;
        self.drop_told(Reason::Rejected, rejected);
        if rejected > 0 {
            self.fail_waiters();
        }
    }

    /// The batches of an attempt, or all of them where that is 0, are done with: they and their copies go. Says how
    /// many events they were.
    fn finish(&mut self, number: u32) -> u32 {
        let mut events = 0;
        for batch in &mut self.queue.batches {
            if number == 0 || batch.attempt == number {
                events += batch.events;
                forget(batch, &mut self.out);
                batch.lines.clear();
            }
        }
        self.queue.sweep();
        // There is room for others in the deferred request.
        self.deferred_stale = true;
        events
    }

    /// A try failed. `wait_ms` is what the receiver asked for; NaN, which is later than nothing, where it did not.
    fn failed(&mut self, number: u32, unreachable: bool, wait_ms: f64) {
        let Now { mono_ms, .. } = self.now;
        // Requests that were under way together fail together: that is one failure. By number, not by time: a
        // clock may be as coarse as 100 ms.
        if number >= self.after_failure {
            self.failures += 1;
            self.unreachable = if unreachable { self.unreachable + 1 } else { 0 };
            self.after_failure = self.next_attempt;
            self.backoff_until_ms = mono_ms + backoff_ms(self.failures, self.random);
            if self.unreachable >= BREAKER_FAILURES && !self.is_blocked {
                self.is_blocked = true;
                self.blocked += 1;
                if self.blocked.is_power_of_two() {
                    self.out.push(Action::Tell(Notice::EndpointBlocked(self.blocked)));
                }
            }
        }
        self.is_cautious |= unreachable;
        if mono_ms + wait_ms > self.retry_after_until_ms {
            self.retry_after_until_ms = mono_ms + wait_ms;
        }
        // A floor, but no appointment: a fleet that is told one moment would come back at that moment. Spread
        // over as long again as it waits, it brings at most what it would have brought without the wait, on
        // top of the usual.
        let spread_ms = mono_ms + wait_ms * (1.0 + self.random);
        if spread_ms > self.backoff_until_ms {
            self.backoff_until_ms = spread_ms;
        }
        self.put_back(number);
        self.fail_waiters();
    }

    /// The batches of an attempt wait again, in their old places.
    fn put_back(&mut self, number: u32) {
        self.deferred_stale = true;
        for batch in &mut self.queue.batches {
            if batch.attempt == number {
                batch.attempt = 0;
                batch.was_tried = true;
            }
        }
    }

    /// 413: halve, down to one event, which is dropped.
    fn too_large(&mut self, Attempt { number, bytes, .. }: Attempt) {
        // What this receiver takes is less than a batch may be: each by itself next time.
        self.splits = true;
        let mut batches = self.queue.batches.iter_mut().enumerate();
        let alone = batches.find(|(_, batch)| batch.attempt == number && batch.lines.len() == bytes);
        let Some((at, batch)) = alone else { return self.put_back(number) };
        let Some((lines, events)) = batch.halve() else {
            let events = self.finish(number);
            self.drop_told(Reason::TooLarge, events);
            return self.fail_waiters();
        };
        let (id, copied) = (batch.id, batch.has_copy());
        self.queue.bytes -= lines.len();
        let mut second = self.queue.batch(lines, events);
        second.attempt = number;
        self.queue.insert(at + 1, second);
        // Who waits for the batch waits for both halves; the second one's id is new.
        for waiter in &mut self.waiters {
            if id < waiter.before {
                waiter.before = self.queue.next_id;
            }
        }
        if copied {
            // The second first: where a crash comes between them, the whole is still there.
            for half in self.queue.batches.iter_mut().rev() {
                if half.attempt == number {
                    persist(half, false, &mut self.out);
                }
            }
        }
        self.put_back(number);
    }

    /// Halves, down to [`BEACON_MIN`]; then goes by keepalive fetch.
    fn beacon_refused(&mut self, refused: Attempt) {
        let half = if refused.bytes > BEACON_MIN { refused.bytes / 2 } else { refused.bytes };
        let first = self.load(refused.number, half, u32::MAX, true);
        let second = refused.bytes - first;
        if second == 0 {
            // Chromium gives the budget back some time after an answer: what refused the beacon may refuse this.
            self.launch(first, Via::Keepalive, true);
            self.deferred_stale = true;
            return;
        }
        self.launch(first, Via::Beacon, false);
        // Two requests have two frames.
        if second <= self.room(KEEPALIVE_BUDGET) {
            self.load(refused.number, second, u32::MAX, true);
            self.launch(second, Via::Beacon, false);
        } else {
            self.put_back(refused.number);
        }
    }

    /// Ends the tries that got no answer in time.
    fn expire(&mut self) {
        while let Some(late) = self.attempts.iter().find(|attempt| attempt.deadline_ms <= self.now.mono_ms) {
            let Attempt { number, via, .. } = *late;
            self.end(number);
            if via != Via::Beacon {
                self.out.push(Action::Abort { attempt: number });
                self.failed(number, true, f64::NAN);
            } else if self.again() {
                // A beacon never has an answer, so this is no failure; but nor is it delivery.
                self.put_back(number);
            } else {
                self.counts.unconfirmed += self.finish(number);
                self.fail_waiters();
            }
        }
    }

    // ---- leaving and coming back

    /// The page is hidden, or leaves: all that the budget holds starts now, in this task; the rest goes to
    /// the store. Nothing is awaited. A frozen page starts nothing: all goes to the store, and whoever opens next
    /// may have it.
    fn exit(&mut self, leaving: bool) {
        // A script may track between `pagehide` and the `visibilitychange` that browsers fire after it.
        let already = self.left;
        let leaving = leaving || already;
        self.close_batch();
        // What can wait until the beacon is gone and the rest is kept: Firefox ends the scripts of a tab that is
        // closed within milliseconds, in the middle of whatever they do.
        let mut last = Vec::new();
        if leaving && self.again() && !self.is_frozen {
            // A plain fetch dies with the page: once more, by something that does not.
            while let Some(plain) = self.attempts.iter().find(|attempt| attempt.via == Via::Fetch) {
                let number = plain.number;
                self.end(number);
                self.put_back(number);
                last.push(Action::Abort { attempt: number });
            }
        }
        if !self.is_frozen && self.may_send(true) {
            let via = if leaving && self.rules.beacon { Via::Beacon } else { Via::Keepalive };
            let requests = if self.rules.pings { PING_EXIT } else { usize::MAX };
            while self.attempts.len() < requests {
                let mut most = self.room(KEEPALIVE_BUDGET);
                // Each batch by itself, where the receiver takes no more: nobody would hear of another 413.
                if self.rules.pings || self.splits {
                    let first = self.queue.batches.iter().find(|batch| batch.attempt == 0);
                    let alone = first.map_or(0, |batch| batch.lines.len());
                    most = if alone > most { 0 } else { alone };
                }
                let loaded = self.load(0, most, u32::MAX, false);
                if loaded == 0 {
                    break;
                }
                self.launch(loaded, via, false);
            }
            // A hidden page often lives on: plain fetch for the rest. Where twice is once too often, only if
            // the page need not leave it to the store.
            if self.again() || !leaving {
                // It carries nothing.
                core::mem::swap(&mut self.out.steps, &mut last);
                self.pump(true);
                core::mem::swap(&mut self.out.steps, &mut last);
            }
        }
        self.left = leaving;
        // There may be no later moment: even a store that refused lately is asked once more. Claims, also where the
        // claim is given up in the next moment, since that is what other pages notice.
        if self.is_behind() || self.has_copies() {
            self.claim();
        }
        self.persist_all(true);
        self.out.steps.append(&mut last);
        if leaving {
            self.release();
        }
        // After a frozen page left, the browser is about to send the deferred request.
        if !(self.is_frozen && already) {
            self.defer(leaving);
        }
    }

    /// Another page may have taken what we have copies of: forget those. What is still there, the store tells.
    fn disown(&mut self) {
        self.lease_ms = f64::NAN;
        let mut id = self.queue.next_id;
        for batch in &mut self.queue.batches {
            if batch.attempt == 0 && batch.has_copy() {
                self.counts.stored += batch.kept_events;
                // Lines that came in since the copy was made are only here: they are a batch of their own.
                batch.lines = batch.lines.get(batch.kept_bytes..).unwrap_or_default().to_vec();
                batch.events -= batch.kept_events;
                batch.was_tried = false;
                batch.kept_bytes = 0;
                batch.id = id;
                id += 1;
            }
        }
        if id != self.queue.next_id {
            self.queue.next_id = id;
            self.queue.sweep();
            self.fail_waiters();
        }
    }

    // ---- the store

    fn drain(&mut self) {
        if self.rules.store && !self.ends {
            self.out.push(Action::Drain);
        }
    }

    fn take_over(&mut self, mut found: &mut [Found]) {
        if self.left {
            return;
        }
        self.more_stored = false;
        let Now { mono_ms, wall_ms } = self.now;
        let mut taken = false;
        // The newest is put in front first, so that the oldest ends up there. A batch is 16 KiB or so, and all of
        // them at most 1 MiB: too few for the 4 KB of the standard library's sort.
        while let Some((batch, rest)) = split_newest(found) {
            found = rest;
            let Found { id, events, written_ms, .. } = *batch;
            let own = batch.session == self.session;
            if own && self.queue.batches.iter().any(|other| other.id == id) {
                continue;
            }
            // A lease that runs for longer than leases do was written before the clock was set back.
            let left = batch.lease_ms.unwrap_or(f64::NAN) - wall_ms;
            if !own && (0.0..=LEASE_MS + CLOCK_SLACK_MS).contains(&left) {
                let at = mono_ms + left + INSURANCE_MS;
                if at < self.drain_at_ms {
                    self.drain_at_ms = at;
                }
                continue;
            }
            let expired = (wall_ms - written_ms).abs() > STORED_AGE_MAX_MS;
            if !expired && self.queue.bytes + batch.lines.len() > self.queue.limits.queue_bytes {
                // What does not fit where nothing else is never will.
                self.more_stored |= self.queue.bytes > 0;
                continue;
            }
            // Events are in memory again: this page's own, or another's. After a clear of the site's data by hand, a
            // stale copy of our own may be larger than what we counted.
            let counted = if own { events.min(self.counts.stored) } else { 0 };
            self.counts.stored -= counted;
            self.counts.recovered += events - counted;
            if !own {
                self.out.carry(core::mem::take(&mut batch.session).into_bytes());
            }
            if expired {
                self.drop_told(Reason::Expired, events);
                self.out.push(if own {
                    Action::Forget { id }
                } else {
                    Action::ForgetForeign { session: (), id }
                });
                continue;
            }
            taken = true;
            let mut batch = self.queue.batch(core::mem::take(&mut batch.lines), events);
            batch.was_tried = true;
            batch.kept_bytes = batch.lines.len();
            batch.kept_events = events;
            if own {
                batch.id = id;
            } else {
                self.out.carry(batch.lines.clone());
                self.out.push(Action::Adopt { session: (), id, new_id: batch.id, lines: () });
            }
            self.queue.insert(0, batch);
        }
        if taken {
            self.claim();
        }
    }

    /// Brings the store up to date with memory. Where this may be the `last` time, a pause is none.
    fn persist_all(&mut self, last: bool) {
        if !self.rules.store || !last && self.now.mono_ms < self.store_paused_until_ms {
            return;
        }
        // First what was not sent: of the rest most will arrive, kept or not. Where it may be sent only once, what
        // is in flight is not kept at all.
        self.persist_those(false);
        if self.again() {
            self.persist_those(true);
        }
    }

    fn persist_those(&mut self, sent: bool) {
        for batch in &mut self.queue.batches {
            if (batch.attempt != 0) == sent {
                persist(batch, sent, &mut self.out);
            }
        }
    }

    fn store_failed(&mut self, id: u32) {
        for batch in &mut self.queue.batches {
            if batch.id == id {
                batch.kept_bytes = 0;
            }
        }
        // An older copy is not what the batch is now; and nobody would remove it when the batch is done.
        self.out.push(Action::Forget { id });
        self.deferred_stale = true;
        // A full store refuses batch after batch: that is one failure.
        if self.now.mono_ms >= self.store_paused_until_ms {
            self.store_failures += 1;
            if self.store_failures.is_power_of_two() {
                self.out.push(Action::Tell(Notice::StoreUnavailable(self.store_failures)));
            }
        }
        self.store_paused_until_ms = self.now.mono_ms + STORE_PAUSE_MS;
    }

    /// Comes before the first copy: tabs are processes, and one may look between two of our writes.
    fn claim(&mut self) {
        if self.rules.store {
            let until_ms = self.now.wall_ms + LEASE_MS;
            self.lease_ms = until_ms;
            self.leased_at_ms = self.now.mono_ms;
            self.out.push(Action::Lease { until_ms });
        }
    }

    /// Whether others may have taken this page's claim for none: it ran out, or the wall clock was set back, so
    /// that it is longer than they believe.
    fn has_lapsed(&self) -> bool {
        let Now { mono_ms, wall_ms } = self.now;
        let should_be = self.lease_ms - LEASE_MS + (mono_ms - self.leased_at_ms);
        wall_ms > self.lease_ms || wall_ms < should_be - CLOCK_SLACK_MS / 2.0
    }

    fn release(&mut self) {
        if !self.lease_ms.is_nan() {
            self.lease_ms = f64::NAN;
            self.out.push(Action::Release);
        }
    }

    fn has_copies(&self) -> bool {
        self.queue.batches.iter().any(Batch::has_copy)
    }

    /// Whether something that may be kept has no exact copy.
    fn is_behind(&self) -> bool {
        let again = self.again();
        self.queue.batches.iter().any(|batch| batch.is_behind() && (again || batch.attempt == 0))
    }

    // ---- insurance against a crash

    /// Whether copies in the store are needed now: where there is no deferred request, where it could not get
    /// through, and where it is too small, or larger than the receiver takes.
    const fn mirrors(&self) -> bool {
        let is_enough = self.rules.deferred && !self.offline && self.failures == 0 && !self.splits;
        self.rules.store && (!is_enough || self.queue.bytes > DEFERRED_MAX)
    }

    /// Renews copies, lease and deferred request, each when it is due.
    fn insure(&mut self) {
        let Now { mono_ms, wall_ms } = self.now;
        if self.insure_at_ms <= mono_ms {
            self.insure_at_ms = NEVER;
            if self.mirrors() && self.is_behind() && mono_ms >= self.store_paused_until_ms {
                if self.lease_ms.is_nan() {
                    self.claim();
                }
                self.persist_all(false);
            }
            if self.deferred_stale {
                self.defer(false);
            }
        }
        if !self.has_copies() {
            self.release();
        } else if self.lease_ms.is_nan() || self.lease_ms - wall_ms <= LEASE_MS - LEASE_RENEWAL_MS {
            self.claim();
        }
    }

    /// Makes the deferred request anew, where there is one: the oldest that fits. What is in flight when a page
    /// leaves is handed over and in the store, but for plain fetches, which die with the page, and for what took the
    /// place of a refused beacon; where there is no store, and while the page stays, all of it is insured too.
    fn defer(&mut self, leaving: bool) {
        if !self.rules.deferred {
            return;
        }
        self.deferred_stale = false;
        let mut lines = Vec::new();
        for batch in &self.queue.batches {
            let outlives = |attempt: &Attempt| {
                attempt.number == batch.attempt && attempt.via != Via::Fetch && !attempt.is_doubtful
            };
            if leaving && self.rules.store && self.attempts.iter().any(outlives) {
                continue;
            }
            if lines.len() + batch.lines.len() > DEFERRED_MAX {
                break;
            }
            lines.extend_from_slice(&batch.lines);
        }
        if lines.is_empty() {
            self.uninsure();
        } else {
            self.has_deferred = true;
            self.out.carry(lines);
            self.out.push(Action::Insure { lines: () });
        }
    }

    fn uninsure(&mut self) {
        if core::mem::take(&mut self.has_deferred) {
            self.out.push(Action::Uninsure);
        }
    }

    // ---- promises

    /// Answers those whose batches are all acknowledged.
    fn settle(&mut self) {
        if self.waiters.is_empty() {
            return;
        }
        let mut oldest = u32::MAX;
        for batch in &self.queue.batches {
            oldest = oldest.min(batch.id);
        }
        self.answer_waiters(true, oldest);
    }

    /// Something failed or was refused: that is an answer for all who wait.
    fn fail_waiters(&mut self) {
        self.answer_waiters(false, u32::MAX);
    }

    /// Answers those who wait for nothing from `oldest` on.
    fn answer_waiters(&mut self, acknowledged: bool, oldest: u32) {
        let mut at = 0;
        while let Some(&Waiter { token, before, closes }) = self.waiters.get(at) {
            if before > oldest {
                at += 1;
            } else {
                self.waiters.remove(at);
                self.ends |= closes;
                self.out.push(Action::Settle { token, acknowledged });
            }
        }
    }

    // ---- the timer

    /// Arms the one timer for whatever comes next.
    fn plan(&mut self) {
        let Now { mono_ms, .. } = self.now;
        let waits = self.queue.first() != 0;
        let is_full = self.queue.has_closed();
        if waits && !is_full && self.flush_at_ms == NEVER {
            self.flush_at_ms = mono_ms + self.rules.flush_interval_ms;
        }
        if self.insure_at_ms == NEVER {
            let soon = mono_ms + INSURANCE_MS;
            if self.rules.deferred && self.deferred_stale {
                self.insure_at_ms = soon;
            } else if self.mirrors() && self.is_behind() {
                self.insure_at_ms = later(soon, self.store_paused_until_ms);
            }
        }
        let mut next = self.drain_at_ms;
        let mut soonest = |at: f64| next = if at < next { at } else { next };
        for attempt in &self.attempts {
            soonest(attempt.deadline_ms);
        }
        if !self.left {
            if waits && !self.offline && self.answerable() < self.window() {
                let is_due = is_full || self.failures > 0 || self.flush_at_ms == NEVER;
                soonest(later(if is_due { mono_ms } else { self.flush_at_ms }, self.gate(false)));
            }
            soonest(self.insure_at_ms);
            if !self.lease_ms.is_nan() {
                soonest(mono_ms + LEASE_RENEWAL_MS);
            }
        }
        if next == NEVER {
            self.disarm();
        } else if next < self.armed_ms || self.armed_ms + TIMER_LATE_MS < mono_ms {
            self.armed_ms = next;
            self.out.push(Action::Arm { after_ms: later(next - mono_ms, 0.0) });
        }
    }

    fn disarm(&mut self) {
        if self.armed_ms != NEVER {
            self.armed_ms = NEVER;
            self.out.push(Action::Disarm);
        }
    }
}

/// The later of two moments. `f64::max` has to treat NaN, and is a call.
fn later(one: f64, other: f64) -> f64 {
    if one > other { one } else { other }
}

/// Takes out what was written last: it, and the rest.
fn split_newest(found: &mut [Found]) -> Option<(&mut Found, &mut [Found])> {
    let (mut newest, mut written_ms) = (0, f64::NEG_INFINITY);
    for (at, batch) in found.iter().enumerate() {
        if batch.written_ms > written_ms {
            (newest, written_ms) = (at, batch.written_ms);
        }
    }
    let last = found.len().checked_sub(1)?;
    found.swap(newest, last);
    found.split_last_mut()
}

/// Removes a batch's copy, if it has one.
fn forget(batch: &mut Batch, out: &mut Steps) {
    if batch.has_copy() {
        batch.kept_bytes = 0;
        out.push(Action::Forget { id: batch.id });
    }
}

/// Brings a batch's copy up to date.
fn persist(batch: &mut Batch, sent: bool, out: &mut Steps) {
    if batch.is_behind() || batch.kept_as_sent != sent {
        batch.kept_bytes = batch.lines.len();
        batch.kept_events = batch.events;
        batch.kept_as_sent = sent;
        out.carry(batch.lines.clone());
        out.push(Action::Persist { id: batch.id, sent, lines: () });
    }
}
