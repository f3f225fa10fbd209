//! The same journal gives the same state, however often and in whatever pieces it is read.

use schemas::version::Reason;

use super::{
    Open,
    fixture::{accepted, admit, held_for, record, record_from, snapshot, upload, version},
};
use crate::{AdmitRecord, Verdict};

/// Records in which everything that can happen happens: repeats, corrections, a late older one, a replaced item, an
/// upload in two chunks, one sent twice.
fn journal() -> Vec<AdmitRecord> {
    let report = |number, content, issued| accepted(version(number, content, Some(issued)));
    vec![
        record(0, upload(1, 2), vec![report("1", "a", 10), Verdict::Refused]),
        record(3, upload(2, 3), vec![report("1", "b", 20), report("2", "c", 10)]),
        record(4, upload(1, 2), vec![Verdict::Refused, report("2", "d", 5)]),
        record(7, upload(3, 3), vec![report("1", "a", 30), Verdict::DeadLetter, report("1", "b", 20)]),
        record_from(8, upload(2, 3), 2, vec![accepted(held_for(&[Reason::NoPhone], version("3", "e", None)))]),
        record(9, upload(3, 3), vec![report("1", "a", 30), report("2", "c", 40), report("1", "b", 20)]),
    ]
}

pub(super) async fn again(open: Open) {
    let store = open().await;
    admit(&*store, &journal()).await;
    let before = snapshot(&*store).await;
    assert!(before.len() > 10, "the journal leaves something to compare");
    admit(&*store, &journal()).await;
    assert_eq!(snapshot(&*store).await, before);
}

pub(super) async fn redelivery(open: Open) {
    let journal = journal();
    let whole = open().await;
    admit(&*whole, &journal).await;
    let expected = snapshot(&*whole).await;
    // Each schedule reads the journal to its end, as batches (first, one past the last).
    let schedules: [&[(usize, usize)]; 5] = [
        &[(0, 1), (1, 2), (2, 3), (3, 4), (4, 5), (5, 6)],
        &[(0, 3), (3, 6), (0, 6)],
        &[(0, 2), (0, 4), (1, 3), (3, 5), (0, 1), (4, 6)],
        &[(0, 5), (2, 5), (5, 6), (0, 2), (5, 6)],
        &[(0, 1), (0, 2), (0, 3), (0, 4), (0, 5), (0, 6), (0, 1)],
    ];
    for schedule in schedules {
        let store = open().await;
        for (first, end) in schedule {
            admit(&*store, &journal[*first..*end]).await;
        }
        assert_eq!(snapshot(&*store).await, expected, "{schedule:?}");
    }
}
