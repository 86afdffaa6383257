//! The page's life: hidden, leaving, restored, online. Listeners are owned; dropping them removes them.

use alloc::vec::Vec;

use js_sys::Function;
use wasm_bindgen::JsValue;

use super::{Host, Signal, call, callback, get};

/// Events of the document.
const DOCUMENT: [&str; 3] = ["visibilitychange", "freeze", "resume"];

/// Events of the window, or of a worker's global scope. Not `unload` or `beforeunload`: they keep a page out of
/// the back/forward cache.
const WINDOW: [&str; 5] = ["pagehide", "pageshow", "online", "offline", "storage"];

/// The event that ends a prerender.
const PRERENDER: [&str; 1] = ["prerenderingchange"];

/// Registered listeners.
#[derive(Debug)]
pub(super) struct Listeners {
    listener: Function,
    targets: Vec<(JsValue, &'static str)>,
}

impl Listeners {
    /// Listens for all that matters to a page at work.
    pub(super) fn of_page(host: &Host) -> Self {
        let window = JsValue::from(js_sys::global());
        let mut targets: Vec<_> = DOCUMENT.iter().map(|name| (document(), *name)).collect();
        targets.extend(WINDOW.iter().map(|name| (window.clone(), *name)));
        Self::new(host, targets)
    }

    /// Listens for the end of a prerender only.
    pub(super) fn of_prerender(host: &Host) -> Self {
        Self::new(host, PRERENDER.iter().map(|name| (document(), *name)).collect())
    }

    fn new(host: &Host, targets: Vec<(JsValue, &'static str)>) -> Self {
        let listener = callback(host, Signal::Lifecycle, 0);
        for (target, name) in &targets {
            // Capturing, so that a listener of the page cannot stop the event before us. A worker has no
            // document: there the call finds no method.
            call(target, "addEventListener", &[&JsValue::from_str(name), &listener, &JsValue::TRUE]);
        }
        Self { listener, targets }
    }
}

impl Drop for Listeners {
    fn drop(&mut self) {
        for (target, name) in &self.targets {
            call(target, "removeEventListener", &[&JsValue::from_str(name), &self.listener, &JsValue::TRUE]);
        }
    }
}

/// The document; undefined in a worker.
fn document() -> JsValue {
    get(&js_sys::global(), "document")
}

/// Whether the page is hidden.
pub(super) fn is_hidden() -> bool {
    get(&document(), "visibilityState").as_string().is_some_and(|state| state == "hidden")
}

/// Whether a script has closed the window: `pagehide` comes within moments, as the last event.
pub(super) fn is_closing() -> bool {
    get(&js_sys::global(), "closed").is_truthy()
}

/// Whether the page is being prerendered: nobody has seen it yet, and maybe nobody will.
pub(super) fn is_prerendering() -> bool {
    get(&document(), "prerendering").is_truthy()
}

/// Whether the browser says that there is no network.
pub(super) fn is_offline() -> bool {
    get(&super::navigator::navigator(), "onLine").as_bool() == Some(false)
}
