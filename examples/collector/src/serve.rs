//! Accepts connections until a signal says stop, then lets what is under way finish.
//!
//! `axum::serve` would be shorter, but gives connections no timer: a client that never ends its headers, or never reads
//! its answer, would hold its connection for ever.

use std::{io, io::Write as _, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::State,
    http::{HeaderValue, header},
    middleware,
    response::Response,
};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    signal::unix::{Signal, SignalKind, signal},
    sync::{Semaphore, watch},
    time::{Instant, interval_at, timeout},
};
use tokio_io_timeout::TimeoutStream;

/// Time for a request's headers, and for which an idle connection is kept open for the next request while there are
/// places enough.
const HEADERS_DEADLINE: Duration = Duration::from_secs(15);

/// Open connections at once; more wait in the kernel's backlog. Well under the 1,024 open files which a
/// process usually may have, of which the database and the page's files need some.
const CONNECTIONS_MAX: usize = 768;

/// Free places below which connections are not kept for a next request: a quarter of all. Browsers keep theirs for
/// minutes, and 768 that have been answered would otherwise keep out the next one.
const PLACES_SHORT: usize = CONNECTIONS_MAX / 4;

/// How often a connection looks whether places are short. Longer than a request is on its way from a browser that has
/// just connected; and who comes when all places are taken by idle connections waits no longer than this.
const PLACES_LOOK: Duration = Duration::from_secs(1);

/// How long an answer may wait for its reader to take more of it. A phone at 3 kB/s does in half of that; one that
/// never reads would keep its place for ever.
const WRITE_DEADLINE: Duration = Duration::from_secs(20);

/// Memory a connection reads into, in bytes, and so the longest headers, for which it is plenty. A body comes through it
/// in pieces. hyper's own 400 KiB would be 300 MiB over all connections.
const BUFFER_MAX_BYTES: usize = 64 << 10;

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
    let routes = routes.layer(middleware::map_response_with_state(Arc::clone(&connections), keep_or_close));
    // Dropped at the stop, which each connection then sees.
    let (serving, stopped) = watch::channel(());
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &connections) => accepted,
            () = stop.received() => break,
        };
        let Some((stream, permit)) = accepted else { continue };
        let (routes, connections, stopped) = (routes.clone(), Arc::clone(&connections), stopped.clone());
        tokio::spawn(async move {
            serve_connection(stream, routes, &connections, stopped).await;
            drop(permit);
        });
    }

    drop(listener);
    drop(serving);
    // All places are free again when the last connection has ended.
    if timeout(DRAIN_DEADLINE, connections.acquire_many(CONNECTIONS_MAX as u32)).await.is_err() {
        eprintln!(
            "collector: gave up on requests not finished {} s after the stop",
            DRAIN_DEADLINE.as_secs()
        );
    }
    Ok(())
}

/// Serves one connection to its end. From the stop on, and at a look that finds places short, it is open for no
/// further request: one under way is finished, and where there is none the connection is closed.
async fn serve_connection(
    stream: TcpStream,
    routes: Router,
    connections: &Semaphore,
    mut stopped: watch::Receiver<()>,
) {
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(WRITE_DEADLINE));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS_DEADLINE)
        .max_buf_size(BUFFER_MAX_BYTES)
        .serve_connection(TokioIo::new(Box::pin(stream)), TowerToHyperService::new(routes));
    let mut connection = pin!(connection);
    let mut looks = interval_at(Instant::now() + PLACES_LOOK, PLACES_LOOK);
    // Broken and timed-out connections are their client's affair.
    loop {
        tokio::select! {
            // First, so that a request which has come is seen before the connection is called idle.
            biased;
            _ = connection.as_mut() => return,
            _ = stopped.changed() => break,
            _ = looks.tick() => if places_are_short(connections) { break },
        }
    }
    connection.as_mut().graceful_shutdown();
    let _ = connection.await;
}

/// Says `Connection: close` while places are short: a client that has its answer makes room for one that has not.
async fn keep_or_close(State(connections): State<Arc<Semaphore>>, mut response: Response) -> Response {
    if places_are_short(&connections) {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

fn places_are_short(connections: &Semaphore) -> bool {
    connections.available_permits() < PLACES_SHORT
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
