//! What the page gave → `Config`. Reads each option by its name and hands over what it found; `config.rs` judges.

use alloc::borrow::ToOwned;
use alloc::vec::Vec;

use super::{Ask, Host, cut};
use crate::config::{Config, Given};
use crate::error::Error;

/// Reads the options given to `init`.
///
/// # Errors
/// The first option that is not acceptable.
pub(super) fn read(host: Host, config: &mut Config) -> Result<(), Error> {
    config.fill(|name| given(host, name))
}

/// What there is under that name: `b1` or `b0`, `n`, `t` and a text, `a` and texts, each with a NUL behind it, or `o`
/// for anything else.
pub(super) fn given(host: Host, name: &str) -> Given {
    let Some(given) = host.text(Ask::Given, name) else { return Given::Absent };
    let value = given.get(1..).unwrap_or_default();
    match given.bytes().next() {
        Some(b'b') => Given::Bool(value == "1"),
        Some(b'n') => Given::Number(host.ask(Ask::Number, 0.0, name)),
        Some(b't') => Given::Text(value.to_owned()),
        Some(b'a') => {
            let (mut texts, mut rest) = (Vec::new(), value);
            while let Some((text, others)) = cut(rest, 0) {
                texts.push(text.to_owned());
                rest = others;
            }
            Given::Texts(texts)
        }
        _ => Given::Other,
    }
}
