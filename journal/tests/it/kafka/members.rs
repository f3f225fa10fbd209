//! Readers that come and go: every record is read, none is passed over, whoever has its partition.

use std::{
    collections::{BTreeSet, VecDeque},
    sync::Arc,
    time::{Duration, Instant},
};

use journal::Taken;

use super::{
    broker, open, options,
    readers::{Appending, BATCH, Leave, Places, Reader, append_one_of_each, subscribe},
};
use crate::common::within;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_that_come_and_go_pass_nothing_over() {
    let Some(address) = broker() else { return };
    let options = options(&address);
    let (here, there) = (open(options.clone()).await, open(options).await);
    let places = Arc::new(Places::default());
    let appending = Appending::begin(here.clone());
    let mut stays = Reader::join(&*here, &places).await;
    for _ in 0..2 {
        let mut comes = Reader::join(&*there, &places).await;
        comes.takes(4).await;
        comes.leave(Leave::Between).await;
        stays.takes(4).await;
    }
    places.have_exactly(&appending.end().await).await;
    stays.leave(Leave::Between).await;
}

/// Each change finds the group still busy with the one before. `TORTURE_SECONDS` makes it last longer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storm_of_rebalances_passes_nothing_over() {
    const BETWEEN: Duration = Duration::from_secs(2);
    let Some(address) = broker() else { return };
    let seconds = std::env::var("TORTURE_SECONDS").map_or(8, |seconds| seconds.parse().expect("seconds"));
    let options = options(&address);
    let (here, there) = (open(options.clone()).await, open(options).await);
    let places = Arc::new(Places::default());
    let appending = Appending::begin(here.clone());
    let mut readers = VecDeque::from([Reader::join(&*here, &places).await]);
    let end = Instant::now() + Duration::from_secs(seconds);
    let mut storm = tokio::time::interval(BETWEEN);
    for change in 0.. {
        storm.tick().await;
        if Instant::now() >= end {
            break;
        }
        match change % 4 {
            0 | 1 => readers.push_back(Reader::join(&*there, &places).await),
            // The one that is there longest, so that its partitions change hands.
            2 => readers.pop_front().expect("one").leave(Leave::Amid).await,
            _ => readers.pop_front().expect("one").leave(Leave::Between).await,
        }
    }
    places.have_exactly(&appending.end().await).await;
    for reader in readers {
        reader.leave(Leave::Between).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_loses_its_partition_amid_a_batch_does_no_harm() {
    let Some(address) = broker() else { return };
    let options = options(&address);
    let (here, there) = (open(options.clone()).await, open(options).await);
    let places = Arc::new(Places::default());
    let mut appended = BTreeSet::from_iter(append_one_of_each(&*here).await);
    // It takes all there is, of every partition, and is very long about it.
    let mut late = subscribe(&*here, &places).await;
    let mut in_hand: Vec<Taken> = Vec::new();
    while in_hand.iter().map(|taken| taken.records.len()).sum::<usize>() < appended.len() {
        in_hand.push(within(late.next(BATCH)).await.unwrap());
    }
    // Another gets one of them when the group's patience ends, and reads what nobody has stored.
    let mut other = Reader::join(&*there, &places).await;
    other.has_taken(1).await;
    let before = other.taken();
    appended.extend(append_one_of_each(&*here).await);
    other.has_taken(before + 1).await;
    // What was in hand is stored at last, over what the other has stored since.
    in_hand.iter().for_each(|taken| places.store(taken));
    drop(in_hand);
    let late = Reader::go_on(late, &places);
    appended.extend(append_one_of_each(&*here).await);
    places.have_exactly(&appended).await;
    late.leave(Leave::Between).await;
    other.leave(Leave::Between).await;
}
