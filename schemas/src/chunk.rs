//! How an upload is cut for the journal, and what each piece says of itself.

use std::ops::Range;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    LabId, SubmissionId,
    format::{Charset, Format, Unit},
};

/// The size at which a chunk ends, at the next cut between units.
pub const TARGET_BYTES: usize = 256 << 10;

/// An upload of which nothing was acceptable is recorded with so many of its first bytes; its last unit may be cut.
pub const REJECTED_BYTES: usize = 64 << 10;

/// The name of the record's header that holds a [`ChunkHeader`].
pub const HEADER: &str = "chunk";

/// The header of a record of topic `uploads`, as JSON: with it and its bytes, admission decides as the door did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChunkHeader {
    /// The upload.
    pub submission: SubmissionId,
    /// This chunk's index, from 0.
    pub chunk: u32,
    /// How many chunks the upload has.
    pub chunks: u32,
    /// Index of the chunk's first item in the upload.
    pub first_item: u32,
    /// Line of the chunk's first byte in the upload, from 1.
    pub first_line: u32,
    /// The laboratory.
    pub lab: LabId,
    /// The format.
    pub format: Format,
    /// The request's charset, where it named one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub charset: Option<Charset>,
    /// When the upload was received.
    pub received_at: Timestamp,
    /// The laboratory's zone as it was.
    pub zone: String,
    /// Whether the laboratory was a sandbox.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub sandbox: bool,
    /// Items of the whole upload.
    pub received: u32,
    /// Of these, accepted at the door.
    pub accepted: u32,
    /// The items of this chunk that the door refused, as ranges of indices (first, one past the last).
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub refused: Vec<(u32, u32)>,
    /// True where nothing was acceptable: the record carries only the upload's first bytes, and no item is accepted.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub rejected: bool,
    /// The sender's name for the upload.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub control_id: Option<String>,
    /// The file's name, where the request gave one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub file_name: Option<String>,
    /// The request's Idempotency-Key.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub idempotency_key: Option<String>,
    /// W3C trace context.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub traceparent: Option<String>,
}

impl ChunkHeader {
    /// True where the door refused the item of this index.
    #[must_use]
    pub fn refuses(&self, item: u32) -> bool {
        self.rejected || self.refused.iter().any(|(first, end)| (*first..*end).contains(&item))
    }
}

/// Groups `units` into chunks of about `target` bytes: each range is of indices into `units`.
#[must_use]
pub fn cut(units: &[Unit], target: usize) -> Vec<Range<usize>> {
    let mut chunks = Vec::new();
    let (mut first, mut start) = (0, None);
    for (index, unit) in units.iter().enumerate() {
        let start_byte = *start.get_or_insert(unit.bytes.start);
        if unit.bytes.end.saturating_sub(start_byte) > target && index > first {
            chunks.push(first..index);
            first = index;
            start = Some(unit.bytes.start);
        }
    }
    if first < units.len() {
        chunks.push(first..units.len());
    }
    chunks
}

#[cfg(test)]
mod tests {
    use super::*;

    fn units(sizes: &[usize]) -> Vec<Unit> {
        let mut at = 0;
        sizes
            .iter()
            .map(|size| {
                let unit = Unit { bytes: at..at + size, line: 1 };
                at += size;
                unit
            })
            .collect()
    }

    #[test]
    fn a_chunk_ends_before_it_passes_the_target_and_no_unit_is_lost() {
        assert_eq!(cut(&units(&[4, 4, 4, 20, 1]), 10), vec![0..2, 2..3, 3..4, 4..5]);
        assert_eq!(cut(&units(&[4]), 10), vec![0..1]);
        assert!(cut(&[], 10).is_empty());
    }
}
