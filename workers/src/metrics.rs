//! What the workers tell of themselves. Every metric is declared here, once.
#![allow(clippy::disallowed_macros, reason = "this is the file the ban points to")]

use std::time::Duration;

use jiff::Timestamp;
use metrics::Unit;
use schemas::Outcome;

const ITEMS: &str = "referto_items_total";
const RECEIVED_TO_STORED: &str = "referto_received_to_stored_duration_seconds";
const STORED_TO_EMITTED: &str = "referto_stored_to_emitted_duration_seconds";
const TASKS: &str = "referto_tasks_total";
const DEAD_LETTERS: &str = "referto_dead_letters";
const DEAD_LETTERS_OLDEST: &str = "referto_dead_letters_oldest_timestamp_seconds";

/// Registers names and helps with the recorder in place.
pub fn describe() {
    metrics::describe_counter!(ITEMS, "Items that admission stored, by outcome.");
    metrics::describe_histogram!(
        RECEIVED_TO_STORED,
        Unit::Seconds,
        "Time from an upload's receipt to the commit of its items, an observation an item."
    );
    metrics::describe_histogram!(
        STORED_TO_EMITTED,
        Unit::Seconds,
        "Time from the commit of a version to the journal's acknowledgement of its task."
    );
    metrics::describe_counter!(TASKS, "Notification tasks that the journal acknowledged, by kind.");
    // Before the first task, too: a rate needs a beginning.
    metrics::counter!(TASKS, "kind" => "due").increment(0);
    metrics::describe_gauge!(DEAD_LETTERS, "Dead letters that the journal keeps.");
    metrics::describe_gauge!(
        DEAD_LETTERS_OLDEST,
        Unit::Seconds,
        "When the oldest dead letter that the journal keeps was received, in Unix time; 0 where there is none."
    );
}

/// Counts stored items.
pub(crate) fn items(outcome: Outcome, count: u64) {
    if count > 0 {
        metrics::counter!(ITEMS, "outcome" => outcome.as_str()).increment(count);
    }
}

/// Observes the items of one record.
pub(crate) fn stored(received_at: Timestamp, now: Timestamp, items: usize) {
    let seconds = now.duration_since(received_at).as_secs_f64().max(0.0);
    metrics::histogram!(RECEIVED_TO_STORED).record_many(seconds, items);
}

/// Counts and observes acknowledged tasks. The one kind so far is `due`.
pub(crate) fn emitted(tasks: usize, since_stored: Duration) {
    if tasks > 0 {
        metrics::counter!(TASKS, "kind" => "due").increment(tasks as u64);
        metrics::histogram!(STORED_TO_EMITTED).record_many(since_stored.as_secs_f64(), tasks);
    }
}

/// Shows how many dead letters are kept, and since when.
pub(crate) fn dead_letters(count: u64, oldest: Option<Timestamp>) {
    metrics::gauge!(DEAD_LETTERS).set(count as f64);
    metrics::gauge!(DEAD_LETTERS_OLDEST).set(oldest.map_or(0.0, |at| at.as_millisecond() as f64 / 1000.0));
}
