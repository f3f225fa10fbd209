use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use journal::{
    BoxFuture, Journal,
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
            self.0.lock().unwrap().insert(journal.id().to_owned(), folder);
            journal as Arc<dyn Journal>
        })
    }

    fn reopen(&self, journal: Arc<dyn Journal>) -> BoxFuture<'_, Arc<dyn Journal>> {
        Box::pin(async move {
            let id = journal.id().to_owned();
            assert_eq!(Arc::strong_count(&journal), 1, "the last handle");
            drop(journal);
            open(self.0.lock().unwrap()[&id].path()) as Arc<dyn Journal>
        })
    }
}

#[tokio::test]
async fn it_does_what_every_journal_does() {
    suite(&Folders::default()).await;
}
