//! Statuses: OBR-25 (v2.5.1 §4.5.3.25, table 0123) and OBX-11 (§7.4.2.11, table 0085).

use crate::report::Status;

/// OBR-25 (table 0123), `A` (some results available) as partial, `M` (corrected, not final) and `N` (results pending) of
/// later versions; none for what answers a query and reports nothing: `Y` and `Z`.
pub(super) fn of_report(code: &str) -> Option<Status> {
    Some(match letter(code)? {
        b'O' | b'I' | b'S' | b'N' => Status::Registered,
        b'A' | b'P' | b'R' | b'M' => Status::Preliminary,
        b'F' => Status::Final,
        b'C' => Status::Corrected,
        b'X' => Status::Cancelled,
        _ => return None,
    })
}

/// OBX-11 (table 0085); none for what the table does not have.
///
/// `U` is final without the results being sent again, `V` (v2.8) final and looked at again; `R` (entered, not verified)
/// and `S` (partial) tell nobody; `A` (v2.8, amended) and `B` (v2.8, appended) change a final one.
pub(super) fn of_observation(code: &str) -> Option<Status> {
    Some(match letter(code)? {
        b'I' => Status::Registered,
        b'P' | b'R' | b'S' => Status::Preliminary,
        b'F' | b'U' | b'V' => Status::Final,
        b'C' | b'A' | b'B' => Status::Corrected,
        b'X' => Status::Cancelled,
        b'D' | b'W' => Status::EnteredInError,
        _ => return None,
    })
}

/// OBX-11 of what was never measured: `N` not asked, `O` order detail.
pub(super) fn is_ask_at_order(code: &str) -> bool {
    matches!(letter(code), Some(b'N' | b'O'))
}

/// The one letter of a status; in small letters it is no other.
fn letter(code: &str) -> Option<u8> {
    if let [letter] = code.as_bytes() { Some(letter.to_ascii_uppercase()) } else { None }
}

/// The status of an order group: what OBR-25 says, and what the statuses of its result observations make of it.
///
/// All posted as wrong or deleted: entered in error. All not obtainable: cancelled. A final with anything that is not
/// yet final is preliminary, for nothing that is not final tells anyone; with a correction it is corrected. Without
/// OBR-25 the observations decide, and final is the default.
pub(super) fn of_group(report: Option<Status>, observations: &[Status]) -> Status {
    let all = |status| !observations.is_empty() && observations.iter().all(|other| *other == status);
    let any = |status| observations.contains(&status);
    if all(Status::EnteredInError) {
        return Status::EnteredInError;
    }
    if all(Status::Cancelled) {
        return Status::Cancelled;
    }
    match report {
        Some(Status::Final | Status::Corrected) if observations.iter().any(|status| status.is_not_yet_final()) => {
            Status::Preliminary
        }
        Some(Status::Final) if any(Status::Corrected) => Status::Corrected,
        Some(status) => status,
        None if all(Status::Registered) => Status::Registered,
        None if observations.iter().any(|status| status.is_not_yet_final()) => Status::Preliminary,
        None if any(Status::Corrected) => Status::Corrected,
        None => Status::Final,
    }
}

/// The status of one report from two order groups: the one that is less far, for both are the report. A retraction of
/// one alone retracts nothing but its own observations.
pub(super) fn of_both(one: Status, other: Status) -> Status {
    const FIRST_WINS: [Status; 6] = [
        Status::Registered,
        Status::Preliminary,
        Status::Corrected,
        Status::Final,
        Status::EnteredInError,
        Status::Cancelled,
    ];
    match (one, other) {
        (Status::Registered, Status::Registered) => Status::Registered,
        // Something was measured, not all of it.
        (Status::Registered, _) | (_, Status::Registered) => Status::Preliminary,
        _ => FIRST_WINS.into_iter().find(|status| *status == one || *status == other).unwrap_or(one),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(obr: &str, obx: &str) -> Status {
        let observations: Vec<_> = obx.split_terminator("").skip(1).filter_map(of_observation).collect();
        of_group(of_report(obr), &observations)
    }

    #[test]
    fn the_report_s_status_follows_both_tables() {
        let table = [
            ("F", "FF", Status::Final),
            ("F", "", Status::Final),
            ("F", "FC", Status::Corrected),
            ("F", "FP", Status::Preliminary),
            ("C", "CP", Status::Preliminary),
            ("C", "FF", Status::Corrected),
            ("P", "FF", Status::Preliminary),
            ("R", "F", Status::Preliminary),
            ("F", "WW", Status::EnteredInError),
            ("C", "DW", Status::EnteredInError),
            ("P", "W", Status::EnteredInError),
            ("F", "WF", Status::Final),
            ("F", "XX", Status::Cancelled),
            ("F", "XF", Status::Final),
            ("X", "F", Status::Cancelled),
            ("X", "", Status::Cancelled),
            ("O", "", Status::Registered),
            ("I", "P", Status::Registered),
            ("S", "", Status::Registered),
            ("", "F", Status::Final),
            ("", "FP", Status::Preliminary),
            ("", "II", Status::Registered),
            ("", "IF", Status::Preliminary),
            ("", "FC", Status::Corrected),
            ("", "", Status::Final),
            ("", "U", Status::Final),
            ("", "RS", Status::Preliminary),
            ("f", "f", Status::Final),
            ("f", "w", Status::EnteredInError),
            ("M", "F", Status::Preliminary),
            ("N", "", Status::Registered),
            ("F", "FB", Status::Corrected),
            ("F", "V", Status::Final),
        ];
        for (obr, obx, status) in table {
            assert_eq!(group(obr, obx), status, "OBR-25 {obr:?} with OBX-11 {obx:?}");
        }
    }

    #[test]
    fn unknown_statuses_have_no_counterpart() {
        assert!(["Y", "Z", "Q", "FF", "final", "È", ""].iter().all(|code| of_report(code).is_none()));
        assert!(["N", "O", "Q", "FF", "final", "È", ""].iter().all(|code| of_observation(code).is_none()));
    }

    #[test]
    fn two_groups_of_one_report_are_as_far_as_the_less_far() {
        use Status::{Cancelled, Corrected, EnteredInError, Final, Preliminary, Registered};
        let table = [
            (Final, Final, Final),
            (Final, Preliminary, Preliminary),
            (Final, Registered, Preliminary),
            (Registered, Registered, Registered),
            (Cancelled, Registered, Preliminary),
            (Final, Corrected, Corrected),
            (Final, Cancelled, Final),
            (EnteredInError, Cancelled, EnteredInError),
            (Cancelled, Cancelled, Cancelled),
        ];
        for (one, other, both) in table {
            assert_eq!((of_both(one, other), of_both(other, one)), (both, both), "{one:?} {other:?}");
        }
    }
}
