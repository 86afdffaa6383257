//! Arguments, and what goes wrong at the start: said on stderr, with an exit code that is not 0.

use std::{fs, net::TcpListener, process::Output};

use rusqlite::Connection;
use tempfile::TempDir;

use crate::running::{Running, command, component};

fn run(folder: &TempDir, arguments: &[&str]) -> Output {
    command().args(arguments).current_dir(folder.path()).output().expect("it runs")
}

/// Asserts that it ends with an error that says all of `expected`.
fn fails(folder: &TempDir, arguments: &[&str], expected: &[&str]) {
    let output = run(folder, arguments);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code().is_some_and(|code| code != 0), "{arguments:?}: {output:?}");
    for words in expected {
        assert!(said.contains(words), "{arguments:?}: {said}");
    }
    assert!(output.stdout.is_empty(), "{arguments:?}: said it was listening");
}

#[test]
fn help_and_version() {
    let folder = TempDir::new().unwrap();
    let help = run(&folder, &["--help"]);
    assert_eq!(help.status.code(), Some(0));
    let help = String::from_utf8_lossy(&help.stdout).into_owned();
    for flag in ["--db", "--listen", "--allow-origin", "--www", "--version", "127.0.0.1:8080", "telemetry.db"]
    {
        assert!(help.contains(flag), "{flag}: {help}");
    }
    let version = run(&folder, &["--version"]);
    assert_eq!(version.status.code(), Some(0));
    assert_eq!(
        String::from_utf8_lossy(&version.stdout),
        format!("collector {}\n", env!("CARGO_PKG_VERSION"))
    );
}

#[test]
fn wrong_arguments() {
    let folder = TempDir::new().unwrap();
    fails(&folder, &["--frobnicate"], &["--frobnicate"]);
    fails(&folder, &["stray"], &["stray"]);
    fails(&folder, &["--listen", "nowhere"], &["nowhere", "--listen"]);
    fails(&folder, &["--listen", "127.0.0.1:99999"], &["99999"]);
    fails(&folder, &["--allow-origin", "example.com/x"], &["example.com/x", "https://app.example.com"]);
    fails(&folder, &["--www", "missing", "--listen", "127.0.0.1:0"], &["--www missing", "exists"]);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "no database was made");
}

#[test]
fn a_database_that_cannot_be_had() {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name);
    let with_db = ["--listen", "127.0.0.1:0", "--db"];

    fs::create_dir(path("folder.db")).unwrap();
    fs::write(path("text.db"), "this is not a database, but long enough to be looked at as one".repeat(20))
        .unwrap();
    Connection::open(path("other.db")).unwrap().execute_batch("CREATE TABLE t (a)").unwrap();

    fails(&folder, &[&with_db[..], &["folder.db"]].concat(), &["--db folder.db"]);
    fails(&folder, &[&with_db[..], &["missing/x.db"]].concat(), &["--db missing/x.db"]);
    fails(&folder, &[&with_db[..], &["text.db"]].concat(), &["--db text.db", "not a database"]);
    fails(&folder, &[&with_db[..], &["other.db"]].concat(), &["--db other.db", "another program"]);
    let tables: u64 = Connection::open(path("other.db"))
        .unwrap()
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .unwrap();
    assert_eq!(tables, 1, "the other program's file was left as it was");
}

#[test]
fn a_database_of_another_version() {
    let mut running = Running::start();
    running.signal("TERM");
    running.wait();
    running.database().pragma_update(None, "user_version", 99).unwrap();
    let output = command().arg("--db").arg(running.database_path()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("version 1") && said.contains("version 99"), "{said}");
}

#[test]
fn a_port_in_use() {
    let folder = TempDir::new().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    fails(&folder, &["--listen", &address], &[&format!("--listen {address}"), "in use"]);
}

#[test]
fn a_database_that_is_there_is_gone_on_with() {
    let mut running = Running::start();
    running.post(component(1).to_string());
    running.signal("TERM");
    assert_eq!(running.wait().code(), Some(0));

    let running = running.restart();
    assert_eq!(running.post(component(1).to_string()).json()["duplicate"], 1);
    assert_eq!(running.rows(), 1);
}
