//! JSON by hand: strings, whole numbers and decimals. `serde_json` and `f64`'s own formatting cost 20 KB and
//! 10 KB of the module; these three cost well under one.

use alloc::vec::Vec;

use super::Value;

/// Decimals kept of a number: durations have three, sample rates may need six.
const DECIMALS: u32 = 6;

/// Appends `text` in quotes, escaped as RFC 8259 §7 demands.
pub(super) fn put_string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    put_escaped(text, out);
    out.push(b'"');
}

fn put_escaped(text: &str, out: &mut Vec<u8>) {
    // Most text needs no escape: look once, copy whole.
    if text.bytes().all(|b| b >= 0x20 && b != b'"' && b != b'\\') {
        out.extend_from_slice(text.as_bytes());
        return;
    }
    for byte in text.bytes() {
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0..0x20 => {
                out.extend_from_slice(b"\\u00");
                put_hex(byte, out);
            }
            _ => out.push(byte),
        }
    }
}

/// Appends two hexadecimal digits.
pub(super) fn put_hex(byte: u8, out: &mut Vec<u8>) {
    for nibble in [byte >> 4, byte & 15] {
        out.push(nibble + if nibble < 10 { b'0' } else { b'A' - 10 });
    }
}

/// Appends a whole number.
pub fn put_integer(mut number: u64, out: &mut Vec<u8>) {
    // 20 digits hold u64::MAX. Filled from the end.
    let mut digits = [0_u8; 20];
    let mut used = 0;
    for slot in digits.iter_mut().rev() {
        *slot = b'0' + (number % 10) as u8;
        number /= 10;
        used += 1;
        if number == 0 {
            break;
        }
    }
    // One copy: byte by byte, each checks for room.
    out.extend_from_slice(digits.get(20 - used..).unwrap_or_default());
}

/// Appends a number ≥ 0 with at most [`DECIMALS`] decimals, the trailing zeros left out.
pub(super) fn put_decimal(number: f64, out: &mut Vec<u8>) {
    let scale = 10_u64.pow(DECIMALS);
    // `as` saturates, so even a number that is not finite gives digits, never invalid JSON.
    let scaled = (number * scale as f64 + 0.5) as u64;
    put_integer(scaled / scale, out);
    let mut fraction = scaled % scale;
    if fraction > 0 {
        out.push(b'.');
        let mut unit = scale / 10;
        while fraction > 0 {
            out.push(b'0' + (fraction / unit) as u8);
            fraction %= unit;
            unit /= 10;
        }
    }
}

/// Appends a field's value.
pub(super) fn put_value(value: Value<'_>, out: &mut Vec<u8>) {
    match value {
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Integer(number) => put_integer(number, out),
        Value::Decimal(number) => put_decimal(number, out),
        Value::Text(text) => put_string(text, out),
    }
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
            assert_eq!(text(|out| put_decimal(number, out)), expected);
        }
    }

    proptest! {
        #[test]
        fn a_string_comes_back_through_a_json_parser(given in any::<String>()) {
            let line = text(|out| put_string(&given, out));
            prop_assert!(!line.contains('\n'));
            prop_assert_eq!(serde_json::from_str::<String>(&line).expect("JSON"), given);
        }

        #[test]
        fn an_integer_comes_back(given in any::<u64>()) {
            prop_assert_eq!(text(|out| put_integer(given, out)), given.to_string());
        }

        #[test]
        fn a_decimal_comes_back_to_the_millisecond(millis in 0_u64..9_007_199_254_000) {
            let seconds = millis as f64 / 1000.0;
            let parsed: f64 = text(|out| put_decimal(seconds, out)).parse().expect("number");
            prop_assert!((parsed - seconds).abs() < 0.0006, "{} became {}", seconds, parsed);
        }
    }
}
