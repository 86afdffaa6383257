//! Requests: how they are sent beside what `delivery.rs` knows. What is sent and when is not decided here; that it is
//! done, and where an endpoint is, is `pkg/browser.js`'s.

/// The deferred request's way of sending, beside those of `Via`.
pub(super) const DEFERRED: u32 = 3;

/// And its attempt, which no other has.
pub(super) const DEFERRED_ATTEMPT: u32 = 0;
