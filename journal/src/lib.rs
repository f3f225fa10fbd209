//! The durable log between the doors and the workers.
//!
//! Three topics of records with positions; [`Journal::append`] resolves only once durable, [`Journal::subscribe`]
//! yields batches in partition order. What a record means is not known here. One conformance suite
//! ([`conformance`]) defines what every adapter does.

pub mod conformance;
pub mod embedded;
#[cfg(feature = "kafka")]
pub mod kafka;
mod metrics;
mod room;

use std::{fmt, sync::Arc};

use bytes::Bytes;
pub use futures_util::future::BoxFuture;
use jiff::Timestamp;
pub use schemas::Position;

/// A topic of the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Topic {
    /// Uploads as received, cut in chunks; keyed by laboratory.
    Uploads,
    /// Notification tasks; keyed by a digest of the report's identity.
    Notifications,
    /// Items that admission could not store; keyed by laboratory.
    DeadLetters,
}

impl Topic {
    /// Every topic.
    pub const ALL: [Topic; 3] = [Topic::Uploads, Topic::Notifications, Topic::DeadLetters];

    /// Its name, also in metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Topic::Uploads => "uploads",
            Topic::Notifications => "notifications",
            Topic::DeadLetters => "dead-letters",
        }
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What is appended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Decides the partition; records of one key stay in order.
    pub key: Bytes,
    /// Names are short ASCII; a name stands at most once.
    pub headers: Vec<(&'static str, Bytes)>,
    /// The record.
    pub value: Bytes,
    /// When what it carries was received; kept to the millisecond. Lag in seconds is told by it.
    pub timestamp: Timestamp,
}

impl Record {
    /// What it weighs: key, headers and value.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.key.len()
            + self.value.len()
            + self.headers.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>()
    }
}

/// What is read back: a record and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Where it stands.
    pub position: Position,
    /// As [`Record::key`].
    pub key: Bytes,
    /// As [`Record::headers`].
    pub headers: Vec<(String, Bytes)>,
    /// As [`Record::value`].
    pub value: Bytes,
    /// As [`Record::timestamp`].
    pub timestamp: Timestamp,
}

impl Stored {
    /// The header of that name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&Bytes> {
        self.headers.iter().find(|(have, _)| have == name).map(|(_, value)| value)
    }
}

/// Why a record was not acknowledged.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AppendError {
    /// No room (queue or disk): nothing was taken. Retry later.
    #[error("the journal has no room")]
    Full,
    /// The outcome is unknown. Retry: readers drop repeats.
    #[error("the journal cannot answer")]
    Unavailable(#[source] Arc<dyn std::error::Error + Send + Sync>),
}

/// Why the journal could not be read.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ReadError {
    /// The place asked for is not kept any more, or lies beyond the end: nothing is skipped silently.
    #[error("position {at} is outside what topic {topic} keeps ({first} to {next})")]
    OutOfRange {
        /// The topic.
        topic: Topic,
        /// The place asked for.
        at: Position,
        /// The first offset kept.
        first: u64,
        /// The offset that the next record gets.
        next: u64,
    },
    /// Try again.
    #[error("the journal cannot be read")]
    Unavailable(#[source] Arc<dyn std::error::Error + Send + Sync>),
}

/// How much a read or a batch takes at most; at least one record comes whatever its size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// Records.
    pub records: usize,
    /// Bytes, as [`Record::bytes`].
    pub bytes: usize,
}

/// The ends of a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ends {
    /// The partition.
    pub partition: u32,
    /// The first offset still kept; equals `next` where none is.
    pub first: u64,
    /// The offset that the next record gets.
    pub next: u64,
}

/// Whether appends can succeed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Health {
    /// They can.
    Ready,
    /// No room on its disk: appends answer [`AppendError::Full`] until there is.
    Full,
    /// Its servers do not answer, or refuse: appends answer [`AppendError::Unavailable`] until that is over. Why.
    Unreachable(String),
    /// Broken for good: the process should end.
    Failed(String),
}

/// Where a reader that comes to a partition begins. The store's place is the truth on every journal.
pub trait Places: Send + Sync {
    /// The offset of the first record not yet processed; none where the reader has never been here.
    fn next(&self, topic: Topic, partition: u32) -> BoxFuture<'_, Result<Option<u64>, ReadError>>;
}

/// The durable log.
pub trait Journal: Send + Sync {
    /// Names this journal for ever: a place of one journal means nothing on another. On Kafka it is the cluster's id and
    /// the topic, so it is unknown until a broker has answered once; from then on it answers at once.
    ///
    /// # Errors
    /// [`ReadError::Unavailable`] while nobody could say.
    fn id(&self) -> BoxFuture<'_, Result<String, ReadError>>;

    /// Appends `records` in order and returns one result for each, in the same order.
    ///
    /// A result is `Ok` only once the record is durable: fsynced on the embedded journal, acknowledged by all in-sync
    /// replicas on Kafka. Dropping the future does not cancel the append. On the embedded journal all records of one
    /// call are one transaction; elsewhere some may succeed alone.
    ///
    /// # Errors
    /// [`AppendError::Full`] before anything was taken (retry later); [`AppendError::Unavailable`] when the outcome is
    /// unknown (retry: the reader drops repeats).
    fn append(&self, topic: Topic, records: Vec<Record>) -> BoxFuture<'_, Vec<Result<Position, AppendError>>>;

    /// Reads a topic from the place that `places` gives for each partition. Where it has none: from the first record
    /// kept; on Kafka only while that is the partition's very first, for nobody there knows what retention took.
    ///
    /// The readers of a topic share its partitions (Kafka), so at most one of them has a partition at a time.
    ///
    /// # Errors
    /// [`ReadError::OutOfRange`] where a place is before what is kept or beyond the end.
    fn subscribe(
        &self,
        topic: Topic,
        places: Arc<dyn Places>,
    ) -> BoxFuture<'_, Result<Box<dyn Subscription>, ReadError>>;

    /// Up to `limit` records of one partition, beginning with the first at or after `from`; empty at the end.
    ///
    /// # Errors
    /// [`ReadError::Unavailable`]. A place outside what is kept reads what there is.
    fn read(&self, topic: Topic, from: Position, limit: Limit) -> BoxFuture<'_, Result<Vec<Stored>, ReadError>>;

    /// The ends of every partition.
    ///
    /// # Errors
    /// [`ReadError::Unavailable`].
    fn ends(&self, topic: Topic) -> BoxFuture<'_, Result<Vec<Ends>, ReadError>>;

    /// Remembers how far a reader's effects are safely stored. A mirror only: no reader begins there. It tells a
    /// store that was restored from a backup from one that was not. Never goes back.
    ///
    /// # Errors
    /// [`AppendError::Unavailable`].
    fn mirror(&self, topic: Topic, next: Position) -> BoxFuture<'_, Result<(), AppendError>>;

    /// What [`Journal::mirror`] remembers.
    ///
    /// # Errors
    /// [`ReadError::Unavailable`].
    fn mirrored(&self, topic: Topic, partition: u32) -> BoxFuture<'_, Result<Option<u64>, ReadError>>;

    /// Lets go of records before `before` whose timestamp is older than `older_than`. Returns how many.
    ///
    /// # Errors
    /// [`AppendError::Unavailable`].
    fn trim(&self, topic: Topic, before: Position, older_than: Timestamp) -> BoxFuture<'_, Result<u64, AppendError>>;

    /// Whether appends can succeed now.
    fn health(&self) -> Health;

    /// Bytes taken and not yet acknowledged.
    fn pending_bytes(&self) -> usize;

    /// What an acknowledged record survives, as probes and logs say it: `fsynced` (this machine's power), `replicated`
    /// (a machine), `single` (a process, no more).
    fn durability(&self) -> &'static str;
}

/// Says that a batch is being worked on: keep it until the batch's effects are stored and its place is written, or the
/// batch is given up, then drop it. A partition that goes to another reader waits for its leases, within a limit.
#[must_use = "a lease that is dropped at once says that the batch is done"]
#[derive(Default)]
pub struct Lease {
    _held: Option<Box<dyn Send + Sync>>,
}

impl Lease {
    /// A lease that keeps `held` until it is dropped.
    pub fn of(held: impl Send + Sync + 'static) -> Self {
        Self { _held: Some(Box::new(held)) }
    }

    /// A lease on a partition that nobody else can want.
    pub fn none() -> Self {
        Self::default()
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lease")
    }
}

/// A batch, taken from a subscription.
#[derive(Debug)]
#[must_use = "what was taken is not given again"]
pub struct Taken {
    /// Records of one partition, in its order.
    pub records: Vec<Stored>,
    /// Kept while the batch is worked on.
    pub lease: Lease,
}

/// A reader of one topic.
pub trait Subscription: Send {
    /// The next records of one partition, in its order, at least one; waits where there are none.
    ///
    /// Cancel-safe: dropping the future loses nothing. The reader's place is not kept here: whoever has stored the
    /// effects says so to the store, and begins there again.
    ///
    /// # Errors
    /// [`ReadError::OutOfRange`] where retention has passed the reader (it stops, loudly);
    /// [`ReadError::Unavailable`]: call again.
    fn next(&mut self, limit: Limit) -> BoxFuture<'_, Result<Taken, ReadError>>;
}
