//! What the schema says, without the words of JSON Schema: events, their fields, what each is and what for.

use serde_json::{Map, Value};

/// Between what a field is and what it is collected for, in its doc comment.
const PURPOSE: &str = "\n\nPurpose: ";

/// A field of an event or of the envelope.
pub(crate) struct Field {
    pub(crate) name: String,
    /// A type of JSON Schema: `boolean`, `integer`, `number` or `string`.
    pub(crate) kind: String,
    pub(crate) required: bool,
    pub(crate) description: String,
    pub(crate) purpose: String,
    pub(crate) example: Value,
    /// In characters, for a string.
    pub(crate) max_length: Option<u64>,
}

/// An event with its own fields.
pub(crate) struct Event {
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) fields: Vec<Field>,
}

/// All that can be sent.
pub(crate) struct Model {
    /// The fields of every event: its name first, then where and when it was.
    pub(crate) envelope: Vec<Field>,
    pub(crate) events: Vec<Event>,
}

impl Model {
    /// Reads the schema that is derived from `Record`. An error names what a type of `src/event.rs` lacks.
    pub(crate) fn from_schema(schema: &Value) -> Result<Self, String> {
        let branches = schema.get("oneOf").and_then(Value::as_array).ok_or("the schema has no oneOf")?;
        let events = branches.iter().map(|branch| event(schema, branch)).collect::<Result<Vec<_>, _>>()?;
        // The tag of the enum: it has no place in the types where a doc comment could stand.
        let tag = Field {
            name: "event".to_owned(),
            kind: "string".to_owned(),
            required: true,
            description: "Which of the events it is.".to_owned(),
            purpose: "The fields depend on it.".to_owned(),
            example: events.first().map_or(Value::Null, |event| Value::from(event.name.clone())),
            max_length: None,
        };
        let mut envelope = vec![tag];
        envelope.extend(fields("Origin", schema)?);
        Ok(Self { envelope, events })
    }
}

fn event(schema: &Value, branch: &Value) -> Result<Event, String> {
    let name = text(branch.pointer("/properties/event/const"));
    let at = text(branch.get("$ref"));
    let fields_schema =
        schema.pointer(at.trim_start_matches('#')).ok_or(format!("{name}: no schema at {at}"))?;
    let description = text(fields_schema.get("description"));
    Ok(Event { fields: fields(&name, fields_schema)?, name, description })
}

fn fields(owner: &str, schema: &Value) -> Result<Vec<Field>, String> {
    let none = Map::new();
    let properties = schema.get("properties").and_then(Value::as_object).unwrap_or(&none);
    let required = schema.get("required").and_then(Value::as_array).cloned().unwrap_or_default();
    properties
        .iter()
        .map(|(name, field)| {
            let described = text(field.get("description"));
            let (description, purpose) = described
                .split_once(PURPOSE)
                .ok_or(format!("{owner}.{name}: its doc comment has no paragraph `Purpose: …`"))?;
            let example = field.pointer("/examples/0").ok_or(format!("{owner}.{name}: no example"))?;
            Ok(Field {
                name: name.clone(),
                kind: kind(field).ok_or(format!("{owner}.{name}: no type"))?,
                required: required.iter().any(|other| other.as_str() == Some(name)),
                description: one_line(description),
                purpose: one_line(purpose),
                example: example.clone(),
                max_length: field.get("maxLength").and_then(Value::as_u64),
            })
        })
        .collect()
}

/// The type; that of an optional field is a list which ends in `null`, though null is never sent.
fn kind(field: &Value) -> Option<String> {
    let kind = field.get("type")?;
    let first = kind.as_array().and_then(|kinds| kinds.first()).unwrap_or(kind);
    first.as_str().map(str::to_owned)
}

/// A doc comment breaks its lines where the source does.
fn one_line(text: &str) -> String {
    text.replace('\n', " ")
}

fn text(value: Option<&Value>) -> String {
    value.and_then(Value::as_str).unwrap_or_default().to_owned()
}
