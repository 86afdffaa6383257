//! The page's life: what is listened for.

use super::{Ask, Host};

/// Beside a [`Signal`](super::Signal): the page is hidden.
pub(super) const HIDDEN: u32 = 1;
/// The page came from the back/forward cache.
pub(super) const RESTORED: u32 = 2;
/// There is something under the key.
pub(super) const IS_THERE: u32 = 4;
/// There was something under the key.
pub(super) const WAS_THERE: u32 = 8;
/// The key is the remembered opt-out's; or all keys were removed.
pub(super) const IS_OPT_OUT: u32 = 16;
/// The key is that of a page's claim.
pub(super) const IS_CLAIM: u32 = 32;

/// What is listened for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Listening {
    /// Nothing.
    Nothing,
    /// All that matters to a page at work.
    Page,
    /// The end of a prerender only.
    Prerender,
}

/// Listens for this, and for nothing else.
pub(super) fn listen(host: Host, to: Listening) {
    host.does(Ask::Listen, f64::from(to as u8));
}
