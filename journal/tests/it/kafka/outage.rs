//! A broker killed while records are appended and read: nothing acknowledged is missing, each key keeps its order.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use journal::{
    AppendError, Journal, Limit, Position, Record, Topic,
    kafka::{KafkaJournal, Options},
};
use xtask::servers::{Folder, kafka::Broker};

use super::{
    broker, open, options,
    readers::{Places, subscribe},
    reason, until,
};
use crate::common::{append, record};

const KEYS: [&str; 4] = ["a", "b", "c", "d"];
const PAGE: Limit = Limit { records: 50, bytes: 1 << 20 };

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_is_killed_loses_nothing_acknowledged() {
    if broker().is_none() {
        return;
    }
    // Its own: it is killed. Started and ended by this thread, which it does not outlive.
    let folder = Folder::new().unwrap();
    let mut server = Broker::start(folder.path()).unwrap();
    let journal = open(options(&server.address())).await;
    let acknowledged: Arc<Mutex<Vec<(Position, String)>>> = Arc::default();
    let stop = Arc::new(AtomicBool::new(false));
    let appenders: Vec<_> = KEYS
        .map(|key| tokio::spawn(append_until(journal.clone(), key, Arc::clone(&acknowledged), Arc::clone(&stop))))
        .into();
    let read: Arc<Mutex<BTreeMap<Position, String>>> = Arc::default();
    let places = Arc::new(Places::default());
    let mut subscription = subscribe(&*journal, &places).await;
    let reader = tokio::spawn({
        let read = Arc::clone(&read);
        async move {
            loop {
                let taken = subscription.next(PAGE).await.expect("a batch, through the outage");
                places.store(&taken);
                // A reader that was thrown out of its group begins at its place again: what it had in hand comes twice.
                for stored in taken.records {
                    let (position, value) = (stored.position, String::from_utf8(stored.value.to_vec()).unwrap());
                    let before = read.lock().unwrap().insert(position, value.clone());
                    assert!(before.is_none_or(|before| before == value), "{position} changed");
                }
            }
        }
    });

    let count = || acknowledged.lock().unwrap().len();
    for round in 1..=2 {
        until(async || count() >= round * 300 && !read.lock().unwrap().is_empty()).await;
        server.restart().unwrap();
    }
    let before = count();
    until(async || count() > before + 300).await;
    stop.store(true, Ordering::Release);
    for appender in appenders {
        appender.await.unwrap();
    }

    let acknowledged = acknowledged.lock().unwrap().clone();
    let end: u64 = journal.ends(Topic::Uploads).await.unwrap().iter().map(|ends| ends.next).sum();
    until(async || read.lock().unwrap().len() as u64 >= end).await;
    reader.abort();
    let kept = read.lock().unwrap();
    assert_eq!(kept.len() as u64, end, "no holes");
    for (position, value) in &acknowledged {
        assert_eq!(kept.get(position), Some(value), "acknowledged at {position}");
    }
    for key in KEYS {
        // The first time that each value stands there: a retry may repeat some, later.
        let mut highest = 0;
        for (_, value) in kept.iter().filter(|(_, value)| value.starts_with(key)) {
            let number: u64 = value[1..].parse().unwrap();
            assert!(number <= highest + 1, "{value} came before {key}{}", highest + 1);
            highest = highest.max(number);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn why_no_broker_answers_is_told() {
    // Nobody listens there.
    let options = Options { request_timeout: Duration::from_secs(1), ..options("127.0.0.1:1") };
    let journal = KafkaJournal::open(options).unwrap();
    until(async || reason(&journal).contains("Connection refused")).await;
    let Err(AppendError::Unavailable(cause)) = append(&*journal, "one").await else { panic!("taken") };
    assert!(cause.to_string().contains("Connection refused"), "{cause}");
}

/// Appends three at a time, and the same again until they are acknowledged.
async fn append_until(
    journal: Arc<dyn Journal>,
    key: &'static str,
    acknowledged: Arc<Mutex<Vec<(Position, String)>>>,
    stop: Arc<AtomicBool>,
) {
    let mut next = 1_u64;
    while !stop.load(Ordering::Acquire) {
        let values: Vec<_> = (next..next + 3).map(|number| format!("{key}{number}")).collect();
        loop {
            let records = values.iter().map(|value| keyed(key, value.clone())).collect();
            let results: Result<Vec<Position>, AppendError> =
                journal.append(Topic::Uploads, records).await.into_iter().collect();
            match results {
                Ok(positions) => {
                    acknowledged.lock().unwrap().extend(positions.into_iter().zip(values));
                    break;
                }
                Err(AppendError::Unavailable(_)) => {}
                Err(AppendError::Full) => panic!("the queue has room for this test"),
            }
        }
        next += 3;
    }
}

/// A record of `key`.
pub(super) fn keyed(key: &'static str, value: String) -> Record {
    Record { key: Bytes::from_static(key.as_bytes()), ..record(value) }
}
