//! The one error of the crate: what was given, what was expected, and a code that stays.

use core::fmt;

/// What kind of input was refused. The text of [`Code::as_str`] is part of the public API: dashboards
/// and tests compare it, so it never changes once published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// An option given to `init` is outside what it allows. Telemetry stays off.
    InvalidOption,
    /// A field of a tracked event is outside what it allows. The event is refused and counted.
    InvalidEvent,
}

impl Code {
    /// The stable name, as `onDiagnostic` sees it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidOption => "invalid_option",
            Self::InvalidEvent => "invalid_event",
        }
    }
}

/// A refusal. It carries only static text: the value that was given is attached by the caller, who still
/// has it (formatting an `f64` in here would add 10 KB to the module).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    code: Code,
    subject: &'static str,
    expected: &'static str,
}

impl Error {
    /// An option that is not acceptable: its name as JavaScript spells it, and what would be.
    pub const fn option(name: &'static str, expected: &'static str) -> Self {
        Self { code: Code::InvalidOption, subject: name, expected }
    }

    /// An event's field that is not acceptable: its name as JavaScript spells it, and what would be.
    pub const fn event(field: &'static str, expected: &'static str) -> Self {
        Self { code: Code::InvalidEvent, subject: field, expected }
    }

    /// The stable code.
    pub const fn code(&self) -> &'static str {
        self.code.as_str()
    }

    /// The option or field at fault.
    pub const fn subject(&self) -> &'static str {
        self.subject
    }

    /// What would have been accepted, as the end of the sentence "expected …".
    pub const fn expected(&self) -> &'static str {
        self.expected
    }

    /// Whether it was an option of `init` rather than an event.
    pub const fn is_option(&self) -> bool {
        matches!(self.code, Code::InvalidOption)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.subject)?;
        f.write_str(": expected ")?;
        f.write_str(self.expected)
    }
}

impl core::error::Error for Error {}
