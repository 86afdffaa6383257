//! What the page gave → `Config`. Reads each option by its name and hands over what it found; `config.rs` judges.

use super::{Ask, Host, received};
use crate::config::{Config, Given};
use crate::error::Error;

/// `undefined` or `null`.
const ABSENT: i32 = -1;
const NO: i32 = -2;
const YES: i32 = -3;
/// A number, which [`Ask::Number`] tells.
const NUMBER: i32 = -4;
/// An array of strings, which [`Ask::Texts`] tells. Less is anything else.
const TEXTS: i32 = -5;

/// Reads the options given to `init`.
///
/// # Errors
/// The first option that is not acceptable.
pub(super) fn read(host: Host, config: &mut Config) -> Result<(), Error> {
    config.fill(|name| given(host, name))
}

/// What there is under that name: the host answers with a text's length, or with one of the numbers below.
pub(super) fn given(host: Host, name: &str) -> Given {
    match host.ask(Ask::Given, 0.0, name) as i32 {
        ABSENT => Given::Absent,
        NO => Given::Bool(false),
        YES => Given::Bool(true),
        NUMBER => Given::Number(host.ask(Ask::Number, 0.0, name)),
        TEXTS => Given::Texts(host.text(Ask::Texts, name).unwrap_or_default()),
        length => received(length).map_or(Given::Other, Given::Text),
    }
}
