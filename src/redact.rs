//! Scrubs and caps error messages, and keeps free text out of component names.
//!
//! An error message is free text, and what goes wrong is often the very thing that must not travel: the key
//! that was refused, the address that could not be reached, the file in somebody's home directory. [`redact`]
//! replaces such values by short placeholders and leaves what helps: the exception class, the sentence, the
//! file's name and line.
//!
//! | placeholder | stands for | rule and its source |
//! |---|---|---|
//! | `<email>` | an e-mail address, `user@host`, also with `%40` | local part and host as in RFC 5321 without quoting; npm and git tags such as `react@18` or `@main` are none |
//! | `<ip>` | an IPv4 or IPv6 address | four octets ≤ 255; RFC 4291 text forms; a port or a prefix length stays |
//! | `<path>` | directories of a home or a UNC share | `/home/x`, `/Users/x`, `/root`, `/media/x`, `C:\Users\x`, `C:\Documents and Settings\x`, `~x/`, `$HOME/`, `%USERPROFILE%\`, `\\host\share`; the file's name stays where it has an extension and does not repeat the user's name; what follows `site-packages`, `dist-packages` or `node_modules` stays too |
//! | `<user>` | the value of `user`, `username`, `login` … | as for `<secret>` below |
//! | `?<query>` | a URL's query | RFC 3986; without a scheme where it looks like `?name=` |
//! | `#<fragment>` | a URL's fragment | RFC 3986 |
//! | `<id>` | a segment of a URL's path made of 5 digits or more | account and record numbers |
//! | `<uuid>` | a UUID | RFC 9562 text form, any version |
//! | `<phone>` | a phone number | `+` and 7 to 15 digits (ITU-T E.164); North American 3-3-4; a leading 0 with 9 to 15 digits in groups |
//! | `<card>` | a payment card number | ISO/IEC 7812: 13 to 19 digits from an issuer's range that pass the Luhn check |
//! | `<iban>` | a bank account | ISO 13616: 15 to 34 characters, remainder 1 modulo 97 |
//! | `<jwt>` | a JSON Web Token | RFC 7519: base64url of `{"` is `eyJ` |
//! | `<pem>` | a PEM block, its end missing or not | RFC 7468 |
//! | `<hex>` | 20 hexadecimal digits or more, letters and numerals; a MAC address | a git hash in short and a 64-bit address stay |
//! | `<secret>` | URL userinfo; the value of `password=`, `"token":`, `--api-key`, `Authorization:` …; what follows `Bearer` or `Basic`; a string that begins like a known key; a long run that looks random | [`SECRET_NAMES`], [`KEY_PREFIXES`], [`looks_random`] |
//!
//! How it works, and why so. The text is walked once, from left to right; at each place at most one rule
//! looks ahead. A rule either looks a bounded way ahead, or takes what it has looked at, or remembers how far
//! it looked: so the time is linear in the length, whatever the text. An address or a random run is noticed at
//! its end, and taken back from the output then. The walk stops as soon as more than the cap is written and a
//! space is reached; then the cap cuts at a space, so that no half of anything is left. What remains is walked again
//! until nothing changes, [`PASSES_MAX`] times at most: a replacement can uncover something that stood in
//! its shadow.
//!
//! Rejected: the `regex` crate (hundreds of kilobytes of WebAssembly) and the browser's own expressions
//! (backtracking, and another answer in each browser). Everything here is bytes, tables and `get`: an index
//! that could panic would cost more than the rule it serves.

use alloc::string::String;

use crate::event::{ERROR_MESSAGE_MAX_BYTES, NAME_MAX_CHARS};

/// What a component is called where its own name may not travel.
pub const CUSTOM_COMPONENT: &str = "custom";

/// Most words in a component's display name: Langflow's own have up to five. More is a sentence.
const NAME_MAX_WORDS: usize = 6;

/// How often the text is walked. Two walks do for nearly all texts, the second on at most 512 bytes.
const PASSES_MAX: usize = 4;

/// How far back from the cap a space is looked for, in bytes, before the cut falls inside a word.
const CUT_SLACK: usize = 160;

/// Shortest run of hexadecimal digits that is taken. A short git hash has 7 to 12, a 64-bit address 16.
const HEX_MIN: usize = 20;

/// Shortest run of letters and digits that is judged by [`looks_random`]. Below 20 too many names look random.
const RANDOM_MIN: usize = 20;

/// The same for a run with `+ / - _` in it: such runs are names with a short id behind more often.
const RANDOM_JOINED_MIN: usize = 32;

/// Shortest body behind one of [`KEY_PREFIXES`]: providers shorten keys in their own messages.
const KEY_BODY_MIN: usize = 8;

/// How much of such a body is looked at, in bytes.
const KEY_BODY_LOOK: usize = 40;

/// How far a path may reach over a space to its next separator, in bytes: a first and a last name, not a clause.
const SPACE_REACH: usize = 48;

/// Names whose value is secret, as the end of a longer name too: `OPENAI_API_KEY`, `clientSecret`. One `_`, `-` or space
/// between any two letters does not count, nor does case. Names shorter than five letters must stand alone.
const SECRET_NAMES: &str = "password passwd pwd passphrase passcode secret token apikey accesskey accesskeyid secretkey \
     privatekey signingkey encryptionkey accountkey subscriptionkey masterkey authkey sharedkey credential credentials \
     session sessionid sid jwt auth otp pin cvv ssn sig signature phone mobile";

/// Headers whose value runs to the end of the line.
const HEADER_NAMES: &str = "authorization cookie cookies";

/// Names whose value is somebody's name.
const USER_NAMES: &str = "user username userid";

/// Schemes before a credential (RFC 6750, RFC 7617): what follows must look like one, for they are words too.
const SCHEME_NAMES: &str = "bearer basic";

/// Ends of names that look like secrets and are none: tokens of a language model or of a parser.
const HARMLESS_NAMES: &str = "unexpectedtoken invalidtoken specialtoken padtoken eostoken bostoken unktoken clstoken septoken masktoken stoptoken nexttoken";

/// Values that are none, without quotes.
const NO_VALUES: &str = "none null nil true false undefined";

/// Words that say something about a value instead of being it. Without quotes and behind a space only.
const HARMLESS_VALUES: &str = "str string bytes bool int optional required requires expired invalid missing empty field is was \
     not must should cannot has may the a an and or in at of for from to with could found value";

/// What well-known keys begin with: AWS, GitHub, GitLab, Slack, Stripe, Google, OpenAI, Anthropic, Hugging Face,
/// then Groq, NVIDIA, Pinecone, LangSmith, Tavily, Replicate, npm, PyPI, SendGrid, Shopify, Astra DB, xAI, Perplexity.
const KEY_PREFIXES: &str = "AKIA ASIA ghp_ gho_ ghu_ ghs_ ghr_ github_pat_ glpat- xoxb- xoxp- xoxa- xoxr- xoxs- xapp- sk_live_ sk_test_ \
     rk_live_ rk_test_ pk_live_ pk_test_ whsec_ AIza ya29. GOCSPX- sk- hf_ gsk_ nvapi- pcsk_ lsv2_ tvly- r8_ npm_ \
     pypi- SG. shpat_ AstraCS: xai- pplx-";

/// What this module writes: it is copied as it is when it is met again.
const PLACEHOLDERS: &str = "secret email ip path user query fragment id uuid phone card iban jwt pem hex";

/// Directories that hold homes. The last one is the long form of a UNC path, `\\?\UNC\host\share`.
const HOMES: [&str; 7] = ["home", "Users", "root", "media", "run/media", "Documents and Settings", "UNC"];

/// Directories below a home from which on a path tells nothing of its owner.
const PUBLIC_DIRS: [&str; 3] = ["site-packages", "dist-packages", "node_modules"];

/// Versions that are words: `react@latest` is no address.
const TAGS: &str = "latest next sha256 main master dev beta alpha canary rc";

/// Endings of a variable that holds a home directory.
const HOME_VARIABLES: &str = "home userprofile appdata homepath";

const ALNUM: u16 = 1;
const HEX: u16 = 1 << 1;
const DIGIT: u16 = 1 << 2;
/// `_` and `-`, which join words to one name.
const JOIN: u16 = 1 << 3;
const DOT: u16 = 1 << 4;
/// `%`, `+`, `~` and all beyond ASCII: may stand before the `@` of an address.
const LOCAL: u16 = 1 << 5;
/// `+` and `/`, the rest of base64's alphabet.
const BASE64: u16 = 1 << 6;
/// White space and control characters.
const GAP: u16 = 1 << 7;
/// Quotation marks.
const QUOTE: u16 = 1 << 8;
/// `<>\^|` and the back quote: never in a URL.
const NO_URL: u16 = 1 << 9;
/// What ends a path beside [`QUOTE`] and [`GAP`].
const NO_PATH: u16 = 1 << 10;
/// What ends a value without quotes beside [`QUOTE`] and [`GAP`].
const NO_VALUE: u16 = 1 << 11;
/// Punctuation that belongs to the sentence when it ends a value.
const TAIL: u16 = 1 << 12;
/// `/` and `\`.
const SLASH: u16 = 1 << 13;
/// `:`
const COLON: u16 = 1 << 14;
/// `*`, with which providers mask keys.
const STAR: u16 = 1 << 15;

/// The classes of a byte. A function and not a table of 256 entries: the match is smaller.
fn class(byte: u8) -> u16 {
    match byte {
        b'0'..=b'9' => ALNUM | HEX | DIGIT,
        b'a'..=b'f' | b'A'..=b'F' => ALNUM | HEX,
        b'g'..=b'z' | b'G'..=b'Z' => ALNUM,
        b'_' | b'-' => JOIN,
        b'.' => DOT | TAIL,
        b'%' | b'~' | 0x80..=0xff => LOCAL,
        b'+' => LOCAL | BASE64,
        b'/' => BASE64 | SLASH,
        b'\\' => SLASH | NO_URL,
        b':' => COLON | NO_PATH | TAIL,
        b'*' => STAR | NO_PATH,
        b'"' | b'\'' | b'`' => QUOTE,
        b'<' | b'>' => NO_URL | NO_PATH | NO_VALUE,
        b'^' => NO_URL,
        b'|' => NO_URL | NO_PATH,
        b';' | b'&' => NO_PATH | NO_VALUE | TAIL,
        b',' | b')' | b']' | b'}' | b'?' | b'!' => NO_PATH | TAIL,
        b'(' | b'[' | b'{' | b'=' => NO_PATH,
        0..=b' ' | 0x7f => GAP,
        _ => 0,
    }
}

/// The byte at `at`, or 0 beyond either end: the ends count as white space.
fn byte(text: &[u8], at: usize) -> u8 {
    text.get(at).copied().unwrap_or(0)
}

/// Whether the byte at `at` is of one of the classes in `mask`.
fn is(text: &[u8], at: usize, mask: u16) -> bool {
    class(byte(text, at)) & mask != 0
}

/// Where the run of bytes of the classes in `mask` that begins at `at` ends.
fn run(text: &[u8], at: usize, mask: u16) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    at + rest.iter().position(|b| class(*b) & mask == 0).unwrap_or(rest.len())
}

/// Where the first byte of the classes in `mask` at or after `at` is, or the end.
fn until(text: &[u8], at: usize, mask: u16) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    at + rest.iter().position(|b| class(*b) & mask != 0).unwrap_or(rest.len())
}

/// Where the bytes at `at` that equal `what` end.
fn skip(text: &[u8], mut at: usize, what: u8) -> usize {
    while byte(text, at) == what {
        at += 1;
    }
    at
}

/// Where the separators of a path at `at` end: up to four, the beginning of a UNC path with each written twice.
fn slashes_end(text: &[u8], at: usize) -> usize {
    at + text.get(at..).unwrap_or_default().iter().take(4).take_while(|b| class(**b) & SLASH != 0).count()
}

/// Whether `what` stands at `at`, in any case.
fn starts(text: &[u8], at: usize, what: &[u8]) -> bool {
    text.get(at..).unwrap_or_default().get(..what.len()).is_some_and(|t| t.eq_ignore_ascii_case(what))
}

/// The words of a table.
fn words(table: &str) -> impl Iterator<Item = &[u8]> {
    table.as_bytes().split(|b| *b == b' ')
}

/// Whether `word` is in a table, in any case.
fn listed(table: &str, word: &[u8]) -> bool {
    !word.is_empty() && words(table).any(|w| w.eq_ignore_ascii_case(word))
}

/// Where the name begins which `text` ends with, if it is one of a table's: see [`SECRET_NAMES`].
fn ends_with_name(text: &[u8], table: &str) -> Option<usize> {
    words(table).find_map(|name| {
        let mut at = text.len();
        for letter in name.iter().rev() {
            at = at.wrapping_sub(1);
            if matches!(byte(text, at), b'_' | b'-' | b' ') {
                at = at.wrapping_sub(1);
            }
            if byte(text, at).to_ascii_lowercase() != *letter {
                return None;
            }
        }
        let alone = !is(text, at.wrapping_sub(1), ALNUM)
            || byte(text, at).is_ascii_uppercase() && byte(text, at.wrapping_sub(1)).is_ascii_lowercase();
        (name.len() >= 5 || alone).then_some(at)
    })
}

/// How random letters and digits look: 2 for each change between a letter and a digit, 1 for each capital after
/// a small letter.
fn randomness(word: &[u8]) -> usize {
    word.iter()
        .zip(word.iter().skip(1))
        .map(|(a, b)| match (a, b) {
            _ if a.is_ascii_digit() != b.is_ascii_digit() => 2,
            _ if a.is_ascii_lowercase() && b.is_ascii_uppercase() => 1,
            _ => 0,
        })
        .sum()
}

/// Whether a run of `len` letters and digits with that [`randomness`] is no name.
///
/// 0.35 a character. Random base62 scores 0.72 in the mean, lower case with digits 0.8; a name in camel case
/// 0.17. Measured on 52,000 names of 20 characters and more from sources in Python, JavaScript and Rust: nearly all that
/// score higher are keys, hashes and certificates, the rest are like `PromoteLowVecF32x4ToVecF64x2`. Of random strings it finds
/// 96 % at 20 characters and 99 % at 40. Shannon entropy of single characters tells the two apart less well at such lengths.
fn looks_random(score: usize, len: usize) -> bool {
    score * 20 >= len * 7
}

/// The rules that know a value by its shape, where a word begins. Returns its end and its placeholder.
fn shape(text: &[u8], at: usize) -> Option<(usize, &'static str)> {
    number(text, at)
        .or_else(|| uuid(text, at))
        .or_else(|| colons(text, at))
        .or_else(|| key(text, at))
        .or_else(|| iban(text, at))
}

/// `8-4-4-4-12` hexadecimal digits.
fn uuid(text: &[u8], at: usize) -> Option<(usize, &'static str)> {
    let end = at + 36;
    let fits = text.get(at..end)?.iter().enumerate().all(|(i, b)| match i {
        8 | 13 | 18 | 23 => *b == b'-',
        _ => class(*b) & HEX != 0,
    });
    (fits && !is(text, end, ALNUM)).then_some((end, "<uuid>"))
}

/// IPv6 and MAC addresses. Begins at the first digit or colon of a run, so that each run is looked at once.
fn colons(text: &[u8], at: usize) -> Option<(usize, &'static str)> {
    if is(text, at.wrapping_sub(1), COLON | DOT | JOIN) {
        return None;
    }
    let mut end = run(text, at, HEX | COLON | DOT);
    if is(text, end, ALNUM | JOIN) {
        return None;
    }
    while end > at + 2 && is(text, end - 1, COLON | DOT) && byte(text, end - 2) != b':' {
        end -= 1;
    }
    let all = text.get(at..end)?;
    let (mut colons, mut gaps, mut wide, mut pairs) = (0, 0, false, true);
    for group in all.split(|b| *b == b':') {
        let dotted = group.contains(&b'.');
        if group.len() > 4 && !dotted {
            return None;
        }
        colons += 1;
        gaps += usize::from(group.is_empty());
        // `x[10::2]` is a slice and `a::b` a name: an address has one group of four, or of three with a letter.
        wide |= group.len() > 3 || group.len() == 3 && group.iter().any(|b| !b.is_ascii_digit());
        pairs &= group.len() == 2;
    }
    match (gaps, colons) {
        (0, 6) if pairs => Some((end, "<hex>")),
        (0, 8) => Some((end, "<ip>")),
        (1..=2, 3..=8) if wide && all.windows(2).any(|w| w == b"::") || all == b"::1" => Some((end, "<ip>")),
        _ => None,
    }
}

/// A well-known key or a JSON Web Token.
fn key(text: &[u8], at: usize) -> Option<(usize, &'static str)> {
    const BODY: u16 = ALNUM | JOIN | DOT | STAR;
    let jwt = text.get(at..)?.starts_with(b"eyJ");
    let start = if jwt {
        at + 3
    } else {
        at + words(KEY_PREFIXES).find(|p| text.get(at..).unwrap_or_default().starts_with(p))?.len()
    };
    // `hf_hub_download` and `sk-learn` are names. Judged by the beginning, so that `sk-sk-sk-` costs no more.
    let dash = byte(text, start - 1) == b'-';
    let body = text.get(start..)?.iter().take(KEY_BODY_LOOK).take_while(|b| class(**b) & BODY != 0);
    let keylike = |b: &u8| b.is_ascii_uppercase() || *b == b'*' || dash && b.is_ascii_digit();
    if body.clone().count() < KEY_BODY_MIN || !body.clone().any(keylike) {
        return None;
    }
    let mut end = run(text, start, BODY);
    while is(text, end - 1, DOT) {
        end -= 1;
    }
    Some((end, if jwt { "<jwt>" } else { "<secret>" }))
}

/// An international bank account number, with or without spaces after each four characters.
fn iban(text: &[u8], at: usize) -> Option<(usize, &'static str)> {
    // The remainder so far with one more character: a letter counts as two digits, from A = 10.
    fn append(rest: u32, b: u8) -> u32 {
        match b {
            b'0'..=b'9' => (rest * 10 + u32::from(b - b'0')) % 97,
            _ => (rest * 100 + u32::from(b.to_ascii_uppercase().wrapping_sub(b'A' - 10))) % 97,
        }
    }
    let head = text.get(at..at + 4)?;
    let fits = |i: usize, digit: bool| is(head, i, ALNUM) && is(head, i, DIGIT) == digit;
    if !(fits(0, false) && fits(1, false) && fits(2, true) && fits(3, true)) {
        return None;
    }
    let (mut rest, mut count, mut end, mut found) = (0, 4, at + 4, None);
    while count <= 34 {
        if !is(text, end, ALNUM) {
            let whole = head.iter().fold(rest, |rest, b| append(rest, *b));
            if count >= 15 && whole == 1 {
                found = Some((end, "<iban>"));
            }
            if count % 4 != 0 || !matches!(byte(text, end), b' ' | b'-') || !is(text, end + 1, ALNUM) {
                break;
            }
            end += 1;
        }
        rest = append(rest, byte(text, end));
        count += 1;
        end += 1;
    }
    found
}

/// Four octets with dots between, or with dashes as in a cloud's host names, `ip-10-0-0-12`.
fn ipv4(text: &[u8], at: usize) -> Option<usize> {
    let before = byte(text, at.wrapping_sub(1));
    let first = run(text, at, DIGIT);
    let dot = byte(text, first);
    if dot != b'.' && !(dot == b'-' && before == b'-') {
        return None;
    }
    let mut end = at;
    for i in 0..4 {
        if i > 0 {
            if byte(text, end) != dot {
                return None;
            }
            end += 1;
        }
        let start = end;
        let mut octet = 0;
        while is(text, end, DIGIT) && octet < 256 {
            octet = octet * 10 + u32::from(byte(text, end) - b'0');
            end += 1;
        }
        if octet > 255 || end == start || end > start + 3 {
            return None;
        }
    }
    if is(text, end, ALNUM) || byte(text, end) == dot && is(text, end + 1, DIGIT) {
        return None;
    }
    // `opencv-python==4.8.1.78`, `opencv_python-4.8.1.78.whl`, `version 4.8.1.78`: versions begin with a small number.
    let head = text.get(..at).unwrap_or_default();
    let version =
        dot == b'.' && (matches!(before, b'-' | b'_') || head.ends_with(b"==") || head.ends_with(b"ersion "));
    (!(version && first == at + 1)).then_some(end)
}

/// Whether digits are a payment card's: an issuer's range, and the Luhn check.
fn is_card(digits: &[u8]) -> bool {
    let range = match digits {
        [4, ..] => matches!(digits.len(), 13 | 16 | 19),
        [3, 4 | 7, ..] => digits.len() == 15,
        [3, 0 | 6 | 8, ..] => digits.len() == 14,
        [5, 1..=5, ..] | [2, 2..=7, ..] | [3, 5, ..] => digits.len() == 16,
        [6, ..] => matches!(digits.len(), 16..=19),
        _ => false,
    };
    let mut double = false;
    let sum: u32 = digits
        .iter()
        .rev()
        .map(|d| {
            let d = u32::from(*d) << u32::from(double);
            double = !double;
            if d > 9 { d - 9 } else { d }
        })
        .sum();
    range && sum % 10 == 0
}

/// IPv4 addresses, phone and card numbers: digits in groups. Looks at 19 digits at most.
fn number(text: &[u8], at: usize) -> Option<(usize, &'static str)> {
    let before = byte(text, at.wrapping_sub(1));
    let plus = byte(text, at) == b'+';
    let paren = byte(text, at) == b'(';
    if before == b'.' || !(plus || paren || is(text, at, DIGIT)) {
        return None;
    }
    if let Some(end) = ipv4(text, at) {
        return Some((end, "<ip>"));
    }
    let mut digits = [0u8; 19];
    // The groups' lengths, one hexadecimal digit each: 0x334 is the shape of 555-010-1234.
    let (mut count, mut groups, mut shape) = (0, 0, 0u64);
    // The first separator, the others if they are all one, and whether they are not.
    let (mut first, mut others, mut mixed) = (0, 0, false);
    let mut end = at + usize::from(plus || paren);
    if plus && byte(text, end) == b'(' {
        end += 1;
    }
    let mut found = None;
    loop {
        let start = end;
        while let (true, Some(slot)) = (is(text, end, DIGIT), digits.get_mut(count)) {
            *slot = byte(text, end) - b'0';
            count += 1;
            end += 1;
        }
        if start == end || is(text, end, ALNUM) {
            break;
        }
        groups += 1;
        shape = shape << 4 | (end - start) as u64;
        let all = digits.get(..count).unwrap_or_default();
        let grouped = groups == 1 || matches!(shape, 0x4444 | 0x465 | 0x464 | 0x44443);
        if grouped && !plus && is_card(all) && matches!(first, 0 | b' ' | b'-') {
            found = Some((end, "<card>"));
        }
        let phone = match all {
            [1..=9, ..] if plus => count >= 7 && count <= 15 && (groups > 2 || first != b'.'),
            // Outside of brackets: `[224 224 1024]` is a shape. A date with a time changes its separator.
            [2..=9, ..] => shape == 0x334 && (first != b' ' || paren || !matches!(before, b'[' | b'(')),
            [1, 2..=9, ..] => shape == 0x1334 && first != b' ',
            [0, 1..=9, ..] | [0, 0, 1..=9, ..] => {
                groups > 1 && (9..=15).contains(&count) && !mixed && first != b'.'
            }
            _ => false,
        };
        if phone && !is(text, end, COLON) {
            found = Some((end, "<phone>"));
        }
        let separator = byte(text, end);
        end += usize::from(separator == b')');
        let separator = byte(text, end);
        if matches!(separator, b' ' | b'-' | b'.' | b'/') {
            match groups {
                1 => first = separator,
                2 => others = separator,
                _ => mixed |= separator != others,
            }
            end += 1;
        }
        end += usize::from(byte(text, end) == b'(');
    }
    found
}

/// Where a value without quotes ends. Brackets in it are taken whole: `SecretStr('x')`, `('jane', 'x')`.
fn value_end(text: &[u8], start: usize) -> usize {
    let mut end = start;
    while end < text.len() {
        let b = byte(text, end);
        let inner = is(text, end + 1, ALNUM);
        match b {
            b'(' | b'[' | b'{' => {
                let close = if b == b'(' { b')' } else { b + 2 };
                let rest = text.get(end..).unwrap_or_default();
                end += rest.iter().position(|b| *b == close || *b == b'\n').unwrap_or(rest.len());
                if byte(text, end) != b'\n' {
                    end += 1;
                }
                continue;
            }
            // A number in groups, an apostrophe in a word.
            b' ' if is(text, end + 1, DIGIT) && is(text, end.wrapping_sub(1), DIGIT) => {}
            b'\'' if inner && end > start => {}
            b'<' if end == start => {}
            _ if is(text, end, GAP | QUOTE | NO_VALUE) => break,
            _ => {}
        }
        end += 1;
    }
    while end > start && is(text, end - 1, TAIL) {
        end -= 1;
    }
    end.min(text.len())
}

/// Where the value in quotes that begins at `start` ends: at the next `quote` behind as many backslashes as the
/// opening one had. A quote that is doubled, as in SQL, is part of the value. Without an end, all is the value.
fn quoted_end(text: &[u8], start: usize, quote: u8, slashes: usize) -> usize {
    let (mut end, mut seen) = (start, 0);
    while end < text.len() {
        let b = byte(text, end);
        if b == quote && (seen == slashes || slashes == 0 && seen % 2 == 0) {
            if byte(text, end + 1) != quote || end == start {
                return end - slashes.min(end - start);
            }
            end += 1;
        }
        seen = if b == b'\\' { seen + 1 } else { 0 };
        end += 1;
    }
    text.len()
}

/// The length of the placeholder at `at`, or 0.
fn placeholder(text: &[u8], at: usize) -> usize {
    let end = text.get(at..).unwrap_or_default().iter().take(10).position(|b| *b == b'>');
    match end.and_then(|end| text.get(at..at + end)) {
        Some([b'<', name @ ..]) if listed(PLACEHOLDERS, name) => name.len() + 2,
        _ => 0,
    }
}

/// One walk over a text.
struct Walk<'a> {
    text: &'a str,
    bytes: &'a [u8],
    /// What is next to be looked at.
    at: usize,
    out: String,
    /// Where in `out` the local part of an address would begin.
    local: usize,
    /// Where in `out` the run of base64 in progress begins, its letters and digits so far, their [`randomness`].
    run: usize,
    run_len: usize,
    run_score: usize,
    /// Where the URL in progress ends, and the last `@` in it.
    url_end: usize,
    url_at: usize,
    /// Whether the word in progress is a command line option, `--name`.
    option: bool,
}

impl Walk<'_> {
    /// Copies up to `end`.
    fn copy(&mut self, end: usize) {
        self.out.push_str(self.text.get(self.at..end).unwrap_or_default());
        self.at = end;
    }

    /// Takes back what was written from `mark` on. Not `truncate`, which can panic.
    fn take_back(&mut self, mark: usize) {
        while self.out.len() > mark {
            self.out.pop();
        }
        self.local = self.local.min(self.out.len());
    }

    /// Begins a new run of base64.
    fn new_run(&mut self) {
        self.run = self.out.len();
        self.run_len = 0;
        self.run_score = 0;
    }

    /// Replaces what is up to `end`.
    fn replace(&mut self, end: usize, with: &str) {
        self.end_run();
        self.out.push_str(with);
        self.at = end;
        self.new_run();
    }

    /// Ends a run of base64: where it looks random as a whole, it is taken back.
    fn end_run(&mut self) {
        if self.run_len >= RANDOM_JOINED_MIN && looks_random(self.run_score, self.run_len) {
            self.take_back(self.run);
            self.out.push_str("<secret>");
            self.at = skip(self.bytes, self.at, b'=');
        }
        self.new_run();
    }

    /// One step: a word, a value, or a character between.
    fn step(&mut self) {
        let (text, at) = (self.bytes, self.at);
        let fresh = !is(text, at.wrapping_sub(1), ALNUM);
        if is(text, at, ALNUM) {
            match shape(text, at) {
                Some((end, with)) if fresh => self.replace(end, with),
                _ => self.word(),
            }
            return;
        }
        let (b, next) = (byte(text, at), byte(text, at + 1));
        if !is(text, at, JOIN | BASE64) {
            self.end_run();
            if self.at != at {
                return;
            }
        }
        let found = match b {
            b'@' | b'%' => self.address(),
            b':' if next == b':' && fresh => colons(text, at),
            b':' if next == b'/' && byte(text, at + 2) == b'/' => return self.url(),
            b'?' | b'#' => self.query(),
            b'/' | b'\\' | b'~' => self.home(),
            b'+' | b'(' if fresh => number(text, at),
            b'-' if next == b'-' => pem(text, at),
            _ => None,
        };
        if let Some((end, with)) = found {
            self.replace(end, with);
            return;
        }
        if is(text, at, GAP) {
            self.option = false;
        } else if b == b'-' && next == b'-' && is(text, at.wrapping_sub(1), GAP | QUOTE) {
            self.option = true;
        }
        let mut end = at + placeholder(text, at).max(1);
        while byte(text, end) & 0xc0 == 0x80 {
            end += 1;
        }
        self.copy(end);
        // `jane:password@host`: both are taken.
        let joined = b == b':' && !fresh && is(text, end, ALNUM);
        if !joined && !is(text, at, LOCAL | JOIN | DOT) {
            self.local = self.out.len();
        }
        if !is(text, at, JOIN | BASE64) {
            self.new_run();
        }
    }

    /// A run of letters and digits that is nothing by its shape.
    fn word(&mut self) {
        let (text, at) = (self.bytes, self.at);
        let end = run(text, at, ALNUM);
        let word = text.get(at..end).unwrap_or_default();
        let digits = run(text, at, DIGIT) == end;
        let hex = at + 2 * usize::from(starts(text, at, b"0x"));
        let score = randomness(word);
        if end >= hex + HEX_MIN && run(text, hex, HEX) == end && score > 0 {
            return self.replace(end, "<hex>");
        }
        self.run_len += word.len();
        self.run_score += score;
        if word.len() >= RANDOM_MIN && looks_random(score, word.len()) {
            self.out.push_str("<secret>");
            self.at = end;
        } else if digits && at < self.url_end && word.len() >= 5 && byte(text, at.wrapping_sub(1)) == b'/' {
            self.replace(end, "<id>");
        } else {
            self.copy(end);
            if !is(text, end, JOIN) {
                self.value();
            }
        }
    }

    /// Where the word just copied is a secret's name, takes its value.
    fn value(&mut self) {
        let (text, at) = (self.bytes, self.at);
        let head = text.get(..at).unwrap_or_default();
        let header = ends_with_name(head, HEADER_NAMES);
        let secret = ends_with_name(head, SECRET_NAMES).or(header);
        let user = ends_with_name(head, USER_NAMES);
        let scheme = ends_with_name(head, SCHEME_NAMES);
        let Some(name) = secret.or(user).or(scheme) else { return };
        if ends_with_name(head, HARMLESS_NAMES).is_some() {
            return;
        }
        // The name's own closing quote, a subscript's bracket, a tag's end.
        let mut i = skip(text, at, b'\\');
        let named_in_quotes = is(text, i, QUOTE);
        i = if named_in_quotes { i + 1 } else { at };
        i += usize::from(byte(text, i) == b']');
        let spaces = skip(text, i, b' ');
        let spaced = spaces > i;
        let mut assigned = true;
        i = match (byte(text, spaces), byte(text, spaces + 1)) {
            (b':', b':') => return,
            (b':' | b'=', _) | (b'!', b'=') => run_of_signs(text, spaces),
            (b'>', _) if i == at && byte(text, name.wrapping_sub(1)) == b'<' => i + 1,
            _ => {
                assigned = false;
                spaces
            }
        };
        i = skip(text, i, b' ');
        if matches!(byte(text, i), b'b' | b'f' | b'r' | b'u') && matches!(byte(text, i + 1), b'"' | b'\'') {
            i += 1;
        }
        let quote = skip(text, i, b'\\');
        let end;
        if is(text, quote, QUOTE) {
            // `password 'x'` too, but not `"password" "x"`, nor `'token', 'x'`.
            if !assigned && (named_in_quotes || !spaced) || secret.or(user).is_none() {
                return;
            }
            let start = quote + 1;
            end = quoted_end(text, start, byte(text, quote), quote - i);
            i = start;
            if i + placeholder(text, i) == end {
                return;
            }
        } else {
            let word = run(text, i, ALNUM);
            let said = text.get(i..word).unwrap_or_default();
            if !assigned && !(spaced && !named_in_quotes && (self.option || secret.or(user).is_none()))
                || placeholder(text, i) > 0
                || (listed(NO_VALUES, said)
                    || byte(text, i.wrapping_sub(1)) == b' ' && listed(HARMLESS_VALUES, said))
                    && (value_end(text, i) == word || byte(text, word) == b'[')
            {
                return;
            }
            end = match header {
                Some(_) => until_line_end(text, i),
                None => value_end(text, i),
            };
            if secret.or(user).is_none() && (assigned || !is_credential(text.get(i..end).unwrap_or_default()))
            {
                return;
            }
        }
        if end > i {
            self.copy(i);
            self.replace(end, if secret.or(scheme).is_some() { "<secret>" } else { "<user>" });
        }
    }

    /// An address, at its `@` or `%40`: the local part is taken back.
    fn address(&mut self) -> Option<(usize, &'static str)> {
        let (text, at) = (self.bytes, self.at);
        let start = if byte(text, at) == b'@' {
            at + 1
        } else if starts(text, at, b"%40") {
            at + 3
        } else {
            return None;
        };
        let rest = text.get(start..)?;
        let len = rest.iter().take_while(|b| **b >= 0x80 || class(**b) & (ALNUM | DOT | JOIN) != 0).count();
        let mut end = start + len;
        while end > start && is(text, end - 1, DOT | JOIN) {
            end -= 1;
        }
        let host = text.get(start..end)?;
        let first = *host.first()?;
        let version = listed(TAGS, host) || matches!(host, [b'v', b'0'..=b'9', ..]);
        if self.local == self.out.len() || version || first.is_ascii_digit() && ipv4(text, start).is_none() {
            return None;
        }
        self.take_back(self.local);
        Some((end, "<email>"))
    }

    /// A URL, at the `://` behind its scheme: remembers how far it reaches, and takes the userinfo.
    fn url(&mut self) {
        let (text, start) = (self.bytes, self.at + 3);
        if start >= self.url_end {
            self.url_end = until(text, start, GAP | QUOTE | NO_URL);
            while self.url_end > start
                && is(text, self.url_end - 1, TAIL)
                && byte(text, self.url_end - 1) != b'?'
            {
                self.url_end -= 1;
            }
            let rest = text.get(start..self.url_end).unwrap_or_default();
            self.url_at = rest.iter().rposition(|b| *b == b'@').map_or(0, |at| start + at);
        }
        self.copy(start);
        let rest = text.get(start..self.url_end).unwrap_or_default();
        let host = rest.iter().position(|b| matches!(b, b'/' | b'?' | b'#')).unwrap_or(rest.len());
        let authority = rest.get(..host).unwrap_or_default();
        let user = authority.iter().rposition(|b| *b == b'@');
        let colon = authority.iter().position(|b| *b == b':');
        // A password with an `@` or a `/` of its own, not encoded: nobody knows where it ends.
        let unsure = self.url_at > start + host
            && byte(authority, 0) != b'['
            && colon.is_some_and(|c| user.is_some() || !is(authority, c + 1, DIGIT | GAP));
        if unsure {
            self.replace(self.url_end, "<secret>");
        } else if let Some(user) = user {
            self.replace(start + user, "<secret>");
        }
        self.local = self.out.len();
        self.new_run();
    }

    /// A query or a fragment.
    fn query(&mut self) -> Option<(usize, &'static str)> {
        let (text, at) = (self.bytes, self.at);
        let query = byte(text, at) == b'?';
        let with = if query { "?<query>" } else { "#<fragment>" };
        if at + 1 < self.url_end {
            return Some((self.url_end, with));
        }
        // `/search?q=x` without a scheme. What a name is made of is bounded, so that a run of `?a?a?a` costs no more.
        let name = text.get(at + 1..).unwrap_or_default().iter().take(NAME_MAX_CHARS);
        let len = name.take_while(|b| class(**b) & (ALNUM | JOIN | DOT) != 0).count();
        let named = query
            && len > 0
            && byte(text, at + 1 + len) == b'='
            && is(text, at.wrapping_sub(1), ALNUM | SLASH);
        named.then(|| (until(text, at, GAP | QUOTE | NO_URL), with))
    }

    /// A home directory or a UNC share, at a separator or `~`: the end of the directories that are taken.
    fn home(&self) -> Option<(usize, &'static str)> {
        let (text, at) = (self.bytes, self.at);
        let separator = byte(text, at);
        let before = byte(text, at.wrapping_sub(1));
        let outset = at >= self.url_end && !is(text, at.wrapping_sub(1), ALNUM | SLASH | DOT | COLON | LOCAL);
        // Where the first directory that names somebody begins.
        let mut user = slashes_end(text, at);
        let slashes = user - at;
        if separator == b'~' {
            let name = run(text, at + 1, ALNUM | JOIN | DOT);
            if !(outset || before == b'/') || !is(text, name, SLASH) {
                return None;
            }
            user = at + 1;
        } else if separator == b'\\' && outset && is(text, user, ALNUM) && matches!(slashes, 2 | 4) {
            let host = until(text, user, SLASH | GAP | QUOTE | NO_PATH);
            let share = skip(text, host, b'\\');
            if share - host != slashes / 2 || !is(text, share, ALNUM) {
                return None;
            }
        } else if is(text, at.wrapping_sub(1), ALNUM | LOCAL) || before == b'}' {
            // `$HOME/`, `${HOME}/`, `%USERPROFILE%\\`
            let closed = matches!(before, b'%' | b'}');
            let head = text.get(..at - usize::from(closed)).unwrap_or_default();
            let variable = ends_with_name(head, HOME_VARIABLES).is_some_and(|name| {
                matches!(byte(text, name.wrapping_sub(1)), b'$' | b'{' | b'%')
                    || starts(text, name.wrapping_sub(5), b"$env:")
            });
            if !variable && self.marked(user).is_none() {
                return None;
            }
            user = if variable { user } else { self.marked(user)? };
        } else {
            user = self.marked(user)?;
        }
        Some(self.directories(user))
    }

    /// Where the directory behind one of [`HOMES`] begins.
    fn marked(&self, at: usize) -> Option<usize> {
        let text = self.bytes;
        let windows = byte(text, at.wrapping_sub(1)) == b'\\' || byte(text, at.wrapping_sub(2)) == b':';
        let outset =
            self.at >= self.url_end && !is(text, self.at.wrapping_sub(1), ALNUM | SLASH | DOT | LOCAL | JOIN);
        HOMES.iter().find_map(|home| {
            let name = home.as_bytes();
            let end = at + name.len();
            let fits = starts(text, at, name)
                && (windows || text.get(at..end) == Some(name))
                && is(text, end, SLASH)
                && (outset || !matches!(*home, "root" | "media" | "run/media"));
            let next = slashes_end(text, end);
            let named = next < text.len() && !is(text, next, GAP | QUOTE | NO_PATH);
            (fits && named).then_some(next)
        })
    }

    /// How far a path reaches whose part from `user` on is nobody's business but the last.
    fn directories(&self, user: usize) -> (usize, &'static str) {
        let text = self.bytes;
        let (mut end, mut last, mut dot) = (user, None, false);
        loop {
            let b = byte(text, end);
            if is(text, end, SLASH) {
                let next = run(text, end, SLASH);
                let public = PUBLIC_DIRS.iter().any(|d| starts(text, next, d.as_bytes()));
                if public {
                    return (end, "<path>");
                }
                last = Some(end);
                dot = false;
                end = next;
                continue;
            }
            dot |= b == b'.' && is(text, end + 1, ALNUM) && !is(text, end.wrapping_sub(1), SLASH);
            let inner = is(text, end + 1, ALNUM) && is(text, end.wrapping_sub(1), ALNUM);
            match b {
                b' ' if last.is_some() && dot || !self.reaches(end) => break,
                b' ' => {}
                b'\'' if inner => {}
                _ if is(text, end, GAP | QUOTE | NO_PATH) => break,
                _ => {}
            }
            end += 1;
        }
        while end > user && is(text, end - 1, DOT) {
            end -= 1;
        }
        match last {
            Some(last) if dot && !self.repeats(user, last, end) => (last, "<path>"),
            _ => (end, "<path>"),
        }
    }

    /// Whether a path goes on behind the space at `at`: to another separator, or to a closing quote.
    fn reaches(&self, at: usize) -> bool {
        let rest = self.bytes.get(at..).unwrap_or_default();
        let stop = rest
            .iter()
            .take(SPACE_REACH)
            .position(|b| class(*b) & (SLASH | QUOTE | NO_PATH) != 0 || *b == b'\n');
        let Some(stop) = stop.map(|stop| at + stop) else { return false };
        let glued = !is(self.bytes, stop - 1, GAP);
        let closes = is(self.bytes, stop, QUOTE) && !is(self.bytes, stop + 1, ALNUM);
        glued && (is(self.bytes, stop, SLASH) || closes)
    }

    /// Whether the file's name repeats the user's: `/home/jane/jane.kdbx`.
    fn repeats(&self, user: usize, last: usize, end: usize) -> bool {
        let name = self.bytes.get(user..until(self.bytes, user, SLASH)).unwrap_or_default();
        let file = self.bytes.get(last..end).unwrap_or_default();
        (3..=32).contains(&name.len()) && file.windows(name.len()).any(|w| w.eq_ignore_ascii_case(name))
    }
}

/// Where the signs between a name and its value end: `=`, `:=`, `=>`, `!=`.
fn run_of_signs(text: &[u8], mut at: usize) -> usize {
    while matches!(byte(text, at), b'=' | b':' | b'>' | b'!') {
        at += 1;
    }
    at
}

/// Where the line ends, or the quotes it stands in. A quote behind `=` belongs to the value.
fn until_line_end(text: &[u8], mut at: usize) -> usize {
    while at < text.len() && byte(text, at) != b'\n' && (!is(text, at, QUOTE) || byte(text, at - 1) == b'=') {
        at += 1;
    }
    at
}

/// Whether what follows a scheme is a credential: `Basic usage` and `Bearer token` are not.
fn is_credential(value: &[u8]) -> bool {
    let capital =
        value.iter().skip(1).any(u8::is_ascii_uppercase) && value.iter().any(u8::is_ascii_lowercase);
    value.len() >= KEY_BODY_MIN
        && (capital || value.len() >= RANDOM_MIN || value.iter().any(u8::is_ascii_digit))
}

/// A PEM block: to the dashes behind its end, or all that is left.
fn pem(text: &[u8], at: usize) -> Option<(usize, &'static str)> {
    const END: &[u8] = b"-----END ";
    if !starts(text, at, b"-----BEGIN ") {
        return None;
    }
    let rest = text.get(at..)?;
    let end = rest.windows(END.len()).position(|w| w == END).map_or(rest.len(), |end| {
        let label = end + END.len();
        label
            + rest
                .get(label..)
                .unwrap_or_default()
                .windows(5)
                .position(|w| w == b"-----")
                .map_or(0, |dashes| dashes + 5)
    });
    Some((at + end, "<pem>"))
}

/// One walk, and the cap.
fn walk(text: &str) -> String {
    let mut walk = Walk {
        text,
        bytes: text.as_bytes(),
        at: 0,
        out: String::new(),
        local: 0,
        run: 0,
        run_len: 0,
        run_score: 0,
        url_end: 0,
        url_at: 0,
        option: false,
    };
    while walk.at < text.len() && !(walk.out.len() > ERROR_MESSAGE_MAX_BYTES && is(walk.bytes, walk.at, GAP))
    {
        walk.step();
    }
    walk.end_run();
    let mut out = walk.out;
    if out.len() > ERROR_MESSAGE_MAX_BYTES {
        let kept = out.as_bytes().get(..=ERROR_MESSAGE_MAX_BYTES).unwrap_or_default();
        let space = kept.iter().rposition(|b| class(*b) & GAP != 0).unwrap_or(0);
        let cut = if space + CUT_SLACK > ERROR_MESSAGE_MAX_BYTES { space } else { ERROR_MESSAGE_MAX_BYTES };
        while out.len() > cut {
            out.pop();
        }
    }
    out
}

/// Returns `message` without what identifies a person or opens a door, at most
/// [`ERROR_MESSAGE_MAX_BYTES`] long, cut on a character boundary. Scrubbed first, cut then. Takes time linear in
/// the length, never panics, and changes nothing in what it returned once.
pub fn redact(message: &str) -> String {
    let mut text = walk(message);
    for _ in 1..PASSES_MAX {
        let next = walk(&text);
        if next == text {
            break;
        }
        text = next;
    }
    text
}

/// Returns `name` where it may travel as a component's name, else [`CUSTOM_COMPONENT`].
///
/// With a list, those on it pass, letter for letter. Without one, what has the shape of an identifier or a display name
/// does: it begins with an ASCII letter or `_`, goes on with ASCII letters, digits, space and `_-.()&+:`, has six words
/// at most, and nothing in it that [`redact`] would take. Neither is longer than [`NAME_MAX_CHARS`] characters.
pub fn component_name<'a>(name: &'a str, allowed: Option<&[String]>) -> &'a str {
    let passes = match allowed {
        Some(list) => {
            name.len() <= NAME_MAX_CHARS * 4
                && name.chars().nth(NAME_MAX_CHARS).is_none()
                && list.iter().any(|n| n == name)
        }
        None => {
            let letter = |b: &u8| {
                b.is_ascii_alphanumeric()
                    || matches!(b, b' ' | b'_' | b'-' | b'.' | b'(' | b')' | b'&' | b'+' | b':')
            };
            name.len() <= NAME_MAX_CHARS
                && matches!(name.as_bytes(), [b'A'..=b'Z' | b'a'..=b'z' | b'_', ..])
                && name.bytes().all(|b| letter(&b))
                && name.bytes().filter(|b| *b == b' ').count() < NAME_MAX_WORDS
                && walk(name) == name
        }
    };
    if passes { name } else { CUSTOM_COMPONENT }
}
