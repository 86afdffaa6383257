//! NDJSON: one JSON object a line, each whole in itself, so that any pipeline can take it.
//!
//! `{"event":"component","session":"k3f9x2ab7c1d","seq":17,"time":1763834701123,"clientType":"browser",…}`

use alloc::vec::Vec;

use super::json::put_value;
use super::{Form, Kind, Pen, put};
use crate::event::{Event, Version};

pub(super) const FORM: Form = Form {
    name: "ndjson",
    head: "{\"event\":\"",
    next: "\",",
    scope: "",
    tail: "}",
    content_type: "text/plain;charset=UTF-8",
    is_ping: false,
    receiver_dedups: true,
};

pub(super) fn put_field(key: &str, kind: Kind, value: &[u8], pen: &mut Pen<'_>) {
    put(key.as_bytes(), pen.out);
    put_value(kind, value, pen.out);
}

pub(super) fn finish(_: &Event, _: u64, out: &mut Vec<u8>) {
    put(b"}\n", out);
}

/// Nothing: a line says it all.
pub(super) const fn put_frame(_: &Version, _: &str, _: &mut Pen<'_>) {}

/// The lines as they are.
pub(super) fn put_request(_: &[u8], lines: &[u8], out: &mut Vec<u8>) {
    put(lines, out);
}

#[cfg(test)]
mod tests {
    use crate::event::tests::{any_event, any_origin};
    use crate::event::{Component, Event, Origin, Record};
    use crate::wire::{Format, encode_record};
    use proptest::prelude::*;

    #[test]
    fn the_line_of_the_design() {
        let record = Record {
            event: Event::Component(Component {
                name: "ChatInput".into(),
                seconds: 0.42,
                success: true,
                error_message: None,
            }),
            origin: Origin {
                session: "k3f9x2ab7c1d".into(),
                seq: 17,
                time: 1_763_834_701_123,
                client_type: "browser".into(),
                sample_rate: None,
            },
        };
        assert_eq!(
            String::from_utf8(encode_record(Format::Ndjson, &record)).expect("UTF-8"),
            "{\"event\":\"component\",\"session\":\"k3f9x2ab7c1d\",\"seq\":17,\"time\":1763834701123,\
             \"clientType\":\"browser\",\"name\":\"ChatInput\",\"seconds\":0.42,\"success\":true}\n"
        );
    }

    proptest! {
        /// serde_json is the judge: it names and reads the fields by the same derives.
        #[test]
        fn any_record_comes_back(event in any_event(), origin in any_origin()) {
            let record = Record { event, origin };
            let line = encode_record(Format::Ndjson, &record);
            let (last, body) = line.split_last().expect("a line");
            prop_assert_eq!(*last, b'\n');
            prop_assert!(Format::Ndjson.is_plausible(body), "{}", String::from_utf8_lossy(body));
            prop_assert_eq!(serde_json::from_slice::<Record>(body).expect("JSON"), record);
        }
    }

    #[test]
    fn what_is_not_ours_is_not_plausible() {
        for line in [
            &b""[..],
            b"{}",
            b"null",
            b"{\"event\":\"run\"}",
            b"{\"event\":\"evil\",\"session\":\"k3f9x2ab7c1d\"}",
            b"{\"event\":\"run\",\"session\":\"k3f9\"",
            b"{\"event\":\"run\",\"session\":\"k3f9\x01\"}",
        ] {
            assert!(!Format::Ndjson.is_plausible(line), "{}", String::from_utf8_lossy(line));
        }
    }
}
