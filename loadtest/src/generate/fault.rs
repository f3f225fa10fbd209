//! What is wrong with the items that must be refused.

use schemas::format::Format;

use crate::rng::Rng;

/// One thing that refuses an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wrong {
    /// No report number anywhere.
    Number,
    /// No test code.
    Test,
    /// An issue time that is no time.
    IssueTime,
    /// Collected days after it is received.
    Collected,
    /// Neither a result nor an observation.
    Result,
    /// Neither a name nor a code.
    Person,
    /// A status that is none.
    Status,
    /// A line that ends in the middle.
    CutLine,
    /// A version of HL7 that is none of those read.
    Version,
    /// Totals of the batch envelope that do not match: all its messages are refused.
    Totals,
}

impl Wrong {
    /// One that can happen to an item of that format.
    pub(crate) fn pick(rng: &mut Rng, format: Format) -> Self {
        const ANY: [Wrong; 7] = [
            Wrong::Number,
            Wrong::Test,
            Wrong::IssueTime,
            Wrong::Collected,
            Wrong::Result,
            Wrong::Person,
            Wrong::Status,
        ];
        *match format {
            Format::Ndjson if rng.per_mille(200) => &Wrong::CutLine,
            Format::Hl7 if rng.per_mille(100) => &Wrong::Version,
            Format::Json | Format::Ndjson | Format::Hl7 => rng.pick(&ANY),
        }
    }

    /// The code of the fault that must be among those shown.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Wrong::Number => "report-number-missing",
            Wrong::Test => "test-code-missing",
            Wrong::IssueTime => "issued-at-invalid",
            Wrong::Collected => "collected-after-receipt",
            Wrong::Result => "result-missing",
            Wrong::Person => "patient-missing",
            Wrong::Status => "status-invalid",
            Wrong::CutLine => "json-invalid",
            Wrong::Version => "version-unsupported",
            Wrong::Totals => "batch-total-mismatch",
        }
    }

    /// True where a message is rejected for what it is, not for what it says (v2.5.1 §2.9.2.2): AR in place of AE.
    pub(crate) fn rejects_message(self) -> bool {
        matches!(self, Wrong::Version)
    }

    /// True where the report can still be asked for by its number, and must not be there.
    pub(crate) fn keeps_number(self) -> bool {
        !matches!(self, Wrong::Number)
    }
}
