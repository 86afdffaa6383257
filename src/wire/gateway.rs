//! The pings of Langflow's own gateway: an event is the URL of a GET.
//!
//! `{endpoint}/component?clientType=browser&componentName=ChatInput&componentSeconds=0&…&timestamp=…`
//!
//! A line is the event's name, `?` and the query; Version has no path, so that its name is taken off again by
//! [`put_request`], which also puts in what is known of the app and the machine by then. Keys are the event's name and the
//! field's; what the gateway has and we do not know is left out. Sessions, numbers and sample rates have no place
//! there.

use alloc::vec::Vec;

use super::fields::{Field, letter};
use super::json::put_hex;
use super::{FRAME_MAX, Form, Kind, Pen, bare, put};
use crate::event::{Event, Version};

pub(super) const FORM: Form = Form {
    name: "gateway",
    head: "",
    next: "?clientType=",
    scope: "",
    tail: "",
    // There is no body.
    content_type: "",
    is_ping: true,
    receiver_dedups: false,
};

/// The event that has no path.
const NO_PATH: &[u8] = b"version";

/// Longest of the three facts in [`put_frame`], in characters of the URL: with their names they have room in
/// [`FRAME_MAX`].
const FACT_MAX: usize = (FRAME_MAX - b"&langflow_version=&platform=&os=".len()) / 3;

const DAY_MS: u64 = 86_400_000;

/// The end of a line. A `*` is where a digit goes, and a `!` where one below 6 goes: of year, month, day, hour, minute,
/// second, millisecond. No text has them, since they would be escaped.
const TIME: &[u8] = b"&timestamp=****-**-**T**%3A!*%3A!*.***000%2B00%3A00\n";

/// A field is `&`, its name, `=` and its value. Next to the success comes the message's name, sent even where there is
/// none, as the gateway's own client does; the message itself follows without. Only `errorMessage` begins with an `e`, and
/// of the flags only `success` with an `s`.
pub(super) fn put_field(key: &str, kind: Kind, value: &[u8], pen: &mut Pen<'_>) {
    if !matches!(letter(key), 0 | b'e') {
        put_name(bare(key), pen);
    }
    if kind == Kind::Text {
        put_text(value, pen);
    } else {
        put(value, pen.out);
    }
    if kind == Kind::Bool && letter(key) == b's' {
        put_name(b"errorMessage", pen);
    }
}

/// The event's name stands before the field's, for the three events of which that is so.
#[inline(never)]
fn put_name(name: &[u8], pen: &mut Pen<'_>) {
    let out = &mut *pen.out;
    out.push(b'&');
    put(pen.scope.as_bytes(), out);
    let start = out.len();
    put(name, out);
    if !pen.scope.is_empty()
        && let Some(first) = out.get_mut(start)
    {
        *first ^= 0x20;
    }
    out.push(b'=');
}

/// Appends what every event but Version says of the app and the machine: at most [`FRAME_MAX`] bytes.
pub(super) fn put_frame(facts: &Version, client_type: &str, pen: &mut Pen<'_>) {
    facts.version.write(",\"langflow_version\":", pen);
    // How Langflow is run: its own client has two types, `oss` and `desktop`, and one platform for each.
    let platform = if client_type == "oss" { "python_package" } else { client_type };
    pen.put(",\"platform\":", Kind::Text, platform.as_bytes());
    if let Some(system) = &facts.platform {
        let system = if system == "macOS" { "darwin" } else { system };
        let start = pen.out.len();
        pen.put(",\"os\":", Kind::Text, system.as_bytes());
        // As Python's `platform.system().lower()`; an escape means the same in small letters.
        pen.out.get_mut(start..).unwrap_or_default().make_ascii_lowercase();
    }
}

/// Appends the URL after the endpoint, of a line; `frame` is what [`put_frame`] made.
pub(super) fn put_request(frame: &[u8], line: &[u8], out: &mut Vec<u8>) {
    // The time comes last, and is always as long. Its `\n` is left out.
    let Some((fields, [time @ .., _])) = line.split_last_chunk::<{ TIME.len() }>() else { return };
    if let Some(rest) = fields.strip_prefix(NO_PATH) {
        put(rest, out);
    } else {
        out.push(b'/');
        put(fields, out);
        put(frame, out);
    }
    put(time, out);
}

/// Appends `text` as application/x-www-form-urlencoded has it, as many of its characters as there is room for.
fn put_text(text: &[u8], pen: &mut Pen<'_>) {
    let out = &mut *pen.out;
    let max = match pen.is_frame {
        true => out.len() + FACT_MAX,
        // The message is the last, and takes what room there is.
        false => pen.max.saturating_sub(TIME.len()),
    };
    let mut start = 0;
    for byte in text.iter().copied() {
        // The first of a character's bytes.
        if byte & 0xc0 != 0x80 {
            start = out.len();
        }
        let shown = match byte {
            // RFC 3986's unreserved characters travel as they are.
            b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'-' | b'.' | b'_' | b'~' => byte,
            b' ' => b'+',
            _ => b'%',
        };
        out.push(shown);
        if shown == b'%' {
            put_hex(byte, out);
        }
        if out.len() > max {
            out.truncate(start);
            return;
        }
    }
}

/// Appends the end of a line: the time as ISO 8601 has it, with microseconds, in UTC.
pub(super) fn finish(_: &Event, time: u64, out: &mut Vec<u8>) {
    // In quarters of a day since 1 March of the year 0: a century has 146,097 of them on average, and a year within it
    // 1,461. Years begin in March, so that the leap day comes last.
    let quarters = (time / DAY_MS) as u32 * 4 + 2_877_875;
    let within = (quarters % 146_097) | 3;
    // The five months from March have 153 days, and so do the five from August.
    let day = within % 1_461 / 4 * 5 + 461;
    let mut month = day / 153;
    let mut year = quarters / 146_097 * 100 + within / 1_461;
    if month > 12 {
        month -= 12;
        year += 1;
    }
    let date = (year * 100 + month) * 100 + day % 153 / 5 + 1;
    // A day's milliseconds, with room for hours of two digits.
    let mut digits = u64::from(date) * 360_000_000 + time % DAY_MS;
    put(TIME, out);
    for byte in out.iter_mut().rev() {
        let base = match *byte {
            b'*' => 10,
            b'!' => 6,
            _ => continue,
        };
        *byte = b'0' + (digits % base) as u8;
        digits /= base;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::event::tests::{any_event, any_origin};
    use crate::event::{Component, NAME_MAX_CHARS, Origin, Playground, Record, Run, Shutdown};
    use crate::wire::{Encoder, Format, URL_MAX};

    /// 2026-05-01T12:00:00.123Z
    const TIME: u64 = 1_777_636_800_123;

    /// What a page of Langflow's own kind knows.
    fn facts() -> Version {
        Version {
            package: Some("langflow".into()),
            version: Some("1.10.0".into()),
            platform: Some("Linux".into()),
            python: Some("3.12".into()),
            arch: Some("x86_64".into()),
            auto_login: Some(true),
            cache_type: Some("async".into()),
            backend_only: Some(false),
        }
    }

    fn origin(client_type: &str) -> Origin {
        Origin {
            session: "k3f9x2ab7c1d".into(),
            seq: 17,
            time: TIME,
            client_type: client_type.into(),
            sample_rate: Some(0.5),
        }
    }

    fn frame(facts: &Version, client_type: &str) -> Vec<u8> {
        let mut frame = Vec::new();
        Format::Gateway.frame(facts, client_type, &mut frame);
        frame
    }

    fn encode(event: &Event, client_type: &str, max: usize, line: &mut Vec<u8>) {
        Encoder::new(Format::Gateway, origin(client_type)).encode(event, 17, TIME, max, line);
    }

    /// The URL after the endpoint, of at most `max` characters.
    fn ping(event: &Event, client_type: &str, facts: &Version, max: usize) -> String {
        let frame = frame(facts, client_type);
        let mut line = Vec::new();
        encode(event, client_type, max.saturating_sub(frame.len()), &mut line);
        assert!(Format::Gateway.is_plausible(line.strip_suffix(b"\n").expect("a line")));
        String::from_utf8(Format::Gateway.wrap(&frame, &line)).expect("ASCII")
    }

    fn playground(seconds: f64, message: Option<&str>) -> Event {
        Event::Playground(Playground {
            seconds,
            component_count: Some(3),
            success: message.is_none(),
            error_message: message.map(Into::into),
        })
    }

    /// What Langflow's own client sends, checked against the gateway's models: after the endpoint, to the letter.
    const GOLDEN: &str = "/playground?clientType=oss&playgroundSeconds=2&playgroundComponentCount=3&playgroundSuccess=true\
                          &playgroundErrorMessage=&playgroundRunId=0b3e&langflow_version=1.10.0&platform=python_package\
                          &os=linux&timestamp=2026-05-01T12%3A00%3A00.123456%2B00%3A00";

    /// Where we differ: a run's id never travels, and JavaScript's clock has milliseconds.
    const DIFFERENCES: [(&str, &str); 2] = [("&playgroundRunId=0b3e", ""), (".123456%2B", ".123000%2B")];

    #[test]
    fn the_golden_vector() {
        let ours = DIFFERENCES.iter().fold(GOLDEN.to_owned(), |ping, (theirs, ours)| {
            assert_eq!(ping.matches(theirs).count(), 1, "{theirs}");
            ping.replace(theirs, ours)
        });
        assert_eq!(ping(&playground(2.9, None), "oss", &facts(), 2_047), ours);
    }

    /// What is known when the URL is made is in it, whatever was known when the event was written down.
    #[test]
    fn an_early_event_says_what_was_known_later() {
        let event = playground(2.9, None);
        let mut line = Vec::new();
        encode(&event, "oss", 2_047, &mut line);
        let wrap = |facts: &Version| Format::Gateway.wrap(&frame(facts, "oss"), &line);
        let early = wrap(&Version::default());
        let early = String::from_utf8(early).expect("ASCII");
        assert!(early.contains("&playgroundErrorMessage=&platform=python_package&timestamp="), "{early}");
        let late = wrap(&facts());
        assert_eq!(String::from_utf8(late).expect("ASCII"), ping(&event, "oss", &facts(), 2_047));
    }

    #[test]
    fn a_url_is_shorter_than_its_bound_whatever_is_known_by_then() {
        let long = |letter: &str| Some(letter.repeat(NAME_MAX_CHARS));
        let base = "https://langflow.gateway.scarf.sh";
        for letter in ["x", "é", "漢", "🦀"] {
            let facts = Version { version: long(letter), platform: long(letter), ..Version::default() };
            for client_type in ["oss".to_owned(), "x".repeat(NAME_MAX_CHARS), letter.repeat(40)] {
                let frame = frame(&facts, &client_type);
                assert!(frame.len() <= FRAME_MAX, "{}", frame.len());
                let event = playground(1.0, Some(&letter.repeat(2_048)));
                let mut line = Vec::new();
                let max = URL_MAX - 1 - FRAME_MAX - base.len();
                encode(&event, &client_type, max, &mut line);
                let ping = Format::Gateway.wrap(&frame, &line);
                assert!(base.len() + ping.len() < URL_MAX, "{}", ping.len());
            }
        }
        // One that is too long is cut, and leaves their room to the others.
        let facts = Version { version: long("漢"), platform: Some("Linux".into()), ..Version::default() };
        let cut = format!("&langflow_version={}&platform=python_package&os=linux", "%E6%BC%A2".repeat(8));
        assert_eq!(String::from_utf8(frame(&facts, "oss")).expect("ASCII"), cut);
    }

    #[test]
    fn each_event_has_its_path_its_order_and_its_types() {
        let tail = "&langflow_version=1.10.0&platform=browser&os=linux\
                    &timestamp=2026-05-01T12%3A00%3A00.123000%2B00%3A00";
        let failed = Some("KeyError: 'x' & ü=1*(2)~");
        let outcome = |seconds| (seconds, failed.is_none(), failed.map(String::from));
        let (seconds, success, error_message) = outcome(0.999);
        let run = Run { is_webhook: Some(false), seconds, success, error_message: error_message.clone() };
        let component = Component { name: "Chat Input".into(), seconds, success, error_message };
        let escaped = "KeyError%3A+%27x%27+%26+%C3%BC%3D1%2A%282%29~";
        for (event, expected) in [
            (
                Event::Run(run),
                format!(
                    "/run?clientType=browser&runIsWebhook=false&runSeconds=0&runSuccess=false\
                     &runErrorMessage={escaped}{tail}"
                ),
            ),
            (
                Event::Component(component),
                format!(
                    "/component?clientType=browser&componentName=Chat+Input&componentSeconds=0\
                     &componentSuccess=false&componentErrorMessage={escaped}{tail}"
                ),
            ),
            (
                Event::Shutdown(Shutdown { time_running: 90_061.5 }),
                format!("/shutdown?clientType=browser&timeRunning=90061{tail}"),
            ),
            (
                Event::Version(facts()),
                "?clientType=browser&package=langflow&version=1.10.0&platform=Linux&python=3.12&arch=x86_64\
                 &autoLogin=true&cacheType=async&backendOnly=false\
                 &timestamp=2026-05-01T12%3A00%3A00.123000%2B00%3A00"
                    .to_owned(),
            ),
            (
                Event::Version(Version::default()),
                "?clientType=browser&timestamp=2026-05-01T12%3A00%3A00.123000%2B00%3A00".to_owned(),
            ),
        ] {
            assert_eq!(ping(&event, "browser", &facts(), 2_047), expected);
        }
    }

    #[test]
    fn the_system_has_the_name_that_python_gives_it() {
        for (ours, theirs) in [("macOS", "darwin"), ("Windows", "windows"), ("Chrome OS", "chrome+os")] {
            let facts = Version { platform: Some(ours.into()), ..Version::default() };
            assert_eq!(frame(&facts, "desktop"), format!("&platform=desktop&os={theirs}").into_bytes());
        }
    }

    #[test]
    fn only_the_message_is_cut_and_never_within_a_character() {
        for (message, max) in [("x".repeat(512), 500), ("é漢🦀".repeat(56), 900), ("漢".repeat(100), 10)]
        {
            let whole = ping(&playground(1.0, Some(&message)), "oss", &facts(), usize::MAX);
            let cut = ping(&playground(1.0, Some(&message)), "oss", &facts(), max);
            let empty = ping(&playground(1.0, Some("")), "oss", &facts(), max);
            assert!(cut.len() <= max.max(empty.len()), "{} of {max}", cut.len());
            let (head, tail) = empty.split_once("ErrorMessage=").expect("a message");
            let rest = cut.strip_prefix(head).and_then(|rest| rest.strip_prefix("ErrorMessage="));
            let kept = rest.and_then(|rest| rest.strip_suffix(tail)).expect("all but the message");
            assert!(whole.contains(&["ErrorMessage=", kept].concat()));
            assert!(String::from_utf8(unescaped(kept)).is_ok(), "{kept}");
        }
    }

    fn unescaped(text: &str) -> Vec<u8> {
        let mut bytes = text.bytes();
        let mut out = Vec::new();
        while let Some(byte) = bytes.next() {
            out.push(match byte {
                b'+' => b' ',
                b'%' => {
                    let digits = [bytes.next().expect("a digit"), bytes.next().expect("a digit")];
                    let digits = core::str::from_utf8(&digits).expect("ASCII");
                    u8::from_str_radix(digits, 16).expect("hexadecimal")
                }
                byte => byte,
            });
        }
        out
    }

    #[test]
    fn dates() {
        for (unix_ms, expected) in [
            (0, "1970-01-01T00%3A00%3A00.000000"),
            (951_782_399_999, "2000-02-28T23%3A59%3A59.999000"),
            (951_782_400_000, "2000-02-29T00%3A00%3A00.000000"),
            (951_868_800_000, "2000-03-01T00%3A00%3A00.000000"),
            (1_709_164_800_001, "2024-02-29T00%3A00%3A00.001000"),
            (1_735_689_599_000, "2024-12-31T23%3A59%3A59.000000"),
            (4_107_542_400_000, "2100-03-01T00%3A00%3A00.000000"),
        ] {
            let mut out = Vec::new();
            finish(&Event::Version(Version::default()), unix_ms, &mut out);
            let expected = format!("&timestamp={expected}%2B00%3A00\n");
            assert_eq!(String::from_utf8(out).expect("ASCII"), expected);
        }
    }

    proptest! {
        #[test]
        fn any_ping_is_a_url_of_ascii_and_its_texts_come_back(event in any_event(), origin in any_origin()) {
            let record = Record { event, origin };
            let line = crate::wire::encode_record(Format::Gateway, &record);
            let url = String::from_utf8(Format::Gateway.wrap(&[], &line)).expect("UTF-8");
            let fine = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+%&=?/".contains(&byte);
            prop_assert!(url.bytes().all(fine), "{url}");
            let (_, query) = url.split_once('?').expect("a query");
            let text = |name: &str| {
                let mut pairs = query.split('&').map(|pair| pair.split_once('=').expect("a pair"));
                let value = pairs.find(|(key, _)| *key == name).map(|(_, value)| unescaped(value));
                value.map(|bytes| String::from_utf8(bytes).expect("UTF-8"))
            };
            prop_assert_eq!(text("clientType"), Some(record.origin.client_type));
            match record.event {
                Event::Component(event) => {
                    prop_assert_eq!(text("componentName"), Some(event.name));
                    let message = event.error_message.unwrap_or_default();
                    prop_assert_eq!(text("componentErrorMessage"), Some(message));
                }
                Event::Version(event) => {
                    prop_assert_eq!(text("package"), event.package);
                }
                _ => {}
            }
        }
    }
}
