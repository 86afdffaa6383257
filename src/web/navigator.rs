//! Reads the navigator: the person's signals, and what kind of machine it is.

use super::{Ask, Host};
use crate::platform::Hints;

/// How long client hints are waited for, in ms. They come from the browser itself; one that takes longer has
/// something better to do.
pub(super) const HINTS_WAIT_MS: f64 = 200.0;

/// Whether the browser asks sites not to sell or share: Global Privacy Control.
pub(super) const GPC: u32 = 1;
/// Whether it asks them not to track.
pub(super) const DNT: u32 = 2;
/// Whether an earlier visit opted out, or another tab.
pub(super) const OPTED_OUT: u32 = 4;
/// Whether the page is being prerendered: nobody has seen it yet, and maybe nobody will.
pub(super) const PRERENDERING: u32 = 8;
/// Whether the browser says that there is no network.
pub(super) const OFFLINE: u32 = 16;
/// Whether the endpoint is on the page's own origin.
pub(super) const IS_OWN: u32 = 32;
/// Whether it is on this machine: then there is a network even where the browser says there is none.
pub(super) const IS_LOOPBACK: u32 = 64;
/// Whether the browser can be given a deferred request for it: Chromium asks for https, or localhost.
pub(super) const DEFERS: u32 = 128;
/// Whether there are locks (not on an insecure page).
pub(super) const LOCKS: u32 = 256;
/// Whether more than one finger can touch it.
pub(super) const TOUCH: u32 = 512;

/// All that hold now.
pub(super) fn signals(host: Host) -> u32 {
    host.ask(Ask::Signals, 0.0, "") as u32
}

/// Whether one of these holds now.
pub(super) fn says(host: Host, signal: u32) -> bool {
    signals(host) & signal != 0
}

/// Has the Version event captured. `processor` is what client hints told, if they did.
pub(super) fn introduce(host: Host, processor: &str) {
    let text = |path| host.text(Ask::Property, path).unwrap_or_default();
    let hints = Hints {
        user_agent: &text("navigator.userAgent"),
        touch: says(host, TOUCH),
        platform: &text("navigator.userAgentData.platform"),
        processor,
    };
    host.told(Ask::System, hints.system().unwrap_or_default());
    host.ask(Ask::Emit, -1.0, hints.arch().unwrap_or_default());
}
