//! The seam through which a door learns what became of an upload.

use std::time::Duration;

use futures_util::future::BoxFuture;
use schemas::{LabId, Position, SubmissionId};

/// What became of uploads, as far as this node can know.
pub trait Outcomes: Send + Sync {
    /// Waits until every item of the upload whose last chunk stands at `position` is stored, at most for `limit`.
    /// The answer is the object of `GET /v1/submissions/{id}`; none where time is up or this node cannot know.
    /// Dropping the future is safe.
    fn wait(
        &self,
        lab: LabId,
        submission: SubmissionId,
        position: Position,
        limit: Duration,
    ) -> BoxFuture<'_, Option<serde_json::Value>>;
}
