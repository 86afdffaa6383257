//! Which pages may send and read.

use crate::running::{Answer, Running, component};

const PAGE: &str = "https://app.example.com";

fn post_from(running: &Running, seq: u64, origin: &str, site: &str) -> Answer {
    let headers =
        [("content-type", "text/plain;charset=UTF-8"), ("origin", origin), ("sec-fetch-site", site)];
    running.post_with(&headers, component(seq).to_string()).unwrap()
}

fn preflight(running: &Running, origin: &str) -> Answer {
    running.options(
        "/v1/events",
        &[
            ("origin", origin),
            ("access-control-request-method", "POST"),
            ("access-control-request-headers", "content-type"),
        ],
    )
}

#[test]
fn by_default_only_pages_of_the_same_origin() {
    let running = Running::start();
    // The browser says same-origin also where a proxy has rewritten the host.
    let own = post_from(&running, 1, "http://localhost:5173", "same-origin");
    assert_eq!(own.status, 200);
    assert_eq!(own.header("access-control-allow-origin"), "");
    assert_eq!(own.header("vary"), "origin");

    for site in ["cross-site", "same-site"] {
        let foreign = post_from(&running, 2, PAGE, site);
        assert_eq!(foreign.status, 403, "{site}");
        assert!(foreign.error().contains(PAGE), "{}", foreign.body);
    }
    assert_eq!(running.rows(), 1);

    let read = running.get_with("/v1/events", &[("origin", PAGE)]);
    assert_eq!(read.header("access-control-allow-origin"), "");
    assert_eq!(preflight(&running, PAGE).header("access-control-allow-origin"), "");
}

#[test]
fn listed_origins_may_send_and_read() {
    let running = Running::start_with(&["--allow-origin", PAGE, "--allow-origin", "http://127.0.0.1:5173"]);
    for (seq, origin) in [PAGE, "http://127.0.0.1:5173"].into_iter().enumerate() {
        let answer = post_from(&running, seq as u64, origin, "cross-site");
        assert_eq!(answer.status, 200, "{origin}");
        assert_eq!(answer.header("access-control-allow-origin"), origin);
        assert_eq!(answer.header("access-control-expose-headers"), "retry-after");
        assert_eq!(answer.header("vary"), "origin");
        assert_eq!(answer.header("access-control-allow-credentials"), "");

        let answer = preflight(&running, origin);
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("access-control-allow-origin"), origin);
        assert_eq!(answer.header("access-control-allow-methods"), "GET,POST");
        assert_eq!(answer.header("access-control-allow-headers"), "content-type");
    }
    for origin in ["https://other.example.com", "null", "http://127.0.0.1:51730"] {
        assert_eq!(post_from(&running, 9, origin, "cross-site").status, 403, "{origin}");
        assert_eq!(preflight(&running, origin).header("access-control-allow-origin"), "", "{origin}");
    }
    assert_eq!(running.rows(), 2);
}

#[test]
fn a_star_lets_every_page_send_and_read() {
    let running = Running::start_with(&["--allow-origin", "*"]);
    let answer = post_from(&running, 1, PAGE, "cross-site");
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    assert_eq!(running.get_with("/v1/stats", &[("origin", PAGE)]).header("access-control-allow-origin"), "*");
}

#[test]
fn refusals_can_be_read_by_the_page_too() {
    let running = Running::start_with(&["--allow-origin", PAGE]);
    let headers = [("content-type", "application/json"), ("origin", PAGE), ("sec-fetch-site", "cross-site")];
    let answer = running.post_with(&headers, "{}").unwrap();
    assert_eq!(answer.status, 415);
    assert_eq!(answer.header("access-control-allow-origin"), PAGE);
    assert_eq!(answer.header("cache-control"), "no-store");
}
