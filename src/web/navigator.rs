//! Reads the navigator: the person's signals, and what kind of machine it is.

use js_sys::{Array, Promise};
use wasm_bindgen::prelude::*;

use super::{Host, Signal, call, callback, get};
use crate::platform::Hints;

/// How long client hints are waited for, in ms. They come from the browser itself; one that takes longer has
/// something better to do.
pub(super) const HINTS_WAIT_MS: f64 = 200.0;

/// The navigator of a page or a worker.
pub(super) fn navigator() -> JsValue {
    get(&js_sys::global(), "navigator")
}

/// Whether the browser asks sites not to sell or share: Global Privacy Control.
pub(super) fn gpc() -> bool {
    get(&navigator(), "globalPrivacyControl").is_truthy()
}

/// Whether the browser asks sites not to track: `"1"`, or `"yes"` in old Firefox.
pub(super) fn dnt() -> bool {
    get(&navigator(), "doNotTrack").as_string().is_some_and(|text| text == "1" || text == "yes")
}

/// What is known at once.
pub(super) fn hints() -> Hints {
    let navigator = navigator();
    let text = |object: &JsValue, name| get(object, name).as_string().unwrap_or_default();
    Hints {
        user_agent: text(&navigator, "userAgent"),
        touch: get(&navigator, "maxTouchPoints").as_f64().is_some_and(|points| points > 1.0),
        platform: text(&get(&navigator, "userAgentData"), "platform"),
        ..Hints::default()
    }
}

/// Asks for what is only told on demand; `Signal::Hints` brings it. Says whether there is anything to wait for.
pub(super) fn ask_hints(host: &Host) -> bool {
    let wanted = Array::of2(&"architecture".into(), &"bitness".into());
    let asked = call(&get(&navigator(), "userAgentData"), "getHighEntropyValues", &[&wanted]);
    let Some(promise) = asked.and_then(|value| value.dyn_into::<Promise>().ok()) else { return false };
    let dispatch = callback(host, Signal::Hints, 0);
    call(&promise, "then", &[&dispatch, &dispatch]).is_some()
}

/// Adds what was told. An error, or a value that was withheld, adds nothing.
pub(super) fn complete(hints: &mut Hints, told: &JsValue) {
    hints.architecture = get(told, "architecture").as_string().unwrap_or_default();
    hints.bitness = get(told, "bitness").as_string().unwrap_or_default();
}
