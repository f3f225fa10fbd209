//! What every journal does.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use journal::{
    BoxFuture, Journal, Position, Topic,
    conformance::{Fixture, suite},
    kafka::Options,
};
use rdkafka::{
    ClientConfig, Offset, TopicPartitionList,
    admin::{AdminClient, AdminOptions},
    client::DefaultClientContext,
};

use super::{broker, open, options};
use crate::common::within;

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

pub(super) fn admin(address: &str) -> AdminClient<DefaultClientContext> {
    ClientConfig::new().set("bootstrap.servers", address).create().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_does_what_every_journal_does() {
    let Some(address) = broker() else { return };
    suite(&Topics { address, opened: Mutex::default() }).await;
}
