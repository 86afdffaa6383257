//! Writes everything that names the fields of an event and is not Rust, out of the types in `src/event.rs`:
//!
//! - `schema/events.schema.json`, the JSON Schema of a line of the wire
//! - `docs/events.md`, the same as tables
//! - `pkg/describe.js`, the same as data, for `describe()`
//! - the part between two marks of `pkg/index.d.ts`: what the track functions take
//!
//! `cargo run -p schema` writes them; `cargo run -p schema -- --check` writes nothing, and fails where one of them
//! is not what it would write. A program of its own and not a build script: what is published is committed, so
//! that a change of it is read in review.

mod javascript;
mod markdown;
mod model;
mod typescript;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use langflow_telemetry::event::Record;

use crate::model::Model;

/// What to run when something is stale.
const COMMAND: &str = "make schema";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let check = match arguments.as_slice() {
        [] => false,
        [only] if only == "--check" => true,
        other => {
            eprintln!("schema: given {other:?}, expected nothing (writes) or --check (compares)");
            return ExitCode::FAILURE;
        }
    };
    match generate(&root()).and_then(|files| if check { compare(&files) } else { write(&files) }) {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("schema: {reason}");
            ExitCode::FAILURE
        }
    }
}

/// The repository, whose second folder down this crate is: a part of the build, so it works from any directory.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A file, and all that should be in it.
struct Generated {
    path: PathBuf,
    text: String,
}

fn generate(root: &Path) -> Result<Vec<Generated>, String> {
    let schema = Record::json_schema().to_value();
    let model = Model::from_schema(&schema)?;
    let types = root.join("pkg/index.d.ts");
    let around = read(&types)?;
    Ok(vec![
        Generated { path: root.join("schema/events.schema.json"), text: format!("{schema:#}\n") },
        Generated { path: root.join("docs/events.md"), text: markdown::page(&model)? },
        Generated { path: root.join("pkg/describe.js"), text: javascript::module(&model) },
        Generated { path: types, text: typescript::replaced(&around, &model)? },
    ])
}

fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

fn write(files: &[Generated]) -> Result<(), String> {
    for Generated { path, text } in files {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        }
        fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok(())
}

fn compare(files: &[Generated]) -> Result<(), String> {
    let stale: Vec<String> = files
        .iter()
        .filter(|file| read(&file.path).as_ref() != Ok(&file.text))
        .map(|file| file.path.strip_prefix(root()).unwrap_or(&file.path).display().to_string())
        .collect();
    if stale.is_empty() {
        return Ok(());
    }
    Err(format!(
        "not what src/event.rs says: {}. Run `{COMMAND}` and commit what it wrote.",
        stale.join(", ")
    ))
}

#[cfg(test)]
mod tests {
    use langflow_telemetry::wire::{Format, encode_record};
    use serde_json::Value;

    use super::*;

    fn validator() -> jsonschema::Validator {
        jsonschema::validator_for(&Record::json_schema().to_value()).expect("a schema")
    }

    /// Each event with every field, as its examples say.
    fn examples() -> Vec<Value> {
        let model = Model::from_schema(&Record::json_schema().to_value()).expect("complete types");
        let lines = model.events.iter().map(|event| markdown::line(&model, event).expect("an event"));
        lines.map(|line| serde_json::from_str(&line).expect("JSON")).collect()
    }

    #[test]
    fn every_example_is_valid_and_comes_back_as_it_was() {
        let validator = validator();
        assert_eq!(examples().len(), langflow_telemetry::event::Event::NAMES.len());
        for example in examples() {
            assert_eq!(validator.validate(&example).map_err(|error| error.to_string()), Ok(()), "{example}");
            let record: Record = serde_json::from_value(example.clone()).expect("a record");
            let again: Value = serde_json::from_slice(&encode_record(Format::Ndjson, &record)).expect("JSON");
            assert_eq!(again, example);
        }
    }

    #[test]
    fn a_field_more_or_a_required_one_less_is_not_valid() {
        let validator = validator();
        for example in examples() {
            let mut more = example.clone();
            more["email"] = Value::from("someone@example.org");
            assert!(!validator.is_valid(&more), "{more}");
            for required in ["event", "session", "seq", "time", "clientType"] {
                let mut less = example.clone();
                assert!(less.as_object_mut().and_then(|fields| fields.remove(required)).is_some());
                assert!(!validator.is_valid(&less), "{less}");
            }
        }
    }

    #[test]
    fn a_stale_file_is_named() {
        let mut files = generate(&root()).expect("files");
        files.truncate(2);
        let stale = files.last_mut().expect("two files");
        stale.text.push_str("| `email` |");
        let reason = compare(&files).expect_err("one is stale");
        assert!(reason.contains("docs/events.md") && !reason.contains("events.schema.json"), "{reason}");
    }

    #[test]
    fn the_marks_in_the_types_are_needed() {
        let model = Model::from_schema(&Record::json_schema().to_value()).expect("complete types");
        assert!(
            typescript::replaced("export {};\n", &model).is_err_and(|reason| reason.contains("index.d.ts"))
        );
    }
}
