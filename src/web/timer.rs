//! One owned timeout: arming it again, or dropping it, cancels the one before.
//!
//! Not `gloo-timers`, which does the same: it needs std, without which the module is a tenth smaller, and its
//! closure would be called by the browser itself, past the [one door](super).

use core::cell::RefCell;

use wasm_bindgen::JsValue;

use super::{Host, Signal, call, callback};

/// Longest wait that `setTimeout` takes, in ms: 2^31 − 1. Beyond it browsers fire at once.
const TIMEOUT_MAX_MS: f64 = 2_147_483_647.0;

/// At most one pending timeout.
#[derive(Debug, Default)]
pub(super) struct Timer(RefCell<JsValue>);

impl Timer {
    /// Has `signal` dispatched after so many ms, in place of what was armed before.
    pub(super) fn arm(&self, host: &Host, signal: Signal, after_ms: f64) {
        self.disarm();
        // One more: browsers cut fractions off, and a timer that fires early would find nothing due. But zero
        // stays zero.
        let after_ms = if after_ms > 0.0 { (after_ms + 1.0).min(TIMEOUT_MAX_MS) } else { 0.0 };
        let timeout =
            call(&js_sys::global(), "setTimeout", &[&callback(host, signal, 0), &JsValue::from(after_ms)]);
        *self.0.borrow_mut() = timeout.unwrap_or_default();
    }

    /// Cancels.
    pub(super) fn disarm(&self) {
        let timeout = self.0.take();
        if !timeout.is_undefined() {
            call(&js_sys::global(), "clearTimeout", &[&timeout]);
        }
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        self.disarm();
    }
}
