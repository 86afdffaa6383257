//! Operating system and processor, from client hints where the browser has them, else from the user agent.
//! What cannot be known is left out: Firefox and Safari say "Intel" on every Mac, Chromium's reduced user
//! agent says "x86_64" on every Linux and "x64" on every Windows. WebGL would tell more; that is
//! fingerprinting, and never done.

/// What the browser says about the machine.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Hints<'a> {
    /// `navigator.userAgent`.
    pub user_agent: &'a str,
    /// `navigator.maxTouchPoints` above 1: an iPad calls itself a Macintosh.
    pub touch: bool,
    /// `navigator.userAgentData.platform`; empty where there is none.
    pub platform: &'a str,
    /// The high-entropy hints `architecture` and `bitness`, a space between; anything else where they were withheld.
    pub processor: &'a str,
}

/// Parts of a user agent in the order in which they are looked for, and what they say: `Android` stands
/// before `Linux` and `CrOS` before both, since their user agents name the others too.
const SYSTEMS: [(&str, &str); 8] = [
    ("Windows", "Windows"),
    ("iPhone", "iOS"),
    ("iPad", "iOS"),
    ("Macintosh", "macOS"),
    ("Android", "Android"),
    ("CrOS", "Chrome OS"),
    ("Linux", "Linux"),
    ("BSD", "BSD"),
];

/// User agents' words for a processor that no browser writes by habit.
const PROCESSORS: [(&str, &str); 4] =
    [("aarch64", "arm64"), ("arm64", "arm64"), ("armv", "arm"), ("i686", "x86")];

/// Client hints' words for a processor.
const HINTED: [(&str, &str); 4] =
    [("x86 64", "x86_64"), ("x86 32", "x86"), ("arm 64", "arm64"), ("arm 32", "arm")];

impl Hints<'_> {
    /// `Windows`, `macOS`, `Linux`, `Android`, `iOS`, `Chrome OS` or `BSD`.
    pub fn system(&self) -> Option<&'static str> {
        // Client hints use the same names, but for Chromium OS; a name that is not in the table is not ours
        // to pass on.
        let hinted = SYSTEMS.iter().map(|(_, name)| *name).find(|name| *name == self.platform);
        let system = hinted.or_else(|| find(&SYSTEMS, self.user_agent))?;
        // No browser on iOS has hints: a Mac that they name is one, whatever screen is plugged into it.
        Some(if system == "macOS" && self.touch && hinted.is_none() { "iOS" } else { system })
    }

    /// `x86_64`, `x86`, `arm64` or `arm`.
    pub fn arch(&self) -> Option<&'static str> {
        let hinted = HINTED.iter().find(|(name, _)| *name == self.processor).map(|(_, name)| *name);
        hinted.or_else(|| find(&PROCESSORS, self.user_agent))
    }
}

/// What the first part that `text` holds says.
fn find(table: &[(&str, &'static str)], text: &str) -> Option<&'static str> {
    for (part, name) in table {
        // `str::contains` brings 2 KB of a search made for long texts.
        let mut rest = text.as_bytes();
        while let [_, after @ ..] = rest {
            if rest.starts_with(part.as_bytes()) {
                return Some(name);
            }
            rest = after;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agent(user_agent: &str) -> Hints<'_> {
        Hints { user_agent, ..Hints::default() }
    }

    #[test]
    fn user_agents() {
        for (user_agent, system, arch) in [
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
                Some("Windows"),
                None,
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/605.1.15",
                Some("macOS"),
                None,
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:140.0) Gecko/20100101 Firefox/140.0",
                Some("macOS"),
                None,
            ),
            ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", Some("Linux"), None),
            (
                "Mozilla/5.0 (X11; Linux aarch64; rv:140.0) Gecko/20100101 Firefox/140.0",
                Some("Linux"),
                Some("arm64"),
            ),
            (
                "Mozilla/5.0 (X11; Linux i686; rv:140.0) Gecko/20100101 Firefox/140.0",
                Some("Linux"),
                Some("x86"),
            ),
            (
                "Mozilla/5.0 (X11; Linux armv7l) AppleWebKit/537.36 Chrome/90.0 Safari/537.36",
                Some("Linux"),
                Some("arm"),
            ),
            (
                "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 Chrome/140.0.0.0 Mobile Safari/537.36",
                Some("Android"),
                None,
            ),
            (
                "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 Chrome/140.0.0.0 Safari/537.36",
                Some("Chrome OS"),
                None,
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Mobile Safari/604.1",
                Some("iOS"),
                None,
            ),
            ("Mozilla/5.0 (X11; FreeBSD amd64; rv:140.0) Gecko/20100101 Firefox/140.0", Some("BSD"), None),
            ("", None, None),
            ("curl/8.0", None, None),
        ] {
            assert_eq!(
                (agent(user_agent).system(), agent(user_agent).arch()),
                (system, arch),
                "{user_agent}"
            );
        }
    }

    #[test]
    fn an_ipad_that_calls_itself_a_macintosh() {
        let hints = Hints { touch: true, ..agent("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)") };
        assert_eq!(hints.system(), Some("iOS"));
    }

    #[test]
    fn a_mac_with_a_touch_screen() {
        let hints = Hints {
            touch: true,
            platform: "macOS",
            ..agent("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 Chrome/140.0.0.0")
        };
        assert_eq!(hints.system(), Some("macOS"));
    }

    #[test]
    fn client_hints_come_first() {
        let hints = Hints {
            platform: "macOS",
            processor: "arm 64",
            ..agent("Mozilla/5.0 (Windows NT 10.0; Win64; x64)")
        };
        assert_eq!((hints.system(), hints.arch()), (Some("macOS"), Some("arm64")));
        for (processor, arch) in [
            ("x86 64", Some("x86_64")),
            ("x86 32", Some("x86")),
            ("arm 32", Some("arm")),
            (" ", None),
            ("undefined undefined", None),
            ("riscv 64", None),
        ] {
            assert_eq!(Hints { processor, ..Hints::default() }.arch(), arch);
        }
    }

    #[test]
    fn an_unknown_hint_is_not_passed_on() {
        let hints = Hints { platform: "JanesOS", ..agent("Mozilla/5.0 (X11; Linux x86_64)") };
        assert_eq!(hints.system(), Some("Linux"));
    }
}
