//! A partition that the client gave up, on a real broker.

use rdkafka::types::RDKafkaErrorCode as Code;

use super::*;
use crate::{
    BoxFuture, Journal as _, Record,
    kafka::{Durability, KafkaJournal},
};

/// Knows of no place.
struct Nowhere;

impl Places for Nowhere {
    fn next(&self, _: Topic, _: u32) -> BoxFuture<'_, Result<Option<u64>, ReadError>> {
        Box::pin(async { Ok(None) })
    }
}

/// Polls until something comes that `wanted` takes.
fn poll_until<T>(reading: &Reading, mut wanted: impl FnMut(Option<Result<u64, Code>>) -> Option<T>) -> T {
    let limit = Instant::now() + Duration::from_secs(60);
    while Instant::now() < limit {
        let polled = reading.client.poll(POLL).map(|polled| match polled {
            Ok(message) => Ok(message.offset() as u64),
            Err(error) => Err(error.rdkafka_error_code().unwrap()),
        });
        if let Some(found) = wanted(polled) {
            return found;
        }
    }
    panic!("it comes in time");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_partition_that_the_client_gave_up_is_begun_anew_at_its_place() {
    let Ok(address) = std::env::var(xtask::servers::kafka::VARIABLE) else {
        eprintln!("not run: {} is not set", xtask::servers::kafka::VARIABLE);
        return;
    };
    let options = Options {
        durability: Durability::Single,
        topic_prefix: format!("begun-anew-{}.", std::process::id()),
        partitions: 1,
        // Records of this test are of 1970.
        uploads_kept: Duration::from_secs(100 * 365 * 86_400),
        ..Options::new(address)
    };
    let journal = KafkaJournal::open(options.clone()).unwrap();
    let timestamp = jiff::Timestamp::UNIX_EPOCH;
    let record = Record { key: "lab".into(), headers: Vec::new(), value: "one".into(), timestamp };
    for appended in journal.append(Topic::Uploads, vec![record; 10]).await {
        appended.unwrap();
    }

    let (buffer, stop) = (Arc::default(), Arc::default());
    let Consuming { reading, .. } =
        Consuming::new(&options, Topic::Uploads, Arc::new(Nowhere), &buffer, &stop).unwrap();
    poll_until(&reading, |_| reading.client.context().assigned().unplaced.contains(&0).then_some(()));
    let parked = reading.client.assignment().unwrap();
    let named =
        |one: &rdkafka::topic_partition_list::TopicPartitionListElem<'_>| !matches!(one.offset(), Offset::Offset(_));
    assert!(
        !parked.elements().iter().any(named),
        "a name is asked for again after the seek, and goes there: {parked:?}"
    );
    reading.begin(0, Some(0)).unwrap();
    // Far beyond the end: the broker refuses, and the client fetches no more from there.
    let seek = |to| {
        let mut list = reading.list([0]).unwrap();
        list.set_all_offsets(Offset::Offset(to)).unwrap();
        let sought = reading.client.seek_partitions(list, options.request_timeout).unwrap();
        sought.elements()[0].error()
    };
    seek(1_000).unwrap();
    let gave_up = |polled| matches!(polled, Some(Err(Code::AutoOffsetReset | Code::OffsetOutOfRange))).then_some(());
    poll_until(&reading, gave_up);
    seek(3).expect_err("the client does not seek in it any more, which is what this is about");

    reading.begin(0, Some(3)).unwrap();
    assert_eq!(poll_until(&reading, |polled| polled.and_then(Result::ok)), 3);

    // Where there is no room, it is begun and not read on.
    reading.pause_all();
    reading.again(0, 5);
    assert!((0..40).all(|_| reading.client.poll(POLL).is_none_or(|polled| polled.is_err())), "nothing is fetched");
    reading.resume_all();
    assert_eq!(poll_until(&reading, |polled| polled.and_then(Result::ok)), 5);
}
