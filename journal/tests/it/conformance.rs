use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use jiff::Timestamp;
use journal::{
    BoxFuture, Journal, Position, Topic,
    conformance::{Fixture, suite},
};
use tempfile::TempDir;

use crate::common::open;

/// Journals by their id, each in a folder of its own.
#[derive(Default)]
struct Folders(Mutex<HashMap<String, TempDir>>);

impl Fixture for Folders {
    fn fresh(&self) -> BoxFuture<'_, Arc<dyn Journal>> {
        Box::pin(async {
            let folder = tempfile::tempdir().unwrap();
            let journal = open(folder.path());
            let id = journal.id().await.unwrap();
            self.0.lock().unwrap().insert(id, folder);
            journal as Arc<dyn Journal>
        })
    }

    fn reopen(&self, journal: Arc<dyn Journal>) -> BoxFuture<'_, Arc<dyn Journal>> {
        Box::pin(async move {
            let id = journal.id().await.unwrap();
            assert_eq!(Arc::strong_count(&journal), 1, "the last handle");
            drop(journal);
            open(self.0.lock().unwrap()[&id].path()) as Arc<dyn Journal>
        })
    }

    fn forget<'a>(&'a self, journal: &'a dyn Journal, topic: Topic, before: Position) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            journal.trim(topic, before, Timestamp::MAX).await.unwrap();
        })
    }

    fn trims(&self) -> bool {
        true
    }
}

#[tokio::test]
async fn it_does_what_every_journal_does() {
    suite(&Folders::default()).await;
}
