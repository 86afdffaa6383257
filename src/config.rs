//! Options → Config: names, defaults, bounds.
//!
//! The edge reads each name of [`Config::NAMES`] from the object given to `init` and hands over what it
//! found; [`Config::set`] is the only place that judges it. A derived `Deserialize` would do the same for
//! 1 to 20 KB more.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;

use crate::consent::Asked;
use crate::error::Error;
use crate::event::{NAME_MAX_CHARS, Version};
use crate::wire::Format;
use crate::wire::gateway::URL_MAX;

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
    /// An array whose items are all strings.
    Texts(Vec<String>),
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
    /// The app's part of the Version event; platform and arch are the navigator's.
    pub app: Version,
    /// Tells a browser's events from the backend's.
    pub client_type: String,
    /// What becomes of error messages.
    pub error_messages: ErrorMessages,
    /// Component names that may travel; `None` for all that look like a name.
    pub component_names: Option<Vec<String>>,
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

impl Default for Config {
    fn default() -> Self {
        Self {
            endpoint: String::new(),
            format: Format::default(),
            honor_browser_signals: true,
            consent: Asked::default(),
            app: Version::default(),
            client_type: "browser".to_owned(),
            error_messages: ErrorMessages::default(),
            component_names: None,
            flush_interval_ms: 5_000.0,
            max_batch_events: 50,
            max_batch_bytes: 16_384,
            max_queue_bytes: 2_097_152,
            delivery: None,
            persist: true,
            sample_rate: 1.0,
            dry_run: false,
        }
    }
}

impl Config {
    /// The names of the options as JavaScript spells them; those after a dot are inside `app`.
    pub const NAMES: [&str; 21] = [
        "endpoint",
        "format",
        "honorBrowserSignals",
        "consent",
        "clientType",
        "errorMessages",
        "componentNames",
        "flushIntervalMs",
        "maxBatchEvents",
        "maxBatchBytes",
        "maxQueueBytes",
        "delivery",
        "persist",
        "sampleRate",
        "dryRun",
        "app.package",
        "app.version",
        "app.python",
        "app.autoLogin",
        "app.cacheType",
        "app.backendOnly",
    ];

    /// Takes what was given under `name`.
    ///
    /// # Errors
    /// Names the option and what it allows. The configuration is then not to be used.
    pub fn set(&mut self, name: &'static str, given: Given) -> Result<(), Error> {
        if given == Given::Absent && name != "endpoint" {
            return Ok(());
        }
        let refuse = |expected| Err(Error::option(name, expected));
        let number = if let Given::Number(number) = given { number } else { f64::NAN };
        let text = if let Given::Text(text) = &given { text.as_str() } else { "" };
        match name {
            "endpoint" if is_endpoint(text) => self.endpoint = text.to_owned(),
            "endpoint" => {
                return refuse(
                    "an http(s) URL without user name or password, or a path such as \"/telemetry\"",
                );
            }
            "format" => match text {
                "ndjson" => self.format = Format::Ndjson,
                "otlp" => self.format = Format::Otlp,
                // Its events become the query.
                "gateway" if !self.endpoint.contains(['?', '#']) => self.format = Format::Gateway,
                _ => {
                    return refuse("\"ndjson\", \"otlp\", or \"gateway\" with an endpoint that has no query");
                }
            },
            "consent" => match text {
                "granted" => self.consent = Asked::Granted,
                "pending" => self.consent = Asked::Pending,
                "denied" => self.consent = Asked::Denied,
                _ => return refuse("\"granted\", \"pending\" or \"denied\""),
            },
            "errorMessages" => match text {
                "scrubbed" => self.error_messages = ErrorMessages::Scrubbed,
                "off" => self.error_messages = ErrorMessages::Off,
                _ => return refuse("\"scrubbed\" or \"off\""),
            },
            "delivery" => match text {
                "at-least-once" => self.delivery = Some(Guarantee::AtLeastOnce),
                "at-most-once" => self.delivery = Some(Guarantee::AtMostOnce),
                _ => return refuse("\"at-least-once\" or \"at-most-once\""),
            },
            "componentNames" => match given {
                Given::Texts(names) if names.len() <= COMPONENT_NAMES_MAX => {
                    self.component_names = Some(names)
                }
                _ => return refuse("an array of at most 2000 strings"),
            },
            "flushIntervalMs" if (0.0..=600_000.0).contains(&number) => self.flush_interval_ms = number,
            "flushIntervalMs" => return refuse("0 to 600000 (ms)"),
            "maxBatchEvents" if (1.0..=1_000.0).contains(&number) => self.max_batch_events = number as u32,
            "maxBatchEvents" => return refuse("1 to 1000"),
            "maxBatchBytes" if (1_024.0..=61_440.0).contains(&number) => {
                self.max_batch_bytes = number as usize
            }
            "maxBatchBytes" => return refuse("1024 to 61440 (bytes)"),
            "maxQueueBytes" if (16_384.0..=16_777_216.0).contains(&number) => {
                self.max_queue_bytes = number as usize;
            }
            "maxQueueBytes" => return refuse("16384 to 16777216 (bytes)"),
            "sampleRate" if (0.0..=1.0).contains(&number) => self.sample_rate = number,
            "sampleRate" => return refuse("a number from 0 to 1"),
            "clientType" | "app.package" | "app.version" | "app.python" | "app.cacheType" => {
                if !matches!(given, Given::Text(_)) || text.chars().nth(NAME_MAX_CHARS).is_some() {
                    return refuse("a string of at most 128 characters");
                }
                let text = text.to_owned();
                match name {
                    "clientType" => self.client_type = text,
                    "app.package" => self.app.package = Some(text),
                    "app.version" => self.app.version = Some(text),
                    "app.python" => self.app.python = Some(text),
                    _ => self.app.cache_type = Some(text),
                }
            }
            _ => {
                let Given::Bool(flag) = given else { return refuse("true or false") };
                match name {
                    "honorBrowserSignals" => self.honor_browser_signals = flag,
                    "persist" => self.persist = flag,
                    "dryRun" => self.dry_run = flag,
                    "app.autoLogin" => self.app.auto_login = Some(flag),
                    _ => self.app.backend_only = Some(flag),
                }
            }
        }
        Ok(())
    }

    /// Suits the limits to a format that sends each event by itself, in the URL of a request: `base` is what comes
    /// before, and all of it may be so long.
    pub const fn fit(&mut self, base: &str) {
        self.max_batch_events = 1;
        // The `/` between them is not in the line, but its line end is.
        self.max_batch_bytes = (URL_MAX - 1).saturating_sub(base.len());
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

/// Whether events may be sent to `text`. URL parsers drop tabs and line ends and read `\` as `/`, so that
/// `/\host` would leave the origin: neither is let in, nor is `//host`. A user name or password would be
/// sent along with every request.
fn is_endpoint(text: &str) -> bool {
    if text.len() > ENDPOINT_MAX_BYTES || text.bytes().any(|b| b <= b' ' || b == b'\\' || b == 0x7f) {
        return false;
    }
    if let Some(path) = text.strip_prefix('/') {
        return !path.starts_with('/');
    }
    let (scheme, rest) = text.split_once(':').unwrap_or_default();
    let Some(rest) = rest.strip_prefix("//") else { return false };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    (scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https"))
        && !authority.is_empty()
        && !authority.contains('@')
}

#[cfg(test)]
mod tests {
    use super::*;

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
            let error = Config::default().set("endpoint", text(bad)).expect_err("refused");
            assert_eq!((error.code(), error.subject()), ("invalid_option", "endpoint"));
        }
    }

    #[test]
    fn absent_keeps_the_default_but_the_endpoint_is_required() {
        let mut config = Config::default();
        for name in Config::NAMES {
            let taken = config.set(name, Given::Absent);
            assert_eq!(taken.is_ok(), name != "endpoint", "{name}");
        }
        assert_eq!(config, Config::default());
    }

    #[test]
    fn every_option_takes_what_it_allows() {
        for (name, given) in [
            ("endpoint", text("/telemetry")),
            ("format", text("otlp")),
            ("honorBrowserSignals", Given::Bool(false)),
            ("consent", text("pending")),
            ("clientType", text("desktop")),
            ("errorMessages", text("off")),
            ("componentNames", Given::Texts(vec!["ChatInput".into()])),
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
        ] {
            let mut config = Config::default();
            config.set(name, given).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert!(config != Config::default(), "{name} changed nothing");
        }
    }

    #[test]
    fn a_ping_is_a_url_of_its_own() {
        let mut config = Config::default();
        config.set("endpoint", text("/t")).expect("taken");
        config.set("format", text("gateway")).expect("taken");
        config.fit("https://t.example/t");
        assert_eq!((config.max_batch_events, config.max_batch_bytes), (1, 2_047 - 19));
        assert_eq!(config.guarantee(), Guarantee::AtMostOnce);
        config.fit(&"x".repeat(3_000));
        assert_eq!(config.max_batch_bytes, 0);
        for endpoint in ["/t?a=b", "/t#a"] {
            config.set("endpoint", text(endpoint)).expect("taken");
            let error = config.set("format", text("gateway")).expect_err("refused");
            assert_eq!(error.subject(), "format");
        }
    }

    #[test]
    fn every_option_refuses_what_it_does_not_allow() {
        let long = "x".repeat(NAME_MAX_CHARS + 1);
        for name in Config::NAMES {
            let mut bad = vec![Given::Other, Given::Number(f64::NAN), Given::Number(-1.0), text(&long)];
            if name != "honorBrowserSignals"
                && name != "persist"
                && name != "dryRun"
                && !name.starts_with("app.")
            {
                bad.push(Given::Bool(true));
            }
            for given in bad {
                let error = Config::default().set(name, given.clone()).expect_err(name);
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
            assert!(Config::default().set(name, Given::Number(number)).is_err(), "{name} {number}");
        }
    }
}
