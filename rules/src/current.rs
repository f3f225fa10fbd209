//! Which version of a report counts.

use std::cmp::Reverse;

use jiff::Timestamp;
use schemas::{Digest, ItemPlace, Version, report::Status};

/// A version (identity and digest), by the stored row that it counts with.
#[derive(Debug, Clone, Copy)]
pub struct Current<'a> {
    /// The row: of this content's rows the one issued last.
    pub row: &'a Version,
    /// Its issue time: as stated, else when the content was first received.
    pub issued_at: Timestamp,
    /// Where the content first stood, under whatever issue time.
    pub first_place: ItemPlace,
}

/// The current version among the stored rows of one report; none of none.
///
/// Each content counts once, with its latest issue time, and with the place of the first record that carried it: a
/// version is identity and digest, and the issue time only tells when the laboratory said it last. The greatest is
/// current by, in this order: final, corrected or retracted over not yet final; issue time; retraction over
/// correction over final; first place; digest.
#[must_use]
pub fn current<'a>(rows: impl IntoIterator<Item = &'a Version>) -> Option<Current<'a>> {
    let mut rows: Vec<&Version> = rows.into_iter().collect();
    rows.sort_unstable_by_key(|row| (row.digest, row.first_place));
    rows.chunk_by(|one, next| one.digest == next.digest).filter_map(latest).max_by_key(Current::rank)
}

/// A content's rows, by first place, as the one version that they are.
fn latest<'a>(rows: &[&'a Version]) -> Option<Current<'a>> {
    let first = rows.first()?;
    let issued = |row: &Version| row.stated_issue.unwrap_or(first.received_at);
    let row = rows.iter().max_by_key(|row| (issued(row), Reverse(row.first_place)))?;
    Some(Current { row, issued_at: issued(row), first_place: first.first_place })
}

impl Current<'_> {
    fn rank(&self) -> (bool, Timestamp, u8, ItemPlace, Digest) {
        let status = self.row.status;
        (!status.is_not_yet_final(), self.issued_at, weight(status), self.first_place, self.row.digest)
    }
}

fn weight(status: Status) -> u8 {
    match status {
        Status::Registered | Status::Preliminary => 0,
        Status::Final => 1,
        Status::Corrected => 2,
        Status::Cancelled | Status::EnteredInError => 3,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::sample::{at, place, version};
    use Status::{Cancelled, Corrected, EnteredInError, Final, Preliminary, Registered};

    fn winner(rows: &[Version]) -> (u8, Timestamp) {
        let current = current(rows).unwrap();
        (current.row.digest.0[0], current.issued_at)
    }

    #[test]
    fn the_greatest_is_current_by_each_part_of_the_rule() {
        let cases = [
            (
                "final over a later preliminary",
                vec![version(1, Final, Some(0), 1), version(2, Preliminary, Some(9), 2)],
                (1, at(0)),
            ),
            (
                "a retraction too",
                vec![version(1, Cancelled, Some(0), 1), version(2, Registered, Some(9), 2)],
                (1, at(0)),
            ),
            ("issue time", vec![version(1, Final, Some(5), 1), version(2, Final, Some(4), 2)], (1, at(5))),
            (
                "issue time over the kind",
                vec![version(1, Final, Some(5), 1), version(2, EnteredInError, Some(4), 2)],
                (1, at(5)),
            ),
            (
                "retraction over correction",
                vec![version(1, Cancelled, Some(5), 1), version(2, Corrected, Some(5), 2)],
                (1, at(5)),
            ),
            (
                "correction over final",
                vec![version(1, Corrected, Some(5), 1), version(2, Final, Some(5), 2)],
                (1, at(5)),
            ),
            ("first place", vec![version(2, Final, Some(5), 1), version(1, Final, Some(5), 2)], (1, at(5))),
            ("digest", vec![version(2, Final, Some(5), 1), version(1, Final, Some(5), 1)], (2, at(5))),
            ("no issue stated: receipt", vec![version(1, Final, None, 7), version(2, Final, Some(6), 8)], (1, at(7))),
            (
                "receipt of the content's first record",
                vec![version(1, Final, Some(-9), 3), version(1, Final, None, 8), version(2, Final, Some(4), 2)],
                (2, at(4)),
            ),
            (
                "A, B, A again",
                vec![version(1, Final, Some(1), 1), version(2, Final, Some(2), 2), version(1, Final, Some(3), 3)],
                (1, at(3)),
            ),
            (
                "A again with B's time: A came first",
                vec![version(1, Final, Some(1), 1), version(2, Final, Some(3), 2), version(1, Final, Some(3), 3)],
                (2, at(3)),
            ),
        ];
        for (name, rows, expected) in cases {
            assert_eq!(winner(&rows), expected, "{name}");
        }
        assert!(current([]).is_none());
    }

    #[test]
    fn a_version_keeps_its_first_place_and_shows_its_latest_row() {
        let rows = [version(1, Final, Some(1), 1), version(1, Final, Some(3), 3)];
        let current = current(&rows).unwrap();
        assert_eq!((current.first_place, current.row.first_place), (place(1), place(3)));
        let tied = [version(1, Final, Some(4), 4), version(1, Final, None, 4), version(1, Final, Some(4), 2)];
        assert_eq!(super::current(&tied).unwrap().row.first_place, place(2), "rows that tie count with the first");
    }

    /// Every order of `0..n`.
    fn orders(n: usize) -> Vec<Vec<usize>> {
        if n == 0 {
            return vec![vec![]];
        }
        let longer = |order: Vec<usize>| {
            (0..n).map(move |at| order[..at].iter().chain([&(n - 1)]).chain(&order[at..]).copied().collect())
        };
        orders(n - 1).into_iter().flat_map(longer).collect()
    }

    #[test]
    fn the_24_orders_of_arrival_end_in_the_same_current_version() {
        for issues in [[1, 2, 3, 4], [9, 2, 3, 4], [1, 1, 1, 1]] {
            for order in orders(4) {
                let mut rows = [Preliminary, Final, Corrected, EnteredInError]
                    .into_iter()
                    .zip(issues)
                    .zip(0..)
                    .map(|((status, issue), content)| version(content, status, Some(issue), 0))
                    .collect::<Vec<_>>();
                for (offset, content) in (1..).zip(&order) {
                    rows[*content].first_place = place(offset);
                }
                assert_eq!(winner(&rows), (3, at(issues[3])), "arrived as {order:?}");
            }
        }
    }

    prop_compose! {
        /// Rows as a store may hold them: places are unique, (content, issue) too, a content has one status.
        pub(crate) fn stored()(seeds in prop::collection::vec((0u8..4, prop::option::of(0i64..4)), 1..8)) -> Vec<Version> {
            let mut rows: Vec<Version> = Vec::new();
            for (offset, (content, issue)) in (1..).zip(seeds) {
                let status = [Preliminary, Final, Corrected, EnteredInError][usize::from(content)];
                let row = version(content, status, issue, offset);
                if !rows.iter().any(|have| (have.digest, have.stated_issue) == (row.digest, row.stated_issue)) {
                    rows.push(row);
                }
            }
            rows
        }
    }

    proptest! {
        #[test]
        fn the_fold_does_not_depend_on_the_order_given(rows in stored(), seed in any::<prop::sample::Index>()) {
            let expected = current(&rows).unwrap();
            let mut turned = rows.clone();
            turned.rotate_left(seed.index(rows.len()));
            turned.swap(0, seed.index(rows.len()));
            for given in [turned, rows.iter().rev().cloned().collect()] {
                let got = current(&given).unwrap();
                prop_assert_eq!((got.row, got.issued_at, got.first_place), (expected.row, expected.issued_at, expected.first_place));
            }
        }
    }
}
