//! Which condition of table 0357 (v2.5.1 §2.15.5.3, message error condition codes) each fault is.

/// A row of table 0357.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Condition {
    /// 100: segments in an order that the message does not have, or one that must be there is not.
    SegmentSequence,
    /// 101: a field that must be there is not.
    RequiredFieldMissing,
    /// 102: a field is not what its type says.
    DataType,
    /// 103: a code is not in its table.
    TableValueNotFound,
    /// 200: the type of message is not read.
    UnsupportedMessageType,
    /// 201: the type is read, with another event.
    UnsupportedEvent,
    /// 202: MSH-11.
    UnsupportedProcessingId,
    /// 203: MSH-12.
    UnsupportedVersion,
    /// 205: an identifier that was used before.
    DuplicateKey,
    /// 207: whatever has no row of its own.
    Internal,
}

impl Condition {
    /// Code and text, as the table has them.
    pub(super) fn row(self) -> (&'static str, &'static str) {
        match self {
            Condition::SegmentSequence => ("100", "Segment sequence error"),
            Condition::RequiredFieldMissing => ("101", "Required field missing"),
            Condition::DataType => ("102", "Data type error"),
            Condition::TableValueNotFound => ("103", "Table value not found"),
            Condition::UnsupportedMessageType => ("200", "Unsupported message type"),
            Condition::UnsupportedEvent => ("201", "Unsupported event code"),
            Condition::UnsupportedProcessingId => ("202", "Unsupported processing id"),
            Condition::UnsupportedVersion => ("203", "Unsupported version id"),
            Condition::DuplicateKey => ("205", "Duplicate key identifier"),
            Condition::Internal => ("207", "Application internal error"),
        }
    }

    /// True for what rejects (AR, CR): the message is of a kind that is not processed at all (§2.9.2.2).
    pub(super) fn rejects(self) -> bool {
        matches!(
            self,
            Condition::UnsupportedMessageType
                | Condition::UnsupportedEvent
                | Condition::UnsupportedProcessingId
                | Condition::UnsupportedVersion
        )
    }
}

/// The condition that a fault is; `is_oru` where MSH-9 names ORU, of which only the event can be another.
pub(super) fn condition(code: &str, is_oru: bool) -> Condition {
    match rows().find(|(known, _)| *known == code) {
        Some((_, Condition::UnsupportedMessageType)) if is_oru => Condition::UnsupportedEvent,
        Some((_, condition)) => condition,
        None => Condition::Internal,
    }
}

fn rows() -> impl Iterator<Item = (&'static str, Condition)> {
    TABLE.iter().flat_map(|(condition, codes)| codes.iter().map(|code| (*code, *condition)))
}

/// Every fault that a message may have, by what it is.
const TABLE: &[(Condition, &[&str])] = &[
    // What came is no message or not the whole of one; a segment is missing, or stands where the message has none.
    (
        Condition::SegmentSequence,
        &[
            "batch-total-mismatch",
            "batch-trailer-missing",
            "body-empty",
            "continuation-unsupported",
            "file-total-mismatch",
            "hl7-no-message",
            "message-truncated",
            "note-unexpected",
            "order-incomplete",
            "order-missing",
            "patient-missing",
            "result-after-specimen",
            "segment-merged",
            "segment-misnamed",
            "segment-outside-message",
            "segment-unexpected",
            "segment-unknown",
            "segment-unreadable",
            "segments-too-many",
        ],
    ),
    // A field of the segment is empty and must not be.
    (
        Condition::RequiredFieldMissing,
        &[
            "control-id-missing",
            "fiscal-code-missing",
            "observation-code-missing",
            "observation-status-missing",
            "observation-status-shifted",
            "patient-name-missing",
            "processing-id-missing",
            "report-number-missing",
            "result-missing",
            "separators-missing",
            "test-code-missing",
            "version-missing",
        ],
    ),
    // Characters that are not those of the message's charset; delimiters that are no signs.
    (Condition::DataType, &["charset-assumed", "charset-mismatch", "message-nul", "separators-invalid"]),
    // Times that are none, or cannot be: DTM that is not what it says.
    (
        Condition::DataType,
        &[
            "birth-date-future",
            "birth-date-invalid",
            "collected-after-issue",
            "collected-after-receipt",
            "collected-at-ambiguous",
            "collected-at-implausible",
            "collected-at-invalid",
            "collected-at-nonexistent",
            "issued-at-ambiguous",
            "issued-at-future",
            "issued-at-implausible",
            "issued-at-invalid",
            "issued-at-nonexistent",
            "received-at-ambiguous",
            "received-at-invalid",
            "received-at-nonexistent",
            "requested-at-ambiguous",
            "requested-at-invalid",
            "requested-at-nonexistent",
        ],
    ),
    // Identifiers and data that are not of the form that their kind has, or contradict what stands beside them.
    (
        Condition::DataType,
        &[
            "attachment-invalid",
            "fiscal-code-birth-date-mismatch",
            "fiscal-code-conflict",
            "fiscal-code-invalid",
            "fiscal-code-name-mismatch",
            "fiscal-code-sex-mismatch",
            "phone-invalid",
            "report-number-invalid",
            "report-number-too-long",
            "test-code-invalid",
            "test-code-too-long",
        ],
    ),
    // A code that is in no table: charsets (0211), sexes (0001), statuses (0085, 0123), types (0125), facilities (0362),
    // places, answers.
    (
        Condition::TableValueNotFound,
        &[
            "charset-unsupported",
            "facility-not-listed",
            "fiscal-code-place-unknown",
            "result-unknown",
            "sex-unknown",
            "status-invalid",
            "value-type-unknown",
        ],
    ),
    // MSH-9, of which `condition` tells type and event apart.
    (Condition::UnsupportedMessageType, &["message-type-unsupported"]),
    // MSH-11 is none of P, T and D: whether the message is for real is not known, so nothing of it is processed.
    (Condition::UnsupportedProcessingId, &["processing-id-invalid"]),
    (Condition::UnsupportedVersion, &["version-unsupported"]),
    // A number that stands for two things, in the message or before it.
    (Condition::DuplicateKey, &["control-id-reused", "report-number-repeated", "report-person-replaced"]),
];

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, path::Path};

    use super::*;

    /// What is written like the code of a fault and is none.
    const OTHERS: [&str; 5] = ["kebab-case", "utf-8", "iso-8859-1", "iso-8859-15", "end-of-isolation"];

    /// Faults that other crates add to a message's.
    const FROM_OUTSIDE: [&str; 1] = ["control-id-reused"];

    fn sources(folder: &Path, found: &mut Vec<String>) {
        for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() && entry.file_name().is_some_and(|name| name != "write") {
                sources(&entry, found);
            } else if entry.is_file() {
                found.push(fs::read_to_string(entry).unwrap());
            }
        }
    }

    /// Texts in quotes of the form `<field>-<problem>`, in the code and not in its tests.
    fn codes(source: &str) -> impl Iterator<Item = &str> {
        let code = source.split("#[cfg(test)]").next().unwrap();
        code.split('"').filter(|text| {
            text.contains('-')
                && text.starts_with(|first: char| first.is_ascii_lowercase())
                && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
        })
    }

    #[test]
    fn each_fault_of_a_message_has_one_row() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut read = ["check.rs", "format.rs"].map(|name| fs::read_to_string(folder.join(name)).unwrap()).to_vec();
        sources(&folder.join("hl7"), &mut read);
        let raised: BTreeSet<_> = read.iter().flat_map(|source| codes(source)).chain(FROM_OUTSIDE).collect();
        let raised: BTreeSet<_> = raised.into_iter().filter(|code| !OTHERS.contains(code)).collect();
        let listed: Vec<_> = rows().map(|(code, _)| code).collect();
        let table: BTreeSet<_> = listed.iter().copied().collect();
        assert_eq!(raised.difference(&table).collect::<Vec<_>>(), Vec::<&&str>::new(), "without a row");
        assert_eq!(table.difference(&raised).collect::<Vec<_>>(), Vec::<&&str>::new(), "raised nowhere");
        assert_eq!(listed.len(), raised.len(), "a code stands twice");
        assert!(raised.len() > 60, "the sources were not read");
    }

    #[test]
    fn another_event_is_told_from_another_type() {
        assert_eq!(condition("message-type-unsupported", true).row().0, "201");
        assert_eq!(condition("message-type-unsupported", false).row().0, "200");
        assert_eq!(condition("no-such-code", true), Condition::Internal);
    }
}
