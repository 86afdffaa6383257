//! Requests: where they go, and what an answer says. What is sent and when is not decided here; that it is done is
//! `pkg/browser.js`'s.

use alloc::borrow::ToOwned;
use alloc::string::String;

use super::{Ask, Host, cut};
use crate::delivery::Outcome;
use crate::retry::retry_after_ms;

/// The deferred request's way of sending, beside those of `Via`.
pub(super) const DEFERRED: u32 = 3;

/// And its attempt, which no other has.
pub(super) const DEFERRED_ATTEMPT: u32 = 0;

/// Where batches go.
#[derive(Debug)]
pub(super) struct Endpoint {
    /// Absolute.
    pub(super) href: String,
    /// Whether it is on the page's own origin.
    pub(super) is_own: bool,
    /// Whether it is on this machine: then there is a network even where the browser says there is none.
    pub(super) is_loopback: bool,
    /// Whether the browser can be given a deferred request for it: Chromium asks for https, or localhost.
    pub(super) defers: bool,
}

impl Endpoint {
    /// Resolves an endpoint, without the slashes at its end where they are not wanted. `None` on a page without an origin,
    /// such as a file.
    pub(super) fn resolve(host: Host, endpoint: &str, trims: bool) -> Option<Self> {
        let resolved = host.text(Ask::Resolve, endpoint)?;
        let (mut href, rest) = cut(&resolved, b' ')?;
        while let Some(shorter) = href.strip_suffix('/')
            && trims
        {
            href = shorter;
        }
        let (origin, rest) = cut(rest, b' ')?;
        let (protocol, name) = cut(rest, b' ')?;
        let is_loopback = name == "localhost"
            || name.ends_with(".localhost")
            || name.starts_with("127.")
            || name == "[::1]";
        Some(Self {
            href: href.to_owned(),
            is_own: host.text(Ask::Property, "origin").is_some_and(|own| own == origin),
            is_loopback,
            defers: (is_loopback || protocol == "https:") && host.text(Ask::Property, "fetchLater").is_some(),
        })
    }
}

/// What an answer says: its status, 0 where there was none; its `Retry-After` read as a date, in Unix ms; the same as it
/// is, a line end and its body.
pub(super) fn outcome(status: u32, date_ms: f64, text: &str, wall_ms: f64) -> Outcome {
    let (retry_after, body) = cut(text, b'\n').unwrap_or_default();
    // A page that patched `fetch` may hand over what it likes.
    match u16::try_from(status) {
        Ok(status) if status > 0 => Outcome::Answered {
            status,
            retry_after_ms: retry_after_ms(retry_after, date_ms, wall_ms),
            rejected: rejected(body.as_bytes()),
        },
        _ => Outcome::Unreachable,
    }
}

/// How many events the receiver says it refused: `"rejected":n` of its answer, or OTLP's
/// `"rejectedLogRecords":"n"`, with or without quotes; 0 where there is none.
fn rejected(answer: &[u8]) -> u32 {
    const NAME: &[u8] = b"\"rejected";
    let mut rest = answer;
    while !rest.starts_with(NAME) {
        let Some((_, others)) = rest.split_first() else { return 0 };
        rest = others;
    }
    let value = rest.iter().skip(NAME.len()).skip_while(|b| b.is_ascii_alphabetic() || b"\": ".contains(b));
    let digits = value.take_while(|b| b.is_ascii_digit());
    digits.fold(0, |sum: u32, b| sum.saturating_mul(10).saturating_add(u32::from(b - b'0')))
}
