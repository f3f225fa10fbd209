//! Reasons to hold that follow from a report's other versions. Those of one version alone are in [`crate::facts`].

use schemas::{
    Version,
    report::Status,
    version::{Person, Reason, Reasons},
};

/// Why the current version is held for the sake of the others, all of which are earlier in the fold's order.
pub(crate) fn by_versions(rows: &[Version], current: &Version) -> Reasons {
    let others = || rows.iter().filter(|row| row.digest != current.digest);
    let mut reasons = Reasons::default();
    if current.status == Status::Final && others().any(|earlier| is_unmarked_correction(earlier, current)) {
        reasons = reasons.with(Reason::UnmarkedCorrection);
    }
    if others().any(|earlier| is_another(earlier.person, current.person)) {
        reasons = reasons.with(Reason::PersonChanged);
    }
    reasons
}

/// A final that says another result than an earlier final or corrected one, where both say one.
fn is_unmarked_correction(earlier: &Version, current: &Version) -> bool {
    matches!(earlier.status, Status::Final | Status::Corrected)
        && matches!((earlier.result, current.result), (Some(earlier), Some(current)) if earlier != current)
}

/// By their codes where both have one, else by name and birth date; a name that only one has is another person.
fn is_another(one: Person, other: Person) -> bool {
    match (one.by_code, other.by_code) {
        (Some(one), Some(other)) => one != other,
        _ => one.by_name != other.by_name,
    }
}

#[cfg(test)]
mod tests {
    use Status::{Cancelled, Corrected, Final, Preliminary};
    use schemas::{report::TestResult, version::PersonKey};

    use super::*;
    use crate::sample::version;

    #[test]
    fn a_final_with_another_result_than_an_earlier_one_is_an_unmarked_correction() {
        let (positive, negative) = (Some(TestResult::Positive), Some(TestResult::Negative));
        let cases = [
            (Final, positive, Final, negative, true),
            (Corrected, positive, Final, negative, true),
            (Final, positive, Final, positive, false),
            (Final, positive, Corrected, negative, false),
            (Preliminary, positive, Final, negative, false),
            (Cancelled, positive, Final, negative, false),
            (Final, positive, Cancelled, negative, false),
            (Final, None, Final, negative, false),
            (Final, positive, Final, None, false),
            (Final, Some(TestResult::NotInterpreted), Final, negative, true),
        ];
        for (earlier_status, earlier_result, status, result, held) in cases {
            let rows = [
                Version { result: earlier_result, ..version(1, earlier_status, Some(1), 1) },
                Version { result, ..version(2, status, Some(2), 2) },
            ];
            let reasons = by_versions(&rows, &rows[1]);
            assert_eq!(
                reasons.contains(Reason::UnmarkedCorrection),
                held,
                "{earlier_status:?} {earlier_result:?}, {status:?} {result:?}"
            );
        }
    }

    #[test]
    fn another_person_is_told_by_code_else_by_name() {
        let key = |byte: u8| (byte > 0).then_some(PersonKey([byte; 16]));
        let person = |code: u8, name: u8| Person { by_code: key(code), by_name: key(name) };
        let cases = [
            (person(1, 2), person(1, 2), false),
            (person(1, 2), person(1, 3), false),
            (person(1, 2), person(9, 2), true),
            (person(0, 2), person(1, 2), false),
            (person(0, 2), person(1, 3), true),
            (person(0, 2), person(0, 3), true),
            (person(0, 2), person(1, 0), true),
        ];
        for (earlier, current, held) in cases {
            for status in [Preliminary, Final, Cancelled] {
                let rows = [
                    Version { person: current, ..version(2, Final, Some(2), 1) },
                    Version { person: earlier, ..version(1, status, Some(1), 2) },
                ];
                assert_eq!(
                    by_versions(&rows, &rows[0]).contains(Reason::PersonChanged),
                    held,
                    "{earlier:?} {current:?}"
                );
            }
        }
    }
}
