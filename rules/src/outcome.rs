//! What became of an item.

use schemas::{Outcome, Version};

use crate::current;

/// What became of an item that carries `item`, among the rows whose first place is before its own; others in
/// `stored`, `item` itself among them, are passed over.
///
/// It becomes current where the current content after it is another than before: then it is retracted, corrected (in
/// place of a final, corrected or retracted one) or new. Where the current one stays it is a duplicate, if its
/// content was there before, else stale.
#[must_use]
pub fn outcome(stored: &[Version], item: &Version) -> Outcome {
    let before = || stored.iter().filter(|row| row.first_place < item.first_place);
    let was = current(before());
    let is = current(before().chain([item]));
    let digest = |version: &Option<crate::Current<'_>>| version.map(|version| version.row.digest);
    if digest(&was) == digest(&is) {
        let known = before().any(|row| row.digest == item.digest);
        return if known { Outcome::Duplicate } else { Outcome::Stale };
    }
    match was {
        _ if item.status.is_retraction() => Outcome::Retracted,
        Some(was) if !was.row.status.is_not_yet_final() => Outcome::Corrected,
        _ => Outcome::New,
    }
}

#[cfg(test)]
mod tests {
    use Outcome::{Corrected, Duplicate, New, Retracted, Stale};
    use proptest::prelude::*;
    use schemas::report::Status;

    use super::*;
    use crate::sample::version;

    /// Versions in the order they come: content, status, stated issue, and what becomes of each.
    fn story(items: &[(u8, Status, Option<i64>, Outcome)]) {
        let mut stored: Vec<Version> = Vec::new();
        for (offset, (content, status, issue, expected)) in (1..).zip(items) {
            let item = version(*content, *status, *issue, offset);
            assert_eq!(outcome(&stored, &item), *expected, "item {offset} of {items:?}");
            if !stored.iter().any(|row| (row.digest, row.stated_issue) == (item.digest, item.stated_issue)) {
                stored.push(item);
            }
        }
    }

    #[test]
    fn each_outcome_of_the_contract() {
        use Status::{Cancelled, Corrected as C, EnteredInError as W, Final as F, Preliminary as P, Registered as R};
        story(&[(1, F, Some(1), New), (1, F, Some(1), Duplicate)]);
        story(&[(1, F, Some(1), New), (1, F, Some(2), Duplicate), (1, F, Some(0), Duplicate), (1, F, None, Duplicate)]);
        story(&[(1, R, Some(1), New), (2, P, Some(2), New), (3, F, Some(3), New), (4, C, Some(4), Corrected)]);
        story(&[(1, F, Some(2), New), (2, F, Some(1), Stale), (2, F, Some(1), Duplicate)]);
        story(&[(1, F, Some(1), New), (2, P, Some(9), Stale)]);
        story(&[(1, F, Some(1), New), (2, F, Some(2), Corrected), (1, F, Some(3), Corrected)]);
        story(&[(1, F, Some(1), New), (2, W, Some(2), Retracted), (3, F, Some(3), Corrected)]);
        story(&[(1, Cancelled, Some(1), Retracted), (2, F, Some(2), Corrected)]);
        story(&[(1, P, Some(1), New), (2, W, Some(2), Retracted), (2, W, Some(2), Duplicate)]);
        story(&[(1, F, Some(5), New), (2, W, Some(4), Stale)]);
        story(&[(1, W, Some(1), Retracted), (2, F, Some(2), Corrected), (1, W, Some(3), Retracted)]);
        story(&[(1, F, None, New), (2, F, None, Corrected), (1, F, None, Duplicate)]);
    }

    fn rows() -> impl Strategy<Value = Vec<Version>> {
        prop::collection::vec((0u8..6, prop::option::of(0i64..4)), 1..9).prop_map(|seeds| {
            (1..)
                .zip(seeds)
                .map(|(offset, (content, issue))| version(content, Status::ALL[usize::from(content)], issue, offset))
                .collect()
        })
    }

    proptest! {
        #[test]
        fn an_outcome_depends_only_on_what_came_before_and_says_what_happened(rows in rows()) {
            for (index, item) in rows.iter().enumerate() {
                let (before, after) = rows.split_at(index);
                let got = outcome(before, item);
                prop_assert_eq!(outcome(&rows, item), got, "a later row or the item itself changed it");
                let turned: Vec<Version> = after.iter().chain(before.iter().rev()).cloned().collect();
                prop_assert_eq!(outcome(&turned, item), got, "the order given changed it");

                let becomes = current(before).is_none_or(|was| {
                    current(before.iter().chain([item])).unwrap().row.digest != was.row.digest
                });
                let known = before.iter().any(|row| row.digest == item.digest);
                prop_assert_eq!(becomes, matches!(got, New | Outcome::Corrected | Retracted));
                prop_assert_eq!(got == Duplicate, !becomes && known);
                prop_assert_eq!(got == Stale, !becomes && !known);
                prop_assert_eq!(got == Retracted, becomes && item.status.is_retraction());
            }
        }
    }
}
