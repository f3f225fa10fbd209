//! Where a report stands with regard to telling the person.

use schemas::{
    Digest, ItemPlace, Version,
    version::{Notice, Reason, Standing},
};

use crate::{Current, current, hold};

/// Where a report stands; none of no rows.
///
/// `fenced` tells of a place whether it stood in the journal before the store was created or restored; a version is
/// fenced by the place of its content's first record, so that the same words sent again after a restoration are still
/// not told by themselves. `emitted` is the version last told of: of it the fence has nothing to hold back.
#[must_use]
pub fn standing(rows: &[Version], fenced: &dyn Fn(ItemPlace) -> bool, emitted: Option<Digest>) -> Option<Standing> {
    let version = current(rows)?;
    let index = rows.iter().position(|row| std::ptr::eq(row, version.row))?;
    Some(Standing { current: index, issued_at: version.issued_at, notice: notice(rows, version, fenced, emitted) })
}

fn notice(
    rows: &[Version],
    version: Current<'_>,
    fenced: &dyn Fn(ItemPlace) -> bool,
    emitted: Option<Digest>,
) -> Notice {
    let row = version.row;
    if !row.listed || row.rehearsal || row.status.is_not_yet_final() {
        return Notice::NotDue;
    }
    let mut reasons = row.reasons.union(hold::by_versions(rows, row));
    if emitted != Some(row.digest) && fenced(version.first_place) {
        reasons = reasons.with(Reason::BeforeRestore);
    }
    if reasons.is_empty() { Notice::Due } else { Notice::Held(reasons) }
}

#[cfg(test)]
mod tests {
    use schemas::{
        report::{Status, TestResult},
        version::Reasons,
    };

    use super::*;
    use crate::sample::{at, place, version};

    fn notice_of(rows: &[Version]) -> Notice {
        standing(rows, &|_| false, None).unwrap().notice
    }

    fn held(reasons: &[Reason]) -> Notice {
        Notice::Held(reasons.iter().copied().collect())
    }

    #[test]
    fn only_what_is_final_listed_and_for_real_is_due() {
        for status in Status::ALL {
            let row = version(1, status, Some(1), 1);
            let expected = if status.is_not_yet_final() { Notice::NotDue } else { Notice::Due };
            assert_eq!(notice_of(std::slice::from_ref(&row)), expected, "{status:?}");
            assert_eq!(notice_of(&[Version { rehearsal: true, ..row.clone() }]), Notice::NotDue, "{status:?}");
            assert_eq!(notice_of(&[Version { listed: false, ..row }]), Notice::NotDue, "{status:?}");
        }
    }

    #[test]
    fn a_due_version_with_reasons_is_held_with_all_of_them() {
        let own = Reasons::default().with(Reason::NoPhone);
        let rows = [
            version(1, Status::Final, Some(1), 1),
            Version { result: Some(TestResult::Positive), reasons: own, ..version(2, Status::Final, Some(2), 2) },
        ];
        assert_eq!(notice_of(&rows), held(&[Reason::NoPhone, Reason::UnmarkedCorrection]));
        let fenced = standing(&rows, &|at| at <= place(2), None).unwrap();
        assert_eq!(fenced.notice, held(&[Reason::NoPhone, Reason::UnmarkedCorrection, Reason::BeforeRestore]));
        assert_eq!((fenced.current, fenced.issued_at), (1, at(2)));
    }

    #[test]
    fn a_rehearsal_that_has_reasons_is_not_held() {
        let reasons = Reasons::default().with(Reason::NoPhone);
        assert_eq!(
            notice_of(&[Version { rehearsal: true, reasons, ..version(1, Status::Final, None, 1) }]),
            Notice::NotDue
        );
    }

    #[test]
    fn what_was_told_is_not_fenced_and_is_held_for_all_else() {
        let rows =
            [Version { reasons: Reasons::default().with(Reason::OldSpecimen), ..version(1, Status::Final, None, 1) }];
        let told = |emitted| standing(&rows, &|_| true, emitted).unwrap().notice;
        assert_eq!(told(Some(Digest([1; 16]))), held(&[Reason::OldSpecimen]));
        assert_eq!(told(Some(Digest([2; 16]))), held(&[Reason::OldSpecimen, Reason::BeforeRestore]));
    }

    #[test]
    fn words_from_before_a_restoration_stay_fenced_when_they_come_again() {
        let fence = |at: ItemPlace| at < place(5);
        let rows = [version(1, Status::Final, Some(1), 1), version(1, Status::Final, Some(9), 9)];
        assert_eq!(standing(&rows, &fence, None).unwrap().notice, held(&[Reason::BeforeRestore]));
        let rows = [version(1, Status::Final, Some(1), 1), version(2, Status::Final, Some(9), 9)];
        assert_eq!(standing(&rows, &fence, None).unwrap().notice, Notice::Due);
    }

    #[test]
    fn no_rows_stand_nowhere() {
        assert_eq!(standing(&[], &|_| false, None), None);
    }
}
