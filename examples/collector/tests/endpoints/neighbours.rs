//! Slow and huge requests do not hurt the others.

use std::{
    io::{ErrorKind, Read as _, Write as _},
    net::TcpStream,
    sync::{Mutex, PoisonError},
    thread,
    time::Duration,
};

use rusqlite::TransactionBehavior;

use crate::running::{Running, component, lines, read_all};

/// As many connections as the collector takes at once.
const ALL_PLACES: usize = 768;

/// Held by a test that opens that many: two at once would need more files than a process usually may have open.
static MANY_CONNECTIONS: Mutex<()> = Mutex::new(());

/// Asks on a connection that stays open, and reads the answer's head and its three bytes.
fn ask_healthz(stream: &mut TcpStream) -> String {
    write!(stream, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\nok\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        answer.extend(byte);
    }
    String::from_utf8(answer).unwrap()
}

/// A body of a whole MiB that costs nothing to check: one event, and blanks.
fn full_body(seq: u64) -> String {
    let event = component(seq).to_string();
    let blanks = (1 << 20) - event.len();
    event + &" ".repeat(blanks)
}

#[test]
fn bodies_that_never_end_do_not_hold_up_others() {
    let running = Running::start();
    let nearly = vec![b' '; 100_000];
    // A hundred that stop half way, some after a lot, some after nothing.
    let stalled: Vec<_> =
        (0..100).map(|n| running.begin_post(1 << 20, if n % 2 == 0 { &nearly } else { b"" })).collect();
    for seq in 0..20 {
        assert_eq!(running.post(component(seq).to_string()).json()["accepted"], 1);
    }
    assert_eq!(running.rows(), 20);
    drop(stalled);
}

#[test]
fn a_body_that_never_ends_is_408_and_keeps_nothing() {
    let running = Running::start();
    let half = component(1).to_string();
    let answer = read_all(running.begin_post(half.len() + 1, half.as_bytes()));
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert_eq!(running.rows(), 0);
}

#[test]
fn headers_that_never_end_close_the_connection() {
    let running = Running::start();
    let mut stream = running.connect();
    write!(stream, "POST /v1/events HTTP/1.1\r\nHost: x\r\nX-Slow: ").unwrap();
    // Ends, with or without a word, instead of waiting for ever.
    let answer = read_all(stream);
    assert!(!answer.contains("200 OK"), "{answer}");
    assert_eq!(running.get("/healthz").status, 200);
}

#[test]
fn a_body_that_breaks_off_keeps_nothing_and_stops_nothing() {
    let running = Running::start();
    let whole = lines([&component(1), &component(2)]);
    drop(running.begin_post(whole.len(), &whole.as_bytes()[..whole.len() - 5]));
    assert_eq!(running.post(component(3).to_string()).json()["accepted"], 1);
    let seqs: Vec<u64> = running
        .database()
        .prepare("SELECT seq FROM events")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert_eq!(seqs, [3]);
}

#[test]
fn a_reader_of_the_file_does_not_hold_up_the_writing() {
    let running = Running::start();
    running.post(component(1).to_string());
    let mut database = running.database();
    let reading = database.transaction().unwrap();
    let rows = || reading.query_row("SELECT count(*) FROM events", [], |row| row.get::<_, u64>(0)).unwrap();
    assert_eq!(rows(), 1);
    assert_eq!(running.post(component(2).to_string()).json()["accepted"], 1);
    assert_eq!(rows(), 1);
    assert_eq!(running.rows(), 2);
}

#[test]
fn full_bodies_from_many_at_once_are_all_kept() {
    let running = Running::start();
    let (posters, each) = (6_u64, 5_000_u64);
    std::thread::scope(|scope| {
        for poster in 0..posters {
            let running = &running;
            scope.spawn(move || {
                let events: Vec<_> = (poster * each..(poster + 1) * each).map(component).collect();
                let body = lines(&events);
                assert!(body.len() > 700_000 && body.len() <= 1 << 20, "{}", body.len());
                assert_eq!(running.post(body).json()["accepted"], each);
            });
        }
    });
    assert_eq!(running.rows() as u64, posters * each);
}

#[test]
fn a_connection_is_kept_for_the_next_request_only_while_places_are_left() {
    let _alone = MANY_CONNECTIONS.lock().unwrap_or_else(PoisonError::into_inner);
    let running = Running::start();
    let mut answered: Vec<(TcpStream, String)> = Vec::new();
    for _ in 0..ALL_PLACES {
        let mut stream = running.connect();
        let answer = ask_healthz(&mut stream);
        answered.push((stream, answer));
    }
    let (first, last) = (&answered.first().unwrap().1, &answered.last().unwrap().1);
    let close = "connection: close\r\n";
    assert!(!first.contains(close), "{first}");
    assert!(last.contains(close), "{last}");
    assert_eq!(running.post(component(1).to_string()).json()["accepted"], 1);
}

#[test]
fn connections_that_say_nothing_make_room_before_their_headers_are_overdue() {
    let _alone = MANY_CONNECTIONS.lock().unwrap_or_else(PoisonError::into_inner);
    let running = Running::start();
    // The first to be overdue, and the one that stays: its request is on the way.
    let mut slow = running.connect();
    write!(slow, "GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: ").unwrap();
    let silent: Vec<_> = (1..ALL_PLACES).map(|_| running.connect()).collect();
    assert_eq!(running.post(component(1).to_string()).json()["accepted"], 1);

    slow.set_nonblocking(true).unwrap();
    let still_open = slow.read(&mut [0]).map_err(|error| error.kind());
    assert_eq!(still_open, Err(ErrorKind::WouldBlock));
    drop(silent);
}

#[test]
fn an_answer_that_nobody_reads_is_given_up() {
    let page = tempfile::TempDir::new().unwrap();
    // More than lies in the sockets' buffers.
    let length = 64 << 20;
    std::fs::File::create(page.path().join("large.bin")).unwrap().set_len(length).unwrap();
    let running = Running::start_with(&["--www", page.path().to_str().unwrap()]);
    let mut stream = running.connect();
    write!(stream, "GET /large.bin HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    // The collector's deadline of 20 s, and some.
    thread::sleep(Duration::from_secs(28));
    let mut read = Vec::new();
    // Ends early, with or without an error; when it goes on, all of it comes.
    let _ = stream.read_to_end(&mut read);
    assert!(read.starts_with(b"HTTP/1.1 200"));
    assert!((read.len() as u64) < length, "{}", read.len());
}

#[test]
fn records_count_against_the_memory_until_they_are_written_whoever_waits_for_them() {
    let running = Running::start();
    let mut database = running.database();
    let writing = database.transaction_with_behavior(TransactionBehavior::Immediate).unwrap();
    // The writing thread waits five seconds for the file with the first of these, then with 64 at a time: those with
    // large bodies have some twenty until they are given up.
    let small = component(0).to_string();
    let ahead: Vec<_> = (0..140).map(|_| running.begin_post(small.len(), small.as_bytes())).collect();
    let waiting: Vec<_> = (1..=40)
        .map(|seq| {
            let stream = running.begin_post(1 << 20, full_body(seq).as_bytes());
            stream.set_nonblocking(true).unwrap();
            stream
        })
        .collect();
    // When the first of them is sent away, all memory is taken.
    while !waiting.iter().any(|stream| stream.peek(&mut [0]).is_ok()) {
        thread::sleep(Duration::from_millis(10));
    }
    drop((ahead, waiting));
    // For the collector to see that they are gone.
    thread::sleep(Duration::from_millis(500));

    let refused = running.post(full_body(41));
    assert_eq!((refused.status, refused.header("retry-after")), (503, "5"), "{}", refused.body);
    assert!(refused.error().contains("waiting to be written"), "{}", refused.body);
    drop(writing);
    // What was queued is written, or was given up by then: either way its memory is free again.
    while running.post(full_body(41)).status != 200 {}
}

#[test]
#[cfg(target_os = "linux")]
fn only_four_queries_run_at_once_also_when_their_readers_hang_up() {
    let running = Running::start();
    // Enough that a query lasts while the others come.
    running
        .database()
        .execute_batch(
            "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 300000)
             INSERT INTO events (session, seq, event, time, client_type, name, seconds, success, received_at)
             SELECT 'aaaaaaaaaaaa', n, 'component', n, 'browser', 'name' || n % 1000, n * 7919 % 1000, 1, n FROM n",
        )
        .unwrap();
    for _ in 0..12 {
        let mut stream = running.connect();
        write!(stream, "GET /v1/stats HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        thread::sleep(Duration::from_millis(50));
    }
    thread::sleep(Duration::from_millis(200));
    // Each query has the file open by itself, and SQLite uses what it has open again: the most that ran at once, and
    // the writing thread.
    let database = running.database_path();
    let open = std::fs::read_dir(format!("/proc/{}/fd", running.child.id()))
        .unwrap()
        .filter(|file| {
            let target = std::fs::read_link(file.as_ref().unwrap().path());
            target.is_ok_and(|target| target == database)
        })
        .count();
    assert!((2..=5).contains(&open), "{open}");
}
