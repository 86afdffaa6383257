//! The rules of delivery, one test each, as one would explain them. That they hold together, whatever happens,
//! is for `simulation.rs` to show.
#![cfg(not(target_arch = "wasm32"))]

use langflow_telemetry::config::Guarantee;
use langflow_telemetry::delivery::{
    ATTEMPT_TIMEOUT_MS, Action, BEACON_MIN, Captured, DEFERRED_MAX, Delivery, Found, INSURANCE_MS, Input,
    KEEPALIVE_BUDGET, LEASE_MS, Mode, Notice, Now, Outcome, PING_EXIT, Reason, Rules, STORE_PAUSE_MS,
    STORED_AGE_MAX_MS, Via,
};
use langflow_telemetry::queue::Limits;
use langflow_telemetry::retry::BACKOFF_MAX_MS;

const RULES: Rules = Rules {
    limits: Limits { batch_events: 50, batch_bytes: 16_384, queue_bytes: 2_097_152 },
    flush_interval_ms: 5_000.0,
    guarantee: Guarantee::AtLeastOnce,
    store: true,
    deferred: false,
    beacon: true,
    pings: false,
    sampled_out: false,
};

/// Where a request takes no more than a batch along.
const ONCE: Rules = Rules { guarantee: Guarantee::AtMostOnce, ..RULES };

/// A page with consent, on both clocks.
struct Page {
    machine: Delivery,
    now: Now,
    /// What chance says next.
    random: f64,
}

impl Page {
    fn new(rules: Rules) -> Self {
        let mut page = Self::pending(rules);
        assert_eq!(page.tell(Input::Granted), if rules.store { vec![Action::Drain] } else { vec![] });
        page
    }

    fn pending(rules: Rules) -> Self {
        let now = Now { mono_ms: 0.0, wall_ms: 1_763_834_701_000.0 };
        Self { machine: Delivery::new(rules, "here".to_owned()), now, random: 0.5 }
    }

    fn tell(&mut self, input: Input) -> Vec<Action> {
        self.machine.handle(input, self.now, self.random)
    }

    /// Captures events, each of so many bytes.
    fn capture(&mut self, events: usize, bytes: usize) -> Vec<Action> {
        let line = line(bytes);
        let mut actions = Vec::new();
        for _ in 0..events {
            match self.machine.capture(&line, false) {
                Captured::Wake => actions.extend(self.tell(Input::Wake)),
                Captured::Quiet => {}
                other => panic!("{other:?}"),
            }
        }
        actions
    }

    fn capture_one(&mut self) -> Captured {
        self.machine.capture(&line(100), false)
    }

    /// Time passes; then the timer fires.
    fn later(&mut self, ms: f64) -> Vec<Action> {
        self.now.mono_ms += ms;
        self.now.wall_ms += ms;
        self.tell(Input::Tick)
    }

    fn answer(&mut self, attempt: u32, status: u16) -> Vec<Action> {
        self.answer_with(attempt, status, None, 0)
    }

    fn answer_with(
        &mut self,
        attempt: u32,
        status: u16,
        retry_after: Option<f64>,
        rejected: u32,
    ) -> Vec<Action> {
        let outcome = Outcome::Answered { status, retry_after_ms: retry_after, rejected };
        self.tell(Input::Answer { attempt, outcome })
    }

    fn unreachable(&mut self, attempt: u32) -> Vec<Action> {
        self.tell(Input::Answer { attempt, outcome: Outcome::Unreachable })
    }

    /// One event, sent by itself as attempt 1.
    fn with_one_in_flight(rules: Rules) -> Self {
        let mut page = Self::new(rules);
        page.capture(1, 100);
        assert_eq!(sends(&page.later(rules.flush_interval_ms)), [(1, Via::Keepalive)]);
        page
    }

    fn dropped(&self, reason: Reason) -> u32 {
        self.machine.counts().dropped[reason as usize]
    }
}

/// A line of so many bytes, most of them in characters of three bytes, one UTF-16 unit each.
fn line(bytes: usize) -> Vec<u8> {
    let text = bytes - 1;
    ["語".repeat(text / 3), "x".repeat(text % 3), "\n".to_owned()].concat().into_bytes()
}

fn sends(actions: &[Action]) -> Vec<(u32, Via)> {
    let sends = actions.iter().filter_map(|action| match action {
        Action::Send { attempt, via } => Some((*attempt, *via)),
        _ => None,
    });
    sends.collect()
}

/// The ids that are written, and whether as sent.
fn persists(actions: &[Action]) -> Vec<(u32, bool)> {
    let persists = actions.iter().filter_map(|action| match action {
        Action::Persist { id, sent, .. } => Some((*id, *sent)),
        _ => None,
    });
    persists.collect()
}

/// Bytes of each deferred request.
fn insured(actions: &[Action]) -> Vec<usize> {
    let insured = actions.iter().filter_map(|action| match action {
        Action::Insure { lines } => Some(lines.len()),
        _ => None,
    });
    insured.collect()
}

fn found(session: &str, id: u32, written_ms: f64, lease_ms: Option<f64>) -> Found {
    Found { session: session.to_owned(), id, written_ms, lines: line(100), events: 1, lease_ms }
}

// ---- batches

#[test]
fn a_batch_is_closed_before_the_event_that_would_pass_its_bytes() {
    let mut page = Page::new(ONCE);
    page.capture(3, 6_000);
    assert_eq!(sends(&page.later(0.0)), [(1, Via::Keepalive)], "the full one need not wait");
    assert_eq!(page.machine.body(1).len(), 12_000);
}

#[test]
fn a_batch_is_closed_by_its_number_of_events() {
    let mut page = Page::new(ONCE);
    page.capture(51, 20);
    assert_eq!(sends(&page.later(0.0)), [(1, Via::Keepalive)]);
    assert_eq!(page.machine.counts().in_flight, 50);
}

#[test]
fn what_is_open_goes_along_with_what_is_full_where_twice_does_no_harm() {
    let mut page = Page::new(RULES);
    page.capture(51, 20);
    assert_eq!(sends(&page.later(0.0)), [(1, Via::Keepalive)]);
    assert_eq!(page.machine.counts().in_flight, 51);
}

#[test]
fn a_script_that_fills_batch_after_batch_arms_one_timer() {
    let mut page = Page::new(RULES);
    let armed =
        |actions: &[Action]| actions.iter().filter(|action| matches!(action, Action::Arm { .. })).count();
    let actions: Vec<_> = (0..500)
        .flat_map(|_| {
            page.now.mono_ms += 0.1;
            page.capture(1, 100)
        })
        .collect();
    assert_eq!(armed(&actions), 2, "the first event's, and then that of the first full batch");
}

#[test]
fn an_open_batch_leaves_after_the_flush_interval() {
    let mut page = Page::new(RULES);
    assert!(page.capture(1, 100).contains(&Action::Arm { after_ms: INSURANCE_MS }));
    assert_eq!(sends(&page.later(4_999.0)), []);
    assert_eq!(sends(&page.later(1.0)), [(1, Via::Keepalive)]);
}

#[test]
fn the_newest_is_refused_when_the_queue_is_full() {
    let mut page = Page::new(Rules { limits: Limits { queue_bytes: 1_000, ..RULES.limits }, ..RULES });
    page.capture(2, 500);
    let refused = Captured::Refused(Some(Notice::Dropped(Reason::QueueFull, 1)));
    assert_eq!(page.machine.capture(&line(2), false), refused);
    page.later(5_000.0);
    assert_eq!(page.machine.counts().in_flight, 2);
    assert!(matches!(page.machine.capture(&line(2), false), Captured::Refused(_)), "in flight counts too");
    page.answer(1, 200);
    assert!(matches!(page.machine.capture(&line(2), false), Captured::Quiet | Captured::Wake));
}

// ---- keepalive, beacons, leaving

#[test]
fn keepalive_and_beacon_bodies_share_one_budget_in_exact_bytes() {
    let mut page = Page::new(RULES);
    page.capture(6, 16_000);
    page.tell(Input::Hidden);
    assert_eq!(page.machine.keepalive_bytes(), 48_000, "three of 16,000 bytes fit into 60 KiB, not four");
    page.capture(1, 16_000);
    page.tell(Input::Leaving);
    assert!(page.machine.keepalive_bytes() <= KEEPALIVE_BUDGET);
}

#[test]
fn a_visible_page_leaves_half_of_the_budget_to_the_exit() {
    let mut page = Page::new(ONCE);
    page.capture(3, 16_000);
    let sent = sends(&page.later(0.0));
    assert_eq!(sent, [(1, Via::Keepalive), (2, Via::Fetch)]);
}

#[test]
fn a_hidden_page_sends_the_urgent_first_then_the_oldest_and_stores_exactly_the_rest() {
    let mut page = Page::new(RULES);
    page.capture(6, 16_000);
    page.machine.capture(b"urgent\n", true);
    let actions = page.tell(Input::Hidden);
    // All in this one task: what fits by keepalive, and the rest by plain fetch, for a hidden page often lives.
    assert_eq!(sends(&actions)[0], (1, Via::Keepalive));
    assert!(sends(&actions)[1..].iter().all(|(_, via)| *via == Via::Fetch));
    assert!(page.machine.body(1).starts_with(b"urgent\n"));
    let kept = persists(&actions);
    assert_eq!(kept.len(), 7, "at least once: what has no answer is kept, as sent or unsent");
    assert_eq!(page.machine.counts().queued + page.machine.counts().in_flight, 7);
}

#[test]
fn a_page_that_leaves_awaits_nothing() {
    let mut page = Page::new(RULES);
    page.capture(1, 100);
    assert_eq!(sends(&page.tell(Input::Flush { token: 1 })), [(1, Via::Keepalive)]);
    page.capture(1, 100);
    let actions = page.tell(Input::Leaving);
    assert_eq!(sends(&actions), [(2, Via::Beacon)], "though the answer to the first is still due");
    assert_eq!(persists(&actions), [(1, true), (2, true)]);
}

#[test]
fn a_plain_fetch_is_started_again_by_something_that_outlives_the_page() {
    let mut page = Page::new(RULES);
    page.capture(3, 16_000);
    assert_eq!(sends(&page.later(0.0)), [(1, Via::Fetch)], "more than keepalive may take of a visible page");
    let actions = page.tell(Input::Leaving);
    assert!(actions.contains(&Action::Abort { attempt: 1 }));
    assert_eq!(sends(&actions), [(2, Via::Beacon)]);
    assert_eq!(page.machine.body(2).len(), 48_000);
}

#[test]
fn a_page_that_leaves_does_first_what_matters_most() {
    let mut page = Page::new(RULES);
    page.capture(3, 16_000);
    assert_eq!(sends(&page.later(0.0)), [(1, Via::Fetch)]);
    page.capture(1, 16_000);
    let actions = page.tell(Input::Leaving);
    let at = |found: &dyn Fn(&Action) -> bool| actions.iter().position(found).expect("such an action");
    let beacon = at(&|action| matches!(action, Action::Send { via: Via::Beacon, .. }));
    let copy = at(&|action| matches!(action, Action::Persist { .. }));
    let fetch = at(&|action| matches!(action, Action::Send { via: Via::Fetch, .. }));
    let abort = at(&|action| matches!(action, Action::Abort { .. }));
    // A browser may end the script in the middle.
    assert!(beacon < copy && copy < abort && copy < fetch, "{actions:?}");
}

#[test]
fn a_refused_beacon_halves_down_to_16_kib_then_goes_by_keepalive_then_to_the_store() {
    let mut page = Page::new(RULES);
    page.capture(3, 15_000);
    let actions = page.tell(Input::Leaving);
    assert_eq!(sends(&actions), [(1, Via::Beacon)]);
    assert_eq!(persists(&actions).len(), 3);
    let refused = |attempt| Input::Answer { attempt, outcome: Outcome::BeaconRefused };
    assert_eq!(sends(&page.tell(refused(1))), [(2, Via::Beacon), (3, Via::Beacon)]);
    assert!(page.machine.body(2).len() <= BEACON_MIN);
    assert_eq!(sends(&page.tell(refused(2))), [(4, Via::Keepalive)]);
    // Refused as well: it is in the store, as not sent.
    assert_eq!(persists(&page.unreachable(4)), [(1, false)]);
}

#[test]
fn without_beacons_a_page_leaves_by_keepalive() {
    let mut page = Page::new(Rules { beacon: false, ..RULES });
    page.capture(1, 100);
    assert_eq!(sends(&page.tell(Input::Leaving)), [(1, Via::Keepalive)]);
}

#[test]
fn an_event_tracked_after_the_page_left_leaves_at_once() {
    let mut page = Page::new(RULES);
    page.tell(Input::Leaving);
    assert_eq!(sends(&page.capture(1, 100)), [(1, Via::Beacon)]);
}

#[test]
fn a_frozen_page_keeps_all_and_starts_nothing_until_it_is_resumed() {
    for guarantee in [Guarantee::AtLeastOnce, Guarantee::AtMostOnce] {
        let mut page = Page::new(Rules { guarantee, ..RULES });
        page.capture(1, 100);
        let actions = page.tell(Input::Frozen);
        assert_eq!((sends(&actions), persists(&actions)), (vec![], vec![(1, false)]));
        // Another listener of the same event tracks something.
        let actions = page.capture(1, 100);
        assert_eq!((sends(&actions), persists(&actions)), (vec![], vec![(2, false)]));
        assert!(page.tell(Input::Returned).contains(&Action::Drain));
        let copies = [1, 2].map(|id| found("here", id, page.now.wall_ms, None)).to_vec();
        assert_eq!(sends(&page.tell(Input::Drained(copies))).len(), 1);
        assert_eq!(page.machine.counts().in_flight, 2);
    }
}

#[test]
fn what_took_the_place_of_a_refused_beacon_is_insured_too() {
    let mut page = Page::new(Rules { deferred: true, ..RULES });
    page.capture(1, 100);
    assert!(insured(&page.tell(Input::Leaving)).is_empty(), "what a beacon carries needs no other way");
    let actions = page.tell(Input::Answer { attempt: 1, outcome: Outcome::BeaconRefused });
    assert_eq!((sends(&actions), insured(&actions)), (vec![(2, Via::Keepalive)], vec![100]));
    assert_eq!(insured(&page.unreachable(2)), [100], "refused as well: no other try will be made here");
}

// ---- insurance

#[test]
fn the_deferred_request_mirrors_the_queue_at_most_once_a_second() {
    let mut page = Page::new(Rules { deferred: true, flush_interval_ms: 60_000.0, ..RULES });
    page.capture(1, 100);
    assert!(insured(&page.later(INSURANCE_MS - 1.0)).is_empty());
    page.capture(1, 100);
    assert_eq!(insured(&page.later(1.0)), [200]);
    page.capture(1, 100);
    assert!(insured(&page.later(INSURANCE_MS - 1.0)).is_empty(), "not yet again");
    let actions = page.later(1.0);
    assert_eq!(insured(&actions), [300]);
    assert_eq!(persists(&actions), [], "there is no need of the store");
    // In flight is not yet there.
    page.tell(Input::Flush { token: 1 });
    assert!(insured(&page.later(INSURANCE_MS)).is_empty());
    page.answer(1, 200);
    assert!(page.later(INSURANCE_MS).contains(&Action::Uninsure), "acknowledged");
}

#[test]
fn what_a_deferred_request_cannot_hold_goes_to_the_store() {
    let mut page = Page::new(Rules { deferred: true, flush_interval_ms: 60_000.0, ..RULES });
    page.capture(4, DEFERRED_MAX / 4);
    assert_eq!(persists(&page.later(INSURANCE_MS)), []);
    page.capture(1, 100);
    assert_eq!(persists(&page.later(INSURANCE_MS)).len(), 5, "all that there is");
}

#[test]
fn without_a_deferred_request_the_store_does_its_job_once_a_second() {
    let mut page = Page::new(Rules { flush_interval_ms: 60_000.0, ..RULES });
    page.capture(1, 100);
    let actions = page.later(INSURANCE_MS);
    assert_eq!(persists(&actions), [(1, false)]);
    let until_ms = page.now.wall_ms + LEASE_MS;
    assert_eq!(actions[0], Action::Lease { until_ms }, "claimed before it can be found");
    page.capture(1, 100);
    assert_eq!(persists(&page.later(INSURANCE_MS - 1.0)), []);
    assert_eq!(persists(&page.later(1.0)), [(1, false)]);
}

#[test]
fn what_is_in_flight_is_insured_too() {
    let mut page = Page::new(Rules { flush_interval_ms: 500.0, ..RULES });
    page.capture(1, 100);
    assert_eq!(sends(&page.later(500.0)), [(1, Via::Keepalive)]);
    assert_eq!(persists(&page.later(500.0)), [(1, true)], "half a second without an answer");
}

#[test]
fn a_browser_that_refuses_the_deferred_request_leaves_its_job_to_the_store_at_once() {
    let mut page = Page::new(Rules { deferred: true, flush_interval_ms: 60_000.0, ..RULES });
    page.capture(1, 100);
    page.later(INSURANCE_MS);
    assert_eq!(persists(&page.tell(Input::DeferredFailed)), [(1, false)]);
}

#[test]
fn only_a_receiver_that_dedups_gets_a_deferred_request() {
    let mut page = Page::new(Rules { deferred: true, guarantee: Guarantee::AtMostOnce, ..RULES });
    page.capture(1, 100);
    let actions = page.later(INSURANCE_MS);
    assert!(!actions.iter().any(|action| matches!(action, Action::Insure { .. })));
    assert_eq!(persists(&actions), [(1, false)]);
}

// ---- answers

#[test]
fn any_2xx_is_done() {
    for status in [200, 201, 202, 204, 299] {
        let mut page = Page::with_one_in_flight(RULES);
        page.answer(1, status);
        assert_eq!((page.machine.counts().sent, page.machine.counts().in_flight), (1, 0), "{status}");
    }
}

#[test]
fn what_may_get_better_is_tried_again() {
    for status in [408, 425, 429, 500, 502, 503, 504] {
        let mut page = Page::with_one_in_flight(RULES);
        let body = page.machine.body(1);
        page.answer(1, status);
        assert_eq!(page.machine.counts().queued, 1, "{status}");
        assert_eq!(sends(&page.later(1_000.0)), [(2, Via::Keepalive)], "{status}");
        assert_eq!(page.machine.body(2), body, "the same keys");
        assert_eq!(page.machine.counts().retried, 1);
    }
}

#[test]
fn other_4xx_drop_the_batch_and_count_it() {
    for status in [400, 401, 403, 404, 415, 422, 302] {
        let mut page = Page::with_one_in_flight(RULES);
        let actions = page.answer(1, status);
        assert!(actions.contains(&Action::Tell(Notice::Dropped(Reason::Rejected, 1))), "{status}");
        assert_eq!(page.dropped(Reason::Rejected), 1);
        assert_eq!(sends(&page.later(BACKOFF_MAX_MS)), []);
    }
}

#[test]
fn one_bad_line_costs_that_line() {
    let mut page = Page::new(RULES);
    page.capture(5, 100);
    page.later(5_000.0);
    page.answer_with(1, 200, None, 2);
    assert_eq!((page.machine.counts().sent, page.dropped(Reason::Rejected)), (3, 2));
}

#[test]
fn a_413_halves_the_batch_down_to_the_event_that_is_too_large() {
    let mut page = Page::new(RULES);
    page.capture(2, 100);
    page.later(5_000.0);
    let halves = page.answer(1, 413);
    assert_eq!(sends(&halves), [(2, Via::Keepalive), (3, Via::Keepalive)], "at once: it is no failure");
    page.answer(2, 200);
    page.answer(3, 413);
    assert_eq!((page.machine.counts().sent, page.dropped(Reason::TooLarge)), (1, 1));
}

#[test]
fn a_410_stops_the_client_for_this_page() {
    let mut page = Page::with_one_in_flight(RULES);
    page.capture(1, 100);
    assert!(page.answer(1, 410).contains(&Action::Tell(Notice::Stopped)));
    assert_eq!((page.machine.mode(), page.dropped(Reason::Rejected)), (Mode::Stopped, 2));
    assert!(matches!(page.machine.capture(&line(100), false), Captured::Refused(_)));
    assert_eq!(page.later(BACKOFF_MAX_MS), []);
    page.tell(Input::Denied);
    assert_eq!(page.tell(Input::Granted), [], "consent does not change the receiver's mind");
}

// ---- retry

#[test]
fn the_backoff_is_exponential_with_full_jitter_from_1_s_to_5_min() {
    let mut page = Page::with_one_in_flight(RULES);
    page.random = 0.999;
    let mut waits = Vec::new();
    for attempt in 1..=10 {
        page.answer(attempt, 503);
        let failed_at = page.now.mono_ms;
        while sends(&page.later(500.0)).is_empty() {}
        waits.push((page.now.mono_ms - failed_at) / 1_000.0);
    }
    assert_eq!(waits, [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 300.0]);
    page.answer(11, 200);
    page.capture(1, 100);
    page.later(5_000.0);
    page.random = 0.0;
    assert_eq!(sends(&page.answer(12, 503)), [(13, Via::Keepalive)], "full jitter: it may be at once");
    page.answer(13, 200);
    page.capture(1, 100);
    page.later(5_000.0);
    page.random = 0.999;
    page.answer(14, 503);
    assert_eq!(sends(&page.later(1_000.0)), [(15, Via::Keepalive)], "a success begins anew");
}

#[test]
fn requests_that_fail_together_are_one_failure() {
    // More than it takes for the breaker to open.
    let mut page = Page::new(PINGS);
    page.random = 0.999;
    page.capture(200, 100);
    assert_eq!(sends(&page.tell(Input::Flush { token: 1 })).len(), 6);
    for attempt in 1..=6 {
        page.unreachable(attempt);
    }
    assert!(!page.machine.is_blocked());
    assert_eq!(sends(&page.later(1_000.0)).len(), 1, "after a failure, one at a time");
}

#[test]
fn retry_after_is_a_floor_that_nothing_hurries() {
    let mut page = Page::with_one_in_flight(RULES);
    page.random = 0.0;
    page.answer_with(1, 429, Some(20_000.0), 0);
    page.later(10_000.0);
    let flush = page.tell(Input::Flush { token: 7 });
    assert!(flush.contains(&Action::Settle { token: 7, acknowledged: false }), "it will not be soon");
    assert_eq!(sends(&flush), []);
    let hidden = page.tell(Input::Hidden);
    assert_eq!(sends(&hidden), []);
    assert_eq!(sends(&page.later(9_999.0)), []);
    assert_eq!(sends(&page.later(1.0)), [(2, Via::Keepalive)]);
}

#[test]
fn a_fleet_that_is_told_one_moment_comes_back_over_as_long_again() {
    let mut page = Page::with_one_in_flight(RULES);
    page.random = 0.75;
    page.answer_with(1, 429, Some(20_000.0), 0);
    for _ in 0..6 {
        assert_eq!(sends(&page.later(5_000.0)), [], "others were told the same moment");
    }
    assert_eq!(sends(&page.later(4_999.0)), []);
    assert_eq!(sends(&page.later(1.0)), [(2, Via::Keepalive)], "20 s, and three quarters of 20 s");
}

#[test]
fn who_cannot_wait_comes_as_soon_as_retry_after_allows() {
    let mut page = Page::with_one_in_flight(RULES);
    page.random = 0.75;
    page.answer_with(1, 429, Some(20_000.0), 0);
    for _ in 0..4 {
        assert_eq!(sends(&page.later(5_000.0)), []);
    }
    assert_eq!(sends(&page.tell(Input::Hidden)), [(2, Via::Keepalive)]);
}

#[test]
fn what_piled_up_while_the_receiver_was_away_leaves_in_full_batches() {
    let mut page = Page::with_one_in_flight(RULES);
    page.random = 0.999;
    // Every failed try closes a batch: each of these events is one of its own.
    for attempt in 1..=6 {
        page.answer(attempt, 503);
        page.capture(1, 100);
        while sends(&page.later(1_000.0)).is_empty() {}
    }
    assert_eq!(page.machine.counts().in_flight, 7, "seven events, one request");
    page.answer(7, 200);
    assert_eq!(page.machine.counts().sent, 7);
}

#[test]
fn a_backlog_leaves_in_few_requests_until_one_gets_no_answer() {
    let mut page = Page::new(RULES);
    page.capture(40, 16_000);
    let bodies = |page: &Page, sent: &[(u32, Via)]| -> Vec<usize> {
        sent.iter().map(|(attempt, _)| page.machine.body(*attempt).len()).collect()
    };
    let sent = sends(&page.later(0.0));
    assert_eq!(
        bodies(&page, &sent),
        [384_000],
        "24 batches fit into 384 KiB; the next request has a task of its own"
    );
    let sent = sends(&page.later(0.0));
    assert_eq!(bodies(&page, &sent), [256_000]);
    page.answer(2, 200);
    page.answer(1, 503);
    let sent = sends(&page.later(1_000.0));
    assert_eq!(bodies(&page, &sent), [384_000], "an answer is no reason to be cautious");
    page.unreachable(sent[0].0);
    let sent = sends(&page.later(1_000.0));
    assert_eq!(bodies(&page, &sent), [16_000], "a slow line may not take more in 10 s");
}

#[test]
fn large_requests_leave_one_a_task() {
    let fetched = |sent: &[(u32, Via)]| sent.iter().filter(|(_, via)| *via == Via::Fetch).count();
    let mut page = Page::new(RULES);
    page.capture(60, 16_000);
    for expected in [1, 1, 0] {
        assert_eq!(fetched(&sends(&page.later(0.0))), expected, "until the window is full");
    }
    // One beside the keepalive request fills the window of a page that is hidden.
    let mut page = Page::new(RULES);
    page.capture(60, 16_000);
    assert_eq!(fetched(&sends(&page.tell(Input::Hidden))), 1);
}

#[test]
fn what_may_be_sent_once_only_travels_batch_by_batch() {
    let mut page = Page::with_one_in_flight(ONCE);
    page.random = 0.999;
    for attempt in 1..=3 {
        page.answer(attempt, 503);
        page.capture(1, 8_000);
        while sends(&page.later(1_000.0)).is_empty() {}
    }
    assert_eq!(page.machine.body(4).len(), 100 + 2 * 8_000, "a third one would pass 16 KiB");
    assert_eq!(sends(&page.answer(4, 200)), [(5, Via::Keepalive)]);
}

#[test]
fn after_a_413_batches_travel_alone() {
    let mut page = Page::with_one_in_flight(RULES);
    page.random = 0.999;
    for attempt in 1..=2 {
        page.answer(attempt, 503);
        page.capture(1, 100);
        while sends(&page.later(1_000.0)).is_empty() {}
    }
    assert_eq!(page.machine.body(3).len(), 300);
    let sent = sends(&page.answer(3, 413));
    assert_eq!(sent.len(), 2, "together they were too large: as many as may be in flight");
    assert!(sent.iter().all(|(attempt, _)| page.machine.body(*attempt).len() == 100));
    let sent = sends(&page.answer(4, 200));
    assert_eq!(sent.iter().map(|(attempt, _)| page.machine.body(*attempt).len()).collect::<Vec<_>>(), [100]);
}

/// Nobody would hear of the next 413.
#[test]
fn after_a_413_batches_leave_alone_also_where_the_page_goes() {
    for rules in [ONCE, RULES] {
        let mut page = Page::new(Rules { flush_interval_ms: 60_000.0, ..rules });
        page.capture(1, 100);
        page.tell(Input::Flush { token: 1 });
        page.answer(1, 413);
        page.capture(2, 14_000);
        let sent = sends(&page.tell(Input::Leaving));
        assert!(sent.iter().all(|(_, via)| *via == Via::Beacon), "{sent:?}");
        let bytes: Vec<usize> = sent.iter().map(|(attempt, _)| page.machine.body(*attempt).len()).collect();
        assert_eq!(bytes, [14_000, 14_000]);
    }
}

#[test]
fn after_a_413_the_deferred_request_is_no_insurance_alone() {
    let mut page = Page::new(Rules { deferred: true, flush_interval_ms: 60_000.0, ..RULES });
    page.capture(2, 100);
    assert_eq!(persists(&page.later(INSURANCE_MS)), []);
    page.tell(Input::Flush { token: 1 });
    page.answer(1, 413);
    assert_eq!(persists(&page.later(INSURANCE_MS)).len(), 2);
}

#[test]
fn a_try_without_an_answer_is_aborted_after_10_s() {
    let mut page = Page::with_one_in_flight(RULES);
    assert!(!page.later(ATTEMPT_TIMEOUT_MS - 1.0).contains(&Action::Abort { attempt: 1 }));
    assert!(page.later(1.0).contains(&Action::Abort { attempt: 1 }));
    assert_eq!(page.machine.counts().queued, 1);
    // An answer that comes after all is nobody's.
    page.answer(1, 200);
    assert_eq!((page.machine.counts().queued, page.machine.counts().sent), (1, 0));
}

#[test]
fn three_network_failures_open_a_breaker_that_one_probe_closes() {
    let mut page = Page::with_one_in_flight(RULES);
    for attempt in 1..=3 {
        let actions = page.unreachable(attempt);
        assert_eq!(actions.contains(&Action::Tell(Notice::EndpointBlocked(1))), attempt == 3);
        if attempt < 3 {
            page.later(4_000.0);
        }
    }
    assert!(page.machine.is_blocked());
    assert_eq!(sends(&page.tell(Input::Flush { token: 1 })), [], "not even a flush hurries it");
    page.capture(200, 100);
    assert_eq!(sends(&page.later(4_000.0)), [(4, Via::Keepalive)], "one probe");
    page.answer(4, 200);
    assert!(!page.machine.is_blocked());
    assert!(page.machine.counts().in_flight > 50, "and all goes on");
}

#[test]
fn any_answer_shows_that_nobody_blocks_the_endpoint() {
    let mut page = Page::with_one_in_flight(RULES);
    for attempt in 1..=3 {
        page.unreachable(attempt);
        page.later(4_000.0);
    }
    assert!(page.machine.is_blocked());
    page.answer(4, 503);
    assert!(!page.machine.is_blocked());
}

#[test]
fn offline_pauses_and_online_resumes() {
    let mut page = Page::new(RULES);
    page.tell(Input::Offline);
    page.capture(1, 100);
    assert_eq!(sends(&page.later(60_000.0)), []);
    assert_eq!(sends(&page.tell(Input::Hidden)), [], "nor at hide");
    assert_eq!(sends(&page.tell(Input::Online)), [(1, Via::Keepalive)]);
}

// ---- the store

#[test]
fn a_new_page_takes_over_what_nobody_claims_oldest_first() {
    let mut page = Page::new(RULES);
    let wall_ms = page.now.wall_ms;
    let batches = vec![found("young", 3, wall_ms - 1_000.0, None), found("old", 9, wall_ms - 9_000.0, None)];
    let actions = page.tell(Input::Drained(batches));
    let adopted: Vec<_> = actions
        .iter()
        .filter_map(|action| match action {
            Action::Adopt { session, id, .. } => Some((session.as_str(), *id)),
            _ => None,
        })
        .collect();
    assert_eq!(adopted, [("young", 3), ("old", 9)], "each put in front of the one before");
    assert!(actions.contains(&Action::Lease { until_ms: wall_ms + LEASE_MS }));
    assert_eq!(sends(&actions), [(1, Via::Keepalive)]);
    assert_eq!((page.machine.counts().recovered, page.machine.counts().in_flight), (2, 2), "in one request");
    assert!(page.answer(1, 200).iter().any(|action| matches!(action, Action::Forget { .. })));
}

#[test]
fn what_another_tab_claims_is_left_alone_until_its_lease_ends() {
    let mut page = Page::new(RULES);
    let until = page.now.wall_ms + 5_000.0;
    let theirs = || vec![found("there", 1, until - 9_000.0, Some(until))];
    let actions = page.tell(Input::Drained(theirs()));
    assert_eq!((sends(&actions), page.machine.counts().recovered), (vec![], 0));
    assert!(page.later(5_000.0 + INSURANCE_MS).contains(&Action::Drain), "it looks again");
    assert_eq!(sends(&page.tell(Input::Drained(theirs()))), [(1, Via::Keepalive)], "they crashed");
}

#[test]
fn a_lease_from_before_the_clock_was_set_back_is_none_for_its_holder_either() {
    let mut page = Page::new(Rules { guarantee: Guarantee::AtMostOnce, ..RULES });
    page.tell(Input::Offline);
    page.capture(1, 100);
    page.later(INSURANCE_MS);
    page.now.wall_ms -= 3_600_000.0;
    assert!(page.later(1.0).contains(&Action::Drain));
    assert_eq!((page.machine.counts().queued, page.machine.counts().stored), (0, 1), "another may have it");
    let mut other = Page::new(RULES);
    other.now = page.now;
    let claimed = found("here", 1, page.now.wall_ms, Some(page.now.wall_ms + 3_600_000.0));
    assert_eq!(sends(&other.tell(Input::Drained(vec![claimed]))), [(1, Via::Keepalive)]);
}

#[test]
fn a_page_that_returns_takes_from_the_store_what_is_still_there() {
    let mut page = Page::new(RULES);
    page.tell(Input::Offline);
    page.capture(1, 100);
    page.tell(Input::Leaving);
    let back = page.tell(Input::Returned);
    assert!(back.contains(&Action::Drain));
    assert_eq!((page.machine.counts().queued, page.machine.counts().stored), (0, 1));
    let own = found("here", 1, page.now.wall_ms, None);
    assert_eq!(sends(&page.tell(Input::Drained(vec![own]))), [(1, Via::Keepalive)]);
    assert_eq!((page.machine.counts().recovered, page.machine.counts().stored), (0, 0));
}

#[test]
fn what_is_older_than_7_days_is_given_up_and_counted() {
    let mut page = Page::new(RULES);
    let old = page.now.wall_ms - STORED_AGE_MAX_MS - 1.0;
    let actions = page.tell(Input::Drained(vec![found("there", 1, old, None)]));
    assert!(actions.contains(&Action::ForgetForeign { session: "there".to_owned(), id: 1 }));
    assert_eq!(page.dropped(Reason::Expired), 1);
}

#[test]
fn what_does_not_fit_into_memory_stays_in_the_store_until_there_is_room() {
    let mut page = Page::new(Rules { limits: Limits { queue_bytes: 150, ..RULES.limits }, ..RULES });
    let wall_ms = page.now.wall_ms;
    let both = vec![found("a", 1, wall_ms, None), found("b", 1, wall_ms, None)];
    assert_eq!(sends(&page.tell(Input::Drained(both))), [(1, Via::Keepalive)]);
    assert!(page.answer(1, 200).contains(&Action::Drain));
}

#[test]
fn what_another_page_leaves_is_looked_for_when_it_leaves() {
    let mut page = Page::new(RULES);
    assert_eq!(page.tell(Input::Noticed), [Action::Drain]);
}

#[test]
fn a_store_that_refuses_means_less_durability_and_one_notice() {
    let mut page = Page::new(RULES);
    page.tell(Input::Offline);
    page.capture(1, 100);
    assert_eq!(persists(&page.later(INSURANCE_MS)), [(1, false)]);
    let actions = page.tell(Input::StoreFailed { id: 1 });
    assert!(actions.contains(&Action::Tell(Notice::StoreUnavailable(1))));
    assert!(actions.contains(&Action::Forget { id: 1 }), "no older copy stays behind");
    let told = |action: &Action| matches!(action, Action::Tell(_));
    assert!(!page.tell(Input::StoreFailed { id: 2 }).iter().any(told), "a full store refuses all: once");
    assert_eq!(persists(&page.later(STORE_PAUSE_MS - 1.0)), [], "left alone for a while");
    assert_eq!(persists(&page.later(1.0)), [(1, false)]);
    page.tell(Input::StoreFailed { id: 1 });
    assert_eq!(persists(&page.tell(Input::Leaving)), [(1, false)], "but asked once more at the end");
}

#[test]
fn a_store_that_refuses_does_not_keep_the_deferred_request_from_being_renewed() {
    let mut page = Page::new(Rules { deferred: true, flush_interval_ms: 600_000.0, ..RULES });
    page.tell(Input::Offline);
    page.capture(1, 100);
    page.later(INSURANCE_MS);
    page.tell(Input::StoreFailed { id: 1 });
    page.tell(Input::Online);
    page.tell(Input::Tick);
    page.capture(1, 100);
    assert_eq!(insured(&page.later(INSURANCE_MS)), [200]);
}

/// `localStorage.clear()` is how many a page logs its user out.
#[test]
fn what_was_kept_is_kept_again_where_somebody_cleared_the_store() {
    let mut page = Page::new(Rules { flush_interval_ms: 600_000.0, ..RULES });
    page.tell(Input::Offline);
    page.capture(1, 100);
    assert_eq!(persists(&page.later(INSURANCE_MS)), [(1, false)]);
    page.tell(Input::Cleared);
    let actions = page.later(INSURANCE_MS);
    assert_eq!(persists(&actions), [(1, false)]);
    assert!(matches!(actions[0], Action::Lease { .. }), "and claimed again");
    page.tell(Input::Cleared);
    assert_eq!(persists(&page.tell(Input::Leaving)), [(1, false)], "at the latest when the page goes");
}

#[test]
fn a_claim_that_ran_out_over_a_store_that_was_cleared_costs_nothing() {
    let mut page = Page::new(Rules { flush_interval_ms: 600_000.0, ..RULES });
    page.tell(Input::Offline);
    page.capture(1, 100);
    page.later(INSURANCE_MS);
    page.now.mono_ms += 2.0 * LEASE_MS;
    page.now.wall_ms += 2.0 * LEASE_MS;
    page.tell(Input::Cleared);
    page.tell(Input::Tick);
    let counts = page.machine.counts();
    assert_eq!((counts.queued, counts.stored), (1, 0));
}

/// Somebody else may have taken it, sent it, and cleared the store.
#[test]
fn what_may_be_sent_once_is_not_ours_any_more_where_the_claim_ran_out_before_the_store_was_cleared() {
    let mut page = Page::new(Rules { flush_interval_ms: 600_000.0, ..ONCE });
    page.tell(Input::Offline);
    page.capture(1, 100);
    assert_eq!(persists(&page.later(INSURANCE_MS)), [(1, false)]);
    page.now.mono_ms += 2.0 * LEASE_MS;
    page.now.wall_ms += 2.0 * LEASE_MS;
    page.tell(Input::Cleared);
    page.tell(Input::Online);
    assert_eq!(sends(&page.later(600_000.0)), []);
    let counts = page.machine.counts();
    assert_eq!((counts.queued, counts.stored), (0, 1));
}

// ---- guarantees

#[test]
fn at_least_once_keeps_what_was_sent_at_exit_without_an_answer() {
    let mut page = Page::new(RULES);
    page.capture(1, 100);
    let actions = page.tell(Input::Leaving);
    assert_eq!(persists(&actions), [(1, true)]);
    assert!(!actions.contains(&Action::Forget { id: 1 }));
}

#[test]
fn at_most_once_removes_the_copy_before_it_sends_and_keeps_only_what_was_not_sent() {
    let mut page = Page::new(Rules { guarantee: Guarantee::AtMostOnce, ..RULES });
    page.capture(1, 100);
    assert_eq!(persists(&page.later(INSURANCE_MS)), [(1, false)]);
    let actions = page.later(4_000.0);
    let forgotten = actions.iter().position(|action| *action == Action::Forget { id: 1 });
    let sent = actions.iter().position(|action| matches!(action, Action::Send { .. }));
    assert!(forgotten.is_some() && forgotten < sent);
    page.capture(5, 16_000);
    let leaving = page.tell(Input::Leaving);
    assert_eq!(sends(&leaving), [(2, Via::Beacon)]);
    assert_eq!(persists(&leaving).len(), 2, "three fitted, two are kept for the next visit");
}

#[test]
fn at_most_once_never_learns_what_became_of_a_beacon() {
    let mut page = Page::new(Rules { guarantee: Guarantee::AtMostOnce, ..RULES });
    page.capture(1, 100);
    page.tell(Input::Leaving);
    page.tell(Input::Returned);
    page.later(ATTEMPT_TIMEOUT_MS);
    assert_eq!((page.machine.counts().unconfirmed, page.machine.counts().queued), (1, 0));
}

#[test]
fn at_most_once_leaves_alone_what_others_may_have_taken_since_the_page_left() {
    let mut page = Page::new(Rules { guarantee: Guarantee::AtMostOnce, ..RULES });
    page.tell(Input::Offline);
    page.capture(1, 100);
    page.tell(Input::Leaving);
    page.tell(Input::Online);
    assert_eq!(sends(&page.tell(Input::Hidden)), []);
}

#[test]
fn an_answer_counts_also_where_the_claim_has_lapsed_and_that_is_the_end() {
    let limits = Limits { batch_events: 1, ..RULES.limits };
    let mut page = Page::new(Rules { limits, ..RULES });
    page.capture(2, 100);
    for (attempt, _) in sends(&page.later(RULES.flush_interval_ms)) {
        page.unreachable(attempt);
    }
    // After a failure, one at a time: the other waits, and is in the store.
    let again = sends(&page.later(INSURANCE_MS));
    assert_eq!(again.len(), 1);
    page.tell(Input::Close { token: 1 });
    page.now.wall_ms -= 172_800_000.0;
    page.answer(again[0].0, 400);
    let counts = page.machine.counts();
    assert_eq!((page.dropped(Reason::Rejected), counts.in_flight, counts.stored), (1, 0, 1));
}

#[test]
fn nothing_is_handed_over_after_the_end() {
    let mut page = Page::new(ONCE);
    page.capture(1, 100);
    assert_eq!(sends(&page.tell(Input::Close { token: 1 })).len(), 1);
    page.capture(1, 100);
    // No timer fired, and no answer came, for longer than a try may take.
    page.now.mono_ms += ATTEMPT_TIMEOUT_MS;
    page.now.wall_ms += ATTEMPT_TIMEOUT_MS;
    let actions = page.tell(Input::Leaving);
    assert!(actions.contains(&Action::Settle { token: 1, acknowledged: false }));
    assert_eq!((sends(&actions).len(), persists(&actions).len()), (0, 2), "a beacon could still be refused");
}

// ---- promises and consent

#[test]
fn a_flush_is_true_when_all_that_was_queued_is_acknowledged() {
    let mut page = Page::new(ONCE);
    page.capture(2, 16_000);
    assert_eq!(sends(&page.tell(Input::Flush { token: 1 })).len(), 2);
    page.capture(1, 100);
    assert!(!page.answer(1, 200).iter().any(|action| matches!(action, Action::Settle { .. })));
    let settled = Action::Settle { token: 1, acknowledged: true };
    assert!(page.answer(2, 200).contains(&settled), "what came later need not be");
    assert_eq!(page.machine.counts().queued + page.machine.counts().in_flight, 1);
}

#[test]
fn a_flush_waits_for_both_halves_of_a_batch() {
    let mut page = Page::new(RULES);
    page.capture(2, 100);
    page.tell(Input::Flush { token: 1 });
    assert_eq!(sends(&page.answer(1, 413)).len(), 2);
    assert!(!page.answer(2, 200).iter().any(|action| matches!(action, Action::Settle { .. })));
    assert!(page.answer(3, 200).contains(&Action::Settle { token: 1, acknowledged: true }));
}

#[test]
fn a_failure_is_an_answer_for_who_waits() {
    let mut page = Page::new(RULES);
    page.capture(1, 100);
    page.tell(Input::Flush { token: 1 });
    assert!(page.unreachable(1).contains(&Action::Settle { token: 1, acknowledged: false }));
}

#[test]
fn a_shutdown_leaves_the_rest_to_the_store_and_does_nothing_more() {
    let mut page = Page::new(RULES);
    page.capture(2, 16_000);
    page.tell(Input::Close { token: 1 });
    let actions = page.unreachable(1);
    assert!(actions.contains(&Action::Settle { token: 1, acknowledged: false }));
    assert_eq!(persists(&actions).len(), 2);
    assert_eq!((page.machine.mode(), sends(&actions)), (Mode::Closed, vec![]));
    assert_eq!(page.later(BACKOFF_MAX_MS), []);
    assert_eq!(page.machine.capture(&line(100), false), Captured::Off);
}

#[test]
fn before_consent_nothing_is_touched_and_all_is_held() {
    let mut page = Page::pending(RULES);
    assert_eq!(page.capture(60, 100), []);
    assert_eq!(page.tell(Input::Offline), []);
    assert_eq!(page.tell(Input::Hidden), []);
    assert_eq!(page.tell(Input::Leaving), []);
    page.tell(Input::Returned);
    assert_eq!(page.machine.counts().queued, 60);
    page.tell(Input::Granted);
    assert_eq!(sends(&page.later(0.0)), [(1, Via::Keepalive)]);
}

#[test]
fn an_opt_out_purges_and_is_the_end_of_it() {
    let mut page = Page::with_one_in_flight(RULES);
    page.capture(1, 100);
    page.tell(Input::Offline);
    let actions = page.tell(Input::Denied);
    assert!(actions.contains(&Action::Purge) && actions.contains(&Action::Abort { attempt: 1 }));
    assert_eq!((page.machine.mode(), page.dropped(Reason::OptedOut)), (Mode::Off, 2));
    assert_eq!(page.machine.capture(&line(100), false), Captured::Off);
    for input in [Input::Tick, Input::Hidden, Input::Leaving, Input::Returned, Input::Shown, Input::Online] {
        assert_eq!(page.tell(input), []);
    }
    assert_eq!(page.answer(1, 200), []);
    // And in again: the network that came back meanwhile is not forgotten.
    page.tell(Input::Granted);
    page.capture(1, 100);
    assert_eq!(sends(&page.later(5_000.0)), [(2, Via::Keepalive)]);
}

#[test]
fn a_no_that_is_taken_back_before_there_was_a_yes_leaves_the_question_open() {
    let mut page = Page::pending(RULES);
    page.capture(1, 100);
    page.tell(Input::Denied);
    page.tell(Input::Asked);
    assert_eq!((page.machine.mode(), page.capture_one()), (Mode::Pending, Captured::Quiet));
    page.tell(Input::Granted);
    assert_eq!(sends(&page.later(5_000.0)), [(1, Via::Keepalive)]);
    page.tell(Input::Asked);
    assert_eq!(page.machine.mode(), Mode::On, "nothing is asked of who works");
    page.answer(1, 410);
    page.tell(Input::Denied);
    page.tell(Input::Asked);
    assert_eq!(page.machine.mode(), Mode::Off, "410 is for the page's life");
}

#[test]
fn a_shutdown_is_the_end_also_without_consent() {
    for out_first in [true, false] {
        let mut page = Page::new(RULES);
        if out_first {
            page.tell(Input::Denied);
        }
        page.tell(Input::Close { token: 1 });
        page.tell(Input::Denied);
        page.tell(Input::Granted);
        assert_eq!((page.machine.mode(), page.capture_one()), (Mode::Closed, Captured::Off));
    }
}

// ---- accounts

#[test]
fn every_event_is_counted_once() {
    let mut page = Page::new(Rules { limits: Limits { queue_bytes: 1_000, ..RULES.limits }, ..RULES });
    page.capture(3, 100);
    page.later(5_000.0);
    page.answer_with(1, 200, None, 1);
    page.capture(2, 100);
    page.machine.refuse(Reason::Invalid);
    page.machine.refuse(Reason::BeforeSend);
    page.machine.capture(&line(16_385), false);
    page.machine.capture(&line(900), false);
    page.later(5_000.0);
    page.capture(1, 100);
    let counts = page.machine.counts();
    assert_eq!((counts.captured, counts.sent, counts.in_flight, counts.queued), (10, 2, 2, 1));
    assert_eq!(counts.bytes, 300);
    let dropped = |reason: Reason| counts.dropped[reason as usize];
    for reason in [Reason::Rejected, Reason::Invalid, Reason::BeforeSend, Reason::TooLarge, Reason::QueueFull]
    {
        assert_eq!(dropped(reason), 1, "{reason:?}");
    }
    assert_eq!(counts.captured, counts.sent + counts.in_flight + counts.queued + 5);
}

#[test]
fn a_page_that_was_not_drawn_counts_and_sends_nothing() {
    let mut page = Page::new(Rules { sampled_out: true, ..RULES });
    assert_eq!(page.machine.capture(&line(100), false), Captured::Refused(None));
    assert_eq!((page.machine.counts().captured, page.dropped(Reason::Sampled)), (1, 1));
    assert_eq!(sends(&page.tell(Input::Leaving)), []);
}

#[test]
fn drops_are_told_at_the_1st_2nd_4th_8th_time() {
    let mut page = Page::new(RULES);
    let told = |captured| matches!(captured, Captured::Refused(Some(_)));
    let told: Vec<bool> = (0..8).map(|_| told(page.machine.capture(&line(20_000), false))).collect();
    assert_eq!(told, [true, true, false, true, false, false, false, true]);
}

// ---- pings, and formats with a frame

const PINGS: Rules = Rules {
    pings: true,
    beacon: false,
    guarantee: Guarantee::AtMostOnce,
    limits: Limits { batch_events: 1, ..RULES.limits },
    ..RULES
};

#[test]
fn each_ping_is_a_request_and_at_most_six_are_under_way() {
    let mut page = Page::new(PINGS);
    page.capture(10, 100);
    let first: Vec<u32> = (1..=6).collect();
    let sent = sends(&page.later(5_000.0));
    assert_eq!(sent, first.iter().map(|number| (*number, Via::Keepalive)).collect::<Vec<_>>());
    for number in first {
        assert_eq!(page.machine.body(number).len(), 100);
    }
    assert_eq!(page.machine.keepalive_bytes(), 0, "it has no body");
    assert_eq!(sends(&page.answer(3, 200)), [(7, Via::Keepalive)]);
    for number in [1, 2, 4, 5, 6] {
        assert_eq!(sends(&page.unreachable(number)), []);
    }
    page.unreachable(7);
    assert_eq!(sends(&page.later(1_000.0)).len(), 1, "one at a time after a failure");
}

#[test]
fn a_page_that_leaves_pings_as_often_as_it_may_and_keeps_the_rest() {
    let mut page = Page::new(Rules { flush_interval_ms: 60_000.0, ..PINGS });
    page.capture(100, 100);
    page.later(INSURANCE_MS);
    let before = page.machine.counts().in_flight as usize;
    let actions = page.tell(Input::Leaving);
    let counts = page.machine.counts();
    assert_eq!((counts.in_flight as usize, counts.queued as usize), (PING_EXIT, 100 - PING_EXIT));
    let sent = sends(&actions);
    assert_eq!(sent.len(), PING_EXIT - before);
    assert!(sent.iter().all(|(_, via)| *via == Via::Keepalive));
    // What was handed over must not be found in the store; all else must.
    let gone = actions.iter().filter(|action| matches!(action, Action::Forget { .. })).count();
    assert_eq!(gone, sent.len());
}

#[test]
fn what_a_format_puts_round_the_lines_counts_for_the_budget() {
    let mut page = Page::new(Rules { beacon: false, flush_interval_ms: 60_000.0, ..RULES });
    page.machine.frame(5_000);
    page.capture(1, 14_000);
    assert_eq!(sends(&page.tell(Input::Flush { token: 1 })), [(1, Via::Keepalive)]);
    assert_eq!(page.machine.keepalive_bytes(), 19_000);
    page.capture(1, 5_000);
    assert_eq!(sends(&page.tell(Input::Flush { token: 2 })), [(2, Via::Fetch)], "28 KiB are full");
}
