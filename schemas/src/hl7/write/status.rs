//! Statuses as codes: OBR-25 (v2.5.1 table 0123) and OBX-11 (table 0085), the reverse of how they are read.

use crate::report::{Report, Status};

/// OBR-25.
///
/// The table has nothing for a report that should never have been sent: `X` says that there is no result, and OBX-11
/// the rest.
pub(super) fn of_report(report: &Report<'_>) -> &'static str {
    match report.status {
        Status::Registered if report.specimen.as_ref().is_some_and(|sample| sample.received_at.is_some()) => "I",
        Status::Registered => "O",
        Status::Preliminary => "P",
        Status::Final => "F",
        Status::Corrected => "C",
        Status::Cancelled | Status::EnteredInError => "X",
    }
}

/// OBX-11.
pub(super) fn of_observation(status: Status) -> &'static str {
    match status {
        Status::Registered => "I",
        Status::Preliminary => "P",
        Status::Final => "F",
        Status::Corrected => "C",
        Status::Cancelled => "X",
        Status::EnteredInError => "W",
    }
}
