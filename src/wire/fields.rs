//! How a record gets onto its line: field by field, each of a type that the wire has.

use alloc::string::String;

use super::json::{GAP, LATER, put_decimal, put_integer};
use super::{Pen, put};

/// A field's type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// `true` or `false`.
    Bool,
    /// A whole number.
    Integer,
    /// A number with at most six decimals.
    Decimal,
    /// Text.
    Text,
}

/// A type that the fields of `event.rs` may have.
pub trait Field {
    /// Writes the field down, where it is known. `key` is its name as JSON has it after another: with a comma, in quotes,
    /// with a colon.
    fn write(&self, key: &'static str, pen: &mut Pen<'_>);
}

impl Field for bool {
    fn write(&self, key: &'static str, pen: &mut Pen<'_>) {
        pen.open(key, Kind::Bool);
        put(if *self { b"true" } else { b"false" }, pen.out);
        pen.close(key, Kind::Bool);
    }
}

impl Field for u64 {
    fn write(&self, key: &'static str, pen: &mut Pen<'_>) {
        // An attribute is not where OTLP has the time; of the whole numbers only that begins with a `t`.
        if !pen.format.is_plain() && letter(key) == b't' {
            return;
        }
        pen.open(key, Kind::Integer);
        if *self == LATER {
            pen.out.push(GAP)
        } else {
            put_integer(*self, pen.out)
        }
        pen.close(key, Kind::Integer);
    }
}

impl Field for f64 {
    fn write(&self, key: &'static str, pen: &mut Pen<'_>) {
        pen.open(key, Kind::Decimal);
        if pen.format.is_ping() {
            // Whole seconds: the receiver of pings refuses others.
            put_integer(*self as u64, pen.out);
        } else {
            put_decimal(*self, pen.out);
        }
        pen.close(key, Kind::Decimal);
    }
}

impl Field for String {
    fn write(&self, key: &'static str, pen: &mut Pen<'_>) {
        pen.put_text(key, self);
    }
}

impl<T: Field> Field for Option<T> {
    fn write(&self, key: &'static str, pen: &mut Pen<'_>) {
        if let Some(field) = self {
            field.write(key, pen);
        }
    }
}

/// The first letter of a key's name.
pub(super) fn letter(key: &str) -> u8 {
    key.as_bytes().get(2).copied().unwrap_or_default()
}

impl Pen<'_> {
    /// Appends a text.
    #[inline(never)]
    pub(super) fn put_text(&mut self, key: &'static str, text: &str) {
        self.open(key, Kind::Text);
        self.put_value(text);
        self.close(key, Kind::Text);
    }

    /// Appends a text's value.
    pub(super) fn put_value(&mut self, text: &str) {
        self.format.put_text(text, self);
    }
}
