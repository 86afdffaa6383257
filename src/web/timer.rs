//! One owned timeout: arming it again, or dropping it, cancels the one before.

use std::cell::RefCell;

use gloo_timers::callback::Timeout;
use wasm_bindgen::JsValue;

use super::{Host, Signal, callback};

/// Longest wait that `setTimeout` takes, in ms: 2^31 − 1. Beyond it browsers fire at once.
const TIMEOUT_MAX_MS: f64 = 2_147_483_647.0;

/// At most one pending timeout.
#[derive(Debug, Default)]
pub(super) struct Timer(RefCell<Option<Timeout>>);

impl Timer {
    /// Has `signal` dispatched after so many ms, in place of what was armed before.
    pub(super) fn arm(&self, host: &Host, signal: Signal, after_ms: f64) {
        let dispatch = callback(host, signal, 0);
        // Rounded up: a timer that fires early would find nothing due.
        let after_ms = after_ms.ceil().clamp(0.0, TIMEOUT_MAX_MS) as u32;
        let timeout = Timeout::new(after_ms, move || {
            let _ = dispatch.call0(&JsValue::NULL);
        });
        *self.0.borrow_mut() = Some(timeout);
    }

    /// Cancels.
    pub(super) fn disarm(&self) {
        *self.0.borrow_mut() = None;
    }
}
