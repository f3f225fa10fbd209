//! An upload's outcome, and waiting for it.

use std::sync::Arc;

use schemas::{Outcome, SubmissionId, time::to_the_millisecond, version::Reasons};
use serde_json::{Value, json};
use store::{Store, StoreError, SubmissionState};

/// The outcome of an upload: `{"state":"done","received":…,"new":…,…}`; `None` until every item is stored.
///
/// # Errors
/// The store's.
pub async fn outcome(store: &dyn Store, id: SubmissionId) -> Result<Option<Value>, StoreError> {
    Ok(store.submission(id).await?.filter(SubmissionState::is_done).map(|state| done(&state)))
}

/// Waits until the upload is done and gives its outcome. Cancel-safe; ends with `None` only where the store fails.
pub async fn wait_for_outcome(store: Arc<dyn Store>, id: SubmissionId) -> Option<Value> {
    let mut admitted = store.admitted();
    loop {
        admitted.mark_unchanged();
        match outcome(store.as_ref(), id).await {
            Ok(Some(value)) => return Some(value),
            Ok(None) => admitted.changed().await.ok()?,
            Err(error) => {
                tracing::debug!(error = &error as &dyn std::error::Error, "cannot wait for an outcome");
                return None;
            }
        }
    }
}

/// The counts of what is stored, under `state: done`.
pub(crate) fn done(state: &SubmissionState) -> Value {
    let facts = &state.submission;
    let count = |outcome| state.outcomes.iter().find(|(have, _)| *have == outcome).map_or(0, |(_, count)| *count);
    // A rejected upload may be stored in part: its door counted the whole.
    let refused = if facts.rejected { u64::from(facts.received) } else { count(Outcome::Refused) };
    json!({
        "submission": facts.id,
        "state": "done",
        "receivedAt": to_the_millisecond(facts.received_at),
        "received": facts.received,
        "accepted": facts.accepted,
        "new": count(Outcome::New),
        "corrected": count(Outcome::Corrected),
        "duplicate": count(Outcome::Duplicate),
        "retracted": count(Outcome::Retracted),
        "stale": count(Outcome::Stale),
        "refused": refused,
        "deadLetters": count(Outcome::DeadLetter),
        "held": state.held,
    })
}

/// Reasons as the contract lists them.
pub(crate) fn reasons(reasons: Reasons) -> Value {
    reasons.iter().map(|reason| reason.as_str()).collect::<Vec<_>>().into()
}
