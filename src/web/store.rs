//! Unsent events across page loads, in localStorage: it is synchronous, so that what is written at hide is
//! written, and it keeps no page out of the back/forward cache, as an open IndexedDB transaction would.
//!
//! # Keys
//! - `langflow-telemetry:opt-out`: the remembered opt-out.
//! - `langflow-telemetry:<tag>:<session>:<id>`: a batch. Its value is a line `u<written> <bytes>` (or `s…`, sent
//!   without an answer), then the lines of the batch. The tag tells one endpoint and format from another.
//! - `langflow-telemetry:<tag>:<session>`: until when that session claims its batches, in Unix ms.
//!
//! How they are put together and taken apart is `pkg/browser.js`'s: in Rust that weighed 0.9 KB more after brotli. What
//! of it is believed is decided here.
//!
//! Storage that is full, forbidden or full of rubbish means less durability, never an error.

use alloc::vec::Vec;

use super::{Ask, Host};
use crate::delivery::{Found, STORED_BATCH_MAX};
use crate::wire::Format;

/// What [`Ask::About`] is asked of a batch, in the order of `found` in `pkg/browser.js`.
const ID: f64 = 0.0;
const WRITTEN: f64 = 1.0;
const CLAIMED_UNTIL: f64 = 2.0;

/// Gives the keys of this endpoint and format their tag, and those of this page its session.
pub(super) fn name(host: Host, endpoint: &str, format: Format, session: &str) {
    let mut tag = 0x811c_9dc5_u32;
    for text in [endpoint, format.name()] {
        for byte in text.bytes() {
            tag = (tag ^ u32::from(byte)).wrapping_mul(0x0100_0193);
        }
    }
    host.ask(Ask::Name, f64::from(tag), session);
}

/// Keeps a batch of this page; one that is kept already keeps its age. False where there was no room, or no
/// permission: then nothing of it is kept.
pub(super) fn persist(host: Host, id: u32, sent: bool, lines: &[u8]) -> bool {
    host.keep("", f64::from(id) * 2.0 + f64::from(sent), lines)
}

/// Makes another page's batch, and its age, this page's.
pub(super) fn adopt(host: Host, from: &str, id: u32, lines: &[u8]) -> bool {
    host.keep(from, f64::from(id) * 2.0, lines)
}

/// Removes a batch: this page's of that number, or another's.
pub(super) fn forget(host: Host, from: &str, id: u32) {
    host.ask(Ask::Forget, f64::from(id), from);
}

/// Claims this page's batches; where that is no time, no more. Whether the claim is there.
pub(super) fn claim(host: Host, until_ms: f64) -> bool {
    host.does(Ask::Claim, until_ms)
}

/// Whether the claim is still there.
pub(super) fn is_claimed(host: Host) -> bool {
    host.does(Ask::Claim, 0.0)
}

/// All batches of this endpoint, this page's own included. What is not ours, or not whole, is removed.
pub(super) fn read(host: Host, format: Format) -> Vec<Found> {
    let mut found = Vec::new();
    let mut begins = 1.0;
    while let Some(session) = host.text_of(Ask::Next, begins, "") {
        begins = 0.0;
        let lines = host.text(Ask::Lines, "").unwrap_or_default().into_bytes();
        if let Some(events) = events(format, &lines) {
            let about = |what| host.ask(Ask::About, what, "");
            let lease_ms = Some(about(CLAIMED_UNTIL));
            found.push(Found {
                session,
                id: about(ID) as u32,
                written_ms: about(WRITTEN),
                lines,
                events,
                lease_ms,
            });
        } else {
            host.told(Ask::Reject, "");
        }
    }
    found
}

/// How many lines it is, if that is what we could have written.
fn events(format: Format, lines: &[u8]) -> Option<u32> {
    let (mut events, mut start) = (0, 0);
    for (at, byte) in lines.iter().enumerate() {
        if *byte == b'\n' {
            if !format.is_plausible(lines.get(start..at)?) {
                return None;
            }
            events += 1;
            start = at + 1;
        }
    }
    // One that has more than one line would be sent as one.
    let fits = events == 1 || events > 1 && !format.is_ping();
    (fits && start == lines.len() && start <= STORED_BATCH_MAX).then_some(events)
}
