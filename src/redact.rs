//! Scrubs and caps error messages.

use crate::event::ERROR_MESSAGE_MAX_BYTES;

/// Returns `message` without what identifies a person or opens a door, at most
/// [`ERROR_MESSAGE_MAX_BYTES`] long, cut on a character boundary.
pub fn redact(message: &str) -> String {
    let mut end = message.len().min(ERROR_MESSAGE_MAX_BYTES);
    while !message.is_char_boundary(end) {
        end -= 1;
    }
    message.get(..end).unwrap_or_default().to_owned()
}
