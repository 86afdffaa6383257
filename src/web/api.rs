//! What JavaScript sees: one class, of whose methods none throws. Numbers and flags come in typed, so that an
//! event crosses the border without an object being read property by property.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;

use alloc::collections::VecDeque;
use core::cell::{Cell, RefCell};

use js_sys::Uint8Array;
use wasm_bindgen::prelude::*;

use super::lifecycle::{self, Listeners};
use super::store::{self, Store};
use super::timer::Timer;
use super::transport::{Endpoint, Transport};
use super::{Host, Signal, call, get, monotonic_ms, navigator, options, random, wall_ms};
use crate::config::{Config, ErrorMessages, Guarantee};
use crate::consent::{self, Choice, Consent, Signals};
use crate::delivery::{
    Action, Captured, Counts, Delivery, Input, Mode, Notice, Now, Outcome, Reason, Rules, Via,
};
use crate::error::Error;
use crate::event::{self, Component, Event, Origin, Playground, Run, Shutdown, Version};
use crate::platform::Hints;
use crate::queue::Limits;
use crate::redact;

/// Characters of a session: 32 of them, so that five bits of a random byte choose one without bias.
const SESSION_CHARACTERS: &[u8; 32] = b"0123456789abcdefghijklmnopqrstuv";

/// Length of a session: 12 × 5 = 60 random bits. A million sessions a day for ten years collide with a chance
/// of one in a hundred thousand.
const SESSION_LENGTH: u32 = 12;

/// A client. Where its options were bad it does nothing.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Client {
    page: Option<Page>,
}

#[derive(Debug)]
struct Page {
    host: Host,
    config: Config,
    delivery: RefCell<Delivery>,
    origin: RefCell<Origin>,
    /// What the format says of the app and the machine beside the events. It comes from the Version event as
    /// `beforeSend` left it, so that nothing travels that was taken out there.
    frame: RefCell<Vec<u8>>,
    /// Where events are encoded, kept so that its memory is.
    line: RefCell<Vec<u8>>,
    transport: Transport,
    store: Store,
    timer: Timer,
    hints_timer: Timer,
    listeners: RefCell<Option<Listeners>>,
    /// What is known so far, while client hints are waited for.
    hints: RefCell<Option<Hints>>,
    has_version: Cell<bool>,
    has_shutdown: Cell<bool>,
    /// The browser has said that the page goes, and not all is done yet that is done then.
    is_leaving: Cell<bool>,
    /// Monotonic, in ms.
    life_began: Cell<f64>,
    chosen: Cell<Option<Choice>>,
    sampled_out: bool,
    /// Actions not yet executed. A host function may call back in while one is; its actions queue up here, so
    /// that all are executed in the order in which they were decided.
    actions: RefCell<VecDeque<Action>>,
    is_executing: Cell<bool>,
}

#[wasm_bindgen]
impl Client {
    /// Reads the options.
    #[wasm_bindgen(constructor)]
    pub fn new(options: &JsValue, host: Host) -> Self {
        let page = options::read(options).and_then(|config| {
            Endpoint::resolve(&config.endpoint)
                .map(|endpoint| (config, endpoint))
                .ok_or(Error::option("endpoint", "an http(s) URL, since this page has no origin of its own"))
        });
        match page {
            Ok((config, endpoint)) => Self { page: Some(Page::new(config, endpoint, host)) },
            Err(error) => {
                host.tell(error.code(), 1, error.subject(), error.expected());
                Self { page: None }
            }
        }
    }

    /// A callback of the browser: see `web/mod.rs`.
    pub fn dispatch(&self, signal: u32, attempt: u32, value: &JsValue) {
        let signal = Signal::ALL.into_iter().find(|other| *other as u32 == signal);
        if let (Some(page), Some(signal)) = (&self.page, signal) {
            page.dispatch(signal, attempt, value);
        }
    }

    /// An event that ended at `time_ms`: of which kind is its place in [`KINDS`]. `flags` are [`flag`]s: success in
    /// the lowest two bits, "triggered by a webhook" in the next two. `count` is NaN for an event without one, and
    /// negative where it is no number. One export for all kinds: each costs a wrapper on both sides.
    #[allow(clippy::too_many_arguments, reason = "typed, an event crosses without being read by its names")]
    pub fn track(
        &self,
        kind: usize,
        time_ms: f64,
        seconds: f64,
        flags: u32,
        count: f64,
        name: Option<String>,
        error_message: Option<String>,
    ) {
        self.capture(time_ms, |page| {
            let error_message = match page.config.error_messages {
                ErrorMessages::Scrubbed => error_message.as_deref(),
                ErrorMessages::Off => None,
            };
            let outcome = event::Outcome { seconds, success: flag(flags), error_message };
            match KINDS.get(kind) {
                Some(Kind::Run) => Run::new(flag(flags >> 2), outcome).map(Event::Run),
                Some(Kind::Playground) => {
                    Playground::new((!count.is_nan()).then_some(count), outcome).map(Event::Playground)
                }
                Some(Kind::Component) => {
                    let name = name.unwrap_or_default();
                    let name = redact::component_name(&name, page.config.component_names.as_deref());
                    Component::new(name.to_owned(), outcome).map(Event::Component)
                }
                _ => Shutdown::new(seconds).map(Event::Shutdown),
            }
        });
    }

    /// What is running: the app's own facts, as `beforeSend` left them, under their names. Read one by one: it is
    /// one event a page load.
    pub fn version(&self, time_ms: f64, facts: &JsValue) {
        self.capture(time_ms, |_| {
            let text = |name| get(facts, name).as_string();
            let event = Version {
                package: text("package"),
                version: text("version"),
                platform: text("platform"),
                python: text("python"),
                arch: text("arch"),
                auto_login: get(facts, "autoLogin").as_bool(),
                cache_type: text("cacheType"),
                backend_only: get(facts, "backendOnly").as_bool(),
            };
            event.check().map(Event::Version)
        });
    }

    /// Whatever else the shell asks for: its place in [`COMMANDS`]. `settle` answers with `token`, where there is an
    /// answer. Returns how many events there were that were refused for the same reason, where one was; 0 otherwise.
    pub fn command(&self, command: usize, token: u32) -> u32 {
        if let (Some(page), Some(command)) = (&self.page, COMMANDS.get(command)) {
            match command {
                Command::Start => page.reconsider(),
                Command::Flush => page.drive(Input::Flush { token }),
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

    /// The snapshot: the state (0 off, 1 pending, 2 on, 3 stopped), then the counters in the order of `stats()` in the shell, the
    /// drop reasons last. Empty where the options were bad. Building the object in here costs ten times as much.
    pub fn stats(&self) -> Vec<u32> {
        self.page.as_ref().map(Page::stats).unwrap_or_default()
    }
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
const COMMANDS: [Command; 7] = [
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
];

#[derive(Debug)]
enum Command {
    Start,
    Flush,
    Close,
    Choose(Choice),
    Refuse(Reason),
}

impl Client {
    fn capture(&self, time_ms: f64, event: impl FnOnce(&Page) -> Result<Event, Error>) {
        if let Some(page) = &self.page {
            match event(page) {
                Ok(event) => page.capture(&event, time_ms),
                Err(error) => {
                    let count = page.refuse(Reason::Invalid);
                    if count > 0 {
                        page.host.tell(error.code(), count, error.subject(), error.expected());
                    }
                }
            }
        }
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

impl Page {
    fn new(mut config: Config, mut endpoint: Endpoint, host: Host) -> Self {
        if config.format.is_ping() {
            endpoint.href.truncate(endpoint.href.trim_end_matches('/').len());
            config.fit(&endpoint.href);
        }
        let session = session();
        let sampled_out = config.sample_rate < 1.0 && random() >= config.sample_rate;
        let guarantee = config.guarantee();
        let again = guarantee == Guarantee::AtLeastOnce;
        let locks = get(&navigator::navigator(), "locks").is_object();
        let rules = Rules {
            limits: Limits {
                batch_events: config.max_batch_events,
                batch_bytes: config.max_batch_bytes,
                queue_bytes: config.max_queue_bytes,
            },
            flush_interval_ms: config.flush_interval_ms,
            guarantee,
            // Two tabs without a lock may send the same batch: only where that does no harm.
            store: config.persist && !config.dry_run && !sampled_out && (again || locks),
            deferred: again && !config.dry_run && endpoint.defers(),
            beacon: endpoint.is_own && !config.format.is_ping(),
            pings: config.format.is_ping(),
            sampled_out,
        };
        let origin = Origin {
            session: session.clone(),
            seq: 0,
            time: 0,
            client_type: config.client_type.clone(),
            sample_rate: (config.sample_rate < 1.0).then_some(config.sample_rate),
        };
        Self {
            host,
            delivery: RefCell::new(Delivery::new(rules, session.clone())),
            origin: RefCell::new(origin),
            frame: RefCell::new(config.format.frame(&Version::default(), &config.client_type)),
            line: RefCell::new(Vec::new()),
            store: Store::new(&endpoint.href, config.format, &session),
            transport: Transport::new(endpoint, config.format),
            config,
            timer: Timer::default(),
            hints_timer: Timer::default(),
            listeners: RefCell::new(None),
            hints: RefCell::new(None),
            has_version: Cell::new(false),
            has_shutdown: Cell::new(false),
            is_leaving: Cell::new(false),
            life_began: Cell::new(0.0),
            chosen: Cell::new(None),
            sampled_out,
            actions: RefCell::new(VecDeque::new()),
            is_executing: Cell::new(false),
        }
    }

    // ---- consent

    /// Asked at the start, at every choice, and again whenever something is about to be sent.
    fn consent(&self) -> Consent {
        let remembered = if store::opted_out() { Some(Choice::Out) } else { None };
        consent::decide(Signals {
            do_not_track: false,
            honor_browser: self.config.honor_browser_signals,
            gpc: navigator::gpc(),
            dnt: navigator::dnt(),
            asked: self.config.consent,
            chosen: remembered.or(self.chosen.get()),
        })
    }

    fn choose(&self, choice: Choice) {
        // The shell has remembered it, for the next visit.
        match (self.mode(), choice) {
            (Mode::Closed, Choice::In) => {}
            (Mode::Closed, Choice::Out) => store::purge(),
            _ => {
                self.chosen.set(Some(choice));
                self.reconsider();
            }
        }
    }

    fn reconsider(&self) {
        match self.consent() {
            Consent::Granted if self.sampled_out => self.host.because("sampled"),
            Consent::Granted if lifecycle::is_prerendering() => {
                self.listen(Some(Listeners::of_prerender(&self.host)));
            }
            Consent::Granted => self.begin(),
            Consent::Pending => {}
            Consent::Denied(reason) => self.end(reason.as_str()),
        }
    }

    fn begin(&self) {
        if !matches!(self.mode(), Mode::Pending | Mode::Off) {
            return;
        }
        self.host.because("");
        self.listen(Some(Listeners::of_page(&self.host)));
        self.life_began.set(monotonic_ms());
        self.drive(Input::Granted);
        if lifecycle::is_offline() && !self.transport.endpoint().is_loopback {
            self.drive(Input::Offline);
        }
        if !self.has_version.get() {
            *self.hints.borrow_mut() = Some(navigator::hints());
            if navigator::ask_hints(&self.host) {
                self.hints_timer.arm(&self.host, Signal::HintsLate, navigator::HINTS_WAIT_MS);
            } else {
                self.introduce();
            }
        }
    }

    fn end(&self, reason: &'static str) {
        self.host.because(reason);
        self.drive(Input::Denied);
        self.quiet();
    }

    /// No listener, no timer.
    fn quiet(&self) {
        self.listen(None);
        self.timer.disarm();
        self.hints_timer.disarm();
        *self.hints.borrow_mut() = None;
    }

    fn listen(&self, listeners: Option<Listeners>) {
        // The old ones are dropped, and so removed, after the borrow: that is a call into JavaScript.
        let old = self.listeners.replace(listeners);
        drop(old);
    }

    fn mode(&self) -> Mode {
        self.delivery.borrow().mode()
    }

    // ---- events

    fn capture(&self, event: &Event, time_ms: f64) {
        let urgent = matches!(event, Event::Shutdown(_));
        if let Event::Version(facts) = event {
            let frame = self.config.format.frame(facts, &self.config.client_type);
            self.delivery.borrow_mut().frame(frame.len());
            *self.frame.borrow_mut() = frame;
        }
        let captured = {
            let mut line = self.line.borrow_mut();
            let mut origin = self.origin.borrow_mut();
            line.clear();
            origin.time = time_ms as u64;
            let frame = self.frame.borrow();
            self.config.format.encode(event, &origin, &frame, self.config.max_batch_bytes, &mut line);
            let captured = self.delivery.borrow_mut().capture(&line, urgent);
            // A refused event has no number: a gap in `seq` means a loss, and nothing else.
            if matches!(captured, Captured::Quiet | Captured::Wake) {
                origin.seq += 1;
            }
            captured
        };
        match captured {
            Captured::Wake => self.drive(Input::Wake),
            Captured::Refused(Some(notice)) => self.tell(notice),
            Captured::Refused(None) | Captured::Quiet | Captured::Off => {}
        }
    }

    /// The body of a request with these lines.
    fn wrap(&self, lines: &[u8]) -> Vec<u8> {
        self.config.format.wrap(&self.frame.borrow(), lines)
    }

    /// How many there are of that reason now; 0 where nothing is counted.
    fn refuse(&self, reason: Reason) -> u32 {
        let mut delivery = self.delivery.borrow_mut();
        if delivery.refuse(reason) == Captured::Off {
            return 0;
        }
        delivery.counts().dropped.get(reason as usize).copied().unwrap_or_default()
    }

    /// Version: once a page load.
    fn introduce(&self) {
        let hints = self.hints.take();
        self.hints_timer.disarm();
        if let Some(hints) = hints
            && !self.has_version.replace(true)
        {
            self.host.emit("version", hints.system(), hints.arch(), 0.0);
        }
    }

    /// Shutdown: once a life.
    fn say_goodbye(&self) {
        if self.mode() != Mode::On {
            return;
        }
        self.introduce();
        if !self.has_shutdown.get() {
            let seconds = (monotonic_ms() - self.life_began.get()) / 1000.0;
            self.host.emit("shutdown", None, None, seconds);
            // Only now: where the browser ended this in the middle, it is done again.
            self.has_shutdown.set(true);
        }
    }

    // ---- what the browser says

    fn dispatch(&self, signal: Signal, attempt: u32, value: &JsValue) {
        let outcome = match signal {
            Signal::Tick => {
                self.drive(Input::Tick);
                None
            }
            Signal::Lifecycle => {
                self.lifecycle(value);
                None
            }
            Signal::Answered => self.transport.answered(&self.host, attempt, value, wall_ms()),
            Signal::Chunk => self.transport.chunk(&self.host, attempt, value),
            // Chromium says so of requests with keepalive too, and goes on with them.
            Signal::Failed if lifecycle::is_closing() => None,
            Signal::Failed => self.transport.failed(attempt),
            Signal::Locked => {
                self.drain();
                None
            }
            Signal::Hints | Signal::HintsLate => {
                if let Some(hints) = self.hints.borrow_mut().as_mut() {
                    navigator::complete(hints, value);
                }
                self.introduce();
                None
            }
        };
        if let Some(outcome) = outcome {
            self.drive(Input::Answer { attempt, outcome });
        }
    }

    fn leave(&self) {
        self.is_leaving.set(true);
        self.say_goodbye();
        self.drive(Input::Leaving);
        self.is_leaving.set(false);
    }

    fn lifecycle(&self, event: &JsValue) {
        // Nothing here is under way when the browser tells something, unless it was ended in the middle: Firefox
        // does so in the `pagehide` of a tab that is closed, and then fires `visibilitychange` as if nothing had
        // been. Then this goes on where that stopped.
        self.is_executing.set(false);
        let name = get(event, "type").as_string().unwrap_or_default();
        let restored = get(event, "persisted").is_truthy();
        match name.as_str() {
            "visibilitychange" if lifecycle::is_hidden() => {
                if self.is_leaving.get() {
                    self.leave();
                }
                self.introduce();
                self.drive(Input::Hidden);
            }
            "visibilitychange" => self.drive(Input::Shown),
            "pagehide" => self.leave(),
            "pageshow" if restored => {
                self.is_leaving.set(false);
                self.has_shutdown.set(false);
                self.life_began.set(monotonic_ms());
                self.drive(Input::Returned);
            }
            "freeze" => self.drive(Input::Frozen),
            "resume" => self.drive(Input::Returned),
            "online" => self.drive(Input::Online),
            "offline" if !self.transport.endpoint().is_loopback => self.drive(Input::Offline),
            // Another tab opted out or in, or the site's data was cleared.
            "storage" => {
                let key = get(event, "key").as_string();
                let is_there = get(event, "newValue").is_string();
                if key.as_ref().is_none_or(|key| key == store::OPT_OUT) {
                    // Not what is there by now: who opted out and in again has had all purged in between.
                    if is_there { self.end(consent::Reason::OptedOut.as_str()) } else { self.reconsider() }
                } else if key.is_some_and(|key| self.store.is_claim(&key))
                    && !(is_there && get(event, "oldValue").is_string())
                {
                    // Not at its renewals: with twenty tabs open that were a look into the store all the time.
                    self.drive(Input::Noticed);
                }
            }
            "prerenderingchange" => self.reconsider(),
            _ => {}
        }
    }

    fn drain(&self) {
        if self.mode() == Mode::On {
            let found = self.store.read(wall_ms());
            self.drive(Input::Drained(found));
        }
    }

    // ---- what is to be done

    fn drive(&self, input: Input) {
        let now = Now { mono_ms: monotonic_ms(), wall_ms: wall_ms() };
        let random = random();
        let actions = self.delivery.borrow_mut().handle(input, now, random);
        self.actions.borrow_mut().extend(actions);
        if self.is_executing.replace(true) {
            return;
        }
        while let Some(action) = self.next_action() {
            self.execute(action, now.wall_ms);
        }
        self.store.settle();
        self.is_executing.set(false);
    }

    fn next_action(&self) -> Option<Action> {
        self.actions.borrow_mut().pop_front()
    }

    fn execute(&self, action: Action, wall_ms: f64) {
        match action {
            Action::Send { attempt, via } => {
                if let Some(outcome) = self.send(attempt, via) {
                    self.drive(Input::Answer { attempt, outcome });
                }
            }
            Action::Abort { attempt } => self.transport.abort(attempt),
            Action::Arm { after_ms } => self.timer.arm(&self.host, Signal::Tick, after_ms),
            Action::Disarm => self.timer.disarm(),
            Action::Persist { id, sent, lines } => {
                if !self.store.persist(id, sent, &lines, wall_ms) {
                    self.drive(Input::StoreFailed { id });
                }
            }
            Action::Adopt { session, id, new_id, lines } => {
                if !self.store.adopt(&session, id, new_id, &lines, wall_ms) {
                    self.drive(Input::StoreFailed { id: new_id });
                }
            }
            Action::Forget { id } => self.store.forget_own(id),
            Action::ForgetForeign { session, id } => self.store.forget(&session, id),
            Action::Lease { until_ms } => self.store.lease(until_ms),
            Action::Release => self.store.release(),
            Action::Drain => {
                if !self.store.lock(&self.host) {
                    self.drain();
                }
            }
            Action::Insure { lines } => {
                // A deferred request is sent by the browser, whenever the page ends: this is where it is asked.
                if self.may_send() && !self.transport.insure(&self.wrap(&lines)) {
                    self.drive(Input::DeferredFailed);
                }
            }
            Action::Uninsure => self.transport.uninsure(),
            Action::Purge => {
                self.transport.uninsure();
                store::purge();
            }
            Action::Settle { token, acknowledged } => {
                if self.mode() == Mode::Closed {
                    self.host.because("shut_down");
                    self.quiet();
                }
                self.host.settle(token, acknowledged);
            }
            Action::Tell(notice) => {
                if notice == Notice::Stopped {
                    self.quiet();
                }
                self.tell(notice);
            }
        }
    }

    /// Whether there is still consent; if not, all ends here.
    fn may_send(&self) -> bool {
        if let Consent::Denied(reason) = self.consent() {
            // Said since the event was captured: by the browser, or in another tab.
            self.end(reason.as_str());
            return false;
        }
        true
    }

    /// Starts a request. `Some` where its end is known at once.
    fn send(&self, attempt: u32, via: Via) -> Option<Outcome> {
        let body = self.delivery.borrow().body(attempt);
        if !self.may_send() || body.is_empty() {
            return None;
        }
        let body = self.wrap(&body);
        if self.config.dry_run {
            print(&body);
            return Some(Outcome::Answered { status: 200, retry_after_ms: None, rejected: 0 });
        }
        self.transport.send(&self.host, attempt, via, &body)
    }

    fn tell(&self, notice: Notice) {
        let (code, count) = match notice {
            Notice::Dropped(reason, count) => (reason.as_str(), count),
            Notice::EndpointBlocked(count) => ("endpoint_blocked", count),
            Notice::Stopped => ("stopped", 1),
            Notice::StoreUnavailable(count) => ("store_unavailable", count),
        };
        self.host.tell(code, count, "", "");
    }

    fn stats(&self) -> Vec<u32> {
        let delivery = self.delivery.borrow();
        let counts = delivery.counts();
        let state = match delivery.mode() {
            Mode::Off | Mode::Closed => 0,
            Mode::Pending if self.sampled_out => 0,
            Mode::Pending => 1,
            Mode::On => 2,
            Mode::Stopped => 3,
        };
        let Counts {
            captured, recovered, queued, bytes, in_flight, sent, unconfirmed, stored, retried, ..
        } = counts;
        let bytes = bytes as u32;
        let mut stats = Vec::from([
            state,
            captured,
            recovered,
            queued,
            bytes,
            in_flight,
            sent,
            unconfirmed,
            stored,
            retried,
        ]);
        stats.extend(counts.dropped);
        stats
    }
}

/// `dryRun`: shows the payload as it would leave.
fn print(body: &[u8]) {
    let text = core::str::from_utf8(body).unwrap_or_default();
    let console = get(&js_sys::global(), "console");
    call(&console, "log", &[&JsValue::from_str("langflow-telemetry would send:"), &JsValue::from_str(text)]);
}

/// Random per page load.
fn session() -> String {
    let random = Uint8Array::new_with_length(SESSION_LENGTH);
    call(&get(&js_sys::global(), "crypto"), "getRandomValues", &[&random]);
    random
        .to_vec()
        .iter()
        .filter_map(|byte| SESSION_CHARACTERS.get(usize::from(byte & 31)))
        .map(|character| char::from(*character))
        .collect()
}
