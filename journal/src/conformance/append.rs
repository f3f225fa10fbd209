//! What goes in, and in which order.

use std::{collections::BTreeSet, sync::Arc};

use bytes::Bytes;
use futures_util::{FutureExt, future::join_all};
use jiff::Timestamp;

use super::{
    Fixture, PAGE, TOPIC, append, from_start, numbered, numbers, read, record, subscribe, take, values, within,
};
use crate::{Limit, Position, Record, Topic};

pub(super) async fn results_are_aligned(fixture: &dyn Fixture) {
    let journal = fixture.fresh().await;
    assert!(within(journal.append(TOPIC, Vec::new())).await.is_empty(), "nothing in, nothing out");
    let mut positions = append(&*journal, numbered(3)).await;
    positions.extend(append(&*journal, numbered(2)).await);
    assert_eq!(positions.len(), 5, "a position for each record");
    assert!(positions.is_sorted_by(|a, b| a < b), "positions of one key rise: {positions:?}");
    assert!(positions.iter().all(|p| p.partition == positions[0].partition), "one key, one partition");
    for (position, value) in positions.iter().zip(["0", "1", "2", "0", "1"]) {
        let found = read(&*journal, *position, Limit { records: 1, bytes: 1 }).await;
        assert_eq!(values(&found), [value], "at {position}");
        assert_eq!(found[0].position, *position);
    }
}

pub(super) async fn records_come_back_whole(fixture: &dyn Fixture) {
    let journal = fixture.fresh().await;
    let timestamp = Timestamp::from_millisecond(1_600_000_000_123).expect("a time");
    let bare = Record { key: Bytes::from_static(b"k"), headers: Vec::new(), value: Bytes::new(), timestamp };
    let full = Record {
        key: Bytes::from_static(&[0, 0xff, b'k']),
        headers: vec![
            ("lab", Bytes::from_static(b"lab-one")),
            ("empty", Bytes::new()),
            ("traceparent", Bytes::from(vec![0xfe; 300])),
        ],
        value: Bytes::from((0..=255).cycle().take(10_000).collect::<Vec<u8>>()),
        timestamp,
    };
    for record in [bare, full] {
        let position = append(&*journal, vec![record.clone()]).await[0];
        let found = read(&*journal, position, PAGE).await.swap_remove(0);
        let headers: Vec<_> = record.headers.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        assert_eq!((found.key, found.headers), (record.key, headers), "key and headers");
        assert_eq!((found.value, found.timestamp), (record.value, record.timestamp), "value and time");
    }
}

pub(super) async fn topics_are_apart(fixture: &dyn Fixture) {
    let journal = fixture.fresh().await;
    for topic in Topic::ALL {
        let results = within(journal.append(topic, vec![record("k", topic.as_str())])).await;
        let position = *results[0].as_ref().expect("an append");
        let found = within(journal.read(topic, position, PAGE)).await.expect("a page");
        assert_eq!(values(&found), [topic.as_str()], "the only record of {topic}");
    }
}

pub(super) async fn a_large_record_fits(fixture: &dyn Fixture) {
    let journal = fixture.fresh().await;
    let large = vec![b'x'; 8 * 1024 * 1024];
    let position = append(&*journal, vec![record("k", large.clone())]).await[0];
    let found = read(&*journal, position, Limit { records: 1, bytes: 1 }).await;
    assert!(found[0].value == large, "8 MiB come back as they went in");
}

pub(super) async fn concurrent_appends_keep_the_order_of_their_keys(fixture: &dyn Fixture) {
    const KEYS: [&str; 16] = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p"];
    const CALLS: i64 = 8;
    const EACH: i64 = 4;
    let journal = fixture.fresh().await;
    let appenders = KEYS.map(|key| {
        let journal = Arc::clone(&journal);
        tokio::spawn(async move {
            let mut positions = Vec::new();
            for call in 0..CALLS {
                let records = (call * EACH..(call + 1) * EACH).map(|n| record(key, n.to_string())).collect();
                positions.extend(append(&*journal, records).await);
            }
            positions
        })
    });
    let mut positions = BTreeSet::new();
    for appended in join_all(appenders).await {
        let appended: Vec<Position> = appended.expect("an appender");
        assert!(appended.is_sorted_by(|a, b| a < b), "positions of one key rise");
        positions.extend(appended);
    }
    let count = KEYS.len() * (CALLS * EACH) as usize;
    assert_eq!(positions.len(), count, "no position was given twice");
    let found = take(&mut *subscribe(&*journal, from_start()).await, count, PAGE).await;
    assert_eq!(found.iter().map(|stored| stored.position).collect::<BTreeSet<_>>(), positions, "what is read");
    for key in KEYS {
        let of_key: Vec<_> = found.iter().filter(|stored| stored.key == key).cloned().collect();
        assert_eq!(values(&of_key), numbers(0..CALLS * EACH), "the order of key {key}");
    }
}

pub(super) async fn dropping_the_future_does_not_cancel(fixture: &dyn Fixture) {
    let journal = fixture.fresh().await;
    let _ = journal.append(TOPIC, numbered(2)).now_or_never();
    let found = take(&mut *subscribe(&*journal, from_start()).await, 2, PAGE).await;
    assert_eq!(values(&found), numbers(0..2), "appended all the same");
}
