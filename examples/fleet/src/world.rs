//! The day: an agenda of what is due, the pages that are open, and the requests under way. Each page has the
//! client's own state machine, and this is the edge that executes its actions.

use std::collections::VecDeque;

use langflow_telemetry::config::Guarantee;
use langflow_telemetry::delivery::{Action, Captured, Counts, Delivery, Input, Now, Outcome, Rules, Via};
use langflow_telemetry::event::{Event, Origin};
use langflow_telemetry::queue::Limits;
use langflow_telemetry::wire::{Encoder, Format};

use crate::agenda::Agenda;
use crate::browser::{Browser, Fate, Key, MIDNIGHT_MS, keys, session, sign};
use crate::chance::{Draw, Rng, stream};
use crate::collector::{Collector, Second};
use crate::people::{self, Act, DAY_MS, Plan};
use crate::scenario::{Incident, Scenario};

/// Share of browsers that have `fetchLater`.
const DEFERS: f64 = 0.7;

/// Half of a round trip, in ms.
const WAY_MEDIAN_MS: f64 = 40.0;
const WAY_SIGMA: f64 = 0.6;

/// Requests that get lost on a day on which all is well.
const LOST: f64 = 0.003;

/// After a page was hidden for so long, in ms, browsers run its timers once a minute; before that, once a second.
const SLEEPY_AFTER_MS: u32 = 300_000;

/// A blocked request fails after so many ms.
const BLOCKED_AFTER_MS: u32 = 5;

/// How long before an incident its usual traffic is measured, in ms.
pub(crate) const USUAL_OVER_MS: u32 = 1_800_000;

/// What a run is told.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Setup {
    pub(crate) clients: u32,
    pub(crate) seed: u64,
    /// Requests a second that the collector can take.
    pub(crate) capacity: f64,
    pub(crate) flush_interval_ms: f64,
    pub(crate) sample_rate: f64,
}

/// What the collector can take, by default, in requests a second for each browser of the day: somewhat more than
/// twice what the busiest hour usually brings.
const CAPACITY_PER_CLIENT: f64 = 0.0004;

impl Setup {
    /// The client's defaults, for a fleet of so many.
    pub(crate) fn new(clients: u32, seed: u64) -> Self {
        let capacity = f64::from(clients) * CAPACITY_PER_CLIENT;
        Self { clients, seed, capacity, flush_interval_ms: 5_000.0, sample_rate: 1.0 }
    }
}

/// What came of a day.
#[derive(Debug)]
pub(crate) struct Day {
    pub(crate) scenario: Scenario,
    pub(crate) setup: Setup,
    pub(crate) seconds: Vec<Second>,
    pub(crate) page_loads: u64,
    /// Most pages that were open at a time.
    pub(crate) open_max: usize,
    pub(crate) fate: Fate,
    /// By reason, in the order of `Reason::ALL`.
    pub(crate) dropped: [u64; 8],
    pub(crate) blocked: Blocked,
}

/// What the blocked browsers did.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Blocked {
    pub(crate) attempts: u64,
    pub(crate) page_loads: u64,
    /// For how long their pages were open, in hours.
    pub(crate) hours: f64,
    /// Most bytes that one of them has in its store in the evening.
    pub(crate) stored_max: usize,
}

/// What is due. Stamps tell whether it still is: whatever was planned for a page that is gone, or planned anew,
/// has an old one.
#[derive(Debug, Clone, Copy)]
enum Due {
    Visit { browser: u32 },
    Act { page: u32, stamp: u32 },
    Timer { page: u32, stamp: u32 },
    Reload { page: u32, birth: u32 },
    Arrival { request: u32 },
    Answer { request: u32 },
    Incident,
}

/// A page that is open.
struct Page {
    browser: u32,
    number: u16,
    is_blocked: bool,
    /// Its stamp.
    birth: u32,
    machine: Delivery,
    plan: Plan,
    rng: Rng,
    /// The number of the next event.
    seq: u64,
    loaded_ms: u32,
    hidden_ms: Option<u32>,
    act: (u32, Act),
    /// The body of its deferred request.
    deferred: Option<Vec<u8>>,
    /// Attempts under way, with their requests.
    attempts: Vec<(u32, u32)>,
}

/// The stamps of what was planned last for a page. Apart from it: what comes due and has an old one is done with before
/// the page is fetched from far away.
#[derive(Debug, Clone, Copy, Default)]
struct Stamps {
    act: u32,
    timer: u32,
}

/// A request under way.
struct Request {
    page: u32,
    birth: u32,
    attempt: u32,
    via: Option<Via>,
    body: Vec<u8>,
    way_ms: u32,
    outcome: Outcome,
    cancelled: bool,
}

/// Things with a number that is used again once they are gone.
struct Slots<T> {
    slots: Vec<Option<T>>,
    free: Vec<u32>,
}

impl<T> Slots<T> {
    const fn new() -> Self {
        Self { slots: Vec::new(), free: Vec::new() }
    }

    fn put(&mut self, thing: T) -> u32 {
        if let Some(at) = self.free.pop() {
            self.slots[at as usize] = Some(thing);
            return at;
        }
        self.slots.push(Some(thing));
        (self.slots.len() - 1) as u32
    }

    fn take(&mut self, at: u32) -> Option<T> {
        let thing = self.slots[at as usize].take();
        if thing.is_some() {
            self.free.push(at);
        }
        thing
    }

    fn get(&mut self, at: u32) -> Option<&mut T> {
        self.slots[at as usize].as_mut()
    }

    fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }
}

struct World {
    setup: Setup,
    incident: Incident,
    now: u32,
    agenda: Agenda<Due>,
    stamp: u32,
    /// All pages', since they differ in their sessions alone: each signs its lines.
    encoder: Encoder,
    browsers: Vec<Option<Browser>>,
    pages: Slots<Page>,
    /// Those of the page with the same number.
    stamps: Vec<Stamps>,
    requests: Slots<Request>,
    collector: Collector,
    seconds: Vec<Second>,
    network: Rng,
    page_loads: u64,
    open_max: usize,
    dropped: [u64; 8],
    blocked: Blocked,
    line: Vec<u8>,
}

/// Lives through a day.
pub(crate) fn live(scenario: Scenario, setup: Setup) -> Day {
    let incident = scenario.incident();
    let origin = Origin {
        session: session(0, 0),
        seq: 0,
        time: 0,
        client_type: "browser".to_owned(),
        sample_rate: (setup.sample_rate < 1.0).then_some(setup.sample_rate),
    };
    let mut world = World {
        setup,
        incident,
        now: 0,
        agenda: Agenda::new(DAY_MS),
        stamp: 0,
        encoder: Encoder::new(Format::Ndjson, origin),
        browsers: (0..setup.clients).map(|_| None).collect(),
        pages: Slots::new(),
        stamps: Vec::new(),
        requests: Slots::new(),
        collector: Collector::new(setup.capacity, incident),
        seconds: vec![Second::default(); DAY_MS as usize / 1000],
        network: stream(setup.seed, 0, 1),
        page_loads: 0,
        open_max: 0,
        dropped: [0; 8],
        blocked: Blocked::default(),
        line: Vec::new(),
    };
    world.day();
    let fate = world.evening();
    Day {
        scenario,
        setup,
        seconds: world.seconds,
        page_loads: world.page_loads,
        open_max: world.open_max,
        fate,
        dropped: world.dropped,
        blocked: world.blocked,
    }
}

impl World {
    fn day(&mut self) {
        // First visits are known before; everything else comes out of something.
        let mut visits: Vec<(u32, u32)> = (0..self.setup.clients)
            .map(|browser| (people::first_visit_ms(&mut stream(self.setup.seed, browser, 2)), browser))
            .collect();
        visits.sort_unstable();
        if let Some((from_ms, _)) = self.incident.span() {
            self.at(from_ms, Due::Incident);
        }
        for (at, browser) in visits {
            self.live_until(at);
            self.now = at;
            self.visit(browser);
        }
        self.live_until(DAY_MS);
    }

    /// Lets everything happen that is due before then.
    fn live_until(&mut self, until_ms: u32) {
        while let Some((at, due)) = self.agenda.next(until_ms) {
            self.now = at;
            self.happen(due);
        }
    }

    fn at(&mut self, at: u32, due: Due) {
        // What comes after midnight is another day's.
        if at < DAY_MS {
            self.agenda.put(at, due);
        }
    }

    fn stamp(&mut self) -> u32 {
        self.stamp = self.stamp.wrapping_add(1);
        self.stamp
    }

    fn second(&mut self) -> &mut Second {
        &mut self.seconds[self.now as usize / 1000]
    }

    fn happen(&mut self, due: Due) {
        match due {
            Due::Visit { browser } => self.visit(browser),
            Due::Act { page, stamp } => {
                if self.stamps[page as usize].act == stamp {
                    self.act(page);
                }
            }
            Due::Timer { page, stamp } => {
                if self.stamps[page as usize].timer == stamp {
                    self.tell(page, Input::Tick);
                }
            }
            Due::Reload { page, birth } => {
                if self.pages.get(page).is_some_and(|page| page.birth == birth) {
                    self.reload(page);
                }
            }
            Due::Arrival { request } => self.arrive(request),
            Due::Answer { request } => self.answer(request),
            Due::Incident => self.strike(),
        }
    }

    fn strike(&mut self) {
        let now = self.now as usize / 1000;
        let before = &self.seconds[now.saturating_sub(USUAL_OVER_MS as usize / 1000)..now];
        let requests: u64 = before.iter().map(|second| u64::from(second.requests)).sum();
        self.collector.usual = requests as f64 / before.len() as f64;
        if let Incident::Reload { from_ms, to_ms } = self.incident {
            for page in 0..self.pages.slots.len() as u32 {
                let Some(birth) = self.pages.get(page).map(|page| page.birth) else { continue };
                let at = self.now + self.network.below(u64::from(to_ms - from_ms)) as u32;
                self.at(at, Due::Reload { page, birth });
            }
        }
    }

    // ---- pages

    fn visit(&mut self, b: u32) {
        let setup = self.setup;
        let blocked = if let Incident::Blocked { share } = self.incident { share } else { 0.0 };
        let browser = self.browsers[b as usize].get_or_insert_with(|| {
            let mut rng = stream(setup.seed, b, 3);
            let (is_blocked, defers) = (rng.with(blocked), rng.with(DEFERS));
            Browser::new(is_blocked, defers)
        });
        let purpose = 16 + browser.pages() as u64;
        let plan = Plan::new(stream(setup.seed, b, purpose << 1));
        let page = self.load(b, plan, None);
        self.next_act(page);
    }

    /// Loads a page in which `plan` goes on.
    fn load(&mut self, b: u32, plan: Plan, hidden_ms: Option<u32>) -> u32 {
        let setup = self.setup;
        let birth = self.stamp();
        let browser = self.browsers[b as usize].get_or_insert_default();
        let number = browser.open();
        let mut rng = stream(setup.seed, b, (16 + u64::from(number)) << 1 | 1);
        let sampled_out = !rng.with(setup.sample_rate);
        // As src/web/api.rs makes them of the defaults, for an endpoint on another origin.
        let rules = Rules {
            limits: Limits { batch_events: 50, batch_bytes: 16_384, queue_bytes: 2_097_152 },
            flush_interval_ms: setup.flush_interval_ms,
            guarantee: Guarantee::AtLeastOnce,
            store: !sampled_out,
            deferred: browser.defers,
            beacon: false,
            pings: false,
            sampled_out,
        };
        let page = Page {
            browser: b,
            number,
            is_blocked: browser.is_blocked,
            birth,
            machine: Delivery::new(rules, session(b, number)),
            plan,
            rng,
            seq: 0,
            loaded_ms: self.now,
            hidden_ms,
            act: (0, Act::Close),
            deferred: None,
            attempts: Vec::new(),
        };
        self.page_loads += 1;
        self.blocked.page_loads += u64::from(page.is_blocked);
        let page = self.pages.put(page);
        if self.stamps.len() <= page as usize {
            self.stamps.push(Stamps::default());
        }
        self.open_max = self.open_max.max(self.pages.len());
        self.tell(page, Input::Granted);
        page
    }

    /// Plans what the person does next.
    fn next_act(&mut self, p: u32) {
        let Some(page) = self.pages.get(p) else { return };
        let (after_ms, act) = page.plan.next();
        let at = self.now.saturating_add(after_ms);
        page.act = (at, act);
        self.plan_act(p);
    }

    fn plan_act(&mut self, p: u32) {
        let stamp = self.stamp();
        let Some(page) = self.pages.get(p) else { return };
        let at = page.act.0;
        self.stamps[p as usize].act = stamp;
        self.at(at, Due::Act { page: p, stamp });
    }

    fn act(&mut self, p: u32) {
        let now = self.now;
        let Some(page) = self.pages.get(p) else { return };
        match page.act.1 {
            Act::Track(seen) => self.capture(p, &seen.event()),
            Act::Hide => {
                page.hidden_ms = Some(now);
                self.tell(p, Input::Hidden);
            }
            Act::Show => {
                page.hidden_ms = None;
                self.tell(p, Input::Shown);
            }
            Act::Close => {
                self.leave(p);
                self.come_back_later(p);
                self.die(p, false);
                return;
            }
            Act::Crash => {
                self.come_back_later(p);
                self.die(p, true);
                return;
            }
        }
        self.next_act(p);
    }

    fn come_back_later(&mut self, p: u32) {
        let seed = self.setup.seed;
        let Some(page) = self.pages.get(p) else { return };
        let browser = page.browser;
        let mut rng = stream(seed, browser, (16 + u64::from(page.number)) << 32);
        if let Some(after_ms) = people::next_visit_ms(&mut rng) {
            self.at(self.now.saturating_add(after_ms), Due::Visit { browser });
        }
    }

    fn leave(&mut self, p: u32) {
        let now = self.now;
        let Some(page) = self.pages.get(p) else { return };
        let goodbye = people::shutdown(now - page.loaded_ms);
        self.capture(p, &goodbye);
        self.tell(p, Input::Leaving);
    }

    fn reload(&mut self, p: u32) {
        self.leave(p);
        let Some(old) = self.die(p, false) else { return };
        let new = self.load(old.browser, old.plan, old.hidden_ms);
        // The client of the new page introduces itself; the person goes on where they were.
        self.capture(new, &people::version());
        if let Some(page) = self.pages.get(new) {
            page.act = old.act;
        }
        self.plan_act(new);
    }

    /// The page is gone; what the browser does then.
    fn die(&mut self, p: u32, crashed: bool) -> Option<Page> {
        let mut page = self.pages.take(p)?;
        self.stamps[p as usize] = Stamps::default();
        let browser = self.browsers[page.browser as usize].as_mut()?;
        browser.close(page.number, page.seq as u32, crashed);
        if page.is_blocked {
            self.blocked.hours += f64::from(self.now - page.loaded_ms) / 3_600_000.0;
        }
        self.drops(&page.machine.counts());
        for (_, request) in &page.attempts {
            // A plain fetch dies with its page.
            if let Some(request) = self.requests.get(*request)
                && request.via == Some(Via::Fetch)
            {
                request.cancelled = true;
            }
        }
        if let Some(body) = page.deferred.take() {
            self.request(None, body, page.is_blocked);
        }
        Some(page)
    }

    fn drops(&mut self, counts: &Counts) {
        for (sum, dropped) in self.dropped.iter_mut().zip(counts.dropped) {
            *sum += u64::from(dropped);
        }
    }

    // ---- the edge

    fn capture(&mut self, p: u32, event: &Event) {
        let now = self.now;
        let Some(page) = self.pages.get(p) else { return };
        self.line.clear();
        let time = (MIDNIGHT_MS + f64::from(now)) as u64;
        self.encoder.encode(event, page.seq, time, usize::MAX, &mut self.line);
        sign(&mut self.line, page.browser, page.number);
        let captured = page.machine.capture(&self.line, matches!(event, Event::Shutdown(_)));
        if matches!(captured, Captured::Quiet | Captured::Wake) {
            page.seq += 1;
            self.second().captured += 1;
        }
        if captured == Captured::Wake {
            self.tell(p, Input::Wake);
        }
    }

    /// Gives the machine an input and does what it says, all in one task.
    fn tell(&mut self, p: u32, input: Input) {
        // Of nearly all inputs nothing follows: then this allocates nothing.
        let mut inputs = VecDeque::new();
        let mut next = Some(input);
        while let Some(input) = next {
            let Some(page) = self.pages.get(p) else { return };
            let now = Now {
                mono_ms: f64::from(self.now - page.loaded_ms),
                wall_ms: MIDNIGHT_MS + f64::from(self.now),
            };
            let random = page.rng.unit();
            let actions = page.machine.handle(input, now, random);
            for action in actions {
                inputs.extend(self.execute(p, action));
            }
            next = inputs.pop_front();
        }
    }

    fn execute(&mut self, p: u32, action: Action) -> Option<Input> {
        let now = self.now;
        let page = self.pages.get(p)?;
        let (b, number) = (page.browser, page.number);
        // Looked for only where it is needed: it is not close by in memory.
        let browser = &mut self.browsers[b as usize];
        match action {
            Action::Send { attempt, via } => {
                let is_blocked = page.is_blocked;
                // What nobody will see is not copied: of a blocked page that is its whole backlog, each time.
                let body = if is_blocked { Vec::new() } else { page.machine.body(attempt) };
                self.request(Some((p, attempt, via)), body, is_blocked);
            }
            Action::Abort { attempt } => {
                let at = page.attempts.iter().position(|(other, _)| *other == attempt)?;
                let (_, request) = page.attempts.swap_remove(at);
                self.requests.get(request)?.cancelled = true;
            }
            Action::Arm { after_ms } => {
                let mut at = now.saturating_add(after_ms.ceil() as u32).max(now + 1);
                // Hidden pages have slow timers. Their grid begins when the page does: it is no common one.
                if let Some(hidden) = page.hidden_ms {
                    let grid = if now - hidden > SLEEPY_AFTER_MS { 60_000 } else { 1_000 };
                    at = page.loaded_ms + (at - page.loaded_ms).next_multiple_of(grid);
                }
                let stamp = self.stamp();
                self.stamps[p as usize].timer = stamp;
                self.at(at, Due::Timer { page: p, stamp });
            }
            Action::Disarm => self.stamps[p as usize].timer = 0,
            Action::Persist { id, lines, .. } => {
                if !browser.as_mut()?.persist(number, id, lines, now) {
                    return Some(Input::StoreFailed { id });
                }
            }
            Action::Forget { id } => browser.as_mut()?.forget(number, id),
            Action::ForgetForeign { session, id } => browser.as_mut()?.forget_foreign(&session, id),
            Action::Adopt { session, id, new_id, .. } => {
                browser.as_mut()?.adopt(&session, id, number, new_id)
            }
            Action::Lease { until_ms } => browser.as_mut()?.lease(number, until_ms),
            Action::Release => browser.as_mut()?.release(number),
            Action::Drain => return Some(Input::Drained(browser.as_mut()?.read(b))),
            Action::Insure { lines } => page.deferred = Some(lines),
            Action::Uninsure => page.deferred = None,
            Action::Purge | Action::Settle { .. } | Action::Tell(_) => {}
        }
        None
    }

    // ---- the network

    /// Starts a request: a page's attempt, or, without one, the deferred request of a page that is gone.
    fn request(&mut self, from: Option<(u32, u32, Via)>, body: Vec<u8>, is_blocked: bool) {
        let way_ms = self.network.lognormal(WAY_MEDIAN_MS, WAY_SIGMA).clamp(1.0, 5_000.0) as u32;
        let is_lost = self.network.with(LOST);
        let (page, attempt, via) = from.map_or((u32::MAX, 0, None), |(p, n, via)| (p, n, Some(via)));
        let birth = from.and_then(|_| self.pages.get(page)).map_or(0, |page| page.birth);
        let outcome = Outcome::Unreachable;
        let request = Request { page, birth, attempt, via, body, way_ms, outcome, cancelled: false };
        let number = self.requests.put(request);
        if let Some(page) = from.and_then(|_| self.pages.get(page)) {
            page.attempts.push((attempt, number));
        }
        if is_blocked {
            self.blocked.attempts += 1;
            self.at(self.now + BLOCKED_AFTER_MS, Due::Answer { request: number });
        } else if is_lost {
            self.at(self.now + 2 * way_ms, Due::Answer { request: number });
        } else {
            self.at(self.now + way_ms, Due::Arrival { request: number });
        }
    }

    fn arrive(&mut self, r: u32) {
        let Some(request) = self.requests.get(r) else { return };
        if request.cancelled {
            self.requests.take(r);
            return;
        }
        let reply = self.collector.answer(self.now);
        request.outcome = reply.outcome;
        let second = &mut self.seconds[self.now as usize / 1000];
        second.requests += 1;
        second.bytes += request.body.len() as u64;
        second.refused += u32::from(!reply.takes);
        if reply.takes {
            for key in keys(&request.body) {
                let browser = self.browsers[key.browser as usize].as_mut();
                if browser.is_some_and(|browser| browser.arrive(key)) {
                    second.rows += 1;
                } else {
                    second.duplicates += 1;
                }
            }
        }
        let at = self.now + request.way_ms + reply.after_ms as u32;
        self.at(at, Due::Answer { request: r });
    }

    fn answer(&mut self, r: u32) {
        let Some(request) = self.requests.take(r) else { return };
        let page = (request.page != u32::MAX).then(|| self.pages.get(request.page)).flatten();
        let Some(page) = page.filter(|page| page.birth == request.birth) else { return };
        page.attempts.retain(|(_, other)| *other != r);
        if !request.cancelled {
            let Request { attempt, outcome, .. } = request;
            self.tell(request.page, Input::Answer { attempt, outcome });
        }
    }

    // ---- the end

    fn evening(&mut self) -> Fate {
        let mut memory: Vec<Key> = Vec::new();
        for page in std::mem::take(&mut self.pages.slots).into_iter().flatten() {
            if let Some(browser) = &mut self.browsers[page.browser as usize] {
                browser.close(page.number, page.seq as u32, false);
            }
            self.drops(&page.machine.counts());
            for (attempt, _) in &page.attempts {
                memory.extend(keys(&page.machine.body(*attempt)));
            }
            memory.extend(page.machine.waiting().flat_map(keys));
        }
        memory.sort_unstable_by_key(|key| key.browser);
        let mut fate = Fate::default();
        for (number, browser) in self.browsers.iter().enumerate() {
            let Some(browser) = browser else { continue };
            let from = memory.partition_point(|key| (key.browser as usize) < number);
            let to = memory.partition_point(|key| (key.browser as usize) <= number);
            fate.add(browser.fate(&memory[from..to]));
            if browser.is_blocked {
                self.blocked.stored_max = self.blocked.stored_max.max(browser.stored_bytes());
            }
        }
        fate
    }
}
