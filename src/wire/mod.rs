//! The encodings: one file each. An event is encoded once, when it is captured, into a line of the bytes
//! that will leave; a request body is a concatenation of lines.
//!
//! A new format is a file here, a variant of [`Format`] and an arm in each `match` below.

use alloc::vec::Vec;

mod fields;
mod json;
pub mod ndjson;

use crate::event::{Event, Origin, Record};

pub use fields::{Sink, Value, walk};
pub use json::put_integer;

/// How events are written down.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Format {
    /// One JSON object a line.
    #[default]
    Ndjson,
}

impl Format {
    /// Appends `record` to `out` as one line, `\n` included. The line holds no other `\n`.
    pub fn encode(self, event: &Event, origin: &Origin, out: &mut Vec<u8>) {
        match self {
            Self::Ndjson => ndjson::encode(event, origin, out),
        }
    }

    /// Whether `line` (without its `\n`) could have been written by [`encode`](Self::encode). What comes back
    /// from the store passes here first: any script of the page can write there.
    pub fn is_plausible(self, line: &[u8]) -> bool {
        match self {
            Self::Ndjson => ndjson::is_plausible(line),
        }
    }

    /// The request's `Content-Type`. `text/plain` keeps a cross-origin request free of a CORS preflight.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Ndjson => "text/plain;charset=UTF-8",
        }
    }

    /// Whether the receiver keeps the first of a key, so that sending twice is safe.
    pub const fn receiver_dedups(self) -> bool {
        match self {
            Self::Ndjson => true,
        }
    }

    /// The name which tells this format's stored batches from another's.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ndjson => "ndjson",
        }
    }
}

/// Encodes a whole record: for tests and native tools; the client keeps event and origin apart.
pub fn encode_record(format: Format, record: &Record) -> Vec<u8> {
    let mut out = Vec::new();
    format.encode(&record.event, &record.origin, &mut out);
    out
}
