//! The five events and their envelope. This is the one place where a field is named: the wire, the JSON
//! Schema, the TypeScript types and the tables in the docs all come from these types.
//!
//! Field names and meanings are those of Langflow's published telemetry page; what that page does not
//! name is not here. A field that is not known is left out, never guessed.

use serde::{Deserialize, Serialize};

/// Longest component name, package, version … in characters. Langflow's own names end near 40; 128 leaves
/// room for custom components and keeps a free text from travelling as a name.
pub const NAME_MAX_CHARS: usize = 128;

/// Longest error message on the wire, in bytes of UTF-8. Enough for an exception class, its sentence and a
/// file and line; Langflow's gateway caps the whole URL at 2048 characters.
pub const ERROR_MESSAGE_MAX_BYTES: usize = 512;

/// Largest duration, in seconds: beyond it an `f64` no longer holds every millisecond.
pub const SECONDS_MAX: f64 = 9_007_199_254_740.0;

/// Largest count: the largest integer which JavaScript holds exactly.
pub const COUNT_MAX: f64 = 9_007_199_254_740_991.0;

/// A flow run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Run {
    /// Whether the run was triggered by a webhook.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_webhook: Option<bool>,
    /// How long the run lasted, in seconds, to the millisecond.
    pub seconds: f64,
    /// Whether the run was successful.
    pub success: bool,
    /// What went wrong, where the run was not successful: scrubbed, at most 512 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_message: Option<String>,
}

/// The end of a page's life.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Shutdown {
    /// How long the page was open, in seconds, to the millisecond.
    pub time_running: f64,
}

/// What is running: sent once a page load. Each field is left out where it is not known.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Version {
    /// The package in use, such as `langflow`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package: Option<String>,
    /// The version of that package.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The operating system the browser runs on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<String>,
    /// The version of Python behind the page, as the host page was told it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub python: Option<String>,
    /// The processor architecture, where the browser tells it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arch: Option<String>,
    /// Whether auto-login is enabled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auto_login: Option<bool>,
    /// The kind of cache in use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_type: Option<String>,
    /// Whether Langflow runs without its frontend.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backend_only: Option<bool>,
}

/// A run in the playground.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Playground {
    /// How long the run lasted, in seconds, to the millisecond.
    pub seconds: f64,
    /// How many components the flow has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub component_count: Option<u64>,
    /// Whether the run was successful.
    pub success: bool,
    /// What went wrong, where the run was not successful: scrubbed, at most 512 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_message: Option<String>,
}

/// One component's execution.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Component {
    /// The component's type name, such as `ChatInput`; `custom` where it is not a known shape.
    pub name: String,
    /// How long the execution lasted, in seconds, to the millisecond.
    pub seconds: f64,
    /// Whether the component was successful.
    pub success: bool,
    /// What went wrong, where the component was not successful: scrubbed, at most 512 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_message: Option<String>,
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

/// What every event carries beside its own fields.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Origin {
    /// Random per page load: 12 characters of `0-9a-z`. Never stored but with unsent events.
    pub session: String,
    /// The event's number in its session. `(session, seq)` is its key.
    pub seq: u64,
    /// When the event happened: Unix milliseconds.
    pub time: u64,
    /// Tells a browser's events from the backend's for the same run.
    pub client_type: String,
    /// The share of page loads that report, where it is below 1: each event stands for `1 / sampleRate`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample_rate: Option<f64>,
}

/// One line of the wire: an event and where it comes from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Record {
    /// The event with its own fields.
    #[serde(flatten)]
    pub event: Event,
    /// The fields common to all.
    #[serde(flatten)]
    pub origin: Origin,
}
