//! A notification task: one version of one report that is due to be told.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Digest, LabId, report::Status};

/// The record of topic `notifications`, as JSON. Carries no person and no result: the notifier looks both up again
/// right before it sends. Readers drop repeats by [`Task::id`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Task {
    /// Keyed digest of identity, version and issue time: the same task emitted again has the same id.
    pub id: String,
    /// The laboratory.
    pub lab: LabId,
    /// The report's number.
    pub report_number: String,
    /// The test's code.
    pub test_code: String,
    /// The version that is due.
    pub version: Digest,
    /// The version's status, for readers that only count.
    pub status: Status,
    /// The version's issue time.
    pub issued_at: Timestamp,
    /// When the upload that carried it was received: a task expires by it.
    pub received_at: Timestamp,
    /// Trace of that upload.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub traceparent: Option<String>,
}
