//! What became of every event: the simulation's own book, kept beside the machine's counters.

use std::sync::LazyLock;

/// Why an event need not be in the collector at the end. Several may hold.
pub(crate) mod excuse {
    /// The receiver refused it: its line, its whole request, or as too large.
    pub(crate) const REFUSED: u16 = 1;
    /// The receiver said 410 to the page that held it.
    pub(crate) const GONE: u16 = 1 << 1;
    /// The person opted out, or never consented.
    pub(crate) const OPTED_OUT: u16 = 1 << 2;
    /// It was in the store for more than 7 days.
    pub(crate) const EXPIRED: u16 = 1 << 3;
    /// Its page crashed within the second in which nothing need have a copy.
    pub(crate) const WINDOW: u16 = 1 << 4;
    /// Its page died, and there is no store, or the store had refused a write.
    pub(crate) const NO_STORE: u16 = 1 << 5;
    /// At most once: it was under way, unanswered, when its page left or died.
    pub(crate) const UNDER_WAY: u16 = 1 << 6;
    /// Its page crashed, and the network lost the deferred request, which is sent only once.
    pub(crate) const DEFERRED_LOST: u16 = 1 << 7;
    /// It was in the store when somebody cleared that, and no page that could notice had it in memory.
    pub(crate) const CLEARED: u16 = 1 << 8;
}

/// One event that the client accepted.
#[derive(Debug, Clone, Default)]
pub(crate) struct Event {
    /// Simulated ms: when it was captured, or last came back into the queue without a copy.
    pub(crate) at: u64,
    /// Whether the receiver refuses its line.
    pub(crate) bad: bool,
    /// How often the receiver took it.
    pub(crate) arrivals: u16,
    /// How often more than once it may arrive where the receiver does not dedup.
    pub(crate) allowed: u16,
    pub(crate) excuses: u16,
    /// Whether a page that lived heard that it was refused: then it is counted.
    pub(crate) heard_refused: bool,
    /// The page whose request with it was refused for good: that page may not send it again.
    pub(crate) refused_to: Option<usize>,
}

/// Sums of one schedule, or of many.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tally {
    pub(crate) schedules: u64,
    /// Accepted by the client.
    pub(crate) events: u64,
    pub(crate) delivered: u64,
    /// In the order of the bits of `excuse`; an event is in the first that holds.
    pub(crate) missing: [u64; 9],
    /// The machine's own drop counters, in the order of `Reason::ALL`.
    pub(crate) dropped: [u64; 8],
    /// Received again, and told apart by their key.
    pub(crate) duplicates: u64,
    pub(crate) requests: u64,
    pub(crate) crashes: u64,
    /// The oldest event lost to the insurance window, in ms before the crash, or before the moment from which
    /// the page's timer was late.
    pub(crate) oldest_lost_ms: u64,
    /// The most that one crash cost within that window.
    pub(crate) most_lost: u64,
    pub(crate) keepalive_bytes: u64,
    /// The most requests for each event of a schedule, in hundredths; only where there were ten events or more.
    pub(crate) requests_per_event: u64,
    pub(crate) settled: u64,
    pub(crate) acknowledged: u64,
}

impl Tally {
    pub(crate) fn add(&mut self, other: &Self) {
        self.schedules += other.schedules;
        self.events += other.events;
        self.delivered += other.delivered;
        for (sum, more) in self.missing.iter_mut().zip(other.missing) {
            *sum += more;
        }
        for (sum, more) in self.dropped.iter_mut().zip(other.dropped) {
            *sum += more;
        }
        self.duplicates += other.duplicates;
        self.requests += other.requests;
        self.crashes += other.crashes;
        self.oldest_lost_ms = self.oldest_lost_ms.max(other.oldest_lost_ms);
        self.most_lost = self.most_lost.max(other.most_lost);
        self.keepalive_bytes = self.keepalive_bytes.max(other.keepalive_bytes);
        self.requests_per_event = self.requests_per_event.max(other.requests_per_event);
        self.settled += other.settled;
        self.acknowledged += other.acknowledged;
    }
}

/// Text of which most characters are longer in UTF-8 than in UTF-16 units.
static TEXT: LazyLock<String> = LazyLock::new(|| "é漢🦀語ß".repeat(400));

/// An event's line: its key, and text, of so many bytes or up to three fewer.
pub(crate) fn line(key: usize, bytes: usize) -> Vec<u8> {
    let mut line = format!("{{\"k\":{key},\"t\":\"");
    let mut end = bytes.saturating_sub(line.len() + 3).min(TEXT.len());
    while !TEXT.is_char_boundary(end) {
        end -= 1;
    }
    line.push_str(&TEXT[..end]);
    line.push_str("\"}\n");
    line.into_bytes()
}

/// The keys of some lines.
pub(crate) fn keys(lines: &[u8]) -> impl Iterator<Item = usize> {
    let mut rest = lines;
    std::iter::from_fn(move || {
        let digits = rest.get(5..)?.iter().take_while(|byte| byte.is_ascii_digit());
        let key = digits.fold(0, |key, digit| key * 10 + usize::from(digit - b'0'));
        rest = &rest[line_end(rest)..];
        Some(key)
    })
}

/// How many lines.
pub(crate) fn count(lines: &[u8]) -> usize {
    let ends =
        |chunk: &[u8]| chunk.iter().fold(0_u8, |ends, byte| ends.wrapping_add(u8::from(*byte == b'\n')));
    lines.chunks(128).map(|chunk| usize::from(ends(chunk))).sum()
}

/// Where the first line ends. `contains` is quick, `position` is not.
fn line_end(lines: &[u8]) -> usize {
    let whole = lines.chunks(64).take_while(|chunk| !chunk.contains(&b'\n')).count() * 64;
    whole + lines[whole..].iter().position(|byte| *byte == b'\n').map_or(0, |at| at + 1)
}
