//! What `GET /v1/events` and `GET /v1/stats` answer.

use serde_json::{Value, json};

use crate::running::{Running, SESSION, component, component_with, lines};

const OTHER_SESSION: &str = "aaaaaaaaaaaa";

/// The events of a page, `receivedAt` taken out, and its cursor.
fn page(running: &Running, query: &str) -> (Vec<Value>, Option<String>) {
    let answer = running.get(&format!("/v1/events?{query}"));
    assert_eq!(answer.status, 200, "{answer:?}");
    let mut answer = answer.json();
    let events = answer["events"].as_array_mut().unwrap();
    for event in events.iter_mut() {
        let received = event.as_object_mut().unwrap().remove("receivedAt");
        assert!(received.is_some_and(|time| time.is_u64()));
    }
    (std::mem::take(events), answer["next"].as_str().map(str::to_owned))
}

fn seqs(events: &[Value]) -> Vec<u64> {
    events.iter().map(|event| event["seq"].as_u64().unwrap()).collect()
}

#[test]
fn what_was_sent_is_what_comes_back() {
    let running = Running::start();
    let sent = [
        json!({ "event": "shutdown", "session": SESSION, "seq": 3, "time": 4, "clientType": "browser", "timeRunning": 0.001 }),
        json!({ "event": "version", "session": SESSION, "seq": 2, "time": 3, "clientType": "browser", "package": "langflow", "autoLogin": false }),
        json!({ "event": "playground", "session": SESSION, "seq": 1, "time": 2, "clientType": "browser", "seconds": 0.30000000000000004, "componentCount": 0, "success": true }),
        json!({ "event": "run", "session": SESSION, "seq": 0, "time": 1, "clientType": "browser", "sampleRate": 0.1, "isWebhook": false, "seconds": 1.25, "success": false, "errorMessage": "\"quoted\"\n\u{0} 😀" }),
    ];
    running.post(lines(sent.iter().rev()));
    assert_eq!(page(&running, ""), (sent.to_vec(), None));
}

#[test]
fn pages_walk_all_rows_without_gap_or_repeat_while_new_ones_arrive() {
    let running = Running::start();
    running.post(lines(&(0..100).map(component).collect::<Vec<_>>()));
    let mut walked = Vec::new();
    let mut query = "limit=7".to_owned();
    for new in 1000.. {
        let (events, next) = page(&running, &query);
        walked.extend(seqs(&events));
        let Some(next) = next else { break };
        assert_eq!(events.len(), 7);
        running.post(component(new).to_string());
        query = format!("limit=7&before={next}");
    }
    assert_eq!(walked, (0..100).rev().collect::<Vec<_>>());
}

#[test]
fn a_page_that_ends_with_the_last_row_has_no_next() {
    let running = Running::start();
    assert_eq!(page(&running, ""), (vec![], None));
    running.post(lines(&(0..4).map(component).collect::<Vec<_>>()));
    assert_eq!(page(&running, "limit=4").1, None);
    let (events, next) = page(&running, "limit=3");
    assert_eq!(seqs(&events), [3, 2, 1]);
    let (events, next) = page(&running, &format!("limit=3&before={}", next.unwrap()));
    assert_eq!((seqs(&events), next), (vec![0], None));
}

#[test]
fn newest_is_what_arrived_last_whatever_the_browsers_clock_says() {
    let running = Running::start();
    running.post(component_with(1, json!({ "time": 9_000_000_000_000_u64 })).to_string());
    running.post(component_with(2, json!({ "time": 5 })).to_string());
    assert_eq!(seqs(&page(&running, "").0), [2, 1]);
}

#[test]
fn filters_combine() {
    let running = Running::start();
    let run = |seq: u64, session: &str| json!({ "event": "run", "session": session, "seq": seq, "time": seq, "clientType": "browser", "seconds": 1, "success": true });
    running.post(lines([
        &run(1, SESSION),
        &run(2, OTHER_SESSION),
        &component_with(3, json!({ "time": 3 })),
        &run(4, SESSION),
        &run(5, SESSION),
    ]));
    assert_eq!(seqs(&page(&running, "event=run").0), [5, 4, 2, 1]);
    assert_eq!(seqs(&page(&running, "event=shutdown").0), [0; 0]);
    assert_eq!(seqs(&page(&running, &format!("session={SESSION}")).0), [5, 4, 3, 1]);
    assert_eq!(seqs(&page(&running, "since=3").0), [5, 4, 3]);
    assert_eq!(seqs(&page(&running, &format!("event=run&session={SESSION}&since=2")).0), [5, 4]);
    let (events, next) = page(&running, "event=run&limit=2");
    assert_eq!(seqs(&events), [5, 4]);
    let (events, next) = page(&running, &format!("event=run&limit=2&before={}", next.unwrap()));
    assert_eq!((seqs(&events), next), (vec![2, 1], None));
}

#[test]
fn a_wrong_parameter_is_400_and_says_what_was_given_and_expected() {
    let running = Running::start();
    let cases = [
        ("/v1/events?limit=0", "limit: given \"0\", expected rows, a whole number from 1 to 1000"),
        ("/v1/events?limit=1001", "given \"1001\""),
        ("/v1/events?limit=ten", "given \"ten\""),
        (
            "/v1/events?event=click",
            "event: given \"click\", expected one of component, playground, run, shutdown, version",
        ),
        ("/v1/events?session=X", "session: given \"X\", expected 12 characters of 0-9a-z"),
        ("/v1/events?since=-1", "since: given \"-1\", expected Unix milliseconds"),
        ("/v1/events?since=2026-01-01", "since: given"),
        ("/v1/events?before=x", "before: given \"x\", expected the next of an earlier page"),
        ("/v1/events?before=99999999999999999999", "before: given"),
        ("/v1/events?page=2", "given parameter \"page\", expected only event, session, since, limit, before"),
        ("/v1/events?limit=1&limit=2", "given limit twice"),
        ("/v1/stats?since=x", "since: given \"x\""),
        ("/v1/stats?event=run", "given parameter \"event\", expected only since"),
    ];
    for (path, expected) in cases {
        let answer = running.get(path);
        assert_eq!(answer.status, 400, "{path}");
        assert!(answer.error().contains(expected), "{path}: {}", answer.body);
    }
}

#[test]
fn stats_of_an_empty_database() {
    let running = Running::start();
    let expected = json!({ "since": null, "count": 0, "sessions": 0, "events": [], "components": [] });
    assert_eq!(running.get("/v1/stats").json(), expected);
}

#[test]
fn stats_are_those_worked_out_by_hand() {
    let running = Running::start();
    // Twenty of ChatInput: 1 to 20 seconds in a mixed order, every fourth fails. By nearest rank p50 is the
    // tenth, p95 the nineteenth. Three of Prompt: p50 the second, p95 (2.85, so the third) the last.
    let mut sent: Vec<Value> = (0..20)
        .map(|n| component_with(n, json!({ "time": 100, "seconds": n * 7 % 20 + 1, "success": n % 4 != 0 })))
        .collect();
    sent.extend([0.3, 0.1, 0.2].iter().enumerate().map(|(n, seconds)| {
        component_with(20 + n as u64, json!({ "time": 200, "name": "Prompt", "seconds": seconds }))
    }));
    let common = |event: &str, seq: u64, own: Value| {
        let mut line = json!({ "event": event, "session": OTHER_SESSION, "seq": seq, "time": 300, "clientType": "browser" });
        line.as_object_mut().unwrap().extend(own.as_object().unwrap().clone());
        line
    };
    sent.push(common("run", 0, json!({ "seconds": 2.5, "success": false })));
    sent.push(common("version", 1, json!({})));
    sent.push(common("shutdown", 2, json!({ "timeRunning": 60 })));
    sent.push(common("shutdown", 3, json!({ "timeRunning": 30 })));
    assert_eq!(running.post(lines(&sent)).json()["accepted"], 27);

    let run = json!({ "event": "run", "count": 1, "successRate": 0.0, "p50Seconds": 2.5, "p95Seconds": 2.5 });
    // The length of a page's life; no success to tell.
    let shutdown = json!({ "event": "shutdown", "count": 2, "successRate": null, "p50Seconds": 30.0, "p95Seconds": 60.0 });
    let version = json!({ "event": "version", "count": 1, "successRate": null, "p50Seconds": null, "p95Seconds": null });
    let prompt =
        json!({ "name": "Prompt", "count": 3, "successRate": 1.0, "p50Seconds": 0.2, "p95Seconds": 0.3 });
    assert_eq!(
        running.get("/v1/stats").json(),
        json!({
            "since": null, "count": 27, "sessions": 2,
            // All 23 in order: 0.1, 0.2, 0.3, 1 … 20. p50 the 12th (11.5) is 9, p95 the 22nd (21.85) is 19.
            "events": [
                { "event": "component", "count": 23, "successRate": 18.0 / 23.0, "p50Seconds": 9.0, "p95Seconds": 19.0 },
                run, shutdown, version,
            ],
            "components": [
                { "name": "ChatInput", "count": 20, "successRate": 0.75, "p50Seconds": 10.0, "p95Seconds": 19.0 },
                prompt,
            ],
        })
    );
    assert_eq!(
        running.get("/v1/stats?since=200").json(),
        json!({
            "since": 200, "count": 7, "sessions": 2,
            "events": [
                { "event": "component", "count": 3, "successRate": 1.0, "p50Seconds": 0.2, "p95Seconds": 0.3 },
                run, shutdown, version,
            ],
            "components": [prompt],
        })
    );
}

#[test]
fn stats_name_only_the_most_frequent_components() {
    let running = Running::start();
    let mut sent: Vec<Value> =
        (0..250).map(|n| component_with(n, json!({ "name": format!("Custom{n:03}") }))).collect();
    sent.push(component_with(250, json!({ "name": "Custom249" })));
    running.post(lines(&sent));
    let components = running.get("/v1/stats").json()["components"].take();
    let components = components.as_array().unwrap();
    assert_eq!(components.len(), 200);
    assert_eq!((&components[0]["name"], &components[0]["count"]), (&json!("Custom249"), &json!(2)));
}
