//! Retention that passes a reader while it reads.

use std::sync::Arc;

use journal::{Journal as _, Position, ReadError, Topic};

use super::{
    broker,
    conformance::forget,
    open, options,
    outage::keyed,
    readers::{BATCH, Places, subscribe},
};
use crate::common::within;

/// More than is read ahead: of a reader that takes nothing the adapter holds 16 MiB, and the client as much again.
const RECORDS: u64 = 700;
const RECORD_BYTES: usize = 64 * 1024;
const FORGOTTEN: u64 = 650;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_retention_passes_stops_loudly_and_skips_nothing() {
    let Some(address) = broker() else { return };
    let options = options(&address);
    let journal = open(options.clone()).await;
    let mut last = Position { partition: 0, offset: 0 };
    for number in 0..RECORDS / 10 {
        let records = (0..10).map(|one| keyed("a", letters(number * 10 + one))).collect();
        for appended in within(journal.append(Topic::Uploads, records)).await {
            last = appended.unwrap();
        }
    }
    assert_eq!(last.offset, RECORDS - 1);

    let places = Arc::new(Places::default());
    let mut subscription = subscribe(&*journal, &places).await;
    let taken = within(subscription.next(BATCH)).await.unwrap();
    let mut next = taken.records.len() as u64;
    places.store(&taken);
    drop(taken);
    let name = format!("{}{}", options.topic_prefix, Topic::Uploads);
    forget(&address, &name, Position { offset: FORGOTTEN, ..last }).await;

    let told = loop {
        match within(subscription.next(BATCH)).await {
            Ok(taken) => {
                for stored in &taken.records {
                    assert_eq!(stored.position, Position { offset: next, ..last }, "nothing is passed over");
                    next += 1;
                }
            }
            Err(error) => break error,
        }
    };
    let is_told = |error: &ReadError| match error {
        ReadError::OutOfRange { topic: Topic::Uploads, at, first: FORGOTTEN, next: RECORDS } => {
            *at == Position { offset: next, ..last }
        }
        _ => false,
    };
    assert!(is_told(&told), "at {next}: {told}");
    let again = within(subscription.next(BATCH)).await.unwrap_err();
    assert!(is_told(&again), "it is told for ever: {again}");
}

/// Capital letters in no order that compresses.
fn letters(seed: u64) -> String {
    let mut state = seed;
    let letter = |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        char::from(b'A' + ((state >> 33) % 26) as u8)
    };
    (0..RECORD_BYTES).map(letter).collect()
}
