//! The room in a journal's queue: how many bytes may be taken and not yet acknowledged.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

use crate::metrics::Metrics;

pub(crate) struct Room {
    taken: AtomicUsize,
    limit: usize,
    metrics: Metrics,
}

/// Bytes taken and not yet acknowledged; dropping it gives them back.
pub(crate) struct Pending {
    bytes: usize,
    since: Instant,
    room: Arc<Room>,
}

impl Room {
    pub(crate) fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self { taken: AtomicUsize::new(0), limit, metrics: Metrics::new() })
    }

    /// Room for `bytes`; none once the limit is reached. An append larger than what is left of it still passes, else
    /// one larger than the limit would wait for ever.
    pub(crate) fn take(self: &Arc<Self>, bytes: usize) -> Option<Pending> {
        self.taken
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |taken| {
                (taken < self.limit).then(|| taken.saturating_add(bytes))
            })
            .ok()?;
        self.metrics.pending_bytes.increment(bytes as f64);
        Some(Pending { bytes, since: Instant::now(), room: Arc::clone(self) })
    }

    /// What is taken now.
    pub(crate) fn pending_bytes(&self) -> usize {
        self.taken.load(Ordering::Acquire)
    }
}

impl Pending {
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// All of it is durable.
    pub(crate) fn acknowledged(&self) {
        self.room.metrics.append_seconds.record(self.since.elapsed());
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        self.room.taken.fetch_sub(self.bytes, Ordering::AcqRel);
        self.room.metrics.pending_bytes.decrement(self.bytes as f64);
    }
}
