//! JSON by hand: strings, whole numbers and decimals. `serde_json` and `f64`'s own formatting cost 20 KB and
//! 10 KB of the module; these three cost well under one.

use alloc::vec::Vec;

use super::{Kind, put};

/// What one is, in the smallest decimal that is kept: the sixth. Durations have three, sample rates may need six.
pub(super) const FRACTION: f64 = PART as f64;

/// In place of a number that is not known yet: [`GAP`] is written. Events have none so large: see `COUNT_MAX`.
pub(super) const LATER: u64 = u64::MAX;

/// What no text has, since it would be escaped.
pub(super) const GAP: u8 = b'\n';

/// Digits of `u64::MAX`, and a point.
const DIGITS_MAX: usize = 21;

/// Digits that are written in one go: as many as there are decimals.
const PART_DIGITS: u32 = 6;
const PART: u64 = 1_000_000;

/// Appends `text` in quotes, escaped as RFC 8259 §7 demands.
pub(super) fn put_string(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    // What needs no escape is copied as it stands, run by run.
    let mut rest = text;
    let mut run = 0;
    while let Some(byte) = rest.get(run) {
        if *byte >= b' ' && *byte != b'"' && *byte != b'\\' {
            run += 1;
            continue;
        }
        put(rest.get(..run).unwrap_or_default(), out);
        rest = rest.get(run + 1..).unwrap_or_default();
        run = 0;
        out.push(b'\\');
        match byte {
            b'\n' => out.push(b'n'),
            b'\t' => out.push(b't'),
            0..b' ' => {
                put(b"u00", out);
                put_hex(*byte, out);
            }
            _ => out.push(*byte),
        }
    }
    put(rest, out);
    out.push(b'"');
}

/// Appends a value: a text as JSON has it, others as they are.
#[inline(never)]
pub(super) fn put_value(kind: Kind, value: &[u8], out: &mut Vec<u8>) {
    match kind {
        Kind::Text => put_string(value, out),
        _ => put(value, out),
    }
}

/// Appends two hexadecimal digits.
pub(super) fn put_hex(byte: u8, out: &mut Vec<u8>) {
    let mut put_digit = |digit| out.push(digit + if digit < 10 { b'0' } else { b'A' - 10 });
    put_digit(byte >> 4);
    put_digit(byte & 15);
}

/// A tenth, rounded down. Until V8 has optimised a module, which a burst of ten thousand events does not live to see, `/`
/// is the processor's division: five times as long as this.
const fn tenth(number: u32) -> u32 {
    // 2^35 / 10, rounded up: exact for all 32 bits.
    ((number as u64 * 0xcccc_cccd) >> 35) as u32
}

/// Room for the digits of a number.
pub(super) struct Number([u8; DIGITS_MAX]);

impl Number {
    pub(super) const fn new() -> Self {
        Self([0; DIGITS_MAX])
    }

    /// The digits of a whole number. Where its last six are decimals, so many as are not zeros at the end stand behind a
    /// point.
    #[inline(never)]
    pub(super) fn write(&mut self, mut number: u64, mut has_decimals: bool) -> &[u8] {
        let mut start = DIGITS_MAX;
        let mut put = |byte| {
            start -= 1;
            if let Some(slot) = self.0.get_mut(start) {
                *slot = byte;
            }
        };
        let mut is_begun = !has_decimals;
        loop {
            // In parts of 32 bits, since one division of 64 costs as much as several of those.
            let rest = if number < PART { 0 } else { number / PART };
            let mut part = (number - rest * PART) as u32;
            for _ in 0..PART_DIGITS {
                let tenth = tenth(part);
                let digit = (part - tenth * 10) as u8;
                part = tenth;
                is_begun |= digit > 0;
                if is_begun {
                    put(b'0' + digit);
                }
                if part == 0 && rest == 0 && !has_decimals {
                    // One copy: byte by byte, each checks for room.
                    return self.0.get(start..).unwrap_or_default();
                }
            }
            if has_decimals && is_begun {
                put(b'.');
            }
            (number, has_decimals, is_begun) = (rest, false, true);
        }
    }
}

/// Appends a whole number.
pub fn put_integer(number: u64, out: &mut Vec<u8>) {
    put(Number::new().write(number, false), out);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(put: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        put(&mut out);
        String::from_utf8(out).expect("UTF-8")
    }

    fn decimal(number: f64) -> String {
        let scaled = (number * FRACTION + 0.5) as u64;
        String::from_utf8(Number::new().write(scaled, true).to_vec()).expect("UTF-8")
    }

    #[test]
    fn decimals_keep_milliseconds_and_drop_trailing_zeros() {
        for (number, expected) in [
            (0.0, "0"),
            (0.42, "0.42"),
            (0.001, "0.001"),
            (1.1, "1.1"),
            (2.0, "2"),
            (0.1 + 0.2, "0.3"),
            (1234.567, "1234.567"),
            (0.000_001, "0.000001"),
            (0.999_999_9, "1"),
        ] {
            assert_eq!(decimal(number), expected);
        }
    }

    proptest! {
        #[test]
        fn a_string_comes_back_through_a_json_parser(given in any::<String>()) {
            let line = text(|out| put_string(given.as_bytes(), out));
            prop_assert!(!line.contains('\n'));
            prop_assert_eq!(serde_json::from_str::<String>(&line).expect("JSON"), given);
        }

        #[test]
        fn a_tenth_is_a_tenth(given in any::<u32>()) {
            prop_assert_eq!(tenth(given), given / 10);
        }

        #[test]
        fn an_integer_comes_back(given in any::<u64>()) {
            prop_assert_eq!(text(|out| put_integer(given, out)), given.to_string());
        }

        #[test]
        fn a_decimal_comes_back_to_the_millisecond(millis in 0_u64..9_007_199_254_000) {
            let seconds = millis as f64 / 1000.0;
            let parsed: f64 = decimal(seconds).parse().expect("number");
            prop_assert!((parsed - seconds).abs() < 0.0006, "{} became {}", seconds, parsed);
        }
    }
}
