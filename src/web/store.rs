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

use js_sys::{Array, JsString, Object};
use wasm_bindgen::prelude::*;

use super::{Host, Signal, call, callback, get};
use crate::delivery::{Found, STORED_AGE_MAX_MS, STORED_BATCH_MAX};
use crate::wire::{Format, put_integer};

/// What all our keys start with. The shell in `pkg/client.js` knows it too: it purges without the wasm.
const PREFIX: &str = "langflow-telemetry:";

/// The remembered opt-out. The shell writes it: a click counts also while the wasm is not there.
pub(super) const OPT_OUT: &str = "langflow-telemetry:opt-out";

/// Most bytes of batches on one origin: a fifth of what browsers allow it, which belongs to the host page.
const STORE_MAX: usize = 1024 * 1024;

/// Longest first line of a value, in UTF-16 units: a letter, two numbers, a space and the line end.
const HEAD_MAX: u32 = 48;

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
        for byte in endpoint.bytes().chain(format.name().bytes()) {
            hash = (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
        }
        push_number(&mut prefix, u64::from(hash));
        prefix.push(':');
        Self { format, prefix, session: session.to_owned(), total: Cell::new(None) }
    }

    fn key(&self, session: &str, id: u32) -> String {
        let mut key = self.claim(session);
        key.push(':');
        push_number(&mut key, u64::from(id));
        key
    }

    fn claim(&self, session: &str) -> String {
        [self.prefix.as_str(), session].concat()
    }

    /// Keeps a batch of this page; one that is kept already keeps its age. False where there was no room, or no
    /// permission: then nothing of it is kept.
    pub(super) fn persist(&self, id: u32, sent: bool, lines: &[u8], wall_ms: f64) -> bool {
        let key = self.key(&self.session, id);
        let old = peek(&key);
        let others =
            self.total.get().unwrap_or_else(total).saturating_sub(old.map_or(0, |(_, bytes)| bytes as usize));
        let written = old.map_or(wall_ms as u64, |(written, _)| written);
        let kept = others + lines.len() <= STORE_MAX && write(&key, sent, lines, written);
        self.total.set(Some(if kept { others + lines.len() } else { others }));
        if !kept {
            remove(&key);
        }
        kept
    }

    /// Makes another page's batch, and its age, this page's.
    pub(super) fn adopt(&self, session: &str, id: u32, new_id: u32, lines: &[u8], wall_ms: f64) -> bool {
        let key = self.key(&self.session, new_id);
        let written = peek(&self.key(session, id)).map_or(wall_ms as u64, |(written, _)| written);
        // First under our name, so that a crash in between leaves two copies rather than none.
        let first = write(&key, false, lines, written);
        self.forget(session, id);
        first || write(&key, false, lines, written)
    }

    /// Removes a batch.
    pub(super) fn forget(&self, session: &str, id: u32) {
        remove(&self.key(session, id));
    }

    /// Removes a batch of this page.
    pub(super) fn forget_own(&self, id: u32) {
        self.forget(&self.session, id);
    }

    /// Claims this page's batches.
    pub(super) fn lease(&self, until_ms: f64) {
        let mut text = String::new();
        push_number(&mut text, until_ms as u64);
        put(&self.claim(&self.session), &text);
    }

    /// Gives the claim up.
    pub(super) fn release(&self) {
        remove(&self.claim(&self.session));
    }

    /// Whether this is the key of a page's claim.
    pub(super) fn is_claim(&self, key: &str) -> bool {
        key.strip_prefix(&self.prefix).is_some_and(|session| !session.contains(':'))
    }

    /// The run of actions is over: other tabs may write now.
    pub(super) fn settle(&self) {
        self.total.set(None);
    }

    /// Has `Signal::Locked` dispatched while this tab holds the lock. Without locks (an insecure page) says
    /// false: the caller goes on without.
    pub(super) fn lock(&self, host: &Host) -> bool {
        let locks = get(&super::navigator::navigator(), "locks");
        let name = JsValue::from_str(PREFIX);
        // The callback returns undefined, so the lock is released as soon as it is done: a lock that is held
        // keeps a page out of the back/forward cache.
        let requested = call(&locks, "request", &[&name, &callback(host, Signal::Locked, 0)]);
        // Where it is refused the store is left alone; nobody is to see the rejection.
        let ignore = callback(host, Signal::Chunk, 0);
        requested.and_then(|promise| call(&promise, "then", &[&ignore, &ignore])).is_some()
    }

    /// All batches of this endpoint, this page's own included. What is not ours, or not whole, is removed.
    pub(super) fn read(&self, wall_ms: f64) -> Vec<Found> {
        let mut found = Vec::new();
        for key in keys() {
            let Some((session, id)) = key.strip_prefix(&self.prefix).and_then(|rest| rest.split_once(':'))
            else {
                tidy(&key, wall_ms);
                continue;
            };
            match number(id).zip(self.batch(&key)) {
                Some((id, (written, lines))) => found.push(Found {
                    session: session.to_owned(),
                    id: id as u32,
                    written_ms: written as f64,
                    events: lines.iter().filter(|b| **b == b'\n').count() as u32,
                    lines,
                    lease_ms: item(&self.claim(session))
                        .and_then(|text| text.as_string())
                        .and_then(|text| number(&text))
                        .map(|until| until as f64),
                }),
                None => remove(&key),
            }
        }
        found
    }

    /// When it was written, and its lines, if it is what we could have written.
    fn batch(&self, key: &str) -> Option<(u64, Vec<u8>)> {
        let value = item(key)
            .filter(|value| value.length() as usize <= STORED_BATCH_MAX + HEAD_MAX as usize)?
            .as_string()?;
        let (written, _) = head(&value)?;
        let lines = value.split_once('\n')?.1.strip_suffix('\n')?;
        let plausible = lines.split('\n').all(|line| self.format.is_plausible(line.as_bytes()))
            // One that has more than one line would be sent as one.
            && !(self.format.is_ping() && lines.contains('\n'));
        plausible.then(|| [lines.as_bytes(), b"\n"].concat()).map(|lines| (written, lines))
    }
}

/// Whether an earlier visit opted out.
pub(super) fn opted_out() -> bool {
    item(OPT_OUT).is_some()
}

/// Removes all that is ours, but for the remembered opt-out.
pub(super) fn purge() {
    keys().iter().filter(|key| *key != OPT_OUT).for_each(|key| remove(key));
}

/// Of another endpoint, or of nobody: an endpoint that is no longer used would leave its batches for ever.
fn tidy(key: &str, wall_ms: f64) {
    let written = item(key).and_then(|value| value.slice(0, HEAD_MAX).as_string()).and_then(|text| {
        // A claim is a bare number.
        head(&text).map(|(written, _)| written).or_else(|| number(&text))
    });
    let old = written.is_none_or(|written| (wall_ms - written as f64).abs() > STORED_AGE_MAX_MS);
    if key != OPT_OUT && old {
        remove(key);
    }
}

/// Reads `u<written> <bytes>\n`.
fn head(value: &str) -> Option<(u64, u64)> {
    let (head, _) = value.split_once('\n')?;
    let (written, bytes) = head.strip_prefix(['u', 's'])?.split_once(' ')?;
    number(written).zip(number(bytes))
}

/// Whole numbers only, of at most 15 digits. `str::parse` brings its error texts along.
fn number(text: &str) -> Option<u64> {
    let digits = (1..=15).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.bytes().fold(0, |sum, b| sum * 10 + u64::from(b - b'0')))
}

fn push_number(text: &mut String, number: u64) {
    let mut digits = Vec::new();
    put_integer(number, &mut digits);
    text.extend(digits.into_iter().map(char::from));
}

fn write(key: &str, sent: bool, lines: &[u8], written_ms: u64) -> bool {
    let mut value = String::from(if sent { "s" } else { "u" });
    push_number(&mut value, written_ms);
    value.push(' ');
    push_number(&mut value, lines.len() as u64);
    value.push('\n');
    let Ok(lines) = core::str::from_utf8(lines) else { return false };
    value.push_str(lines);
    put(key, &value)
}

/// Bytes of all batches of all endpoints.
fn total() -> usize {
    keys().iter().filter_map(|key| peek(key)).map(|(_, bytes)| bytes as usize).sum()
}

/// When a batch was written, in Unix ms, and its bytes, as its first line tells them.
fn peek(key: &str) -> Option<(u64, u64)> {
    head(&item(key)?.slice(0, HEAD_MAX).as_string()?)
}

// ---- localStorage, every access of which may throw

fn storage() -> JsValue {
    get(&js_sys::global(), "localStorage")
}

fn keys() -> Vec<String> {
    let storage = storage();
    if !storage.is_object() {
        return Vec::new();
    }
    let keys: Array = Object::keys(&Object::from(storage));
    keys.iter().filter_map(|key| key.as_string()).filter(|key| key.starts_with(PREFIX)).collect()
}

fn item(key: &str) -> Option<JsString> {
    call(&storage(), "getItem", &[&JsValue::from_str(key)])?.dyn_into().ok()
}

fn put(key: &str, value: &str) -> bool {
    call(&storage(), "setItem", &[&JsValue::from_str(key), &JsValue::from_str(value)]).is_some()
}

fn remove(key: &str) {
    call(&storage(), "removeItem", &[&JsValue::from_str(key)]);
}
