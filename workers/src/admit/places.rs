//! Where reading begins: the store's place, which is the truth on every journal.

use std::sync::Arc;

use journal::{BoxFuture, Places, ReadError, Topic};
use store::{Place, Store};

/// The store's place is one of another journal: reading on would skip or repeat at random.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the store's place in topic {topic} is of journal {stored}, and this is journal {found}: give this store its own \
     journal back, or begin with an empty store, which is then filled from this journal"
)]
pub struct OtherJournal {
    /// The topic.
    pub topic: &'static str,
    /// The journal that the store has read.
    pub stored: String,
    /// The journal that is there.
    pub found: String,
}

/// The store's places, for one journal.
pub(super) struct StorePlaces {
    store: Arc<dyn Store>,
    journal: String,
}

impl StorePlaces {
    pub(super) fn new(store: Arc<dyn Store>, journal: String) -> Self {
        Self { store, journal }
    }

    /// Refuses places of another journal.
    pub(super) fn check(&self, places: &[Place], topic: Topic) -> Result<(), OtherJournal> {
        match places.iter().find(|place| place.topic == topic.as_str() && place.journal != self.journal) {
            None => Ok(()),
            Some(Place { journal, .. }) => {
                Err(OtherJournal { topic: topic.as_str(), stored: journal.clone(), found: self.journal.clone() })
            }
        }
    }
}

impl Places for StorePlaces {
    fn next(&self, topic: Topic, partition: u32) -> BoxFuture<'_, Result<Option<u64>, ReadError>> {
        Box::pin(async move {
            let places = self.store.places().await.map_err(|error| ReadError::Unavailable(Arc::new(error)))?;
            self.check(&places, topic).map_err(|error| ReadError::Unavailable(Arc::new(error)))?;
            let here = |place: &&Place| place.topic == topic.as_str() && place.next.partition == partition;
            Ok(places.iter().find(here).map(|place| place.next.offset))
        })
    }
}
