//! What every journal does, and what Kafka's topics must be.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use journal::{
    AppendError, BoxFuture, Health, Journal, Position, Topic,
    conformance::{Fixture, suite},
    kafka::{Durability, KafkaJournal, Options},
};
use rdkafka::{
    ClientConfig, Offset, TopicPartitionList,
    admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
    client::DefaultClientContext,
};

use super::{broker, open, options, reason, until};
use crate::common::{append, within};

/// Journals by their id.
struct Topics {
    address: String,
    opened: Mutex<HashMap<String, Options>>,
}

impl Fixture for Topics {
    fn fresh(&self) -> BoxFuture<'_, Arc<dyn Journal>> {
        Box::pin(async {
            let options = options(&self.address);
            let journal = open(options.clone()).await;
            let id = journal.id().await.unwrap();
            self.opened.lock().unwrap().insert(id, options);
            journal as Arc<dyn Journal>
        })
    }

    fn reopen(&self, journal: Arc<dyn Journal>) -> BoxFuture<'_, Arc<dyn Journal>> {
        Box::pin(async move {
            let id = journal.id().await.unwrap();
            drop(journal);
            let options = self.opened.lock().unwrap()[&id].clone();
            open(options).await as Arc<dyn Journal>
        })
    }

    fn forget<'a>(&'a self, journal: &'a dyn Journal, topic: Topic, before: Position) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            let id = journal.id().await.unwrap();
            let name = format!("{}{topic}", self.opened.lock().unwrap()[&id].topic_prefix);
            forget(&self.address, &name, before).await;
        })
    }

    fn trims(&self) -> bool {
        false
    }
}

/// Lets go of records before `before`, as retention does.
pub(super) async fn forget(address: &str, name: &str, before: Position) {
    let mut list = TopicPartitionList::new();
    let (partition, offset) = (before.partition as i32, Offset::Offset(before.offset as i64));
    list.add_partition_offset(name, partition, offset).unwrap();
    // The answer is one a partition: that it came is not that they are gone.
    let forgotten = within(admin(address).delete_records(&list, &AdminOptions::new())).await.unwrap();
    forgotten.elements().iter().for_each(|one| one.error().unwrap());
}

fn admin(address: &str) -> AdminClient<DefaultClientContext> {
    ClientConfig::new().set("bootstrap.servers", address).create().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_does_what_every_journal_does() {
    let Some(address) = broker() else { return };
    suite(&Topics { address, opened: Mutex::default() }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn topics_that_would_lose_uploads_are_refused_until_they_are_mended() {
    let Some(address) = broker() else { return };
    let options = Options { uploads_kept: std::time::Duration::from_secs(3_600), ..options(&address) };
    let name = format!("{}uploads", options.topic_prefix);
    let compacted = NewTopic::new(&name, 3, TopicReplication::Fixed(1)).set("cleanup.policy", "compact");
    admin(&address).create_topics([&compacted], &AdminOptions::new()).await.unwrap();

    let journal = KafkaJournal::open(options.clone()).unwrap();
    until(async || reason(&journal).contains("cleanup.policy")).await;
    assert!(matches!(append(&*journal, "one").await, Err(AppendError::Unavailable(_))));
    assert!(within(journal.id()).await.is_err());

    admin(&address).delete_topics(&[&name], &AdminOptions::new()).await.unwrap();
    until(async || journal.health() == Health::Ready).await;
    within(append(&*journal, "one")).await.unwrap();

    let more = Options { partitions: 4, ..options.clone() };
    let journal = KafkaJournal::open(more).unwrap();
    until(async || reason(&journal).contains("kafka.partitions = 3")).await;
    let replicated = Options { durability: Durability::Replicated, ..options };
    let journal = KafkaJournal::open(replicated).unwrap();
    until(async || reason(&journal).contains("has 1 replica")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_broker_must_be_asked_for() {
    let Some(address) = broker() else { return };
    let journal = KafkaJournal::open(Options { durability: Durability::Replicated, ..options(&address) }).unwrap();
    until(async || reason(&journal).contains("kafka.durability = single")).await;
}
