//! The page's life: what is listened for, and how the page is right now.

use super::{Host, Signal};

/// Beside a [`Signal`]: the page is hidden.
pub(super) const HIDDEN: u32 = 1;
/// The page came from the back/forward cache.
pub(super) const RESTORED: u32 = 2;
/// There is something under the key.
pub(super) const IS_THERE: u32 = 4;
/// There was something under the key.
pub(super) const WAS_THERE: u32 = 8;

/// Listens for all that matters to a page at work.
pub(super) fn listen_to_page(host: &Host) {
    host.listen(0, Signal::Prerendered as u32);
}

/// Listens for the end of a prerender only.
pub(super) fn listen_to_prerender(host: &Host) {
    host.listen(Signal::Prerendered as u32, Signal::Prerendered as u32 + 1);
}

/// Listens for nothing.
pub(super) fn listen_to_nothing(host: &Host) {
    host.listen(0, 0);
}

/// Whether the page is being prerendered: nobody has seen it yet, and maybe nobody will.
pub(super) fn is_prerendering(host: &Host) -> bool {
    is(host, "document.prerendering", "true")
}

/// Whether the browser says that there is no network.
pub(super) fn is_offline(host: &Host) -> bool {
    is(host, "navigator.onLine", "false")
}

fn is(host: &Host, path: &str, value: &str) -> bool {
    host.ask(path).is_some_and(|text| text == value)
}
