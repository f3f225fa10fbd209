//! A reader against errors that brokers answer, by librdkafka's own mock.

use std::{collections::BTreeMap, sync::Mutex};

use bytes::Bytes;
use rdkafka::{
    mocking::MockCluster,
    producer::DefaultProducerContext,
    types::{RDKafkaApiKey as Key, RDKafkaRespErr as Answer},
};

use super::*;
use crate::{
    BoxFuture, Limit, Record,
    kafka::{producer::Producer, shared::Shared},
};

const RECORDS: usize = 20;
/// So that the errors come while it reads, too.
const BATCH: Limit = Limit { records: 10, bytes: 1 << 20 };

/// Where the reader is, as a store would keep it.
#[derive(Default)]
struct Kept(Mutex<BTreeMap<u32, u64>>);

impl Places for Kept {
    fn next(&self, _: Topic, partition: u32) -> BoxFuture<'_, Result<Option<u64>, ReadError>> {
        Box::pin(async move { Ok(self.0.lock().unwrap().get(&partition).copied()) })
    }
}

fn record(n: usize) -> Record {
    let timestamp = jiff::Timestamp::UNIX_EPOCH;
    Record { key: Bytes::from_static(b"lab"), headers: Vec::new(), value: n.to_string().into(), timestamp }
}

/// Reads what is there while brokers answer `answers` to requests of this kind, again and again; every value, by offset.
async fn read_under(key: Key, answers: &[Answer]) -> Vec<String> {
    let mock: MockCluster<'_, DefaultProducerContext> = MockCluster::new(1).unwrap();
    mock.create_topic(Topic::Uploads.as_str(), 1, 1).unwrap();
    let options = Options { partitions: 1, ..Options::new(mock.bootstrap_servers()) };
    let producer = Producer::new(&options, &Arc::new(Shared::new(options.queue_bytes))).unwrap();
    for appended in producer.append(Topic::Uploads, (0..RECORDS).map(record).collect()).await {
        appended.unwrap();
    }
    mock.request_errors(key, answers);
    let (buffer, stop, places): (Arc<Buffer>, Arc<AtomicBool>, Arc<Kept>) = Default::default();
    let consuming =
        Consuming::new(&options, Topic::Uploads, Arc::clone(&places) as Arc<dyn Places>, &buffer, &stop).unwrap();
    let thread = std::thread::spawn(move || consuming.run());
    let mut values: BTreeMap<u64, String> = BTreeMap::new();
    while values.len() < RECORDS {
        // Told once, and it goes on.
        let Ok(taken) = buffer.take(BATCH).await else { continue };
        for stored in &taken.records {
            values.insert(stored.position.offset, String::from_utf8(stored.value.to_vec()).unwrap());
        }
        let last = taken.records.last().unwrap().position;
        places.0.lock().unwrap().insert(last.partition, last.offset + 1);
        mock.request_errors(key, &answers[..1]);
    }
    stop.store(true, Ordering::Release);
    tokio::task::spawn_blocking(move || thread.join().unwrap()).await.unwrap();
    values.into_values().collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn errors_that_go_by_pass_nothing_over() {
    let every: Vec<String> = (0..RECORDS).map(|n| n.to_string()).collect();
    let cases = [
        (
            Key::Fetch,
            [Answer::RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION, Answer::RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR],
        ),
        (
            Key::ListOffsets,
            [Answer::RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE, Answer::RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION],
        ),
        (
            Key::JoinGroup,
            [Answer::RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS, Answer::RD_KAFKA_RESP_ERR_NOT_COORDINATOR],
        ),
        (Key::SyncGroup, [Answer::RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS, Answer::RD_KAFKA_RESP_ERR_NOT_COORDINATOR]),
        (
            Key::Heartbeat,
            [Answer::RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS, Answer::RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID],
        ),
        (
            Key::FindCoordinator,
            [Answer::RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE, Answer::RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE],
        ),
    ];
    // Each waits for its group most of the time.
    futures_util::future::join_all(cases.iter().map(async |(key, answers)| {
        let read = tokio::time::timeout(Duration::from_secs(60), read_under(*key, answers)).await;
        assert_eq!(read.unwrap_or_else(|_| panic!("{key:?}: not in time")), every, "{key:?}");
    }))
    .await;
}
