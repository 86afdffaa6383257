//! The encodings: one file each. An event is encoded once, when it is captured, into a line of the bytes
//! that will leave; a request body is a concatenation of lines.
//!
//! A new format is a file here, a variant of [`Format`] and an arm in each `match` below.

use alloc::vec::Vec;

mod fields;
pub mod gateway;
mod json;
pub mod ndjson;
pub mod otlp;

use crate::event::{Event, Origin, Record, Version};

pub use fields::{Sink, Value, walk};
pub use json::put_integer;

/// How events are written down.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Format {
    /// One JSON object a line.
    #[default]
    Ndjson,
    /// OTLP/HTTP logs, in JSON.
    Otlp,
    /// The GET pings of Langflow's own gateway.
    Gateway,
}

impl Format {
    /// Appends an event to `out` as one line, `\n` included. The line holds no other `\n`. `frame` is what
    /// [`frame`](Self::frame) made; a format that can cut the event to `max` bytes does.
    pub fn encode(self, event: &Event, origin: &Origin, frame: &[u8], max: usize, out: &mut Vec<u8>) {
        let [head, next, _] = self.shape();
        let name = event.name();
        put(head, out);
        put(name, out);
        put(next, out);
        if self == Self::Gateway {
            gateway::put_text(&origin.client_type, out);
            out.push(b'&');
        }
        let scope = if event.outcome().is_some() { name } else { "" };
        let mut sink = |key: &'static str, value: Value<'_>| match self {
            Self::Ndjson => ndjson::put_field(key, value, out),
            Self::Otlp => otlp::put_field(key, value, out),
            Self::Gateway => gateway::put_field(scope, key, value, out),
        };
        // One walk for all formats: a closure for each would bring copies of it along.
        if self != Self::Gateway {
            walk(origin, &mut sink);
        }
        event.walk(&mut sink);
        match self {
            Self::Ndjson => ndjson::finish(out),
            Self::Otlp => otlp::finish(event, origin, out),
            Self::Gateway => gateway::finish(event, origin, frame, max, out),
        }
    }

    /// What comes before the event's name in a line, what after, and what is at the end.
    const fn shape(self) -> [&'static str; 3] {
        match self {
            Self::Ndjson => [ndjson::HEAD, ndjson::NEXT, ndjson::TAIL],
            Self::Otlp => [otlp::HEAD, otlp::NEXT, otlp::TAIL],
            Self::Gateway => ["", gateway::NEXT, ""],
        }
    }

    /// Whether `line` (without its `\n`) could have been written by [`encode`](Self::encode): it starts with
    /// the name of one of the five events in its place, and is printable text. What comes back from the store
    /// passes here first, since any script of the page can write there. Whether its fields are right is the
    /// receiver's to judge.
    pub fn is_plausible(self, line: &[u8]) -> bool {
        let [head, next, tail] = self.shape();
        let rest = line.strip_prefix(head.as_bytes()).unwrap_or_default();
        let named = |name: &&str| {
            rest.strip_prefix(name.as_bytes()).is_some_and(|rest| rest.starts_with(next.as_bytes()))
        };
        Event::NAMES.iter().any(named) && line.ends_with(tail.as_bytes()) && line.iter().all(|b| *b >= 0x20)
    }

    /// What a format says of the app and the machine beside the events, from the Version event.
    pub fn frame(self, facts: &Version, client_type: &str) -> Vec<u8> {
        let mut out = Vec::new();
        match self {
            Self::Ndjson => {}
            Self::Otlp => otlp::put_frame(facts, &mut out),
            Self::Gateway => gateway::put_frame(facts, client_type, &mut out),
        }
        out
    }

    /// The request's body, made of its lines; for the gateway, what follows the endpoint in its URL.
    pub fn wrap(self, frame: &[u8], lines: &[u8]) -> Vec<u8> {
        // What comes before, how much is taken off the end, and what comes after.
        let (before, lines, off, after) = match self {
            Self::Ndjson => (&b""[..], lines, 0, ""),
            Self::Otlp => (frame, lines, otlp::SEPARATOR, otlp::END),
            Self::Gateway => match lines.strip_prefix(gateway::NO_PATH) {
                Some(query) => (&b""[..], query, 1, ""),
                None => (&b"/"[..], lines, 1, ""),
            },
        };
        let mut out = before.to_vec();
        out.extend_from_slice(lines.get(..lines.len().saturating_sub(off)).unwrap_or_default());
        put(after, &mut out);
        out
    }

    /// The request's `Content-Type`. `text/plain` keeps a cross-origin request free of a CORS preflight; OTLP
    /// receivers insist on `application/json`; a GET has none.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Otlp => "application/json",
            _ => "text/plain;charset=UTF-8",
        }
    }

    /// Whether each event is a request by itself, without a body.
    pub fn is_ping(self) -> bool {
        self == Self::Gateway
    }

    /// Whether the receiver keeps the first of a key, so that sending twice is safe.
    pub fn receiver_dedups(self) -> bool {
        self == Self::Ndjson
    }

    /// The name that the option has, and which tells this format's stored batches from another's.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ndjson => "ndjson",
            Self::Otlp => "otlp",
            Self::Gateway => "gateway",
        }
    }
}

/// Encodes a whole record: for tests and native tools; the client keeps event and origin apart.
pub fn encode_record(format: Format, record: &Record) -> Vec<u8> {
    let mut out = Vec::new();
    format.encode(&record.event, &record.origin, &[], usize::MAX, &mut out);
    out
}

/// Appends text. Not inlined: the encoders call it some thirty times.
#[inline(never)]
fn put(text: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(text.as_bytes());
}
