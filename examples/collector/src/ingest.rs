//! `POST /v1/events`: a batch of NDJSON in, a count of what became of its lines out.

use std::sync::Arc;

use axum::{
    Json,
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode, header},
};
use mime::Mime;
use serde::Serialize;

use crate::{
    Collector,
    body::BudgetedBody,
    records::{Batch, Reserved},
    refusal::Refusal,
    validate::Validators,
};

/// Most bad lines an answer describes; the rest are only counted. Enough to see a pattern, and with reasons of 200
/// characters the answer stays within the 4 KiB of one which the client reads, unless they are far from ASCII.
const DESCRIBED_ERRORS_MAX: usize = 10;

/// The answer: what became of the lines. `accepted + duplicate + rejected` is the number of lines that were
/// not blank. The counts stand first, where the client finds them however long the reasons are.
#[derive(Debug, Serialize)]
pub(crate) struct Answer {
    /// Lines that became rows.
    accepted: usize,
    /// Lines whose key had a row already, or an earlier line in this batch.
    duplicate: usize,
    /// Lines that are no event.
    rejected: usize,
    /// The first of those.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<LineError>,
}

#[derive(Debug, Serialize)]
struct LineError {
    /// Counted from 1, blank lines included, as an editor counts.
    line: usize,
    reason: String,
}

/// Takes a batch. Answers 200 once every accepted row is on the disk.
pub(crate) async fn post_events(
    State(collector): State<Arc<Collector>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Answer>, Refusal> {
    require_ndjson(&headers)?;
    let body = collector.bodies.read(&headers, body).await?;

    let reserved = collector.records.reserve(body.bytes.len()).await?;

    let parsing = Arc::clone(&collector);
    // Off the threads that serve connections: a full MiB takes tens of milliseconds.
    let Parsed { batch, rejected, errors } =
        tokio::task::spawn_blocking(move || parse(&parsing.validators, body, reserved))
            .await
            .map_err(|_| Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "the batch could not be read"))??;

    let lines = batch.records.len();
    let accepted = if lines == 0 { 0 } else { collector.store.insert(batch).await? };
    Ok(Json(Answer { accepted, duplicate: lines - accepted, rejected, errors }))
}

/// 415 for anything but NDJSON in UTF-8, uncompressed.
fn require_ndjson(headers: &HeaderMap) -> Result<(), Refusal> {
    let unsupported = |what: &str| {
        Refusal::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            format!("{what}, expected text/plain or application/x-ndjson in UTF-8, uncompressed"),
        )
    };
    let given = |name| headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()));

    if let Some(encoding) = given(header::CONTENT_ENCODING)
        && !encoding.eq_ignore_ascii_case("identity")
    {
        return Err(unsupported(&format!("given Content-Encoding {encoding:?}")));
    }
    let content_type = given(header::CONTENT_TYPE).ok_or_else(|| unsupported("given no Content-Type"))?;
    let fits = content_type.parse::<Mime>().is_ok_and(|mime| {
        matches!(mime.essence_str(), "text/plain" | "application/x-ndjson")
            && mime.get_param(mime::CHARSET).is_none_or(|charset| charset == mime::UTF_8)
    });
    if fits { Ok(()) } else { Err(unsupported(&format!("given Content-Type {content_type:?}"))) }
}

/// A batch, line by line.
struct Parsed {
    batch: Batch,
    rejected: usize,
    errors: Vec<LineError>,
}

/// Takes the body, so that it is gone once its records are there, and what pays for both: a client that hangs up
/// drops the handler, but not this, which runs to its end.
fn parse(validators: &Validators, body: BudgetedBody, reserved: Reserved) -> Result<Parsed, Refusal> {
    let text = str::from_utf8(&body.bytes).map_err(|error| {
        Refusal::bad_request(format!("expected UTF-8, given other bytes at offset {}", error.valid_up_to()))
    })?;
    let (mut records, mut rejected, mut errors) = (Vec::new(), 0, Vec::new());
    for (index, line) in text.split('\n').enumerate() {
        let line = line.trim_ascii();
        if line.is_empty() {
            continue;
        }
        match validators.record(line) {
            Ok(record) => records.push(record),
            Err(reason) => {
                rejected += 1;
                if errors.len() < DESCRIBED_ERRORS_MAX {
                    errors.push(LineError { line: index + 1, reason });
                }
            }
        }
    }
    Ok(Parsed { batch: reserved.hold(records), rejected, errors })
}
