//! What was answered with 2xx is on the disk, whatever becomes of the process.

use std::{
    io::Write as _,
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::Duration,
};

use serde_json::json;

use crate::running::{Running, SESSION, component, component_with, lines, read_all};

#[test]
fn kill_9_right_after_the_answer_loses_no_row() {
    let mut running = Running::start();
    for seq in 0..5 {
        assert_eq!(running.post(component(seq).to_string()).json()["accepted"], 1);
        running = running.restart();
        assert_eq!(running.rows() as u64, seq + 1);
        // And it still knows the key.
        assert_eq!(running.post(component(seq).to_string()).json()["duplicate"], 1);
    }
}

#[test]
fn kill_9_among_many_posts_loses_no_answered_row() {
    let mut running = Running::start();
    let mut answered: Vec<(String, u64)> = Vec::new();
    for round in 0..3 {
        let enough = AtomicU64::new(0);
        let pid = running.child.id().to_string();
        let of_round: Vec<Vec<(String, u64)>> = thread::scope(|scope| {
            let posters: Vec<_> = (0..4)
                .map(|poster| {
                    let (running, enough) = (&running, &enough);
                    scope.spawn(move || {
                        let session = format!("round{round}post{poster}0");
                        let mut answered = Vec::new();
                        // Ends with the first post that gets no answer, which the kill brings about.
                        for first in (0..).step_by(10) {
                            let events: Vec<_> = (first..first + 10)
                                .map(|seq| component_with(seq, json!({ "session": session })))
                                .collect();
                            match running.try_post(lines(&events)) {
                                Ok(answer) if answer.status == 200 => {
                                    assert_eq!(answer.json()["accepted"], 10);
                                    answered.extend((first..first + 10).map(|seq| (session.clone(), seq)));
                                    enough.fetch_add(1, Ordering::Relaxed);
                                }
                                Ok(answer) => panic!("{answer:?}"),
                                Err(_) => break,
                            }
                        }
                        answered
                    })
                })
                .collect();
            while enough.load(Ordering::Relaxed) < 20 {
                thread::yield_now();
            }
            assert!(std::process::Command::new("kill").args(["-9", &pid]).status().unwrap().success());
            posters.into_iter().map(|poster| poster.join().unwrap()).collect()
        });
        answered.extend(of_round.into_iter().flatten());

        running = running.restart();
        let database = running.database();
        let mut find =
            database.prepare("SELECT count(*) FROM events WHERE session = ?1 AND seq = ?2").unwrap();
        for (session, seq) in &answered {
            let found: u64 = find.query_row((session, seq), |row| row.get(0)).unwrap();
            assert_eq!(found, 1, "{session} {seq} of {} answered", answered.len());
        }
        let check: String = database.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        assert_eq!(check, "ok");
    }
    assert!(answered.len() >= 600);
}

#[test]
fn sigterm_and_sigint_end_it_with_0_and_one_whole_file() {
    for signal in ["TERM", "INT"] {
        let mut running = Running::start();
        running.post(component(1).to_string());
        running.signal(signal);
        assert_eq!(running.wait().code(), Some(0), "{signal}");
        let log = running.database_path().with_extension("db-wal");
        assert!(!log.exists(), "{signal}: {log:?} was not folded in");
        assert_eq!(running.rows(), 1, "{signal}");
    }
}

#[test]
fn sigterm_lets_a_request_under_way_finish() {
    let mut running = Running::start();
    let body = component(7).to_string();
    let (sent, rest) = body.as_bytes().split_at(20);
    let mut stream = running.begin_post(body.len(), sent);
    // An answer to another request on a later connection: by then the first one has been accepted.
    assert_eq!(running.get("/healthz").status, 200);

    running.signal("TERM");
    // When nothing listens any more, the collector has seen the signal.
    while std::net::TcpStream::connect(&running.address).is_ok() {
        thread::yield_now();
    }
    // A collector that does not wait for the body is gone after this; one that does is not hurried by it.
    thread::sleep(Duration::from_millis(500));
    stream.write_all(rest).unwrap();
    let answer = read_all(stream);
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains(r#""accepted":1"#), "{answer}");
    assert_eq!(running.wait().code(), Some(0));
    let kept: String = running
        .database()
        .query_row("SELECT session FROM events WHERE seq = 7", [], |row| row.get(0))
        .unwrap();
    assert_eq!(kept, SESSION);
}
