//! A batch's records between its body and the disk, within bounds of memory over all requests together.

use std::{sync::Arc, time::Duration};

use langflow_telemetry::event::Record;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

use crate::{refusal::Refusal, validate::LINE_MAX_BYTES};

/// Memory for the records of all requests together, in bytes: those of two dozen of the largest bodies, or of a
/// thousand batches as a page sends them.
const ALL_RECORDS_MAX_BYTES: usize = 128 << 20;

/// Memory that records take at most, in bytes a byte of their body. The shortest event costs most: its line has 93
/// bytes, and of its record's some 330 bytes only two strings were in it.
const RECORD_BYTES_PER_BODY_BYTE: usize = 5;

/// Memory that checking a line takes at most, in bytes a byte of the line: `[0,0,…` costs most, 32 bytes for each two,
/// three times over while its list grows. The rest is for the reason, which may quote it.
const CHECK_BYTES_PER_LINE_BYTE: usize = 64;

/// How long a batch waits for its turn, with its body in memory, before its sender is told to come again. With the wait
/// for a place in the writer's queue it stays within the ten seconds that the client gives an attempt.
const TURN_DEADLINE: Duration = Duration::from_secs(2);

/// What a sender waits before it comes again when its turn did not come, in seconds: then the disk is slow.
const RETRY_AFTER_SECONDS: u32 = 5;

/// The memory for records, shared by all requests.
pub(crate) struct RecordBudget {
    bytes: Arc<Semaphore>,
}

/// Memory to check a body and keep its records. Counts against the budget until it is dropped.
pub(crate) struct Reserved {
    permit: OwnedSemaphorePermit,
    for_checking: usize,
}

/// A batch's records. They count against the budget until they are dropped, whoever has them then: its sender may
/// be gone long before the writing thread has come to them.
pub(crate) struct Batch {
    pub(crate) records: Vec<Record>,
    _permit: OwnedSemaphorePermit,
}

impl RecordBudget {
    pub(crate) fn new() -> Self {
        Self { bytes: Arc::new(Semaphore::new(ALL_RECORDS_MAX_BYTES)) }
    }

    /// Waits for the memory that a body of this many bytes may take while it is checked and written.
    ///
    /// Refuses with 503 after [`TURN_DEADLINE`].
    pub(crate) async fn reserve(&self, body_bytes: usize) -> Result<Reserved, Refusal> {
        let for_checking = CHECK_BYTES_PER_LINE_BYTE * body_bytes.min(LINE_MAX_BYTES);
        let bytes = for_checking + RECORD_BYTES_PER_BODY_BYTE * body_bytes;
        // At most 6 MiB, since the body is at most 1: fits a u32.
        let turn = Arc::clone(&self.bytes).acquire_many_owned(bytes as u32);
        match timeout(TURN_DEADLINE, turn).await {
            Ok(Ok(permit)) => Ok(Reserved { permit, for_checking }),
            _ => Err(Refusal::busy(RETRY_AFTER_SECONDS, "too many batches are waiting to be written")),
        }
    }
}

impl Reserved {
    /// The records that were found. What checking took is free again.
    pub(crate) fn hold(mut self, mut records: Vec<Record>) -> Batch {
        // It grew by doubling.
        records.shrink_to_fit();
        drop(self.permit.split(self.for_checking));
        Batch { records, _permit: self.permit }
    }
}
