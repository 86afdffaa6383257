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
//! | `<secret>` | URL userinfo; the value of `password=`, `"token":`, `--api-key`, `Authorization:` …; what follows `Bearer` or `Basic`; a string that begins like a known key; a long run that looks random | the tables `NAMES` and `KEY_PREFIXES`, the measure `looks_random`, all below |
//!
//! How it works, and why so. The text is walked once, from left to right; at each place at most one rule
//! looks ahead. A rule either looks a bounded way ahead, or takes what it has looked at, or remembers how far
//! it looked: so the time is linear in the length, whatever the text. An address or a random run is noticed at
//! its end, and taken back from the output then. The walk stops as soon as more than the cap is written that cannot
//! be taken back any more; then the cap cuts, at a space where one is near. What remains is walked again until
//! nothing changes, four times at most: a replacement can uncover something that stood in its shadow.
//!
//! What it does not know: a name, a street or a title in a sentence, a secret that looks like a word and has no
//! name before it, a directory that is no home. Whoever cannot accept that sets `errorMessages: "off"`.
//!
//! Rejected: the `regex` crate (hundreds of kilobytes of WebAssembly) and the browser's own expressions
//! (backtracking, and another answer in each browser). Everything here is bytes, tables and `get`: an index
//! that could panic would cost more than the rule it serves. One cursor with small methods is a quarter smaller
//! than slices and iterators were. All of this weighs 5.7 KB of the module after brotli, 0.8 KB of it the tables.

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

/// How much of such a body is looked at before it is taken, in bytes, so that `sk-sk-sk-` costs no more.
const KEY_BODY_LOOK: usize = 40;

/// How far a path may reach over a space to its next separator, in bytes: a first and a last name, not a clause.
const SPACE_REACH: usize = 48;

/// Longest parameter of a query that is known without a URL's scheme, in bytes.
const PARAMETER_MAX: usize = 64;

/// Most digits in a number that is looked at: a card has 19.
const DIGITS_MAX: usize = 19;

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
const NAMES: &[u8] = table!(
    "unexpectedtoken,invalidtoken,specialtoken,padtoken,eostoken,bostoken,unktoken,clstoken,septoken,\
    masktoken,stoptoken,nexttoken,,home,userprofile,appdata,homepath,,bearer,basic,,user,username,userid,,\
    authorization,cookie,cookies,,password,passwd,pwd,passphrase,passcode,secret,token,apikey,apikeyprovided,\
    accesskey,accesskeyid,secretkey,privatekey,signingkey,encryptionkey,accountkey,subscriptionkey,masterkey,\
    authkey,sharedkey,credential,credentials,session,sessionid,sid,jwt,auth,otp,pin,cvv,ssn,sig,signature,phone,mobile"
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
const HEADER: usize = 5;

/// Words without quotes that are no value: the first six never, the others behind a space.
const HARMLESS_VALUES: &[u8] = table!(
    "none,null,nil,true,false,undefined,str,string,bytes,bool,int,optional,required,\
    requires,expired,invalid,missing,empty,field,is,was,not,must,should,cannot,has,may,the,a,an,and,or,in,at,of,for,\
    from,to,with,could,found,value"
);

/// How many of [`HARMLESS_VALUES`] are never a value.
const NO_VALUES: usize = 6;

/// What well-known keys begin with: AWS, GitHub, GitLab, Slack, Stripe, Google, OpenAI and Anthropic, Hugging Face,
/// then Groq, NVIDIA, Pinecone, LangSmith, Tavily, Replicate, npm, PyPI, SendGrid, Shopify, Astra DB, xAI, Perplexity.
/// The first is a JSON Web Token.
const KEY_PREFIXES: &[u8] = table!(
    "eyJ,AKIA,ASIA,ghp_,gho_,ghu_,ghs_,ghr_,github_pat_,glpat-,xoxb-,xoxp-,xoxa-,xoxr-,xoxs-,\
    xapp-,sk_live_,sk_test_,rk_live_,rk_test_,pk_live_,pk_test_,whsec_,AIza,ya29.,GOCSPX-,sk-,hf_,gsk_,nvapi-,pcsk_,\
    lsv2_,tvly-,r8_,npm_,pypi-,SG.,shpat_,AstraCS:,xai-,pplx-"
);

/// Directories that hold homes. The first three only where a path begins. The last is the long form of a UNC path,
/// `\\?\UNC\host\share`.
const HOMES: &[u8] = table!("root,media,run/media,home,Users,Documents and Settings,UNC");

/// How many of [`HOMES`] must stand where a path begins.
const HOMES_AT_ROOT: usize = 3;

/// Directories below a home from which on a path tells nothing of its owner.
const PUBLIC_DIRS: &[u8] = table!("site-packages,dist-packages,node_modules");

/// What is no host behind an `@`: `react@latest`.
const TAGS: &[u8] = table!("latest,next,sha256,main,master,dev,beta,alpha,canary,rc");

/// What this module writes, in angle brackets; copied as it is when it is met again.
const PLACEHOLDERS: &[u8] =
    table!("secret,email,ip,path,user,query,fragment,id,uuid,phone,card,iban,jwt,pem,hex");

const SECRET: &str = "<secret>";
const EMAIL: &str = "<email>";
const IP: &str = "<ip>";
const PATH: &str = "<path>";
const USER: &str = "<user>";
const QUERY: &str = "<query>";
const FRAGMENT: &str = "<fragment>";
const ID: &str = "<id>";
const UUID: &str = "<uuid>";
const PHONE: &str = "<phone>";
const CARD: &str = "<card>";
const IBAN: &str = "<iban>";
const JWT: &str = "<jwt>";
const PEM: &str = "<pem>";
const HEX_RUN: &str = "<hex>";

const ALNUM: u32 = 1;
const HEX: u32 = 1 << 1;
const DIGIT: u32 = 1 << 2;
/// `_` and `-`, which join words to one name.
const JOIN: u32 = 1 << 3;
const DOT: u32 = 1 << 4;
/// `+`, `%` and `~`: may stand before the `@` of an address, beside [`WIDE`].
const LOCAL: u32 = 1 << 5;
/// All beyond ASCII.
const WIDE: u32 = 1 << 6;
/// `+` and `/`, the rest of base64's alphabet.
const BASE64: u32 = 1 << 7;
/// White space and control characters.
const GAP: u32 = 1 << 8;
/// Quotation marks.
const QUOTE: u32 = 1 << 9;
/// `<>\^|` and the back quote: never in a URL.
const NO_URL: u32 = 1 << 10;
/// What ends a path beside [`QUOTE`] and line breaks.
const NO_PATH: u32 = 1 << 11;
/// What ends a value without quotes beside [`QUOTE`] and [`GAP`].
const NO_VALUE: u32 = 1 << 12;
/// Punctuation that belongs to the sentence when it ends a value.
const TAIL: u32 = 1 << 13;
/// `/` and `\`.
const SLASH: u32 = 1 << 14;
/// `:`
const COLON: u32 = 1 << 15;
/// `*`, with which providers mask keys.
const STAR: u32 = 1 << 16;
const UPPER: u32 = 1 << 17;
const LOWER: u32 = 1 << 18;

/// The classes of a byte. A function and not a table of 256 entries: the match is smaller.
fn class(byte: u8) -> u32 {
    match byte {
        b'0'..=b'9' => ALNUM | HEX | DIGIT,
        b'a'..=b'f' => ALNUM | HEX | LOWER,
        b'A'..=b'F' => ALNUM | HEX | UPPER,
        b'g'..=b'z' => ALNUM | LOWER,
        b'G'..=b'Z' => ALNUM | UPPER,
        0x80..=0xff => WIDE,
        0..=b' ' | 0x7f => GAP,
        b'_' | b'-' => JOIN,
        b'.' => DOT | TAIL,
        b'%' | b'~' => LOCAL,
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
        _ => 0,
    }
}

/// The entries of a [`table!`].
fn entries(mut table: &[u8]) -> impl Iterator<Item = &[u8]> {
    core::iter::from_fn(move || {
        let (len, rest) = table.split_first()?;
        let (entry, rest) = rest.split_at_checked(usize::from(*len))?;
        table = rest;
        Some(entry)
    })
}

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

/// One walk over a text. Beyond both ends of it everything is white space.
struct Walk<'a> {
    text: &'a str,
    /// What is next to be looked at.
    at: usize,
    out: String,
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
}

impl Walk<'_> {
    fn byte(&self, at: usize) -> u8 {
        self.text.as_bytes().get(at).copied().unwrap_or(0)
    }

    /// Whether the byte at `at` is of one of the classes in `mask`.
    fn is(&self, at: usize, mask: u32) -> bool {
        class(self.byte(at)) & mask != 0
    }

    /// The same of the byte before `at`.
    fn after(&self, at: usize, mask: u32) -> bool {
        self.is(at.wrapping_sub(1), mask)
    }

    /// Where the run of bytes of the classes in `mask` that begins at `at` ends.
    fn run(&self, mut at: usize, mask: u32) -> usize {
        while at < self.text.len() && self.is(at, mask) {
            at += 1;
        }
        at
    }

    /// Where the first byte of the classes in `mask` at or after `at` is, or the end.
    fn until(&self, mut at: usize, mask: u32) -> usize {
        while at < self.text.len() && !self.is(at, mask) {
            at += 1;
        }
        at
    }

    /// Where the bytes at `at` that equal `what` end.
    fn skip(&self, mut at: usize, what: u8) -> usize {
        while self.byte(at) == what {
            at += 1;
        }
        at
    }

    /// Where `end` goes back to when it leaves the bytes of the classes in `mask` that end there.
    fn trim(&self, start: usize, mut end: usize, mask: u32) -> usize {
        while end > start && self.after(end, mask) {
            end -= 1;
        }
        end
    }

    /// Whether `what` stands at `at`; `fold` takes it in any case, ASCII letters given.
    fn has(&self, at: usize, what: &[u8], fold: bool) -> bool {
        let fold = if fold { 0x20 } else { 0 };
        what.iter().enumerate().all(|(i, b)| self.byte(at.wrapping_add(i)) | fold == b | fold)
    }

    /// Which entry of a table the text from `at` to `end` is, in any case, counted from 1; 0 is none.
    fn listed(&self, table: &[u8], at: usize, end: usize) -> usize {
        entries(table).position(|e| at + e.len() == end && self.has(at, e, true)).map_or(0, |i| i + 1)
    }

    /// The name from [`NAMES`] which the text before `end` ends with: where it begins, and its kind.
    fn name(&self, end: usize) -> (usize, usize) {
        // Nine words of ten end in two letters that no name ends in.
        let (last, other) = (self.byte(end.wrapping_sub(1)), self.byte(end.wrapping_sub(2)));
        let ends = NAME_ENDS.get(usize::from(last & 31)).copied().unwrap_or(0);
        if class(last) & class(other) & ALNUM != 0 && ends >> (other & 31) & 1 == 0 {
            return (0, 0);
        }
        let mut kind = 1;
        for name in entries(NAMES) {
            if name.is_empty() {
                kind += 1;
                continue;
            }
            let mut at = end;
            let all = name.iter().rev().all(|letter| {
                at = at.wrapping_sub(1);
                if matches!(self.byte(at), b'_' | b'-' | b' ') {
                    at = at.wrapping_sub(1);
                }
                self.byte(at) | 0x20 == *letter
            });
            let alone = !self.after(at, ALNUM) || self.is(at, UPPER) && self.after(at, LOWER);
            if all && (name.len() >= 5 || alone) {
                return (at, kind);
            }
        }
        (0, 0)
    }

    /// Copies up to `end`.
    fn copy(&mut self, end: usize) {
        self.out.push_str(self.text.get(self.at..end).unwrap_or_default());
        self.at = end;
    }

    /// Takes what is up to `end`: a placeholder stands for it. False where that is nothing: no rule can stand still.
    fn take(&mut self, end: usize, kind: &str) -> bool {
        if end <= self.at {
            return false;
        }
        self.end_run();
        self.out.push_str(kind);
        self.at = end;
        self.new_run();
        true
    }

    /// Takes back what was written from `mark` on. Not `truncate`, which can panic.
    fn take_back(&mut self, mark: usize) {
        self.out = self.out.get(..mark).unwrap_or_default().into();
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
            self.out.push_str(SECRET);
            self.at = self.skip(self.at, b'=');
        }
        self.new_run();
    }

    /// One step: a word, a value, or a character between.
    fn step(&mut self) {
        let at = self.at;
        let fresh = !self.after(at, ALNUM);
        if self.is(at, ALNUM) {
            if !(fresh && (self.number() || self.uuid() || self.colons() || self.key() || self.iban())) {
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
            b'@' | b'%' => self.address(),
            b':' if next == b'/' && self.byte(at + 2) == b'/' => self.url(),
            b':' => fresh && self.colons(),
            b'?' | b'#' => self.query(),
            b'/' | b'\\' | b'~' => self.home(),
            b'+' | b'(' => fresh && self.number(),
            b'-' if next == b'-' => self.pem(),
            _ => false,
        };
        if taken {
            return;
        }
        if self.is(at, GAP) {
            self.option = false;
        } else if b == b'-' && next == b'-' && self.after(at, GAP | QUOTE) {
            self.option = true;
        }
        let mut end = at + self.placeholder(at).max(1);
        while self.byte(end) & 0xc0 == 0x80 {
            end += 1;
        }
        self.copy(end);
        // `jane:password@host`: both are taken.
        let colon = b == b':' && !fresh && self.is(end, ALNUM);
        if !colon && !self.is(at, LOCAL | WIDE | JOIN | DOT) {
            self.local = self.out.len();
        }
        if !joins {
            self.new_run();
        }
    }

    /// The length of the placeholder at `at`, or 0.
    fn placeholder(&self, at: usize) -> usize {
        let end = (at + 1..at + 10).find(|i| !self.is(*i, LOWER)).unwrap_or(at);
        let known =
            self.byte(at) == b'<' && self.byte(end) == b'>' && self.listed(PLACEHOLDERS, at + 1, end) > 0;
        if known { end + 1 - at } else { 0 }
    }

    /// A run of letters and digits that is nothing by its shape.
    fn word(&mut self) {
        let at = self.at;
        // One look at each letter: this loop and the next one are most of what a message costs.
        let (mut end, mut score, mut before) = (at, 0, class(self.byte(at)));
        while before & ALNUM != 0 {
            end += 1;
            let this = class(self.byte(end));
            if this & ALNUM != 0 && (this ^ before) & DIGIT != 0 {
                score += 2;
            } else if this & UPPER != 0 && before & LOWER != 0 {
                score += 1;
            }
            before = this;
        }
        let len = end - at;
        let hex = if self.has(at, b"0x", false) { at + 2 } else { at };
        if end >= hex + HEX_MIN && self.run(hex, HEX) == end && score > 0 {
            self.take(end, HEX_RUN);
            return;
        }
        self.run_len += len;
        self.run_score += score;
        if len >= RANDOM_MIN && looks_random(score, len) {
            self.out.push_str(SECRET);
            self.at = end;
        } else if at < self.url_end && len >= 5 && self.after(at, SLASH) && self.run(at, DIGIT) == end {
            self.take(end, ID);
        } else {
            self.copy(end);
            if !self.is(end, JOIN) {
                self.value();
            }
        }
    }

    /// `8-4-4-4-12` hexadecimal digits.
    fn uuid(&mut self) -> bool {
        let at = self.at;
        let fits = (0..36).all(|i| self.is(at + i, if matches!(i, 8 | 13 | 18 | 23) { JOIN } else { HEX }));
        fits && !self.is(at + 36, ALNUM) && self.take(at + 36, UUID)
    }

    /// IPv6 and MAC addresses. Begins at the first digit or colon of a run, so that each run is looked at once.
    fn colons(&mut self) -> bool {
        let at = self.at;
        if self.after(at, COLON | DOT | JOIN) {
            return false;
        }
        let mut end = self.run(at, HEX | COLON | DOT);
        if self.is(end, ALNUM | JOIN) {
            return false;
        }
        while end > at + 2 && self.after(end, COLON | DOT) && self.byte(end - 2) != b':' {
            end -= 1;
        }
        let (mut groups, mut start, mut double, mut wide, mut pairs) = (0, at, false, false, true);
        while start <= end {
            let mut stop = start;
            while stop < end && !self.is(stop, COLON | DOT) {
                stop += 1;
            }
            let len = stop - start;
            if len > 4 {
                return false;
            }
            // The octets of an IPv4 address at the end count as one.
            groups += usize::from(stop == end || self.byte(stop) == b':');
            double |= len == 0 && groups > 1 && stop < end;
            // `x[10::2]` is a slice and `a::b` a name: an address has one group of four, or of three with a letter.
            wide |= len > 3 || len == 3 && self.run(start, DIGIT) < stop;
            pairs &= len == 2;
            start = stop + 1;
        }
        let loopback = end == at + 3 && self.has(at, b"::1", false);
        if groups == 8 || groups < 10 && double && wide || loopback {
            self.take(end, IP)
        } else {
            groups == 6 && pairs && self.take(end, HEX_RUN)
        }
    }

    /// A well-known key or a JSON Web Token.
    fn key(&mut self) -> bool {
        let at = self.at;
        const BODY: u32 = ALNUM | JOIN | DOT | STAR;
        // The shortest prefix has three characters. Nearly all words end before that.
        if !(at..at + 3 + KEY_BODY_MIN).all(|i| self.is(i, BODY | COLON)) {
            return false;
        }
        let mut kind = JWT;
        for prefix in entries(KEY_PREFIXES) {
            let start = at + prefix.len();
            if self.has(at, prefix, false) {
                // `hf_hub_download` and `sk-learn` are names.
                let sign = UPPER | STAR | if self.byte(start - 1) == b'-' { DIGIT } else { 0 };
                let (mut end, mut signed) = (start, false);
                while end < start + KEY_BODY_LOOK && self.is(end, BODY) {
                    signed |= self.is(end, sign);
                    end += 1;
                }
                if signed && end >= start + KEY_BODY_MIN {
                    return self.take(self.trim(at, self.run(end, BODY), DOT), kind);
                }
            }
            kind = SECRET;
        }
        false
    }

    /// An international bank account number, with or without spaces after each four characters.
    fn iban(&mut self) -> bool {
        let at = self.at;
        if self.is(at, DIGIT) || self.is(at + 1, DIGIT) || !self.is(at + 2, DIGIT) || !self.is(at + 3, DIGIT)
        {
            return false;
        }
        let (mut rest, mut count, mut end, mut found) = (0, 4, at + 4, 0);
        while count <= 34 {
            if !self.is(end, ALNUM) {
                // The first four characters belong behind the others.
                let whole = (at..at + 4).fold(rest, |rest, i| self.modulo_97(rest, i));
                if count >= 15 && whole == 1 {
                    found = end;
                }
                if count % 4 != 0 || !matches!(self.byte(end), b' ' | b'-') || !self.is(end + 1, ALNUM) {
                    break;
                }
                end += 1;
            }
            rest = self.modulo_97(rest, end);
            count += 1;
            end += 1;
        }
        found > 0 && self.take(found, IBAN)
    }

    /// The remainder modulo 97 of a number with the character at `at` behind it: a letter is two digits, from A = 10.
    fn modulo_97(&self, rest: u32, at: usize) -> u32 {
        let b = u32::from(self.byte(at));
        (if self.is(at, DIGIT) { rest * 10 + b - 48 } else { rest * 100 + (b & 0x1f) + 9 }) % 97
    }

    /// Whether the `count` digits from `at` to `end` are a payment card's: an issuer's range, and the Luhn check.
    fn is_card(&self, at: usize, end: usize, count: usize) -> bool {
        let range = match (self.byte(at), self.byte(at + 1)) {
            (b'4', _) => matches!(count, 13 | 16 | 19),
            (b'3', b'4' | b'7') => count == 15,
            (b'3', b'0' | b'6' | b'8') => count == 14,
            (b'5', b'1'..=b'5') | (b'2', b'2'..=b'7') | (b'3', b'5') => count == 16,
            (b'6', _) => (16..=19).contains(&count),
            _ => false,
        };
        let (mut sum, mut double) = (0, false);
        for i in (at..end).rev().filter(|i| self.is(*i, DIGIT)) {
            let digit = u32::from(self.byte(i) & 15) << u32::from(double);
            sum += if digit > 9 { digit - 9 } else { digit };
            double = !double;
        }
        range && sum % 10 == 0
    }

    /// IPv4 addresses, phone and card numbers: digits in groups, at most [`DIGITS_MAX`] of them.
    fn number(&mut self) -> bool {
        let at = self.at;
        let before = self.byte(at.wrapping_sub(1));
        let plus = self.byte(at) == b'+';
        let mut digits = at + usize::from(plus);
        digits += usize::from(self.byte(digits) == b'(');
        let (mut end, mut found, mut kind) = (digits, 0, "");
        // The groups' lengths, one hexadecimal digit each: 0x334 is the shape of 555-010-1234. Their separators, one
        // byte each. Whether all are octets.
        let (mut count, mut shape, mut signs, mut octets) = (0, 0u32, 0u32, true);
        loop {
            let (start, mut value) = (end, 0u32);
            while end <= start + DIGITS_MAX && self.is(end, DIGIT) {
                value = value.wrapping_mul(10).wrapping_add(u32::from(self.byte(end) & 15));
                end += 1;
            }
            let len = end - start;
            count += len;
            // A date with a time is no phone number.
            if before == b'.' || len == 0 || count > DIGITS_MAX || self.is(end, ALNUM) || shape == 0x224 {
                break;
            }
            shape = shape << 4 | len as u32;
            octets &= len < 4 && value < 256;
            let sign = signs & 0xff;
            let next = self.byte(end);
            if octets
                && shape >> 12 > 0
                && shape >> 16 == 0
                && !(u32::from(next) == sign && self.is(end + 1, DIGIT))
            {
                // `opencv-python==4.8.1.78`, `opencv_python-4.8.1.78.whl`, `version 4.8.1.78`: versions begin with a small
                // number. `ip-10-0-0-12` is how a cloud names a host.
                let version = self.is(at + 1, DOT)
                    && (self.after(at, JOIN)
                        || before == b'=' && self.byte(at.wrapping_sub(2)) == b'='
                        || self.has(at.wrapping_sub(7), b"ersion ", false));
                if signs == 0x2e_2e_2e && !version || signs == 0x2d_2d_2d && before == b'-' {
                    return self.take(end, IP);
                }
            }
            if (shape < 0x14 || matches!(shape, 0x4444 | 0x465 | 0x464 | 0x4_4443))
                && !plus
                && self.is_card(at, end, count)
            {
                found = end;
                kind = CARD;
            }
            let zeros = self.skip(digits, b'0') - digits;
            let phone = if plus {
                zeros == 0 && (7..=15).contains(&count) && signs != 0x2e
            } else if zeros > 0 {
                zeros < 3 && signs > 0 && sign != 0x2e && (9..=15).contains(&count)
            } else {
                // `[224 224 1024]` is a shape, and so is `(224 224 1024`.
                (shape == 0x334 && self.byte(at) != b'1' && before != b'[' || shape == 0x1334)
                    && (sign != 0x20 || self.byte(at) == b'(')
            };
            if phone && next != b':' {
                found = end;
                kind = PHONE;
            }
            end += usize::from(next == b')');
            let sign = self.byte(end);
            if matches!(sign, b' ' | b'-' | b'.' | b'/') {
                signs = signs << 8 | u32::from(sign);
                end += 1;
            }
            end += usize::from(self.byte(end) == b'(');
        }
        found > 0 && self.take(found, kind)
    }

    /// Where a value without quotes ends. Brackets in it are taken whole: `SecretStr('x')`, `('jane', 'x')`.
    fn value_end(&self, start: usize) -> usize {
        let mut end = start;
        while end < self.text.len() {
            let b = self.byte(end);
            if matches!(b, b'(' | b'[' | b'{') {
                let close = if b == b'(' { b')' } else { b + 2 };
                while end < self.text.len() && self.byte(end) != close && self.byte(end) != b'\n' {
                    end += 1;
                }
            } else if self.is(end, GAP | QUOTE | NO_VALUE) {
                // A number in groups, an apostrophe in a word, a value that begins with `<`.
                let goes_on = match b {
                    b' ' => self.is(end + 1, DIGIT) && self.after(end, DIGIT),
                    b'\'' => self.is(end + 1, ALNUM) && end > start,
                    _ => b == b'<' && end == start,
                };
                if !goes_on {
                    break;
                }
            }
            end += 1;
        }
        self.trim(start, end.min(self.text.len()), TAIL)
    }

    /// Where the value in quotes that begins at `start` ends: at the next `quote` behind as many backslashes as the
    /// opening one had. A quote that is doubled, as in SQL, is part of the value. Without an end, all is the value.
    fn quoted_end(&self, start: usize, slashes: usize) -> usize {
        let quote = self.byte(start - 1);
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
        self.text.len()
    }

    /// Where the word just copied is a name of [`NAMES`], takes its value.
    fn value(&mut self) {
        let at = self.at;
        let (name, kind) = self.name(at);
        if kind <= HOME_VARIABLE {
            return;
        }
        // The name's own closing quote, a subscript's bracket.
        let mut i = self.skip(at, b'\\');
        let named_in_quotes = self.is(i, QUOTE);
        i = if named_in_quotes { i + 1 } else { at };
        i += usize::from(self.byte(i) == b']');
        let spaces = self.skip(i, b' ');
        let apart = spaces > i && !named_in_quotes;
        i = spaces;
        if self.byte(i) == b'>' && spaces == at && self.byte(name.wrapping_sub(1)) == b'<' {
            i += 1;
        }
        // `=`, `:`, `:=`, `=>`, `!=`, but not `::`.
        while matches!(self.byte(i), b'=' | b':' | b'!') || i > spaces && self.byte(i) == b'>' {
            i += 1;
        }
        let assigned = i > spaces;
        if self.has(spaces, b"::", false) {
            return;
        }
        i = self.skip(i, b' ');
        if self.is(i, LOWER) && self.is(i + 1, QUOTE) {
            i += 1;
        }
        let quote = self.skip(i, b'\\');
        let mut end;
        if self.is(quote, QUOTE) {
            // `password 'x'` too, but not `"password" "x"`, nor `'token', 'x'`.
            if kind == SCHEME || !assigned && !apart {
                return;
            }
            end = self.quoted_end(quote + 1, quote - i);
            i = quote + 1;
        } else {
            end = self.value_end(i);
            let word = self.run(i, ALNUM);
            let said = self.listed(HARMLESS_VALUES, i, word);
            let said = said > 0 && (said <= NO_VALUES || self.byte(i.wrapping_sub(1)) == b' ');
            let bare = apart && (self.option || kind == SCHEME);
            if !(assigned && kind != SCHEME || bare && !assigned)
                || said && (end == word || self.byte(word) == b'[')
            {
                return;
            }
            if kind == HEADER {
                // To the end of the line, or of the quotes it stands in. A quote behind `=` belongs to the value.
                end = i;
                while end < self.text.len()
                    && self.byte(end) != b'\n'
                    && (!self.is(end, QUOTE) || self.byte(end - 1) == b'=')
                {
                    end += 1;
                }
            }
            if kind == SCHEME {
                // `Basic usage` and `Bearer token` are words.
                let mut classes = 0;
                for j in i + 1..end {
                    classes |= class(self.byte(j));
                }
                let mixed = classes & DIGIT != 0 || classes & UPPER != 0 && classes & LOWER != 0;
                if end < i + KEY_BODY_MIN || !mixed && end < i + RANDOM_MIN {
                    return;
                }
            }
        }
        let known = self.placeholder(i);
        if end > i && (known == 0 || i + known < end && self.is(quote, QUOTE)) {
            self.copy(i);
            self.take(end, if kind == USER_NAME { USER } else { SECRET });
        }
    }

    /// An address, at its `@` or `%40`: the local part is taken back.
    fn address(&mut self) -> bool {
        let at = self.at;
        let start = if self.byte(at) == b'@' { at + 1 } else { at + 3 };
        let end = self.trim(start, self.run(start, ALNUM | DOT | JOIN | WIDE), DOT | JOIN);
        // `react@latest`, `@v2`, `core@0.3.18`, `vite@6.0.0-beta.10`, but `jane@163.com` and `root@192.0.2.1`.
        let (mut last, mut dots) = (start, 0);
        for i in start..end {
            if self.is(i, DOT) {
                last = i + 1;
                dots += 1;
            }
        }
        let is_ip = dots == 3 && self.run(start, DIGIT | DOT) == end;
        let version = if self.is(start, DIGIT) {
            self.is(last, DIGIT) && !is_ip
        } else {
            self.byte(start) == b'v' && self.is(start + 1, DIGIT)
        };
        let sign = start == at + 1 || self.has(at, b"%40", false);
        if !sign
            || end == start
            || version
            || self.local == self.out.len()
            || self.listed(TAGS, start, end) > 0
        {
            return false;
        }
        self.take_back(self.local);
        self.take(end, EMAIL)
    }

    /// A URL, at the `://` behind its scheme: remembers how far it reaches, and takes the userinfo.
    fn url(&mut self) -> bool {
        let start = self.at + 3;
        if start >= self.url_end {
            self.url_end = self.until(start, GAP | QUOTE | NO_URL);
            while self.url_end > start
                && self.after(self.url_end, TAIL)
                && self.byte(self.url_end - 1) != b'?'
            {
                self.url_end -= 1;
            }
            self.url_at = self.url_end;
            while self.url_at > start && self.byte(self.url_at) != b'@' {
                self.url_at -= 1;
            }
        }
        self.copy(start);
        let (mut host, mut user, mut colon) = (start, 0, 0);
        while host < self.url_end && !matches!(self.byte(host), b'/' | b'?' | b'#') {
            match self.byte(host) {
                b'@' => user = host,
                b':' if colon == 0 => colon = host,
                _ => {}
            }
            host += 1;
        }
        // A password with an `@` or a `/` of its own, not encoded: nobody knows where it ends.
        let unsure = self.url_at > host
            && colon > 0
            && (user > 0 || !self.is(colon + 1, DIGIT | GAP))
            && self.byte(start) != b'[';
        if unsure {
            self.take(self.url_end, SECRET);
        } else if user > 0 {
            self.take(user, SECRET);
        }
        self.local = self.out.len();
        self.new_run();
        true
    }

    /// A query or a fragment.
    fn query(&mut self) -> bool {
        let at = self.at;
        let query = self.byte(at) == b'?';
        let mut end = self.url_end;
        if at + 1 >= end {
            // `/search?q=x` without a scheme. How far it looks is bounded, so that `?a?a?a` costs no more.
            let mut name = at + 1;
            while name < at + PARAMETER_MAX && self.is(name, ALNUM | JOIN | DOT) {
                name += 1;
            }
            if !query || name == at + 1 || self.byte(name) != b'=' || !self.after(at, ALNUM | SLASH) {
                return false;
            }
            end = self.until(at, GAP | QUOTE | NO_URL);
        }
        self.copy(at + 1);
        self.take(end, if query { QUERY } else { FRAGMENT })
    }

    /// Where the separators of a path at `at` end: up to four, the beginning of a UNC path with each written twice.
    fn slashes(&self, at: usize) -> usize {
        (at..at + 4).find(|i| !self.is(*i, SLASH)).unwrap_or(at + 4)
    }

    /// A home directory or a UNC share, at a separator or `~`: takes the directories.
    fn home(&mut self) -> bool {
        let at = self.at;
        let separator = self.byte(at);
        let before = self.byte(at.wrapping_sub(1));
        let outset = at >= self.url_end && !self.after(at, ALNUM | SLASH | DOT | COLON | LOCAL | WIDE | JOIN);
        let mut user = self.slashes(at);
        let count = user - at;
        if separator == b'~' {
            user = at + 1;
            return (outset || before == b'/')
                && self.is(self.run(user, ALNUM | JOIN | DOT), SLASH)
                && self.directories(user);
        }
        if separator == b'\\' && outset && self.is(user, ALNUM) && matches!(count, 2 | 4) {
            let host = self.until(user, SLASH | GAP | QUOTE | NO_PATH);
            if self.slashes(host) == host + count / 2 && self.directories(user) {
                return true;
            }
        }
        // `$HOME/`, `${HOME}/`, `%USERPROFILE%\`, `$env:APPDATA\`
        let (name, kind) = self.name(if matches!(before, b'%' | b'}') { at - 1 } else { at });
        if kind == HOME_VARIABLE && matches!(self.byte(name.wrapping_sub(1)), b'$' | b'{' | b'%' | b':') {
            return self.directories(at);
        }
        let windows = self.byte(user - 1) == b'\\' || before == b':';
        for (i, home) in entries(HOMES).enumerate() {
            let end = user + home.len();
            if (outset || i >= HOMES_AT_ROOT) && self.has(user, home, windows) && self.is(end, SLASH) {
                let next = self.slashes(end);
                // The home of root names nobody: what is right in it is a file already.
                let user = if i == 0 { end } else { next };
                return !self.is(next, GAP | QUOTE | NO_PATH) && self.directories(user);
            }
        }
        false
    }

    /// Takes a path whose part from `user` on is nobody's business but its file's name.
    fn directories(&mut self, user: usize) -> bool {
        // The last separator, the first, and whether there is an extension behind the last.
        let (mut end, mut last, mut first, mut dot) = (user, 0, 0, false);
        loop {
            if self.is(end, SLASH) {
                last = end;
                end = self.run(end, SLASH);
                dot = false;
                if first == 0 {
                    first = last;
                }
                if entries(PUBLIC_DIRS).any(|dir| self.has(end, dir, false)) {
                    return self.take(last, PATH);
                }
                continue;
            }
            dot |= self.is(end, DOT) && self.is(end + 1, ALNUM) && !self.after(end, SLASH);
            let goes_on = match self.byte(end) {
                b' ' => !(last > 0 && dot) && self.reaches(end),
                b'\'' => self.is(end + 1, ALNUM) && self.after(end, ALNUM),
                _ => !self.is(end, GAP | QUOTE | NO_PATH),
            };
            if !goes_on {
                break;
            }
            end += 1;
        }
        end = self.trim(user, end, DOT);
        // A file's name that repeats the user's: `/home/jane/jane.kdbx`.
        let len = first.wrapping_sub(user);
        let name = self.text.as_bytes().get(user..first).unwrap_or_default();
        let repeats = (3..=32).contains(&len) && (last..end).any(|i| self.has(i, name, true));
        self.take(if dot && last > 0 && !repeats { last } else { end }, PATH)
    }

    /// Whether a path goes on behind the space at `at`: to another separator, or to a closing quote.
    fn reaches(&self, at: usize) -> bool {
        let mut stop = at;
        while stop < at + SPACE_REACH && !self.is(stop, SLASH | QUOTE | NO_PATH) && self.byte(stop) != b'\n' {
            stop += 1;
        }
        !self.after(stop, GAP) && (self.is(stop, SLASH) || self.is(stop, QUOTE) && !self.is(stop + 1, ALNUM))
    }

    /// A PEM block: to the dashes behind its end, or all that is left.
    fn pem(&mut self) -> bool {
        if !self.has(self.at, b"-----BEGIN ", false) {
            return false;
        }
        let mut end = self.find(self.at, b"-----END ");
        end = self.find(end + 9, b"-----") + 5;
        self.take(end.min(self.text.len()), PEM)
    }

    /// Where `what` is next, or the end.
    fn find(&self, mut at: usize, what: &[u8]) -> usize {
        while at < self.text.len() && !self.has(at, what, false) {
            at += 1;
        }
        at
    }
}

/// One walk, and the cap.
fn walk(text: &str) -> String {
    let mut walk = Walk {
        text,
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
    // What is written before both marks is never taken back.
    while walk.at < text.len() && walk.local.min(walk.run) <= ERROR_MESSAGE_MAX_BYTES {
        walk.step();
    }
    walk.end_run();
    let len = walk.out.len();
    if len > ERROR_MESSAGE_MAX_BYTES {
        let out = Walk { text: &walk.out, out: String::new(), ..walk };
        let mut cut = ERROR_MESSAGE_MAX_BYTES;
        while cut + CUT_SLACK > ERROR_MESSAGE_MAX_BYTES && !out.is(cut, GAP) {
            cut -= 1;
        }
        if !out.is(cut, GAP) {
            cut = ERROR_MESSAGE_MAX_BYTES;
        }
        while !out.text.is_char_boundary(cut) {
            cut -= 1;
        }
        return out.text.get(..cut).unwrap_or_default().into();
    }
    walk.out
}

/// Returns `message` without what identifies a person or opens a door, at most
/// [`ERROR_MESSAGE_MAX_BYTES`] long, cut on a character boundary. Scrubbed first, cut then. Takes time linear in
/// the length, never panics, and changes nothing in what it returned once.
pub fn redact(message: &str) -> String {
    let mut text = walk(message);
    // Most messages have nothing in them: then the second walk would find what the first did.
    let mut changed = text != message;
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
            let of_a_name = |b: u8| {
                class(b) & (ALNUM | JOIN | DOT) != 0 || matches!(b, b' ' | b'(' | b')' | b'&' | b'+' | b':')
            };
            name.len() <= NAME_MAX_CHARS
                && (is_plain_name(name)
                    || matches!(name.bytes().next(), Some(b'A'..=b'Z' | b'a'..=b'z' | b'_'))
                        && name.bytes().all(of_a_name)
                        && name.bytes().filter(|b| *b == b' ').count() < NAME_MAX_WORDS
                        && walk(name) == name)
        }
    };
    if passes { name } else { CUSTOM_COMPONENT }
}

#[cfg(test)]
mod tests {
    use super::*;

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
                proptest::prop_assert!(!is_plain_name(&name) || walk(&name) == name, "{}", name);
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
        ]);
    }

    #[test]
    fn paths_keep_the_file() {
        each(&[
            ("/home/jane/app/run.py:42", "<path>/run.py:42"),
            ("/home/jane", "<path>"),
            ("/home/jane/app", "<path>"),
            (
                "/root/a.py /run/media/jane/b.py ~/c.py ~jane/d.py",
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
        ]);
        stays(&[
            "/home",
            "/home/",
            "/usr/lib/x.py",
            "/app/root/x",
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
        ]);
        stays(&[
            "https://example.com/@scope/a?",
            "https://example.com/1234/",
            "what? a=b",
            "http://[x]:80/@a",
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
        ]);
        stays(&[
            "0123456789abcdef012",
            "0x00007f8b1c2d3e4f",
            "aB3dE5fG7hI9jK1lM3n",
            "LangflowOpenAIEmbeddingsComponent",
            "OpenAIEmbeddings-x7K2p",
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
