//! Reads the navigator: the person's signals, and what kind of machine it is.

use alloc::string::String;

use super::{Ask, Host};
use crate::platform::Hints;

/// How long client hints are waited for, in ms. They come from the browser itself; one that takes longer has
/// something better to do.
pub(super) const HINTS_WAIT_MS: f64 = 200.0;

/// Whether the browser asks sites not to sell or share: Global Privacy Control. Whatever JavaScript takes for true.
pub(super) fn gpc(host: Host) -> bool {
    host.text(Ask::Property, "navigator.globalPrivacyControl")
        .is_some_and(|text| text != "false" && text != "0" && !text.is_empty())
}

/// Whether the browser asks sites not to track: `"1"`, or `"yes"` in old Firefox.
pub(super) fn dnt(host: Host) -> bool {
    host.text(Ask::Property, "navigator.doNotTrack").is_some_and(|text| text == "1" || text == "yes")
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
