//! Requests: where they go. What is sent and when is not decided here; that it is done is `pkg/browser.js`'s.

use alloc::borrow::ToOwned;
use alloc::string::String;

use super::{Ask, Host};

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
    /// Resolves an endpoint. `None` on a page without an origin, such as a file.
    pub(super) fn resolve(host: Host, endpoint: &str) -> Option<Self> {
        let resolved = host.text(Ask::Resolve, endpoint)?;
        let (flags, href) = resolved.split_at_checked(1)?;
        let flags = flags.bytes().next()?;
        Some(Self {
            href: href.to_owned(),
            is_own: flags & 1 != 0,
            is_loopback: flags & 2 != 0,
            defers: flags & 4 != 0,
        })
    }
}
