//! All that is in memory: encoded events, cut into batches as they come in, in one list in which a batch stays
//! where it is from its first line until it is done. Whether it waits or is in flight is a number on it, so that
//! a try that failed puts nothing back, and the oldest are always in front. Byte counts are exact: a batch holds
//! the bytes that will leave, so a flush is a copy and nothing is kept twice.

use alloc::vec::Vec;

/// What an event mostly takes, in bytes.
const EVENT_BYTES: usize = 160;

/// Encoded events that travel together: lines, each with its `\n`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// Unique in this page, growing. 0 is none.
    pub id: u32,
    /// The attempt that carries it; 0 while it waits.
    pub attempt: u32,
    /// The lines. None: it is done, and about to be [swept](Queue::sweep) out.
    pub lines: Vec<u8>,
    /// How many lines.
    pub events: u32,
    /// Whether it was sent before, by this page or by another.
    pub was_tried: bool,
    /// What its copy in the store holds, from the start: so many bytes, and so many events. 0 where there is none.
    /// Less than there is by now, where lines came in since.
    pub kept_bytes: usize,
    /// See `kept_bytes`.
    pub kept_events: u32,
    /// Whether that copy is marked as sent without an answer.
    pub kept_as_sent: bool,
}

impl Batch {
    /// Whether the store has a copy, be it of a part.
    pub const fn has_copy(&self) -> bool {
        self.kept_bytes > 0
    }

    /// Whether the store has no copy, or not of all.
    pub const fn is_behind(&self) -> bool {
        self.kept_bytes != self.lines.len()
    }

    /// Cuts the batch after the last line that ends in its first half, or after the first line. What is cut off, if
    /// anything is left for it: the lines and their number.
    pub fn halve(&mut self) -> Option<(Vec<u8>, u32)> {
        let (mut cut, mut events) = (0, 0);
        for (at, byte) in self.lines.iter().enumerate() {
            if *byte == b'\n' {
                if events > 0 && at >= self.lines.len() / 2 {
                    break;
                }
                cut = at + 1;
                events += 1;
            }
        }
        let rest = self.lines.get(cut..).filter(|rest| !rest.is_empty())?.to_vec();
        let later = self.events - events;
        self.lines.truncate(cut);
        self.events = events;
        Some((rest, later))
    }
}

/// Why a line was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The queue holds as much as it may: the newest is refused, so that the oldest, which came first, leaves
    /// first.
    QueueFull,
    /// One event larger than a whole batch.
    TooLarge,
}

/// What fills a batch, and the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Most events in a batch.
    pub batch_events: u32,
    /// Most bytes in a batch.
    pub batch_bytes: usize,
    /// Most bytes held, batches in flight included.
    pub queue_bytes: usize,
}

/// The batches of a page. Its parts are open to whoever goes through them: a plain walk over one list is what
/// most of the rules are, and each is read where the rule is.
#[derive(Debug)]
pub struct Queue {
    /// What it was made with.
    pub limits: Limits,
    /// First to leave first, those in flight in the places that they had.
    pub batches: Vec<Batch>,
    /// Bytes of all of them.
    pub bytes: usize,
    /// The batch that takes more lines, which is the last; 0 where none does.
    pub open: u32,
    /// The id that the next batch will get: all batches so far have a smaller one.
    pub next_id: u32,
}

impl Queue {
    /// An empty queue.
    pub const fn new(limits: Limits) -> Self {
        Self { limits, batches: Vec::new(), bytes: 0, open: 0, next_id: 1 }
    }

    /// Takes one encoded event, `\n` included: at the end, or, where it is urgent, before all others in a batch of
    /// its own. A batch is closed before the event that would pass its limits; says whether one is ready to leave
    /// by this.
    ///
    /// # Errors
    /// See [`Refusal`]; the queue is then as it was.
    pub fn push(&mut self, line: &[u8], is_urgent: bool) -> Result<bool, Refusal> {
        let Limits { batch_events, batch_bytes, queue_bytes } = self.limits;
        if line.len() > batch_bytes {
            return Err(Refusal::TooLarge);
        }
        if self.bytes + line.len() > queue_bytes {
            return Err(Refusal::QueueFull);
        }
        if is_urgent {
            let batch = self.batch(line.to_vec(), 1);
            self.insert(0, batch);
            return Ok(true);
        }
        let mut closes = false;
        if let Some(last) = self.batches.last_mut()
            && last.id == self.open
        {
            if last.events < batch_events && last.lines.len() + line.len() <= batch_bytes {
                last.lines.extend_from_slice(line);
                last.events += 1;
                self.bytes += line.len();
                return Ok(false);
            }
            // A closed batch waits as it is: what its buffer grew in advance is given back.
            last.lines.shrink_to_fit();
            closes = true;
        }
        // Room for all of it at once: a buffer that grows by doubling was a tenth of what a capture cost.
        let events = batch_bytes.min(batch_events as usize);
        let mut lines = Vec::with_capacity(batch_bytes.min(EVENT_BYTES * events).max(line.len()));
        lines.extend_from_slice(line);
        let batch = self.batch(lines, 1);
        self.open = batch.id;
        self.insert(self.batches.len(), batch);
        Ok(closes)
    }

    /// A batch of its own for these lines: it waits, without a copy, and is not yet in the queue.
    #[inline(never)]
    pub const fn batch(&mut self, lines: Vec<u8>, events: u32) -> Batch {
        let id = self.next_id;
        self.next_id += 1;
        Batch {
            id,
            attempt: 0,
            lines,
            events,
            was_tried: false,
            kept_bytes: 0,
            kept_events: 0,
            kept_as_sent: false,
        }
    }

    /// Puts a batch behind the first so many.
    pub fn insert(&mut self, at: usize, batch: Batch) {
        self.bytes += batch.lines.len();
        self.batches.insert(at, batch);
    }

    /// The first batch that waits; 0 where none does.
    pub fn first(&self) -> u32 {
        let first = self.batches.iter().find(|batch| batch.attempt == 0);
        first.map_or(0, |batch| batch.id)
    }

    /// Whether a batch is ready to leave.
    pub fn has_closed(&self) -> bool {
        let first = self.first();
        first != 0 && first != self.open
    }

    /// Removes the batches whose lines were taken out.
    pub fn sweep(&mut self) {
        let mut bytes = 0;
        self.batches.retain(|batch| {
            bytes += batch.lines.len();
            !batch.lines.is_empty()
        });
        self.bytes = bytes;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn queue(batch_events: u32, batch_bytes: usize, queue_bytes: usize) -> Queue {
        Queue::new(Limits { batch_events, batch_bytes, queue_bytes })
    }

    /// Takes out the first closed batch.
    fn take(queue: &mut Queue) -> Option<Batch> {
        if !queue.has_closed() {
            return None;
        }
        let first = queue.first();
        let batch = queue.batches.iter_mut().find(|batch| batch.id == first).expect("it waits");
        let whole = batch.clone();
        batch.lines.clear();
        queue.sweep();
        Some(whole)
    }

    fn drain(queue: &mut Queue) -> Vec<Batch> {
        queue.open = 0;
        core::iter::from_fn(|| take(queue)).collect()
    }

    fn events(queue: &Queue) -> u32 {
        queue.batches.iter().map(|batch| batch.events).sum()
    }

    #[test]
    fn a_batch_is_closed_before_the_event_that_would_pass_its_bytes() {
        let mut queue = queue(100, 10, 1000);
        for line in ["aaaa\n", "bbbb\n", "c\n"] {
            queue.push(line.as_bytes(), false).expect("taken");
        }
        assert!(queue.has_closed());
        let lines: Vec<_> = drain(&mut queue).into_iter().map(|batch| batch.lines).collect();
        assert_eq!(lines, [b"aaaa\nbbbb\n".to_vec(), b"c\n".to_vec()]);
    }

    #[test]
    fn a_batch_is_closed_by_count() {
        let mut queue = queue(2, 1000, 1000);
        for _ in 0..5 {
            queue.push(b"x\n", false).expect("taken");
        }
        let counts: Vec<_> = drain(&mut queue).iter().map(|batch| batch.events).collect();
        assert_eq!(counts, [2, 2, 1]);
    }

    #[test]
    fn the_newest_is_refused_and_what_is_in_flight_counts() {
        let mut queue = queue(10, 10, 10);
        assert_eq!(queue.push(b"12345678901\n", false), Err(Refusal::TooLarge));
        queue.push(b"1234\n", false).expect("taken");
        queue.push(b"\n", true).expect("taken");
        queue.batches[0].attempt = 1;
        assert_eq!(queue.push(b"1234\n", false), Err(Refusal::QueueFull));
        queue.batches[0].lines.clear();
        queue.sweep();
        queue.push(b"1234\n", false).expect("taken");
        assert_eq!(queue.push(b"\n", false), Err(Refusal::QueueFull));
        assert_eq!((events(&queue), queue.bytes), (2, 10));
    }

    #[test]
    fn an_open_batch_does_not_leave_and_an_urgent_one_leaves_first() {
        let mut queue = queue(10, 100, 1000);
        queue.push(b"a\n", false).expect("taken");
        assert_eq!(take(&mut queue), None);
        queue.push(b"b\n", true).expect("taken");
        assert_eq!(take(&mut queue).map(|batch| batch.lines), Some(b"b\n".to_vec()));
        assert_eq!(take(&mut queue), None);
        queue.push(b"c\n", false).expect("taken");
        assert_eq!(drain(&mut queue).first().map(|batch| batch.events), Some(2));
    }

    #[test]
    fn a_line_after_a_returned_batch_opens_a_new_one() {
        let mut queue = queue(10, 100, 1000);
        let tried = queue.batch(b"a\n".to_vec(), 1);
        queue.insert(0, tried);
        queue.push(b"b\n", false).expect("taken");
        assert_eq!(take(&mut queue).map(|batch| batch.lines), Some(b"a\n".to_vec()));
        assert_eq!(take(&mut queue), None);
    }

    proptest! {
        #[test]
        fn halves_hold_the_same_lines(lens in prop::collection::vec(1_usize..40, 1..30)) {
            let lines: Vec<u8> = lens.iter().flat_map(|len| [vec![b'x'; *len], vec![b'\n']].concat()).collect();
            let mut first = queue(1, 1, 1).batch(lines.clone(), lens.len() as u32);
            match first.halve() {
                None => prop_assert_eq!(lens.len(), 1),
                Some((second, later)) => {
                    prop_assert_eq!([first.lines.clone(), second].concat(), lines);
                    prop_assert_eq!(first.events + later, lens.len() as u32);
                    prop_assert!(first.events > 0 && later > 0);
                    let count = first.lines.iter().filter(|b| **b == b'\n').count();
                    prop_assert_eq!(count, first.events as usize);
                }
            }
        }

        #[test]
        fn counts_are_exact_and_bounds_hold(lens in prop::collection::vec(0_usize..60, 0..200)) {
            let mut queue = queue(7, 50, 1000);
            let (mut bytes, mut taken) = (0, 0);
            for len in lens {
                let line = [vec![b'x'; len], vec![b'\n']].concat();
                if queue.push(&line, false).is_ok() {
                    bytes += line.len();
                    taken += 1;
                }
                prop_assert_eq!((queue.bytes, events(&queue)), (bytes, taken));
                prop_assert!(bytes <= 1000);
            }
            let batches = drain(&mut queue);
            prop_assert!(batches.iter().all(|batch| batch.lines.len() <= 50 && (1..=7).contains(&batch.events)));
            prop_assert_eq!(batches.iter().map(|batch| batch.lines.len()).sum::<usize>(), bytes);
            prop_assert_eq!((queue.bytes, events(&queue)), (0, 0));
        }
    }
}
