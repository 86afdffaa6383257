//! How a record gets to its encoder: field by field, each of a type that the wire has.

use alloc::string::String;

use super::Pen;

/// A field's value. `None` never gets here: a field that is not known is left out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'a> {
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Integer(u64),
    /// A number with at most six decimals.
    Decimal(f64),
    /// Text.
    Text(&'a str),
}

/// A type that the fields of `event.rs` may have.
pub trait Field {
    /// Writes the field down, where it is known. `key` is its name as JSON has it: see [`Pen::put_field`].
    fn write(&self, key: &'static str, pen: &mut Pen<'_>);
}

macro_rules! field {
    ($($type:ty: $field:ident => $value:expr;)*) => {
        $(impl Field for $type {
            fn write(&self, key: &'static str, pen: &mut Pen<'_>) {
                let $field = self;
                pen.put_field(key, $value);
            }
        })*
    };
}

field! {
    bool: field => Value::Bool(*field);
    u64: field => Value::Integer(*field);
    f64: field => Value::Decimal(*field);
    String: field => Value::Text(field);
}

impl<T: Field> Field for Option<T> {
    fn write(&self, key: &'static str, pen: &mut Pen<'_>) {
        if let Some(field) = self {
            field.write(key, pen);
        }
    }
}
