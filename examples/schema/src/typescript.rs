//! The generated part of `pkg/index.d.ts`, laid out as prettier would.

use crate::model::{Event, Field, Model};

/// prettier's `printWidth`, in `.prettierrc.json`.
const WIDTH: usize = 110;

const BEGIN: &str = "// ── Written by `make schema` from the types in src/event.rs: change those. ──\n";
const END: &str = "// ── Written by hand from here on. ──\n";

/// The event whose fields the app gives as the option `app`, but for what the browser knows better.
const VERSION: &str = "version";
const FROM_THE_BROWSER: [&str; 2] = ["platform", "arch"];

/// The event that nobody tracks: it comes by itself.
const SHUTDOWN: &str = "shutdown";

/// `around` with its generated part made anew.
pub(crate) fn replaced(around: &str, model: &Model) -> Result<String, String> {
    let missing = || format!("pkg/index.d.ts: the marks are gone, {BEGIN}and {END}");
    let (before, rest) = around.split_once(BEGIN).ok_or_else(missing)?;
    let (_, after) = rest.split_once(END).ok_or_else(missing)?;
    Ok([before, BEGIN, &types(model), END, after].concat())
}

fn types(model: &Model) -> String {
    let mut out = String::new();
    for event in &model.events {
        match event.name.as_str() {
            SHUTDOWN => {}
            VERSION => {
                let about = "Facts about the app for the Version event. What is not given is left out; a string has at \
                             most 128 characters.";
                let own =
                    event.fields.iter().filter(|field| !FROM_THE_BROWSER.contains(&field.name.as_str()));
                interface("AppInfo", about, own, &mut out);
            }
            _ => interface(&input(event), &event.description, event.fields.iter(), &mut out),
        }
    }
    let members: Vec<String> = model.events.iter().map(member).collect();
    out.push_str("\n/** An event as `beforeSend` sees it. */\nexport type TelemetryEvent =\n");
    out.push_str(&format!("{};\n\n", members.join("\n")));
    out
}

fn interface<'a>(name: &str, about: &str, fields: impl Iterator<Item = &'a Field>, out: &mut String) {
    out.push('\n');
    comment(about, "", out);
    out.push_str(&format!("export interface {name} {{\n"));
    for field in fields {
        comment(&field.description, "  ", out);
        out.push_str(&format!("  {};\n", property(field)));
    }
    out.push_str("}\n");
}

/// A doc comment, on one line where it fits.
fn comment(text: &str, indent: &str, out: &mut String) {
    let line = format!("{indent}/** {text} */\n");
    if line.chars().count() <= WIDTH + 1 {
        out.push_str(&line);
        return;
    }
    out.push_str(&format!("{indent}/**"));
    let mut column = WIDTH;
    for word in text.split(' ') {
        if column + 1 + word.chars().count() > WIDTH {
            out.push_str(&format!("\n{indent} *"));
            column = indent.len() + " *".len();
        }
        out.push_str(&format!(" {word}"));
        column += 1 + word.chars().count();
    }
    out.push_str(&format!("\n{indent} */\n"));
}

/// `RunInput`: what `trackRun` takes.
fn input(event: &Event) -> String {
    let mut letters = event.name.chars();
    letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect::<String>()
        + "Input"
}

fn member(event: &Event) -> String {
    let own = |wanted: &dyn Fn(&Field) -> bool| -> String {
        event
            .fields
            .iter()
            .filter(|field| wanted(field))
            .map(|field| format!("; {}", property(field)))
            .collect()
    };
    match event.name.as_str() {
        SHUTDOWN => format!("  | {{ event: \"{}\"{} }}", event.name, own(&|_| true)),
        VERSION => {
            let told = own(&|field| FROM_THE_BROWSER.contains(&field.name.as_str()));
            format!("  | ({{ event: \"{}\"{told} }} & AppInfo)", event.name)
        }
        _ => format!("  | ({{ event: \"{}\" }} & {})", event.name, input(event)),
    }
}

fn property(field: &Field) -> String {
    let mark = if field.required { "" } else { "?" };
    // JavaScript has one type for both.
    let kind = if field.kind == "integer" { "number" } else { &field.kind };
    format!("{}{mark}: {kind}", field.name)
}
