//! The pings of Langflow's own gateway: an event is the URL of a GET.
//!
//! `{endpoint}/component?clientType=browser&componentName=ChatInput&componentSeconds=0&…&timestamp=…`
//!
//! A line is the event's name, `?` and the query; Version has no path, so that its name is taken off again by
//! [`wrap`], which also puts in what is known of the app and the machine by then. Keys are the event's name and the
//! field's; what the gateway has and we do not know is left out. Sessions, numbers and sample rates have no place
//! there.

use alloc::vec::Vec;

use super::json::{put_hex, put_integer, put_value};
use super::{Value, put};
use crate::event::{Event, Origin, Version};

/// What follows the event's name, with which each line starts.
pub(super) const NEXT: &str = "?clientType=";

/// The event that has no path.
pub(super) const NO_PATH: &[u8] = b"version";

/// A URL has fewer than so many characters: the gateway's own bound.
pub const URL_MAX: usize = 2_048;

/// Characters of a URL that are kept for what [`put_frame`] makes, which an event does not know yet when it is written
/// down. Four times what it takes with Langflow's own versions and systems.
pub const FRAME_MAX: usize = 256;

const DAY_MS: u64 = 86_400_000;

/// The end of a line. An underscore is where a digit goes: of year, month, day, hour, minute, second, millisecond.
const TIME: &[u8] = b"timestamp=____-__-__T__%3A__%3A__.___000%2B00%3A00\n";

/// Appends a field and `&`. `scope` stands before its name, for the three events of which that is so.
pub(super) fn put_field(scope: &str, name: &str, value: Value<'_>, out: &mut Vec<u8>) {
    // It comes last, and takes what room there is.
    if name == "errorMessage" {
        return;
    }
    put_name(scope, name, out);
    match value {
        // Whole seconds there: the receiver refuses others.
        Value::Decimal(number) => put_integer(number as u64, out),
        Value::Text(text) => put_text(text, out),
        value => put_value(value, out),
    }
    out.push(b'&');
}

fn put_name(scope: &str, name: &str, out: &mut Vec<u8>) {
    put(scope.as_bytes(), out);
    let start = out.len();
    put(name.as_bytes(), out);
    if let Some(first) = out.get_mut(start).filter(|_| !scope.is_empty()) {
        first.make_ascii_uppercase();
    }
    out.push(b'=');
}

/// Appends the end of a line. The line gets at most `max` bytes, by cutting the error message.
pub(super) fn finish(event: &Event, origin: &Origin, max: usize, out: &mut Vec<u8>) {
    if let Some((_, message)) = event.outcome() {
        // Sent even where there is none, as the gateway's own client does.
        put_name(event.name(), "errorMessage", out);
        let message = message.unwrap_or_default();
        let start = out.len();
        put_text(message, out);
        let over = (out.len() + 1 + TIME.len()).saturating_sub(max);
        if over > 0 {
            // A byte of the message is one of the URL, or three.
            let mut end = message.len().saturating_sub(over);
            while !message.is_char_boundary(end) {
                end -= 1;
            }
            out.truncate(start);
            put_text(message.get(..end).unwrap_or_default(), out);
        }
        out.push(b'&');
    }
    put_time(origin.time, out);
}

/// The URL after the endpoint, of a line; `frame` is what [`put_frame`] made.
pub(super) fn wrap(frame: &[u8], line: &[u8], out: &mut Vec<u8>) {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    if let Some(query) = line.strip_prefix(NO_PATH) {
        put(query, out);
        return;
    }
    // The time comes last, and is always as long.
    let (event, time) = line.split_at(line.len().saturating_sub(TIME.len() - 1));
    out.push(b'/');
    for part in [event, frame, time] {
        put(part, out);
    }
}

/// Appends what every event but Version says of the app and the machine: at most [`FRAME_MAX`] bytes. A fact for which
/// there is no room is left out.
pub(super) fn put_frame(facts: &Version, client_type: &str, out: &mut Vec<u8>) {
    put_fact("langflow_version", facts.version.as_deref(), out);
    // How Langflow is run: its own client has two types, `oss` and `desktop`, and one platform for each.
    put_fact("platform", Some(if client_type == "oss" { "python_package" } else { client_type }), out);
    put_fact("os", facts.platform.as_deref().map(|name| if name == "macOS" { "darwin" } else { name }), out);
}

fn put_fact(name: &str, value: Option<&str>, out: &mut Vec<u8>) {
    if let Some(value) = value {
        let start = out.len();
        put_field("", name, Value::Text(&value.to_ascii_lowercase()), out);
        if out.len() > FRAME_MAX {
            out.truncate(start);
        }
    }
}

/// Appends `text` as application/x-www-form-urlencoded has it.
pub(super) fn put_text(text: &str, out: &mut Vec<u8>) {
    for byte in text.bytes() {
        // RFC 3986's unreserved characters travel as they are.
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(byte);
        } else if byte == b' ' {
            out.push(b'+');
        } else {
            out.push(b'%');
            put_hex(byte, out);
        }
    }
}

/// Appends `timestamp=` and the time as ISO 8601 has it, with microseconds, in UTC; and `\n`.
fn put_time(unix_ms: u64, out: &mut Vec<u8>) {
    // Days since 1 March of the year 0, in cycles of 400 years that begin in March: so the leap day comes last.
    let days = (unix_ms / DAY_MS) as u32 + 719_468;
    let (cycle, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let year = 400 * cycle + year + month / 10;
    let month = (month + 2) % 12 + 1;
    let ms = (unix_ms % DAY_MS) as u32;
    let date = (u64::from(year) * 100 + u64::from(month)) * 100 + u64::from(day);
    let time = (ms / 3_600_000 * 100 + ms / 60_000 % 60) * 100_000 + ms % 60_000;
    let mut digits = Vec::new();
    put_integer(date * 1_000_000_000 + u64::from(time), &mut digits);
    let mut digits = digits.iter();
    for byte in TIME {
        let digit = if *byte == b'_' { digits.next() } else { None };
        out.push(*digit.unwrap_or(byte));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::event::tests::{any_event, any_origin};
    use crate::event::{Component, NAME_MAX_CHARS, Playground, Record, Run, Shutdown};
    use crate::wire::Format;

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

    /// The URL after the endpoint, of at most `max` characters.
    fn ping(event: &Event, client_type: &str, facts: &Version, max: usize) -> String {
        let frame = Format::Gateway.frame(facts, client_type);
        let mut line = Vec::new();
        Format::Gateway.encode(event, &origin(client_type), max.saturating_sub(frame.len()), &mut line);
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
        Format::Gateway.encode(&event, &origin("oss"), 2_047, &mut line);
        let wrap = |facts: &Version| Format::Gateway.wrap(&Format::Gateway.frame(facts, "oss"), &line);
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
                let frame = Format::Gateway.frame(&facts, &client_type);
                assert!(frame.len() <= FRAME_MAX, "{}", frame.len());
                let event = playground(1.0, Some(&letter.repeat(2_048)));
                let mut line = Vec::new();
                let max = URL_MAX - 1 - FRAME_MAX - base.len();
                Format::Gateway.encode(&event, &origin(&client_type), max, &mut line);
                let ping = Format::Gateway.wrap(&frame, &line);
                assert!(base.len() + ping.len() < URL_MAX, "{}", ping.len());
            }
        }
        // One that has no room leaves it to the others.
        let facts = Version { version: long("漢"), platform: Some("Linux".into()), ..Version::default() };
        assert_eq!(Format::Gateway.frame(&facts, "oss"), b"platform=python_package&os=linux&");
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
            assert_eq!(
                Format::Gateway.frame(&facts, "desktop"),
                format!("platform=desktop&os={theirs}&").into_bytes()
            );
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
            put_time(unix_ms, &mut out);
            let expected = format!("timestamp={expected}%2B00%3A00\n");
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
