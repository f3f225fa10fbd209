//! The journal's acknowledgement: nothing is answered with success without it.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use hyper::StatusCode;
use journal::{AppendError, Journal, Position, Record, Topic};

use crate::problem::Refusal;

/// Appends uploads, and says in the log when the journal stops or begins to take them.
pub(super) struct Appender {
    journal: Arc<dyn Journal>,
    failing: AtomicBool,
}

impl Appender {
    pub(super) fn new(journal: Arc<dyn Journal>) -> Self {
        Self { journal, failing: AtomicBool::new(false) }
    }

    /// Appends an upload's chunks; returns where the last one stands once all are durable. 503 where any is not: the
    /// same bytes again complete it.
    pub(super) async fn append(&self, records: Vec<Record>) -> Result<Position, Refusal> {
        let expected = records.len();
        let results = self.journal.append(Topic::Uploads, records).await;
        let mut last = None;
        let (mut full, mut unavailable) = (0, None);
        for result in &results {
            match result {
                Ok(position) => last = Some(*position),
                Err(AppendError::Full) => full += 1,
                Err(AppendError::Unavailable(cause)) => unavailable = Some(cause),
            }
        }
        let complete = results.len() == expected && full == 0 && unavailable.is_none();
        if let (true, Some(position)) = (complete, last) {
            if self.failing.swap(false, Ordering::Relaxed) {
                tracing::info!("the journal takes uploads again");
            }
            return Ok(position);
        }
        if !self.failing.swap(true, Ordering::Relaxed) {
            let cause = unavailable.map(|cause| &**cause as &dyn std::error::Error);
            tracing::warn!(full, cause, "the journal does not take uploads: they are answered 503");
        }
        Err(if full == results.len() && full > 0 {
            let detail = "there is no room to take this in; nothing of it was stored, send the same again later";
            Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "journal-full", detail).retry_after(30)
        } else {
            let detail = "it is not known whether this was stored; send the same again, it will not count twice";
            Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "journal-unavailable", detail).retry_after(5)
        })
    }
}
