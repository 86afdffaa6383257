//! A bounded queue of encoded events, cut into batches as they come in. Byte counts are exact: a batch holds
//! the bytes that will leave, so a flush is a copy and nothing is kept twice.

use alloc::vec::Vec;

use alloc::collections::VecDeque;

/// What an event mostly takes, in bytes.
const EVENT_BYTES: usize = 160;

/// What a batch's copy in the store looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stored {
    /// There is none.
    No,
    /// There is one, but events came in since.
    Stale,
    /// There is an exact one, written before the batch was sent.
    Unsent,
    /// There is an exact one, marked as sent without an answer.
    Sent,
}

/// Encoded events that travel together: lines, each with its `\n`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// Unique in this page, growing.
    pub id: u32,
    /// The lines.
    pub lines: Vec<u8>,
    /// How many lines.
    pub events: u32,
    /// How often it was tried.
    pub tries: u32,
    /// Its copy in the store.
    pub stored: Stored,
    /// How much of it that copy holds: bytes and events, from the start.
    pub kept: (usize, u32),
}

impl Batch {
    /// Cuts the batch after the line that passes its middle, so that each part has at least one line. `None`
    /// where there is only one line.
    pub fn halve(self, id: u32) -> Option<(Self, Self)> {
        let middle = self.lines.len() / 2;
        let (mut first, mut second) = (Vec::new(), Vec::new());
        let (mut events, mut later) = (0, 0);
        for line in self.lines.split_inclusive(|b| *b == b'\n') {
            if first.is_empty() || (second.is_empty() && first.len() + line.len() <= middle) {
                first.extend_from_slice(line);
                events += 1;
            } else {
                second.extend_from_slice(line);
                later += 1;
            }
        }
        if second.is_empty() {
            return None;
        }
        let tries = self.tries;
        let part = |id, lines, events| Self { id, lines, events, tries, stored: Stored::No, kept: (0, 0) };
        Some((part(self.id, first, events), part(id, second, later)))
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

/// Batches in the order in which they leave; the last may still be open.
#[derive(Debug)]
pub struct Queue {
    limits: Limits,
    batches: VecDeque<Batch>,
    /// Whether the last batch takes more lines.
    open: bool,
    bytes: usize,
    events: u32,
    next_id: u32,
}

impl Queue {
    /// An empty queue.
    pub fn new(limits: Limits) -> Self {
        Self { limits, batches: VecDeque::new(), open: false, bytes: 0, events: 0, next_id: 1 }
    }

    /// Appends one encoded event, `\n` included. `elsewhere` is what is held beside the queue, in bytes.
    /// A batch is closed before the event that would pass its limits; says whether one was.
    ///
    /// # Errors
    /// See [`Refusal`]; the queue is then as it was.
    pub fn push(&mut self, line: &[u8], elsewhere: usize) -> Result<bool, Refusal> {
        self.admit(line.len(), elsewhere)?;
        let mut closed = false;
        let Limits { batch_events, batch_bytes, .. } = self.limits;
        let last = self.batches.back_mut().filter(|_| self.open);
        match last {
            Some(batch) if batch.events < batch_events && batch.lines.len() + line.len() <= batch_bytes => {
                batch.lines.extend_from_slice(line);
                batch.events += 1;
                if batch.stored != Stored::No {
                    batch.stored = Stored::Stale;
                }
            }
            last => {
                // A closed batch waits as it is: what its buffer grew in advance is given back.
                if let Some(batch) = last {
                    batch.lines.shrink_to_fit();
                    closed = true;
                }
                // Room for all of it at once: a buffer that grows by doubling was a tenth of what a capture cost.
                let room = EVENT_BYTES.saturating_mul(batch_events as usize).min(batch_bytes).max(line.len());
                let mut lines = Vec::with_capacity(room);
                lines.extend_from_slice(line);
                let batch = self.batch(lines, 1);
                self.batches.push_back(batch);
                self.open = true;
            }
        }
        self.bytes += line.len();
        self.events += 1;
        Ok(closed)
    }

    /// Puts one encoded event before all others, in a batch of its own.
    ///
    /// # Errors
    /// As [`push`](Self::push).
    pub fn push_urgent(&mut self, line: &[u8], elsewhere: usize) -> Result<bool, Refusal> {
        self.admit(line.len(), elsewhere)?;
        let batch = self.batch(line.to_vec(), 1);
        self.put_back(batch);
        Ok(true)
    }

    fn admit(&self, line: usize, elsewhere: usize) -> Result<(), Refusal> {
        if line > self.limits.batch_bytes {
            return Err(Refusal::TooLarge);
        }
        if self.bytes + elsewhere + line > self.limits.queue_bytes {
            return Err(Refusal::QueueFull);
        }
        Ok(())
    }

    /// A batch with a new id, not yet in the queue.
    pub fn batch(&mut self, lines: Vec<u8>, events: u32) -> Batch {
        Batch { id: self.take_id(), lines, events, tries: 0, stored: Stored::No, kept: (0, 0) }
    }

    /// An id that no batch has.
    pub fn take_id(&mut self) -> u32 {
        let id = self.next_id;
        self.next_id += 1;
        id
    }

    /// The id that the next batch will get: all batches so far have a smaller one.
    pub const fn next_id(&self) -> u32 {
        self.next_id
    }

    /// Puts a batch before all others: it was tried, or it is older than this page.
    pub fn put_back(&mut self, batch: Batch) {
        self.bytes += batch.lines.len();
        self.events += batch.events;
        if self.batches.is_empty() {
            self.open = false;
        }
        self.batches.push_front(batch);
    }

    /// From now on the last batch takes no more lines.
    pub const fn close(&mut self) {
        self.open = false;
    }

    /// Takes the first closed batch.
    pub fn take(&mut self) -> Option<Batch> {
        self.take_if(|_| true)
    }

    /// Takes the first closed batch where `fits` says so.
    pub fn take_if(&mut self, fits: impl FnOnce(&Batch) -> bool) -> Option<Batch> {
        if !self.has_closed() || !self.batches.front().is_some_and(fits) {
            return None;
        }
        let batch = self.batches.pop_front()?;
        self.bytes -= batch.lines.len();
        self.events -= batch.events;
        Some(batch)
    }

    /// Takes out every batch for which `leaves` says so.
    pub fn take_all(&mut self, leaves: impl Fn(&Batch) -> bool) -> Vec<Batch> {
        let (mut taken, mut kept) = (Vec::new(), VecDeque::new());
        let last = self.batches.back().map(|batch| batch.id);
        for batch in core::mem::take(&mut self.batches) {
            if leaves(&batch) {
                self.bytes -= batch.lines.len();
                self.events -= batch.events;
                if Some(batch.id) == last {
                    self.open = false;
                }
                taken.push(batch);
            } else {
                kept.push_back(batch);
            }
        }
        self.batches = kept;
        taken
    }

    /// Whether a batch is ready to leave.
    pub fn has_closed(&self) -> bool {
        self.batches.len() > usize::from(self.open)
    }

    /// The batches, first to leave first.
    pub fn iter(&self) -> impl Iterator<Item = &Batch> {
        self.batches.iter()
    }

    /// The batches, first to leave first, to be marked as stored.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Batch> {
        self.batches.iter_mut()
    }

    /// Bytes held.
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Events held.
    pub const fn events(&self) -> u32 {
        self.events
    }

    /// Whether nothing is held.
    pub fn is_empty(&self) -> bool {
        self.batches.is_empty()
    }

    /// The limits it was made with.
    pub const fn limits(&self) -> Limits {
        self.limits
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn queue(batch_events: u32, batch_bytes: usize, queue_bytes: usize) -> Queue {
        Queue::new(Limits { batch_events, batch_bytes, queue_bytes })
    }

    fn drain(queue: &mut Queue) -> Vec<Batch> {
        queue.close();
        core::iter::from_fn(|| queue.take()).collect()
    }

    #[test]
    fn a_batch_is_closed_before_the_event_that_would_pass_its_bytes() {
        let mut queue = queue(100, 10, 1000);
        for line in ["aaaa\n", "bbbb\n", "c\n"] {
            queue.push(line.as_bytes(), 0).expect("taken");
        }
        assert!(queue.has_closed());
        let lines: Vec<_> = drain(&mut queue).into_iter().map(|batch| batch.lines).collect();
        assert_eq!(lines, [b"aaaa\nbbbb\n".to_vec(), b"c\n".to_vec()]);
    }

    #[test]
    fn a_batch_is_closed_by_count() {
        let mut queue = queue(2, 1000, 1000);
        for _ in 0..5 {
            queue.push(b"x\n", 0).expect("taken");
        }
        let counts: Vec<_> = drain(&mut queue).iter().map(|batch| batch.events).collect();
        assert_eq!(counts, [2, 2, 1]);
    }

    #[test]
    fn the_newest_is_refused_and_what_is_elsewhere_counts() {
        let mut queue = queue(10, 10, 10);
        assert_eq!(queue.push(b"12345678901\n", 0), Err(Refusal::TooLarge));
        queue.push(b"1234\n", 0).expect("taken");
        assert_eq!(queue.push(b"1234\n", 1), Err(Refusal::QueueFull));
        queue.push(b"1234\n", 0).expect("taken");
        assert_eq!(queue.push(b"\n", 0), Err(Refusal::QueueFull));
        assert_eq!((queue.events(), queue.bytes()), (2, 10));
    }

    #[test]
    fn an_open_batch_does_not_leave_and_an_urgent_one_leaves_first() {
        let mut queue = queue(10, 100, 1000);
        queue.push(b"a\n", 0).expect("taken");
        assert_eq!(queue.take(), None);
        queue.push_urgent(b"b\n", 0).expect("taken");
        assert_eq!(queue.take().map(|batch| batch.lines), Some(b"b\n".to_vec()));
        assert_eq!(queue.take(), None);
        queue.push(b"c\n", 0).expect("taken");
        assert_eq!(drain(&mut queue).first().map(|batch| batch.events), Some(2));
    }

    #[test]
    fn a_line_after_a_returned_batch_opens_a_new_one() {
        let mut queue = queue(10, 100, 1000);
        let tried = queue.batch(b"a\n".to_vec(), 1);
        queue.put_back(tried);
        queue.push(b"b\n", 0).expect("taken");
        assert_eq!(queue.take().map(|batch| batch.lines), Some(b"a\n".to_vec()));
        assert_eq!(queue.take(), None);
    }

    proptest! {
        #[test]
        fn halves_hold_the_same_lines(lens in prop::collection::vec(1_usize..40, 1..30)) {
            let lines: Vec<u8> = lens.iter().flat_map(|len| [vec![b'x'; *len], vec![b'\n']].concat()).collect();
            let mut batch = queue(1, 1, 1).batch(lines.clone(), lens.len() as u32);
            batch.id = 1;
            match batch.halve(2) {
                None => prop_assert_eq!(lens.len(), 1),
                Some((first, second)) => {
                    prop_assert_eq!([first.lines.clone(), second.lines.clone()].concat(), lines);
                    prop_assert_eq!(first.events + second.events, lens.len() as u32);
                    prop_assert!(first.events > 0 && second.events > 0);
                    let count = first.lines.iter().filter(|b| **b == b'\n').count();
                    prop_assert_eq!(count, first.events as usize);
                }
            }
        }

        #[test]
        fn counts_are_exact_and_bounds_hold(lens in prop::collection::vec(0_usize..60, 0..200)) {
            let mut queue = queue(7, 50, 1000);
            let (mut bytes, mut events) = (0, 0);
            for len in lens {
                let line = [vec![b'x'; len], vec![b'\n']].concat();
                if queue.push(&line, 0).is_ok() {
                    bytes += line.len();
                    events += 1;
                }
                prop_assert_eq!((queue.bytes(), queue.events()), (bytes, events));
                prop_assert!(bytes <= 1000);
            }
            let batches = drain(&mut queue);
            prop_assert!(batches.iter().all(|batch| batch.lines.len() <= 50 && (1..=7).contains(&batch.events)));
            prop_assert_eq!(batches.iter().map(|batch| batch.lines.len()).sum::<usize>(), bytes);
            prop_assert_eq!((queue.bytes(), queue.events()), (0, 0));
        }
    }
}
