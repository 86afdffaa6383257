//! JsValue → `Config`. Reads each option by its name and hands over what it found; `config.rs` judges.

use alloc::string::String;
use alloc::vec::Vec;

use js_sys::Array;
use wasm_bindgen::JsValue;

use super::get;
use crate::config::{Config, Given};
use crate::error::Error;

/// Reads the options given to `init`.
///
/// # Errors
/// The first option that is not acceptable.
pub(super) fn read(options: &JsValue) -> Result<Config, Error> {
    Config::read(&mut |name| given(&find(options, name)))
}

fn find(options: &JsValue, name: &str) -> JsValue {
    match name.split_once('.') {
        Some((outer, inner)) => get(&get(options, outer), inner),
        None => get(options, name),
    }
}

fn given(value: &JsValue) -> Given {
    if value.is_undefined() || value.is_null() {
        Given::Absent
    } else if let Some(flag) = value.as_bool() {
        Given::Bool(flag)
    } else if let Some(number) = value.as_f64() {
        Given::Number(number)
    } else if let Some(text) = value.as_string() {
        Given::Text(text)
    } else if Array::is_array(value) {
        let items: Option<Vec<String>> = Array::from(value).iter().map(|item| item.as_string()).collect();
        items.map_or(Given::Other, Given::Texts)
    } else {
        Given::Other
    }
}
