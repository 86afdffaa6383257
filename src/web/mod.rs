//! The edge: the only code that knows a browser. It executes what `delivery.rs` decides, and decides nothing
//! itself.
//!
//! # What is lent
//! Each thing that a page is asked or told is an [`Ask`], which `pkg/browser.js` and the shell around it answer: only
//! numbers, texts and bytes cross. `web-sys` and `js-sys` in its place weighed 7 KB more after brotli: an import with
//! glue and checks for every function, property and type on the way.
//!
//! # One door
//! Whatever the browser calls back (timers, listeners, promises, locks) comes in through [`hear`] and
//! [`answer`], which the shell calls so that it catches what a panic leaves behind: no `RuntimeError`
//! reaches the page's `onerror`.
//!
//! # Borrows
//! A call into JavaScript may call back in (a patched `fetch`, `onDiagnostic`, a getter). So no `RefCell` is
//! borrowed while one is made: take what is needed, end the borrow, call. A cell without the count of borrows, in the
//! published module alone, was 0.24 KB less: a mistake would have been silent there.

mod api;
#[cfg(feature = "lean")]
mod lean;
mod lifecycle;
mod navigator;
mod options;
mod store;
mod transport;

use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use wasm_bindgen::prelude::*;

use crate::error::Error;

pub use api::{answer, command, hear, inbox, learn, open, stat, track, version};

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

/// What a client's host is asked for, or told. The order is that of the functions which `pkg/client.js` enlists; each
/// gets a text, a number and for [`Ask::Keep`] bytes, and answers with a text, a number or a flag.
#[derive(Debug, Clone, Copy)]
enum Ask {
    /// What the options, or the facts of the Version event, have under a name: a text, or of what type it is: see
    /// [`options`].
    Given,
    /// The same where it is a number.
    Number,
    /// The same where it is an array of texts: each with a NUL behind it.
    Texts,
    /// Says why it is off: a place in `WHY` of `pkg/client.js`; 0 where it is not.
    Because,
    /// Tells the host page: a place in `CODES` there, and 16 times how often so far.
    Notice,
    /// Says what system this is, where that is known.
    System,
    /// Has an event captured which is our own: Shutdown, where the number is its seconds; where it is negative Version,
    /// the text being arch, where that is known. It takes the way of all events, through `beforeSend`.
    Emit,
    /// Answers the promise with this number: any text is a yes.
    Settle,
    /// A property of the global object, and of what is in it, as text.
    Property,
    /// What holds now of what is in [`navigator`], as flags.
    Signals,
    /// An endpoint's absolute address, without slashes at its end where the number is not 0; nothing on a page without an
    /// origin, such as a file.
    Resolve,
    /// Asks for client hints, which [`Signal::Hints`] brings, after so many ms at the latest. No: there are none.
    Hints,
    /// Does not wait for them any more.
    EndHints,
    /// Has the page's life listened for: see [`lifecycle`].
    Listen,
    /// Has [`Signal::Tick`] come after so many ms; never, where they are negative.
    Arm,
    /// Aborts an attempt; whatever it says later is not heard.
    Abort,
    /// Gives the stored keys their names: see [`store`].
    Name,
    /// Comes to the next stored batch, with a number from the first one on; says the name of its page.
    Next,
    /// Of that batch: its id, when it was written, until when it is claimed, in Unix ms.
    About,
    /// Its lines.
    Lines,
    /// Removes it.
    Reject,
    /// Keeps a batch: see [`store::persist`] and [`store::adopt`].
    Keep,
    /// Removes a stored batch: see [`store::forget`].
    Forget,
    /// Claims this page's batches until then; where that is negative, no more; where it is 0, says whether they are.
    Claim,
    /// Removes all that is stored, but for the remembered opt-out.
    Purge,
    /// Has [`Signal::Locked`] come while this tab holds the store's lock. No: there are no locks.
    Lock,
    /// Shows a payload as it would leave.
    Print,
}

#[wasm_bindgen(module = "/pkg/host.js")]
extern "C" {
    /// Returns a number; a flag as 0 or 1; of a text its length in bytes, for [`take`]; for nothing −1.
    fn call(client: u32, what: u32, number: f64, text: &str, bytes: &[u8]) -> f64;

    /// Fills in the text that is waiting.
    fn take(room: &mut [u8]);

    /// Lends memory for the texts of events.
    fn lend(memory: &mut [u8]);

    fn refuse(client: u32, count: u32, subject: &str, expected: &str);

    fn send(client: u32, attempt: u32, via: u32, url: &str, body: &[u8], content_type: &str) -> bool;

    #[wasm_bindgen(js_name = monotonic)]
    fn monotonic_ms() -> f64;

    #[wasm_bindgen(js_name = wall)]
    fn wall_ms() -> f64;

    /// From 0 to 1, which it never is.
    fn random() -> f64;
}

/// What a client is lent: the page's shell and its browser. None of it throws.
#[derive(Debug, Clone, Copy)]
struct Host(u32);

impl Host {
    /// Not inlined: most calls have nothing in their bytes, and many no text either.
    #[inline(never)]
    fn ask(self, what: Ask, number: f64, text: &str) -> f64 {
        call(self.0, what as u32, number, text, &[])
    }

    fn text(self, what: Ask, text: &str) -> Option<String> {
        self.text_of(what, 0.0, text)
    }

    fn text_of(self, what: Ask, number: f64, text: &str) -> Option<String> {
        received(self.ask(what, number, text) as i32)
    }

    /// Says yes or no.
    fn does(self, what: Ask, number: f64) -> bool {
        self.ask(what, number, "") > 0.0
    }

    fn told(self, what: Ask, text: &str) {
        self.ask(what, 0.0, text);
    }

    fn keep(self, from: &str, number: f64, lines: &[u8]) -> bool {
        call(self.0, Ask::Keep as u32, number, from, lines) > 0.0
    }

    /// Tells the host page that something it gave was refused, the so manieth of its kind: an option while the client is
    /// opened, an event after that.
    fn refuse(self, count: u32, error: &Error) {
        refuse(self.0, count, error.subject(), error.expected());
    }

    /// Starts a request: says whether the browser took it.
    fn send(self, attempt: u32, via: u32, url: &str, body: &[u8], content_type: &str) -> bool {
        send(self.0, attempt, via, url, body, content_type)
    }
}

/// The text that waits for us, so many bytes long; a negative length means that there is none.
fn received(length: i32) -> Option<String> {
    let length = usize::try_from(length).ok()?;
    let mut bytes = vec![0; length];
    if length > 0 {
        take(&mut bytes);
    }
    // A TextEncoder made them: UTF-8, whatever the text was.
    Some(into_text(bytes))
}

/// As [`text`]: what is received, and what `redact` made of a text, which is whole characters, as its tests show of any.
fn into_text(bytes: Vec<u8>) -> String {
    // SAFETY: both are UTF-8.
    unsafe { String::from_utf8_unchecked(bytes) }
}

/// What is known to be text: encoded lines, which `wire` wrote whole characters at a time, and the inbox.
fn text(bytes: &[u8]) -> &str {
    // SAFETY: both are UTF-8.
    unsafe { core::str::from_utf8_unchecked(bytes) }
}
