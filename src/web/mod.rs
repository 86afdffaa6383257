//! The edge: the only code that knows a browser. It executes what `delivery.rs` decides, and decides nothing
//! itself.
//!
//! # What is lent
//! Each thing that a page is asked or told is a function of [`Host`], which `pkg/browser.js` and the shell around it
//! implement: only numbers, texts and bytes cross. `web-sys` and `js-sys` in its place weighed 8 KB more after
//! brotli: an import with glue and checks for every function, property and type on the way.
//!
//! # One door
//! Whatever the browser calls back (timers, listeners, promises, locks) comes in through [`hear`] and
//! [`answer`], which the shell calls so that it catches what a panic leaves behind: no `RuntimeError`
//! reaches the page's `onerror`.
//!
//! # Borrows
//! A call into JavaScript may call back in (a patched `fetch`, `onDiagnostic`, a getter). So no `RefCell` is
//! borrowed while one is made: take what is needed, end the borrow, call.

mod api;
#[cfg(feature = "lean")]
mod lean;
mod lifecycle;
mod navigator;
mod options;
mod store;
mod transport;

use alloc::string::String;

use wasm_bindgen::prelude::*;

pub use api::{answer, command, hear, open, stats, track, version};

/// What the browser, or a promise, has to say. The lifecycle's come first, in the order of `EVENTS` in
/// `pkg/browser.js`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Signal {
    /// The page was hidden or shown.
    Visibility,
    /// It is frozen: no timer fires, nothing leaves.
    Freeze,
    /// It goes on.
    Resume,
    /// It goes, for good or into the back/forward cache.
    PageHide,
    /// It came, maybe from there.
    PageShow,
    /// There is a network.
    Online,
    /// There is none.
    Offline,
    /// Another tab wrote to the store; the text is the key, if it was one.
    Storage,
    /// Somebody looks at a page that was prerendered.
    Prerendered,
    /// The timer of `delivery.rs` fired.
    Tick,
    /// The store's lock is ours until we return.
    Locked,
    /// Client hints; the text is what was told of architecture and bitness, a space between.
    Hints,
}

impl Signal {
    const ALL: [Self; 12] = [
        Self::Visibility,
        Self::Freeze,
        Self::Resume,
        Self::PageHide,
        Self::PageShow,
        Self::Online,
        Self::Offline,
        Self::Storage,
        Self::Prerendered,
        Self::Tick,
        Self::Locked,
        Self::Hints,
    ];
}

#[wasm_bindgen]
extern "C" {
    /// What we are lent. None of its functions throws.
    #[derive(Debug)]
    pub type Host;

    // ---- by the shell

    /// Tells the host page: a stable code, how often so far, and what was at fault and expected, if anything.
    #[wasm_bindgen(method)]
    fn tell(this: &Host, code: &str, count: u32, subject: &str, expected: &str);

    /// Says why it is off; empty where it is not.
    #[wasm_bindgen(method)]
    fn because(this: &Host, reason: &str);

    /// Has an event captured which is our own: `"version"` with platform and arch, a line end between, either of which
    /// may be empty; `"shutdown"` with seconds. It takes the way of all events, through `beforeSend`.
    #[wasm_bindgen(method)]
    fn emit(this: &Host, event: &str, machine: &str, seconds: f64);

    /// Answers the promise with this number.
    #[wasm_bindgen(method)]
    fn settle(this: &Host, token: u32, acknowledged: bool);

    /// What the options, or the facts of the Version event, have under a name: a letter that says of what type it is,
    /// and for all but numbers the value: see [`options`].
    #[wasm_bindgen(method)]
    fn given(this: &Host, name: &str) -> Option<String>;

    /// The same where it is a number.
    #[wasm_bindgen(method)]
    fn number(this: &Host, name: &str) -> f64;

    // ---- by the browser: see pkg/browser.js

    #[wasm_bindgen(method)]
    fn ask(this: &Host, path: &str) -> Option<String>;

    #[wasm_bindgen(method)]
    fn resolve(this: &Host, endpoint: &str) -> Option<String>;

    #[wasm_bindgen(method)]
    fn hints(this: &Host, wait_ms: f64) -> bool;

    #[wasm_bindgen(method)]
    fn listen(this: &Host, first: u32, end: u32);

    #[wasm_bindgen(method)]
    fn arm(this: &Host, after_ms: f64);

    #[wasm_bindgen(method)]
    fn disarm(this: &Host);

    #[wasm_bindgen(method, js_name = disarmHints)]
    fn disarm_hints(this: &Host);

    #[wasm_bindgen(method)]
    fn send(this: &Host, attempt: u32, via: u32, url: &str, body: &[u8], content_type: &str) -> bool;

    #[wasm_bindgen(method)]
    fn abort(this: &Host, attempt: u32);

    #[wasm_bindgen(method)]
    fn item(this: &Host, key: &str, most: u32) -> Option<String>;

    #[wasm_bindgen(method)]
    fn put(this: &Host, key: &str, value: &str) -> bool;

    #[wasm_bindgen(method)]
    fn remove(this: &Host, key: &str);

    #[wasm_bindgen(method)]
    fn keys(this: &Host) -> String;

    #[wasm_bindgen(method)]
    fn lock(this: &Host) -> bool;

    #[wasm_bindgen(method)]
    fn print(this: &Host, text: &str);

    #[wasm_bindgen(js_namespace = performance, js_name = now)]
    fn monotonic_ms() -> f64;

    #[wasm_bindgen(js_namespace = Date, js_name = now)]
    fn wall_ms() -> f64;

    #[wasm_bindgen(js_namespace = Math)]
    fn random() -> f64;
}

/// What is before and after the first `at`. Not `str::split_once`: its search, made for long texts, weighs 1 KB.
fn cut(text: &str, at: u8) -> Option<(&str, &str)> {
    let place = text.bytes().position(|byte| byte == at)?;
    Some((text.get(..place)?, text.get(place + 1..)?))
}
