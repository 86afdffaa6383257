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

pub use fields::{Field, Value};
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
    /// Appends an event to `out` as one line, `\n` included. The line holds no other `\n`. A format that can cut the
    /// event to `max` bytes does.
    pub fn encode(self, event: &Event, origin: &Origin, max: usize, out: &mut Vec<u8>) {
        let name = event.name();
        self.begin(name, out);
        let outcome = event.outcome();
        let scope = if outcome.is_some() { name } else { "" };
        let mut pen = Pen { format: self, scope, out };
        if self == Self::Gateway {
            gateway::put_text(&origin.client_type, pen.out);
            pen.out.push(b'&');
        } else {
            origin.walk(&mut pen);
        }
        event.walk(&mut pen);
        match self {
            Self::Ndjson => ndjson::finish(out),
            Self::Otlp => otlp::finish(matches!(outcome, Some((false, _))), origin, out),
            Self::Gateway => gateway::finish(event, origin, max, out),
        }
    }

    /// Appends what a line starts with.
    fn begin(self, name: &str, out: &mut Vec<u8>) {
        let (head, next) = match self {
            Self::Ndjson => (ndjson::HEAD, ndjson::NEXT),
            Self::Otlp => (otlp::HEAD, otlp::NEXT),
            Self::Gateway => ("", gateway::NEXT),
        };
        put(head.as_bytes(), out);
        put(name.as_bytes(), out);
        put(next.as_bytes(), out);
    }

    /// Whether `line` (without its `\n`) could have been written by [`encode`](Self::encode): it starts with
    /// the name of one of the five events in its place, and is printable text. What comes back from the store
    /// passes here first, since any script of the page can write there. Whether its fields are right is the
    /// receiver's to judge.
    pub fn is_plausible(self, line: &[u8]) -> bool {
        let tail = match self {
            Self::Ndjson => ndjson::TAIL,
            Self::Otlp => otlp::TAIL,
            Self::Gateway => "",
        };
        let mut start = Vec::new();
        let mut named = |name: &&str| {
            start.clear();
            self.begin(name, &mut start);
            line.starts_with(&start)
        };
        Event::NAMES.iter().any(&mut named)
            && line.ends_with(tail.as_bytes())
            && line.iter().all(|b| *b >= b' ')
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

    /// The request's body, made of its lines; for the gateway, what follows the endpoint in its URL. `frame` is what
    /// [`frame`](Self::frame) made.
    pub fn wrap(self, frame: &[u8], lines: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        match self {
            Self::Ndjson => put(lines, &mut out),
            Self::Otlp => otlp::wrap(frame, lines, &mut out),
            Self::Gateway => gateway::wrap(frame, lines, &mut out),
        }
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

/// Writes the fields of a line.
#[derive(Debug)]
pub struct Pen<'o> {
    format: Format,
    /// For the gateway: what stands before the names of the fields.
    scope: &'static str,
    out: &'o mut Vec<u8>,
}

impl Pen<'_> {
    /// Appends a field. `key` is its name as JSON has it: in quotes, with the colon.
    pub fn put_field(&mut self, key: &'static str, value: Value<'_>) {
        let name = key.get(1..key.len() - 2).unwrap_or_default();
        match self.format {
            Format::Ndjson => ndjson::put_field(key, value, self.out),
            Format::Otlp => otlp::put_field(name, value, self.out),
            Format::Gateway => gateway::put_field(self.scope, name, value, self.out),
        }
    }
}

/// Encodes a whole record: for tests and native tools; the client keeps event and origin apart.
pub fn encode_record(format: Format, record: &Record) -> Vec<u8> {
    let mut out = Vec::new();
    format.encode(&record.event, &record.origin, usize::MAX, &mut out);
    out
}

/// Appends bytes. Not inlined: the encoders call it some thirty times.
#[inline(never)]
fn put(bytes: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(bytes);
}
