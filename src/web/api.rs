//! What JavaScript sees: functions of which none throws. Numbers and flags come in typed, so that an
//! event crosses the border without an object being read property by property.

use alloc::borrow::ToOwned;
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use core::cell::{Cell, RefCell, UnsafeCell};
use core::{mem, slice};

use wasm_bindgen::prelude::*;

use super::lifecycle::{self, HIDDEN, IS_CLAIM, IS_OPT_OUT, IS_THERE, Listening, RESTORED, WAS_THERE};
use super::navigator::{
    self, DEFERS, DNT, GPC, IS_LOOPBACK, IS_OWN, LOCKS, OFFLINE, OPTED_OUT, PRERENDERING, says,
};
use super::transport::{DEFERRED, DEFERRED_ATTEMPT};
use super::{
    Ask, Host, Signal, into_text, lend, monotonic_ms, options, random, received, store, text, wall_ms,
};
use crate::config::{Config, ErrorMessages, Given, Guarantee};
use crate::consent::{self, Choice, Consent, Signals};
use crate::delivery::{
    Action, Captured, Delivery, Input, Mode, Notice, Now, Outcome, Reason, Rules, Step, Via,
};
use crate::error::Error;
use crate::event::{self, Component, Event, Origin, Playground, Run, Shutdown, Version};
use crate::queue::Limits;
use crate::redact;
use crate::retry::retry_after_ms;
use crate::wire::Encoder;

/// Numbers that an event crosses as: see [`track`].
type Record = [f64; 4];

/// Events that cross in one call: 16 KB of them. Behind each call the batches are looked through once.
const RECORDS_MAX: usize = 512;

/// Bytes of a text that crosses: of a message 4,096 characters are read, and one takes up to three bytes.
const TEXT_BYTES: usize = 3 * 4_096;

/// Names that are known at a time, and messages. A flow has some ten kinds of component; a table that is full begins anew,
/// which costs each text in it one more look.
const TEXTS_MAX: usize = 64;

/// Why it is off, as the shell knows it; from the last on are consent's reasons.
const SAMPLED: u32 = 1;
const SHUT_DOWN: u32 = 2;
const DENIED: u32 = 3;

/// Codes of diagnostics as the shell knows them, behind the reasons of drops.
const ENDPOINT_BLOCKED: u32 = 8;
const STOPPED: u32 = 9;
const STORE_UNAVAILABLE: u32 = 10;

/// How often stands above the code, which has room for so many.
const CODES_ROOM: f64 = 16.0;

/// What arms no timer, in ms.
const NEVER: f64 = -1.0;

/// Longest wait that `setTimeout` takes, in ms: 2^31 − 1. Beyond it browsers fire at once.
const TIMEOUT_MAX_MS: f64 = 2_147_483_647.0;

/// The pages' clients, by their number, which the shell gives: the first is 1, and 0 is none.
///
/// They stay for as long as the document: what drops one could only be told by JavaScript's collector, which never gets
/// to a client that listens; and that code, with the class that it takes, has its weight too. A client that was shut down
/// has let go of its events, timers and listeners; what is left of it is less than 2 KB.
struct Pages(RefCell<Vec<Option<&'static Page>>>);

// SAFETY: the module has no threads: its memory is not shared, so nobody else can come in.
unsafe impl Sync for Pages {}

static PAGES: Pages = Pages(RefCell::new(Vec::new()));

fn page(client: usize) -> Option<&'static Page> {
    PAGES.0.borrow().get(client).copied().flatten()
}

#[derive(Debug)]
struct Page {
    host: Host,
    config: Config,
    /// Most bytes in a batch.
    batch_bytes: usize,
    delivery: RefCell<Delivery>,
    encoder: RefCell<Encoder>,
    /// The number of the next event.
    seq: Cell<u64>,
    /// What the format says of the app and the machine beside the events. It comes from the Version event as
    /// `beforeSend` left it, so that nothing travels that was taken out there.
    frame: RefCell<Vec<u8>>,
    /// Where events are encoded, kept so that its memory is.
    line: RefCell<Vec<u8>>,
    /// Names of components, and messages, as they travel: see [`learn`]. Two tables, since an event may have one of each,
    /// and a message that begins its table anew must not take the name away.
    names: RefCell<Vec<String>>,
    messages: RefCell<Vec<String>>,
    /// Absolute.
    endpoint: String,
    /// The Version event waits for client hints.
    awaits_hints: Cell<bool>,
    /// Our claim is in the store, unless somebody cleared it.
    has_claim: Cell<bool>,
    has_version: Cell<bool>,
    has_shutdown: Cell<bool>,
    /// The browser has said that the page goes, and not all is done yet that is done then.
    is_leaving: Cell<bool>,
    /// Monotonic, in ms.
    life_began: Cell<f64>,
    chosen: Cell<Option<Choice>>,
    sampled_out: bool,
    /// Steps are being executed. A host function may call back in meanwhile; what that leads to queues up in the
    /// machine, so that all are executed in the order in which they were decided.
    is_executing: Cell<bool>,
}

/// Where the shell writes events, and the texts of events.
#[repr(C)]
struct Inbox {
    records: [Record; RECORDS_MAX],
    text: [u8; TEXT_BYTES],
}

struct Shared(UnsafeCell<Inbox>);

// SAFETY: as above. The shell writes before it calls `track` or `learn`, which have read it before they call JavaScript.
unsafe impl Sync for Shared {}

static INBOX: Shared =
    Shared(UnsafeCell::new(Inbox { records: [[0.0; 4]; RECORDS_MAX], text: [0; TEXT_BYTES] }));

/// Lends the inbox. Asked for again whenever the module's memory has grown, by which what was lent is lost; what was
/// written there is not.
#[wasm_bindgen]
pub fn inbox() {
    let inbox = INBOX.0.get().cast();
    // SAFETY: nothing in here looks at it meanwhile; it is plain numbers, of which any bytes are some.
    lend(unsafe { slice::from_raw_parts_mut(inbox, size_of::<Inbox>()) });
}

/// Makes the client of this number, of the options that its host was given: false where they were bad, which is told.
/// `session` is the length of the text that is waiting: the page load's random name.
#[wasm_bindgen]
pub fn open(client: u32, session: i32) -> bool {
    // Where it stays from the beginning: see `Page::blank`. One whose options were bad is less than 1 KB that is lost.
    let page = Box::leak(Box::new(const { Page::blank() }));
    page.host = Host(client);
    match page.set_up(received(session).unwrap_or_default()) {
        Ok(()) => {
            let pages = &mut *PAGES.0.borrow_mut();
            // Not in the order of their numbers: whoever is used first is opened first.
            while pages.len() <= client as usize {
                pages.push(None);
            }
            if let Some(place) = pages.get_mut(client as usize) {
                *place = Some(page);
            }
            true
        }
        Err(error) => {
            page.host.refuse(1, &error);
            false
        }
    }
}

/// A callback of the browser: see `web/mod.rs`. `text` is the length of the text that is waiting, if one is.
#[wasm_bindgen]
pub fn hear(client: usize, signal: usize, number: u32, text: i32) {
    if let (Some(page), Some(signal)) = (page(client), Signal::ALL.get(signal)) {
        page.hear(*signal, number, received(text));
    }
}

/// What became of the request `attempt`: its status, 0 where there was no answer; how many ms it asks to wait, NaN where it
/// does not; how many events it says it refused, NaN or 0 where none.
#[wasm_bindgen]
pub fn answer(client: usize, attempt: u32, status: u32, wait_ms: f64, rejected: f64) {
    if let Some(page) = page(client) {
        // A page that patched `fetch` may hand over what it likes.
        let outcome = match u16::try_from(status) {
            Ok(status) if status > 0 => {
                let retry_after_ms = retry_after_ms(wait_ms);
                Outcome::Answered { status, retry_after_ms, rejected: rejected as u32 }
            }
            _ => Outcome::Unreachable,
        };
        page.drive(Input::Answer { attempt, outcome });
    }
}

/// Learns the text in the inbox, so many bytes long: what is to travel of a component's name, or of a message. Returns its
/// number; 0 where nothing is to. With 1 all names known before, or all messages, are forgotten.
///
/// A page that runs flows says the same names and the same errors over and over: each is checked, and scrubbed, once.
#[wasm_bindgen]
pub fn learn(client: usize, is_name: bool, length: usize) -> usize {
    // SAFETY: nobody writes to it while we look; the shell wrote ASCII, or what a TextEncoder made: UTF-8.
    let given = text(unsafe { &*INBOX.0.get() }.text.get(..length).unwrap_or_default());
    page(client).map_or(0, |page| page.learn(given, is_name))
}

/// The first so many events in the inbox. Each is four numbers: what it is, when it ended in Unix ms, its seconds, and
/// its count, NaN for an event without one and negative where it is no number. What it is, in bits from the lowest on:
/// two are its place in [`KINDS`], two a [`flag`] for its success, two for "triggered by a webhook", from the eighth and
/// from the sixteenth on are the numbers of its name and its message, as [`learn`] gave them.
#[wasm_bindgen]
pub fn track(client: usize, count: usize) {
    if let Some(page) = page(client) {
        // SAFETY: nobody writes to it while we look: until all of them are captured, nothing calls JavaScript.
        let inbox = unsafe { &*INBOX.0.get() };
        page.track(inbox.records.get(..count).unwrap_or_default());
    }
}

/// What is running: the app's own facts, as `beforeSend` left them; the host has them under their names. Read one
/// by one: it is one event a page load.
#[wasm_bindgen]
pub fn version(client: usize, time_ms: f64) {
    if let Some(page) = page(client) {
        page.version(time_ms);
    }
}

/// Whatever else the shell asks for: its place in [`COMMANDS`]. `settle` answers with `token`, where there is an
/// answer. Returns how many events there were that were refused for the same reason, where one was; 0 otherwise.
#[wasm_bindgen]
pub fn command(client: usize, command: usize, token: u32) -> u32 {
    if let (Some(page), Some(command)) = (page(client), COMMANDS.get(command)) {
        match command {
            Command::Start => page.reconsider(),
            Command::Flush => {
                if page.config.format.is_ping() {
                    // What is to leave now says what is known now.
                    page.introduce("");
                }
                page.drive(Input::Flush { token });
            }
            Command::Close => {
                page.say_goodbye();
                page.drive(Input::Close { token });
            }
            Command::Choose(choice) => page.choose(*choice),
            Command::Refuse(reason) => return page.refuse(*reason),
        }
    }
    0
}

/// A part of the snapshot: the state (0 off, 1 pending, 2 on, 3 stopped), then the counters in the order of `stats()` in
/// the shell, the drop reasons last. Building the object in here costs ten times as much.
#[wasm_bindgen]
pub fn stat(client: usize, which: usize) -> u32 {
    page(client).and_then(|page| page.stat(which)).unwrap_or_default()
}

/// Kinds of event, in the order that the shell knows.
const KINDS: [Kind; 4] = [Kind::Run, Kind::Playground, Kind::Component, Kind::Shutdown];

#[derive(Debug)]
enum Kind {
    Run,
    Playground,
    Component,
    Shutdown,
}

/// What the shell may ask for, in the order that it knows.
const COMMANDS: [Command; 8] = [
    // Not in the constructor: events of our own come back through the shell, which has to know us by then.
    Command::Start,
    Command::Flush,
    // Shutdown event, flush, the end.
    Command::Close,
    Command::Choose(Choice::Out),
    Command::Choose(Choice::In),
    // Events that the shell did not hand over.
    Command::Refuse(Reason::Invalid),
    Command::Refuse(Reason::BeforeSend),
    Command::Refuse(Reason::QueueFull),
];

#[derive(Debug)]
enum Command {
    Start,
    Flush,
    Close,
    Choose(Choice),
    Refuse(Reason),
}

/// Swaps the texts of an event with those that were learned, so that none is copied: before the event is captured, and
/// back behind it.
fn lend_texts(event: &mut Event, what: u32, names: &mut [String], messages: &mut [String]) {
    if let Event::Component(component) = event
        && let Some(name) = names.get_mut((what as usize >> 8 & 0xff).wrapping_sub(1))
    {
        mem::swap(&mut component.name, name);
    }
    if let Some(message) = messages.get_mut((what as usize >> 16).wrapping_sub(1))
        && let Some(place) = event.message()
    {
        mem::swap(place.get_or_insert_default(), message);
    }
}

/// Two bits: 1, 0, or anything else for unknown.
const fn flag(given: u32) -> Option<bool> {
    match given & 3 {
        0 => Some(false),
        1 => Some(true),
        _ => None,
    }
}

/// What is known of the app and the machine before the Version event.
static UNKNOWN: Version = Version {
    package: None,
    version: None,
    platform: None,
    python: None,
    arch: None,
    auto_login: None,
    cache_type: None,
    backend_only: None,
};

impl Page {
    /// A page that is yet to be set up: a part of the module's data, of which most is zero. To make each part, hand it on
    /// and put it in its place were 1.5 KB of loads and stores.
    const fn blank() -> Self {
        Self {
            host: Host(0),
            config: Config::DEFAULT,
            batch_bytes: 0,
            delivery: RefCell::new(Delivery::BLANK),
            encoder: RefCell::new(Encoder::BLANK),
            seq: Cell::new(0),
            frame: RefCell::new(Vec::new()),
            line: RefCell::new(Vec::new()),
            names: RefCell::new(Vec::new()),
            messages: RefCell::new(Vec::new()),
            endpoint: String::new(),
            awaits_hints: Cell::new(false),
            has_claim: Cell::new(false),
            has_version: Cell::new(false),
            has_shutdown: Cell::new(false),
            is_leaving: Cell::new(false),
            life_began: Cell::new(0.0),
            chosen: Cell::new(None),
            sampled_out: false,
            is_executing: Cell::new(false),
        }
    }

    fn set_up(&mut self, session: String) -> Result<(), Error> {
        let host = self.host;
        options::read(host, &mut self.config)?;
        let is_ping = self.config.format.is_ping();
        self.endpoint = host
            .text_of(Ask::Resolve, f64::from(is_ping), &self.config.endpoint)
            .ok_or(Error::option("endpoint", "an http(s) URL, since this page has no origin of its own"))?;
        let config = &self.config;
        let (batch_events, batch_bytes) = config.batch(&self.endpoint);
        self.batch_bytes = batch_bytes;
        store::name(host, &self.endpoint, config.format, &session);
        self.sampled_out = config.sample_rate < 1.0 && random() >= config.sample_rate;
        let guarantee = config.guarantee();
        let again = guarantee == Guarantee::AtLeastOnce;
        let origin = Origin {
            session: session.clone(),
            seq: 0,
            time: 0,
            client_type: config.client_type.clone(),
            sample_rate: (config.sample_rate < 1.0).then_some(config.sample_rate),
        };
        *self.encoder.get_mut() = Encoder::new(config.format, origin);
        let signals = navigator::signals(host);
        let rules = Rules {
            limits: Limits { batch_events, batch_bytes, queue_bytes: config.max_queue_bytes },
            flush_interval_ms: config.flush_interval_ms,
            guarantee,
            // Two tabs without a lock may send the same batch: only where that does no harm.
            store: config.persist && !config.dry_run && !self.sampled_out && (again || signals & LOCKS != 0),
            deferred: again && !config.dry_run && signals & DEFERS != 0,
            beacon: signals & IS_OWN != 0 && !is_ping,
            pings: is_ping,
            sampled_out: self.sampled_out,
        };
        self.delivery.get_mut().begin(rules, session);
        Ok(())
    }

    // ---- consent

    /// Asked at the start, at every choice, and again whenever something is about to be sent.
    fn consent(&self) -> Consent {
        let signals = navigator::signals(self.host);
        let remembered = if signals & OPTED_OUT != 0 { Some(Choice::Out) } else { None };
        consent::decide(Signals {
            do_not_track: false,
            honor_browser: self.config.honor_browser_signals,
            gpc: signals & GPC != 0,
            dnt: signals & DNT != 0,
            asked: self.config.consent,
            chosen: remembered.or(self.chosen.get()),
        })
    }

    fn choose(&self, choice: Choice) {
        // The shell has remembered it, for the next visit.
        match (self.mode(), choice) {
            (Mode::Closed, Choice::In) => {}
            (Mode::Closed, Choice::Out) => self.host.told(Ask::Purge, ""),
            _ => {
                self.chosen.set(Some(choice));
                self.reconsider();
            }
        }
    }

    fn reconsider(&self) {
        if self.mode() == Mode::Closed {
            return;
        }
        let consent = self.consent();
        match consent {
            Consent::Granted if self.sampled_out => self.because(SAMPLED),
            Consent::Granted if !says(self.host, PRERENDERING) => self.begin(),
            Consent::Denied(reason) => self.end(reason),
            _ => {
                // Also where it was off: a no that was taken back.
                self.because(0);
                self.drive(Input::Asked);
                if consent == Consent::Granted {
                    lifecycle::listen(self.host, Listening::Prerender);
                }
            }
        }
    }

    fn begin(&self) {
        if !matches!(self.mode(), Mode::Pending | Mode::Off) {
            return;
        }
        self.because(0);
        lifecycle::listen(self.host, Listening::Page);
        // Nobody listened while it was off: of a network that went then, or a page that left, it may have heard the one
        // half only.
        self.drive(Input::Returned);
        self.life_began.set(monotonic_ms());
        let introduces = !self.has_version.get();
        if introduces {
            self.reframe(&UNKNOWN);
        }
        // A ping says what is running: until that is known, it is as if there were no network.
        let waits = introduces && self.config.format.is_ping();
        if waits || self.is_offline() {
            self.drive(Input::Offline);
        }
        self.drive(Input::Granted);
        if self.mode() == Mode::Stopped {
            return self.quiet();
        }
        if introduces {
            self.awaits_hints.set(true);
            if !self.host.does(Ask::Hints, navigator::HINTS_WAIT_MS) {
                self.introduce("");
            }
        }
    }

    fn is_offline(&self) -> bool {
        navigator::signals(self.host) & (OFFLINE | IS_LOOPBACK) == OFFLINE
    }

    /// Says why it is off; 0 where it is not.
    fn because(&self, reason: u32) {
        self.host.does(Ask::Because, f64::from(reason));
    }

    fn end(&self, reason: consent::Reason) {
        self.because(DENIED + reason as u32);
        self.drive(Input::Denied);
        self.quiet();
    }

    /// No listener, no timer.
    fn quiet(&self) {
        lifecycle::listen(self.host, Listening::Nothing);
        self.arm(NEVER);
        self.host.told(Ask::EndHints, "");
        self.awaits_hints.set(false);
    }

    fn arm(&self, after_ms: f64) {
        self.host.does(Ask::Arm, after_ms);
    }

    fn abort(&self, attempt: u32) {
        self.host.does(Ask::Abort, f64::from(attempt));
    }

    fn mode(&self) -> Mode {
        self.delivery.borrow().mode()
    }

    // ---- events

    fn learn(&self, given: &str, is_name: bool) -> usize {
        let (known, learned) = if is_name {
            let name = redact::component_name(given, self.config.component_names.as_deref());
            (&self.names, name.to_owned())
        } else {
            match self.config.error_messages {
                ErrorMessages::Scrubbed if !given.is_empty() => {
                    (&self.messages, into_text(redact::scrub(given)))
                }
                _ => return 0,
            }
        };
        let known = &mut *known.borrow_mut();
        if known.len() >= TEXTS_MAX {
            known.clear();
        }
        known.push(learned);
        known.len()
    }

    fn track(&self, records: &[Record]) {
        let mut wakes = false;
        let mut notice = None;
        let mut refused = None;
        let mut texts = (self.names.borrow_mut(), self.messages.borrow_mut());
        for record in records {
            match self.admit(record, &mut texts.0, &mut texts.1) {
                Ok(Captured::Wake) => wakes = true,
                Ok(Captured::Refused(Some(told))) => notice = Some(told),
                Ok(Captured::Refused(None) | Captured::Quiet | Captured::Off) => {}
                Err(error) => refused = Some(error),
            }
        }
        drop(texts);
        // Only now: whoever is told of it may track, and that is written where the records are.
        if wakes {
            self.settle(Captured::Wake);
        }
        self.settle(Captured::Refused(notice));
        if let Some(error) = refused {
            self.refuse_invalid(&error);
        }
    }

    fn admit(
        &self,
        record: &Record,
        names: &mut [String],
        messages: &mut [String],
    ) -> Result<Captured, Error> {
        let [what, time_ms, seconds, count] = *record;
        let what = what as u32;
        let outcome = event::Outcome { seconds, success: flag(what >> 2) };
        let mut event = match KINDS.get(what as usize & 3) {
            Some(Kind::Run) => Event::Run(Run::new(flag(what >> 4), outcome)?),
            Some(Kind::Playground) => {
                Event::Playground(Playground::new((!count.is_nan()).then_some(count), outcome)?)
            }
            Some(Kind::Component) => Event::Component(Component::new(String::new(), outcome)?),
            _ => Event::Shutdown(Shutdown::new(seconds)?),
        };
        lend_texts(&mut event, what, names, messages);
        let captured = self.capture(&event, time_ms);
        lend_texts(&mut event, what, names, messages);
        Ok(captured)
    }

    /// Read one by one from the host, which has them under their names: it is one event a page load.
    fn version(&self, time_ms: f64) {
        let mut refused = None;
        let mut text = |name| match options::given(self.host, name) {
            Given::Text(text) => Some(text),
            Given::Absent => None,
            _ => {
                refused = Some(Error::event(name, "a string"));
                None
            }
        };
        let flag = |name| match options::given(self.host, name) {
            Given::Bool(flag) => Some(flag),
            _ => None,
        };
        let facts = Version {
            package: text("package"),
            version: text("version"),
            platform: text("platform"),
            python: text("python"),
            arch: text("arch"),
            auto_login: flag("autoLogin"),
            cache_type: text("cacheType"),
            backend_only: flag("backendOnly"),
        };
        let checked = match refused {
            Some(error) => Err(error),
            None => facts.check(),
        };
        match checked {
            Ok(facts) => {
                self.reframe(&facts);
                self.settle(self.capture(&Event::Version(facts), time_ms));
            }
            Err(error) => self.refuse_invalid(&error),
        }
    }

    fn capture(&self, event: &Event, time_ms: f64) -> Captured {
        let line = &mut *self.line.borrow_mut();
        line.clear();
        let seq = self.seq.get();
        self.encoder.borrow_mut().encode(event, seq, time_ms as u64, self.batch_bytes, line);
        let captured = self.delivery.borrow_mut().capture(line, matches!(event, Event::Shutdown(_)));
        // A refused event has no number: a gap in `seq` means a loss, and nothing else.
        if matches!(captured, Captured::Quiet | Captured::Wake) {
            self.seq.set(seq + 1);
        }
        captured
    }

    fn settle(&self, captured: Captured) {
        match captured {
            Captured::Wake => self.drive(Input::Wake),
            Captured::Refused(Some(notice)) => self.tell(notice),
            Captured::Refused(None) | Captured::Quiet | Captured::Off => {}
        }
    }

    fn refuse_invalid(&self, error: &Error) {
        let count = self.refuse(Reason::Invalid);
        if count > 0 {
            self.host.refuse(count, error);
        }
    }

    /// What a format says of the app and the machine beside the events is this now.
    fn reframe(&self, facts: &Version) {
        if !self.config.format.is_plain() {
            let mut frame = self.frame.borrow_mut();
            self.config.format.frame(facts, &self.config.client_type, &mut frame);
            self.delivery.borrow_mut().frame(frame.len());
        }
    }

    /// How many there are of that reason now; 0 where nothing is counted.
    fn refuse(&self, reason: Reason) -> u32 {
        let delivery = &mut *self.delivery.borrow_mut();
        if delivery.refuse(reason) == Captured::Off {
            return 0;
        }
        delivery.counts().dropped.get(reason as usize).copied().unwrap_or_default()
    }

    /// Version: once a page load.
    fn introduce(&self, processor: &str) {
        self.host.told(Ask::EndHints, "");
        if self.awaits_hints.replace(false) && !self.has_version.replace(true) {
            navigator::introduce(self.host, processor);
            if self.config.format.is_ping() && !self.is_offline() {
                self.drive(Input::Online);
            }
        }
    }

    /// Shutdown: once a life.
    fn say_goodbye(&self) {
        if self.mode() != Mode::On {
            return;
        }
        self.introduce("");
        if !self.has_shutdown.get() {
            let seconds = (monotonic_ms() - self.life_began.get()) / 1000.0;
            self.host.does(Ask::Emit, seconds);
            // Only now: where the browser ended this in the middle, it is done again.
            self.has_shutdown.set(true);
        }
    }

    // ---- what the browser says

    fn hear(&self, signal: Signal, number: u32, text: Option<String>) {
        // Nothing here is under way when the browser tells of the page's life, unless it was ended in the middle: Firefox
        // does so in the `pagehide` of a tab that is closed, and then fires `visibilitychange` as if nothing had
        // been. Then this goes on where that stopped. Not so a write to the store: another client of this page may say so.
        if (signal as u32) < Signal::Storage as u32 {
            self.is_executing.set(false);
        }
        match signal {
            Signal::Visibility if number & HIDDEN != 0 => {
                if self.is_leaving.get() {
                    self.leave();
                }
                self.introduce("");
                self.drive(Input::Hidden);
            }
            Signal::Visibility => self.drive(Input::Shown),
            Signal::PageHide => self.leave(),
            Signal::PageShow if number & RESTORED != 0 => {
                self.is_leaving.set(false);
                self.has_shutdown.set(false);
                self.life_began.set(monotonic_ms());
                self.drive(Input::Returned);
            }
            Signal::Freeze => self.drive(Input::Frozen),
            Signal::Resume => self.drive(Input::Returned),
            Signal::Online => self.drive(Input::Online),
            Signal::Offline if !says(self.host, IS_LOOPBACK) => self.drive(Input::Offline),
            Signal::PageShow | Signal::Offline => {}
            Signal::Storage => self.stored(number),
            Signal::Prerendered => self.reconsider(),
            Signal::Tick => self.drive(Input::Tick),
            Signal::Locked => self.drain(),
            Signal::Hints => {
                self.introduce(&text.unwrap_or_default());
            }
        }
    }

    /// Another tab wrote: it opted out or in, or claimed what it left; or the site's data was cleared.
    fn stored(&self, number: u32) {
        let is_there = number & IS_THERE != 0;
        if number & IS_OPT_OUT != 0 {
            // Not what is there by now: who opted out and in again has had all purged in between.
            if is_there {
                return self.end(consent::Reason::OptedOut);
            }
            // A no that was said here is taken back wherever that is done.
            if self.chosen.get() == Some(Choice::Out) {
                self.chosen.set(None);
            }
            self.reconsider();
        } else if number & IS_CLAIM != 0 && !(is_there && number & WAS_THERE != 0) {
            // Not at its renewals: with twenty tabs open that were a look into the store all the time.
            self.drive(Input::Noticed);
        }
    }

    fn leave(&self) {
        self.is_leaving.set(true);
        self.say_goodbye();
        self.drive(Input::Leaving);
        self.is_leaving.set(false);
    }

    fn drain(&self) {
        if self.mode() == Mode::On {
            let found = store::read(self.host, self.config.format);
            self.drive(Input::Drained(found));
        }
    }

    // ---- what is to be done

    fn drive(&self, input: Input) {
        let now = Now { mono_ms: monotonic_ms(), wall_ms: wall_ms() };
        let random = random();
        // Many a page logs out by `localStorage.clear()`, of which nothing on this page is told.
        let is_cleared = self.has_claim.get() && !store::is_claimed(self.host);
        let mut delivery = self.delivery.borrow_mut();
        if is_cleared {
            self.has_claim.set(false);
            delivery.take(Input::Cleared, now, random);
        }
        delivery.take(input, now, random);
        drop(delivery);
        if self.is_executing.replace(true) {
            return;
        }
        while let Some(step) = self.step() {
            self.execute(step);
        }
        self.is_executing.set(false);
    }

    fn step(&self) -> Option<Step> {
        self.delivery.borrow_mut().step()
    }

    /// What the step carries: a name, lines.
    fn carried(&self) -> Vec<u8> {
        self.delivery.borrow_mut().carried()
    }

    fn execute(&self, step: Step) {
        match step {
            Action::Send { attempt, via } => {
                if let Some(outcome) = self.send(attempt, via) {
                    self.drive(Input::Answer { attempt, outcome });
                }
            }
            Action::Abort { attempt } => self.abort(attempt),
            Action::Arm { after_ms } => {
                // One more: browsers cut fractions off, and a timer that fires early would find nothing due. But zero
                // stays zero.
                let after_ms = if after_ms > 0.0 { (after_ms + 1.0).min(TIMEOUT_MAX_MS) } else { 0.0 };
                self.arm(after_ms);
            }
            Action::Disarm => self.arm(NEVER),
            Action::Persist { id, sent, .. } => {
                let lines = self.carried();
                if self.may_send() && !store::persist(self.host, id, sent, &lines) {
                    self.drive(Input::StoreFailed { id });
                }
            }
            Action::Adopt { new_id, .. } => {
                let (name, lines) = (self.carried(), self.carried());
                if self.may_send() && !store::adopt(self.host, text(&name), new_id, &lines) {
                    self.drive(Input::StoreFailed { id: new_id });
                }
            }
            Action::Forget { id } => store::forget(self.host, "", id),
            Action::ForgetForeign { id, .. } => store::forget(self.host, text(&self.carried()), id),
            Action::Lease { until_ms } => {
                if self.may_send() {
                    self.has_claim.set(store::claim(self.host, until_ms));
                }
            }
            Action::Release => self.release(),
            Action::Drain => {
                if !self.host.does(Ask::Lock, 0.0) {
                    self.drain();
                }
            }
            Action::Insure { .. } => {
                let lines = self.carried();
                // A deferred request is sent by the browser, whenever the page ends: this is where it is asked.
                if self.may_send() {
                    self.abort(DEFERRED_ATTEMPT);
                    if self.request(DEFERRED_ATTEMPT, DEFERRED, lines) {
                        return;
                    }
                    self.drive(Input::DeferredFailed);
                }
            }
            Action::Uninsure => self.abort(DEFERRED_ATTEMPT),
            Action::Purge => {
                self.abort(DEFERRED_ATTEMPT);
                self.has_claim.set(false);
                self.host.told(Ask::Purge, "");
            }
            Action::Settle { token, acknowledged } => {
                if self.mode() == Mode::Closed {
                    // Where somebody said no, that stays the reason.
                    if !matches!(self.consent(), Consent::Denied(_)) {
                        self.because(SHUT_DOWN);
                    }
                    self.quiet();
                }
                let yes = if acknowledged { "yes" } else { "" };
                self.host.ask(Ask::Settle, f64::from(token), yes);
            }
            Action::Tell(notice) => {
                if notice == Notice::Stopped {
                    self.quiet();
                }
                self.tell(notice);
            }
        }
    }

    fn release(&self) {
        self.has_claim.set(false);
        store::claim(self.host, NEVER);
    }

    /// Whether there is still consent, to send or to keep; if not, all ends here.
    fn may_send(&self) -> bool {
        if let Consent::Denied(reason) = self.consent() {
            // Said since the event was captured: by the browser, or in another tab.
            self.end(reason);
            return false;
        }
        true
    }

    /// Starts a request. `Some` where its end is known at once.
    fn send(&self, attempt: u32, via: Via) -> Option<Outcome> {
        let lines = self.delivery.borrow().body(attempt);
        if !self.may_send() || lines.is_empty() {
            return None;
        }
        let is_taken = self.request(attempt, via as u32, lines);
        if self.config.dry_run {
            return Some(Outcome::Answered { status: 200, retry_after_ms: None, rejected: 0 });
        }
        if is_taken {
            return None;
        }
        Some(if via == Via::Beacon { Outcome::BeaconRefused } else { Outcome::Unreachable })
    }

    /// Says whether the browser took it. What a ping says is in its URL.
    fn request(&self, attempt: u32, via: u32, lines: Vec<u8>) -> bool {
        let format = self.config.format;
        let mut body = lines;
        if !format.is_plain() {
            body = format.wrap(&self.frame.borrow_mut(), &body);
        }
        if self.config.dry_run {
            self.host.told(Ask::Print, text(&body));
            return true;
        }
        let mut url = self.endpoint.clone();
        if format.is_ping() {
            url.push_str(text(&body));
            body.clear();
        }
        self.host.send(attempt, via, &url, &body, format.content_type())
    }

    fn tell(&self, notice: Notice) {
        let (code, count) = match notice {
            Notice::Dropped(reason, count) => (reason as u32, count),
            Notice::EndpointBlocked(count) => (ENDPOINT_BLOCKED, count),
            Notice::Stopped => (STOPPED, 1),
            Notice::StoreUnavailable(count) => (STORE_UNAVAILABLE, count),
        };
        self.host.does(Ask::Notice, f64::from(count) * CODES_ROOM + f64::from(code));
    }

    fn stat(&self, which: usize) -> Option<u32> {
        let delivery = self.delivery.borrow();
        let state = match delivery.mode() {
            Mode::Off | Mode::Closed => 0,
            Mode::Pending if self.sampled_out => 0,
            Mode::Pending => 1,
            Mode::On => 2,
            Mode::Stopped => 3,
        };
        let counts = delivery.counts();
        let first = [
            state,
            counts.captured,
            counts.recovered,
            counts.queued,
            counts.bytes as u32,
            counts.in_flight,
            counts.sent,
            counts.unconfirmed,
            counts.stored,
            counts.retried,
        ];
        first.get(which).or_else(|| counts.dropped.get(which - first.len())).copied()
    }
}
