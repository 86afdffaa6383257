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
//! | `<user>` | the value of `user`, `username`, `user_id` | as for `<secret>` below |
//! | `?<query>` | a URL's query | RFC 3986; without a scheme where it looks like `?name=` or `?$name[x]=` |
//! | `#<fragment>` | a URL's fragment | RFC 3986 |
//! | `<id>` | a segment of a URL's path made of 5 digits or more | account and record numbers |
//! | `<uuid>` | a UUID | RFC 9562 text form, any version |
//! | `<phone>` | a phone number | `+` and 7 to 15 digits (ITU-T E.164); North American 3-3-4; a leading 0 with 9 to 15 digits in groups |
//! | `<card>` | a payment card number | ISO/IEC 7812: 13 to 19 digits from an issuer's range that pass the Luhn check |
//! | `<iban>` | a bank account | ISO 13616: 15 to 34 characters, remainder 1 modulo 97 |
//! | `<jwt>` | a JSON Web Token | RFC 7519: base64url of `{"` is `eyJ` |
//! | `<pem>` | a PEM block, its end missing or not | RFC 7468 |
//! | `<hex>` | 20 hexadecimal digits or more, letters and numerals; a MAC address | a git hash in short and a 64-bit address stay |
//! | `<secret>` | URL userinfo; the value of `password=`, `"token":`, `--api-key`, `Authorization:` …; a prompt or an answer behind `input_value=`, `LLM output:` …; a row in PostgreSQL's `Key (name)=(…)`; what follows `Bearer` or `Basic`; a string that begins like a known key; a long run that looks random | the table `NAMES`, the pattern `KEY`, the measure `looks_random`, all below |
//!
//! How it works, and why so. The text is walked once, from left to right; at each place the rules that could begin
//! there look ahead. Nearly all rules are patterns, one line each in a language of their own, which is described at
//! `patterns!`; one small matcher reads them. A rule either looks a bounded way ahead, or takes what it has looked at,
//! or remembers how far it looked, and no pattern goes back into a repetition: so the time is linear in the length,
//! whatever the text. An address or a random run is noticed at its end, and taken back from the output then. The walk
//! stops as soon as more than the cap is written that cannot be taken back any more; then the cap cuts, at a space
//! where one is near. What remains is walked again until nothing changes, four times at most: a replacement can
//! uncover something that stood in its shadow.
//!
//! What it does not know: a name, a street or a title in a sentence, a secret that looks like a word and has no
//! name before it, a directory that is no home. Whoever cannot accept that sets `errorMessages: "off"`.
//!
//! Rejected: the `regex` crate (hundreds of kilobytes of WebAssembly) and the browser's own expressions
//! (backtracking, and another answer in each browser). A function for each rule weighed 5.6 KB of the module after
//! brotli, this weighs 4.3 KB, 1.9 KB of it the patterns and tables: a byte of a pattern does what a dozen bytes
//! of WebAssembly did. Everything here is bytes and `get`: an index that could panic would cost more than the rule
//! it serves.

use alloc::string::String;
use alloc::vec::Vec;

use crate::event::{ERROR_MESSAGE_MAX_BYTES, NAME_MAX_CHARS, is_name};

/// What a component is called where its own name may not travel.
pub const CUSTOM_COMPONENT: &str = "custom";

/// Most words in a component's display name: Langflow's own have up to five. More is a sentence.
const NAME_MAX_WORDS: usize = 6;

/// How often the text is walked. Two walks do for nearly all texts, the second on at most 512 bytes.
const PASSES_MAX: usize = 4;

/// How far back from the cap a space is looked for, in bytes, before the cut falls inside a word.
const CUT_SLACK: usize = 160;

/// Shortest run of letters and digits that is judged by [`looks_random`]. Below 20 too many names look random.
const RANDOM_MIN: usize = 20;

/// The same for a run with `+ / - _` in it: such runs are names with a short id behind more often.
const RANDOM_JOINED_MIN: usize = 32;

/// A list as its entries, each behind its length in one byte: to look for commas took a third of the time in here.
const fn table<const LEN: usize>(list: &[u8]) -> [u8; LEN] {
    let mut table = [0; LEN];
    let (mut start, mut i) = (0, 0);
    while i < list.len() {
        if list[i] == b',' {
            start = i + 1;
        } else {
            table[i + 1] = list[i];
            table[start] += 1;
        }
        i += 1;
    }
    table
}

/// [`table`] of a literal with commas.
macro_rules! table {
    ($list:expr) => {
        &table::<{ $list.len() + 1 }>($list.as_bytes())
    };
}

/// Names that say what their value is, one kind behind the other, an empty entry between. A name counts as the
/// end of a longer one too: `OPENAI_API_KEY`, `clientSecret`. One `_`, `-` or space between any two letters does
/// not count, nor does case. Names shorter than five letters must stand alone.
///
/// 1. Look like a secret's name and are none: tokens of a language model or of a parser.
/// 2. Variables with a home directory.
/// 3. Schemes before a credential (RFC 6750, RFC 7617): the value must look like one, for they are words too.
/// 4. Users.
/// 5. Headers, whose value runs to the end of the line.
/// 6. Secrets.
/// 7. What a person or a model wrote, as pydantic and LangChain quote it.
const NAMES: &[u8] = table!(
    "expectedtoken,invalidtoken,specialtoken,padtoken,eostoken,bostoken,unktoken,clstoken,septoken,\
    masktoken,stoptoken,nexttoken,,home,userprofile,appdata,homepath,,bearer,basic,,user,username,userid,,\
    authorization,cookie,cookies,,password,passwd,pwd,passphrase,passcode,secret,token,apikey,apikeyprovided,\
    accesskey,accesskeyid,secretkey,privatekey,signingkey,encryptionkey,accountkey,subscriptionkey,masterkey,\
    authkey,sharedkey,credential,credentials,session,sessionid,sid,jwt,auth,otp,pin,cvv,ssn,sig,signature,phone,mobile,,\
    inputvalue,llmoutput,jsonoutput"
);

/// For each last letter of [`NAMES`] (`a` is 1) a bit for each letter before it.
const NAME_ENDS: [u32; 32] = {
    let mut ends = [0; 32];
    let mut i = 0;
    while i < NAMES.len() && NAMES[i] as usize + i < NAMES.len() {
        let end = i + NAMES[i] as usize;
        if end > i {
            ends[(NAMES[end] & 31) as usize] |= 1 << (NAMES[end - 1] & 31);
        }
        i = end + 1;
    }
    ends
};

const HOME_VARIABLE: usize = 2;
const SCHEME: usize = 3;
const USER_NAME: usize = 4;

// The kinds of bytes, one bit each.
const DIGIT: u32 = 1;
const LOWER_HEX: u32 = 1 << 1;
const UPPER_HEX: u32 = 1 << 2;
const LOWER_REST: u32 = 1 << 3;
const UPPER_REST: u32 = 1 << 4;
/// The first byte of a character beyond ASCII.
const START: u32 = 1 << 5;
const CONTROL: u32 = 1 << 6;
const NEWLINE: u32 = 1 << 7;
const SPACE: u32 = 1 << 8;
const UNDERSCORE: u32 = 1 << 9;
const DASH: u32 = 1 << 10;
const DOT: u32 = 1 << 11;
/// `%` and `~`, which like `+` may stand before the `@` of an address.
const PERCENT: u32 = 1 << 12;
const PLUS: u32 = 1 << 13;
/// `/`
const FORWARD: u32 = 1 << 14;
/// `\`
const BACKWARD: u32 = 1 << 15;
const COLON: u32 = 1 << 16;
/// `*`, with which providers mask keys.
const STAR: u32 = 1 << 17;
/// Quotation marks.
const QUOTE: u32 = 1 << 18;
/// `<` and `>`.
const ANGLE: u32 = 1 << 19;
const CARET: u32 = 1 << 20;
const BAR: u32 = 1 << 21;
/// `;` and `&`.
const SEMICOLON: u32 = 1 << 22;
/// `,`, `)`, `]` and `}`.
const CLOSE: u32 = 1 << 23;
const QUESTION: u32 = 1 << 24;
const BANG: u32 = 1 << 25;
/// `(`, `[` and `{`.
const OPEN: u32 = 1 << 26;
const EQUALS: u32 = 1 << 27;
const SHARP: u32 = 1 << 28;
const OTHER: u32 = 1 << 29;
/// A byte within a character.
const MIDDLE: u32 = 1 << 30;

/// The kind of an ASCII byte.
const fn kind(byte: u8) -> u32 {
    match byte {
        b'0'..=b'9' => DIGIT,
        b'a'..=b'f' => LOWER_HEX,
        b'A'..=b'F' => UPPER_HEX,
        b'g'..=b'z' => LOWER_REST,
        b'G'..=b'Z' => UPPER_REST,
        b'\n' => NEWLINE,
        b' ' => SPACE,
        0..b' ' | 0x7f => CONTROL,
        b'_' => UNDERSCORE,
        b'-' => DASH,
        b'.' => DOT,
        b'%' | b'~' => PERCENT,
        b'+' => PLUS,
        b'/' => FORWARD,
        b'\\' => BACKWARD,
        b':' => COLON,
        b'*' => STAR,
        b'"' | b'\'' | b'`' => QUOTE,
        b'<' | b'>' => ANGLE,
        b'^' => CARET,
        b'|' => BAR,
        b';' | b'&' => SEMICOLON,
        b',' | b')' | b']' | b'}' => CLOSE,
        b'?' => QUESTION,
        b'!' => BANG,
        b'(' | b'[' | b'{' => OPEN,
        b'=' => EQUALS,
        b'#' => SHARP,
        _ => OTHER,
    }
}

/// The number of each ASCII byte's [`kind`].
const KINDS: [u8; 128] = {
    let mut kinds = [0; 128];
    let mut byte = 0;
    while byte < 128 {
        kinds[byte] = kind(byte as u8).trailing_zeros() as u8;
        byte += 1;
    }
    kinds
};

/// All beyond ASCII.
const WIDE: u32 = START | MIDDLE;
const LOWER: u32 = LOWER_HEX | LOWER_REST;
const UPPER: u32 = UPPER_HEX | UPPER_REST;
const HEX: u32 = DIGIT | LOWER_HEX | UPPER_HEX;
const ALNUM: u32 = DIGIT | LOWER | UPPER;
/// Joins words to one name.
const JOIN: u32 = UNDERSCORE | DASH;
/// What base64 has beside letters and digits.
const BASE64: u32 = PLUS | FORWARD;
/// White space and control characters.
const GAP: u32 = CONTROL | NEWLINE | SPACE;
const SLASH: u32 = FORWARD | BACKWARD;
/// Punctuation that belongs to the sentence when it ends a value.
const TAIL: u32 = DOT | COLON | SEMICOLON | CLOSE | QUESTION | BANG;
/// What a URL ends before.
const NO_URL: u32 = GAP | QUOTE | BACKWARD | ANGLE | CARET | BAR;
/// What a path ends before, slashes aside.
const NO_PATH: u32 = QUOTE | COLON | STAR | ANGLE | BAR | SEMICOLON | CLOSE | QUESTION | BANG | OPEN | EQUALS;
/// What may stand in an address before its `@`.
const LOCAL: u32 = PERCENT | PLUS | WIDE | JOIN | DOT;

/// What the capitals in a pattern stand for, from A to Z.
const CLASSES: [u32; 26] = [
    ALNUM,
    // B: the body of a key.
    ALNUM | JOIN | DOT | STAR,
    // C: between the groups of an IPv6 address.
    COLON | DOT,
    DIGIT,
    // E: between a name and its value.
    EQUALS | COLON | BANG,
    // F: ends a URL's authority.
    NO_URL | FORWARD | QUESTION | SHARP,
    GAP,
    HEX,
    // I: a host ends in one.
    ALNUM | WIDE,
    JOIN,
    // K: a key with its prefix.
    ALNUM | JOIN | DOT | STAR | COLON,
    LOWER,
    // M: a name with dots.
    ALNUM | JOIN | DOT,
    NEWLINE,
    // O: a label of a host.
    ALNUM | WIDE | JOIN,
    // P: between the groups of a number.
    SPACE | DASH | DOT | FORWARD,
    QUOTE,
    // R: behind these no path goes on. Windows allows none of them in a name.
    QUOTE | COLON | STAR | ANGLE | BAR | NEWLINE | SLASH,
    SLASH,
    TAIL,
    UPPER,
    // V: ends a value without quotes.
    GAP | QUOTE | ANGLE | SEMICOLON,
    // W: before a separator that begins no path.
    ALNUM | SLASH | LOCAL | COLON,
    // X: ends a URL.
    NO_URL,
    // Y: no word of a program has these behind a known prefix.
    UPPER | STAR,
    // Z: ends a directory's name.
    GAP | NO_PATH | SLASH,
];

/// Strings these patterns one behind the other: each name is where its pattern begins in [`PATTERNS`].
///
/// | in a pattern | matches |
/// |---|---|
/// | a capital | a byte of its class, see [`CLASSES`] |
/// | `[ab` | a byte from `a` to `b` |
/// | `\x` | `x`, whatever that means elsewhere |
/// | `(a\|b)` | `a`, else `b` |
/// | `?x` `*x` | `x` at most once; as often as it can, and then never less |
/// | `{nx` `}nx` | `x` exactly, and at most, `n` times: `n` is one character, counted from `0`, so `:` is 10, `D` 20 |
/// | `~x` | any byte that is not the beginning of `x` |
/// | `&x` `!x` | nothing, where `x` follows, or does not |
/// | `<nx` | nothing, where `x` matches `n` bytes before |
/// | `$` `;` | nothing: what is taken begins here; what is taken ends here without its [`TAIL`] |
/// | `^` | nothing: from here on letters match in any case |
/// | `,` `` ` `` | nothing: a user's directory begins here; it is named here again |
/// | `@n` | the pattern that [`CALLED`] has under `n` |
/// | `#x` | what [`Walk::check`] says |
/// | all else | itself |
///
/// A pattern ends with `)`. Where it is a rule by itself, its placeholder stands behind.
macro_rules! patterns {
    (@ $at:expr;) => {};
    (@ $at:expr; $(#[$doc:meta])* $name:ident $text:literal $($rest:tt)*) => {
        $(#[$doc])*
        const $name: u16 = $at;
        patterns!(@ $at + $text.len() as u16; $($rest)*);
    };
    ($($(#[$doc:meta])* $name:ident $text:literal)*) => {
        const PATTERNS: &[u8] = concat!($($text),*).as_bytes();
        patterns!(@ 0; $($(#[$doc])* $name $text)*);
    };
}

patterns! {
    /// A number up to 255.
    OCTET r"(25[05|2[04D|1DD|D?D)!D)"
    /// An IPv4 address.
    QUAD r"@0.@0.@0.@0)"
    /// A group of an IPv6 address.
    GROUP r"H?H?H?H!H)"
    /// What this module writes; copied as it is when it is met again.
    PLACEHOLDER r"\<(secret|email|ip|path|user|query|fragment|id|uuid|phone|card|iban|jwt|pem|hex)\>)"
    /// A character of a directory's name, an apostrophe within a word given.
    SEGMENT r"<1A'&A|~Z)"
    /// The same, or a space, a bracket, a comma or the like behind which the path goes on: to another separator, or to a
    /// closing quote, within 48 bytes. `Jane Doe`, `R&D`, `Dropbox (Acme Corp)`, `Acme, Inc`.
    SPACED r"A*A|@4|~R&(}`~R!<1G(S|Q!A)))"
    /// Directories below a home from which on a path tells nothing of its owner.
    PUBLIC r"S*S(site-packages|dist-packages|node_modules))"
    /// The name of a file or a directory: no space belongs to it behind an extension.
    NAMED r"?.*(!(.A)@5)*@4)"
    /// A mangled name of C++ looks random; it is copied as it is.
    MANGLED r"!<1O_\Z(\N|\T|D)*(A|_))"
    /// A group of digits in a phone number. `12:30` is none.
    DIGITS r"D*D!A!:)"
    /// A URL behind its `://`, or a query. OData has values in quotes: `$filter=name%20eq%20'Jane'`.
    URL r"*((<1(=|\,|\(|+)|<3(%20))'*~(Q|G)'|~X);)"
    /// A value without quotes. Brackets in it are taken whole: `SecretStr('x')`, `('jane', 'x')`. So are a number in
    /// groups, an apostrophe in a word, a value that begins with `<`.
    PLAIN_VALUE r"?\<*(A*A|\(*~(\)|N)?\)|\[*~(]|N)?]|\{*~(\}|N)?\}|<1D &D|'&A|~V))"
    /// `x[10::2]` is a slice and `a::b` a name: an address has one group of four, or of three with a letter.
    WIDE_GROUP r"HHH(H|!<3(DDD))!H)"
    /// A path from the user's directory on, but for the file's name: that stays where it has an extension and does not
    /// repeat the user's, as `/home/jane/jane.kdbx` does.
    DIRECTORIES r",*@5*(!@6S*S@7&S)(&(@6|S*S!(*(!`@4)`)?.*(!(.A)@5).A)|S*S@7|);)"
    /// The values of a row where PostgreSQL says `Key (name)=(value) already exists.`, with brackets of their own.
    ROW r"\(<2=<3\)$*~(\) (already|is not|is still)|N))<secret>"
    /// `opencv-python==4.8.1.78`, `opencv_python-4.8.1.78.whl`, `version 4.8.1.78`: versions begin with a small number,
    /// but a browser's: `Chrome/131.0.0.0`.
    IP r"&D!<1.!(<2(L/)DDD.0.0.0|&(D.)(<1J|<2(==)|<7(ersion )))@1!A!(.D))<ip>"
    /// `ip-10-0-0-12` is how a cloud names a host.
    IP_DASHED r"&D<1-@0-@0-@0-@0!A!(-D))<ip>"
    /// Eight groups, the last two perhaps an IPv4 address, or `::` among fewer. A colon before it is right behind a word: `host:`.
    IP_6 r"&(}4H:)(!<1(C|J)|<2(([gz|[GZ):)|<5(ipv6:))(::1!(*CO)|({7(@2:)@2|{6(@2:)@1|&(*(!@;*H:)@;)?(@2}6(:@2))::?((@1|@2)}6(:(@1|@2))))!(*CO)))<ip>"
    /// In brackets that are encoded, as gRPC writes it.
    IP_6_URL r"%5\B$&(*H:)*(H|:|.)&(%5\D))<ip>"
    /// 13 to 19 digits by the issuer: those with 14 or 15 digits begin with 3, and only a 4 has 13.
    CARD r"&D!<1.(&(4|6|5[15|2[27|35)(DDDDPDDDDPDDDDPDDDD?(PDDD)|{@D?D?D?D)!A|&4{=D!A|&(3(0|4|6|7|8))(DDDDP{6DPDDDD?D|{>D?D)!A)#l)<card>"
    /// Behind a plus: 7 to 15 digits, no fraction.
    PHONE r"\+!<2.!(D*D.D*D!(PD))?\(!0@8*(?\)?P?\(@8#d0?)#d7?)<phone>"
    /// Behind one 0 or two: 9 to 15 digits in groups, no date with a time, no `[0 1 2 …]` and no range from 0.
    PHONE_0 r"?\(&0!<1.!(0(00|P))&(*D(\)| |-|/)*(P|\()D)!(DDPDDPDDDD)@8*(?\)?( |-|/)?\(@8#d0?)#d9?)<phone>"
    /// `555-010-1234`. With spaces, `[224 224 1024]` is a shape.
    PHONE_US r"(\(DDD\)?PDDDPDDDD|&D!<1.!<1\[(1P?\(|!1)DDD!D?\)?PDDD(-|.|/)DDDD)!A!:)<phone>"
    /// `8-4-4-4-12` hexadecimal digits.
    UUID r"{8H{3(J{4H)J{<H!A)<uuid>"
    MAC r"H!<2(C|J)H(:{4(HH:)|-{4(HH-))HH!(*CO))<hex>"
    /// What follows is looked at for 40 bytes, so that `eyJeyJ` costs no more. A body has 8 bytes at least: providers
    /// shorten keys in their own messages.
    JWT r"ey\J&(}X(!YB)Y){8B*B;)<jwt>"
    /// What well-known keys begin with: AWS, GitHub, GitLab, Slack, Stripe, Google, OpenAI and Anthropic, Hugging Face,
    /// then Groq, NVIDIA, Pinecone, LangSmith, Tavily, Replicate, npm, PyPI, SendGrid, Shopify, Astra DB, xAI, Perplexity.
    /// `hf_hub_download` and `sk-learn` are names: a key has a capital, behind a dash a digit may do.
    KEY r"&{;K((glpat|xox(b|p|a|r|s)|xapp|\G\O\C\S\P\X|sk|nvapi|tvly|pypi|xai|pplx)-&(}X(!(Y|D)B)(Y|D))|(\A(\K\I\A|\S\I\A|\Iza|stra\C\S:)|gh(p|o|u|s|r)_|github_pat_|(s|r|p)k_(live|test)_|whsec_|ya29.|hf_|gsk_|pcsk_|lsv2_|r8_|npm_|\S\G.|shpat_)&(}X(!YB)Y)){8B*B;)<secret>"
    /// With or without spaces after each four characters, the longest that is one, of 34 at most.
    IBAN r"AADD<4!D<3!D}2(}7(@=!#b)@=#b)#b)<iban>"
    /// The next characters of an account number, four but for the last ones.
    IBAN_GROUP r"<4(AAAA)?( |-)A?A?A?A)"
    /// 20 digits or more: a short git hash has 7 to 12, a 64-bit address 16.
    HEX_RUN r"&H?(0x)&(*D!DH)&(*(!DH)D){DH*H!A)<hex>"
    ID r"D<2S&#e{4D*D!A)<id>"
    TILDE r"\~&(*MS)(<2/|!<2W!#e)@<)<path>"
    /// `\\host\share`, each separator perhaps written twice.
    SHARE r"\\\\!<3W!#e(\\\\&(A*~Z\\\\!S)|&(A*~ZS!S))@<)<path>"
    /// The separators of a path, each perhaps written twice, as at the beginning of a share.
    SLASHES r"S?S?S?S)"
    /// `$HOME/`, `${HOME}/`, `%USERPROFILE%\`, `$env:APPDATA\`
    VARIABLE r"&S#h@<)<path>"
    /// Where a path begins. The home of root names nobody: what is right in it is a file already.
    ROOT r"S!<2W!#e?S?S?S(root&(@>!Z)|(media|run/media)@>!Z)@<)<path>"
    /// Windows writes them in any case. The last is the long form of a share, `\\?\UNC\host\share`.
    HOME r"&S(<1:^|)@>(<1\\^|)(home|\Users|\Documents and \Settings|\U\N\C)@>!Z@<)<path>"
    /// To the URL's end, or `/search?q=x` without a scheme: a name of 64 bytes at most, so that `?a?a?a` costs no more.
    QUERY r"\?$(#e|<2(A|S)&(?\$M}p(M|%|\[|])=)@9))<query>"
    FRAGMENT r"\#$#e)<fragment>"
    /// To the dashes behind its end, or all that is left.
    PEM r"^{5-begin *~({5-end )?({5-end )*~({5-)?({5-))<pem>"
    /// A password with an `@` or a `/` of its own, not encoded: nobody knows where it ends.
    USERINFO r"!\[&(*~(F|:):(!(D*DF|G)|*~(F|\@)\@))*~F#a)<secret>"
    /// One with a sign before which a URL ends.
    USERPASS r"*~(F|:):!(D*DF)}p~(G|Q|\@)&\@)<secret>"
    USERNAME r"*~(F|\@)*(\@*~(F|\@)&\@)&\@)<secret>"
    /// A credential behind its scheme. `Basic usage` and `Bearer token` are words: it has a digit or letters of both cases
    /// behind its first, or 20 bytes.
    SCHEME_VALUE r" * $&({8~V)(&({D~V)|&(~V(*~(V|D)D|&(*~(V|U)U)*~(V|L)L)))@:;)"
    /// The value behind a name: the name's own closing quote, a subscript's bracket, `=`, `:`, `:=`, `=>` or `!=` but not
    /// `::`, or only a space before a quote or behind an option. `password 'x'`, but not `"password" "x"`, nor
    /// `'token', 'x'`. Some words without quotes are no value, most of them only behind a space. A header's value runs to
    /// the end of the line, or of the quotes it stands in; a quote behind `=` belongs to it. A list
    /// is taken to its bracket, over lines too, as Node prints it. A text without quotes, or in backticks, which a model
    /// writes too, runs to pydantic's next field, or to the end.
    VALUE r"((*\\Q?]|?])*(!NG)!(::)(#t\>|E)*(E|\>)*(!NG)?(L&Q)|?] * (?(L&Q)&(*\\Q)|#o))(#k7!(*\\!\`Q)!@3$*~(\, input_type)|*\\Q!(@3*\\Q)$#q|!(*\\Q)!((^(none|null|nil|true|false|undefined|yes|no)|<1 ^(with|was|value|to|the|string|str|should|required|requires|or|optional|of|not|must|missing|may|is|invalid|int|in|has|from|found|for|field|expired|empty|could|cannot|bytes|bool|at|authentication|and|an|a))!A(\[|*TV))!@3$(#k5(\[*~]|*(<1=Q|~(Q|N)))|@:;)))"
    /// An address from its `@` on. `react@latest`, `@v2`, `core@0.3.18` and `vite@6.0.0-beta.10` are none, but
    /// `jane@163.com`, `jane@v2.example.com` and `root@192.0.2.1` are: a version's last label begins with a digit.
    EMAIL r"(\@|%40)(@1!(?.O)|!(?v&D*(O*O.&O)D)!(^(latest|next|sha256|main|master|dev|beta|alpha|canary|rc)*(.|J)!I)*(.|J)I*(*(.|J)I)))"
}

/// What `@` and a sign from `0` on call.
const CALLED: [u16; 15] = [
    OCTET,
    QUAD,
    GROUP,
    PLACEHOLDER,
    SEGMENT,
    SPACED,
    PUBLIC,
    NAMED,
    DIGITS,
    URL,
    PLAIN_VALUE,
    WIDE_GROUP,
    DIRECTORIES,
    IBAN_GROUP,
    SLASHES,
];
/// The rules where a word begins: first those for digits, [`NUMBERS`] of them, then those for hexadecimal digits.
const WORDS: &[u16] =
    &[ROW, IP, IP_DASHED, CARD, PHONE, PHONE_0, PHONE_US, ID, UUID, IP_6, MAC, IBAN, HEX_RUN, JWT, KEY];
/// How many of [`WORDS`] begin with a digit or a sign.
const NUMBERS: usize = 8;
/// How many of [`WORDS`] begin with a hexadecimal digit or a colon.
const HEXES: usize = 3;
/// The rules at other signs.
const SIGNS: &[u16] = &[TILDE, SHARE, VARIABLE, ROOT, HOME, QUERY, FRAGMENT, PEM, IP_6_URL];
/// The rules behind a URL's `://`.
const USERINFOS: &[u16] = &[USERINFO, USERPASS, USERNAME];

/// No match.
const FAIL: usize = usize::MAX;

/// Whether a run of `len` letters and digits is no name. `score` counts 2 for each change between a letter and a
/// digit, 1 for each capital behind a small letter.
///
/// 0.35 a character. Random base62 scores 0.72 in the mean, lower case with digits 0.8; a name in camel case
/// 0.17. Measured on 52,000 names of 20 characters and more from sources in Python, JavaScript and Rust: nearly
/// all that score higher are keys, hashes and certificates, the rest are like `PromoteLowVecF32x4ToVecF64x2`. Of
/// random strings it finds 96 % at 20 characters and 99 % at 40. Shannon entropy of single characters tells the
/// two apart less well at such lengths.
fn looks_random(score: usize, len: usize) -> bool {
    score * 20 >= len * 7
}

/// The [`kind`] of any byte.
fn class(byte: u8) -> u32 {
    match KINDS.get(usize::from(byte)) {
        Some(kind) => 1 << kind,
        None if byte < 0xc0 => MIDDLE,
        None => START,
    }
}

/// One walk over a text. Beyond both ends of it everything is white space.
struct Walk<'a> {
    text: &'a [u8],
    /// What is next to be looked at.
    at: usize,
    out: Vec<u8>,
    /// Where in `out` the local part of an address would begin.
    local: usize,
    /// Where in `out` the run of base64 in progress begins, its letters and digits so far, their score.
    run: usize,
    run_len: usize,
    run_score: usize,
    /// Where the URL in progress ends, and the last `@` in it.
    url_end: usize,
    url_at: usize,
    /// Whether the word in progress is a command line option, `--name`.
    option: bool,
    /// The name whose value is next: where it begins, and its kind.
    name: usize,
    kind: usize,
    /// Where in [`PATTERNS`] the match in progress is, where in the text what it takes begins, where a user's directory
    /// does, and the bit that tells small letters from capitals where it is to tell nothing.
    pattern: usize,
    mark: usize,
    user: usize,
    fold: u8,
}

impl Walk<'_> {
    // Not inline, nor is `next`: they are called from everywhere.
    #[inline(never)]
    fn byte(&self, at: usize) -> u8 {
        self.text.get(at).copied().unwrap_or(0)
    }

    /// Whether the byte at `at` is of one of the classes in `mask`.
    fn is(&self, at: usize, mask: u32) -> bool {
        class(self.byte(at)) & mask != 0
    }

    /// The same of the byte before `at`.
    fn after(&self, at: usize, mask: u32) -> bool {
        self.is(at.wrapping_sub(1), mask)
    }

    /// The next byte of the pattern.
    #[inline(never)]
    fn next(&mut self) -> u8 {
        let op = PATTERNS.get(self.pattern).copied().unwrap_or(b')');
        self.pattern += 1;
        op
    }

    /// Where the match of a pattern that begins at `at` ends, or [`FAIL`], as all below.
    fn matches(&mut self, pattern: u16, at: usize) -> usize {
        self.pattern = usize::from(pattern);
        self.mark = at;
        self.fold = 0;
        self.sequence(at)
    }

    /// Matches up to the `|` or `)` that comes next.
    fn sequence(&mut self, mut at: usize) -> usize {
        while at != FAIL {
            match PATTERNS.get(self.pattern) {
                Some(b')' | b'|') | None => break,
                Some(op) => {
                    self.pattern += 1;
                    at = self.item(*op, at);
                }
            }
        }
        at
    }

    /// Matches one of what stands up to the `)`, and leaves the pattern behind it.
    fn choice(&mut self, at: usize) -> usize {
        loop {
            let end = self.sequence(at);
            if self.skip(end == FAIL) || end != FAIL {
                return end;
            }
        }
    }

    /// Leaves the pattern behind the `)` of this choice, and says so, or behind its next `|` where there is a `bar`.
    fn skip(&mut self, bar: bool) -> bool {
        let mut depth = 0;
        while let Some(op) = PATTERNS.get(self.pattern) {
            self.pattern += 1;
            match op {
                b'\\' => self.pattern += 1,
                b'(' => depth += 1,
                b')' if depth == 0 => break,
                b')' => depth -= 1,
                b'|' if bar && depth == 0 => return false,
                _ => {}
            }
        }
        true
    }

    /// Matches one thing, whose first byte is `op`. Leaves the pattern behind it in any case.
    fn item(&mut self, op: u8, at: usize) -> usize {
        let b = self.text.get(at).copied().unwrap_or(0);
        let fits = match op {
            b'(' => return self.choice(at),
            b'*' | b'?' | b'{' | b'}' => {
                let max = match op {
                    b'*' => FAIL,
                    b'?' => 1,
                    _ => usize::from(self.next() - b'0'),
                };
                return self.repeat(if op == b'{' { max } else { 0 }, max, at);
            }
            b'<' => {
                let back = usize::from(self.next() & 15);
                let op = self.next();
                return if self.item(op, at.wrapping_sub(back)) == FAIL { FAIL } else { at };
            }
            b'&' | b'!' | b'~' => {
                let what = self.next();
                let found = self.item(what, at) != FAIL;
                if found == (op == b'&') && op != b'~' {
                    return at;
                }
                op == b'~' && !found && at < self.text.len()
            }
            b'$' => {
                self.mark = at;
                self.fold = 0;
                return at;
            }
            b',' => {
                self.user = at;
                return at;
            }
            b'^' => {
                self.fold = 0x20;
                return at;
            }
            b';' => {
                let mut end = at;
                while end > self.mark && self.after(end, TAIL) {
                    end -= 1;
                }
                return end;
            }
            b'@' => {
                let called = self.next() - b'0';
                let back = self.pattern;
                self.pattern = usize::from(CALLED.get(usize::from(called)).copied().unwrap_or(0));
                let end = self.choice(at);
                self.pattern = back;
                return end;
            }
            b'[' => {
                let from = self.next();
                from <= b && b <= self.next()
            }
            b'#' => return self.check(at),
            b'`' => return self.repeats(at),
            b'A'..=b'Z' => class(b) & CLASSES.get(usize::from(op - b'A')).copied().unwrap_or(0) != 0,
            _ => {
                let literal = if op == b'\\' { self.next() } else { op };
                b | self.fold == literal | self.fold
            }
        };
        if fits { at.wrapping_add(1) } else { FAIL }
    }

    /// Matches the thing that is next as often as `max`, if not less than `min`.
    #[inline(never)]
    fn repeat(&mut self, min: usize, max: usize, mut at: usize) -> usize {
        let op = self.next();
        let start = self.pattern;
        let mut count = 0;
        loop {
            self.pattern = start;
            let end = self.item(op, at);
            if end == FAIL || end == at {
                break;
            }
            at = end;
            count += 1;
            if count == max || at >= self.text.len() {
                break;
            }
        }
        if count < min { FAIL } else { at }
    }

    /// Whether the name of the user's directory stands at `at` again. Shorter ones than three bytes may by chance.
    fn repeats(&mut self, at: usize) -> usize {
        let mut len = 0;
        while !self.is(self.user + len, SLASH) {
            if self.byte(self.user + len) | 0x20 != self.byte(at + len) | 0x20 || len > 32 {
                return FAIL;
            }
            len += 1;
        }
        if len < 3 { FAIL } else { at }
    }

    /// What no pattern can tell: the end of a URL or of a quoted value, what is known of the name, sums.
    #[inline(never)]
    fn check(&mut self, at: usize) -> usize {
        let holds = match self.next() {
            b'e' => return if at < self.url_end { self.url_end } else { FAIL },
            b'a' => return if self.url_at > at { self.url_end } else { FAIL },
            b'q' => return self.quoted_end(at),
            b'd' => {
                let count = self.tally(at).0 + b'0';
                self.next() <= count && count <= self.next()
            }
            b'l' => self.tally(at).1,
            b'b' => self.is_iban(at),
            b'o' => self.option,
            b't' => self.byte(self.name.wrapping_sub(1)) == b'<',
            b'h' => {
                let before = self.byte(at.wrapping_sub(1));
                let (name, kind) = self.name(if matches!(before, b'%' | b'}') { at - 1 } else { at });
                kind == HOME_VARIABLE && matches!(self.byte(name.wrapping_sub(1)), b'$' | b'{' | b'%' | b':')
            }
            _ => self.kind == usize::from(self.next() & 15),
        };
        if holds { at } else { FAIL }
    }

    /// The name from [`NAMES`] which the text before `end` ends with: where it begins, and its kind.
    fn name(&self, end: usize) -> (usize, usize) {
        // Nine words of ten end in two letters that no name ends in.
        let (last, other) = (self.byte(end.wrapping_sub(1)), self.byte(end.wrapping_sub(2)));
        let ends = NAME_ENDS.get(usize::from(last & 31)).copied().unwrap_or(0);
        if class(last) & ALNUM != 0 && class(other) & ALNUM != 0 && ends >> (other & 31) & 1 == 0 {
            return (0, 0);
        }
        let (mut entry, mut kind) = (0, 1);
        while let Some(len) = NAMES.get(entry) {
            let (mut letter, mut at) = (entry + usize::from(*len), end);
            let next = letter + 1;
            while letter > entry {
                at = at.wrapping_sub(1);
                if self.is(at, JOIN | SPACE) {
                    at = at.wrapping_sub(1);
                }
                if Some(&(self.byte(at) | 0x20)) != NAMES.get(letter) {
                    break;
                }
                letter -= 1;
            }
            if *len == 0 {
                kind += 1;
            } else if letter == entry
                && (*len >= 5 || !self.after(at, ALNUM) || self.is(at, UPPER) && self.after(at, LOWER))
            {
                return (at, kind);
            }
            entry = next;
        }
        (0, 0)
    }

    /// Copies up to `end`.
    fn copy(&mut self, end: usize) {
        self.out.extend_from_slice(self.text.get(self.at..end).unwrap_or_default());
        self.at = end;
    }

    /// Takes what is up to `end`: a placeholder stands for it.
    fn take(&mut self, end: usize, kind: &[u8]) -> bool {
        self.end_run();
        self.out.extend_from_slice(kind);
        self.at = end;
        self.new_run();
        true
    }

    /// Takes back what was written from `mark` on.
    fn take_back(&mut self, mark: usize) {
        self.out.truncate(mark);
        self.local = self.local.min(mark);
    }

    /// Begins a new run of base64.
    fn new_run(&mut self) {
        self.run = self.out.len();
        self.run_len = 0;
        self.run_score = 0;
    }

    /// Ends a run of base64: where it looks random as a whole, it is taken back.
    fn end_run(&mut self) {
        if self.run_len >= RANDOM_JOINED_MIN && looks_random(self.run_score, self.run_len) {
            self.take_back(self.run);
            self.out.extend_from_slice(b"<secret>");
            while self.byte(self.at) == b'=' {
                self.at += 1;
            }
        }
        self.new_run();
    }

    /// Tries rules, and takes what the first says.
    fn rules(&mut self, rules: &[u16]) -> bool {
        for rule in rules {
            let end = self.matches(*rule, self.at);
            if end != FAIL && end > self.mark {
                self.copy(self.mark);
                let label = self.pattern + 1;
                while self.next() != b'>' {}
                return self.take(end, PATTERNS.get(label..self.pattern).unwrap_or_default());
            }
        }
        false
    }

    /// One step: a word, a value, or a character between.
    fn step(&mut self) {
        let at = self.at;
        let fresh = !self.after(at, ALNUM);
        if self.is(at, ALNUM) {
            let first = if self.is(at, DIGIT) {
                0
            } else if self.is(at, HEX) {
                NUMBERS
            } else {
                NUMBERS + HEXES
            };
            if !(fresh && self.rules(WORDS.get(first..).unwrap_or_default())) {
                self.word();
            }
            return;
        }
        let joins = self.is(at, JOIN | BASE64);
        if !joins {
            self.end_run();
            if self.at != at {
                return;
            }
        }
        let (b, next) = (self.byte(at), self.byte(at + 1));
        let taken = match b {
            b'@' | b'%' => self.address() || self.rules(SIGNS),
            b':' if next == b'/' && self.byte(at + 2) == b'/' => self.url(),
            b':' | b'+' | b'(' => fresh && self.rules(WORDS),
            b'-' if next != b'-' => false,
            _ => self.is(at, SLASH | QUESTION | SHARP | PERCENT | DASH) && self.rules(SIGNS),
        };
        if taken {
            return;
        }
        if self.is(at, GAP) {
            self.option = false;
        } else if b == b'-' && next == b'-' && self.after(at, GAP | QUOTE) {
            self.option = true;
        }
        let mut end = at + 1;
        if matches!(b, b'<' | b'_') {
            let known = self.matches(if b == b'<' { PLACEHOLDER } else { MANGLED }, at);
            if known != FAIL {
                end = known;
            }
        }
        while self.is(end, MIDDLE) {
            end += 1;
        }
        self.copy(end);
        // `jane:password@host`: both are taken. `jane.o'connor@host` is one name.
        let within = matches!(b, b':' | b'\'') && !fresh && self.is(end, ALNUM);
        if !within && !self.is(at, LOCAL) {
            self.local = self.out.len();
        }
        if !joins {
            self.new_run();
        }
    }

    /// A run of letters and digits that is nothing by its shape.
    #[inline(never)]
    fn word(&mut self) {
        let at = self.at;
        // One look at each letter: this loop is much of what a message costs.
        let (mut len, mut score, mut before) = (0, 0, 0);
        for b in self.text.get(at..).unwrap_or_default() {
            let this = class(*b);
            if this & ALNUM == 0 {
                break;
            }
            if len > 0 && (this ^ before) & DIGIT != 0 {
                score += 2;
            } else if this & UPPER != 0 && before & LOWER != 0 {
                score += 1;
            }
            before = this;
            len += 1;
        }
        let end = at + len;
        self.run_len += len;
        self.run_score += score;
        if len >= RANDOM_MIN && looks_random(score, len) {
            self.out.extend_from_slice(b"<secret>");
            self.at = end;
            return;
        }
        self.copy(end);
        if self.is(end, JOIN) {
            return;
        }
        (self.name, self.kind) = self.name(end);
        if self.kind > HOME_VARIABLE {
            let value = self.matches(if self.kind == SCHEME { SCHEME_VALUE } else { VALUE }, end);
            if value != FAIL && value > self.mark {
                self.copy(self.mark);
                self.take(value, if self.kind == USER_NAME { b"<user>" } else { b"<secret>" });
            }
        }
    }

    /// Whether what is up to `end` is an international bank account number: its remainder modulo 97, the first four
    /// characters behind the others, a letter two digits, from A = 10.
    fn is_iban(&self, end: usize) -> bool {
        let len = end - self.at;
        let (mut rest, mut count, mut i) = (0, 0, 4);
        while i < len + 4 {
            let at = self.at + i % len;
            let b = u32::from(self.byte(at));
            if self.is(at, ALNUM) {
                rest = if self.is(at, DIGIT) { rest * 10 + b - 48 } else { rest * 100 + (b & 0x1f) + 9 } % 97;
                count += 1;
            }
            i += 1;
        }
        matches!(count, 15..=34) && rest == 1 && !self.is(end, ALNUM)
    }

    /// How many digits there are up to `end`, and whether they pass the Luhn check.
    fn tally(&self, end: usize) -> (u8, bool) {
        let (mut count, mut plain, mut doubled) = (0, 0, 0);
        for at in self.at..end {
            if self.is(at, DIGIT) {
                let digit = u32::from(self.byte(at) & 15);
                (plain, doubled) = (doubled + digit, plain + digit * 2 - if digit > 4 { 9 } else { 0 });
                count += 1;
            }
        }
        (count, plain % 10 == 0)
    }

    /// Where the value in quotes that begins at `start` ends: at the next `quote` behind as many backslashes as the
    /// opening one had. A quote that is doubled, as in SQL, is part of the value. Without an end, all is the value.
    fn quoted_end(&self, start: usize) -> usize {
        let quote = self.byte(start - 1);
        let mut slashes = 0;
        while self.byte(start.wrapping_sub(slashes + 2)) == b'\\' {
            slashes += 1;
        }
        let (mut end, mut seen) = (start, 0);
        while end < self.text.len() {
            let b = self.byte(end);
            if b == quote && (seen == slashes || slashes == 0 && seen % 2 == 0) {
                if self.byte(end + 1) != quote || end == start {
                    return end - slashes;
                }
                end += 1;
            }
            seen = if b == b'\\' { seen + 1 } else { 0 };
            end += 1;
        }
        end
    }

    /// An address, at its `@` or `%40`: the local part is taken back.
    fn address(&mut self) -> bool {
        if self.local == self.out.len() {
            return false;
        }
        let end = self.matches(EMAIL, self.at);
        if end == FAIL {
            return false;
        }
        self.take_back(self.local);
        self.take(end, b"<email>")
    }

    /// A URL, at the `://` behind its scheme: remembers how far it reaches, and takes the userinfo.
    fn url(&mut self) -> bool {
        let start = self.at + 3;
        if start >= self.url_end {
            self.url_end = self.matches(URL, start);
            self.url_at = self.url_end;
            while self.url_at > start && self.byte(self.url_at) != b'@' {
                self.url_at -= 1;
            }
        }
        self.copy(start);
        self.rules(USERINFOS);
        self.local = self.out.len();
        self.new_run();
        true
    }
}

fn new_walk(text: &[u8]) -> Walk<'_> {
    Walk {
        text,
        at: 0,
        out: Vec::new(),
        local: 0,
        run: 0,
        run_len: 0,
        run_score: 0,
        url_end: 0,
        url_at: 0,
        option: false,
        pattern: 0,
        mark: 0,
        user: 0,
        name: 0,
        kind: 0,
        fold: 0,
    }
}

/// One walk, and the cap.
fn walk(text: &[u8]) -> Vec<u8> {
    let mut walk = new_walk(text);
    // What is written before both marks is never taken back.
    while walk.at < text.len() && walk.local.min(walk.run) <= ERROR_MESSAGE_MAX_BYTES {
        walk.step();
    }
    walk.end_run();
    let mut out = walk.out;
    if out.len() > ERROR_MESSAGE_MAX_BYTES {
        let mut cut = ERROR_MESSAGE_MAX_BYTES;
        let is = |at: usize, mask: u32| class(out.get(at).copied().unwrap_or(0)) & mask != 0;
        while cut + CUT_SLACK > ERROR_MESSAGE_MAX_BYTES && !is(cut, GAP) {
            cut -= 1;
        }
        if !is(cut, GAP) {
            cut = ERROR_MESSAGE_MAX_BYTES;
            while is(cut, MIDDLE) {
                cut -= 1;
            }
        }
        out.truncate(cut);
    }
    out
}

/// Returns `message` without what identifies a person or opens a door, at most
/// [`ERROR_MESSAGE_MAX_BYTES`] long, cut on a character boundary. Scrubbed first, cut then. Takes time linear in
/// the length, never panics, and changes nothing in what it returned once.
pub fn redact(message: &str) -> String {
    String::from_utf8(scrub(message)).unwrap_or_default()
}

/// The same as bytes, which are whole characters: to check that once more is 0.35 KB of the module.
pub fn scrub(message: &str) -> Vec<u8> {
    let mut text = walk(message.as_bytes());
    // Most messages have nothing in them: then the second walk would find what the first did.
    let mut changed = text != message.as_bytes();
    for _ in 1..PASSES_MAX {
        if !changed {
            break;
        }
        let next = walk(&text);
        changed = next != text;
        text = next;
    }
    text
}

/// Whether `name` is a word of letters alone, a capital and a small one first, that is neither hexadecimal nor random:
/// [`walk`] leaves such a word as it is, since no well-known key begins so, and every other rule needs a digit or a
/// sign. Most names are like that, and with each component event comes one: to walk it cost more than to write the
/// event down.
fn is_plain_name(name: &str) -> bool {
    let (mut before, mut score) = (0, 0);
    name.len() > 1
        && name.bytes().zip([UPPER, LOWER]).all(|(b, case)| class(b) & case != 0)
        && name.bytes().any(|b| class(b) & HEX == 0)
        && name.bytes().all(|b| {
            let now = class(b);
            score += usize::from(now & UPPER != 0 && before & LOWER != 0);
            before = now;
            now & (UPPER | LOWER) != 0
        })
        && !looks_random(score, name.len())
}

/// Returns `name` where it may travel as a component's name, else [`CUSTOM_COMPONENT`].
///
/// With a list of names, each with a NUL behind it, those on it pass, letter for letter. Without one, what has the shape of an identifier or a display name
/// does: it begins with an ASCII letter or `_`, goes on with ASCII letters, digits, space and `_-.()&+:`, has six words
/// at most, and nothing in it that [`redact`] would take. Neither is longer than [`NAME_MAX_CHARS`] characters.
pub fn component_name<'a>(name: &'a str, allowed: Option<&str>) -> &'a str {
    let passes = match allowed {
        Some(list) => {
            !name.is_empty()
                && is_name(name)
                && list.as_bytes().split(|b| *b == 0).any(|n| n == name.as_bytes())
        }
        None => {
            let of_a_name = |b: u8| {
                class(b) & (ALNUM | JOIN | DOT | SPACE | PLUS | COLON) != 0 || matches!(b, b'(' | b')' | b'&')
            };
            name.len() <= NAME_MAX_CHARS
                && (is_plain_name(name)
                    || matches!(name.bytes().next(), Some(b'A'..=b'Z' | b'a'..=b'z' | b'_'))
                        && name.bytes().all(of_a_name)
                        && name.bytes().filter(|b| *b == b' ').count() < NAME_MAX_WORDS
                        && walk(name.as_bytes()) == name.as_bytes())
        }
    };
    if passes { name } else { CUSTOM_COMPONENT }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_whole() {
        let rules = [WORDS, SIGNS, USERINFOS].concat();
        let plain = [SCHEME_VALUE, VALUE, EMAIL, MANGLED];
        for pattern in rules.iter().chain(&CALLED).chain(&plain) {
            let mut walk = new_walk(b"");
            walk.pattern = usize::from(*pattern);
            assert!(walk.skip(false));
            if rules.contains(pattern) {
                let label = PATTERNS.get(walk.pattern..).and_then(|rest| rest.split(|b| *b == b'>').next());
                assert!(label.is_some_and(|label| label.starts_with(b"<") && label.len() < 10), "{label:?}");
            }
        }
    }

    /// Each message and what is left of it.
    fn each(cases: &[(&str, &str)]) {
        for (message, left) in cases {
            assert_eq!(redact(message), *left, "of {message:?}");
        }
    }

    /// Messages that stay as they are.
    fn stays(messages: &[&str]) {
        for message in messages {
            assert_eq!(redact(message), *message);
        }
    }

    proptest::proptest! {
        #[test]
        fn a_plain_name_would_be_left_as_it_is(
            name in "[A-Z][a-z][A-Za-z]{0,40}",
            words in "([A-Z][a-z]{2,9}){1,6}",
            hex in "[A-F][a-f][A-Fa-f]{0,40}[G-Zg-z]?[A-Fa-f]{0,9}",
        ) {
            for name in [name, words, hex] {
                proptest::prop_assert!(!is_plain_name(&name) || walk(name.as_bytes()) == name.as_bytes(), "{}", name);
            }
        }
    }

    #[test]
    fn plain_names() {
        for name in ["Prompt", "ChatInput", "OpenAIModel", "Password", "RecursiveCharacterTextSplitter"] {
            assert!(is_plain_name(name), "{name}");
        }
        for name in [
            "",
            "A",
            "chatInput",
            "AKIAEXAMPLEEXAMPLE",
            "eyJhbGciOiJIUzIEEE",
            "Face",
            "Chat1",
            "Chat_Input",
            "Chat Input",
            "AbCdEfGhIjKlMnOpQrStUvWx",
        ] {
            assert!(!is_plain_name(name), "{name}");
        }
    }

    #[test]
    fn addresses() {
        each(&[
            ("to jane.doe+x@mail.example.co.uk.", "to <email>."),
            ("<jane@example.com>", "<<email>>"),
            ("mailto:jane%40example.com", "<email>"),
            ("zhang@163.com root@192.0.2.1 jane@build-host", "<email> <email> <email>"),
            ("jörg@müller.example", "<email>"),
            ("jane@v2.example.com info@v8.dev", "<email> <email>"),
            ("'jane.o'connor@example.com'", "'<email>'"),
        ]);
        stays(&[
            "a @ b",
            "@tool",
            "core@0.3.18",
            "vite@6.0.0-beta.10",
            "x@latest",
            "actions/checkout@v4",
            "@",
            "a@",
            "x@v4.2.1 x@v1.0.0rc1 x@v1-beta",
        ]);
    }

    #[test]
    fn ip_addresses() {
        each(&[
            ("192.0.2.255:80", "<ip>:80"),
            ("0.0.0.0/8", "<ip>/8"),
            ("from 10.0.0.1.", "from <ip>."),
            ("ip-10-0-0-12.internal", "ip-<ip>.internal"),
            ("[2001:db8::1]:443", "[<ip>]:443"),
            ("1:2:3:4:5:6:7:8", "<ip>"),
            ("::ffff:10.0.0.1", "<ip>"),
            ("::1", "<ip>"),
            ("fe80::1ff:fe23%eth0", "<ip>%eth0"),
            ("00:1a:2B:3c:4d:5e", "<hex>"),
            ("ipv6:2001:db8::1 HOST:2001:db8::1", "ipv6:<ip> HOST:<ip>"),
            ("ipv6:%5B2001:db8::200a%5D:443", "ipv6:%5B<ip>%5D:443"),
            ("00-1a-2B-3c-4d-5e", "<hex>"),
            ("Chrome/131.0.6778.86 /131.0.0.0", "Chrome/131.0.6778.86 /<ip>"),
        ]);
        stays(&[
            "192.0.2.256",
            "1.2.3",
            "1.2.3.4.5",
            "v1.2.3.4",
            "opencv-python==4.8.1.78",
            "12:34:56",
            "x[10::2]",
            "a::b",
            "std::add",
            "::",
            "1:2:3:4:5:6:7",
            "std::dead::beef",
            "%5Babc%5D",
            "Chrome/131.0.0.0",
        ]);
    }

    #[test]
    fn paths_keep_the_file() {
        each(&[
            ("/home/jane/app/run.py:42", "<path>/run.py:42"),
            ("/home/jane", "<path>"),
            ("/home/jane/app", "<path>"),
            (
                // In parts: as a whole it is the home of whoever builds this as root, which a search for such paths finds.
                concat!("/", "root", "/a.py /run/media/jane/b.py ~/c.py ~jane/d.py"),
                "<path>/a.py <path>/b.py <path>/c.py <path>/d.py",
            ),
            (r"C:\Users\Jane Doe\x.py", r"C:<path>\x.py"),
            (r"'c:\\users\\jane\\x.py'", r"'c:<path>\\x.py'"),
            (r"\\host\share\jane\x.py", r"<path>\x.py"),
            (r"\\\\host\\share\\x.py", r"<path>\\x.py"),
            (r"\\?\UNC\host\share\x.py", r"\\?<path>\x.py"),
            (r"%USERPROFILE%\app\x.py", r"%USERPROFILE%<path>\x.py"),
            ("${HOME}/app/x.py", "${HOME}<path>/x.py"),
            ("'/Users/Jane Doe'", "'<path>'"),
            ("/home/jane/jane.kdbx", "<path>"),
            ("/home/jane/.venv/lib/site-packages/a/b.py", "<path>/site-packages/a/b.py"),
            ("file:///home/jane/x.py", "file://<path>/x.py"),
            ("'/Users/jane/Dropbox (Acme Corp)/R&D/[2024] x/a.pdf'", "'<path>/a.pdf'"),
            (r"'C:\\Users\\jane\\Müller & Söhne, Inc\\a.pdf'", r"'C:<path>\\a.pdf'"),
            ("('/home/jane/x.py', '/usr/lib/y.py')", "('<path>/x.py', '/usr/lib/y.py')"),
            ("open(/home/jane/x, /tmp/y), see docs", "open(<path>, /tmp/y), see docs"),
            ("(/home/jane/x.py) in a/b", "(<path>/x.py) in a/b"),
        ]);
        stays(&[
            "/home",
            "/home/",
            "/usr/lib/x.py",
            concat!("/app/", "root", "/x"),
            "/api/v1/users/me",
            r"'\d'",
            r"C:\Windows\x.dll",
            "~= 1.2",
            "$HOME/x.py",
        ]);
    }

    #[test]
    fn urls_lose_userinfo_query_and_fragment() {
        each(&[
            ("https://jane:pw@example.com:8443/a?b=c#d", "https://<secret>@example.com:8443/a?<query>"),
            ("(https://example.com/a#b)", "(https://example.com/a#<fragment>)"),
            ("postgres://u:p@ss/w@db/x", "postgres://<secret>"),
            ("postgres://u:p/w@db/x", "postgres://<secret>"),
            ("https://example.com/users/12345/x", "https://example.com/users/<id>/x"),
            ("GET /search?q=jane", "GET /search?<query>"),
            ("postgres://u:9p/w@db/x", "postgres://<secret>"),
            ("postgres://u:/w@db/x", "postgres://<secret>"),
            ("postgres://u:4f#w@db/x", "postgres://<secret>"),
            ("postgres://u:p^w|x@db/x", "postgres://<secret>@db/x"),
            ("https://a.example/x?$filter=n%20eq%20'Jane' y", "https://a.example/x?<query> y"),
            ("'https://a.example/x?b=c', 'd'", "'https://a.example/x?<query>', 'd'"),
            ("/x?$filter=is(n,'Jane'), y", "/x?<query>), y"),
            ("/x?a[b]=jane /x?a%5Bb%5D=jane", "/x?<query> /x?<query>"),
        ]);
        stays(&[
            "https://example.com/@scope/a?",
            "https://example.com/1234/",
            "what? a=b",
            "http://[x]:80/@a",
            "'http://h:80' @a",
            "http://h:80/x/@a",
        ]);
    }

    #[test]
    fn numbers_of_people() {
        each(&[
            ("+49 170 1234567", "<phone>"),
            ("(555) 010-1234", "<phone>"),
            ("555.010.1234 1-555-010-1234", "<phone> <phone>"),
            ("0170/1234567, 06 12 34 56 78", "<phone>, <phone>"),
            ("4111 1111 1111 1111 12/26", "<card> 12/26"),
            ("378282246310005", "<card>"),
            ("GB82 WEST 1234 5698 7654 32", "<iban>"),
            ("de89370400440532013000", "<iban>"),
            ("(0)30 1234567", "<phone>"),
        ]);
        stays(&[
            "4111111111111112",
            "GB83 WEST 1234 5698 7654 32",
            "1763834701123",
            "[224 224 1024]",
            "+00:00",
            "+123456",
            "01/02/2024 10:30",
            "0.30000000000000004",
            "2024-11-22 21:22:23,456",
            "[0 1 2 3 4 5 6 7 8 9] 0-1023/146515",
        ]);
    }

    #[test]
    fn ids_and_random_runs() {
        each(&[
            ("ChatInput-3F2b8c1e-5d4a-4b1c-9e2f-1a2b3c4d5e6f", "ChatInput-<uuid>"),
            ("0123456789abcdef0123", "<hex>"),
            ("0x0123456789abcdef0123", "<hex>"),
            ("aB3dE5fG7hI9jK1lM3nO", "<secret>"),
            ("aB3dE5/fG7hI9jK1+lM3nO5pQ7rS9tU1vW=", "<secret>"),
            ("x_Z1aB3dE5fG7hI9jK1lM3nO token=_Z1a", "x_<secret> token=<secret>"),
        ]);
        stays(&[
            "0123456789abcdef012",
            "0x00007f8b1c2d3e4f",
            "aB3dE5fG7hI9jK1lM3n",
            "LangflowOpenAIEmbeddingsComponent",
            "OpenAIEmbeddings-x7K2p",
            "_ZN3c106detail14torchCheckFailEPKcS2_jRKNSt7__cxx1112basic_stringIcSt11",
        ]);
    }

    #[test]
    fn known_keys() {
        each(&[
            ("key AKIAIOSFODNN7EXAMPLE.", "key <secret>."),
            ("sk-EXAMP****MPLE", "<secret>"),
            ("eyJhbGciOiJub25lIn0.eyJ4IjoxfQ.", "<jwt>."),
            ("a\n-----BEGIN KEY-----\nEXAMPLE\n-----END KEY-----\nb", "a\n<pem>\nb"),
            ("a -----BEGIN KEY-----\nEXAMPLE", "a <pem>"),
        ]);
        stays(&["hf_hub_download", "sk-learn", "xsk-EXAMPLEEXAMPLE", "sk-EXAMPLE", "-----"]);
    }

    #[test]
    fn values_behind_names() {
        each(&[
            ("password=hunter2, x", "password=<secret>, x"),
            ("{\"apiKey\": \"a b\", \"x\": 1}", "{\"apiKey\": \"<secret>\", \"x\": 1}"),
            (r#"{\"token\":\"a\\\"b\"}"#, r#"{\"token\":\"<secret>\"}"#),
            ("{'client_secret': 'it''s'}", "{'client_secret': '<secret>'}"),
            ("headers['X-Api-Key'] = b'x'", "headers['X-Api-Key'] = b'<secret>'"),
            ("--password x y", "--password <secret> y"),
            ("Authorization: Bearer a.b failed\nx", "Authorization: <secret>\nx"),
            ("sent Bearer abcdef12", "sent Bearer <secret>"),
            ("dbPassword: 'unterminated", "dbPassword: '<secret>"),
            ("api_key=SecretStr('x')", "api_key=<secret>)"),
            ("<password>x</password>", "<password><secret></password>"),
            ("for user \"jane\"", "for user \"<user>\""),
            ("Key (a,b)=(jane (x), 1) already exists.", "Key (a,b)=(<secret>) already exists."),
            ("{'cookie': [ 'a', 'b=c' ], x", "{'cookie': <secret>], x"),
            ("input_value='Jane, 44', input_type=str", "input_value='<secret>', input_type=str"),
            ("input_value={'a': {}, 'b': 1}, input_type=dict]", "input_value=<secret>, input_type=dict]"),
            ("{\"input_value\":\"Jane\",\"x\":1}", "{\"input_value\":\"<secret>\",\"x\":1}"),
            ("Could not parse LLM output: ```x\ny``` `z` a", "Could not parse LLM output: <secret>"),
            ("password:\thunter2\tx", "password:\t<secret>\tx"),
        ]);
        stays(&[
            "token=None",
            "api_key: str = ''",
            "password: must be long",
            "Bearer token is missing",
            "Basic usage",
            "Unexpected token: }",
            "max_tokens=4096",
            "column \"password\" of \"x\"",
            "Session::new",
            "spin=1",
            "f(a)(b) = (c)",
            "KeyError: 'input_value'",
            "input_value\n  Field required",
            "password:\nhunter2",
            "bad auth : Authentication failed.",
            "(using password: YES)",
            "expected token 'x', got 'y'",
        ]);
    }

    #[test]
    fn the_cap_comes_last_and_cuts_on_a_character() {
        assert_eq!(redact(&"x".repeat(600)).len(), ERROR_MESSAGE_MAX_BYTES);
        assert_eq!(redact(&"é".repeat(600)).len(), ERROR_MESSAGE_MAX_BYTES);
        assert_eq!(redact(&"密".repeat(600)).len(), 510);
        assert_eq!(
            redact(&alloc::format!("{} password=hunter2", "x ".repeat(250))).matches("hunt").count(),
            0
        );
        assert_eq!(redact(&alloc::format!("{}ok", "jane@example.com ".repeat(80))).len(), 511);
        assert_eq!(redact(""), "");
    }
}
