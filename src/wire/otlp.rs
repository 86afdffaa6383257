//! OTLP/HTTP logs in JSON, for an OpenTelemetry collector: each event is a log record, and what is true of all
//! of them is the resource, once a request.
//!
//! A line is a record with the comma that follows it, since it is written before anybody knows whether it will
//! be the last: [`put_request`] takes the last comma off. By the JSON mapping of OTLP, 64-bit integers are strings.
//!
//! `{"eventName":"langflow.component","attributes":[{"key":"langflow.seq","value":{"intValue":"17"}},…],…},`

use alloc::vec::Vec;

use super::fields::Field;
use super::json::{put_integer, put_value};
use super::{Form, Kind, Pen, bare, put};
use crate::event::{Event, Version};

pub(super) const FORM: Form = Form {
    name: "otlp",
    head: "{\"eventName\":\"langflow.",
    next: "\",\"attributes\":[",
    scope: "langflow.",
    tail: "\"},",
    // Receivers insist on it.
    content_type: "application/json",
    is_ping: false,
    receiver_dedups: false,
};

/// A field is an attribute, and a comma. Names of ours are in camelCase; attributes are in snake_case.
pub(super) fn put_field(key: &str, kind: Kind, value: &[u8], pen: &mut Pen<'_>) {
    let out = &mut *pen.out;
    put(b"{\"key\":\"", out);
    put(pen.scope.as_bytes(), out);
    for byte in bare(key) {
        if byte.is_ascii_uppercase() {
            out.push(b'_');
        }
        out.push(byte.to_ascii_lowercase());
    }
    put(b"\",\"value\":{\"", out);
    let name: &[u8] = match kind {
        Kind::Bool => b"boolValue\":",
        // 64 bits are more than a number of JSON is sure to hold.
        Kind::Integer => b"intValue\":\"",
        Kind::Decimal => b"doubleValue\":",
        Kind::Text => b"stringValue\":",
    };
    put(name, out);
    put_value(kind, value, out);
    if kind == Kind::Integer {
        out.push(b'"');
    }
    put(b"}},", out);
}

/// Appends the end of a line: the time, in nanoseconds, and the severity by the log data model's numbers.
pub(super) fn finish(event: &Event, time: u64, out: &mut Vec<u8>) {
    // The last attribute's comma.
    out.pop();
    put(b"],\"timeUnixNano\":\"", out);
    put_integer(time, out);
    put(b"000000\",\"severityNumber\":", out);
    let severity: &[u8] = match event.is_failure() {
        true => b"17,\"severityText\":\"ERROR\"},\n",
        false => b"9,\"severityText\":\"INFO\"},\n",
    };
    put(severity, out);
}

/// Appends what a request says before its records, as its resource: our facts under the names that the semantic
/// conventions have, and what is true of this SDK. Its language is what they have for browsers, since that is where its
/// user meets it.
pub(super) fn put_frame(facts: &Version, _: &str, pen: &mut Pen<'_>) {
    put(b"{\"resourceLogs\":[{\"resource\":{\"attributes\":[", pen.out);
    // The conventions demand a service's name, and this one where it is not known.
    let service = facts.package.as_ref().map_or("unknown_service", |name| name);
    pen.put(",\"service.name\":", Kind::Text, service.as_bytes());
    facts.version.write(",\"service.version\":", pen);
    facts.platform.write(",\"os.name\":", pen);
    if let Some(arch) = &facts.arch {
        let arch = match arch.as_str() {
            "x86_64" => "amd64",
            "arm" => "arm32",
            same => same,
        };
        pen.put(",\"host.arch\":", Kind::Text, arch.as_bytes());
    }
    let sdk = concat!(
        "{\"key\":\"telemetry.sdk.name\",\"value\":{\"stringValue\":\"langflow-telemetry\"}},\
         {\"key\":\"telemetry.sdk.language\",\"value\":{\"stringValue\":\"webjs\"}},\
         {\"key\":\"telemetry.sdk.version\",\"value\":{\"stringValue\":\"",
        env!("CARGO_PKG_VERSION"),
        "\"}}]},\"scopeLogs\":[{\"logRecords\":["
    );
    put(sdk.as_bytes(), pen.out);
}

/// Appends a request's body; `frame` is what [`put_frame`] made.
pub(super) fn put_request(frame: &[u8], lines: &[u8], out: &mut Vec<u8>) {
    // Without the comma and the `\n` of the last.
    let [lines @ .., _, _] = lines else { return };
    put(frame, out);
    put(lines, out);
    put(b"]}]}]}", out);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value as Json, json};

    use super::*;
    use crate::event::tests::{any_event, any_origin};
    use crate::event::{Component, Origin, Record, Run};
    use crate::wire::{Format, encode_record};

    fn origin() -> Origin {
        Origin {
            session: "k3f9x2ab7c1d".into(),
            seq: 17,
            time: 1_763_834_701_123,
            client_type: "browser".into(),
            sample_rate: None,
        }
    }

    fn frame(facts: &Version) -> Vec<u8> {
        let mut frame = Vec::new();
        Format::Otlp.frame(facts, "", &mut frame);
        frame
    }

    fn line(event: Event) -> String {
        let record = Record { event, origin: origin() };
        String::from_utf8(encode_record(Format::Otlp, &record)).expect("UTF-8")
    }

    #[test]
    fn a_record_to_the_letter() {
        let event = Event::Component(Component {
            name: "ChatInput".into(),
            seconds: 0.42,
            success: true,
            error_message: None,
        });
        assert_eq!(
            line(event),
            concat!(
                r#"{"eventName":"langflow.component","attributes":["#,
                r#"{"key":"langflow.session","value":{"stringValue":"k3f9x2ab7c1d"}},"#,
                r#"{"key":"langflow.seq","value":{"intValue":"17"}},"#,
                r#"{"key":"langflow.client_type","value":{"stringValue":"browser"}},"#,
                r#"{"key":"langflow.name","value":{"stringValue":"ChatInput"}},"#,
                r#"{"key":"langflow.seconds","value":{"doubleValue":0.42}},"#,
                r#"{"key":"langflow.success","value":{"boolValue":true}}"#,
                r#"],"timeUnixNano":"1763834701123000000","severityNumber":9,"severityText":"INFO"},"#,
                "\n"
            )
        );
    }

    #[test]
    fn a_failure_is_an_error_and_an_event_without_an_outcome_is_not() {
        let failure = line(Event::Run(Run {
            is_webhook: Some(true),
            seconds: 2.0,
            success: false,
            error_message: Some("KeyError: \"x\"".into()),
        }));
        assert!(failure.contains(r#""severityNumber":17,"severityText":"ERROR""#), "{failure}");
        assert!(failure.contains(r#"{"key":"langflow.is_webhook","value":{"boolValue":true}}"#), "{failure}");
        assert!(failure.contains(r#""langflow.error_message","value":{"stringValue":"KeyError: \"x\""}"#));
        assert!(line(Event::Version(Version::default())).contains("INFO"));
    }

    #[test]
    fn the_resource_by_the_semantic_conventions() {
        let facts = |arch: &str| Version {
            package: Some("langflow".into()),
            version: Some("1.13.0".into()),
            platform: Some("Linux".into()),
            arch: Some(arch.into()),
            python: Some("3.12".into()),
            ..Version::default()
        };
        let resource = |facts: &Version| -> Vec<(String, String)> {
            let body: Json = serde_json::from_slice(&Format::Otlp.wrap(&frame(facts), b",\n")).expect("JSON");
            let attributes = body["resourceLogs"][0]["resource"]["attributes"].as_array().expect("a list");
            let text = |value: &Json| value.as_str().expect("a string").to_owned();
            attributes.iter().map(|pair| (text(&pair["key"]), text(&pair["value"]["stringValue"]))).collect()
        };
        let sdk = [
            ("telemetry.sdk.name", "langflow-telemetry"),
            ("telemetry.sdk.language", "webjs"),
            ("telemetry.sdk.version", env!("CARGO_PKG_VERSION")),
        ];
        let expect = |facts: &[(&str, &str)]| -> Vec<(String, String)> {
            facts.iter().chain(&sdk).map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
        };
        for (ours, theirs) in [("x86_64", "amd64"), ("arm", "arm32"), ("arm64", "arm64"), ("x86", "x86")] {
            let known = [
                ("service.name", "langflow"),
                ("service.version", "1.13.0"),
                ("os.name", "Linux"),
                ("host.arch", theirs),
            ];
            assert_eq!(resource(&facts(ours)), expect(&known));
        }
        assert_eq!(resource(&Version::default()), expect(&[("service.name", "unknown_service")]));
    }

    fn attribute(value: &Json) -> Json {
        let (kind, value) = value.as_object().and_then(|map| map.iter().next()).expect("a value");
        match kind.as_str() {
            "intValue" => json!(value.as_str().expect("a string").parse::<u64>().expect("an integer")),
            "stringValue" | "boolValue" | "doubleValue" => value.clone(),
            other => panic!("{other}"),
        }
    }

    fn snake_to_camel(key: &str) -> String {
        let mut words = key.split('_');
        let first = words.next().unwrap_or_default().to_owned();
        words.fold(first, |name, word| name + &word[..1].to_ascii_uppercase() + &word[1..])
    }

    proptest! {
        /// What serde_json reads out of a whole body is what went in, field by field.
        #[test]
        fn any_records_come_back(records in prop::collection::vec((any_event(), any_origin()), 1..5)) {
            let mut lines = Vec::new();
            for (event, origin) in &records {
                let record = Record { event: event.clone(), origin: origin.clone() };
                let line = encode_record(Format::Otlp, &record);
                prop_assert!(Format::Otlp.is_plausible(&line[..line.len() - 1]));
                lines.extend(line);
            }
            let body: Json = serde_json::from_slice(&Format::Otlp.wrap(&frame(&Version::default()), &lines)).expect("JSON");
            let read = body["resourceLogs"][0]["scopeLogs"][0]["logRecords"].as_array().expect("records");
            prop_assert_eq!(read.len(), records.len());
            for (read, (event, origin)) in read.iter().zip(records) {
                let mut fields = serde_json::Map::new();
                for pair in read["attributes"].as_array().expect("attributes") {
                    let key = pair["key"].as_str().and_then(|key| key.strip_prefix("langflow.")).expect("a key");
                    fields.insert(snake_to_camel(key), attribute(&pair["value"]));
                }
                let nanos = read["timeUnixNano"].as_str().expect("a string");
                let millis = nanos.strip_suffix("000000").expect("whole ms").parse::<u64>().expect("a number");
                fields.insert("time".to_owned(), json!(millis));
                let name = read["eventName"].as_str().and_then(|name| name.strip_prefix("langflow."));
                fields.insert("event".to_owned(), json!(name.expect("a name")));
                let again: Record = serde_json::from_value(Json::Object(fields)).expect("a record");
                prop_assert_eq!(again, Record { event, origin });
            }
        }
    }
}
