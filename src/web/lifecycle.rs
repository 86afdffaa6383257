//! The page's life: what is listened for, and how the page is right now.

use super::{Ask, Host};

/// Beside a [`Signal`]: the page is hidden.
pub(super) const HIDDEN: u32 = 1;
/// The page came from the back/forward cache.
pub(super) const RESTORED: u32 = 2;
/// There is something under the key.
pub(super) const IS_THERE: u32 = 4;
/// There was something under the key.
pub(super) const WAS_THERE: u32 = 8;

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

/// Whether the page is being prerendered: nobody has seen it yet, and maybe nobody will.
pub(super) fn is_prerendering(host: Host) -> bool {
    is(host, "document.prerendering", "true")
}

/// Whether the browser says that there is no network.
pub(super) fn is_offline(host: Host) -> bool {
    is(host, "navigator.onLine", "false")
}

fn is(host: Host, path: &str, value: &str) -> bool {
    host.text(Ask::Property, path).is_some_and(|text| text == value)
}
