//! Options → Config: names, defaults, bounds.
//!
//! The edge finds an option by its name in the object given to `init`; [`Config::read`] is the only place that
//! judges it. A derived `Deserialize` would do the same for 1 to 20 KB more.

use alloc::borrow::ToOwned;
use alloc::string::String;

use crate::consent::Asked;
use crate::error::Error;
use crate::event::{NAME_EXPECTED, is_name};
use crate::wire::{FRAME_MAX, Format, URL_MAX};

/// Longest endpoint, in bytes: longer URLs are refused along the way by servers and proxies.
pub const ENDPOINT_MAX_BYTES: usize = 2_048;

/// Most names in `componentNames`. Langflow ships some 200 components.
pub const COMPONENT_NAMES_MAX: usize = 2_000;

/// What the edge found under an option's name.
#[derive(Debug, Clone, PartialEq)]
pub enum Given {
    /// `undefined` or `null`: the default holds.
    Absent,
    /// A boolean.
    Bool(bool),
    /// A number, NaN and infinities included.
    Number(f64),
    /// A string.
    Text(String),
    /// An array whose items are all strings: these, each with a NUL behind it.
    Texts(String),
    /// Anything else.
    Other,
}

/// How often an event may arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guarantee {
    /// Sent again until it is acknowledged.
    AtLeastOnce,
    /// What was sent at exit and got no answer is not sent again.
    AtMostOnce,
}

/// What becomes of error messages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ErrorMessages {
    /// Scrubbed and capped.
    #[default]
    Scrubbed,
    /// Left out.
    Off,
}

/// What `init` was told, checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// Where batches go: an http(s) URL, or a path on the page's origin.
    pub endpoint: String,
    /// How events are written down.
    pub format: Format,
    /// Whether GPC and DNT of the browser count.
    pub honor_browser_signals: bool,
    /// What holds until the person chooses.
    pub consent: Asked,
    /// Tells a browser's events from the backend's.
    pub client_type: String,
    /// What becomes of error messages.
    pub error_messages: ErrorMessages,
    /// Component names that may travel, each with a NUL behind it; `None` for all that look like a name.
    pub component_names: Option<String>,
    /// Longest wait before a batch leaves, in ms.
    pub flush_interval_ms: f64,
    /// Most events in a batch.
    pub max_batch_events: u32,
    /// Most bytes in a batch.
    pub max_batch_bytes: usize,
    /// Most bytes held in memory.
    pub max_queue_bytes: usize,
    /// `None`: by format.
    pub delivery: Option<Guarantee>,
    /// Keep unsent events across page loads.
    pub persist: bool,
    /// Share of page loads that report, 0 to 1.
    pub sample_rate: f64,
    /// Print, do not send.
    pub dry_run: bool,
}

impl Config {
    /// What holds where nothing is given, but for `endpoint`, which has to be, and `clientType`, which has to be
    /// allocated.
    pub const DEFAULT: Self = Self {
        endpoint: String::new(),
        format: Format::Ndjson,
        honor_browser_signals: true,
        consent: Asked::Granted,
        client_type: String::new(),
        error_messages: ErrorMessages::Scrubbed,
        component_names: None,
        flush_interval_ms: 5_000.0,
        max_batch_events: 50,
        max_batch_bytes: 16_384,
        max_queue_bytes: 2_097_152,
        delivery: None,
        persist: true,
        sample_rate: 1.0,
        dry_run: false,
    };

    /// Asks `given` for each option by the name that JavaScript has for it (`app.version` is `version` inside `app`),
    /// judges what it gets, and has a default for what is not there.
    ///
    /// # Errors
    /// Names the first option that is not acceptable, and what it allows.
    pub fn read(given: &mut dyn FnMut(&'static str) -> Given) -> Result<Self, Error> {
        let mut config = Self::DEFAULT;
        config.fill(given)?;
        Ok(config)
    }

    /// The same in place of the defaults. The edge has its configuration where it stays: to return it, and hand it on,
    /// were copies of each field.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn fill<G: FnMut(&'static str) -> Given>(&mut self, given: G) -> Result<(), Error> {
        let mut options = Options { given, refused: None };
        match (options.given)("endpoint") {
            Given::Text(text) if is_endpoint(&text) => self.endpoint = text,
            Given::Absent => options.refuse("endpoint", ENDPOINT_EXPECTED, Given::Other),
            other => options.refuse("endpoint", ENDPOINT_EXPECTED, other),
        }
        let format = options.word("format", FORMATS, 0) as usize;
        self.format = Format::ALL.get(format).copied().unwrap_or(Format::Ndjson);
        // Its events become the query.
        if self.format.is_ping() && self.endpoint.bytes().any(|byte| byte == b'?' || byte == b'#') {
            options.refuse("endpoint", PING_ENDPOINT_EXPECTED, Given::Other);
        }
        options.flag("honorBrowserSignals", &mut self.honor_browser_signals);
        self.consent = match options.word("consent", "\"granted\", \"pending\" or \"denied\"", 0) {
            0 => Asked::Granted,
            1 => Asked::Pending,
            _ => Asked::Denied,
        };
        self.client_type = options.text("clientType").unwrap_or_else(|| "browser".to_owned());
        self.error_messages = match options.word("errorMessages", "\"scrubbed\" or \"off\"", 0) {
            0 => ErrorMessages::Scrubbed,
            _ => ErrorMessages::Off,
        };
        self.component_names = options.texts("componentNames");
        self.flush_interval_ms =
            options.number("flushIntervalMs", 0, 600_000, "0 to 600000 (ms)", self.flush_interval_ms);
        self.max_batch_events =
            options.number("maxBatchEvents", 1, 1_000, "1 to 1000", f64::from(self.max_batch_events)) as u32;
        self.max_batch_bytes = options.number(
            "maxBatchBytes",
            1_024,
            61_440,
            "1024 to 61440 (bytes)",
            self.max_batch_bytes as f64,
        ) as usize;
        self.max_queue_bytes = options.number(
            "maxQueueBytes",
            16_384,
            16_777_216,
            "16384 to 16777216 (bytes)",
            self.max_queue_bytes as f64,
        ) as usize;
        self.delivery = match options.word("delivery", "\"at-least-once\" or \"at-most-once\"", 2) {
            0 => Some(Guarantee::AtLeastOnce),
            1 => Some(Guarantee::AtMostOnce),
            _ => None,
        };
        options.flag("persist", &mut self.persist);
        self.sample_rate = options.number("sampleRate", 0, 1, "a number from 0 to 1", self.sample_rate);
        options.flag("dryRun", &mut self.dry_run);
        // Only judged here: the shell puts them into the Version event, on its way through `beforeSend`.
        for name in &["app.package", "app.version", "app.python", "app.cacheType"] {
            options.text(name);
        }
        for name in &["app.autoLogin", "app.backendOnly"] {
            options.flag(name, &mut false);
        }
        options.refused.map_or(Ok(()), Err)
    }

    /// Most events and most bytes in a batch, of a format that sends each event by itself as those of the URL of a request:
    /// `base` is what comes before.
    pub const fn batch(&self, base: &str) -> (u32, usize) {
        if self.format.is_ping() {
            // The `/` between them is not in the line, but its line end is.
            (1, (URL_MAX - 1 - FRAME_MAX).saturating_sub(base.len()))
        } else {
            (self.max_batch_events, self.max_batch_bytes)
        }
    }

    /// What was asked for, or what suits the format.
    pub fn guarantee(&self) -> Guarantee {
        self.delivery.unwrap_or(if self.format.receiver_dedups() {
            Guarantee::AtLeastOnce
        } else {
            Guarantee::AtMostOnce
        })
    }
}

/// What `endpoint` may be.
const ENDPOINT_EXPECTED: &str =
    "an http(s) URL without user name or password, or a path such as \"/telemetry\"";

/// What it may be for pings, whose query is the event.
const PING_ENDPOINT_EXPECTED: &str = "a URL or path without a query, for gateway";

/// What `format` may be: the names of [`Format::ALL`], and nothing else in quotes.
const FORMATS: &str = match (cfg!(feature = "otlp"), cfg!(feature = "gateway")) {
    (true, true) => "\"ndjson\", \"otlp\", or \"gateway\"",
    (true, false) => "\"ndjson\" or \"otlp\": for gateway import from langflow-telemetry/gateway",
    (false, true) => "\"ndjson\" or \"gateway\": this entry has no others",
    (false, false) => "\"ndjson\": this entry has no others",
};

/// Options one by one. What is absent, or refused, is `None` or the default.
struct Options<G> {
    given: G,
    /// The first refusal.
    refused: Option<Error>,
}

impl<G: FnMut(&'static str) -> Given> Options<G> {
    /// What is not acceptable is refused, unless there is nothing. Not inlined: it is the end of every method.
    #[inline(never)]
    fn refuse(&mut self, name: &'static str, expected: &'static str, given: Given) {
        if self.refused.is_none() && !matches!(given, Given::Absent) {
            self.refused = Some(Error::option(name, expected));
        }
    }

    fn flag(&mut self, name: &'static str, flag: &mut bool) {
        match (self.given)(name) {
            Given::Bool(given) => *flag = given,
            other => self.refuse(name, "true or false", other),
        }
    }

    fn number(
        &mut self,
        name: &'static str,
        min: u32,
        max: u32,
        expected: &'static str,
        default: f64,
    ) -> f64 {
        match (self.given)(name) {
            Given::Number(number) if number >= f64::from(min) && number <= f64::from(max) => number,
            other => {
                self.refuse(name, expected, other);
                default
            }
        }
    }

    fn text(&mut self, name: &'static str) -> Option<String> {
        match (self.given)(name) {
            Given::Text(text) if is_name(&text) => Some(text),
            other => {
                self.refuse(name, NAME_EXPECTED, other);
                None
            }
        }
    }

    fn texts(&mut self, name: &'static str) -> Option<String> {
        match (self.given)(name) {
            Given::Texts(texts) if texts.bytes().filter(|byte| *byte == 0).count() <= COMPONENT_NAMES_MAX => {
                Some(texts)
            }
            other => {
                self.refuse(name, "an array of at most 2000 strings", other);
                None
            }
        }
    }

    /// The place of a word among those in quotes in `expected`: so what there is to choose from is said once.
    fn word(&mut self, name: &'static str, expected: &'static str, default: u32) -> u32 {
        let given = (self.given)(name);
        if let Given::Text(text) = &given {
            // A word stands before each second quote.
            let mut quotes = 0;
            let mut start = 0;
            for (at, byte) in expected.bytes().enumerate() {
                if byte == b'"' {
                    if quotes % 2 == 1 && expected.get(start..at) == Some(text.as_str()) {
                        return quotes / 2;
                    }
                    quotes += 1;
                    start = at + 1;
                }
            }
        }
        self.refuse(name, expected, given);
        default
    }
}

/// Whether events may be sent to `text`. URL parsers drop tabs and line ends and read `\` as `/`, so that
/// `/\host` would leave the origin: neither is let in, nor is `//host`. A user name or password would be
/// sent along with every request.
fn is_endpoint(text: &str) -> bool {
    if text.len() > ENDPOINT_MAX_BYTES || text.bytes().any(|b| b <= b' ' || b == b'\\' || b == 0x7f) {
        return false;
    }
    let mut rest = text.as_bytes();
    if let [b'/', path @ ..] = rest {
        return path.first() != Some(&b'/');
    }
    for scheme in ["http://", "https://"] {
        if let Some((start, others)) = rest.split_at_checked(scheme.len())
            && start.eq_ignore_ascii_case(scheme.as_bytes())
        {
            rest = others;
        }
    }
    if rest.len() == text.len() {
        return false;
    }
    let mut has_host = false;
    for byte in rest {
        match byte {
            b'/' | b'?' | b'#' => break,
            b'@' => return false,
            _ => has_host = true,
        }
    }
    has_host
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::NAME_MAX_CHARS;

    /// Reads options of which these are given; an endpoint too, unless it is among them.
    fn read(given: &[(&str, Given)]) -> Result<Config, Error> {
        Config::read(&mut |name| match given.iter().find(|(other, _)| *other == name) {
            Some((_, given)) => given.clone(),
            None if name == "endpoint" => text("/telemetry"),
            None => Given::Absent,
        })
    }

    /// What is asked for.
    fn names() -> Vec<&'static str> {
        let mut names = Vec::new();
        let _ = Config::read(&mut |name| {
            names.push(name);
            Given::Absent
        });
        names
    }

    fn text(given: &str) -> Given {
        Given::Text(given.to_owned())
    }

    #[test]
    fn endpoints() {
        for good in [
            "/telemetry",
            "/",
            "/a/b?c=d",
            "http://127.0.0.1:8080/v1/events",
            "https://t.example/x@y",
            "HTTPS://T.EXAMPLE",
        ] {
            assert!(is_endpoint(good), "{good}");
        }
        let long = format!("/{}", "a".repeat(ENDPOINT_MAX_BYTES));
        for bad in [
            "",
            "telemetry",
            "./telemetry",
            "//evil.example/x",
            "/\\evil.example",
            "/\t/evil.example",
            "/ /evil",
            "javascript:alert(1)",
            "data:text/plain,x",
            "ftp://t.example/",
            "file:///etc/passwd",
            "https://user:pw@t.example/",
            "https://user@t.example/",
            "https://",
            "https:/t.example",
            "ws://t.example",
            " /telemetry",
            long.as_str(),
        ] {
            assert!(!is_endpoint(bad), "{bad}");
            let error = read(&[("endpoint", text(bad))]).expect_err("refused");
            assert_eq!((error.code(), error.subject()), ("invalid_option", "endpoint"));
        }
    }

    #[test]
    fn absent_keeps_the_default_but_the_endpoint_is_required() {
        let default = read(&[]).expect("taken");
        for name in names() {
            let taken = read(&[(name, Given::Absent)]);
            assert_eq!(taken.is_ok(), name != "endpoint", "{name}");
            assert!(taken.is_err() || taken == Ok(default.clone()), "{name}");
        }
        let expected = Config {
            endpoint: "/telemetry".into(),
            format: Format::Ndjson,
            honor_browser_signals: true,
            consent: Asked::Granted,
            client_type: "browser".into(),
            error_messages: ErrorMessages::Scrubbed,
            component_names: None,
            flush_interval_ms: 5_000.0,
            max_batch_events: 50,
            max_batch_bytes: 16_384,
            max_queue_bytes: 2_097_152,
            delivery: None,
            persist: true,
            sample_rate: 1.0,
            dry_run: false,
        };
        assert_eq!(default, expected);
    }

    #[test]
    fn every_option_takes_what_it_allows() {
        let allowed = [
            ("endpoint", text("https://t.example/")),
            ("format", text(Format::ALL.last().map_or("", |format| format.name()))),
            ("honorBrowserSignals", Given::Bool(false)),
            ("consent", text("pending")),
            ("clientType", text("desktop")),
            ("errorMessages", text("off")),
            ("componentNames", Given::Texts("ChatInput\0".into())),
            ("flushIntervalMs", Given::Number(0.0)),
            ("maxBatchEvents", Given::Number(1.0)),
            ("maxBatchBytes", Given::Number(61_440.0)),
            ("maxQueueBytes", Given::Number(16_384.0)),
            ("delivery", text("at-most-once")),
            ("persist", Given::Bool(false)),
            ("sampleRate", Given::Number(0.5)),
            ("dryRun", Given::Bool(true)),
            ("app.package", text("langflow")),
            ("app.version", text("1.13.0")),
            ("app.python", text("3.12")),
            ("app.autoLogin", Given::Bool(true)),
            ("app.cacheType", text("redis")),
            ("app.backendOnly", Given::Bool(false)),
        ];
        let mut asked = names();
        for (name, given) in allowed {
            asked.retain(|other| *other != name);
            let config = read(&[(name, given)]).unwrap_or_else(|error| panic!("{name}: {error}"));
            // What is inside `app` goes by another way, and a build may have one format only.
            let changes = !name.starts_with("app.") && (name != "format" || Format::ALL.len() > 1);
            assert_eq!(config != read(&[]).expect("taken"), changes, "{name}");
        }
        assert!(asked.is_empty(), "{asked:?} are not tried");
    }

    #[test]
    fn component_names_are_at_most_so_many() {
        let names = |count| read(&[("componentNames", Given::Texts("a\0".repeat(count)))]);
        assert!(names(COMPONENT_NAMES_MAX).is_ok());
        assert!(names(COMPONENT_NAMES_MAX + 1).is_err());
    }

    #[test]
    fn each_word_has_its_meaning() {
        let read = |name, word| read(&[(name, text(word))]).expect("taken");
        for format in Format::ALL {
            assert_eq!(read("format", format.name()).format, *format);
        }
        for (word, asked) in
            [("granted", Asked::Granted), ("pending", Asked::Pending), ("denied", Asked::Denied)]
        {
            assert_eq!(read("consent", word).consent, asked);
        }
        for (word, kept) in [("scrubbed", ErrorMessages::Scrubbed), ("off", ErrorMessages::Off)] {
            assert_eq!(read("errorMessages", word).error_messages, kept);
        }
        for (word, guarantee) in
            [("at-least-once", Guarantee::AtLeastOnce), ("at-most-once", Guarantee::AtMostOnce)]
        {
            assert_eq!(read("delivery", word).delivery, Some(guarantee));
        }
    }

    #[test]
    fn the_first_mistake_is_told_and_what_lies_between_the_words_is_none() {
        let error = read(&[("persist", Given::Other), ("consent", text(" or "))]).expect_err("refused");
        assert_eq!(error.subject(), "consent");
        for word in ["", ", ", ", or ", "langflow-telemetry/gateway"] {
            assert!(read(&[("format", text(word))]).is_err(), "{word}");
        }
    }

    #[test]
    fn a_format_is_there_or_refused_with_a_word_on_this_entry() {
        for (word, is_there) in
            [("ndjson", true), ("otlp", cfg!(feature = "otlp")), ("gateway", cfg!(feature = "gateway"))]
        {
            match read(&[("format", text(word))]) {
                Ok(config) => assert_eq!((config.format.name(), is_there), (word, true)),
                Err(error) => {
                    let help = ["this entry has no others", "import from langflow-telemetry/gateway"];
                    assert!(!is_there && help.iter().any(|end| error.expected().ends_with(end)), "{word}");
                }
            }
        }
    }

    #[cfg(feature = "gateway")]
    #[test]
    fn a_ping_is_a_url_of_its_own() {
        let config = read(&[("endpoint", text("/t")), ("format", text("gateway"))]).expect("taken");
        assert_eq!(config.format, Format::Gateway);
        assert_eq!(config.batch("https://t.example/t"), (1, 2_047 - 256 - 19));
        assert_eq!(config.guarantee(), Guarantee::AtMostOnce);
        assert_eq!(config.batch(&"x".repeat(3_000)), (1, 0));
        for endpoint in ["/t?a=b", "/t#a"] {
            let error =
                read(&[("endpoint", text(endpoint)), ("format", text("gateway"))]).expect_err("refused");
            assert_eq!(error.subject(), "endpoint");
        }
    }

    #[test]
    fn every_option_refuses_what_it_does_not_allow() {
        let long = "x".repeat(NAME_MAX_CHARS + 1);
        for name in names() {
            let mut bad = vec![Given::Other, Given::Number(f64::NAN), Given::Number(-1.0), text(&long)];
            if name != "honorBrowserSignals"
                && name != "persist"
                && name != "dryRun"
                && !name.starts_with("app.")
            {
                bad.push(Given::Bool(true));
            }
            for given in bad {
                let error = read(&[(name, given.clone())]).expect_err(name);
                assert_eq!(error.subject(), name, "{given:?}");
                assert!(!error.expected().is_empty());
            }
        }
        for (name, number) in [
            ("flushIntervalMs", 600_001.0),
            ("maxBatchEvents", 0.0),
            ("maxBatchBytes", 61_441.0),
            ("maxQueueBytes", 1.0),
            ("sampleRate", 1.1),
            ("flushIntervalMs", f64::INFINITY),
        ] {
            assert!(read(&[(name, Given::Number(number))]).is_err(), "{name} {number}");
        }
    }
}
