//! `redact` over the corpus in `tests/redact/`, and over what nobody would write.
//!
//! `secrets.txt` and `heldout.txt` hold messages with planted secrets (`«…»`) and with fragments that must
//! survive (`‹…›`); `clean.txt` holds messages that must come through unchanged. `⏎` is a line break. The second
//! file was written after the code was done, to see what the code makes of messages it was not made for.
#![cfg(not(target_arch = "wasm32"))]

use std::time::{Duration, Instant};

use langflow_telemetry::event::ERROR_MESSAGE_MAX_BYTES;
use langflow_telemetry::redact::{self, component_name, redact};
use proptest::prelude::*;

/// A secret must not survive in pieces of this many characters either.
const PIECE: usize = 8;

/// A message with its marks taken out.
struct Planted {
    message: String,
    secrets: Vec<String>,
    kept: Vec<String>,
}

fn lines(corpus: &str) -> impl Iterator<Item = String> {
    corpus.lines().filter(|l| !l.is_empty() && !l.starts_with('#')).map(|l| l.replace('⏎', "\n"))
}

fn planted(line: &str) -> Planted {
    let (mut secrets, mut kept) = (Vec::new(), Vec::new());
    for (open, close, marked) in [('«', '»', &mut secrets), ('‹', '›', &mut kept)] {
        for part in line.split(open).skip(1) {
            let (inner, _) = part.split_once(close).unwrap_or_else(|| panic!("no {close} in {line}"));
            marked.push(inner.replace(['«', '»', '‹', '›'], ""));
        }
    }
    Planted { message: line.replace(['«', '»', '‹', '›'], ""), secrets, kept }
}

/// Whether a secret is left, or a piece of it that stands nowhere else in the message.
fn survives(secret: &str, case: &Planted, output: &str) -> bool {
    let rest = case.secrets.iter().fold(case.message.clone(), |rest, s| rest.replace(s.as_str(), "\0"));
    let letters: Vec<char> = secret.chars().collect();
    let mut pieces = letters.windows(PIECE).map(|w| w.iter().collect::<String>());
    output.contains(secret) && !rest.contains(secret)
        || pieces.any(|p| output.contains(&p) && !rest.contains(&p))
}

/// Runs a corpus, prints its figures and fails at the first secret that is left.
fn scrub(name: &str, corpus: &str, least: usize) {
    let (mut messages, mut secrets, mut left, mut lost) = (0, 0, Vec::new(), Vec::new());
    for line in lines(corpus) {
        let case = planted(&line);
        let output = redact(&case.message);
        assert!(!case.secrets.is_empty(), "plants nothing: {line}");
        messages += 1;
        secrets += case.secrets.len();
        for secret in case.secrets.iter().filter(|s| survives(s, &case, &output)) {
            left.push(format!("{secret:?} of {line:?}\n   in {output:?}"));
        }
        for kept in case.kept.iter().filter(|k| !output.contains(k.as_str())) {
            lost.push(format!("{kept:?} of {line:?}\n   in {output:?}"));
        }
        let again = redact(&output);
        if again != output {
            lost.push(format!("a second time changes {output:?}\n   to {again:?}"));
        }
    }
    let found = secrets - left.len();
    println!(
        "{name}: {messages} messages, {found} of {secrets} secrets gone ({:.1} %)",
        100.0 * found as f64 / secrets as f64
    );
    let wrong = format!(
        "{} secrets are left:\n{}\n{} fragments are lost:\n{}",
        left.len(),
        left.join("\n"),
        lost.len(),
        lost.join("\n")
    );
    assert!(left.is_empty() && lost.is_empty(), "{wrong}");
    assert!(messages >= least, "{messages} messages");
}

#[test]
fn planted_secrets_are_gone_and_the_rest_still_helps() {
    scrub("secrets.txt", include_str!("redact/secrets.txt"), 300);
}

#[test]
fn so_are_those_of_messages_written_after_the_code() {
    scrub("heldout.txt", include_str!("redact/heldout.txt"), 60);
}

#[test]
fn clean_messages_come_through_unchanged() {
    let messages: Vec<String> = lines(include_str!("redact/clean.txt")).collect();
    let changed: Vec<_> = messages.iter().map(|m| (m, redact(m))).filter(|(m, r)| *m != r).collect();
    println!("clean.txt: {} messages, {} changed", messages.len(), changed.len());
    assert!(messages.len() >= 150);
    assert!(changed.is_empty(), "{changed:#?}");
}

/// Pieces that the rules care about, to be strung together at random.
const SHARDS: [&str; 64] = [
    "password",
    "=",
    ":",
    "\"",
    "'",
    "`",
    " ",
    "\n",
    "\\",
    "/",
    "//",
    "://",
    "@",
    "%40",
    ".",
    "-",
    "--",
    "_",
    "?",
    "#",
    "&",
    ";",
    ",",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "<",
    ">",
    "~",
    "+",
    "*",
    "http",
    "home",
    "Users",
    "root",
    "C:",
    "jane",
    "example.com",
    "token",
    "Bearer",
    "Authorization",
    "user",
    "eyJ",
    "sk-",
    "AKIA",
    "-----BEGIN ",
    "-----END ",
    "10.0.0.1",
    "::1",
    "fe80",
    "4111 1111",
    "+49",
    "0170",
    "GB82",
    "deadbeef",
    "aB3dE5fG7hI9",
    "<secret>",
    "<path>",
    "é",
    "密",
    "\u{fffd}",
];

fn shards() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(&SHARDS[..]), 0..120).prop_map(|parts| parts.concat())
}

fn holds(text: &str) -> Result<(), TestCaseError> {
    prop_assert!(String::from_utf8(redact::scrub(text)).is_ok(), "whole characters");
    let once = redact(text);
    prop_assert!(once.len() <= ERROR_MESSAGE_MAX_BYTES);
    prop_assert_eq!(redact(&once), once);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_capped_and_scrubbed_once_and_for_all(text in any::<String>()) {
        holds(&text)?;
    }

    #[test]
    fn so_is_text_made_of_what_the_rules_look_for(text in shards()) {
        holds(&text)?;
    }

    /// What a JavaScript string becomes: a lone surrogate turns into U+FFFD.
    #[test]
    fn so_is_utf_16_with_lone_surrogates(units in prop::collection::vec(any::<u16>(), 0..400)) {
        holds(&String::from_utf16_lossy(&units))?;
    }

    #[test]
    fn a_name_is_known_in_any_case(
        name in prop::sample::select(&["password", "apiKey", "Api-Key", "ACCESS_TOKEN", "client_secret", "authorization", "Cookie"][..]),
        upper in any::<u32>(),
        sign in prop::sample::select(&["=", ": ", " = ", "\": \"", "' => '"][..]),
        value in "[a-zA-Z0-9!$%^*_+-]{6,24}",
    ) {
        let name: String = name
            .chars()
            .enumerate()
            .map(|(i, c)| if upper >> i & 1 == 1 { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() })
            .collect();
        let output = redact(&format!("login failed: {name}{sign}{value}"));
        prop_assert!(!output.contains(&value), "{}", output);
        prop_assert!(output.starts_with("login failed: "), "{}", output);
    }

    /// Wherever the cap falls, no part of a secret is left before it.
    #[test]
    fn the_cap_leaves_no_half_secret(lead in 380usize..540) {
        let message = format!("{} password=hunter2hunter2 jane.doe@example.com 4111111111111111", "x ".repeat(lead / 2));
        let output = redact(&message);
        prop_assert!(!output.contains("hunter") && !output.contains("jane") && !output.contains("4111"), "{}", output);
    }
}

fn time(text: &str) -> Duration {
    let start = Instant::now();
    std::hint::black_box(redact(std::hint::black_box(text)));
    start.elapsed()
}

/// Eight times the text takes about eight times as long, whatever the text: a quadratic rule would take 64 times as long.
#[test]
fn time_is_linear_in_the_length() {
    const SMALL: usize = 128 << 10;
    const GROWTH: usize = 8;
    const RATIO_MAX: u32 = 30;
    // None has a space in it, but those whose rule is about spaces: the walk stops at a space once the cap is written.
    let units = [
        "a",
        "a-",
        "a.",
        "a@",
        "@",
        "a@a",
        "a%40",
        "1",
        "1.",
        "1.1.1.1.",
        "1-",
        "1 ",
        "+1",
        "(1",
        "0",
        "f",
        "f:",
        ":",
        "::",
        "::1",
        "/",
        "//",
        "a://",
        "a://@",
        "a://a:b@c/@",
        "://a?",
        "?a",
        "_Z1",
        "o'",
        "input_value=",
        "llmoutput:`",
        "%5B",
        "%5B:",
        "ipv6:",
        "00-",
        "?a[=",
        "?$a=",
        "?a='",
        "a://a='b",
        "a://a:^",
        "a://a:",
        "/home/a,",
        "/home/a, b",
        "/home/a(",
        "/home/a (",
        "cookie:[",
        ")=(",
        "?a=",
        "?",
        "#",
        "\\",
        "\\\\",
        "\\\\a",
        "\\\\a\\b",
        "~",
        "~/",
        "~a",
        "/home/",
        "/home/a",
        "/home/a/b.c",
        "/home/a b",
        "/Users/a/site-packages",
        "\\Users\\",
        "home/",
        "C:\\Users\\a ",
        "-----BEGIN ",
        "-----END ",
        "-----",
        "-",
        "--a",
        "password",
        "password=",
        "password=\"",
        "password='",
        "password=(",
        "password:\\\"",
        "password ",
        "password=\\",
        "token[",
        "--token ",
        "Bearer ",
        "Bearer a1",
        "cookie:",
        "user='",
        "api_key",
        "p-a-s-s-w-o-r-d",
        "GB82",
        "GB82 ",
        "eyJ",
        "eyJ.",
        "sk-",
        "sk-A*",
        "aB3",
        "aB3+",
        "aB3=",
        "%",
        "<",
        "<secret>",
        "<path>/",
        "'",
        "''",
        "é",
        "密@",
        "\u{fffd}",
        "\n",
        " ",
        "\0",
    ];
    let plain = time(&"x".repeat(SMALL));
    for unit in units {
        let text = |size: usize| unit.repeat(size / unit.len());
        let (small, large) = (text(SMALL), text(SMALL * GROWTH));
        // Again where the machine was busy with something else.
        let linear = (0..5).any(|_| time(&large) < time(&small).max(plain) * RATIO_MAX);
        assert!(
            linear,
            "{unit:?} takes more than {RATIO_MAX} times as long where there is {GROWTH} times as much"
        );
    }
}

#[test]
fn component_names_that_may_travel() {
    for name in [
        "ChatInput",
        "Chat Input",
        "Text-to-SQL",
        "OpenAIModel",
        "_Private",
        "MCP Tools (beta)",
        "RAG & Search",
        "v1.2 Parser",
    ] {
        assert_eq!(component_name(name, None), name);
    }
    let long = "x".repeat(129);
    for name in [
        "",
        " ChatInput",
        "1st",
        "jane@example.com",
        "Jane's agent",
        "C:\\Users\\Jane",
        "/home/jane",
        "a/b",
        "名前",
        "line\nbreak",
        "<b>",
        "x=1",
        "sk-EXAMPLEexample0123",
        "Please summarise the contract of Acme Corp",
        "Call 555-010-1234",
        &long,
        "Flow 3f2b8c1e-5d4a-4b1c-9e2f-1a2b3c4d5e6f",
    ] {
        assert_eq!(component_name(name, None), "custom", "{name:?}");
    }
    assert_eq!(component_name(&long[..128], None), &long[..128]);
    let list = format!("ChatInput\0名前\0{long}\0");
    assert_eq!(component_name("ChatInput", Some(&list)), "ChatInput");
    assert_eq!(component_name("名前", Some(&list)), "名前");
    for name in ["chatinput", "ChatOutput", "", "Chat", "Input", "ChatInput\0", "ChatInput\0名前", &long] {
        assert_eq!(component_name(name, Some(&list)), "custom");
    }
    assert_eq!(component_name("ChatInput", Some("")), "custom");
}
