//! Reads a request's body within bounds: of size, of time, and of memory over all requests together.

use std::{sync::Arc, time::Duration};

use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, StatusCode, header},
};
use http_body_util::BodyExt as _;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

use crate::refusal::Refusal;

/// Largest body, in bytes: 1 MiB, sixteen times the 64 KiB which browsers grant a page's exit.
pub(crate) const BODY_MAX_BYTES: usize = 1 << 20;

/// How much of a body that is too large is still read, and thrown away, so that its sender gets to read the 413:
/// one that is still sending sees only a broken connection. Beyond this the connection is closed on it.
const DISCARD_MAX_BYTES: usize = 8 * BODY_MAX_BYTES;

/// Time for one whole body. The client gives up on an attempt after ten seconds, so later is of no use.
const BODY_DEADLINE: Duration = Duration::from_secs(10);

/// Memory for the bodies of all requests together, in bytes; what is found in them counts as records. Counted as bytes
/// arrive, so a slow sender that has sent little holds little: a count of requests instead would let a few slow ones
/// lock out all others.
const ALL_BODIES_MAX_BYTES: usize = 64 << 20;

/// What a sender waits before it comes again when memory was short, in seconds: bodies come and go in milliseconds.
const RETRY_AFTER_SECONDS: u32 = 1;

/// The memory for bodies, shared by all requests.
pub(crate) struct BodyBudget {
    bytes: Arc<Semaphore>,
}

/// A whole body. Its bytes count against the budget until it is dropped.
#[derive(Debug)]
pub(crate) struct BudgetedBody {
    pub(crate) bytes: Vec<u8>,
    _permit: Option<OwnedSemaphorePermit>,
}

impl BodyBudget {
    pub(crate) fn new() -> Self {
        Self { bytes: Arc::new(Semaphore::new(ALL_BODIES_MAX_BYTES)) }
    }

    /// Reads the body to its end.
    ///
    /// Refusals: 413 above [`BODY_MAX_BYTES`], 408 after [`BODY_DEADLINE`], 503 when the budget is used up,
    /// 400 when the connection breaks (which nobody will read).
    pub(crate) async fn read(&self, headers: &HeaderMap, body: Body) -> Result<BudgetedBody, Refusal> {
        timeout(BODY_DEADLINE, self.read_frames(headers, body)).await.unwrap_or_else(|_elapsed| {
            Err(Refusal::new(
                StatusCode::REQUEST_TIMEOUT,
                format!("expected the whole body within {} s", BODY_DEADLINE.as_secs()),
            ))
        })
    }

    async fn read_frames(&self, headers: &HeaderMap, mut body: Body) -> Result<BudgetedBody, Refusal> {
        if announced_length(headers) > DISCARD_MAX_BYTES {
            return Err(too_large());
        }
        let mut whole = BudgetedBody { bytes: Vec::new(), _permit: None };
        while let Some(chunk) = next_chunk(&mut body).await? {
            if whole.bytes.len() + chunk.len() > BODY_MAX_BYTES {
                let read = whole.bytes.len() + chunk.len();
                drop(whole);
                return Err(discard(body, read).await);
            }
            // At most BODY_MAX_BYTES, so it fits a u32.
            let permit = Arc::clone(&self.bytes)
                .try_acquire_many_owned(chunk.len() as u32)
                .map_err(|_| Refusal::busy(RETRY_AFTER_SECONDS, "too many bodies at once"))?;
            match &mut whole._permit {
                Some(all) => all.merge(permit),
                none => *none = Some(permit),
            }
            whole.bytes.extend_from_slice(&chunk);
        }
        Ok(whole)
    }
}

/// What Content-Length says; 0 where it says nothing.
fn announced_length(headers: &HeaderMap) -> usize {
    headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.parse().ok())
        .unwrap_or(0)
}

/// The next bytes, `None` at the end. Trailers are passed over.
async fn next_chunk(body: &mut Body) -> Result<Option<Bytes>, Refusal> {
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| Refusal::bad_request(format!("the body broke off: {error}")))?;
        if let Ok(data) = frame.into_data() {
            return Ok(Some(data));
        }
    }
    Ok(None)
}

/// Reads on without keeping anything, then says that it was too much.
async fn discard(mut body: Body, mut read: usize) -> Refusal {
    while read <= DISCARD_MAX_BYTES {
        match next_chunk(&mut body).await {
            Ok(Some(chunk)) => read += chunk.len(),
            Ok(None) | Err(_) => break,
        }
    }
    too_large()
}

fn too_large() -> Refusal {
    Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, format!("expected a body of at most {BODY_MAX_BYTES} bytes"))
}
