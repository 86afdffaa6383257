//! How a record gets onto its line: field by field, each of a type that the wire has.

use alloc::string::String;

use super::Pen;
use super::json::{FRACTION, GAP, LATER, Number};

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
        pen.put(key, Kind::Bool, if *self { b"true" } else { b"false" });
    }
}

impl Field for u64 {
    fn write(&self, key: &'static str, pen: &mut Pen<'_>) {
        // An attribute is not where OTLP has the time; of the whole numbers only that begins with a `t`.
        if !pen.format.is_plain() && letter(key) == b't' {
            return;
        }
        let mut number = Number::new();
        let digits = if *self == LATER { &[GAP] } else { number.write(*self, false) };
        pen.put(key, Kind::Integer, digits);
    }
}

impl Field for f64 {
    fn write(&self, key: &'static str, pen: &mut Pen<'_>) {
        // `as` saturates, so even a number that is not finite gives digits, never invalid JSON.
        // Whole seconds in pings: their receiver refuses others.
        let has_decimals = !pen.format.is_ping();
        let scaled = if has_decimals { *self * FRACTION + 0.5 } else { *self };
        pen.put(key, Kind::Decimal, Number::new().write(scaled as u64, has_decimals));
    }
}

impl Field for String {
    fn write(&self, key: &'static str, pen: &mut Pen<'_>) {
        pen.put(key, Kind::Text, self.as_bytes());
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
