//! The five events and their envelope. This is the one place where a field is named: the wire, the JSON
//! Schema, the TypeScript types and the tables in the docs all come from these types.
//!
//! Field names and meanings are those of Langflow's published telemetry page; what that page does not
//! name is not here. A field that is not known is left out, never guessed.

use alloc::string::String;

use serde::{Deserialize, Serialize};

use crate::error::Error;
#[cfg(doc)]
use crate::redact;
use crate::wire::{Field, Pen};

/// Longest component name, package, version … in characters. Langflow's own names end near 40; 128 leaves
/// room for custom components and keeps a free text from travelling as a name.
pub const NAME_MAX_CHARS: usize = 128;

/// What an error says of a longer one.
pub(crate) const NAME_EXPECTED: &str = "a string of at most 128 characters";

/// Longest error message on the wire, in bytes of UTF-8. Enough for an exception class, its sentence and a
/// file and line; Langflow's gateway caps the whole URL at 2048 characters.
pub const ERROR_MESSAGE_MAX_BYTES: usize = 512;

/// Largest duration, in seconds (285 years): beyond it an `f64` no longer holds the six decimals of the wire.
pub const SECONDS_MAX: f64 = 9_007_199_254.0;

/// Largest count: the largest integer which JavaScript holds exactly.
pub const COUNT_MAX: f64 = 9_007_199_254_740_991.0;

/// A struct of the wire. Beside each field is its name there: serde gets it, and [`walk`](Run::walk), which hands the
/// fields to the encoders. The walk that serde itself would do is ten times as large, since each type of field and each
/// event bring copies of it along.
macro_rules! fields {
    (
        $(#[$of_struct:meta])*
        pub struct $struct:ident {
            $($(#[$of_field:meta])* pub $field:ident: $type:ty = $name:literal,)*
        }
    ) => {
        $(#[$of_struct])*
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        pub struct $struct {
            $($(#[$of_field])* #[serde(rename = $name)] pub $field: $type,)*
        }

        impl $struct {
            /// Has each known field written down, in the order of declaration.
            pub fn walk(&self, pen: &mut Pen<'_>) {
                $(self.$field.write(concat!(",\"", $name, "\":"), pen);)*
            }
        }
    };
}

fields! {
    /// A flow run.
    pub struct Run {
        /// Whether the run was triggered by a webhook.
        ///
        /// Purpose: Tells runs that a webhook triggered from those of a person.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "schema", schemars(example = true))]
        pub is_webhook: Option<bool> = "isWebhook",
        /// How long the run lasted, in seconds, to the millisecond.
        ///
        /// Purpose: Insight into performance.
        #[cfg_attr(feature = "schema", schemars(range(min = 0.0, max = SECONDS_MAX), example = 2.4))]
        pub seconds: f64 = "seconds",
        /// Whether the run was successful.
        ///
        /// Purpose: Helps to find errors and issues.
        #[cfg_attr(feature = "schema", schemars(example = false))]
        pub success: bool = "success",
        /// What went wrong, where the run was not successful: scrubbed, at most 512 bytes.
        ///
        /// Purpose: Troubleshooting and enhancements.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "schema", schemars(length(max = ERROR_MESSAGE_MAX_BYTES)))]
        #[cfg_attr(feature = "schema", schemars(example = &"ValueError: no such model: <path>"))]
        pub error_message: Option<String> = "errorMessage",
    }
}

fields! {
    /// The end of a page's life.
    pub struct Shutdown {
        /// How long the page was open, in seconds, to the millisecond.
        ///
        /// Purpose: Shows how long a page is used, to improve uptime.
        #[cfg_attr(feature = "schema", schemars(range(min = 0.0, max = SECONDS_MAX), example = 1834.207))]
        pub time_running: f64 = "timeRunning",
    }
}

fields! {
    /// What is running: sent once a page load. Each field is left out where it is not known.
    #[derive(Default)]
    pub struct Version {
        /// The package in use, such as `langflow`.
        ///
        /// Purpose: Tells Langflow's own package from those built on it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "schema", schemars(length(max = NAME_MAX_CHARS), example = &"langflow"))]
        pub package: Option<String> = "package",
        /// The version of that package.
        ///
        /// Purpose: Tracks the adoption of features, and compatibility.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "schema", schemars(length(max = NAME_MAX_CHARS), example = &"1.13.0"))]
        pub version: Option<String> = "version",
        /// The operating system of the browser: `Windows`, `macOS`, `Linux`, `Android`, `iOS`, `Chrome OS` or `BSD`.
        ///
        /// Purpose: Shows which platforms to support first.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "schema", schemars(length(max = NAME_MAX_CHARS), example = &"Linux"))]
        pub platform: Option<String> = "platform",
        /// The version of Python behind the page, as the host page was told it.
        ///
        /// Purpose: Keeps Langflow compatible with the Pythons in use.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "schema", schemars(length(max = NAME_MAX_CHARS), example = &"3.12"))]
        pub python: Option<String> = "python",
        /// The processor architecture, where the browser tells it: `x86_64`, `x86`, `arm64` or `arm`.
        ///
        /// Purpose: Shows which hardware to optimize for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "schema", schemars(length(max = NAME_MAX_CHARS), example = &"x86_64"))]
        pub arch: Option<String> = "arch",
        /// Whether auto-login is enabled.
        ///
        /// Purpose: Shows which setting people prefer.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "schema", schemars(example = true))]
        pub auto_login: Option<bool> = "autoLogin",
        /// The kind of cache in use.
        ///
        /// Purpose: Caching affects performance and efficiency.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "schema", schemars(length(max = NAME_MAX_CHARS), example = &"memory"))]
        pub cache_type: Option<String> = "cacheType",
        /// Whether Langflow runs without its frontend.
        ///
        /// Purpose: Shows how Langflow is deployed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "schema", schemars(example = false))]
        pub backend_only: Option<bool> = "backendOnly",
    }
}

fields! {
    /// A run in the playground.
    pub struct Playground {
        /// How long the run lasted, in seconds, to the millisecond.
        ///
        /// Purpose: Insight into performance while flows are tried out.
        #[cfg_attr(feature = "schema", schemars(range(min = 0.0, max = SECONDS_MAX), example = 2.4))]
        pub seconds: f64 = "seconds",
        /// How many components the flow has.
        ///
        /// Purpose: Shows how complex flows are.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "schema", schemars(range(max = COUNT_MAX as u64), example = 5))]
        pub component_count: Option<u64> = "componentCount",
        /// Whether the run was successful.
        ///
        /// Purpose: Shows how stable experimental features are.
        #[cfg_attr(feature = "schema", schemars(example = false))]
        pub success: bool = "success",
        /// What went wrong, where the run was not successful: scrubbed, at most 512 bytes.
        ///
        /// Purpose: Troubleshooting and enhancements.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "schema", schemars(length(max = ERROR_MESSAGE_MAX_BYTES)))]
        #[cfg_attr(feature = "schema", schemars(example = &"TimeoutError: no answer within 30 s"))]
        pub error_message: Option<String> = "errorMessage",
    }
}

fields! {
    /// One component's execution.
    pub struct Component {
        /// The component's type name, such as `ChatInput`, never a person's own title; `custom` where it does not look
        /// like a name.
        ///
        /// Purpose: Shows which components are used most, or fail most.
        #[cfg_attr(feature = "schema", schemars(length(max = NAME_MAX_CHARS), example = &"ChatInput"))]
        pub name: String = "name",
        /// How long the execution lasted, in seconds, to the millisecond.
        ///
        /// Purpose: Insight into performance.
        #[cfg_attr(feature = "schema", schemars(range(min = 0.0, max = SECONDS_MAX), example = 0.42))]
        pub seconds: f64 = "seconds",
        /// Whether the component was successful.
        ///
        /// Purpose: Quality control.
        #[cfg_attr(feature = "schema", schemars(example = false))]
        pub success: bool = "success",
        /// What went wrong, where the component was not successful: scrubbed, at most 512 bytes.
        ///
        /// Purpose: Debugging and improvement.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "schema", schemars(length(max = ERROR_MESSAGE_MAX_BYTES)))]
        #[cfg_attr(feature = "schema", schemars(example = &"KeyError: 'text' at chat.py:42"))]
        pub error_message: Option<String> = "errorMessage",
    }
}

/// Any of the five.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "event", rename_all = "lowercase")]
pub enum Event {
    /// A flow run.
    Run(Run),
    /// The end of a page's life.
    Shutdown(Shutdown),
    /// What is running.
    Version(Version),
    /// A run in the playground.
    Playground(Playground),
    /// One component's execution.
    Component(Component),
}

fields! {
    /// What every event carries beside its own fields.
    pub struct Origin {
        /// Random per page load: 12 characters of `0-9a-z`. Never stored but with unsent events.
        ///
        /// Purpose: Counts once what was sent twice; joins nothing across visits.
        #[cfg_attr(feature = "schema", schemars(regex(pattern = "^[0-9a-z]{12}$"), example = &"k3f9x2ab7c1d"))]
        pub session: String = "session",
        /// The event's number in its session. `(session, seq)` is its key.
        ///
        /// Purpose: Counts once what was sent twice; a gap shows a loss.
        #[cfg_attr(feature = "schema", schemars(range(max = COUNT_MAX as u64), example = 17))]
        pub seq: u64 = "seq",
        /// When the event happened: Unix milliseconds.
        ///
        /// Purpose: The order of events and their days, however late they were sent.
        #[cfg_attr(feature = "schema", schemars(range(max = COUNT_MAX as u64), example = 1_763_834_701_123_u64))]
        pub time: u64 = "time",
        /// Who reports: `browser`, unless the page says otherwise.
        ///
        /// Purpose: Keeps a run that both sides report from being counted twice.
        #[cfg_attr(feature = "schema", schemars(length(max = NAME_MAX_CHARS), example = &"browser"))]
        pub client_type: String = "clientType",
        /// The share of page loads that report, where it is below 1: each event stands for `1 / sampleRate`.
        ///
        /// Purpose: Scales counts up where only a share of page loads reports.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "schema", schemars(extend("exclusiveMinimum" = 0, "maximum" = 1), example = 0.1))]
        pub sample_rate: Option<f64> = "sampleRate",
    }
}

/// One line of the wire: an event and where it comes from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct Record {
    /// The event with its own fields.
    #[serde(flatten)]
    pub event: Event,
    /// The fields common to all.
    #[serde(flatten)]
    pub origin: Origin,
}

#[cfg(feature = "schema")]
impl Record {
    /// The JSON Schema of a line. The published schema, the tables and types made of it, and the collector's
    /// validation all come from here. Each field's description says what it is, then, after `Purpose:`, what for.
    pub fn json_schema() -> schemars::Schema {
        schemars::schema_for!(Self)
    }
}

impl Event {
    /// The five names, as the wire has them.
    pub const NAMES: [&str; 5] = ["run", "shutdown", "version", "playground", "component"];

    /// The place of the event's name in [`NAMES`](Self::NAMES).
    pub const fn place(&self) -> usize {
        match self {
            Self::Run(_) => 0,
            Self::Shutdown(_) => 1,
            Self::Version(_) => 2,
            Self::Playground(_) => 3,
            Self::Component(_) => 4,
        }
    }

    /// The event's name, as the wire has it.
    pub fn name(&self) -> &'static str {
        Self::NAMES.get(self.place()).copied().unwrap_or_default()
    }

    /// Whether it tells how something ended: the three that do have a success and, where it failed, a message.
    pub const fn has_outcome(&self) -> bool {
        !matches!(self, Self::Shutdown(_) | Self::Version(_))
    }

    /// Whether it tells of a failure.
    pub const fn is_failure(&self) -> bool {
        matches!(
            self,
            Self::Run(Run { success: false, .. })
                | Self::Playground(Playground { success: false, .. })
                | Self::Component(Component { success: false, .. })
        )
    }

    /// Where its message goes, which [`redact`](redact::redact) has seen. Only what failed has one.
    pub const fn message(&mut self) -> Option<&mut Option<String>> {
        match self {
            Self::Run(Run { success: false, error_message, .. })
            | Self::Playground(Playground { success: false, error_message, .. })
            | Self::Component(Component { success: false, error_message, .. }) => Some(error_message),
            _ => None,
        }
    }

    /// Has each known field of the event written down, in the order of declaration.
    pub fn walk(&self, pen: &mut Pen<'_>) {
        match self {
            Self::Run(event) => event.walk(pen),
            Self::Shutdown(event) => event.walk(pen),
            Self::Version(event) => event.walk(pen),
            Self::Playground(event) => event.walk(pen),
            Self::Component(event) => event.walk(pen),
        }
    }
}

/// The outcome that run, playground and component share, as it was given: not yet checked. The message comes later, to
/// [`Event::message`].
#[derive(Debug, Clone, Copy, Default)]
pub struct Outcome {
    /// Duration in seconds.
    pub seconds: f64,
    /// `None` where what was given is no boolean.
    pub success: Option<bool>,
}

impl Outcome {
    fn check(self) -> Result<(f64, bool), Error> {
        let seconds = seconds("seconds", self.seconds)?;
        let Some(success) = self.success else { return Err(Error::event("success", "true or false")) };
        Ok((seconds, success))
    }
}

impl Run {
    /// A run, its outcome checked.
    ///
    /// # Errors
    /// Names the field: a duration that is not finite or negative, a success that is no boolean.
    pub fn new(is_webhook: Option<bool>, outcome: Outcome) -> Result<Self, Error> {
        let (seconds, success) = outcome.check()?;
        Ok(Self { is_webhook, seconds, success, error_message: None })
    }
}

impl Playground {
    /// A playground run, its outcome checked. `component_count` as it was given.
    ///
    /// # Errors
    /// As [`Run::new`], and a count that is not a whole number ≥ 0.
    pub fn new(component_count: Option<f64>, outcome: Outcome) -> Result<Self, Error> {
        let component_count = component_count.map(count).transpose()?;
        let (seconds, success) = outcome.check()?;
        Ok(Self { seconds, component_count, success, error_message: None })
    }
}

impl Component {
    /// A component's execution, its outcome checked. `name` is taken as it is: see
    /// [`redact::component_name`] for what may be one.
    ///
    /// # Errors
    /// As [`Run::new`].
    pub fn new(name: String, outcome: Outcome) -> Result<Self, Error> {
        let (seconds, success) = outcome.check()?;
        Ok(Self { name, seconds, success, error_message: None })
    }
}

impl Version {
    /// The event, if each text is short enough to be a name and not a message.
    ///
    /// # Errors
    /// Names the field that is too long.
    pub fn check(self) -> Result<Self, Error> {
        for (field, text) in [
            ("package", &self.package),
            ("version", &self.version),
            ("platform", &self.platform),
            ("python", &self.python),
            ("arch", &self.arch),
            ("cacheType", &self.cache_type),
        ] {
            if text.as_ref().is_some_and(|text| !is_name(text)) {
                return Err(Error::event(field, NAME_EXPECTED));
            }
        }
        Ok(self)
    }
}

impl Shutdown {
    /// The end of a page that was open for `time_running` seconds.
    ///
    /// # Errors
    /// A duration that is not finite or negative.
    pub fn new(time_running: f64) -> Result<Self, Error> {
        Ok(Self { time_running: seconds("timeRunning", time_running)? })
    }
}

/// Whether a text is short enough to be a name and not a message.
pub(crate) fn is_name(text: &str) -> bool {
    // Each character has one byte that goes on with no other.
    text.bytes().filter(|byte| byte & 0xc0 != 0x80).count() <= NAME_MAX_CHARS
}

/// A duration, rounded to the millisecond.
fn seconds(field: &'static str, given: f64) -> Result<f64, Error> {
    if (0.0..=SECONDS_MAX).contains(&given) {
        Ok((given * 1000.0 + 0.5) as u64 as f64 / 1000.0)
    } else {
        Err(Error::event(field, "a finite number of seconds, 0 or more"))
    }
}

fn count(given: f64) -> Result<u64, Error> {
    if (0.0..=COUNT_MAX).contains(&given) && given as u64 as f64 == given {
        Ok(given as u64)
    } else {
        Err(Error::event("componentCount", "a whole number, 0 or more"))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::option;
    use proptest::prelude::*;

    use super::*;

    fn any_seconds() -> impl Strategy<Value = f64> {
        (0_u64..1_000_000_000).prop_map(|millis| millis as f64 / 1000.0)
    }

    fn any_text() -> impl Strategy<Value = Option<String>> {
        option::of(any::<String>())
    }

    /// Events of every kind, as [`Run::new`] and the others make them.
    pub(crate) fn any_event() -> impl Strategy<Value = Event> {
        let flag = || option::of(any::<bool>());
        prop_oneof![
            (flag(), any_seconds(), any::<bool>(), any_text()).prop_map(
                |(is_webhook, seconds, success, error_message)| Event::Run(Run {
                    is_webhook,
                    seconds,
                    success,
                    error_message
                })
            ),
            any_seconds().prop_map(|time_running| Event::Shutdown(Shutdown { time_running })),
            (any_text(), any_text(), any_text(), any_text(), any_text(), flag(), any_text(), flag())
                .prop_map(
                    |(package, version, platform, python, arch, auto_login, cache_type, backend_only)| {
                        Event::Version(Version {
                            package,
                            version,
                            platform,
                            python,
                            arch,
                            auto_login,
                            cache_type,
                            backend_only,
                        })
                    }
                ),
            (any_seconds(), option::of(0_u64..1_000_000), any::<bool>(), any_text()).prop_map(
                |(seconds, component_count, success, error_message)| Event::Playground(Playground {
                    seconds,
                    component_count,
                    success,
                    error_message
                })
            ),
            (any::<String>(), any_seconds(), any::<bool>(), any_text()).prop_map(
                |(name, seconds, success, error_message)| Event::Component(Component {
                    name,
                    seconds,
                    success,
                    error_message
                })
            ),
        ]
    }

    /// Envelopes with any numbers which JavaScript holds exactly.
    pub(crate) fn any_origin() -> impl Strategy<Value = Origin> {
        let exact = 0_u64..9_007_199_254_740_992;
        ("[0-9a-z]{12}", exact.clone(), exact, any::<String>(), option::of(1_u32..1_000_000)).prop_map(
            |(session, seq, time, client_type, parts)| Origin {
                session,
                seq,
                time,
                client_type,
                sample_rate: parts.map(|parts| f64::from(parts) / 1e6),
            },
        )
    }

    const fn failed(seconds: f64) -> Outcome {
        Outcome { seconds, success: Some(false) }
    }

    #[test]
    fn durations_are_finite_not_negative_and_keep_milliseconds() {
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.001, SECONDS_MAX * 2.0] {
            let error = Run::new(None, failed(bad)).expect_err("refused");
            assert_eq!((error.code(), error.subject()), ("invalid_event", "seconds"));
            assert_eq!(Shutdown::new(bad).expect_err("refused").subject(), "timeRunning");
        }
        for (given, kept) in [(0.0, 0.0), (0.4204, 0.42), (0.4205, 0.421), (1e9 + 0.001, 1e9 + 0.001)] {
            assert_eq!(Run::new(None, failed(given)).expect("taken").seconds, kept);
        }
    }

    #[test]
    fn success_is_a_boolean() {
        let outcome = Outcome { seconds: 1.0, ..Outcome::default() };
        assert_eq!(Component::new("A".into(), outcome).expect_err("refused").subject(), "success");
    }

    #[test]
    fn a_count_is_whole_and_not_negative() {
        for bad in [f64::NAN, -1.0, 1.5, f64::INFINITY, 1e16] {
            let error = Playground::new(Some(bad), failed(1.0)).expect_err("refused");
            assert_eq!(error.subject(), "componentCount");
        }
        assert_eq!(Playground::new(Some(5.0), failed(1.0)).expect("taken").component_count, Some(5));
        assert_eq!(Playground::new(None, failed(1.0)).expect("taken").component_count, None);
    }

    #[test]
    fn only_what_failed_has_a_message() {
        let has_one = |success| {
            let outcome = Outcome { seconds: 1.0, success: Some(success) };
            let mut events = [
                Run::new(None, outcome).map(Event::Run).expect("taken"),
                Playground::new(None, outcome).map(Event::Playground).expect("taken"),
                Component::new("A".into(), outcome).map(Event::Component).expect("taken"),
            ];
            events.each_mut().map(|event| event.message().is_some())
        };
        assert_eq!((has_one(true), has_one(false)), ([false; 3], [true; 3]));
        assert!(Shutdown::new(1.0).map(Event::Shutdown).expect("taken").message().is_none());
        assert!(Event::Version(Version::default()).message().is_none());
    }
}
