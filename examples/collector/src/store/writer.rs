//! The one thread that writes.
//!
//! A commit waits for the disk, so requests that arrive meanwhile are written together in the next one: the
//! disk is asked once a group instead of once a request. Nobody is answered before the commit is done.

use std::{
    io,
    thread::{self, JoinHandle},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::{mpsc, oneshot};

use super::{Store, columns};
use crate::{records::Batch, refusal::Refusal};

/// Requests waiting for the thread; more wait, within [`QUEUE_DEADLINE`], for a place.
const QUEUE_MAX_REQUESTS: usize = 256;

/// Most requests in one transaction. A group never holds the first of them up for long.
const GROUP_MAX_REQUESTS: usize = 64;

/// How long a request waits for a place in the queue before it is told to come again: half of the ten seconds
/// that the client gives an attempt.
const QUEUE_DEADLINE: Duration = Duration::from_secs(5);

/// What a sender waits before it comes again, in seconds, when the queue was full or the disk refused.
const RETRY_AFTER_SECONDS: u32 = 5;

/// What the thread is asked for.
pub(super) enum Command {
    /// Write these, then say how many of them were new, or why none was kept.
    Insert { batch: Batch, answer: oneshot::Sender<Result<usize, String>> },
    /// Write what came before, then end.
    Close,
}

impl Store {
    /// Keeps the records whose key is new, the first of each key. Returns how many those were, once they are
    /// on the disk. A refusal means that none was kept.
    pub(crate) async fn insert(&self, batch: Batch) -> Result<usize, Refusal> {
        let (answer, answered) = oneshot::channel();
        self.to_writer
            .send_timeout(Command::Insert { batch, answer }, QUEUE_DEADLINE)
            .await
            .map_err(|_| Refusal::busy(RETRY_AFTER_SECONDS, "too many batches are waiting to be written"))?;
        match answered.await {
            Ok(Ok(accepted)) => Ok(accepted),
            Ok(Err(error)) => {
                eprintln!("collector: a batch could not be written: {error}");
                Err(Refusal::busy(RETRY_AFTER_SECONDS, "the database could not be written"))
            }
            Err(_closed) => Err(Refusal::busy(RETRY_AFTER_SECONDS, "the collector is stopping")),
        }
    }
}

/// The thread, to be ended with [`Writer::close`].
#[must_use = "without close() the log is not folded into the database"]
pub(crate) struct Writer {
    thread: JoinHandle<Result<(), String>>,
}

impl Writer {
    /// Lets the thread write what is queued, fold the log into the database and close it.
    pub(crate) async fn close(self, store: &Store) -> Result<(), String> {
        // Fails only when the thread has ended already, and then join tells.
        let _ = store.to_writer.send(Command::Close).await;
        let joined = tokio::task::spawn_blocking(|| self.thread.join()).await;
        joined
            .map_err(|error| error.to_string())?
            .map_err(|_panic| "the writing thread broke down".to_owned())?
    }
}

/// Starts the thread, which owns the connection.
pub(super) fn start(connection: Connection) -> io::Result<(mpsc::Sender<Command>, Writer)> {
    let (to_writer, commands) = mpsc::channel(QUEUE_MAX_REQUESTS);
    let thread = thread::Builder::new()
        .name("writer".to_owned())
        .spawn(move || write_until_closed(connection, commands))?;
    Ok((to_writer, Writer { thread }))
}

fn write_until_closed(
    mut connection: Connection,
    mut commands: mpsc::Receiver<Command>,
) -> Result<(), String> {
    let mut open = true;
    while open && let Some(first) = commands.blocking_recv() {
        let mut group = Vec::new();
        let mut next = Some(first);
        while let Some(command) = next.take() {
            match command {
                Command::Insert { batch, answer } => group.push((batch, answer)),
                Command::Close => {
                    open = false;
                    break;
                }
            }
            if group.len() < GROUP_MAX_REQUESTS {
                next = commands.try_recv().ok();
            }
        }
        write_group(&mut connection, group);
    }
    // Busy readers may keep part of the log from being folded in: it stays beside the file, and nothing is lost.
    let folded = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
    connection.close().map_err(|(_, error)| format!("closing the database: {error}"))?;
    folded.map_err(|error| format!("folding the log into the database: {error}"))
}

/// One request's records, and where its answer goes.
type Request = (Batch, oneshot::Sender<Result<usize, String>>);

/// Writes the group in one transaction, commits, and only then answers. A sender that has gone is no error:
/// its rows are kept, and when it sends them again they are duplicates.
fn write_group(connection: &mut Connection, group: Vec<Request>) {
    match insert_all(connection, &group) {
        Ok(accepted) => {
            for ((_, answer), accepted) in group.into_iter().zip(accepted) {
                let _ = answer.send(Ok(accepted));
            }
        }
        Err(error) => {
            for (_, answer) in group {
                let _ = answer.send(Err(error.to_string()));
            }
        }
    }
}

/// How many records of each request were new. On an error nothing is kept: the transaction rolls back.
fn insert_all(connection: &mut Connection, group: &[Request]) -> rusqlite::Result<Vec<usize>> {
    let received_at = unix_milliseconds();
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut accepted = Vec::with_capacity(group.len());
    {
        let mut insert = transaction.prepare_cached(columns::INSERT)?;
        for (batch, _) in group {
            let mut new = 0;
            for record in &batch.records {
                new += columns::insert(&mut insert, record, received_at)?;
            }
            accepted.push(new);
        }
    }
    transaction.commit()?;
    Ok(accepted)
}

/// Now, by this machine's clock; 0 before 1970.
fn unix_milliseconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}
