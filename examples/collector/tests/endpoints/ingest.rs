//! What `POST /v1/events` takes, keeps and refuses.

use std::{
    io::{Read as _, Write as _},
    thread,
};

use rusqlite::types::Value as Column;
use serde_json::{Value, json};

use crate::running::{Running, SESSION, component, component_with, lines, read_all};

/// One of each, with every field.
fn all_five() -> Vec<Value> {
    let common = |seq: u64, own: Value| {
        let mut event =
            json!({ "session": SESSION, "seq": seq, "time": 1000 + seq, "clientType": "browser" });
        event.as_object_mut().unwrap().extend(own.as_object().unwrap().clone());
        event
    };
    vec![
        common(
            0,
            json!({ "event": "version", "package": "langflow", "version": "1.13.0", "platform": "Linux",
            "python": "3.12", "arch": "x86_64", "autoLogin": true, "cacheType": "redis", "backendOnly": false }),
        ),
        common(
            1,
            json!({ "event": "run", "isWebhook": true, "seconds": 1.5, "success": false,
            "errorMessage": "ValueError: é at flow.py:12", "sampleRate": 0.25 }),
        ),
        common(2, json!({ "event": "playground", "seconds": 2.4, "componentCount": 5, "success": true })),
        common(3, json!({ "event": "component", "name": "ChatInput", "seconds": 0.1, "success": true })),
        common(4, json!({ "event": "shutdown", "timeRunning": 12.345 })),
    ]
}

/// A row's columns by name, those that are NULL left out.
fn row(running: &Running, seq: u64) -> Vec<(String, Column)> {
    let database = running.database();
    let mut statement = database.prepare("SELECT * FROM events WHERE seq = ?1").unwrap();
    let names: Vec<String> = statement.column_names().into_iter().map(str::to_owned).collect();
    statement
        .query_row([seq], |row| {
            names.iter().enumerate().map(|(index, name)| Ok((name.clone(), row.get(index)?))).collect()
        })
        .map(|columns: Vec<(String, Column)>| {
            columns.into_iter().filter(|(_, value)| *value != Column::Null).collect()
        })
        .unwrap()
}

#[test]
fn every_field_of_every_event_has_its_column() {
    let running = Running::start();
    let answer = running.post(lines(&all_five()));
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json(), json!({ "accepted": 5, "duplicate": 0, "rejected": 0 }));

    let text = |value: &str| Column::Text(value.to_owned());
    let expected = [
        (
            0,
            "version",
            vec![
                ("package", text("langflow")),
                ("version", text("1.13.0")),
                ("platform", text("Linux")),
                ("python", text("3.12")),
                ("arch", text("x86_64")),
                ("auto_login", Column::Integer(1)),
                ("cache_type", text("redis")),
                ("backend_only", Column::Integer(0)),
            ],
        ),
        (
            1,
            "run",
            vec![
                ("sample_rate", Column::Real(0.25)),
                ("seconds", Column::Real(1.5)),
                ("success", Column::Integer(0)),
                ("error_message", text("ValueError: é at flow.py:12")),
                ("is_webhook", Column::Integer(1)),
            ],
        ),
        (
            2,
            "playground",
            vec![
                ("seconds", Column::Real(2.4)),
                ("success", Column::Integer(1)),
                ("component_count", Column::Integer(5)),
            ],
        ),
        (
            3,
            "component",
            vec![
                ("seconds", Column::Real(0.1)),
                ("success", Column::Integer(1)),
                ("name", text("ChatInput")),
            ],
        ),
        (4, "shutdown", vec![("time_running", Column::Real(12.345))]),
    ];
    for (seq, event, own) in expected {
        let mut found = row(&running, seq);
        found.retain(|(name, _)| name != "arrival" && name != "received_at");
        let mut wanted = vec![
            ("session", text(SESSION)),
            ("seq", Column::Integer(seq as i64)),
            ("event", text(event)),
            ("time", Column::Integer(1000 + seq as i64)),
            ("client_type", text("browser")),
        ];
        wanted.extend(own);
        let wanted: Vec<_> = wanted.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        assert_eq!(found, wanted, "{event}");
    }
}

#[test]
fn received_at_is_the_collectors_clock() {
    let unix_ms = || std::time::UNIX_EPOCH.elapsed().unwrap().as_millis() as i64;
    let running = Running::start();
    let before = unix_ms();
    running.post(component(0).to_string());
    let received: i64 =
        running.database().query_row("SELECT received_at FROM events", [], |row| row.get(0)).unwrap();
    assert!((before..=unix_ms()).contains(&received), "{before} {received}");
}

#[test]
fn a_bad_line_costs_only_itself_and_is_named_by_its_number() {
    let running = Running::start();
    running.post(component(0).to_string());
    // Line ends of both kinds, blank lines, and no end after the last.
    let body = format!(
        "{}\r\n\n{}\nnonsense\n  \t \n{}\n{}\n{}\n{}",
        component(1),
        component(0),
        component_with(2, json!({ "seconds": -1 })),
        component(3),
        component(3),
        component(4),
    );
    let answer = running.post(body);
    assert_eq!(answer.status, 200);
    let answer = answer.json();
    assert_eq!(
        (&answer["accepted"], &answer["duplicate"], &answer["rejected"]),
        (&json!(3), &json!(2), &json!(2))
    );
    let errors = answer["errors"].as_array().unwrap();
    assert_eq!(errors.iter().map(|error| error["line"].as_u64().unwrap()).collect::<Vec<_>>(), [4, 6]);
    assert_eq!(running.rows(), 4);
}

#[test]
fn the_first_of_a_key_is_kept() {
    let running = Running::start();
    running.post(lines([
        &component_with(1, json!({ "name": "First" })),
        &component_with(1, json!({ "name": "Second" })),
    ]));
    let again = running.post(component_with(1, json!({ "name": "Third" })).to_string());
    assert_eq!(again.json(), json!({ "accepted": 0, "duplicate": 1, "rejected": 0 }));
    let names: Vec<String> = running
        .database()
        .prepare("SELECT name FROM events")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert_eq!(names, ["First"]);
}

#[test]
fn the_same_seq_of_another_session_is_another_event() {
    let running = Running::start();
    let other = component_with(1, json!({ "session": "aaaaaaaaaaaa" }));
    assert_eq!(running.post(lines([&component(1), &other])).json()["accepted"], 2);
}

#[test]
fn what_is_no_event_is_rejected_with_a_reason() {
    let long_name = "n".repeat(129);
    let long_message = "é".repeat(257);
    let cases = [
        // The line, and what its reason must say.
        ("[1]".to_owned(), "object"),
        ("{".to_owned(), "not JSON"),
        (format!("[{}0]", "0,".repeat(8 << 10)), "given a line of 16387 bytes, expected at most 16384"),
        (component(1).to_string().replace("0.42", "NaN"), "not JSON"),
        (component(1).to_string().replace("0.42", "1e999"), "not JSON"),
        (r#"{"event":"component","name":"\ud800"}"#.to_owned(), "not JSON"),
        (
            component_with(1, json!({ "event": "click" })).to_string(),
            "given \"click\", expected one of component, playground, run, shutdown, version",
        ),
        (component_with(1, json!({ "event": 7 })).to_string(), "given 7"),
        (component_with(1, json!({ "event": null })).to_string(), "given nothing"),
        (component_with(1, json!({ "userId": "u" })).to_string(), "userId"),
        // A field of another event is as unknown as one of none.
        (component_with(1, json!({ "isWebhook": true })).to_string(), "isWebhook"),
        (component_with(1, json!({ "seconds": -0.001 })).to_string(), "seconds"),
        (component_with(1, json!({ "seconds": "1" })).to_string(), "seconds"),
        (component_with(1, json!({ "seconds": 1e300 })).to_string(), "seconds"),
        (component_with(1, json!({ "seconds": null })).to_string(), "seconds"),
        (component_with(1, json!({ "success": 1 })).to_string(), "success"),
        (component_with(1, json!({ "name": null })).to_string(), "name"),
        (component_with(1, json!({ "name": long_name })).to_string(), "name"),
        (
            component_with(1, json!({ "errorMessage": long_message })).to_string(),
            "errorMessage: given 514 bytes",
        ),
        (component_with(1, json!({ "session": "K3F9X2AB7C1D" })).to_string(), "session"),
        (component_with(1, json!({ "session": "k3f9x2ab7c1" })).to_string(), "session"),
        (component_with(1, json!({ "session": "k3f9x2ab7c1d\n" })).to_string(), "session"),
        (component_with(1, json!({ "seq": -1 })).to_string(), "seq"),
        (component_with(1, json!({ "seq": 1.5 })).to_string(), "seq"),
        (component_with(1, json!({ "seq": 9_007_199_254_740_992_u64 })).to_string(), "seq"),
        (component_with(1, json!({ "time": "2026-01-01" })).to_string(), "time"),
        (component_with(1, json!({ "clientType": null })).to_string(), "clientType"),
        (component_with(1, json!({ "sampleRate": 0 })).to_string(), "sampleRate"),
        (component_with(1, json!({ "sampleRate": 1.5 })).to_string(), "sampleRate"),
    ];
    let running = Running::start();
    for (line, reason) in cases {
        let answer = running.post(&line).json();
        assert_eq!((&answer["accepted"], &answer["rejected"]), (&json!(0), &json!(1)), "{line}");
        let given = answer["errors"][0]["reason"].as_str().unwrap();
        assert!(given.contains(reason), "{line}: {given}");
        assert!(given.chars().count() <= 201, "{line}: {given}");
    }
    assert_eq!(running.rows(), 0);
}

#[test]
fn what_is_just_within_the_limits_is_kept() {
    let running = Running::start();
    let body = lines([
        &component_with(
            1,
            json!({ "name": "é".repeat(128), "errorMessage": "é".repeat(256), "success": false }),
        ),
        &component_with(9_007_199_254_740_991, json!({ "seconds": 0, "time": 0, "sampleRate": 1 })),
    ]);
    // The longest line there can be: every text at its limit, every character escaped.
    let text = "😀".repeat(128);
    let longest = json!({ "event": "version", "session": SESSION, "seq": 2, "time": 1, "clientType": text,
        "package": text, "version": text, "platform": text, "python": text, "arch": text, "cacheType": text });
    let body = body + &longest.to_string().replace('😀', r"\ud83d\ude00");
    assert_eq!(running.post(body).json(), json!({ "accepted": 3, "duplicate": 0, "rejected": 0 }));
}

#[test]
fn only_so_many_errors_are_described_and_all_are_counted() {
    let running = Running::start();
    let answer = running.post("x\n".repeat(1000)).json();
    assert_eq!(answer["rejected"], 1000);
    assert_eq!(answer["errors"].as_array().unwrap().len(), 10);
}

#[test]
fn the_counts_stand_within_what_the_client_reads_however_long_the_reasons_are() {
    let running = Running::start();
    // Each quoted as long as a reason may be, in characters of four bytes.
    let wrong = component_with(1, json!({ "seconds": "😀".repeat(300) })).to_string() + "\n";
    let ascii = component_with(1, json!({ "seconds": "x".repeat(300) })).to_string() + "\n";
    for line in [wrong, ascii.clone()] {
        let answer = running.post(line.repeat(500));
        let read = answer.body.as_bytes().get(..4096).unwrap_or(answer.body.as_bytes());
        let read = String::from_utf8_lossy(read);
        assert!(read.starts_with(r#"{"accepted":0,"duplicate":0,"rejected":500,"#), "{read}");
    }
    let whole = running.post(ascii.repeat(500)).body.len();
    assert!(whole < 4096, "{whole}");
}

#[test]
fn a_batch_without_lines_is_no_error() {
    let running = Running::start();
    for body in ["", "\n\n"] {
        let answer = running.post(body);
        assert_eq!(
            (answer.status, answer.json()),
            (200, json!({ "accepted": 0, "duplicate": 0, "rejected": 0 }))
        );
    }
}

#[test]
fn a_mebibyte_is_taken_and_a_byte_more_is_413() {
    let running = Running::start();
    let event = component(1).to_string();
    let padded = |length: usize| event.clone() + &" ".repeat(length - event.len());
    let limit = 1 << 20;

    let refused = running.post(padded(limit + 1));
    assert_eq!(refused.status, 413);
    assert!(refused.error().contains("1048576"), "{}", refused.body);
    assert_eq!(running.rows(), 0);

    assert_eq!(running.post(padded(limit)).json()["accepted"], 1);
}

#[test]
fn a_large_body_without_a_length_is_413_and_its_sender_can_read_that() {
    let running = Running::start();
    let mut stream = running.connect();
    write!(
        stream,
        "POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\
         Connection: close\r\n\r\n"
    )
    .unwrap();
    // Two MiB in pieces of 64 KiB, all written before anything is read.
    let piece = " ".repeat(1 << 16);
    for _ in 0..32 {
        write!(stream, "{:x}\r\n{piece}\r\n", piece.len()).unwrap();
    }
    write!(stream, "0\r\n\r\n").unwrap();
    let answer = read_all(stream);
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
}

#[test]
fn an_announced_giant_is_refused_before_it_is_sent() {
    let running = Running::start();
    let mut stream = running.begin_post(1 << 40, b"");
    let mut start = [0; 12];
    stream.read_exact(&mut start).unwrap();
    assert_eq!(&start, b"HTTP/1.1 413");
}

#[test]
fn other_content_types_are_415() {
    let running = Running::start();
    let refused = [
        &[("content-type", "application/json")][..],
        &[("content-type", "application/x-www-form-urlencoded")],
        &[("content-type", "text/plain;charset=iso-8859-1")],
        &[("content-type", "text/html")],
        &[("content-type", "nonsense")],
        &[("content-type", "text/plain"), ("content-encoding", "gzip")],
    ];
    for headers in refused {
        let answer = running.post_with(headers, component(1).to_string()).unwrap();
        assert_eq!(answer.status, 415, "{headers:?}");
        assert!(answer.error().contains("expected text/plain or application/x-ndjson"), "{}", answer.body);
    }

    let mut stream = running.connect();
    write!(stream, "POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        .unwrap();
    let answer = read_all(stream);
    assert!(answer.starts_with("HTTP/1.1 415"), "{answer}");
    assert_eq!(running.rows(), 0);
}

#[test]
fn ndjson_has_four_spellings() {
    let running = Running::start();
    let taken =
        ["text/plain", "text/plain;charset=UTF-8", "Text/Plain; charset=\"utf-8\"", "application/x-ndjson"];
    for (seq, content_type) in taken.into_iter().enumerate() {
        let answer =
            running.post_with(&[("content-type", content_type)], component(seq as u64).to_string()).unwrap();
        assert_eq!((answer.status, answer.json()["accepted"].as_u64()), (200, Some(1)), "{content_type}");
    }
}

#[test]
fn a_body_that_is_not_utf_8_is_400_as_a_whole() {
    let running = Running::start();
    let mut body = lines([&component(1)]).into_bytes();
    let offset = body.len();
    body.extend([0xff, b'\n']);
    let answer = running.post(body);
    assert_eq!(answer.status, 400);
    assert!(
        answer.error().contains(&format!("UTF-8, given other bytes at offset {offset}")),
        "{}",
        answer.body
    );
    assert_eq!(running.rows(), 0);
}

#[test]
fn of_many_posters_of_the_same_keys_exactly_one_is_told_accepted() {
    let running = Running::start();
    let (posters, keys, batch) = (8, 200, 20);
    let totals: Vec<(u64, u64)> = thread::scope(|scope| {
        let threads: Vec<_> = (0..posters)
            .map(|_| {
                scope.spawn(|| {
                    let mut totals = (0, 0);
                    for first in (0..keys).step_by(batch) {
                        let events: Vec<_> = (first..first + batch as u64).map(component).collect();
                        let answer = running.post(lines(&events)).json();
                        totals.0 += answer["accepted"].as_u64().unwrap();
                        totals.1 += answer["duplicate"].as_u64().unwrap();
                    }
                    totals
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(totals.iter().map(|(accepted, _)| accepted).sum::<u64>(), keys);
    assert_eq!(totals.iter().map(|(_, duplicate)| duplicate).sum::<u64>(), keys * (posters - 1));
    assert_eq!(running.rows() as u64, keys);
}

#[test]
fn a_database_that_refuses_is_503_with_a_time_to_come_again_and_keeps_nothing() {
    let running = Running::start();
    running.database().execute_batch("DROP TABLE events").unwrap();
    let answer = running.post(component(1).to_string());
    assert_eq!(answer.status, 503);
    assert_eq!(answer.header("retry-after"), "5");
    assert!(answer.error().contains("could not be written"), "{}", answer.body);
}
