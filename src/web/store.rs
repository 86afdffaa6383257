//! Unsent events across page loads, in localStorage: it is synchronous, so that what is written at hide is
//! written, and it keeps no page out of the back/forward cache, as an open IndexedDB transaction would.
//!
//! # Keys
//! - `langflow-telemetry:opt-out`: the remembered opt-out.
//! - `langflow-telemetry:<tag>:<session>:<id>`: a batch. Its value is a line `u<written> <bytes>` (or `s…`, sent
//!   without an answer), then the lines of the batch. The tag tells one endpoint and format from another.
//! - `langflow-telemetry:<tag>:<session>`: until when that session claims its batches, in Unix ms.
//!
//! Storage that is full, forbidden or full of rubbish means less durability, never an error.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;

use core::cell::Cell;

use super::{Ask, Host, cut, text};
use crate::delivery::{Found, STORED_AGE_MAX_MS, STORED_BATCH_MAX};
use crate::wire::{Format, put_integer};

/// What all our keys start with. `pkg/browser.js` knows it too, and hands over no others.
const PREFIX: &str = "langflow-telemetry:";

/// The remembered opt-out. The shell writes it: a click counts also while the wasm is not there.
pub(super) const OPT_OUT: &str = "langflow-telemetry:opt-out";

/// Most bytes of batches on one origin: a fifth of what browsers allow it, which belongs to the host page.
const STORE_MAX: usize = 1024 * 1024;

/// Longest first line of a value, in UTF-16 units: a letter, two numbers, a space and the line end.
const HEAD_MAX: u32 = 48;

/// Longest value that is believed, in UTF-16 units.
const VALUE_MAX: u32 = STORED_BATCH_MAX as u32 + HEAD_MAX;

/// The batches of one endpoint and format.
#[derive(Debug)]
pub(super) struct Store {
    format: Format,
    /// `PREFIX`, tag, `:`.
    prefix: String,
    /// Under `prefix`: this page's session.
    session: String,
    /// Bytes of all batches, counted at most once in a run of actions: see [`Store::settle`].
    total: Cell<Option<usize>>,
}

impl Store {
    /// The store of `endpoint`, for the page `session`.
    pub(super) fn new(endpoint: &str, format: Format, session: &str) -> Self {
        let mut prefix = PREFIX.to_owned();
        let mut hash = 0x811c_9dc5_u32;
        for text in [endpoint, format.name()] {
            for byte in text.bytes() {
                hash = (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
            }
        }
        push_number(&mut prefix, u64::from(hash), ":");
        Self { format, prefix, session: session.to_owned(), total: Cell::new(None) }
    }

    fn key(&self, session: &str, id: u32) -> String {
        let mut key = self.claim(session);
        key.push(':');
        push_number(&mut key, u64::from(id), "");
        key
    }

    fn claim(&self, session: &str) -> String {
        let mut key = self.prefix.clone();
        key.push_str(session);
        key
    }

    /// Keeps a batch of this page; one that is kept already keeps its age. False where there was no room, or no
    /// permission: then nothing of it is kept.
    pub(super) fn persist(&self, host: Host, id: u32, sent: bool, lines: &[u8], wall_ms: f64) -> bool {
        let key = self.key(&self.session, id);
        let (written, bytes) = peek(host, &key).unwrap_or((wall_ms as u64, 0));
        let others = self.total.get().unwrap_or_else(|| total(host)).saturating_sub(bytes as usize);
        let kept = others + lines.len() <= STORE_MAX && write(host, &key, sent, lines, written);
        self.total.set(Some(if kept { others + lines.len() } else { others }));
        if !kept {
            host.told(Ask::Remove, &key);
        }
        kept
    }

    /// Makes another page's batch, and its age, this page's.
    pub(super) fn adopt(
        &self,
        host: Host,
        session: &str,
        id: u32,
        new_id: u32,
        lines: &[u8],
        wall_ms: f64,
    ) -> bool {
        let key = self.key(&self.session, new_id);
        let written = peek(host, &self.key(session, id)).map_or(wall_ms as u64, |(written, _)| written);
        // First under our name, so that a crash in between leaves two copies rather than none.
        let first = write(host, &key, false, lines, written);
        self.forget(host, session, id);
        first || write(host, &key, false, lines, written)
    }

    /// Removes a batch.
    pub(super) fn forget(&self, host: Host, session: &str, id: u32) {
        host.told(Ask::Remove, &self.key(session, id));
    }

    /// Removes a batch of this page.
    pub(super) fn forget_own(&self, host: Host, id: u32) {
        self.forget(host, &self.session, id);
    }

    /// Claims this page's batches.
    pub(super) fn lease(&self, host: Host, until_ms: f64) {
        let mut text = String::new();
        push_number(&mut text, until_ms as u64, "");
        host.put(&self.claim(&self.session), &text);
    }

    /// Gives the claim up.
    pub(super) fn release(&self, host: Host) {
        host.told(Ask::Remove, &self.claim(&self.session));
    }

    /// Whether this is the key of a page's claim.
    pub(super) fn is_claim(&self, key: &str) -> bool {
        key.strip_prefix(self.prefix.as_str()).is_some_and(|session| cut(session, b':').is_none())
    }

    /// The run of actions is over: other tabs may write now.
    pub(super) fn settle(&self) {
        self.total.set(None);
    }

    /// All batches of this endpoint, this page's own included. What is not ours, or not whole, is removed.
    pub(super) fn read(&self, host: Host, wall_ms: f64) -> Vec<Found> {
        let mut found = Vec::new();
        each_key(host, &mut |key| {
            let Some((session, id)) = key.strip_prefix(self.prefix.as_str()).and_then(|rest| cut(rest, b':'))
            else {
                tidy(host, key, wall_ms);
                return;
            };
            let Some((id, (written, lines, events))) = number(id).zip(self.batch(host, key)) else {
                host.told(Ask::Remove, key);
                return;
            };
            let lease = item(host, &self.claim(session), HEAD_MAX).and_then(|text| number(&text));
            found.push(Found {
                session: session.to_owned(),
                id: id as u32,
                written_ms: written as f64,
                events,
                lines,
                lease_ms: lease.map(|until| until as f64),
            });
        });
        found
    }

    /// When it was written, its lines and how many they are, if it is what we could have written.
    fn batch(&self, host: Host, key: &str) -> Option<(u64, Vec<u8>, u32)> {
        let value = item(host, key, VALUE_MAX + 1)?;
        let (written, _) = head(&value)?;
        let (_, lines) = cut(&value, b'\n')?;
        let mut events = 0;
        let mut rest = lines;
        while let Some((line, others)) = cut(rest, b'\n') {
            if !self.format.is_plausible(line.as_bytes()) {
                return None;
            }
            events += 1;
            rest = others;
        }
        // One that has more than one line would be sent as one.
        let fits = events == 1 || events > 1 && !self.format.is_ping();
        (fits && rest.is_empty() && lines.len() <= STORED_BATCH_MAX).then(|| (written, lines.into(), events))
    }
}

/// Whether an earlier visit opted out.
pub(super) fn opted_out(host: Host) -> bool {
    item(host, OPT_OUT, 1).is_some()
}

/// Removes all that is ours, but for the remembered opt-out.
pub(super) fn purge(host: Host) {
    each_key(host, &mut |key| {
        if key != OPT_OUT {
            host.told(Ask::Remove, key);
        }
    });
}

fn each_key(host: Host, visit: &mut dyn FnMut(&str)) {
    let mut keys = host.text(Ask::Keys, "").unwrap_or_default();
    keys.push('\n');
    let mut rest = keys.as_str();
    while let Some((key, others)) = cut(rest, b'\n') {
        if key.starts_with(PREFIX) {
            visit(key);
        }
        rest = others;
    }
}

/// Of another endpoint, or of nobody: an endpoint that is no longer used would leave its batches for ever.
fn tidy(host: Host, key: &str, wall_ms: f64) {
    let written = item(host, key, HEAD_MAX).and_then(|text| {
        // A claim is a bare number.
        head(&text).map(|(written, _)| written).or_else(|| number(&text))
    });
    let old = written.is_none_or(|written| (wall_ms - written as f64).abs() > STORED_AGE_MAX_MS);
    if key != OPT_OUT && old {
        host.told(Ask::Remove, key);
    }
}

/// Reads `u<written> <bytes>\n`.
fn head(value: &str) -> Option<(u64, u64)> {
    let (head, _) = cut(value, b'\n')?;
    let (written, bytes) = cut(head, b' ')?;
    let written = written.strip_prefix("u").or(written.strip_prefix("s"))?;
    number(written).zip(number(bytes))
}

/// Whole numbers only, of at most 15 digits. `str::parse` brings its error texts along.
fn number(text: &str) -> Option<u64> {
    let digits = (1..=15).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.bytes().fold(0, |sum, b| sum * 10 + u64::from(b - b'0')))
}

fn push_number(text: &mut String, number: u64, end: &str) {
    let mut digits = Vec::new();
    put_integer(number, &mut digits);
    text.extend(digits.into_iter().map(char::from));
    text.push_str(end);
}

fn write(host: Host, key: &str, sent: bool, lines: &[u8], written_ms: u64) -> bool {
    let mut value = String::from(if sent { "s" } else { "u" });
    push_number(&mut value, written_ms, " ");
    push_number(&mut value, lines.len() as u64, "\n");
    value.push_str(text(lines));
    host.put(key, &value)
}

fn item(host: Host, key: &str, most: u32) -> Option<String> {
    host.text_of(Ask::Item, f64::from(most), key)
}

/// Bytes of all batches of all endpoints.
fn total(host: Host) -> usize {
    let mut total = 0;
    each_key(host, &mut |key| total += peek(host, key).map_or(0, |(_, bytes)| bytes as usize));
    total
}

/// When a batch was written, in Unix ms, and its bytes, as its first line tells them.
fn peek(host: Host, key: &str) -> Option<(u64, u64)> {
    head(&item(host, key, HEAD_MAX)?)
}
