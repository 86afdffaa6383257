//! Accepts connections until a signal says stop, then lets what is under way finish.
//!
//! `axum::serve` would be shorter, but gives connections no timer: a client that never ends its headers would
//! hold its connection for ever.

use std::{io, io::Write as _, net::SocketAddr, sync::Arc, time::Duration};

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    signal::unix::{Signal, SignalKind, signal},
    sync::Semaphore,
    time::timeout,
};

/// Time for a request's headers, and for which an idle connection is kept open for the next request.
const HEADERS_DEADLINE: Duration = Duration::from_secs(15);

/// Open connections at once; more wait in the kernel's backlog. Well under the 1,024 open files which a
/// process usually may have, of which the database and the page's files need some.
const CONNECTIONS_MAX: usize = 768;

/// Pause after `accept` failed, which it does when open files have run out: trying again at once would spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Time for requests under way when the stop came: a body's deadline, and a moment to write it.
const DRAIN_DEADLINE: Duration = Duration::from_secs(12);

/// Listens, prints `listening on http://ADDR` once requests can come, and serves until SIGTERM or SIGINT.
///
/// Errors when the address cannot be had; never because of a single connection.
pub(crate) async fn serve(listen: SocketAddr, routes: Router) -> Result<(), String> {
    let cannot_listen = |error: io::Error| format!("--listen {listen}: {error}");
    // Before the line that says we are ready: whoever reads it may send the signal at once.
    let mut stop = StopSignals::install().map_err(|error| format!("cannot listen for signals: {error}"))?;
    let listener = TcpListener::bind(listen).await.map_err(cannot_listen)?;
    let address = listener.local_addr().map_err(cannot_listen)?;
    // A reader that has gone away is no reason not to serve.
    let _ = writeln!(io::stdout(), "listening on http://{address}");

    let connections = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let graceful = GracefulShutdown::new();
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &connections) => accepted,
            () = stop.received() => break,
        };
        let Some((stream, permit)) = accepted else { continue };
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADERS_DEADLINE)
            .serve_connection(TokioIo::new(stream), TowerToHyperService::new(routes.clone()));
        let watched = graceful.watch(connection);
        tokio::spawn(async move {
            // Broken and timed-out connections are their client's affair.
            let _ = watched.await;
            drop(permit);
        });
    }

    drop(listener);
    if timeout(DRAIN_DEADLINE, graceful.shutdown()).await.is_err() {
        eprintln!(
            "collector: gave up on requests not finished {} s after the stop",
            DRAIN_DEADLINE.as_secs()
        );
    }
    Ok(())
}

/// The next connection and its place among [`CONNECTIONS_MAX`]; `None` when there was none to be had.
async fn accept(
    listener: &TcpListener,
    connections: &Arc<Semaphore>,
) -> Option<(TcpStream, tokio::sync::OwnedSemaphorePermit)> {
    // First the place, then the connection: one that waits its turn waits in the kernel.
    let permit = Arc::clone(connections).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, _peer)) => {
            // Answers are small: sent at once instead of gathered.
            let _ = stream.set_nodelay(true);
            Some((stream, permit))
        }
        Err(_) => {
            tokio::time::sleep(ACCEPT_PAUSE).await;
            None
        }
    }
}

/// The two signals that end the collector.
struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
}

impl StopSignals {
    fn install() -> io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn received(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
