//! What every journal does: functions over the trait that each adapter's tests run with a [`Fixture`] of theirs.
//!
//! They hold on any number of partitions, and panic with what was found where an adapter does something else.
#![allow(clippy::expect_used, clippy::panic, reason = "assertions: a case ends by its panic")]

mod append;
mod keep;
mod read;

use std::{collections::BTreeMap, future::Future, sync::Arc, time::Duration};

use bytes::Bytes;
use jiff::Timestamp;

use crate::{BoxFuture, Ends, Journal, Limit, Places, Position, ReadError, Record, Stored, Subscription, Taken, Topic};

/// What an adapter gives the suite.
pub trait Fixture: Send + Sync {
    /// A journal without records.
    fn fresh(&self) -> BoxFuture<'_, Arc<dyn Journal>>;
    /// Lets go of `journal`, which is its last handle, and opens the same one again.
    fn reopen(&self, journal: Arc<dyn Journal>) -> BoxFuture<'_, Arc<dyn Journal>>;
    /// Retention passes: records of `topic` before `before` are gone, whatever their age.
    fn forget<'a>(&'a self, journal: &'a dyn Journal, topic: Topic, before: Position) -> BoxFuture<'a, ()>;
    /// Whether [`Journal::trim`] lets go of records; false where the server does so by itself, by time.
    fn trims(&self) -> bool;
}

/// Runs every case, each on journals of its own.
///
/// # Panics
/// When the adapter does not do what [`Journal`] promises.
pub async fn suite(fixture: &dyn Fixture) {
    append::results_are_aligned(fixture).await;
    append::records_come_back_whole(fixture).await;
    append::topics_are_apart(fixture).await;
    append::a_large_record_fits(fixture).await;
    append::concurrent_appends_keep_the_order_of_their_keys(fixture).await;
    append::dropping_the_future_does_not_cancel(fixture).await;
    read::pages_end_at_their_limit(fixture).await;
    read::a_subscription_begins_at_its_place(fixture).await;
    read::a_subscription_waits_and_wakes(fixture).await;
    read::dropping_next_loses_nothing(fixture).await;
    read::a_place_beyond_the_end_is_refused(fixture).await;
    read::a_place_before_what_is_kept_is_refused(fixture).await;
    read::a_reader_passed_by_retention_skips_nothing(fixture).await;
    if fixture.trims() {
        keep::trim_keeps_what_is_young_or_not_before(fixture).await;
    }
    keep::an_offset_is_never_given_twice(fixture).await;
    keep::a_mirror_never_goes_back(fixture).await;
    keep::a_journal_comes_back_whole(fixture).await;
    keep::a_journal_at_rest_is_ready(fixture).await;
}

/// A wait that takes longer than this will not end.
const WAIT: Duration = Duration::from_secs(60);

const TOPIC: Topic = Topic::Uploads;
const PAGE: Limit = Limit { records: 1_000, bytes: 64 * 1024 * 1024 };

/// Readers that begin where the map says, elsewhere at the first record kept.
#[derive(Default)]
struct From(BTreeMap<u32, u64>);

impl Places for From {
    fn next(&self, _: Topic, partition: u32) -> BoxFuture<'_, Result<Option<u64>, ReadError>> {
        let place = self.0.get(&partition).copied();
        Box::pin(async move { Ok(place) })
    }
}

fn from_start() -> Arc<dyn Places> {
    Arc::new(From::default())
}

fn from_place(place: Position) -> Arc<dyn Places> {
    Arc::new(From(BTreeMap::from([(place.partition, place.offset)])))
}

/// `seconds` after the suite's beginning of time.
fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_600_000_000 + seconds).expect("a time of 2020")
}

/// A record received `seconds` after the beginning.
fn record_at(seconds: i64, key: &'static str, value: impl Into<Vec<u8>>) -> Record {
    Record {
        key: Bytes::from_static(key.as_bytes()),
        headers: vec![("lab", Bytes::from_static(key.as_bytes()))],
        value: Bytes::from(value.into()),
        timestamp: at(seconds),
    }
}

fn record(key: &'static str, value: impl Into<Vec<u8>>) -> Record {
    record_at(0, key, value)
}

/// Records of one key, so that they stand in one partition; the nth has the value `n` and time [`at`]`(n)`.
fn numbered(count: i64) -> Vec<Record> {
    (0..count).map(|n| record_at(n, "lab-one", n.to_string())).collect()
}

async fn append(journal: &dyn Journal, records: Vec<Record>) -> Vec<Position> {
    let results = within(journal.append(TOPIC, records)).await;
    results.into_iter().map(|result| result.expect("an append on a healthy journal")).collect()
}

async fn subscribe(journal: &dyn Journal, places: Arc<dyn Places>) -> Box<dyn Subscription> {
    within(journal.subscribe(TOPIC, places)).await.expect("a subscription")
}

/// The next `count` records, however they are batched.
async fn take(subscription: &mut dyn Subscription, count: usize, limit: Limit) -> Vec<Stored> {
    let mut taken = Vec::new();
    while taken.len() < count {
        let Taken { records: batch, lease: _lease } = within(subscription.next(limit)).await.expect("a batch");
        assert!(!batch.is_empty(), "a batch has at least one record");
        assert!(batch.len() <= limit.records, "a batch of {} records, at most {} asked", batch.len(), limit.records);
        let partition = batch[0].position.partition;
        assert!(batch.iter().all(|stored| stored.position.partition == partition), "a batch is of one partition");
        assert!(batch.is_sorted_by(|a, b| a.position < b.position), "a batch is in its partition's order");
        taken.extend(batch);
    }
    assert_eq!(taken.len(), count, "records beyond those appended");
    taken
}

async fn read(journal: &dyn Journal, from: Position, limit: Limit) -> Vec<Stored> {
    within(journal.read(TOPIC, from, limit)).await.expect("a page")
}

async fn ends(journal: &dyn Journal, partition: u32) -> Ends {
    let ends = within(journal.ends(TOPIC)).await.expect("the ends");
    *ends.iter().find(|ends| ends.partition == partition).expect("the ends of each partition")
}

fn values(records: &[Stored]) -> Vec<String> {
    records.iter().map(|stored| String::from_utf8_lossy(&stored.value).into_owned()).collect()
}

/// The values of [`numbered`] records.
fn numbers(range: std::ops::Range<i64>) -> Vec<String> {
    range.map(|n| n.to_string()).collect()
}

fn after(position: Position) -> Position {
    Position { offset: position.offset + 1, ..position }
}

fn assert_out_of_range(error: &ReadError, at: Position, ends: Ends) {
    match error {
        ReadError::OutOfRange { topic, at: told, first, next } => {
            assert_eq!((*topic, *told, *first, *next), (TOPIC, at, ends.first, ends.next), "what the error tells");
        }
        ReadError::Unavailable(_) => panic!("out of range expected, got {error}"),
    }
}

/// # Panics
/// When it does not end.
async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(WAIT, future).await.expect("it ends in time")
}
