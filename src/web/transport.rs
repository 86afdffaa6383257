//! Requests: where they go. What is sent and when is not decided here; that it is done is `pkg/browser.js`'s.

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
    /// Resolves an endpoint. False on a page without an origin, such as a file.
    pub(super) fn resolve(&mut self, host: Host, endpoint: &str) -> bool {
        let Some(mut resolved) = host.text(Ask::Resolve, endpoint) else { return false };
        if resolved.is_empty() {
            return false;
        }
        // A digit.
        let flags = u32::from(resolved.remove(0));
        self.href = resolved;
        self.is_own = flags & 1 != 0;
        self.is_loopback = flags & 2 != 0;
        self.defers = flags & 4 != 0;
        true
    }
}
