//! The page's files, and what the API's answers carry.

use std::{fs, io::Write as _};

use tempfile::TempDir;

use crate::running::{Running, component, read_all};

fn page() -> TempDir {
    let parent = TempDir::new().unwrap();
    fs::write(parent.path().join("secret.txt"), "secret").unwrap();
    let www = parent.path().join("dist");
    fs::create_dir(&www).unwrap();
    fs::write(www.join("index.html"), "<!doctype html><title>page</title>").unwrap();
    fs::write(www.join("client.wasm"), b"\0asm").unwrap();
    fs::write(www.join("index.js"), "export {}").unwrap();
    parent
}

#[test]
fn serves_the_page() {
    let parent = page();
    let running = Running::start_with(&["--www", parent.path().join("dist").to_str().unwrap()]);
    let index = running.get("/");
    assert_eq!((index.status, index.body.contains("<title>page</title>")), (200, true));
    // `no-store` would keep the page out of the back/forward cache.
    assert_eq!(index.header("cache-control"), "no-cache");
    assert_eq!(running.get("/client.wasm").header("content-type"), "application/wasm");
    assert_eq!(running.get("/index.js").header("content-type"), "text/javascript");
    assert_eq!(running.get("/index.js").header("x-content-type-options"), "nosniff");
    assert_eq!(running.get("/nothing.js").status, 404);
    // The API is still there.
    assert_eq!(running.post(component(1).to_string()).status, 200);
}

#[test]
fn nothing_outside_the_folder() {
    let parent = page();
    let running = Running::start_with(&["--www", parent.path().join("dist").to_str().unwrap()]);
    for path in ["/../secret.txt", "/%2e%2e/secret.txt", "/..%2fsecret.txt", "//../secret.txt"] {
        let mut stream = running.connect();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
        let answer = read_all(stream);
        assert!(answer.starts_with("HTTP/1.1 404"), "{path}: {answer}");
    }
}

#[test]
fn without_a_page_it_says_what_is_there() {
    let running = Running::start();
    for path in ["/", "/v1", "/v1/nothing", "/index.html"] {
        let answer = running.get(path);
        assert_eq!(answer.status, 404, "{path}");
        assert!(answer.error().contains("POST /v1/events"), "{path}: {}", answer.body);
    }
    let answer = running.get("/v1/events?limit=1");
    assert_eq!((answer.status, answer.header("cache-control")), (200, "no-store"));
    let health = running.get("/healthz");
    assert_eq!(
        (health.status, health.body.as_str(), health.header("cache-control")),
        (200, "ok\n", "no-store")
    );
}

#[test]
fn another_method_is_405() {
    let running = Running::start();
    let mut stream = running.connect();
    write!(stream, "DELETE /v1/events HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    let answer = read_all(stream);
    assert!(answer.starts_with("HTTP/1.1 405"), "{answer}");
    assert!(answer.contains("expected POST /v1/events"), "{answer}");
}
