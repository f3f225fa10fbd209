//! What the handles and the writer thread both see: the room in the queue, the disk, and whether all is well.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicUsize, Ordering},
};

use super::{Options, disk::Disk};
use crate::{AppendError, Health, ReadError, metrics::Metrics};

/// Why the journal does not do what is asked.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unable {
    #[error("the journal was closed")]
    Closed,
    #[error("the journal was opened for reading only")]
    ReadOnly,
    #[error("too many commands wait for the journal")]
    Queue,
    #[error("the journal's disk has no room")]
    Disk,
    #[error("the journal failed and must be opened again: {0}")]
    Failed(String),
}

impl Unable {
    pub(super) fn append(self) -> AppendError {
        AppendError::Unavailable(Arc::new(self))
    }

    pub(super) fn read(self) -> ReadError {
        ReadError::Unavailable(Arc::new(self))
    }
}

pub(super) struct Shared {
    pub(super) disk: Disk,
    pub(super) metrics: Metrics,
    pending: AtomicUsize,
    queue_bytes: usize,
    failed: OnceLock<String>,
}

impl Shared {
    pub(super) fn new(options: &Options) -> Self {
        Self {
            disk: Disk::new(&options.path, options.disk_reserve_bytes),
            metrics: Metrics::new(),
            pending: AtomicUsize::new(0),
            queue_bytes: options.queue_bytes,
            failed: OnceLock::new(),
        }
    }

    /// Room for `bytes` in the queue; none once the queue is at its limit. An append larger than what is left of it
    /// still passes, else one larger than the queue would wait for ever.
    pub(super) fn take(self: &Arc<Self>, bytes: usize) -> Option<Pending> {
        self.pending
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |taken| {
                (taken < self.queue_bytes).then(|| taken.saturating_add(bytes))
            })
            .ok()?;
        self.metrics.pending_bytes.increment(bytes as f64);
        Some(Pending { bytes, shared: Arc::clone(self) })
    }

    pub(super) fn pending_bytes(&self) -> usize {
        self.pending.load(Ordering::Acquire)
    }

    /// From now on every append answers [`AppendError::Unavailable`]. The first reason stays.
    pub(super) fn fail(&self, reason: String) {
        if self.failed.set(reason).is_ok() {
            tracing::error!(reason = self.failed(), "the journal failed: it takes no more appends");
        }
    }

    pub(super) fn failed(&self) -> Option<&str> {
        self.failed.get().map(String::as_str)
    }

    pub(super) fn health(&self) -> Health {
        match self.failed() {
            Some(reason) => Health::Failed(reason.to_owned()),
            None if self.disk.room() == 0 => Health::Full,
            None => Health::Ready,
        }
    }
}

/// Bytes taken and not yet acknowledged; dropping it gives them back.
pub(super) struct Pending {
    pub(super) bytes: usize,
    shared: Arc<Shared>,
}

impl Drop for Pending {
    fn drop(&mut self) {
        self.shared.pending.fetch_sub(self.bytes, Ordering::AcqRel);
        self.shared.metrics.pending_bytes.decrement(self.bytes as f64);
    }
}
