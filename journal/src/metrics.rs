//! What this crate measures: each metric is registered and described here, once.
#![allow(clippy::disallowed_macros, reason = "the one place of this crate where metrics are declared")]

use ::metrics::{Gauge, Histogram, Unit};

/// Handles, taken when a journal is opened: the recorder is installed before.
pub(crate) struct Metrics {
    /// From queueing an append to its acknowledgement.
    pub(crate) append_seconds: Histogram,
    /// Bytes taken and not yet acknowledged.
    pub(crate) pending_bytes: Gauge,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        const APPEND: &str = "referto_journal_append_duration_seconds";
        const PENDING: &str = "referto_journal_pending_bytes";
        ::metrics::describe_histogram!(
            APPEND,
            Unit::Seconds,
            "Time from queueing an append to its durable acknowledgement"
        );
        ::metrics::describe_gauge!(PENDING, Unit::Bytes, "Bytes taken by the journal and not yet acknowledged");
        Self { append_seconds: ::metrics::histogram!(APPEND), pending_bytes: ::metrics::gauge!(PENDING) }
    }
}
