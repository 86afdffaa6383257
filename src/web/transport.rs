//! Requests: fetch, with keepalive or without, beacons, and the one deferred request. What is sent and when is
//! not decided here.

use alloc::string::String;
use alloc::vec::Vec;

use core::cell::RefCell;

use js_sys::{Array, JSON, Object, Promise, Uint8Array};
use wasm_bindgen::prelude::*;

use super::{Host, Signal, call, callback, get, set};
use crate::delivery::{Outcome, Via};
use crate::retry::retry_after_ms;
use crate::wire::Format;

/// Bytes of an answer that are read before the rest is cancelled. A body must be read, since Chromium keeps a
/// keepalive budget until it is; a hostile one need not be read to its end.
const ANSWER_MAX: usize = 64 * 1024;

/// Bytes of an answer that are kept: ours are some sixty.
const ANSWER_KEPT: usize = 4 * 1024;

/// What all requests share, but for body, type and keepalive. No cookies, no referrer; a redirect could lead to
/// another origin, so it is an error; and the page's own requests go first.
const REQUEST: &str = "{\"method\":\"POST\",\"credentials\":\"omit\",\"referrerPolicy\":\"no-referrer\",\
                       \"redirect\":\"error\",\"cache\":\"no-store\",\"priority\":\"low\",\"headers\":{}}";

/// The same for a ping. The gateway has no CORS headers, so its answer cannot be read; and such a request has to
/// follow redirects.
const PING: &str = "{\"mode\":\"no-cors\",\"credentials\":\"omit\",\"referrerPolicy\":\"no-referrer\",\
                    \"cache\":\"no-store\",\"priority\":\"low\"}";

#[wasm_bindgen]
extern "C" {
    #[derive(Debug)]
    type AbortController;

    #[wasm_bindgen(constructor)]
    fn new() -> AbortController;

    #[wasm_bindgen(method)]
    fn abort(this: &AbortController);

    #[wasm_bindgen(method, getter)]
    fn signal(this: &AbortController) -> JsValue;

    type Blob;

    #[wasm_bindgen(constructor, catch)]
    fn new(parts: &Array, options: &Object) -> Result<Blob, JsValue>;

    #[wasm_bindgen(js_name = URL)]
    #[derive(Debug)]
    type Url;

    #[wasm_bindgen(constructor, catch, js_class = "URL")]
    fn new(url: &str, base: &str) -> Result<Url, JsValue>;

    #[wasm_bindgen(method, getter)]
    fn href(this: &Url) -> String;

    #[wasm_bindgen(method, getter)]
    fn origin(this: &Url) -> String;

    #[wasm_bindgen(method, getter)]
    fn protocol(this: &Url) -> String;

    #[wasm_bindgen(method, getter)]
    fn hostname(this: &Url) -> String;

    #[wasm_bindgen(catch)]
    fn fetch(url: &str, init: &Object) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(catch, js_name = fetchLater)]
    fn fetch_later(url: &str, init: &Object) -> Result<JsValue, JsValue>;
}

/// Where batches go.
#[derive(Debug)]
pub(super) struct Endpoint {
    /// Absolute.
    pub(super) href: String,
    /// Whether it is on the page's own origin.
    pub(super) is_own: bool,
    /// Whether it is on this machine: then there is a network even where the browser says there is none.
    pub(super) is_loopback: bool,
    /// Whether a deferred request may go there: Chromium asks for https, or localhost.
    takes_deferred: bool,
}

impl Endpoint {
    /// Resolves an endpoint against the page's origin, not against its `<base>`: that may name a CDN. `None` on
    /// a page without an origin, such as a file.
    pub(super) fn resolve(endpoint: &str) -> Option<Self> {
        let own = get(&js_sys::global(), "origin").as_string()?;
        let url = Url::new(endpoint, &own).ok()?;
        let host = url.hostname();
        let is_loopback = host == "localhost"
            || host.ends_with(".localhost")
            || host.starts_with("127.")
            || host == "[::1]";
        Some(Self {
            href: url.href(),
            is_own: url.origin() == own,
            is_loopback,
            takes_deferred: is_loopback || url.protocol() == "https:",
        })
    }

    /// Whether the browser can be given a deferred request for it.
    pub(super) fn defers(&self) -> bool {
        self.takes_deferred && get(&js_sys::global(), "fetchLater").is_function()
    }
}

/// A request whose answer is awaited.
#[derive(Debug)]
struct Flight {
    attempt: u32,
    controller: AbortController,
    /// From here on, once the head is there.
    reader: JsValue,
    status: u16,
    retry_after_ms: Option<f64>,
    answer: Vec<u8>,
    read: usize,
}

impl Flight {
    fn outcome(&self) -> Outcome {
        // No answer, or none that tells anything: a page that patched `fetch` may hand over what it likes.
        if self.status == 0 {
            return Outcome::Unreachable;
        }
        Outcome::Answered {
            status: self.status,
            retry_after_ms: self.retry_after_ms,
            rejected: rejected(&self.answer),
        }
    }
}

/// All requests of a page.
#[derive(Debug)]
pub(super) struct Transport {
    endpoint: Endpoint,
    format: Format,
    flights: RefCell<Vec<Flight>>,
    deferred: RefCell<Option<AbortController>>,
}

impl Transport {
    /// Nothing under way yet.
    pub(super) const fn new(endpoint: Endpoint, format: Format) -> Self {
        Self { endpoint, format, flights: RefCell::new(Vec::new()), deferred: RefCell::new(None) }
    }

    /// Where batches go.
    pub(super) const fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Starts a request. `Some` where its end is known at once.
    pub(super) fn send(&self, host: &Host, attempt: u32, via: Via, body: &[u8]) -> Option<Outcome> {
        if via == Via::Beacon {
            return self.beacon(body);
        }
        let init = self.request(body);
        let controller = AbortController::new();
        set(&init, "keepalive", &JsValue::from(via == Via::Keepalive));
        set(&init, "signal", &controller.signal());
        self.flights.borrow_mut().push(Flight {
            attempt,
            controller,
            reader: JsValue::UNDEFINED,
            status: 0,
            retry_after_ms: None,
            answer: Vec::new(),
            read: 0,
        });
        let url = self.url(body);
        let started = fetch(&url, &init).is_ok_and(|value| {
            // A page that patched `fetch` may return anything.
            let answered = callback(host, Signal::Answered, attempt);
            let failed = callback(host, Signal::Failed, attempt);
            call(&Promise::resolve(&value), "then", &[&answered, &failed]).is_some()
        });
        if started { None } else { self.failed(attempt) }
    }

    fn beacon(&self, body: &[u8]) -> Option<Outcome> {
        let options = Object::new();
        set(&options, "type", &JsValue::from_str(self.format.content_type()));
        let parts = Array::of1(&Uint8Array::from(body));
        let taken = Blob::new(&parts, &options).ok().and_then(|blob| {
            let url = JsValue::from_str(&self.endpoint.href);
            call(&super::navigator::navigator(), "sendBeacon", &[&url, &blob])
        });
        // "True" only says that the browser took it: there is never an answer.
        if taken.is_some_and(|taken| taken.is_truthy()) { None } else { Some(Outcome::BeaconRefused) }
    }

    /// Where it goes: what a ping says is in its URL.
    fn url(&self, body: &[u8]) -> String {
        let query = if self.format.is_ping() { core::str::from_utf8(body).ok() } else { None };
        [self.endpoint.href.as_str(), query.unwrap_or_default()].concat()
    }

    fn request(&self, body: &[u8]) -> Object {
        let is_ping = self.format.is_ping();
        let init = JSON::parse(if is_ping { PING } else { REQUEST }).map(Object::from).unwrap_or_default();
        if is_ping {
            return init;
        }
        set(
            &Object::from(get(&init, "headers")),
            "content-type",
            &JsValue::from_str(self.format.content_type()),
        );
        set(&init, "body", &Uint8Array::from(body));
        init
    }

    /// The head of an answer is there. `Some` where that is all there is.
    pub(super) fn answered(
        &self,
        host: &Host,
        attempt: u32,
        response: &JsValue,
        wall_ms: f64,
    ) -> Option<Outcome> {
        let mut status = get(response, "status").as_f64().unwrap_or_default() as u16;
        // A ping's answer tells no more than that there was one.
        if get(response, "type") == "opaque" {
            status = 200;
        }
        let header = call(&get(response, "headers"), "get", &[&JsValue::from_str("retry-after")])
            .and_then(|value| value.as_string());
        let retry_after_ms = header.and_then(|text| {
            let date_ms = js_sys::Date::parse(&text);
            retry_after_ms(&text, date_ms, wall_ms)
        });
        let reader = call(&get(response, "body"), "getReader", &[]).unwrap_or_default();
        {
            let mut flights = self.flights.borrow_mut();
            let flight = flights.iter_mut().find(|flight| flight.attempt == attempt)?;
            flight.status = status;
            flight.retry_after_ms = retry_after_ms;
            flight.reader = reader.clone();
        }
        self.read_on(host, attempt, &reader)
    }

    fn read_on(&self, host: &Host, attempt: u32, reader: &JsValue) -> Option<Outcome> {
        let chunk = callback(host, Signal::Chunk, attempt);
        let failed = callback(host, Signal::Failed, attempt);
        let reading =
            call(reader, "read", &[]).and_then(|promise| call(&promise, "then", &[&chunk, &failed]));
        if reading.is_some() { None } else { self.land(attempt) }
    }

    /// A part of an answer is there. `Some` where it was the last, or enough.
    pub(super) fn chunk(&self, host: &Host, attempt: u32, result: &JsValue) -> Option<Outcome> {
        let part = get(result, "value").dyn_into::<Uint8Array>().ok();
        let (reader, read) = {
            let mut flights = self.flights.borrow_mut();
            let flight = flights.iter_mut().find(|flight| flight.attempt == attempt)?;
            if let Some(part) = &part {
                flight.read += part.length() as usize;
                if flight.answer.len() + part.length() as usize <= ANSWER_KEPT {
                    flight.answer.extend(part.to_vec());
                }
            }
            (flight.reader.clone(), flight.read)
        };
        if part.is_some() && read <= ANSWER_MAX {
            return self.read_on(host, attempt, &reader);
        }
        if part.is_some() {
            // Its promise may reject; nobody is to see that.
            let ignore = callback(host, Signal::Chunk, 0);
            call(&reader, "cancel", &[]).and_then(|promise| call(&promise, "then", &[&ignore, &ignore]));
        }
        self.land(attempt)
    }

    /// A request failed, or reading its answer did: where the status is known already, that is the answer.
    pub(super) fn failed(&self, attempt: u32) -> Option<Outcome> {
        self.land(attempt)
    }

    fn land(&self, attempt: u32) -> Option<Outcome> {
        self.take(attempt).map(|flight| flight.outcome())
    }

    fn take(&self, attempt: u32) -> Option<Flight> {
        let mut flights = self.flights.borrow_mut();
        let at = flights.iter().position(|flight| flight.attempt == attempt)?;
        Some(flights.swap_remove(at))
    }

    /// Aborts a request; whatever it says later is not heard.
    pub(super) fn abort(&self, attempt: u32) {
        let flight = self.take(attempt);
        if let Some(flight) = flight {
            flight.controller.abort();
        }
    }

    /// Has one deferred request with this body, in place of any other. False where the browser refused it.
    pub(super) fn insure(&self, body: &[u8]) -> bool {
        self.uninsure();
        let init = self.request(body);
        let controller = AbortController::new();
        set(&init, "signal", &controller.signal());
        let taken = fetch_later(&self.endpoint.href, &init).is_ok();
        if taken {
            *self.deferred.borrow_mut() = Some(controller);
        }
        taken
    }

    /// Has no deferred request.
    pub(super) fn uninsure(&self) {
        let controller = self.deferred.borrow_mut().take();
        if let Some(controller) = controller {
            controller.abort();
        }
    }
}

/// How many events the receiver says it refused: `"rejected":n` of its answer, or OTLP's
/// `"rejectedLogRecords":"n"`, with or without quotes; 0 where there is none.
fn rejected(answer: &[u8]) -> u32 {
    const NAME: &[u8] = b"\"rejected";
    let at = answer.windows(NAME.len()).position(|part| part == NAME);
    let rest = at.and_then(|at| answer.get(at + NAME.len()..)).unwrap_or_default();
    let value = rest.iter().skip_while(|b| b.is_ascii_alphabetic() || b"\": ".contains(b));
    let digits = value.take_while(|b| b.is_ascii_digit());
    digits.fold(0, |sum: u32, b| sum.saturating_mul(10).saturating_add(u32::from(b - b'0')))
}
