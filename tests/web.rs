//! The edge in a real browser: what `Client` exports, reads, listens for and leaves alone. The shell's part is
//! played by `tests/web/page.js`. What arrives at a real collector is in `tests/e2e`.
#![cfg(target_arch = "wasm32")]

use js_sys::{Array, Function, JSON, Object, Reflect};
use langflow_telemetry::web;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

#[wasm_bindgen(module = "/pkg/browser.js")]
extern "C" {
    /// The browser as the shell lends it: the one that is shipped.
    fn lend(hear: &Function, answer: &Function) -> Object;
}

#[wasm_bindgen(module = "/pkg/host.js")]
extern "C" {
    fn enlist(host: &Object) -> u32;

    fn give(text: Option<String>) -> i32;

    fn write(text: &str) -> usize;

    fn drain();
}

#[wasm_bindgen(module = "/tests/web/page.js")]
extern "C" {
    fn note(owner: &Function, event: &[f64]);

    #[wasm_bindgen(js_name = makeShell)]
    fn make_shell(options: &JsValue) -> Object;

    /// The functions that a client is lent: the shell's, then the browser's, then the shell's last.
    fn complete(shell: &Object, browser: &Object) -> Object;

    #[wasm_bindgen(js_name = watchPage)]
    fn watch_page() -> Object;

    fn pretend(object: &JsValue, name: &str, value: &JsValue);

    #[wasm_bindgen(js_name = endVisit)]
    fn end_visit();

    #[wasm_bindgen(thread_local_v2, js_name = throwing)]
    static THROWING: JsValue;

    /// What answers all requests from then on; a status of 0 is none.
    fn respond(status: u32, retry_after: &str, body: &str) -> Function;

    #[wasm_bindgen(js_name = clientHints)]
    fn client_hints(platform: &str, way: &str) -> Object;

    fn later(ms: u32) -> js_sys::Promise;
}

/// The lifecycle events of a page at work.
const LISTENERS: &str =
    r#"["visibilitychange","freeze","resume","pagehide","pageshow","online","offline","storage"]"#;

const OPT_OUT: &str = "langflow-telemetry:opt-out";

/// Places in `COMMANDS` and `KINDS` of src/web/api.rs, as the shell knows them.
const START: u32 = 0;
const FLUSH: u32 = 1;
const CLOSE: u32 = 2;
const OPT_OUT_NOW: u32 = 3;
const OPT_IN_NOW: u32 = 4;
const REFUSE_INVALID: u32 = 5;
const REFUSE_BEFORE_SEND: u32 = 6;
const RUN: u32 = 0;
const PLAYGROUND: u32 = 1;
const COMPONENT: u32 = 2;
const SHUTDOWN: u32 = 3;

/// What `stats()` counts, in its order.
const STATS: [&str; 18] = [
    "state",
    "captured",
    "recovered",
    "queued",
    "bytes",
    "inFlight",
    "sent",
    "unconfirmed",
    "stored",
    "retried",
    "queue_full",
    "invalid",
    "too_large",
    "rejected",
    "expired",
    "opted_out",
    "sampled",
    "before_send",
];
const STATES: [&str; 4] = ["off", "pending", "on", "stopped"];

/// A client's functions, for [`Visit::call`] and for the page: texts cross as the shell passes them.
#[wasm_bindgen]
pub struct Client(u32);

#[wasm_bindgen]
#[allow(missing_docs, clippy::too_many_arguments, reason = "see src/web/api.rs")]
impl Client {
    pub fn hear(&self, signal: usize, number: u32, text: Option<String>) {
        web::hear(self.0 as usize, signal, number, give(text));
    }
    pub fn answer(&self, attempt: u32, status: u32, wait_ms: f64, rejected: f64) {
        web::answer(self.0 as usize, attempt, status, wait_ms, rejected);
    }
    pub fn track(
        &self,
        kind: u32,
        time_ms: f64,
        seconds: f64,
        flags: u32,
        count: f64,
        name: Option<String>,
        message: Option<String>,
    ) {
        let client = self.0 as usize;
        let learn = |text: Option<String>, is_name| {
            web::inbox();
            text.map_or(0, |text| web::learn(client, is_name, write(&text)))
        };
        let texts = learn(name, true) << 8 | learn(message, false) << 16;
        let owner = Closure::once_into_js(move |count| web::track(client, count));
        // The inbox is asked for again, since learning may have had the memory grow.
        web::inbox();
        let what = kind | flags << 2 | texts as u32;
        note(owner.unchecked_ref(), &[f64::from(what), time_ms, seconds, count]);
        drain();
    }
    pub fn version(&self, time_ms: f64) {
        web::version(self.0 as usize, time_ms);
    }
    pub fn command(&self, command: usize, token: u32) -> u32 {
        web::command(self.0 as usize, command, token)
    }
    pub fn stat(&self, which: usize) -> u32 {
        web::stat(self.0 as usize, which)
    }
}

/// A client, the shell around it, and an eye on the page. The next one puts the page back as it was: a test that
/// fails has no other end, since a panic in WebAssembly unwinds nothing.
struct Visit {
    shell: Object,
    touched: Object,
}

impl Visit {
    /// A page whose client has these options, as JSON, and is not yet started.
    fn new(options: &str) -> Self {
        end_visit();
        let options = JSON::parse(options).expect("options");
        let shell = make_shell(&options);
        let (hear, answer) = (get(&shell, "hear"), get(&shell, "answer"));
        let number = enlist(&complete(&shell, &lend(hear.unchecked_ref(), answer.unchecked_ref())));
        let touched = watch_page();
        set(&shell, "isOpen", &web::open(number, give(Some("k3f9x2ab7c1d".to_owned()))).into());
        let client = Client(number);
        set(&shell, "client", &JsValue::from(client));
        Self { shell, touched }
    }

    /// As [`Visit::new`], and started.
    fn started(options: &str) -> Self {
        let visit = Self::new(options);
        visit.command(START, 0);
        visit
    }

    /// Has `object` pretend something until the visit ends.
    fn pretend(&self, object: &str, name: &str, value: &JsValue) {
        pretend(&get(&js_sys::global(), object), name, value);
    }

    /// Calls a method of the client.
    fn call(&self, name: &str, arguments: &[JsValue]) -> JsValue {
        let client = get(&self.shell, "client");
        let method: Function = get(&client, name).dyn_into().expect(name);
        method.apply(&client, &arguments.iter().collect::<Array>()).expect("does not throw")
    }

    /// Asks for one of `COMMANDS` in src/web/api.rs.
    fn command(&self, command: u32, token: u32) -> JsValue {
        self.call("command", &[command.into(), token.into()])
    }

    /// Tracks an event of one of the `KINDS` there: its time, seconds, flags, count, name and message.
    fn track(&self, kind: u32, fields: &[JsValue]) {
        self.call("track", &[&[kind.into()], fields].concat());
    }

    /// Tracks a component that took `seconds`.
    fn component(&self, seconds: f64) {
        self.track(COMPONENT, &[0.into(), seconds.into(), 1.into(), f64::NAN.into(), "ChatInput".into()]);
    }

    /// What the shell, or the eye on the page, has under that name, as JSON.
    fn seen(&self, name: &str) -> String {
        let value = get(&self.shell, name);
        json(&if value.is_undefined() { get(&self.touched, name) } else { value })
    }

    /// A number or text of `stats()`.
    fn stat(&self, name: &str) -> JsValue {
        if name == "reason" {
            return get(&self.shell, name);
        }
        let place = STATS.iter().position(|other| *other == name).expect("a counter") as u32;
        let value = self.call("stat", &[place.into()]);
        if place == 0 { STATES[value.as_f64().expect("a state") as usize].into() } else { value }
    }

    /// All lines that were sent, parsed, of this event.
    fn lines(&self, event: &str) -> Vec<JsValue> {
        let bodies: Vec<String> =
            Array::from(&get(&self.touched, "bodies")).iter().filter_map(|body| body.as_string()).collect();
        let all = bodies.concat();
        let lines = all.lines().map(|line| JSON::parse(line).expect("a line is JSON"));
        lines.filter(|line| get(line, "event") == event).collect()
    }

    /// Nothing was done to the page: no listener, timer, request or stored value.
    fn assert_untouched(&self) {
        for what in ["added", "written", "bodies", "inits", "emitted"] {
            assert_eq!(self.seen(what), "[]", "{what}");
        }
        assert_eq!(self.seen("timers"), "0", "timers");
    }

    /// Has the page get an event.
    fn fire(&self, target: &str, event: &str, properties: &[(&str, JsValue)]) {
        let class: Function = get(&js_sys::global(), "Event").unchecked_into();
        let event = Reflect::construct(&class, &Array::of1(&event.into())).expect("an event");
        for (name, value) in properties {
            set(&event, name, value);
        }
        let target = get(&js_sys::global(), target);
        let dispatch: Function = get(&target, "dispatchEvent").unchecked_into();
        dispatch.call1(&target, &event).expect("dispatched");
    }

    /// Forgets what was seen so far.
    fn forget(&self, name: &str) {
        set(
            if get(&self.shell, name).is_undefined() { &self.touched } else { &self.shell },
            name,
            &Array::new(),
        );
    }
}

fn get(object: &JsValue, name: &str) -> JsValue {
    Reflect::get(object, &name.into()).expect("readable")
}

fn set(object: &JsValue, name: &str, value: &JsValue) {
    Reflect::set(object, &name.into(), value).expect("writable");
}

fn json(value: &JsValue) -> String {
    JSON::stringify(value).ok().and_then(|text| text.as_string()).unwrap_or_default()
}

fn storage(method: &str, arguments: &[&str]) -> JsValue {
    let storage = get(&js_sys::global(), "localStorage");
    let method: Function = get(&storage, method).unchecked_into();
    method
        .apply(&storage, &arguments.iter().map(|text| JsValue::from_str(text)).collect::<Array>())
        .expect("storage")
}

async fn wait(ms: u32) {
    JsFuture::from(later(ms)).await.expect("time passes");
}

// ---- exports

#[wasm_bindgen_test]
async fn every_event_leaves_as_it_was_given() {
    let visit = Visit::started(r#"{"endpoint": "/telemetry"}"#);
    let time = JsValue::from(1_763_834_701_123_f64);
    let message = JsValue::from("ValueError: no");
    let none = JsValue::from(f64::NAN);
    visit.track(RUN, &[time.clone(), 0.42.into(), 0.into(), none.clone(), JsValue::UNDEFINED, message]);
    visit.track(PLAYGROUND, &[time.clone(), 2.4.into(), 1.into(), 5.into()]);
    visit.track(COMPONENT, &[time.clone(), 0.5.into(), 1.into(), none, "ChatInput".into()]);
    let facts = r#"{"package":"langflow","version":"1.13.0","platform":"Linux","python":"3.12","arch":"x86_64",
                    "autoLogin":true,"cacheType":"memory","backendOnly":false}"#;
    set(&visit.shell, "given", &JSON::parse(facts).expect("facts"));
    visit.call("version", std::slice::from_ref(&time));
    visit.track(SHUTDOWN, &[time, 12.5.into(), 2.into(), f64::NAN.into()]);
    visit.command(FLUSH, 7);
    wait(0).await;
    assert_eq!(visit.seen("settled"), "[[7,true]]");
    for (event, fields) in [
        ("run", r#""isWebhook":false,"seconds":0.42,"success":false,"errorMessage":"ValueError: no"}"#),
        ("playground", r#""seconds":2.4,"componentCount":5,"success":true}"#),
        ("component", r#""name":"ChatInput","seconds":0.5,"success":true}"#),
        (
            "version",
            r#""package":"langflow","version":"1.13.0","platform":"Linux","python":"3.12","arch":"x86_64","autoLogin":true,"cacheType":"memory","backendOnly":false}"#,
        ),
        ("shutdown", r#""timeRunning":12.5}"#),
    ] {
        let lines = visit.lines(event);
        let line = lines.iter().map(json).find(|line| line.ends_with(fields));
        let line = line.unwrap_or_else(|| panic!("{event}: {lines:?}"));
        assert!(line.contains(r#""time":1763834701123,"clientType":"browser""#), "{line}");
    }
}

#[wasm_bindgen_test]
fn a_bad_field_is_refused_and_named() {
    let visit = Visit::started(r#"{"endpoint": "/telemetry"}"#);
    visit.component(-1.0);
    visit.track(RUN, &[0.into(), 1.into(), 2.into(), f64::NAN.into()]);
    visit.track(PLAYGROUND, &[0.into(), 1.into(), 1.into(), 1.5.into()]);
    let told = visit.seen("told");
    for subject in ["seconds", "success", "componentCount"] {
        assert!(told.contains(&format!("\"{subject}\"")), "{subject} in {told}");
    }
    assert_eq!(visit.stat("invalid"), 3);
    assert_eq!(visit.command(REFUSE_BEFORE_SEND, 0), 1, "by beforeSend");
    assert_eq!(visit.command(REFUSE_INVALID, 0), 4, "as invalid");
}

// ---- options

#[wasm_bindgen_test]
fn a_bad_option_is_told_once_and_nothing_else_happens() {
    for (options, name) in [
        (r#"{}"#, "endpoint"),
        (r#"{"endpoint": "javascript:alert(1)"}"#, "endpoint"),
        (r#"{"endpoint": "https://user:secret@t.example/"}"#, "endpoint"),
        (r#"{"endpoint": "https://t.example:99999/"}"#, "endpoint"),
        (r#"{"endpoint": "//t.example/"}"#, "endpoint"),
        (r#"{"endpoint": 5}"#, "endpoint"),
        (r#"{"endpoint": "/t", "format": "xml"}"#, "format"),
        (r#"{"endpoint": "/t", "honorBrowserSignals": "no"}"#, "honorBrowserSignals"),
        (r#"{"endpoint": "/t", "consent": true}"#, "consent"),
        (r#"{"endpoint": "/t", "clientType": 1}"#, "clientType"),
        (r#"{"endpoint": "/t", "errorMessages": "raw"}"#, "errorMessages"),
        (r#"{"endpoint": "/t", "componentNames": ["A", 1]}"#, "componentNames"),
        (r#"{"endpoint": "/t", "flushIntervalMs": -1}"#, "flushIntervalMs"),
        (r#"{"endpoint": "/t", "maxBatchEvents": 0}"#, "maxBatchEvents"),
        (r#"{"endpoint": "/t", "maxBatchBytes": 1e9}"#, "maxBatchBytes"),
        (r#"{"endpoint": "/t", "maxQueueBytes": "2 MB"}"#, "maxQueueBytes"),
        (r#"{"endpoint": "/t", "delivery": "once"}"#, "delivery"),
        (r#"{"endpoint": "/t", "persist": 1}"#, "persist"),
        (r#"{"endpoint": "/t", "sampleRate": 2}"#, "sampleRate"),
        (r#"{"endpoint": "/t", "dryRun": "yes"}"#, "dryRun"),
        (r#"{"endpoint": "/t", "app": {"version": 113}}"#, "app.version"),
        (r#"{"endpoint": "/t", "app": {"autoLogin": "on"}}"#, "app.autoLogin"),
    ] {
        let visit = Visit::started(options);
        visit.component(1.0);
        visit.command(FLUSH, 1);
        let told = Array::from(&get(&visit.shell, "told"));
        assert_eq!(told.length(), 1, "{options}");
        let told = Array::from(&told.get(0));
        assert_eq!((told.get(0), told.get(1), told.get(2)), ("invalid_option".into(), 1.into(), name.into()));
        assert!(told.get(3).as_string().is_some_and(|expected| !expected.is_empty()), "{options}");
        assert_eq!(get(&visit.shell, "isOpen"), false, "{options}");
        visit.assert_untouched();
    }
}

#[wasm_bindgen_test]
fn options_of_every_kind_are_taken() {
    let visit = Visit::started(
        r#"{"endpoint": "https://t.example/v1", "format": "ndjson", "honorBrowserSignals": false,
            "consent": "granted", "clientType": "desktop", "errorMessages": "off", "componentNames": ["ChatInput"],
            "flushIntervalMs": 60000, "maxBatchEvents": 10, "maxBatchBytes": 2048, "maxQueueBytes": 65536,
            "delivery": "at-most-once", "persist": false, "sampleRate": 1, "dryRun": false, "app": null}"#,
    );
    assert_eq!(visit.seen("told"), "[]");
    assert_eq!(visit.stat("state"), "on");
}

// ---- navigator

#[wasm_bindgen_test]
async fn platform_and_arch_come_from_client_hints() {
    let visit = Visit::new(r#"{"endpoint": "/telemetry"}"#);
    let hints = client_hints("macOS", "told");
    visit.pretend("navigator", "userAgentData", &hints);
    visit.pretend("navigator", "maxTouchPoints", &0.into());
    visit.command(START, 0);
    assert_eq!(visit.seen("emitted"), "[]", "what the browser is asked for takes a moment");
    wait(0).await;
    assert_eq!(visit.seen("emitted"), r#"[["version","macOS","arm64"]]"#);
}

#[wasm_bindgen_test]
async fn hints_that_do_not_come_are_not_waited_for() {
    for (way, at_once) in [("never", false), ("withheld", false), ("nonsense", true), ("throws", true)] {
        let visit = Visit::new(r#"{"endpoint": "/telemetry"}"#);
        let hints = client_hints("Windows", way);
        visit.pretend("navigator", "userAgentData", &hints);
        visit.pretend("navigator", "userAgent", &"Mozilla/5.0 (Windows NT 10.0; Win64; x64)".into());
        visit.command(START, 0);
        assert_eq!(visit.seen("emitted") != "[]", at_once, "{way}");
        wait(300).await;
        // "x64" is what Chromium says on every Windows: not known, so left out.
        assert_eq!(visit.seen("emitted"), r#"[["version","Windows",null]]"#, "{way}");
    }
}

#[wasm_bindgen_test]
fn without_hints_the_user_agent_tells_what_it_can() {
    for (agent, touch, platform, arch) in [
        ("Mozilla/5.0 (X11; Linux aarch64; rv:140.0) Gecko/20100101 Firefox/140.0", 0, "Linux", "arm64"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15", 0, "macOS", ""),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15", 5, "iOS", ""),
    ] {
        let visit = Visit::new(r#"{"endpoint": "/telemetry"}"#);
        visit.pretend("navigator", "userAgentData", &JsValue::UNDEFINED);
        visit.pretend("navigator", "userAgent", &agent.into());
        visit.pretend("navigator", "maxTouchPoints", &touch.into());
        visit.command(START, 0);
        let arch = if arch.is_empty() { "null".to_owned() } else { format!("\"{arch}\"") };
        assert_eq!(visit.seen("emitted"), format!("[[\"version\",\"{platform}\",{arch}]]"), "{agent}");
    }
}

#[wasm_bindgen_test]
fn a_navigator_whose_getters_throw_tells_nothing() {
    let visit = Visit::new(r#"{"endpoint": "/telemetry"}"#);
    for name in
        ["userAgentData", "userAgent", "maxTouchPoints", "globalPrivacyControl", "doNotTrack", "onLine"]
    {
        THROWING.with(|throwing| visit.pretend("navigator", name, throwing));
    }
    visit.command(START, 0);
    assert_eq!(visit.seen("emitted"), r#"[["version",null,null]]"#);
    assert_eq!(visit.stat("state"), "on");
}

// ---- lifecycle

#[wasm_bindgen_test]
fn listeners_come_with_the_start_and_go_with_an_opt_out() {
    let visit = Visit::new(r#"{"endpoint": "/telemetry"}"#);
    assert_eq!(visit.seen("added"), "[]", "nothing before the start");
    visit.command(START, 0);
    assert_eq!(visit.seen("added"), LISTENERS);
    assert_eq!(visit.seen("removed"), "[]");
    visit.command(OPT_OUT_NOW, 0);
    assert_eq!(visit.seen("removed"), LISTENERS);
}

#[wasm_bindgen_test]
async fn a_closed_client_has_no_listener_and_is_deaf() {
    let visit = Visit::started(r#"{"endpoint": "/telemetry"}"#);
    visit.component(1.0);
    visit.command(CLOSE, 9);
    wait(50).await;
    assert_eq!(visit.seen("settled"), "[[9,true]]");
    assert_eq!(visit.seen("removed"), LISTENERS);
    assert_eq!(visit.lines("shutdown").len(), 1);
    let sent = visit.seen("bodies");
    visit.component(2.0);
    visit.fire("window", "pagehide", &[]);
    visit.command(OPT_IN_NOW, 0);
    wait(50).await;
    assert_eq!(visit.seen("bodies"), sent);
    assert_eq!((visit.stat("state"), visit.stat("reason")), ("off".into(), "shut_down".into()));
}

#[wasm_bindgen_test]
async fn a_client_that_was_closed_without_consent_stays_closed() {
    let visit = Visit::started(r#"{"endpoint": "/telemetry"}"#);
    visit.command(OPT_OUT_NOW, 0);
    visit.command(CLOSE, 9);
    assert_eq!(visit.seen("settled"), "[[9,true]]");
    visit.forget("added");
    visit.command(OPT_IN_NOW, 0);
    visit.component(1.0);
    visit.command(FLUSH, 1);
    wait(20).await;
    assert_eq!((visit.seen("added"), visit.seen("bodies")), ("[]".into(), "[]".into()));
    assert_eq!(visit.stat("state"), "off");
}

#[wasm_bindgen_test]
async fn a_page_that_was_told_410_listens_for_nothing_whatever_is_chosen_then() {
    let visit = Visit::started(r#"{"endpoint": "/telemetry"}"#);
    set(&visit.touched, "answer", &respond(410, "", ""));
    visit.component(1.0);
    visit.command(FLUSH, 1);
    wait(20).await;
    assert_eq!(visit.seen("removed"), LISTENERS);
    for name in ["added", "removed"] {
        visit.forget(name);
    }
    visit.command(OPT_OUT_NOW, 0);
    visit.command(OPT_IN_NOW, 0);
    assert_eq!(visit.seen("added"), visit.seen("removed"));
    assert_eq!(visit.stat("state"), "stopped");
}

/// Nobody listens while it is off, so nobody hears that the network is back.
#[wasm_bindgen_test]
async fn a_network_that_came_back_during_an_opt_out_is_there() {
    let visit = Visit::new(r#"{"endpoint": "https://t.example/"}"#);
    visit.pretend("navigator", "onLine", &false.into());
    visit.command(START, 0);
    visit.command(OPT_OUT_NOW, 0);
    visit.pretend("navigator", "onLine", &true.into());
    visit.fire("window", "online", &[]);
    visit.command(OPT_IN_NOW, 0);
    visit.component(1.0);
    visit.command(FLUSH, 1);
    wait(20).await;
    assert_eq!(visit.lines("component").len(), 1);
    assert_eq!(visit.seen("settled"), "[[1,true]]");
}

/// Components of a page have events of such names too, and capturing listeners of the window see them.
#[wasm_bindgen_test]
async fn an_element_that_freezes_is_not_the_page() {
    let visit = Visit::started(r#"{"endpoint": "/telemetry"}"#);
    let document = get(&js_sys::global(), "document");
    set(&js_sys::global(), "anElement", &get(&document, "body"));
    for event in ["freeze", "offline", "pagehide"] {
        visit.fire("anElement", event, &[]);
    }
    visit.component(1.0);
    visit.command(FLUSH, 1);
    wait(20).await;
    assert_eq!(visit.lines("component").len(), 1);
    assert_eq!(visit.seen("settled"), "[[1,true]]");
    assert!(!visit.seen("emitted").contains("shutdown"));
}

#[wasm_bindgen_test]
fn who_is_used_first_is_opened_first_and_each_client_keeps_its_own() {
    // Without a Version event, for which these shells have no client.
    let visit = Visit::new(r#"{"endpoint": "/telemetry", "consent": "pending"}"#);
    let lent = || {
        let nobody = Function::new_no_args("");
        enlist(&complete(&make_shell(&get(&visit.shell, "given")), &lend(&nobody, &nobody)))
    };
    let (first, second, third) = (lent(), lent(), lent());
    for client in [second, first, third] {
        assert!(web::open(client, give(Some("k3f9x2ab7c1d".to_owned()))));
        web::command(client as usize, START as usize, 0);
    }
    let invalid = |client: u32| web::command(client as usize, REFUSE_INVALID as usize, 0);
    // One, two and three each: whoever drove another's page would count there.
    for (client, times) in [(first, 1), (second, 2), (third, 3)] {
        for time in 1..=times {
            assert_eq!(invalid(client), time);
        }
        web::command(client as usize, OPT_OUT_NOW as usize, 0);
    }
}

#[wasm_bindgen_test]
async fn a_page_that_goes_says_so_once_a_life() {
    let visit = Visit::started(r#"{"endpoint": "/telemetry"}"#);
    let shutdowns = || visit.seen("emitted").matches("shutdown").count();
    visit.fire("document", "visibilitychange", &[]);
    assert_eq!(shutdowns(), 0);
    visit.fire("window", "pagehide", &[("persisted", true.into())]);
    visit.fire("window", "pagehide", &[("persisted", true.into())]);
    assert_eq!(shutdowns(), 1);
    assert!(visit.seen("inits").contains("\"beacon\":true"), "by something that outlives the page");
    visit.fire("window", "pageshow", &[("persisted", false.into())]);
    visit.fire("window", "pagehide", &[]);
    assert_eq!(shutdowns(), 1, "not a new life");
    visit.fire("window", "pageshow", &[("persisted", true.into())]);
    visit.fire("window", "pagehide", &[]);
    assert_eq!(shutdowns(), 2, "restored, and gone again");
}

#[wasm_bindgen_test]
async fn a_prerendered_page_waits_to_be_seen() {
    let visit = Visit::new(r#"{"endpoint": "/telemetry"}"#);
    visit.pretend("document", "prerendering", &true.into());
    visit.command(START, 0);
    visit.component(1.0);
    wait(50).await;
    assert_eq!(visit.seen("added"), r#"["prerenderingchange"]"#);
    for what in ["bodies", "inits", "emitted", "written"] {
        assert_eq!(visit.seen(what), "[]", "{what}");
    }
    visit.pretend("document", "prerendering", &false.into());
    visit.fire("document", "prerenderingchange", &[]);
    assert_eq!(visit.seen("removed"), r#"["prerenderingchange"]"#);
    visit.command(FLUSH, 1);
    wait(0).await;
    assert_eq!(visit.lines("component").len(), 1);
}

#[wasm_bindgen_test]
async fn requests_carry_no_cookie_and_no_referrer_and_follow_nothing() {
    let visit = Visit::started(r#"{"endpoint": "/telemetry"}"#);
    visit.component(1.0);
    visit.command(FLUSH, 1);
    wait(0).await;
    let inits = Array::from(&get(&visit.touched, "inits"));
    let sent = inits.iter().find(|init| get(init, "body").is_object()).expect("a request");
    for (name, value) in [
        ("method", "POST"),
        ("credentials", "omit"),
        ("referrerPolicy", "no-referrer"),
        ("redirect", "error"),
    ] {
        assert_eq!(get(&sent, name), value, "{name}");
    }
    assert_eq!(get(&sent, "keepalive"), true);
    assert_eq!(json(&get(&sent, "headers")), r#"{"content-type":"text/plain;charset=UTF-8"}"#);
}

#[wasm_bindgen_test]
async fn what_an_answer_says_is_read() {
    // More than is kept of an answer, and all in one chunk.
    let long = format!(r#"{{"accepted":0,"rejected":2,"errors":"{}"}}"#, "x".repeat(5_000));
    for (status, header, body, expected) in [
        (200, "", r#"{"accepted":3,"duplicate":0,"rejected":2}"#, "[200,null,2]"),
        (200, "", r#"{"partialSuccess":{"rejectedLogRecords":"12"}}"#, "[200,null,12]"),
        (200, "", r#"{"accepted":3}"#, "[200,null,null]"),
        (200, "", &long, "[200,null,2]"),
        (503, "120", "later", "[503,120000,null]"),
        (503, " 7 ", "later", "[503,7000,null]"),
        (429, "Thu, 01 Jan 1970 00:00:00 GMT", "", "[429,true,null]"),
        (429, "soon", "", "[429,null,null]"),
        (0, "", "", "[0,null,null]"),
    ] {
        let visit = Visit::started(r#"{"endpoint": "/telemetry"}"#);
        set(&visit.touched, "answer", &respond(status, header, body));
        visit.component(1.0);
        visit.command(FLUSH, 1);
        for _ in 0..100 {
            wait(10).await;
            if visit.seen("answered") != "[]" {
                break;
            }
        }
        assert_eq!(visit.seen("answered"), format!("[{expected}]"), "{status} {header} {body}");
    }
}

#[wasm_bindgen_test]
async fn what_a_receiver_asks_and_refuses_counts() {
    let visit = Visit::started(r#"{"endpoint": "/telemetry"}"#);
    visit.component(1.0);
    visit.component(1.0);
    set(&visit.touched, "answer", &respond(200, "", r#"{"rejected":99999999999}"#));
    // Two, and Version where there are no hints to wait for.
    let queued = visit.stat("queued");
    visit.command(FLUSH, 1);
    wait(10).await;
    assert_eq!(visit.stat("sent"), 0);
    assert_eq!(visit.stat("rejected"), queued);
}

// ---- the store

/// What is stored, by its keys.
fn stored() -> Vec<String> {
    let keys = Object::keys(get(&js_sys::global(), "localStorage").unchecked_ref::<Object>());
    keys.iter().filter_map(|key| key.as_string()).collect()
}

#[wasm_bindgen_test]
async fn what_an_earlier_page_left_is_sent_and_rubbish_is_removed() {
    let visit = Visit::started(r#"{"endpoint": "/telemetry"}"#);
    set(&visit.touched, "answer", &respond(0, "", ""));
    visit.component(1.0);
    visit.command(FLUSH, 1);
    wait(10).await;
    visit.fire("window", "pagehide", &[]);
    let keys = stored();
    let key = keys.iter().find(|key| key.ends_with(":k3f9x2ab7c1d:1")).unwrap_or_else(|| panic!("{keys:?}"));
    assert!(!keys.contains(&key.replace(":1", "")), "the claim is given up: {keys:?}");
    let value = storage("getItem", &[key]).as_string().expect("a batch");
    let prefix = key.replace("k3f9x2ab7c1d:1", "");

    let visit = Visit::new(r#"{"endpoint": "/telemetry"}"#);
    let now = js_sys::Date::now();
    let recent = format!("u{now} 2\n{{}}\n");
    let long_ago =
        format!("u{} {}", now - 8.0 * 24.0 * 3_600_000.0, value.split_once(' ').expect("a head").1);
    for (name, value) in [("abc:1", &value), ("held:1", &value), ("stale:1", &value), ("old:1", &long_ago)] {
        storage("setItem", &[&format!("{prefix}{name}"), value]);
    }
    storage("setItem", &[&format!("{prefix}held"), &format!("{}", now + 10_000.0)]);
    storage("setItem", &[&format!("{prefix}stale"), &format!("{}", now - 10_000.0)]);
    let cut_off = value.trim_end().to_owned();
    let large = format!("{value}{}", "x".repeat(70_000));
    for (name, value) in [
        ("abc:2", "nothing of ours"),
        ("abc:3", ""),
        ("abc:4", &recent),
        ("abc:5", &cut_off),
        ("abc:6", &large),
        ("abc:x", &value),
        (":1", &value),
        ("::", &value),
    ] {
        storage("setItem", &[&format!("{prefix}{name}"), value]);
    }
    storage("setItem", &["langflow-telemetry:1:abc:1", "u1 2\n{}\n"]);
    storage("setItem", &["langflow-telemetry:1:abc", "17"]);
    storage("setItem", &["langflow-telemetry:1:new:1", &recent]);
    storage("setItem", &["theirs", "kept"]);
    visit.command(START, 0);
    wait(300).await;
    let mut keys = stored();
    keys.retain(|key| !key.contains(":k3f9x2ab7c1d"));
    keys.sort();
    let mut expected = vec![
        "langflow-telemetry:1:new:1".to_owned(),
        format!("{prefix}held"),
        format!("{prefix}held:1"),
        format!("{prefix}stale"),
        "theirs".to_owned(),
    ];
    expected.sort();
    assert_eq!(keys, expected);
    assert_eq!(visit.stat("recovered").as_f64().map(|events| events % 3.0), Some(0.0), "three batches");
    assert!(visit.stat("expired").as_f64() > Some(0.0), "what was there for eight days");
    visit.command(FLUSH, 2);
    wait(50).await;
    assert_eq!(visit.lines("component").len(), 2, "of two pages, in {}", visit.seen("bodies"));
    assert!(!stored().iter().any(|key| key.contains(":k3f9x2ab7c1d:")), "{:?}", stored());
}

#[wasm_bindgen_test]
fn the_store_takes_no_more_than_a_mebibyte() {
    let visit = Visit::new(r#"{"endpoint": "/telemetry"}"#);
    let now = js_sys::Date::now();
    // Of another endpoint, and not yet old.
    storage("setItem", &["langflow-telemetry:1:abc:1", &format!("u{now} {}\n", 1024 * 1024 - 100)]);
    visit.command(START, 0);
    visit.component(1.0);
    visit.forget("told");
    THROWING.with(|throwing| visit.pretend("navigator", "sendBeacon", throwing));
    set(&visit.touched, "answer", &respond(0, "", ""));
    visit.fire("window", "pagehide", &[]);
    assert!(visit.seen("told").contains("store_unavailable"), "{}", visit.seen("told"));
    assert!(!stored().iter().any(|key| key.contains(":k3f9x2ab7c1d:")), "{:?}", stored());
}

// ---- off is off

#[wasm_bindgen_test]
async fn a_browser_that_says_no_is_obeyed_and_nothing_is_touched() {
    for (name, value) in [
        ("globalPrivacyControl", JsValue::TRUE),
        ("globalPrivacyControl", "1".into()),
        ("doNotTrack", "1".into()),
        ("doNotTrack", "yes".into()),
    ] {
        let visit = Visit::new(r#"{"endpoint": "/telemetry"}"#);
        visit.pretend("navigator", name, &value);
        visit.command(START, 0);
        visit.component(1.0);
        // A click does not outvote what the person told the browser for every site.
        visit.command(OPT_IN_NOW, 0);
        visit.command(FLUSH, 1);
        visit.command(CLOSE, 2);
        wait(20).await;
        visit.assert_untouched();
        assert_eq!((visit.stat("state"), visit.stat("reason")), ("off".into(), "browser_signal".into()));
    }
}

#[wasm_bindgen_test]
fn a_browser_that_says_no_counts_only_where_it_is_to_be_honoured() {
    let visit = Visit::new(r#"{"endpoint": "/telemetry", "honorBrowserSignals": false}"#);
    visit.pretend("navigator", "globalPrivacyControl", &JsValue::TRUE);
    visit.command(START, 0);
    assert_eq!(visit.stat("state"), "on");
}

#[wasm_bindgen_test]
async fn an_opt_out_is_remembered_and_purges_what_was_left() {
    let visit = Visit::new(r#"{"endpoint": "/telemetry"}"#);
    storage("setItem", &[OPT_OUT, "1"]);
    storage("setItem", &["langflow-telemetry:1:abc:1", "u1 2\n{}\n"]);
    storage("setItem", &["theirs", "kept"]);
    visit.forget("written");
    visit.command(START, 0);
    visit.component(1.0);
    wait(20).await;
    visit.assert_untouched();
    assert_eq!(visit.stat("reason"), "opted_out");
    assert!(storage("getItem", &["langflow-telemetry:1:abc:1"]).is_null());
    assert_eq!(storage("getItem", &["theirs"]), "kept");
    assert_eq!(storage("getItem", &[OPT_OUT]), "1");
    // What the shell does when the person opts in again.
    storage("removeItem", &[OPT_OUT]);
    visit.command(OPT_IN_NOW, 0);
    assert_eq!(visit.stat("state"), "on");
}

#[wasm_bindgen_test]
async fn consent_denied_touches_nothing() {
    let visit = Visit::started(r#"{"endpoint": "/telemetry", "consent": "denied"}"#);
    visit.component(1.0);
    visit.command(FLUSH, 1);
    wait(20).await;
    visit.assert_untouched();
    assert_eq!(visit.stat("reason"), "denied");
}

#[wasm_bindgen_test]
async fn consent_pending_holds_in_memory_and_touches_nothing() {
    let visit = Visit::started(r#"{"endpoint": "/telemetry", "consent": "pending"}"#);
    for number in 0..60 {
        visit.component(f64::from(number));
    }
    visit.fire("window", "pagehide", &[]);
    wait(20).await;
    visit.assert_untouched();
    assert_eq!((visit.stat("state"), visit.stat("queued")), ("pending".into(), 60.into()));
    visit.command(OPT_IN_NOW, 0);
    visit.command(FLUSH, 1);
    wait(20).await;
    assert_eq!(visit.lines("component").len(), 60);

    let visit = Visit::started(r#"{"endpoint": "/telemetry", "consent": "pending"}"#);
    visit.component(1.0);
    visit.command(OPT_OUT_NOW, 0);
    wait(20).await;
    assert_eq!(visit.seen("bodies"), "[]");
    assert_eq!((visit.stat("queued"), visit.stat("opted_out")), (0.into(), 1.into()));
}

#[wasm_bindgen_test]
async fn consent_is_asked_again_when_something_is_to_be_sent() {
    let visit = Visit::started(r#"{"endpoint": "/telemetry"}"#);
    visit.component(1.0);
    visit.pretend("navigator", "globalPrivacyControl", &JsValue::TRUE);
    visit.command(FLUSH, 1);
    wait(20).await;
    assert_eq!(visit.seen("inits"), "[]", "not even deferred");
    assert_eq!(visit.seen("bodies"), "[]");
    assert_eq!(visit.seen("removed"), LISTENERS);
    assert_eq!(visit.stat("reason"), "browser_signal");
}

#[wasm_bindgen_test]
async fn an_opt_out_in_another_tab_counts_here() {
    let visit = Visit::started(r#"{"endpoint": "/telemetry"}"#);
    visit.component(1.0);
    storage("setItem", &[OPT_OUT, "1"]);
    visit.fire("window", "storage", &[("key", OPT_OUT.into())]);
    visit.forget("bodies");
    visit.command(FLUSH, 1);
    wait(20).await;
    assert_eq!(visit.seen("bodies"), "[]");
    assert_eq!((visit.stat("state"), visit.stat("reason")), ("off".into(), "opted_out".into()));
    assert_eq!(visit.seen("removed"), LISTENERS);
}
