//! What stays: retention, the mirror, the journal itself.

use super::{
    Fixture, PAGE, TOPIC, after, append, at, ends, from_start, numbered, numbers, read, subscribe, take, values, within,
};
use crate::{Health, Position, Topic};

pub(super) async fn trim_keeps_what_is_young_or_not_before(fixture: &dyn Fixture) {
    let journal = fixture.fresh().await;
    let positions = append(&*journal, numbered(10)).await;
    let end = after(positions[9]);
    let nowhere = Position { partition: u32::MAX, offset: u64::MAX };
    // Each case goes on from the one before: record n was received n seconds after the beginning.
    let cases = [
        ("all are young", end, at(0), 0, 0),
        ("not before, however old", positions[3], at(100), 3, 3),
        ("nothing left to do", positions[3], at(100), 0, 3),
        ("not young, however far", end, at(5), 2, 5),
        ("another partition", nowhere, at(100), 0, 5),
        ("everything", end, at(100), 5, 10),
    ];
    for (case, before, older_than, deleted, first) in cases {
        let got = within(journal.trim(TOPIC, before, older_than)).await.expect("a trim");
        assert_eq!(got, deleted, "{case}: records let go");
        let ends = ends(&*journal, end.partition).await;
        assert_eq!(ends.first, positions[0].offset + first, "{case}: the first kept");
        assert_eq!(ends.next, end.offset, "{case}: the end");
        let left = read(&*journal, positions[0], PAGE).await;
        assert_eq!(values(&left), numbers(first as i64..10), "{case}: what is left");
    }
}

pub(super) async fn an_offset_is_never_given_twice(fixture: &dyn Fixture) {
    let journal = fixture.fresh().await;
    let last = append(&*journal, numbered(3)).await[2];
    within(fixture.forget(&*journal, TOPIC, after(last))).await;
    let journal = fixture.reopen(journal).await;
    let ends = ends(&*journal, last.partition).await;
    assert_eq!((ends.first, ends.next), (last.offset + 1, last.offset + 1), "an empty journal remembers its end");
    assert!(append(&*journal, numbered(1)).await[0] > last, "offsets rise after a trim of all");
}

pub(super) async fn a_mirror_never_goes_back(fixture: &dyn Fixture) {
    let journal = fixture.fresh().await;
    assert_eq!(within(journal.mirrored(TOPIC, 0)).await.expect("the mirror"), None, "nothing mirrored yet");
    for (offset, expected) in [(5, 5), (9, 9), (7, 9)] {
        within(journal.mirror(TOPIC, Position { partition: 0, offset })).await.expect("a mirror");
        assert_eq!(within(journal.mirrored(TOPIC, 0)).await.expect("the mirror"), Some(expected), "after {offset}");
    }
    let other = within(journal.mirrored(Topic::Notifications, 0)).await.expect("the mirror");
    assert_eq!(other, None, "another topic has its own");
    let journal = fixture.reopen(journal).await;
    assert_eq!(within(journal.mirrored(TOPIC, 0)).await.expect("the mirror"), Some(9), "it is remembered");
    let mut subscription = subscribe(&*journal, from_start()).await;
    append(&*journal, numbered(1)).await;
    assert_eq!(values(&take(&mut *subscription, 1, PAGE).await), ["0"], "no reader begins at the mirror");
}

pub(super) async fn a_journal_comes_back_whole(fixture: &dyn Fixture) {
    let journal = fixture.fresh().await;
    let other = fixture.fresh().await;
    let id = within(journal.id()).await.expect("an id");
    assert_ne!(within(other.id()).await.expect("an id"), id, "each journal has its own id");
    let positions = append(&*journal, numbered(5)).await;
    let journal = fixture.reopen(journal).await;
    assert_eq!(within(journal.id()).await.expect("an id"), id, "the same journal");
    assert_eq!(values(&read(&*journal, positions[0], PAGE).await), numbers(0..5), "all records");
    assert!(append(&*journal, numbered(1)).await[0] > positions[4], "offsets go on");
}

pub(super) async fn a_journal_at_rest_is_ready(fixture: &dyn Fixture) {
    let journal = fixture.fresh().await;
    append(&*journal, numbered(5)).await;
    assert_eq!((journal.health(), journal.pending_bytes()), (Health::Ready, 0));
}
