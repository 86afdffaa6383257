//! May we collect? Asked at the start, at each choice, and again whenever something is about to be sent or kept. Where there
//! is a no before anything is loaded, this module is not even compiled: for that the shell in `pkg/client.js` reads
//! `doNotTrack`, and the rest by the same rules in `refusal`.

/// What is known about the wishes of the page and of the person in front of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Signals {
    /// The host page said: do not track.
    pub do_not_track: bool,
    /// The option `honorBrowserSignals`: whether the next two count.
    pub honor_browser: bool,
    /// `navigator.globalPrivacyControl`.
    pub gpc: bool,
    /// `navigator.doNotTrack` is `"1"` (`"yes"` in old Firefox).
    pub dnt: bool,
    /// The option `consent`.
    pub asked: Asked,
    /// What `optIn()` or `optOut()` said last, on this visit or, for a no, on an earlier one.
    pub chosen: Option<Choice>,
}

/// The option `consent`: what holds until the person chooses.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Asked {
    /// Collect.
    #[default]
    Granted,
    /// Not asked yet: hold in memory, touch nothing.
    Pending,
    /// Asked elsewhere, refused.
    Denied,
}

/// The person's own choice at run time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// `optIn()`.
    In,
    /// `optOut()`, remembered on this origin.
    Out,
}

/// The answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consent {
    /// Collect and send.
    Granted,
    /// Hold in memory, bounded; no request, no listener, no storage.
    Pending,
    /// Nothing at all, for this reason.
    Denied(Reason),
}

/// Why nothing is collected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// `doNotTrack`.
    DoNotTrack,
    /// Global Privacy Control or Do Not Track of the browser.
    BrowserSignal,
    /// `optOut()`, now or on an earlier visit.
    OptedOut,
    /// `consent: "denied"`.
    Denied,
}

impl Reason {
    /// The stable name, as `stats().reason` has it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DoNotTrack => "do_not_track",
            Self::BrowserSignal => "browser_signal",
            Self::OptedOut => "opted_out",
            Self::Denied => "denied",
        }
    }
}

/// Weighs the signals. A no of the host page or of the browser is above any choice made at run time: a
/// person who asked every site not to track them is not asked again by a click.
pub fn decide(signals: Signals) -> Consent {
    if signals.do_not_track {
        return Consent::Denied(Reason::DoNotTrack);
    }
    if signals.honor_browser && (signals.gpc || signals.dnt) {
        return Consent::Denied(Reason::BrowserSignal);
    }
    match (signals.chosen, signals.asked) {
        (Some(Choice::Out), _) => Consent::Denied(Reason::OptedOut),
        (Some(Choice::In), _) | (None, Asked::Granted) => Consent::Granted,
        (None, Asked::Pending) => Consent::Pending,
        (None, Asked::Denied) => Consent::Denied(Reason::Denied),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPEN: Signals = Signals {
        do_not_track: false,
        honor_browser: true,
        gpc: false,
        dnt: false,
        asked: Asked::Granted,
        chosen: None,
    };

    #[test]
    fn nobody_said_no() {
        assert_eq!(decide(OPEN), Consent::Granted);
    }

    #[test]
    fn the_host_page_is_above_everything() {
        let signals = Signals { do_not_track: true, chosen: Some(Choice::In), ..OPEN };
        assert_eq!(decide(signals), Consent::Denied(Reason::DoNotTrack));
    }

    #[test]
    fn the_browser_counts_unless_told_otherwise() {
        for (gpc, dnt) in [(true, false), (false, true), (true, true)] {
            let signals = Signals { gpc, dnt, chosen: Some(Choice::In), ..OPEN };
            assert_eq!(decide(signals), Consent::Denied(Reason::BrowserSignal));
            assert_eq!(decide(Signals { honor_browser: false, ..signals }), Consent::Granted);
        }
    }

    #[test]
    fn pending_waits_for_a_choice() {
        let pending = Signals { asked: Asked::Pending, ..OPEN };
        assert_eq!(decide(pending), Consent::Pending);
        assert_eq!(decide(Signals { chosen: Some(Choice::In), ..pending }), Consent::Granted);
        assert_eq!(
            decide(Signals { chosen: Some(Choice::Out), ..pending }),
            Consent::Denied(Reason::OptedOut)
        );
    }

    #[test]
    fn a_no_given_before_holds() {
        let signals = Signals { chosen: Some(Choice::Out), ..OPEN };
        assert_eq!(decide(signals), Consent::Denied(Reason::OptedOut));
        assert_eq!(decide(Signals { asked: Asked::Denied, ..OPEN }), Consent::Denied(Reason::Denied));
    }
}
