//! Walks an event's fields by their serde names, so that no encoder names a field again.
//!
//! A `Serializer` that hands each field to a callback. Calling the encoders through `dyn` keeps one copy of
//! the walk in the module; a serializer for each format would bring five more copies (one an event) with it.

use core::fmt;

use serde::Serialize;
use serde::ser::{Impossible, SerializeStruct, Serializer};

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

/// Receives the fields in the order of their declaration.
pub type Sink<'s> = dyn FnMut(&'static str, Value<'_>) + 's;

/// Hands each field of `part` (a struct of `event.rs`) to `sink`.
pub fn walk<T: Serialize>(part: &T, sink: &mut Sink<'_>) {
    // The only error is a field type that no struct of event.rs has; the test below holds them to that.
    let _ = part.serialize(&mut Walk { key: "", sink });
}

struct Walk<'a, 's> {
    key: &'static str,
    sink: &'a mut Sink<'s>,
}

/// A field of a type that the wire does not have.
#[derive(Debug)]
pub struct Unsupported;

impl fmt::Display for Unsupported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected a field that is a bool, u64, f64 or str")
    }
}

impl core::error::Error for Unsupported {}

impl serde::ser::Error for Unsupported {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

impl SerializeStruct for &mut Walk<'_, '_> {
    type Ok = ();
    type Error = Unsupported;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), Unsupported> {
        self.key = key;
        value.serialize(&mut **self)
    }

    fn end(self) -> Result<(), Unsupported> {
        Ok(())
    }
}

/// Types the wire does not have.
macro_rules! unsupported {
    ($($method:ident($($type:ty),*) -> $ok:ty;)*) => {
        $(fn $method(self, $(_: $type),*) -> Result<$ok, Unsupported> { Err(Unsupported) })*
    };
}

type No = Impossible<(), Unsupported>;

impl Serializer for &mut Walk<'_, '_> {
    type Ok = ();
    type Error = Unsupported;
    type SerializeSeq = No;
    type SerializeTuple = No;
    type SerializeTupleStruct = No;
    type SerializeTupleVariant = No;
    type SerializeMap = No;
    type SerializeStruct = Self;
    type SerializeStructVariant = No;

    fn serialize_bool(self, v: bool) -> Result<(), Unsupported> {
        (self.sink)(self.key, Value::Bool(v));
        Ok(())
    }

    fn serialize_u64(self, v: u64) -> Result<(), Unsupported> {
        (self.sink)(self.key, Value::Integer(v));
        Ok(())
    }

    fn serialize_f64(self, v: f64) -> Result<(), Unsupported> {
        (self.sink)(self.key, Value::Decimal(v));
        Ok(())
    }

    fn serialize_str(self, v: &str) -> Result<(), Unsupported> {
        (self.sink)(self.key, Value::Text(v));
        Ok(())
    }

    fn serialize_none(self) -> Result<(), Unsupported> {
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Unsupported> {
        value.serialize(self)
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self, Unsupported> {
        Ok(self)
    }

    unsupported! {
        serialize_i8(i8) -> ();
        serialize_i16(i16) -> ();
        serialize_i32(i32) -> ();
        serialize_i64(i64) -> ();
        serialize_u8(u8) -> ();
        serialize_u16(u16) -> ();
        serialize_u32(u32) -> ();
        serialize_f32(f32) -> ();
        serialize_char(char) -> ();
        serialize_bytes(&[u8]) -> ();
        serialize_unit() -> ();
        serialize_unit_struct(&'static str) -> ();
        serialize_unit_variant(&'static str, u32, &'static str) -> ();
        serialize_seq(Option<usize>) -> No;
        serialize_tuple(usize) -> No;
        serialize_tuple_struct(&'static str, usize) -> No;
        serialize_tuple_variant(&'static str, u32, &'static str, usize) -> No;
        serialize_map(Option<usize>) -> No;
        serialize_struct_variant(&'static str, u32, &'static str, usize) -> No;
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: &T,
    ) -> Result<(), Unsupported> {
        Err(Unsupported)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<(), Unsupported> {
        Err(Unsupported)
    }
}
