//! The watchdog on a client that is truly stuck: brokers that answer whatever is asked, and take no record.

use std::{
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use xtask::servers::{
    Folder,
    kafka::{Broker, VARIABLE},
};

use super::{Durability, KafkaJournal, Options, relay::Relay};
use crate::{AppendError, Health, Journal as _, Position, Record, Topic};

async fn append(journal: &KafkaJournal) -> Result<Position, AppendError> {
    let timestamp = jiff::Timestamp::UNIX_EPOCH;
    let record = Record { key: "lab".into(), headers: Vec::new(), value: "one".into(), timestamp };
    journal.append(Topic::Uploads, vec![record]).await.swap_remove(0)
}

/// Appends until `done`; returns what was answered.
async fn append_until(
    journal: &KafkaJournal,
    mut done: impl FnMut(&Result<Position, AppendError>) -> bool,
) -> Vec<Result<Position, AppendError>> {
    let (mut answers, limit) = (Vec::new(), Instant::now() + Duration::from_secs(60));
    loop {
        let answer = append(journal).await;
        let is_done = done(&answer);
        answers.push(answer);
        if is_done {
            return answers;
        }
        assert!(Instant::now() < limit, "it ends in time");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_producer_that_delivers_nothing_is_made_anew_once_and_then_the_journal_has_failed() {
    if std::env::var_os(VARIABLE).is_none() {
        eprintln!("not run: {VARIABLE} is not set");
        return;
    }
    let (relay, folder) = (Relay::bind().await, Folder::new().unwrap());
    // Started by this thread, which it does not outlive.
    let broker = Broker::start_behind(relay.port, folder.path()).unwrap();
    let journal = KafkaJournal::open(Options {
        durability: Durability::Single,
        partitions: 1,
        message_timeout: Duration::from_secs(1),
        stall: Duration::from_millis(1_500),
        // Records of this test are of 1970.
        uploads_kept: Duration::from_secs(100 * 365 * 86_400),
        ..Options::new(format!("127.0.0.1:{}", relay.port))
    })
    .unwrap();
    let swallows = Arc::clone(&relay.swallows);
    relay.run(broker.address());
    append_until(&journal, Result::is_ok).await;
    assert_eq!(journal.health(), Health::Ready);

    // Until the producer is made anew, and no longer: appends go on.
    let first = journal.producer.current();
    swallows.store(true, Ordering::Release);
    let failed = append_until(&journal, |_| !Arc::ptr_eq(&first, &journal.producer.current())).await;
    assert!(failed.iter().all(|answer| matches!(answer, Err(AppendError::Unavailable(_)))), "{failed:?}");
    assert_eq!(journal.health(), Health::Ready, "the brokers answer");
    swallows.store(false, Ordering::Release);
    append_until(&journal, Result::is_ok).await;

    // For good: one more producer, and then it is over.
    let mut producers = vec![journal.producer.current()];
    swallows.store(true, Ordering::Release);
    let mut has_failed = |_: &Result<_, _>| {
        let current = journal.producer.current();
        if !producers.iter().any(|one| Arc::ptr_eq(one, &current)) {
            producers.push(current);
        }
        match journal.health() {
            Health::Ready => false,
            Health::Failed(reason) => {
                assert!(reason.contains("deliver nothing"), "{reason}");
                true
            }
            other => panic!("the brokers answer: {other:?}"),
        }
    };
    let failed = append_until(&journal, &mut has_failed).await;
    assert!(failed.iter().all(|answer| matches!(answer, Err(AppendError::Unavailable(_)))), "{failed:?}");
    assert_eq!(producers.len(), 2, "made anew once");
    swallows.store(false, Ordering::Release);
    assert!(append(&journal).await.is_err(), "what has failed takes no more");
}
