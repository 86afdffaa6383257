//! A collector that runs for one test, and ways to talk to it.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    time::Duration,
};

use rusqlite::Connection;
use serde_json::{Value, json};
use tempfile::TempDir;

/// Only so that a test of a collector that hangs ends at all: far above the deadlines the collector has.
const TEST_GIVES_UP: Duration = Duration::from_secs(60);

/// A session's name in the tests.
pub(crate) const SESSION: &str = "k3f9x2ab7c1d";

/// The binary under test.
pub(crate) fn command() -> Command {
    Command::new(env!("CARGO_BIN_EXE_collector"))
}

/// A running collector, killed when it is dropped.
pub(crate) struct Running {
    pub(crate) child: Child,
    /// `127.0.0.1:PORT`
    pub(crate) address: String,
    agent: ureq::Agent,
    folder: TempDir,
}

/// Status, headers and body of an answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: ureq::http::HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    /// The body, which must be JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The value of a header, "" where there is none.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("a header in ASCII"))
    }

    /// The sentence of a refusal.
    pub(crate) fn error(&self) -> String {
        self.json()["error"].as_str().unwrap_or_else(|| panic!("no error in {self:?}")).to_owned()
    }
}

impl Running {
    /// Starts on a new database, and waits for the line that says it is ready.
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    /// The same with further arguments.
    pub(crate) fn start_with(arguments: &[&str]) -> Self {
        Self::start_in(TempDir::new().expect("a folder"), arguments)
    }

    fn start_in(folder: TempDir, arguments: &[&str]) -> Self {
        let mut child = command()
            .args(["--listen", "127.0.0.1:0", "--db"])
            .arg(folder.path().join("events.db"))
            .args(arguments)
            // Without a www/dist of whoever runs the tests.
            .current_dir(folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the collector starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("its output")).read_line(&mut line).expect("a line");
        let address = line
            .trim_end()
            .strip_prefix("listening on http://")
            .unwrap_or_else(|| panic!("not ready: {line:?}"))
            .to_owned();
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(TEST_GIVES_UP))
            .build()
            .into();
        Self { child, address, agent, folder }
    }

    /// kill -9 where it still runs, then a new process on the same database.
    pub(crate) fn restart(mut self) -> Self {
        self.child.kill().expect("killed");
        self.child.wait().expect("ended");
        let folder = std::mem::replace(&mut self.folder, TempDir::new().expect("a folder"));
        Self::start_in(folder, &[])
    }

    /// Sends a signal by its name.
    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("kill")
            .args([&format!("-{name}"), &self.child.id().to_string()])
            .status()
            .expect("kill runs");
        assert!(status.success());
    }

    /// Waits for the end.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        self.child.wait().expect("ended")
    }

    /// The database file.
    pub(crate) fn database_path(&self) -> PathBuf {
        self.folder.path().join("events.db")
    }

    /// The database, read with SQLite itself.
    pub(crate) fn database(&self) -> Connection {
        Connection::open(self.database_path()).expect("the database")
    }

    /// Rows in the database.
    pub(crate) fn rows(&self) -> usize {
        self.database().query_row("SELECT count(*) FROM events", [], |row| row.get(0)).expect("a count")
    }

    /// Posts a batch as a browser would.
    pub(crate) fn post(&self, body: impl AsRef<[u8]>) -> Answer {
        self.try_post(body).expect("an answer")
    }

    /// The same where the collector may be gone.
    pub(crate) fn try_post(&self, body: impl AsRef<[u8]>) -> Result<Answer, ureq::Error> {
        self.post_with(&[("content-type", "text/plain;charset=UTF-8")], body)
    }

    /// Posts with these headers.
    pub(crate) fn post_with(
        &self,
        headers: &[(&str, &str)],
        body: impl AsRef<[u8]>,
    ) -> Result<Answer, ureq::Error> {
        let mut request = self.agent.post(format!("http://{}/v1/events", self.address));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Ok(answer(request.send(body.as_ref())?))
    }

    /// GET with these headers.
    pub(crate) fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let mut request = self.agent.get(format!("http://{}{path}", self.address));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        answer(request.call().expect("an answer"))
    }

    /// GET.
    pub(crate) fn get(&self, path: &str) -> Answer {
        self.get_with(path, &[])
    }

    /// OPTIONS with these headers.
    pub(crate) fn options(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let mut request = self.agent.options(format!("http://{}{path}", self.address));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        answer(request.call().expect("an answer"))
    }

    /// A connection on which a test writes HTTP by hand.
    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).expect("a connection");
        stream.set_read_timeout(Some(TEST_GIVES_UP)).expect("a timeout");
        stream
    }

    /// Opens a POST of `announced` bytes and sends only `sent` of them.
    pub(crate) fn begin_post(&self, announced: usize, sent: &[u8]) -> TcpStream {
        let mut stream = self.connect();
        write!(
            stream,
            "POST /v1/events HTTP/1.1\r\nHost: {}\r\nContent-Type: text/plain\r\nContent-Length: {announced}\r\n\
             Connection: close\r\n\r\n",
            self.address
        )
        .expect("headers written");
        stream.write_all(sent).expect("bytes written");
        stream
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail only when it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn answer(response: ureq::http::Response<ureq::Body>) -> Answer {
    let (parts, mut body) = response.into_parts();
    let body = body.read_to_string().expect("a body in UTF-8");
    Answer { status: parts.status.as_u16(), headers: parts.headers, body }
}

/// Reads what comes until the collector closes the connection.
pub(crate) fn read_all(mut stream: TcpStream) -> String {
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("an answer, then the end");
    text
}

/// A Component event.
pub(crate) fn component(seq: u64) -> Value {
    json!({
        "event": "component", "session": SESSION, "seq": seq, "time": 1_763_834_701_123_u64 + seq,
        "clientType": "browser", "name": "ChatInput", "seconds": 0.42, "success": true,
    })
}

/// The same with some fields put in place, or taken out where they are null.
pub(crate) fn component_with(seq: u64, changes: Value) -> Value {
    let mut event = component(seq);
    for (name, value) in changes.as_object().expect("an object") {
        if value.is_null() {
            event.as_object_mut().expect("an object").remove(name);
        } else {
            event[name] = value.clone();
        }
    }
    event
}

/// The events as lines.
pub(crate) fn lines<'a>(events: impl IntoIterator<Item = &'a Value>) -> String {
    events.into_iter().map(|event| format!("{event}\n")).collect()
}
