//! Admission: from the journal's uploads to stored versions and emitted tasks.
//!
//! Two stages. The reader takes batches in order and decodes the next while the one before is stored. The second
//! stage, one batch at a time: store its rows, with what the batch before finished; append the tasks and dead letters
//! that follow; and only when each is acknowledged is the batch itself finished. A finished batch's place is written
//! with the next, or by itself when none comes within [`SETTLE_AFTER`], and at a drain.
//!
//! An outage of the store or the journal pauses, and never skips. A store that failed, or a place that retention has
//! passed, ends admission loudly.

mod content;
mod dead_letter;
mod decode;
mod emit;
pub(crate) mod judge;
mod places;
mod reader;
mod replay;
mod stage;

use std::{panic::resume_unwind, sync::Arc, time::Duration};

use journal::{Journal, Limit, ReadError, Subscription, Topic};
pub use places::OtherJournal;
pub use replay::{Replay, ReplayError, Replayed};
use rules::Policy;
use schemas::{format::Limits, time::Clock};
use store::{Store, StoreError};
use tokio::{sync::mpsc, task::JoinSet};
use tokio_util::sync::CancellationToken;

use self::{decode::Decoding, places::StorePlaces, stage::Stage};
use crate::{
    Keys,
    retry::{Drained, Outage},
};

/// How long a finished batch waits for the next to carry its place.
pub const SETTLE_AFTER: Duration = Duration::from_secs(1);
/// How often the store is made durable and the journal told of it, while something moves: what a restored store lacks
/// is seen by it.
pub const SYNC_EVERY: Duration = Duration::from_secs(10);
/// The default batch: enough to spread a commit over, little enough to be stored within a second.
pub const BATCH: Limit = Limit { records: 256, bytes: 4 << 20 };

/// A step of the second stage, done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// A batch's rows are stored.
    Admitted,
    /// Its tasks are acknowledged.
    TasksAppended,
    /// Its place is written.
    Settled,
}

/// Called after each step: where tests kill the process.
pub type OnStep = Arc<dyn Fn(Step) + Send + Sync>;

/// What admission works with.
#[derive(Clone)]
pub struct Settings {
    /// Where uploads come from, and tasks and dead letters go.
    pub journal: Arc<dyn Journal>,
    /// Where it is all stored.
    pub store: Arc<dyn Store>,
    /// What decides.
    pub policy: Policy,
    /// The installation's key, for the digests that stand for persons and reports.
    pub secret: [u8; 32],
    /// The time, for metrics alone: what is stored depends on none.
    pub clock: Clock,
    /// The door's limits.
    pub limits: Limits,
    /// Bytes of a report's content (its JSON) that the store takes; an item of more becomes a dead letter.
    pub content_bytes: usize,
    /// How much is stored in one step; see [`BATCH`].
    pub batch: Limit,
    /// For tests.
    pub on_step: Option<OnStep>,
}

/// Why admission ended by itself.
#[derive(Debug, thiserror::Error)]
pub enum AdmitError {
    /// Store and journal do not belong together.
    #[error(transparent)]
    OtherJournal(#[from] OtherJournal),
    /// The journal does not keep what would come next.
    #[error("admission cannot go on reading")]
    Journal(#[source] ReadError),
    /// The store is not to be used again.
    #[error("admission cannot go on storing")]
    Store(#[source] StoreError),
}

/// Admission, ready to run.
pub struct Admission {
    settings: Settings,
    keys: Keys,
}

impl Admission {
    /// Ready to run.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        let keys = Keys::new(&settings.secret);
        Self { settings, keys }
    }

    /// Admits until `drain` is cancelled: then it finishes the batch in hand, writes its place and leaves.
    ///
    /// # Errors
    /// An [`AdmitError`]; what was in hand then comes again at the next start.
    pub async fn run(self, drain: CancellationToken) -> Result<(), AdmitError> {
        let Some((subscription, journal)) = self.subscribe(&drain).await? else { return Ok(()) };
        let stop = drain.child_token();
        let (decoded, batches) = mpsc::channel(1);
        let mut reading = JoinSet::new();
        reading.spawn(reader::read(subscription, self.decoding(), self.settings.batch, decoded, stop.clone()));

        let stored = Stage::new(self, journal).run(batches, &drain).await;
        stop.cancel();
        let read = match reading.join_next().await {
            Some(Ok(read)) => read,
            Some(Err(error)) => resume_unwind(error.into_panic()),
            None => Ok(()),
        };
        stored.and(read.map_err(AdmitError::Journal))
    }

    /// None when drained before the store and the journal answered.
    async fn subscribe(
        &self,
        drain: &CancellationToken,
    ) -> Result<Option<(Box<dyn Subscription>, String)>, AdmitError> {
        let Settings { journal, store, .. } = &self.settings;
        let mut outage = Outage::new("start of admission");
        loop {
            let waited = match (store.places().await, journal.id().await) {
                (Ok(stored), Ok(id)) => {
                    let places = StorePlaces::new(store.clone(), id.clone());
                    places.check(&stored, Topic::Uploads)?;
                    match journal.subscribe(Topic::Uploads, Arc::new(places)).await {
                        Ok(subscription) => return Ok(Some((subscription, id))),
                        Err(ReadError::Unavailable(error)) => outage.wait(&*error, drain).await,
                        Err(error @ ReadError::OutOfRange { .. }) => return Err(AdmitError::Journal(error)),
                    }
                }
                (Err(error @ StoreError::Unavailable(_)), _) => outage.wait(&error, drain).await,
                (Err(error), _) => return Err(AdmitError::Store(error)),
                (Ok(_), Err(error)) => outage.wait(&error, drain).await,
            };
            if waited == Err(Drained) {
                return Ok(None);
            }
        }
    }

    fn decoding(&self) -> Decoding {
        let Settings { policy, limits, content_bytes, .. } = &self.settings;
        Decoding::new(policy.clone(), self.keys.clone(), *limits, *content_bytes)
    }
}
