//! What is due when, for a day of a hundred million things.
//!
//! A binary heap of what a million browsers have ahead of them was a sixth of a day's time: each step of its sifting is
//! another part of memory. But the day has a clock of whole ms, and nothing is due in the past; so there is a list for
//! each ms of the second at hand, and one for each later second, which is only written to until its time has come.

/// How many ms are lists of their own at a time. More is more memory than a core has close by, less is more spans.
const SPAN_MS: usize = 1_024;

/// Flags in a word.
const WORD: usize = u64::BITS as usize;

/// In place of the place of an entry.
const NONE: u32 = u32::MAX;

/// An entry of the span at hand, and the place of the next one of the same ms.
#[derive(Debug)]
struct Entry<T> {
    due: T,
    next: u32,
}

/// First and last entry of a ms.
#[derive(Debug, Clone, Copy)]
struct List {
    first: u32,
    last: u32,
}

/// What is due, in the order of its time, and at the same time in the order in which it was put there.
#[derive(Debug)]
pub(crate) struct Agenda<T> {
    /// The span at hand: a list for each ms, and a flag for each that has entries.
    lists: Vec<List>,
    flags: [u64; SPAN_MS / WORD],
    /// All flags in words before this one are down.
    word: usize,
    entries: Vec<Entry<T>>,
    /// When it began, in ms.
    from_ms: usize,
    /// All spans of the day; those up to the one at hand are empty.
    later: Vec<Vec<(u32, T)>>,
}

impl<T: Copy> Agenda<T> {
    /// For what is due before `end_ms`.
    pub(crate) fn new(end_ms: u32) -> Self {
        Self {
            lists: vec![List { first: NONE, last: NONE }; SPAN_MS],
            flags: [0; SPAN_MS / WORD],
            word: 0,
            entries: Vec::new(),
            from_ms: 0,
            later: (0..=end_ms as usize / SPAN_MS).map(|_| Vec::new()).collect(),
        }
    }

    /// Notes what is due at `at_ms`: before the end, and not before what was asked for last.
    pub(crate) fn put(&mut self, at_ms: u32, due: T) {
        let span = at_ms as usize / SPAN_MS;
        if span > self.from_ms / SPAN_MS {
            self.later[span].push((at_ms, due));
        } else {
            self.put_close(at_ms, due);
        }
    }

    /// Notes what is due in the span at hand.
    fn put_close(&mut self, at_ms: u32, due: T) {
        let at = at_ms as usize % SPAN_MS;
        let place = self.entries.len() as u32;
        self.entries.push(Entry { due, next: NONE });
        let list = &mut self.lists[at];
        if list.first == NONE {
            list.first = place;
            self.flags[at / WORD] |= 1 << (at % WORD);
            self.word = self.word.min(at / WORD);
        } else {
            self.entries[list.last as usize].next = place;
        }
        list.last = place;
    }

    /// Takes out what is due next, if that is before `until_ms`; and when it is due. Nothing that is due earlier may be
    /// put there afterwards, nor before `until_ms` where nothing was left.
    pub(crate) fn next(&mut self, until_ms: u32) -> Option<(u32, T)> {
        loop {
            if let Some(at) = self.first() {
                let at_ms = (self.from_ms + at) as u32;
                if at_ms >= until_ms {
                    return None;
                }
                let list = &mut self.lists[at];
                let Entry { due, next } = self.entries[list.first as usize];
                list.first = next;
                if next == NONE {
                    self.flags[at / WORD] &= !(1 << (at % WORD));
                }
                return Some((at_ms, due));
            }
            if self.from_ms + SPAN_MS > until_ms as usize {
                return None;
            }
            self.turn();
        }
    }

    /// The first ms of the span at hand that has entries.
    fn first(&mut self) -> Option<usize> {
        while let Some(flags) = self.flags.get(self.word) {
            if *flags != 0 {
                return Some(self.word * WORD + flags.trailing_zeros() as usize);
            }
            self.word += 1;
        }
        None
    }

    /// Goes on to the next span.
    fn turn(&mut self) {
        self.entries.clear();
        self.word = 0;
        self.from_ms += SPAN_MS;
        let Some(span) = self.later.get_mut(self.from_ms / SPAN_MS) else { return };
        for (at_ms, due) in std::mem::take(span) {
            self.put_close(at_ms, due);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cmp::Reverse;
    use std::collections::BinaryHeap;

    use super::*;
    use crate::rng::Rng;

    /// A heap is the judge.
    #[test]
    fn what_is_due_comes_in_order() {
        const END_MS: u32 = 200_000;
        let mut rng = Rng::new(1);
        let mut agenda = Agenda::new(END_MS);
        let mut heap = BinaryHeap::new();
        let mut number = 0;
        let mut now = 0;
        while now < END_MS {
            for _ in 0..rng.below(3) {
                let ahead = [0, 1, 40, 1_024, 5_000][rng.below(5) as usize];
                let at = now + rng.below(ahead + 1) as u32;
                if at < END_MS {
                    number += 1;
                    agenda.put(at, number);
                    heap.push(Reverse((at, number)));
                }
            }
            let until = now + rng.below(100) as u32;
            while let Some((at, due)) = agenda.next(until) {
                assert_eq!(heap.pop(), Some(Reverse((at, due))));
                now = at;
                if rng.chance(40) {
                    number += 1;
                    agenda.put(now, number);
                    heap.push(Reverse((now, number)));
                }
            }
            assert!(heap.peek().is_none_or(|Reverse((at, _))| *at >= until));
            now = now.max(until);
        }
        assert!(number > 1_000, "there was something to do");
    }
}
