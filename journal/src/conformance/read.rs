//! What comes out: pages, and subscriptions.

use futures_util::FutureExt;

use super::{
    Fixture, PAGE, TOPIC, after, append, assert_out_of_range, ends, from_place, from_start, numbered, numbers, read,
    subscribe, take, values, within,
};
use crate::{Limit, Position};

pub(super) async fn pages_end_at_their_limit(fixture: &dyn Fixture) {
    let journal = fixture.fresh().await;
    let positions = append(&*journal, numbered(10)).await;
    let bytes = numbered(1)[0].bytes();
    let cases = [
        ("all", 0, PAGE, 0..10),
        ("from the middle", 7, PAGE, 7..10),
        ("by records", 2, Limit { records: 3, ..PAGE }, 2..5),
        ("by bytes", 0, Limit { bytes: 2 * bytes, ..PAGE }, 0..2),
        ("one at least", 4, Limit { bytes: 1, ..PAGE }, 4..5),
    ];
    for (case, from, limit, expected) in cases {
        assert_eq!(values(&read(&*journal, positions[from], limit).await), numbers(expected), "{case}");
    }
    assert!(read(&*journal, after(positions[9]), PAGE).await.is_empty(), "at the end");
    let far = Position { offset: u64::MAX, ..positions[0] };
    assert!(read(&*journal, far, PAGE).await.is_empty(), "beyond the end");
    let nowhere = Position { partition: u32::MAX, offset: 0 };
    assert!(read(&*journal, nowhere, PAGE).await.is_empty(), "no such partition");
}

pub(super) async fn a_subscription_begins_at_its_place(fixture: &dyn Fixture) {
    let journal = fixture.fresh().await;
    let positions = append(&*journal, numbered(10)).await;
    let small = Limit { records: 3, ..PAGE };
    let mut without = subscribe(&*journal, from_start()).await;
    assert_eq!(values(&take(&mut *without, 10, small).await), numbers(0..10), "without a place");
    // Readers that are there together may share the partitions: one after the other.
    drop(without);
    let mut from_middle = subscribe(&*journal, from_place(positions[6])).await;
    assert_eq!(values(&take(&mut *from_middle, 4, small).await), numbers(6..10), "from a place, by another reader");
}

pub(super) async fn a_subscription_waits_and_wakes(fixture: &dyn Fixture) {
    let journal = fixture.fresh().await;
    let mut subscription = subscribe(&*journal, from_start()).await;
    for round in 0..3 {
        let (found, _) = tokio::join!(take(&mut *subscription, 2, PAGE), append(&*journal, numbered(2)));
        assert_eq!(values(&found), numbers(0..2), "round {round}");
    }
}

pub(super) async fn dropping_next_loses_nothing(fixture: &dyn Fixture) {
    let journal = fixture.fresh().await;
    let mut subscription = subscribe(&*journal, from_start()).await;
    assert!(subscription.next(PAGE).now_or_never().is_none(), "it waits where there is nothing");
    append(&*journal, numbered(3)).await;
    let mut found = Vec::new();
    while found.len() < 3 {
        // Dropped while it reads, unless the adapter has the batch in hand already.
        match subscription.next(Limit { records: 1, ..PAGE }).now_or_never() {
            Some(batch) => found.extend(batch.expect("a batch").records),
            None => found.extend(take(&mut *subscription, 1, Limit { records: 1, ..PAGE }).await),
        }
    }
    assert_eq!(values(&found), numbers(0..3), "each once");
}

pub(super) async fn a_place_beyond_the_end_is_refused(fixture: &dyn Fixture) {
    let journal = fixture.fresh().await;
    let last = append(&*journal, numbered(3)).await[2];
    let mut at_end = subscribe(&*journal, from_place(after(last))).await;
    assert!(at_end.next(PAGE).now_or_never().is_none(), "the end itself is a place");
    let beyond = after(after(last));
    let error = within(journal.subscribe(TOPIC, from_place(beyond))).await.err().expect("beyond the end");
    assert_out_of_range(&error, beyond, ends(&*journal, last.partition).await);
}

pub(super) async fn a_place_before_what_is_kept_is_refused(fixture: &dyn Fixture) {
    let journal = fixture.fresh().await;
    let positions = append(&*journal, numbered(5)).await;
    within(fixture.forget(&*journal, TOPIC, positions[3])).await;
    let error = within(journal.subscribe(TOPIC, from_place(positions[2]))).await.err().expect("trimmed");
    assert_out_of_range(&error, positions[2], ends(&*journal, positions[2].partition).await);
    let mut first_kept = subscribe(&*journal, from_place(positions[3])).await;
    assert_eq!(values(&take(&mut *first_kept, 2, PAGE).await), numbers(3..5), "from the first kept");
    let found = read(&*journal, positions[0], PAGE).await;
    assert_eq!(values(&found), numbers(3..5), "a page begins with what there is");
}

pub(super) async fn a_reader_passed_by_retention_skips_nothing(fixture: &dyn Fixture) {
    let journal = fixture.fresh().await;
    let positions = append(&*journal, numbered(5)).await;
    let mut subscription = subscribe(&*journal, from_place(positions[1])).await;
    let one = Limit { records: 1, ..PAGE };
    assert_eq!(values(&take(&mut *subscription, 1, one).await), ["1"]);
    within(fixture.forget(&*journal, TOPIC, after(positions[4]))).await;
    append(&*journal, numbered(6).split_off(5)).await;
    // What the reader had in hand still comes; then it stops, or goes on without a hole.
    for expected in 2..=5 {
        let next = positions[0].offset + expected;
        match within(subscription.next(one)).await {
            Ok(taken) => assert_eq!(values(&taken.records), [expected.to_string()], "the next in order"),
            Err(error) => {
                let next = Position { offset: next, ..positions[0] };
                return assert_out_of_range(&error, next, ends(&*journal, next.partition).await);
            }
        }
    }
}
