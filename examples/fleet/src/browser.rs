//! What outlives a page: a browser's storage, and the book of which of its events the collector has.
//!
//! A fleet is millions of these, so that each is as small as what it has to remember.

use langflow_telemetry::delivery::Found;

/// Characters of a session, as the client makes them: five bits each.
const DIGITS: &[u8; 32] = b"0123456789abcdefghijklmnopqrstuv";

/// Of the twelve characters of a session, so many tell the browser; the others tell which of its pages.
const BROWSER_DIGITS: usize = 7;
const SESSION_DIGITS: usize = 12;

/// Bytes of batches that the client's store holds on one origin (`STORE_MAX` in pkg/browser.js).
const STORE_MAX: usize = 1024 * 1024;

/// Unix ms at the midnight that the day begins with. Times in a store are kept relative to it.
pub(crate) const MIDNIGHT_MS: f64 = 1_763_856_000_000.0;

/// A page's session: it names its browser and its number there, where a real one is random.
pub(crate) fn session(browser: u32, page: u16) -> String {
    let mut text = vec![b'0'; SESSION_DIGITS];
    put(u64::from(browser), &mut text[..BROWSER_DIGITS]);
    put(u64::from(page), &mut text[BROWSER_DIGITS..]);
    String::from_utf8(text).expect("digits")
}

fn put(mut number: u64, text: &mut [u8]) {
    for digit in text.iter_mut().rev() {
        *digit = DIGITS[(number % 32) as usize];
        number /= 32;
    }
}

/// Puts a page's session into a line that was encoded with another one: a page need not have an encoder of its own.
pub(crate) fn sign(line: &mut [u8], browser: u32, page: u16) {
    let at = session_at(line);
    put(u64::from(browser), &mut line[at..at + BROWSER_DIGITS]);
    put(u64::from(page), &mut line[at + BROWSER_DIGITS..at + SESSION_DIGITS]);
}

/// Where a line has its session. It begins `{"event":"run","session":"…","seq":17,`.
///
/// # Panics
/// On a line that no page of the fleet wrote: then the simulation is wrong.
fn session_at(line: &[u8]) -> usize {
    const NAME_AT: usize = r#"{"event":""#.len();
    const BEFORE_SESSION: usize = r#"","session":""#.len();
    let name = line[NAME_AT..].iter().position(|byte| *byte == b'"').expect("an event's name");
    NAME_AT + name + BEFORE_SESSION
}

/// Reads a number written by [`session`].
fn number(text: &[u8]) -> u32 {
    text.iter().fold(0, |sum, digit| {
        let digit = if digit.is_ascii_digit() { digit - b'0' } else { digit - b'a' + 10 };
        sum * 32 + u32::from(digit)
    })
}

/// An event's key, as its line tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Key {
    pub(crate) browser: u32,
    pub(crate) page: u16,
    pub(crate) seq: u32,
}

/// The keys of a body, line by line.
pub(crate) fn keys(body: &[u8]) -> impl Iterator<Item = Key> {
    const BEFORE_SEQ: usize = r#"","seq":"#.len();
    // As text, since the standard library looks for a character word by word, and for a byte byte by byte.
    let text = std::str::from_utf8(body).expect("UTF-8");
    text.split_inclusive('\n').map(|line| {
        let line = line.as_bytes();
        let (session, rest) = line[session_at(line)..].split_at(SESSION_DIGITS);
        let digits = rest[BEFORE_SEQ..].iter().take_while(|byte| byte.is_ascii_digit());
        Key {
            browser: number(&session[..BROWSER_DIGITS]),
            page: number(&session[BROWSER_DIGITS..]) as u16,
            seq: digits.fold(0, |sum, digit| sum * 10 + u32::from(digit - b'0')),
        }
    })
}

/// Which events of one page the collector has.
#[derive(Debug, Default)]
pub(crate) struct Book {
    /// Events that the client accepted: their numbers are below this. Known once the page is gone, or the day.
    accepted: u32,
    /// All below this number arrived; and of the others these. Mostly they come in order, so that a page's book is
    /// one place in memory.
    below: u32,
    ahead: Vec<u32>,
    crashed: bool,
}

impl Book {
    /// Notes an arrival; false where it had arrived before.
    fn arrive(&mut self, seq: u32) -> bool {
        if seq < self.below || self.ahead.contains(&seq) {
            return false;
        }
        if seq > self.below {
            self.ahead.push(seq);
            return true;
        }
        self.below += 1;
        while let Some(at) = self.ahead.iter().position(|other| *other == self.below) {
            self.ahead.swap_remove(at);
            self.below += 1;
        }
        true
    }

    fn arrived(&self) -> u32 {
        self.below + self.ahead.len() as u32
    }
}

/// A batch in the store.
#[derive(Debug)]
struct Kept {
    lines: Box<[u8]>,
    id: u32,
    written_ms: u32,
    page: u16,
    events: u16,
}

/// How many lines there are. In parts whose count fits into a byte: so the compiler compares sixteen at a time.
fn count_lines(lines: &[u8]) -> u16 {
    let parts = lines.chunks(usize::from(u8::MAX));
    parts.map(|part| u16::from(part.iter().fold(0, |count, byte| count + u8::from(*byte == b'\n')))).sum()
}

/// What became of the events of a browser, when the day is over.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Fate {
    /// Accepted by its pages.
    pub(crate) accepted: u64,
    /// With the collector.
    pub(crate) arrived: u64,
    /// In the store, or in a page that is still open.
    pub(crate) waiting: u64,
    /// Of the last second before a crash.
    pub(crate) crashed: u64,
    /// Of pages whose store was full.
    pub(crate) overflowed: u64,
    /// Gone without any of these excuses.
    pub(crate) lost: u64,
}

impl Fate {
    pub(crate) const fn add(&mut self, other: Self) {
        self.accepted += other.accepted;
        self.arrived += other.arrived;
        self.waiting += other.waiting;
        self.crashed += other.crashed;
        self.overflowed += other.overflowed;
        self.lost += other.lost;
    }
}

/// One browser: its storage for our origin, its pages' books, and what is special about it.
#[derive(Debug, Default)]
pub(crate) struct Browser {
    books: Vec<Book>,
    kept: Vec<Kept>,
    leases: Vec<(u16, f64)>,
    store_was_full: bool,
    /// An extension or a firewall keeps every request from leaving.
    pub(crate) is_blocked: bool,
    /// It has `fetchLater`.
    pub(crate) defers: bool,
}

impl Browser {
    pub(crate) fn new(is_blocked: bool, defers: bool) -> Self {
        Self { is_blocked, defers, ..Self::default() }
    }

    /// A new page; its number.
    pub(crate) fn open(&mut self) -> u16 {
        self.books.push(Book::default());
        (self.books.len() - 1) as u16
    }

    /// How many pages it had so far.
    pub(crate) const fn pages(&self) -> usize {
        self.books.len()
    }

    /// The page, or the day, is over; so many events of the page were accepted.
    pub(crate) fn close(&mut self, page: u16, accepted: u32, crashed: bool) {
        let book = &mut self.books[usize::from(page)];
        (book.accepted, book.crashed) = (accepted, crashed);
    }

    /// An event arrived; false where it had arrived before.
    pub(crate) fn arrive(&mut self, key: Key) -> bool {
        self.books[usize::from(key.page)].arrive(key.seq)
    }

    /// What the events of its closed pages became; `memory` has the keys that the pages hold which the day closed.
    pub(crate) fn fate(&self, memory: &[Key]) -> Fate {
        let mut fate = Fate::default();
        let held = |page| {
            let kept = self.kept.iter().flat_map(|batch| keys(&batch.lines));
            kept.chain(memory.iter().copied()).filter(move |key| usize::from(key.page) == page)
        };
        for (page, book) in self.books.iter().enumerate() {
            let (accepted, arrived) = (u64::from(book.accepted), u64::from(book.arrived()));
            let mut waiting = 0;
            if accepted != arrived {
                let mut there = Book { below: book.below, ahead: book.ahead.clone(), ..Book::default() };
                waiting = held(page).filter(|key| there.arrive(key.seq)).count() as u64;
            }
            let missing = accepted - arrived - waiting;
            let (mut crashed, mut overflowed, mut lost) = (0, 0, 0);
            *if book.crashed {
                &mut crashed
            } else if self.store_was_full {
                &mut overflowed
            } else {
                &mut lost
            } = missing;
            fate.add(Fate { accepted, arrived, waiting, crashed, overflowed, lost });
        }
        fate
    }

    // ---- the store, as the client's edge promises it

    /// Writes or replaces; a batch keeps the time of its first writing. False, and all as it was, where there
    /// is no room.
    pub(crate) fn persist(&mut self, page: u16, id: u32, lines: Vec<u8>, now_ms: u32) -> bool {
        let old = self.kept.iter().position(|batch| (batch.page, batch.id) == (page, id));
        let before = old.map_or(0, |at| self.kept[at].lines.len());
        if self.stored_bytes() - before + lines.len() > STORE_MAX {
            self.store_was_full = true;
            return false;
        }
        let written_ms = old.map_or(now_ms, |at| self.kept.swap_remove(at).written_ms);
        let events = count_lines(&lines);
        self.kept.push(Kept { lines: lines.into_boxed_slice(), id, written_ms, page, events });
        true
    }

    pub(crate) fn forget(&mut self, page: u16, id: u32) {
        self.kept.retain(|batch| (batch.page, batch.id) != (page, id));
    }

    pub(crate) fn adopt(&mut self, from: &str, id: u32, page: u16, new_id: u32) {
        let from = page_of(from);
        for batch in self.kept.iter_mut().filter(|batch| (batch.page, batch.id) == (from, id)) {
            (batch.page, batch.id) = (page, new_id);
        }
    }

    pub(crate) fn forget_foreign(&mut self, session: &str, id: u32) {
        self.forget(page_of(session), id);
    }

    pub(crate) fn lease(&mut self, page: u16, until_ms: f64) {
        self.release(page);
        self.leases.push((page, until_ms));
    }

    pub(crate) fn release(&mut self, page: u16) {
        self.leases.retain(|(holder, _)| *holder != page);
    }

    /// All that is in the store.
    pub(crate) fn read(&self, browser: u32) -> Vec<Found> {
        let found = self.kept.iter().map(|batch| Found {
            session: session(browser, batch.page),
            id: batch.id,
            written_ms: MIDNIGHT_MS + f64::from(batch.written_ms),
            lines: batch.lines.to_vec(),
            events: u32::from(batch.events),
            lease_ms: self.leases.iter().find(|(page, _)| *page == batch.page).map(|(_, until)| *until),
        });
        found.collect()
    }

    pub(crate) fn stored_bytes(&self) -> usize {
        self.kept.iter().map(|batch| batch.lines.len()).sum()
    }
}

fn page_of(session: &str) -> u16 {
    number(&session.as_bytes()[BROWSER_DIGITS..]) as u16
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::people;
    use langflow_telemetry::event::{Origin, Record};
    use langflow_telemetry::wire::{Format, encode_record};

    #[test]
    fn a_key_comes_back_from_its_line() {
        for (browser, page, seq) in [(0, 0, 0), (999_999, 3, 17), (u32::MAX, u16::MAX, u32::MAX)] {
            let origin = Origin {
                session: session(browser, page),
                seq: u64::from(seq),
                time: 1_763_834_701_123,
                client_type: "browser".to_owned(),
                sample_rate: None,
            };
            let line = |event| encode_record(Format::Ndjson, &Record { event, origin: origin.clone() });
            let body = [line(people::version()), line(people::shutdown(1_000))].concat();
            let mut other = body.clone();
            sign(&mut other, 17, 4);
            assert_eq!(keys(&other).next(), Some(Key { browser: 17, page: 4, seq }));
            sign(&mut other, browser, page);
            assert_eq!(other, body);
            let key = Key { browser, page, seq };
            assert_eq!(keys(&body).collect::<Vec<_>>(), [key, key]);
        }
    }

    #[test]
    fn an_event_is_arrived_waiting_or_lost() {
        let mut browser = Browser::default();
        let page = browser.open();
        browser.close(page, 4, false);
        let key = |seq| Key { browser: 0, page, seq };
        assert!(browser.arrive(key(0)));
        assert!(!browser.arrive(key(0)), "a second time");
        let fate = Fate { accepted: 4, arrived: 1, waiting: 1, lost: 2, ..Fate::default() };
        assert_eq!(browser.fate(&[key(0), key(1), key(1)]), fate);
        browser.close(page, 4, true);
        assert_eq!(browser.fate(&[key(1)]), Fate { crashed: 2, lost: 0, ..fate });
    }
}
