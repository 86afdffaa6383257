//! Reads the navigator: the person's signals, and what kind of machine it is.

use super::{Ask, Host, cut};
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

/// What is known at once.
pub(super) fn hints(host: Host) -> Hints {
    let points = host.text(Ask::Property, "navigator.maxTouchPoints").unwrap_or_default();
    Hints {
        user_agent: host.text(Ask::Property, "navigator.userAgent").unwrap_or_default(),
        touch: points.len() > 1 || points.as_str() > "1",
        platform: host.text(Ask::Property, "navigator.userAgentData.platform").unwrap_or_default(),
        ..Hints::default()
    }
}

/// Adds what was told. A value that was withheld adds nothing.
pub(super) fn complete(hints: &mut Hints, told: &str) {
    if let Some((architecture, bitness)) = cut(told, b' ') {
        hints.architecture = architecture.into();
        hints.bitness = bitness.into();
    }
}
