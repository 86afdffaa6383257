//! Checks one line against the JSON Schema of the crate's own [`Record`] type, so that client and collector
//! cannot disagree about a field.

use std::collections::BTreeMap;

use jsonschema::Validator;
use langflow_telemetry::event::{ERROR_MESSAGE_MAX_BYTES, Record};
use serde::Deserialize as _;
use serde_json::{Value, json};

/// Longest line, in bytes; the longest event has 11 KiB, with each character of a Version's seven texts escaped to 12
/// bytes. It bounds what checking takes: a line of nothing but `[0,0,…` takes many times its length.
pub(crate) const LINE_MAX_BYTES: usize = 16 << 10;

/// Longest reason in an answer, in characters: a wrong value is quoted in it, and may be as long as its line.
const REASON_MAX_CHARS: usize = 200;

/// One validator an event. The record's schema says `oneOf` the five; asked as a whole it can only answer
/// "none of them". Asked with the one that the line names, it says which field is wrong and how.
pub(crate) struct Validators {
    by_event: BTreeMap<String, Validator>,
}

impl Validators {
    /// Splits the schema that is derived from [`Record`], and published as `schema/events.schema.json`.
    ///
    /// Errors only when that schema has lost the shape described above, which the tests would show first.
    pub(crate) fn from_record_schema() -> Result<Self, String> {
        let whole = Record::json_schema().to_value();
        let branches = whole
            .get("oneOf")
            .and_then(Value::as_array)
            .ok_or("the record's schema has no list of events under oneOf")?;
        let by_event = branches
            .iter()
            .map(|branch| {
                let event = branch
                    .pointer("/properties/event/const")
                    .and_then(Value::as_str)
                    .ok_or("an event in the record's schema has no name under properties.event.const")?;
                let mut schema = whole.clone();
                if let Some(fields) = schema.as_object_mut() {
                    fields.remove("oneOf");
                    fields.insert("allOf".to_owned(), json!([branch]));
                }
                let validator = jsonschema::validator_for(&schema)
                    .map_err(|error| format!("the schema of event {event}: {error}"))?;
                Ok((event.to_owned(), validator))
            })
            .collect::<Result<BTreeMap<_, _>, String>>()?;
        Ok(Self { by_event })
    }

    /// The names of the events, for messages and for the query's filter.
    pub(crate) fn events(&self) -> impl Iterator<Item = &str> {
        self.by_event.keys().map(String::as_str)
    }

    /// The record on this line, or what is wrong with it.
    pub(crate) fn record(&self, line: &str) -> Result<Record, String> {
        self.checked(line).map_err(|reason| truncated(&reason))
    }

    fn checked(&self, line: &str) -> Result<Record, String> {
        if line.len() > LINE_MAX_BYTES {
            return Err(format!("given a line of {} bytes, expected at most {LINE_MAX_BYTES}", line.len()));
        }
        let value: Value = serde_json::from_str(line).map_err(|error| not_json(&error))?;
        if !value.is_object() {
            return Err("expected a JSON object".to_owned());
        }
        let event = value.get("event").and_then(Value::as_str).unwrap_or_default();
        let Some(validator) = self.by_event.get(event) else {
            let known = self.events().collect::<Vec<_>>().join(", ");
            let given = value.get("event").map_or("nothing".to_owned(), Value::to_string);
            return Err(format!("event: given {given}, expected one of {known}"));
        };
        if let Err(error) = validator.validate(&value) {
            let field = error.instance_path().to_string();
            let field = field.trim_start_matches('/');
            return Err(if field.is_empty() { error.to_string() } else { format!("{field}: {error}") });
        }
        // JSON Schema counts characters; the limit is in bytes, as the client cuts it.
        let bytes = value.get("errorMessage").and_then(Value::as_str).map_or(0, str::len);
        if bytes > ERROR_MESSAGE_MAX_BYTES {
            return Err(format!(
                "errorMessage: given {bytes} bytes, expected at most {ERROR_MESSAGE_MAX_BYTES}"
            ));
        }
        Record::deserialize(value).map_err(|error| error.to_string())
    }
}

/// Cut to [`REASON_MAX_CHARS`], with an ellipsis where something was cut.
fn truncated(reason: &str) -> String {
    match reason.char_indices().nth(REASON_MAX_CHARS) {
        Some((end, _)) => reason.get(..end).unwrap_or_default().to_owned() + "…",
        None => reason.to_owned(),
    }
}

/// What the parser says, without its line: it saw one line, which is 1 to it and another number to the sender.
fn not_json(error: &serde_json::Error) -> String {
    format!("not JSON: {}", error.to_string().replace(" at line 1 column ", " at column "))
}
