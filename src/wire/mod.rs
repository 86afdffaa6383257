//! The encodings: one file each. An event is encoded once, when it is captured, into a line of the bytes
//! that will leave; a request body is a concatenation of lines.
//!
//! A new format is a file here with a `Form` and four functions, its `mod`, and a line of `formats!`.

use alloc::vec::Vec;

mod fields;
#[cfg(feature = "gateway")]
mod gateway;
mod json;
mod ndjson;
#[cfg(feature = "otlp")]
mod otlp;

use crate::event::{Event, Origin, Record, Version};

pub use fields::Field;
use fields::Kind;
pub use json::put_integer;

/// A URL has fewer than so many characters, where an event is one: the bound of Langflow's gateway.
pub const URL_MAX: usize = 2_048;

/// Characters of a URL that are kept for what [`Format::frame`] makes, which an event does not know yet when it is
/// written down. Four times what it takes with Langflow's own versions and systems.
pub const FRAME_MAX: usize = 256;

/// What there is to know of a format beside how it writes.
struct Form {
    /// The name that the option has, and which tells this format's stored batches from another's.
    name: &'static str,
    /// What each line starts with; the event's name follows.
    head: &'static str,
    /// What follows the name in each line.
    next: &'static str,
    /// What stands before the names of all fields.
    scope: &'static str,
    /// What each line ends with, before its `\n`.
    tail: &'static str,
    /// The request's `Content-Type`. `text/plain` keeps a cross-origin request free of a CORS preflight.
    content_type: &'static str,
    /// Whether each event is a request by itself, without a body.
    is_ping: bool,
    /// Whether the receiver keeps the first of a key, so that sending twice is safe.
    receiver_dedups: bool,
}

/// The formats: `Variant = file`. What is asked of one is done by the function of that name in its file.
macro_rules! formats {
    ($($(#[doc = $doc:literal])+ $(#[cfg($cfg:meta)])? $variant:ident = $file:ident,)+) => {
        /// How events are written down.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Format {
            $($(#[doc = $doc])+ $(#[cfg($cfg)])? $variant,)+
        }

        impl Format {
            /// All that this build has, in the order in which the option's error names them.
            pub const ALL: &'static [Self] = &[$($(#[cfg($cfg)])? Self::$variant,)+];

            const fn form(self) -> &'static Form {
                match self { $($(#[cfg($cfg)])? Self::$variant => &$file::FORM,)+ }
            }

            /// Whether each event is a request by itself, without a body.
            pub const fn is_ping(self) -> bool {
                match self { $($(#[cfg($cfg)])? Self::$variant => $file::FORM.is_ping,)+ }
            }

            /// Whether the receiver keeps the first of a key, so that sending twice is safe.
            pub const fn receiver_dedups(self) -> bool {
                match self { $($(#[cfg($cfg)])? Self::$variant => $file::FORM.receiver_dedups,)+ }
            }

            /// Appends a field.
            fn put_field(self, key: &str, kind: Kind, value: &[u8], pen: &mut Pen<'_>) {
                match self { $($(#[cfg($cfg)])? Self::$variant => $file::put_field(key, kind, value, pen),)+ }
            }

            /// Appends the end of a line.
            fn finish(self, event: &Event, time: u64, out: &mut Vec<u8>) {
                match self { $($(#[cfg($cfg)])? Self::$variant => $file::finish(event, time, out),)+ }
            }

            fn put_frame(self, facts: &Version, client_type: &str, pen: &mut Pen<'_>) {
                match self { $($(#[cfg($cfg)])? Self::$variant => $file::put_frame(facts, client_type, pen),)+ }
            }

            fn put_request(self, frame: &[u8], lines: &[u8], out: &mut Vec<u8>) {
                match self { $($(#[cfg($cfg)])? Self::$variant => $file::put_request(frame, lines, out),)+ }
            }
        }
    };
}

formats! {
    /// One JSON object a line.
    Ndjson = ndjson,
    /// OTLP/HTTP logs, in JSON.
    #[cfg(feature = "otlp")]
    Otlp = otlp,
    /// The GET pings of Langflow's own gateway.
    #[cfg(feature = "gateway")]
    Gateway = gateway,
}

impl Format {
    /// Whether `line` (without its `\n`) could have been written by an [`Encoder`]: it starts with the name of one of
    /// the five events in its place, and is printable text. What comes back from the store passes here first, since any
    /// script of the page can write there. Whether its fields are right is the receiver's to judge.
    pub fn is_plausible(self, line: &[u8]) -> bool {
        let form = self.form();
        let Some(rest) = line.strip_prefix(form.head.as_bytes()) else { return false };
        let is_named = |name: &&str| {
            rest.strip_prefix(name.as_bytes()).is_some_and(|rest| rest.starts_with(form.next.as_bytes()))
        };
        Event::NAMES.iter().any(is_named)
            && line.ends_with(form.tail.as_bytes())
            && line.iter().all(|b| *b >= b' ')
    }

    /// Makes `out` what a format says of the app and the machine beside the events, from the Version event.
    pub fn frame(self, facts: &Version, client_type: &str, out: &mut Vec<u8>) {
        out.clear();
        self.put_frame(facts, client_type, &mut Pen { format: self, scope: "", is_frame: true, max: 0, out });
    }

    /// Appends what an event's own fields stand behind.
    fn put_origin(self, origin: &Origin, pen: &mut Pen<'_>) {
        if self.is_ping() {
            // Who reports is all that has a place there, and its name is there already.
            origin.client_type.write("", pen);
            return;
        }
        if self.is_plain() {
            // The comma comes with the first field.
            pen.out.pop();
        }
        origin.walk(pen);
    }

    /// Whether the body of a request is its lines and nothing else.
    pub const fn is_plain(self) -> bool {
        matches!(self, Self::Ndjson)
    }

    /// The request's body, made of its lines; of a ping, what follows the endpoint in its URL. `frame` is what
    /// [`frame`](Self::frame) made.
    pub fn wrap(self, frame: &[u8], lines: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        self.put_request(frame, lines, &mut out);
        out
    }

    /// The request's `Content-Type`.
    pub const fn content_type(self) -> &'static str {
        self.form().content_type
    }

    /// The name that the option has, and which tells this format's stored batches from another's.
    pub const fn name(self) -> &'static str {
        self.form().name
    }
}

/// Writes the events of one page down. What is the same in all its lines is put together once, so that a line is a few
/// copies, its number, and the event's own fields.
#[derive(Debug)]
pub struct Encoder {
    format: Format,
    /// What a line has before its number, by its event's [`place`](Event::place).
    heads: [Vec<u8>; Event::NAMES.len()],
    /// What it has between its number and the event's own fields: for the time `stamped`, since a burst has many events
    /// within a millisecond.
    stamp: Vec<u8>,
    stamped: u64,
    /// What of that is around the time, which is a [gap](json::GAP), where the format has one there.
    around: Vec<u8>,
}

impl Encoder {
    /// One that is yet to be made.
    pub const BLANK: Self = Self {
        format: Format::Ndjson,
        heads: [const { Vec::new() }; Event::NAMES.len()],
        stamp: Vec::new(),
        stamped: json::LATER,
        around: Vec::new(),
    };

    /// For the page of this origin, whose `seq` and `time` do not matter.
    pub fn new(format: Format, mut origin: Origin) -> Self {
        origin.seq = json::LATER;
        origin.time = json::LATER;
        let form = format.form();
        let mut marked = form.next.as_bytes().to_vec();
        format.put_origin(
            &origin,
            &mut Pen { format, scope: form.scope, is_frame: false, max: usize::MAX, out: &mut marked },
        );
        let mut encoder = Self { format, ..Self::BLANK };
        let (first, rest) = cut(&marked);
        for (head, name) in encoder.heads.iter_mut().zip(&Event::NAMES) {
            put(form.head.as_bytes(), head);
            put(name.as_bytes(), head);
            put(first, head);
        }
        put(rest, &mut encoder.around);
        encoder
    }

    /// Appends an event to `out` as one line, `\n` included. The line holds no other `\n`. A format that can cut the
    /// event to `max` bytes does.
    pub fn encode(&mut self, event: &Event, seq: u64, time: u64, max: usize, out: &mut Vec<u8>) {
        let Self { format, heads, stamp, stamped, around } = self;
        let format = *format;
        if let Some(head) = heads.get(event.place()) {
            put(head, out);
        }
        if !format.is_ping() {
            put_integer(seq, out);
            if *stamped != time {
                *stamped = time;
                stamp.clear();
                let (before, behind) = cut(around);
                put(before, stamp);
                if format.is_plain() {
                    put_integer(time, stamp);
                    put(behind, stamp);
                }
            }
            put(stamp, out);
        }
        let mut scope = format.form().scope;
        if format.is_ping() && event.has_outcome() {
            scope = event.name();
        }
        event.walk(&mut Pen { format, scope, is_frame: false, max, out });
        format.finish(event, time, out);
    }
}

/// Writes the fields of a line.
#[derive(Debug)]
#[cfg_attr(
    not(all(feature = "otlp", feature = "gateway")),
    allow(dead_code, reason = "what one format alone needs of it")
)]
pub struct Pen<'o> {
    format: Format,
    /// What stands before the names of the fields.
    scope: &'static str,
    /// Whether the fields are what a format says beside the events.
    is_frame: bool,
    /// Most bytes of a line.
    max: usize,
    out: &'o mut Vec<u8>,
}

impl Pen<'_> {
    /// Appends a field: of a text as it is, of others as JSON has it.
    #[inline(never)]
    fn put(&mut self, key: &'static str, kind: Kind, value: &[u8]) {
        self.format.put_field(key, kind, value, self);
    }
}

/// The name in a key: without the comma, the quotes and the colon.
#[cfg(any(feature = "otlp", feature = "gateway"))]
fn bare(key: &str) -> &[u8] {
    key.as_bytes().get(2..key.len() - 2).unwrap_or_default()
}

/// Encodes a whole record: for tests and native tools; the client has one [`Encoder`] for all its events.
pub fn encode_record(format: Format, record: &Record) -> Vec<u8> {
    let mut out = Vec::new();
    let Record { event, origin } = record;
    Encoder::new(format, origin.clone()).encode(event, origin.seq, origin.time, usize::MAX, &mut out);
    out
}

/// Appends bytes. Not inlined: the encoders call it some thirty times.
#[inline(never)]
fn put(bytes: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(bytes);
}

/// What is before the first gap, and what is behind it.
fn cut(marked: &[u8]) -> (&[u8], &[u8]) {
    let at = marked.iter().position(|byte| *byte == json::GAP).unwrap_or(marked.len());
    (marked.get(..at).unwrap_or_default(), marked.get(at + 1..).unwrap_or_default())
}
