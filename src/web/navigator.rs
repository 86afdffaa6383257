//! Reads the navigator: the person's signals, and what kind of machine it is.

use alloc::string::String;

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

/// Whether one of these holds now.
pub(super) fn says(host: Host, signal: u32) -> bool {
    host.ask(Ask::Signals, 0.0, "") as u32 & signal != 0
}

/// System and processor, a line end between, either of which may be unknown and is then empty. `processor` is what
/// client hints told, if they did.
pub(super) fn machine(host: Host, processor: &str) -> String {
    let text = |path| host.text(Ask::Property, path).unwrap_or_default();
    let (user_agent, points) = (text("navigator.userAgent"), text("navigator.maxTouchPoints"));
    let hints = Hints {
        user_agent: &user_agent,
        touch: points.len() > 1 || points.as_str() > "1",
        platform: &text("navigator.userAgentData.platform"),
        processor,
    };
    [hints.system().unwrap_or_default(), "\n", hints.arch().unwrap_or_default()].concat()
}
