//! `pkg/describe.js`, laid out as prettier would.

use serde_json::{Value, json};

use crate::model::{Field, Model};

/// prettier's `printWidth`, in `.prettierrc.json`.
const WIDTH: usize = 110;

const HEAD: &str = "\
// Written by `make schema` from the types in src/event.rs: change those.

/**
 * Every event that can ever be sent, and every field of it: a fresh copy at each call. A module of its own, so
 * that an app which does not import it does not carry it.
 */
export const describe = () => (";

/// The whole module.
pub(crate) fn module(model: &Model) -> String {
    let fields = |fields: &[Field]| fields.iter().map(field).collect::<Value>();
    let events = model.events.iter().map(|event| {
        json!({ "event": event.name, "description": event.description, "fields": fields(&event.fields) })
    });
    let all = json!({ "envelope": fields(&model.envelope), "events": events.collect::<Value>() });
    let mut out = HEAD.to_owned();
    put(&all, 0, 0, &mut out);
    out.push_str(");\n");
    out
}

fn field(field: &Field) -> Value {
    json!({
        "name": field.name,
        "type": field.kind,
        "required": field.required,
        "description": field.description,
        "purpose": field.purpose,
        "example": field.example,
    })
}

/// Appends a value whose first line begins in `column`; the lines after it are indented by `indent`.
fn put(value: &Value, indent: usize, column: usize, out: &mut String) {
    let inner = indent + 2;
    let margin = " ".repeat(inner);
    match value {
        Value::Array(items) => {
            out.push_str("[\n");
            for item in items {
                out.push_str(&margin);
                put(item, inner, inner, out);
                out.push_str(",\n");
            }
            out.push_str(&" ".repeat(indent));
            out.push(']');
        }
        Value::Object(properties) => {
            out.push_str("{\n");
            for (name, value) in properties {
                out.push_str(&format!("{margin}{name}: "));
                put(value, inner, inner + name.len() + ": ".len(), out);
                out.push_str(",\n");
            }
            out.push_str(&" ".repeat(indent));
            out.push('}');
        }
        scalar => {
            let text = scalar.to_string();
            if column + text.chars().count() + ",".len() > WIDTH {
                // A line of its own, and no space left at the end of the one before.
                out.truncate(out.trim_end().len());
                out.push_str(&format!("\n{margin}"));
            }
            out.push_str(&text);
        }
    }
}
