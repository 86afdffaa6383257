//! The edge: the only code that knows a browser. It executes what `delivery.rs` decides, and decides nothing
//! itself.
//!
//! # One door
//! Whatever the browser calls back (timers, listeners, promises, locks) comes in through functions that the
//! shell makes: `Host::callback(signal, attempt)`. They call `Client::dispatch` and catch what a panic leaves
//! behind, so that no `RuntimeError` reaches the page's `onerror`. A Rust `Closure` for each callback would need
//! that care as well, and some hundred bytes each.
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
mod timer;
mod transport;

use js_sys::{Function, Object, Reflect};
use wasm_bindgen::prelude::*;

pub use api::Client;

/// What the browser, or a promise, has to say; its value comes along.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
enum Signal {
    /// The timer of `delivery.rs` fired.
    Tick,
    /// A lifecycle event; the value is the `Event`.
    Lifecycle,
    /// The head of an attempt's response is there; the value is the `Response`.
    Answered,
    /// A part of an attempt's response body is there; the value is what `read()` gave.
    Chunk,
    /// An attempt, or reading its answer, failed.
    Failed,
    /// The store's lock is ours until we return.
    Locked,
    /// Client hints; the value is the object, or an error.
    Hints,
    /// Client hints took too long.
    HintsLate,
}

impl Signal {
    const ALL: [Self; 8] = [
        Self::Tick,
        Self::Lifecycle,
        Self::Answered,
        Self::Chunk,
        Self::Failed,
        Self::Locked,
        Self::Hints,
        Self::HintsLate,
    ];
}

#[wasm_bindgen]
extern "C" {
    /// What the shell lends us. None of its functions throws.
    #[derive(Debug)]
    pub type Host;

    /// A function that dispatches this signal, with the value it is called with.
    #[wasm_bindgen(method, js_name = callback)]
    fn make_callback(this: &Host, signal: u32, attempt: u32) -> Function;

    /// Tells the host page: a stable code, how often so far, and what was at fault and expected, if anything.
    #[wasm_bindgen(method)]
    fn tell(this: &Host, code: &str, count: u32, subject: &str, expected: &str);

    /// Says why it is off; empty where it is not.
    #[wasm_bindgen(method)]
    fn because(this: &Host, reason: &str);

    /// Has an event captured which is our own: `"version"` with platform and arch, `"shutdown"` with seconds.
    /// It takes the way of all events, through `beforeSend`.
    #[wasm_bindgen(method)]
    fn emit(this: &Host, event: &str, platform: Option<&str>, arch: Option<&str>, seconds: f64);

    /// Answers the promise with this number.
    #[wasm_bindgen(method)]
    fn settle(this: &Host, token: u32, acknowledged: bool);

    #[wasm_bindgen(js_namespace = performance, js_name = now)]
    fn monotonic_ms() -> f64;

    #[wasm_bindgen(js_namespace = Date, js_name = now)]
    fn wall_ms() -> f64;

    #[wasm_bindgen(js_namespace = Math)]
    fn random() -> f64;
}

/// A callback for the browser. `attempt` is 0 where it is not about one.
fn callback(host: &Host, signal: Signal, attempt: u32) -> Function {
    host.make_callback(signal as u32, attempt)
}

/// A property, or undefined where there is none or its getter throws.
fn get(object: &JsValue, name: &str) -> JsValue {
    Reflect::get(object, &JsValue::from_str(name)).unwrap_or(JsValue::UNDEFINED)
}

/// Sets a property of an object of our own.
fn set(object: &Object, name: &str, value: &JsValue) {
    let _ = Reflect::set(object, &JsValue::from_str(name), value);
}

/// Calls a method; `None` where there is none, or it throws.
fn call(object: &JsValue, name: &str, arguments: &[&JsValue]) -> Option<JsValue> {
    let method: Function = get(object, name).dyn_into().ok()?;
    let list = js_sys::Array::new();
    for argument in arguments {
        list.push(argument);
    }
    method.apply(object, &list).ok()
}
