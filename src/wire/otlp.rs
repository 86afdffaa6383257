//! OTLP/HTTP logs in JSON, for an OpenTelemetry collector: each event is a log record, and what is true of all
//! of them is the resource, once a request.
//!
//! A line is a record with the comma that follows it, since it is written before anybody knows whether it will
//! be the last: [`wrap`] takes the last comma off. By the JSON mapping of OTLP, 64-bit integers are strings.
//!
//! `{"eventName":"langflow.component","attributes":[{"key":"langflow.seq","value":{"intValue":"17"}},…],…},`

use alloc::vec::Vec;

use super::json::{put_integer, put_value};
use super::{Value, put};
use crate::event::{Origin, Version};

/// What each line starts with; the event's name follows, then [`NEXT`].
pub(super) const HEAD: &str = "{\"eventName\":\"langflow.";
/// What follows the name.
pub(super) const NEXT: &str = "\",\"attributes\":[";
/// What each line ends with, before its `\n`.
pub(super) const TAIL: &str = "\"},";

/// Bytes that separate two records: a comma and `\n`.
const SEPARATOR: usize = 2;
/// What a request's body ends with.
const END: &[u8] = b"]}]}]}";

/// What it starts with: the resource, and in it first what is true of the SDK. Its language is what the
/// semantic conventions have for browsers, since that is where its user meets it.
const START: &str = concat!(
    "{\"resourceLogs\":[{\"resource\":{\"attributes\":[\
     {\"key\":\"telemetry.sdk.name\",\"value\":{\"stringValue\":\"langflow-telemetry\"}},\
     {\"key\":\"telemetry.sdk.language\",\"value\":{\"stringValue\":\"webjs\"}},\
     {\"key\":\"telemetry.sdk.version\",\"value\":{\"stringValue\":\"",
    env!("CARGO_PKG_VERSION"),
    "\"}},"
);

/// Appends a field as an attribute.
pub(super) fn put_field(name: &str, value: Value<'_>, out: &mut Vec<u8>) {
    // The record has a place of its own for it.
    if name != "time" {
        put_attribute("langflow.", name, value, out);
    }
}

/// Appends the end of a line: the time, in nanoseconds, and the severity by the log data model's numbers.
pub(super) fn finish(is_error: bool, origin: &Origin, out: &mut Vec<u8>) {
    // The last attribute's comma.
    out.pop();
    put(b"],\"timeUnixNano\":\"", out);
    put_integer(origin.time, out);
    put(b"000000\",\"severityNumber\":", out);
    let severity: &[u8] =
        if is_error { b"17,\"severityText\":\"ERROR\"},\n" } else { b"9,\"severityText\":\"INFO\"},\n" };
    put(severity, out);
}

/// Appends what a request says before its records: our facts under the names that the conventions have.
pub(super) fn put_frame(facts: &Version, out: &mut Vec<u8>) {
    put(START.as_bytes(), out);
    // The conventions demand a name, and this one where it is not known.
    put_fact("service.name", facts.package.as_deref().or(Some("unknown_service")), out);
    put_fact("service.version", facts.version.as_deref(), out);
    put_fact("os.name", facts.platform.as_deref(), out);
    let arch = facts.arch.as_deref().map(|arch| match arch {
        "x86_64" => "amd64",
        "arm" => "arm32",
        same => same,
    });
    put_fact("host.arch", arch, out);
    out.pop();
    put(b"]},\"scopeLogs\":[{\"logRecords\":[", out);
}

/// A request's body; `frame` is what [`put_frame`] made.
pub(super) fn wrap(frame: &[u8], lines: &[u8], out: &mut Vec<u8>) {
    put(frame, out);
    put(lines.get(..lines.len().saturating_sub(SEPARATOR)).unwrap_or_default(), out);
    put(END, out);
}

fn put_fact(name: &str, value: Option<&str>, out: &mut Vec<u8>) {
    if let Some(value) = value {
        put_attribute("", name, Value::Text(value), out);
    }
}

/// Appends an attribute and a comma. `name` is in camelCase, as our fields are; attributes are in snake_case.
fn put_attribute(scope: &str, name: &str, value: Value<'_>, out: &mut Vec<u8>) {
    put(b"{\"key\":\"", out);
    put(scope.as_bytes(), out);
    for byte in name.bytes() {
        if byte.is_ascii_uppercase() {
            out.push(b'_');
        }
        out.push(byte.to_ascii_lowercase());
    }
    let (before, after): (&[u8], &[u8]) = match value {
        Value::Bool(_) => (b"\",\"value\":{\"boolValue\":", b"}},"),
        Value::Integer(_) => (b"\",\"value\":{\"intValue\":\"", b"\"}},"),
        Value::Decimal(_) => (b"\",\"value\":{\"doubleValue\":", b"}},"),
        Value::Text(_) => (b"\",\"value\":{\"stringValue\":", b"}},"),
    };
    put(before, out);
    put_value(value, out);
    put(after, out);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value as Json, json};

    use super::*;
    use crate::event::tests::{any_event, any_origin};
    use crate::event::{Component, Event, Record, Run};
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
            let body: Json =
                serde_json::from_slice(&Format::Otlp.wrap(&Format::Otlp.frame(facts, ""), b",\n"))
                    .expect("JSON");
            let attributes = body["resourceLogs"][0]["resource"]["attributes"].as_array().expect("a list");
            let text = |value: &Json| value.as_str().expect("a string").to_owned();
            attributes.iter().map(|pair| (text(&pair["key"]), text(&pair["value"]["stringValue"]))).collect()
        };
        let sdk = [
            ("telemetry.sdk.name", "langflow-telemetry"),
            ("telemetry.sdk.language", "webjs"),
            ("telemetry.sdk.version", env!("CARGO_PKG_VERSION")),
        ];
        let expect = |more: &[(&str, &str)]| -> Vec<(String, String)> {
            sdk.iter().chain(more).map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
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
            let body: Json = serde_json::from_slice(&Format::Otlp.wrap(&Format::Otlp.frame(&Version::default(), ""), &lines)).expect("JSON");
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
