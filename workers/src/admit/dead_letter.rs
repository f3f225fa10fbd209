//! Dead letters: accepted at the door, and not storable. Only a record's own fault makes one.

use std::fmt::Write;

use bytes::Bytes;
use journal::{Record, Stored};
use schemas::{Fault, SubmissionId, chunk};

/// What was wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    /// The record's own header cannot be read: the whole record is the letter.
    HeaderUnreadable,
    /// What the door accepted is refused now.
    NotDecodable,
    /// A report of it is larger than the store takes.
    TooLarge,
    /// Decoding panicked.
    Panic,
}

impl Cause {
    fn as_str(self) -> &'static str {
        match self {
            Cause::HeaderUnreadable => "header-unreadable",
            Cause::NotDecodable => "not-decodable",
            Cause::TooLarge => "too-large",
            Cause::Panic => "panic",
        }
    }
}

/// Where in its upload a dead unit stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Of {
    pub(super) submission: SubmissionId,
    /// Index of its first item in the upload.
    pub(super) first_item: u32,
    /// How many of its items are dead.
    pub(super) items: usize,
}

/// The record of topic `dead-letters`: the bytes, with the position and the header of the record that carried them,
/// so that an operator can look at it and send it again. A repeat of a batch writes it again; `position` and `item`
/// name it.
pub(super) fn record(source: &Stored, bytes: Bytes, cause: Cause, of: Option<Of>, faults: &[Fault]) -> Record {
    let mut headers =
        vec![("cause", Bytes::from_static(cause.as_str().as_bytes())), ("position", text(&source.position))];
    if let Some(Of { submission, first_item, items }) = of {
        headers.extend([("submission", text(&submission)), ("item", text(&first_item)), ("items", text(&items))]);
    }
    if !faults.is_empty() {
        headers.push(("faults", codes(faults)));
    }
    if let Some(header) = source.header(chunk::HEADER) {
        headers.push((chunk::HEADER, header.clone()));
    }
    tracing::warn!(position = %source.position, cause = cause.as_str(), "dead letter");
    Record { key: source.key.clone(), headers, value: bytes, timestamp: source.timestamp }
}

fn text(value: &impl ToString) -> Bytes {
    value.to_string().into()
}

/// The faults' codes, each with its item; details stand with the stored items.
fn codes(faults: &[Fault]) -> Bytes {
    /// A message of thousands of faulty items must not make a header larger than itself.
    const MOST: usize = 20;
    let mut text = String::new();
    for fault in faults.iter().take(MOST) {
        let gap = if text.is_empty() { "" } else { " " };
        // Writing to a string cannot fail.
        let _ = match fault.item {
            Some(item) => write!(text, "{gap}{item}:{}", fault.code),
            None => write!(text, "{gap}{}", fault.code),
        };
    }
    text.into()
}
