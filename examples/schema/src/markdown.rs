//! `docs/events.md`.

use langflow_telemetry::event::Record;
use langflow_telemetry::wire::{Format, encode_record};
use serde_json::{Map, Value};

use crate::model::{Event, Field, Model};

const HEAD: &str = "\
<!-- Written by `make schema` from the types in src/event.rs: change those. -->

# Events

Every event that can ever be sent, and every field of it. There is no other: the client can only encode these, and
the collector refuses a line that has a field more. The same as data: `describe()` in JavaScript, and
[`schema/events.schema.json`](../schema/events.schema.json) for a line of the wire. What is never collected, and how
to switch it off: [privacy.md](privacy.md).

A field that is not always there is left out where it is not known. A number of seconds keeps its milliseconds.

## The envelope

What every event carries beside its own fields.

";

/// The whole page. An error says which event's examples make no event.
pub(crate) fn page(model: &Model) -> Result<String, String> {
    let mut out = HEAD.to_owned();
    table(&model.envelope, &mut out);
    for event in &model.events {
        out.push_str(&format!("\n## {}\n\n{}\n\n", event.name, event.description));
        table(&event.fields, &mut out);
        out.push_str(&format!(
            "\nOn the wire, with every field known:\n\n```json\n{}```\n",
            line(model, event)?
        ));
    }
    Ok(out)
}

fn table(fields: &[Field], out: &mut String) {
    out.push_str("| field | type | always | what it is | purpose | example |\n|---|---|---|---|---|---|\n");
    for field in fields {
        let kind = match field.max_length {
            // Counted in bytes, which JSON Schema has no word for; its description says so.
            Some(max) if field.name != "errorMessage" => format!("{}, ≤ {max} characters", field.kind),
            _ => field.kind.clone(),
        };
        let always = if field.required { "yes" } else { "no" };
        let Field { name, description, purpose, example, .. } = field;
        out.push_str(&format!(
            "| `{name}` | {kind} | {always} | {description} | {purpose} | `{example}` |\n"
        ));
    }
}

/// The event made of all examples, as the client itself encodes it.
pub(crate) fn line(model: &Model, event: &Event) -> Result<String, String> {
    let mut fields: Map<String, Value> =
        model.envelope.iter().chain(&event.fields).map(|f| (f.name.clone(), f.example.clone())).collect();
    fields.insert("event".to_owned(), Value::from(event.name.clone()));
    let record: Record = serde_json::from_value(Value::Object(fields))
        .map_err(|error| format!("the examples of {} make no event: {error}", event.name))?;
    String::from_utf8(encode_record(Format::Ndjson, &record)).map_err(|error| error.to_string())
}
