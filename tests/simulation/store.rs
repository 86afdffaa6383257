//! The storage of one origin, as the edge promises it: batches by page and id, and a claim for each page.
//! Shared by all tabs; it outlives them.

use langflow_telemetry::delivery::Found;

use crate::ledger::count;

#[derive(Debug, Default)]
pub(crate) struct Store {
    entries: Vec<Found>,
    leases: Vec<(String, f64)>,
    bytes: usize,
}

impl Store {
    /// Writes or replaces; a batch keeps the time at which it was first written. False, and all as it was,
    /// where it would pass `limit`.
    pub(crate) fn put(&mut self, session: &str, id: u32, lines: Vec<u8>, wall_ms: f64, limit: usize) -> bool {
        let events = count(&lines) as u32;
        let old = self.entries.iter_mut().find(|entry| entry.id == id && entry.session == session);
        let before = old.as_ref().map_or(0, |entry| entry.lines.len());
        if self.bytes - before + lines.len() > limit {
            return false;
        }
        self.bytes = self.bytes - before + lines.len();
        match old {
            Some(entry) => {
                entry.lines = lines;
                entry.events = events;
            }
            None => self.entries.push(Found {
                session: session.to_owned(),
                id,
                written_ms: wall_ms,
                lines,
                events,
                lease_ms: None,
            }),
        }
        true
    }

    pub(crate) fn remove(&mut self, session: &str, id: u32) -> Option<Found> {
        let at = self.entries.iter().position(|entry| entry.id == id && entry.session == session)?;
        let entry = self.entries.remove(at);
        self.bytes -= entry.lines.len();
        Some(entry)
    }

    /// The batch changes hands, and keeps its time.
    pub(crate) fn adopt(&mut self, from: &str, id: u32, to: &str, new_id: u32) -> bool {
        let found = self.entries.iter_mut().find(|entry| entry.id == id && entry.session == from);
        found.is_some_and(|entry| {
            to.clone_into(&mut entry.session);
            entry.id = new_id;
            true
        })
    }

    /// Says whether it is a new one.
    pub(crate) fn lease(&mut self, session: &str, until_ms: f64) -> bool {
        let leases = self.leases.len();
        self.release(session);
        let new = self.leases.len() == leases;
        self.leases.push((session.to_owned(), until_ms));
        new
    }

    pub(crate) fn is_leased(&self, session: &str) -> bool {
        self.leases.iter().any(|(holder, _)| holder == session)
    }

    pub(crate) fn release(&mut self, session: &str) {
        self.leases.retain(|(holder, _)| holder != session);
    }

    pub(crate) fn purge(&mut self) {
        *self = Self::default();
    }

    pub(crate) fn read(&self) -> Vec<Found> {
        let lease = |session: &str| self.leases.iter().find(|(holder, _)| holder == session).map(|l| l.1);
        self.entries.iter().map(|entry| Found { lease_ms: lease(&entry.session), ..entry.clone() }).collect()
    }

    pub(crate) fn entries(&self) -> &[Found] {
        &self.entries
    }

    pub(crate) const fn bytes(&self) -> usize {
        self.bytes
    }
}
