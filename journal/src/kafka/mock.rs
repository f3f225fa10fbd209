//! The producer against errors that a broker answers, by librdkafka's own mock, which keeps nothing.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::FutureExt as _;
use jiff::Timestamp;
use rdkafka::{
    mocking::MockCluster,
    producer::DefaultProducerContext,
    types::{RDKafkaApiKey, RDKafkaRespErr},
};

use super::{options::Options, producer::Producer, shared::Shared};
use crate::{AppendError, Record, Topic};

fn producer(options: &Options) -> Producer {
    Producer::new(options, &Arc::new(Shared::new(options.queue_bytes))).unwrap()
}

fn records(count: usize) -> Vec<Record> {
    let one = |n: usize| Record {
        key: Bytes::from_static(b"lab"),
        headers: Vec::new(),
        value: n.to_string().into(),
        timestamp: Timestamp::UNIX_EPOCH,
    };
    (0..count).map(one).collect()
}

/// Quick to give up.
fn options(brokers: &str) -> Options {
    Options { message_timeout: Duration::from_secs(1), ..Options::new(brokers) }
}

fn mock() -> MockCluster<'static, DefaultProducerContext> {
    let mock = MockCluster::new(1).unwrap();
    mock.create_topic("uploads", 1, 1).unwrap();
    mock
}

#[tokio::test]
async fn what_goes_by_in_time_is_nobodys_business() {
    for error in [
        RDKafkaRespErr::RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS,
        RDKafkaRespErr::RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT,
        RDKafkaRespErr::RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
    ] {
        let mock = mock();
        let mut options = options(&mock.bootstrap_servers());
        options.message_timeout = Duration::from_secs(30);
        mock.request_errors(RDKafkaApiKey::Produce, &[error, error]);
        let results = producer(&options).append(Topic::Uploads, records(3)).await;
        let offsets: Vec<_> = results.into_iter().map(|result| result.unwrap().offset).collect();
        assert!(offsets.is_sorted(), "{error:?}: {offsets:?}");
    }
}

#[tokio::test]
async fn what_does_not_go_by_is_an_unknown_outcome() {
    let mock = mock();
    mock.request_errors(RDKafkaApiKey::Produce, &[RDKafkaRespErr::RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS; 1_000]);
    let producer = producer(&options(&mock.bootstrap_servers()));
    let results = producer.append(Topic::Uploads, records(3)).await;
    assert!(results.iter().all(|result| matches!(result, Err(AppendError::Unavailable(_)))), "{results:?}");
    mock.clear_request_errors(RDKafkaApiKey::Produce);
    // The same client, or a new one where the watchdog made it, goes on.
    let again = producer.append(Topic::Uploads, records(1)).await;
    if again[0].is_err() {
        producer.rebuild().unwrap();
        producer.append(Topic::Uploads, records(1)).await[0].as_ref().unwrap();
    }
}

#[tokio::test]
async fn a_full_queue_takes_nothing_and_says_so_at_once() {
    // Nobody listens there.
    let mut options = options("127.0.0.1:1");
    options.queue_bytes = 4;
    let producer = producer(&options);
    let mut first = Box::pin(producer.append(Topic::Uploads, records(3)));
    assert!((&mut first).now_or_never().is_none(), "larger than the queue, and taken");
    let second = producer.append(Topic::Uploads, records(2)).now_or_never().expect("at once");
    assert!(second.iter().all(|result| matches!(result, Err(AppendError::Full))), "{second:?}");
    assert!(first.await.iter().all(|result| matches!(result, Err(AppendError::Unavailable(_)))));
    assert!(producer.append(Topic::Uploads, records(1)).now_or_never().is_none(), "there is room again");
}

#[tokio::test]
async fn where_the_clients_own_queue_is_full_the_rest_is_not_taken() {
    let mut options = options("127.0.0.1:1");
    options.client = BTreeMap::from([("queue.buffering.max.messages".to_owned(), "2".to_owned())]);
    let results = producer(&options).append(Topic::Uploads, records(5)).await;
    let full: Vec<_> = results.iter().map(|result| matches!(result, Err(AppendError::Full))).collect();
    assert_eq!(full, [false, false, true, true, true]);
}
