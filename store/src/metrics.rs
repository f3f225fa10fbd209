//! What the store tells of itself. Every metric is declared here, once.
#![allow(clippy::disallowed_macros, reason = "this is the file the ban points to")]

use std::time::Instant;

use crate::StoreError;

/// Time from the call to the answer, queueing included, by operation of the trait.
const DURATION: &str = "referto_store_operation_duration_seconds";
/// Answers that were errors, by operation and kind (`unavailable`, `failed`, `bad-cursor`).
const ERRORS: &str = "referto_store_errors_total";

/// Registers names and helps with the recorder in place.
pub(crate) fn describe() {
    metrics::describe_histogram!(
        DURATION,
        metrics::Unit::Seconds,
        "Time from a call of the store to its answer, queueing included, by operation."
    );
    metrics::describe_counter!(
        ERRORS,
        "Answers of the store that were errors, by operation and kind (unavailable, failed, bad-cursor)."
    );
}

/// Counts one answer.
pub(crate) fn observe<T>(operation: &'static str, started: Instant, answer: &Result<T, StoreError>) {
    metrics::histogram!(DURATION, "operation" => operation).record(started.elapsed().as_secs_f64());
    if let Err(error) = answer {
        let kind = match error {
            StoreError::Unavailable(_) => "unavailable",
            StoreError::Failed(_) => "failed",
            StoreError::BadCursor => "bad-cursor",
        };
        metrics::counter!(ERRORS, "operation" => operation, "kind" => kind).increment(1);
    }
}
