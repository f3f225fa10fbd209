//! A new store beside a journal that has let go of its first records.

use std::sync::Arc;

use jiff::Timestamp;
use journal::{
    Record,
    embedded::{EmbeddedJournal, Options},
};
use store::embedded::EmbeddedStore;
use tempfile::TempDir;

use super::*;

struct Pair {
    journal: Arc<EmbeddedJournal>,
    store: Arc<EmbeddedStore>,
    _folder: TempDir,
}

impl Pair {
    /// A new store beside a journal with records 1 to 3.
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let journal = EmbeddedJournal::open(Options::new(folder.path().join("journal.db"))).unwrap();
        let store = EmbeddedStore::open(store::embedded::Options::at(folder.path().join("store.db"))).unwrap().store;
        let pair = Self { journal, store, _folder: folder };
        pair.append(3).await;
        pair
    }

    async fn append(&self, records: usize) {
        let record =
            Record { key: "to".into(), headers: Vec::new(), value: "x".into(), timestamp: Timestamp::UNIX_EPOCH };
        for appended in self.journal.append(Topic::Uploads, vec![record; records]).await {
            appended.unwrap();
        }
    }

    async fn reconcile(&self, reads: bool, lost_before: Vec<Position>) -> anyhow::Result<()> {
        let reader = Reader { begins: 1, reads, lost_before };
        reconcile(self.journal.as_ref(), self.store.as_ref(), &reader).await
    }

    /// The offsets of the place and of the fence.
    async fn known(&self) -> (Option<u64>, Option<u64>) {
        let place = place_of(&self.store.places().await.unwrap(), 0).map(|place| place.offset);
        (place, self.store.fences().await.unwrap().first().map(|fence| fence.offset))
    }
}

fn at(offset: u64) -> Position {
    Position { partition: 0, offset }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_store_begins_where_a_journal_that_kept_all_begins() {
    let pair = Pair::new().await;
    pair.reconcile(true, Vec::new()).await.unwrap();
    assert_eq!(pair.known().await, (Some(1), Some(4)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_store_goes_past_what_the_journal_let_go_of_only_where_the_loss_is_known() {
    let pair = Pair::new().await;
    assert_eq!(pair.journal.trim(Topic::Uploads, at(3), "2020-10-20T00:00:00Z".parse().unwrap()).await.unwrap(), 2);
    for _ in 0..2 {
        let told = pair.reconcile(true, Vec::new()).await.unwrap_err().to_string();
        for part in ["the store was never fed", "from 0.1 up to 0.3 (2 records", "journal_lost_before = \"0.3\""] {
            assert!(told.contains(part), "{part}: {told}");
        }
        assert_eq!(pair.known().await, (None, Some(4)), "no place, and what stands there tells nobody");
    }
    // Doors go on, and what they take is not held for it.
    pair.append(1).await;
    pair.reconcile(false, Vec::new()).await.unwrap();
    assert!(pair.reconcile(true, vec![at(2)]).await.is_err(), "less is known than is lost");
    assert_eq!(pair.known().await, (None, Some(4)));

    pair.reconcile(false, vec![at(3)]).await.unwrap();
    assert_eq!(pair.known().await, (None, Some(4)), "only who reads writes a place");
    pair.reconcile(true, vec![at(3)]).await.unwrap();
    assert_eq!(pair.known().await, (Some(3), Some(4)));
    pair.reconcile(true, Vec::new()).await.unwrap();
}
