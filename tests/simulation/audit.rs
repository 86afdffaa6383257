//! What must hold: after every input, and at the end.

use langflow_telemetry::config::Guarantee;
use langflow_telemetry::delivery::{Action, KEEPALIVE_BUDGET, Mode, PING_EXIT, Reason};

use crate::ledger::{Event, count, excuse};
use crate::schedule::Setup;
use crate::world::{Check, World};

/// Requests that a schedule may cost: so many for each event, and so many more.
const REQUESTS_PER_EVENT: u64 = 10;
const REQUESTS_BASE: u64 = 200;

impl World {
    /// The accounting identity, counters against what is really there, budget and bounds.
    pub(crate) fn audit(&mut self, p: usize) -> Check {
        let page = &mut self.pages[p];
        let counts = page.machine.counts();
        // A claim that lapsed meanwhile: what has a copy is not this page's to drop any more.
        if let Some(before) = page.stored_at_gone.take() {
            page.dropped[Reason::Rejected as usize] -= counts.stored.saturating_sub(before);
        }
        let page = &self.pages[p];
        let machine = &page.machine;
        let dropped: u32 = counts.dropped.iter().sum();
        let known =
            counts.sent + counts.unconfirmed + counts.queued + counts.in_flight + counts.stored + dropped;
        if counts.captured + counts.recovered != known {
            return Err(format!("page {p}: the accounts do not add up: {counts:?}"));
        }
        if counts.captured != page.given {
            return Err(format!("page {p}: {} captured of {} given", counts.captured, page.given));
        }
        let queued: usize = machine.waiting().map(count).sum();
        if counts.queued as usize != queued {
            return Err(format!("page {p}: {queued} events wait, not {}", counts.queued));
        }
        if counts.bytes > self.setup.limits.queue_bytes {
            return Err(format!("page {p}: {} bytes pass the queue's bound", counts.bytes));
        }
        // The identity alone would let an event that is lost, or opted out, pass for one that was sent.
        if counts.sent != page.acknowledged {
            return Err(format!("page {p}: {} sent, but {} acknowledged", counts.sent, page.acknowledged));
        }
        if counts.unconfirmed > 0 && self.setup.guarantee == Guarantee::AtLeastOnce {
            return Err(format!(
                "page {p}: {} left unconfirmed, which it may send again",
                counts.unconfirmed
            ));
        }
        // What is too old depends on whose claims still run, which the machine judges; the end looks at that.
        for reason in Reason::ALL.into_iter().filter(|reason| *reason != Reason::Expired) {
            let (counted, expected) = (counts.dropped[reason as usize], page.dropped[reason as usize]);
            if counted != expected {
                return Err(format!("page {p}: {counted} dropped as {}, not {expected}", reason.as_str()));
            }
        }
        Ok(())
    }

    /// At the end of a task: what is in flight, byte by byte, and the budget.
    pub(crate) fn audit_in_flight(&mut self, p: usize) -> Check {
        let page = &mut self.pages[p];
        let Setup { pings, frame, .. } = self.setup;
        let (mut events, mut bytes, mut keepalive) = (0, 0, 0);
        page.attempts.retain(|(attempt, number)| {
            let body = page.machine.body(*attempt);
            events += count(&body);
            bytes += body.len();
            let draws = !pings && number.is_some_and(|number| self.requests[number].draws());
            keepalive += if draws && !body.is_empty() { body.len() + frame } else { 0 };
            !body.is_empty()
        });
        if pings && (page.attempts.len() > PING_EXIT || page.attempts.len() != events) {
            return Err(format!("page {p}: {events} pings in {} requests", page.attempts.len()));
        }
        let counts = page.machine.counts();
        if counts.in_flight as usize != events {
            return Err(format!("page {p}: {events} events are in flight, not {}", counts.in_flight));
        }
        bytes += page.machine.waiting().map(<[u8]>::len).sum::<usize>();
        if counts.bytes != bytes {
            return Err(format!("page {p}: {bytes} bytes are held, not {}", counts.bytes));
        }
        if page.machine.keepalive_bytes() != keepalive {
            let counted = page.machine.keepalive_bytes();
            return Err(format!("page {p}: {keepalive} bytes draw on the budget, not {counted}"));
        }
        self.tally.keepalive_bytes = self.tally.keepalive_bytes.max(keepalive as u64);
        if keepalive > KEEPALIVE_BUDGET {
            return Err(format!("page {p}: {keepalive} bytes in flight pass the budget"));
        }
        Ok(())
    }

    /// A machine that may not work does nothing; a person who opted out sees the purge and nothing else.
    pub(crate) fn audit_actions(&self, p: usize, before: Mode, denying: bool, actions: &[Action]) -> Check {
        let after = self.pages[p].machine.mode();
        let ended = actions.iter().position(|action| matches!(action, Action::Settle { .. }));
        let mut steps = actions.iter().enumerate();
        let wrong = steps.find(|(at, action)| match action {
            Action::Settle { .. } => false,
            Action::Purge => !denying,
            // What ends what was under way.
            Action::Abort { .. } | Action::Disarm | Action::Forget { .. } if denying => false,
            _ if before != Mode::On && after != Mode::On || after == Mode::Off => true,
            Action::Send { .. } | Action::Arm { .. } | Action::Lease { .. } => {
                after != Mode::On && ended.is_some_and(|ended| *at > ended)
            }
            _ => false,
        });
        let wrong = wrong.map(|(_, action)| action);
        wrong.map_or(Ok(()), |action| Err(format!("page {p}, {before:?} → {after:?}: {action:?}")))
    }

    /// A promise is kept once, and is true only if it is.
    pub(crate) fn settle(&mut self, p: usize, token: u32, acknowledged: bool) -> Check {
        let Some(waiting) =
            self.pages[p].tokens.iter_mut().find(|other| other.token == token && !other.settled)
        else {
            return Err(format!("page {p} settles {token}, which nobody waits for"));
        };
        waiting.settled = true;
        self.tally.settled += 1;
        if acknowledged {
            self.tally.acknowledged += 1;
            // What becomes of a ping that was answered, nobody can tell.
            let told = |event: &Event| !self.setup.pings || event.excuses & excuse::REFUSED == 0;
            let missing = |key: &&usize| self.events[**key].arrivals == 0 && told(&self.events[**key]);
            if let Some(key) = waiting.keys.iter().find(missing) {
                return Err(format!("page {p} says that all is acknowledged, but {key} never arrived"));
            }
        }
        Ok(())
    }

    /// When all is over.
    pub(crate) fn verdict(&mut self) -> Check {
        for (p, page) in self.pages.iter().enumerate().filter(|(_, page)| page.awake()) {
            if let Some(token) = page.tokens.iter().find(|token| !token.settled) {
                return Err(format!("page {p} never settles {}", token.token));
            }
        }
        let once = self.setup.guarantee == Guarantee::AtMostOnce;
        for (key, event) in self.events.iter().enumerate() {
            if event.arrivals == 0 && event.excuses == 0 {
                return Err(format!("event {key} is lost"));
            }
            if once && event.arrivals > 1 + event.allowed {
                return Err(format!("event {key} arrived {} times", event.arrivals));
            }
        }
        self.sum_up()
    }

    fn sum_up(&mut self) -> Check {
        for page in &self.pages {
            for (sum, more) in self.tally.dropped.iter_mut().zip(page.machine.counts().dropped) {
                *sum += u64::from(more);
            }
        }
        let tally = &mut self.tally;
        for event in &self.events {
            tally.events += 1;
            tally.duplicates += u64::from(event.arrivals.saturating_sub(1));
            if event.arrivals > 0 {
                tally.delivered += 1;
            } else {
                tally.missing[event.excuses.trailing_zeros() as usize] += 1;
            }
        }
        // What the receiver refused, and what was too old, is counted by whoever held it.
        let counted = |reason: Reason| tally.dropped[reason as usize];
        let refused = self.events.iter().filter(|event| event.arrivals == 0 && event.heard_refused);
        if refused.count() as u64 > counted(Reason::Rejected) + counted(Reason::TooLarge) {
            return Err("events were refused, and nobody counted them".to_owned());
        }
        let expired =
            self.events.iter().filter(|event| event.arrivals == 0 && event.excuses == excuse::EXPIRED);
        if expired.count() as u64 > counted(Reason::Expired) {
            return Err("events were too old, and nobody counted them".to_owned());
        }
        if tally.requests > REQUESTS_BASE + REQUESTS_PER_EVENT * tally.events {
            return Err(format!("{} requests for {} events", tally.requests, tally.events));
        }
        if tally.events >= 10 {
            tally.requests_per_event = tally.requests * 100 / tally.events;
        }
        if self.opted_out && !self.store.entries().is_empty() {
            return Err("the person opted out, and something is in the store".to_owned());
        }
        if self.store.bytes() > self.setup.store_bytes {
            return Err("the store passed its bound".to_owned());
        }
        Ok(())
    }
}
