//! The system of record: versions, submissions, items, reports, work lists, laboratories, readers' places.
//!
//! Facts are immutable rows with keys from content; what is current, due or held is folded from them by the [`Judge`]
//! that the caller brings, for rules are not known here. One conformance suite ([`conformance`]) defines what every
//! adapter does.

pub mod conformance;
mod cursor;
pub mod embedded;
mod metrics;
#[cfg(feature = "scylla")]
pub mod scylla;

use std::sync::Arc;

pub use futures_util::future::BoxFuture;
use jiff::{Timestamp, civil::Date};
pub use schemas::version::{Notice, Standing};
use schemas::{
    Digest, Fault, Identity, ItemPlace, LabId, Outcome, Position, SubmissionId, Version,
    version::{PersonKey, PhoneKey, Reason, Reasons},
};

/// Why the store did not do what it was asked.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// Not now. Nothing was stored, or, where a server stores row by row, a part that the same call again completes:
    /// retry.
    #[error("the store cannot answer")]
    Unavailable(#[source] Arc<dyn std::error::Error + Send + Sync>),
    /// The commit's outcome is unknown and this handle is not to be used again: end the process.
    #[error("the store failed")]
    Failed(#[source] Arc<dyn std::error::Error + Send + Sync>),
    /// A cursor that this store did not give.
    #[error("the cursor is not one of this list")]
    BadCursor,
}

/// A reader's place: everything before `next` has its effects stored and its tasks emitted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The journal it is of.
    pub journal: String,
    /// The topic's name.
    pub topic: String,
    /// Partition and offset of the first record not yet processed.
    pub next: Position,
}

/// What the batch before this one finished; written with the next batch, or by itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Settled {
    /// The place to move to.
    pub place: Option<Place>,
    /// The versions whose tasks were appended.
    pub emitted: Vec<(Identity, Digest)>,
}

/// The facts of an upload that every chunk of it repeats. The first record that names it writes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submission {
    /// Its name.
    pub id: SubmissionId,
    /// The laboratory.
    pub lab: LabId,
    /// When the record that first carried it was received.
    pub received_at: Timestamp,
    /// That instant's day in Europe/Rome.
    pub day: Date,
    /// The format's label.
    pub format: String,
    /// Items of the whole upload.
    pub received: u32,
    /// Of these, accepted at the door.
    pub accepted: u32,
    /// True where nothing was acceptable; its items may not all be listed.
    pub rejected: bool,
    /// Chunks of the whole upload.
    pub chunks: u32,
    /// The sender's name for it.
    pub control_id: Option<String>,
    /// The file's name.
    pub file_name: Option<String>,
    /// The request's Idempotency-Key.
    pub idempotency_key: Option<String>,
}

/// One record of topic `uploads`, decoded.
#[derive(Debug, Clone)]
pub struct AdmitRecord {
    /// Where it stands.
    pub position: Position,
    /// Its upload.
    pub submission: Submission,
    /// Its items, in order.
    pub items: Vec<AdmitItem>,
}

/// One item to store.
#[derive(Debug, Clone)]
pub struct AdmitItem {
    /// Index in the upload.
    pub index: u32,
    /// Line in the upload.
    pub line: u32,
    /// What is wrong with it.
    pub faults: Vec<Fault>,
    /// What is to be stored.
    pub verdict: Verdict,
}

/// What admission made of an item.
#[derive(Debug, Clone)]
pub enum Verdict {
    /// Refused at the door.
    Refused,
    /// Accepted, and could not be decoded again.
    DeadLetter,
    /// A version to store, if it is not there.
    Accepted(Box<NewVersion>),
}

/// A version with its content.
#[derive(Debug, Clone)]
pub struct NewVersion {
    /// The report.
    pub identity: Identity,
    /// The facts.
    pub version: Version,
    /// The canonical content: a report as JSON (see [`schemas::report`]).
    pub content: String,
    /// The phone that a message would go to, where the version is to count among its phone's persons.
    pub phone: Option<PhoneKey>,
}

/// Persons that are remembered of one phone. A phone that a call centre or a form's example gives for thousands is
/// known to be shared by the first few.
pub const PERSONS_OF_A_PHONE: usize = 16;

/// A batch: one durable step.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    /// What the batch before finished.
    pub settled: Settled,
    /// Records of one partition, in its order.
    pub records: Vec<AdmitRecord>,
}

/// The rules that the store folds by. Pure: the same versions give the same answer.
pub trait Judge: Send + Sync {
    /// What became of an item that carries `item`, among the versions whose first place is before `item.first_place`.
    /// `before` may contain others, and `item` itself: they are to be passed over.
    fn outcome(&self, stored: &[Version], item: &Version) -> Outcome;

    /// Where a report stands. `versions` is not empty; `fenced` tells of a place whether it stood in the journal
    /// before this store was created or restored; `emitted` is the version last told of.
    fn standing(&self, versions: &[Version], fenced: &dyn Fn(ItemPlace) -> bool, emitted: Option<Digest>) -> Standing;
}

/// A report that a batch touched, as it is stored after it.
#[derive(Debug, Clone)]
pub struct Touched {
    /// The report.
    pub identity: Identity,
    /// Its current version.
    pub current: Version,
    /// The current version's issue time.
    pub issued_at: Timestamp,
    /// Whether it is to be told.
    pub notice: Notice,
    /// The version that was last emitted.
    pub emitted: Option<Digest>,
}

impl Touched {
    /// True where the current version is due and its task has not been emitted: a function of what is stored.
    #[must_use]
    pub fn wants_task(&self) -> bool {
        self.notice == Notice::Due && self.emitted != Some(self.current.digest)
    }
}

/// What is stored of an upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubmissionState {
    /// Its facts.
    pub submission: Submission,
    /// How many of its items are stored, by outcome.
    pub outcomes: Vec<(Outcome, u64)>,
    /// How many of its items carry a version that is current and held.
    pub held: u64,
}

impl SubmissionState {
    /// Items stored.
    #[must_use]
    pub fn stored(&self) -> u64 {
        self.outcomes.iter().map(|(_, count)| count).sum()
    }

    /// True once every item of the upload is stored.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.submission.rejected || self.stored() >= u64::from(self.submission.received)
    }
}

/// A stored item.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredItem {
    /// Index in the upload.
    pub index: u32,
    /// Line in the upload.
    pub line: u32,
    /// What became of it.
    pub outcome: Outcome,
    /// What is wrong with it.
    pub faults: Vec<Fault>,
    /// Where it stands: the first record that accepted it, else the first that carried it.
    pub place: ItemPlace,
    /// The report and version it carried, where it was accepted and stored.
    pub version: Option<(Identity, Digest)>,
    /// Reasons for which that version is held now.
    pub held: Reasons,
}

/// A stored version with its content.
#[derive(Debug, Clone)]
pub struct StoredVersion {
    /// The facts.
    pub version: Version,
    /// The canonical content.
    pub content: String,
    /// The upload that first carried it.
    pub submission: SubmissionId,
}

/// A stored report.
#[derive(Debug, Clone)]
pub struct StoredReport {
    /// Its identity.
    pub identity: Identity,
    /// The fold as stored; `current` is an index into `versions`.
    pub standing: Standing,
    /// The version whose task was last emitted.
    pub emitted: Option<Digest>,
    /// Its versions, by first place.
    pub versions: Vec<StoredVersion>,
}

/// A page of a list.
#[derive(Debug, Clone)]
pub struct Page<T> {
    /// In the list's order.
    pub items: Vec<T>,
    /// Where the next page begins; none at the end. Opaque.
    pub next: Option<String>,
}

/// Which page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageRequest {
    /// Entries at most.
    pub limit: u32,
    /// As given by the page before.
    pub cursor: Option<String>,
}

/// Which of a laboratory's uploads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubmissionQuery {
    /// The laboratory.
    pub lab: LabId,
    /// Day of receipt, Europe/Rome.
    pub day: Date,
    /// Only those of this control id.
    pub control_id: Option<String>,
    /// Only those of this file name.
    pub file_name: Option<String>,
}

/// How many reports wait for one reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeldCount {
    /// The reason.
    pub reason: Reason,
    /// Reports.
    pub count: u64,
    /// When the oldest was received.
    pub oldest: Timestamp,
}

/// A store's answer.
pub type Answer<'a, T> = BoxFuture<'a, Result<T, StoreError>>;

/// The system of record.
pub trait Store: Send + Sync {
    /// Stores a batch in one durable step and returns what is now stored of each report it touched, once each, in the
    /// order of first touch (repeats of stored versions touch too: emission is a function of what is stored).
    ///
    /// First the settled place and emissions are written, then the items in order. A submission's facts are those of
    /// the first record that names it. An item that is stored stays, unless the stored one was refused or dead and
    /// this one is accepted: then this one replaces it. A version (identity, digest, stated issue) that is stored
    /// stays with its first place. `judge` decides outcomes and standings. All or nothing on the embedded store;
    /// elsewhere idempotent row by row, so that the same batch again completes it. The embedded store may commit
    /// without fsync: rows and place go back together, and the journal repeats them.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] (same batch again), [`StoreError::Failed`].
    fn admit(&self, batch: Batch, judge: Arc<dyn Judge>) -> Answer<'_, Vec<Touched>>;

    /// Writes what a batch finished when no other batch comes to carry it.
    ///
    /// # Errors
    /// As [`Store::admit`].
    fn settle(&self, settled: Settled) -> Answer<'_, ()>;

    /// Makes everything admitted and settled so far durable (fsync), and returns the places that are.
    ///
    /// # Errors
    /// As [`Store::admit`].
    fn sync(&self) -> Answer<'_, Vec<Place>>;

    /// The places of every reader.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    fn places(&self) -> Answer<'_, Vec<Place>>;

    /// Remembers that records before these positions tell nobody by themselves; durable. Marks never go back.
    /// A store that was just created has none.
    ///
    /// # Errors
    /// As [`Store::admit`].
    fn fence(&self, ends: Vec<Position>) -> Answer<'_, ()>;

    /// What [`Store::fence`] remembers.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    fn fences(&self) -> Answer<'_, Vec<Position>>;

    /// What is stored of an upload.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    fn submission(&self, id: SubmissionId) -> Answer<'_, Option<SubmissionState>>;

    /// An upload's stored items, by index.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::BadCursor`].
    fn items(&self, id: SubmissionId, page: PageRequest) -> Answer<'_, Page<StoredItem>>;

    /// A laboratory's uploads of one day, newest first.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::BadCursor`].
    fn submissions(&self, query: SubmissionQuery, page: PageRequest) -> Answer<'_, Page<SubmissionState>>;

    /// The reports of a laboratory's number, by test code: several tests may share it.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    fn reports(&self, lab: LabId, number: String) -> Answer<'_, Vec<StoredReport>>;

    /// A laboratory's reports whose first version was received on `day` (Europe/Rome), in the order they came.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::BadCursor`].
    fn reports_of_day(&self, lab: LabId, day: Date, page: PageRequest) -> Answer<'_, Page<StoredReport>>;

    /// The reports that have a version about a person, in the order they came.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::BadCursor`].
    fn reports_of_person(&self, person: PersonKey, page: PageRequest) -> Answer<'_, Page<StoredReport>>;

    /// The persons about whom versions with this phone are stored, in no order: all of them, or
    /// [`PERSONS_OF_A_PHONE`] where there are more. A person is known by code, else by name.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    fn persons_of_phone(&self, phone: PhoneKey) -> Answer<'_, Vec<PersonKey>>;

    /// The reports held for a reason, longest waiting first.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::BadCursor`].
    fn held(&self, reason: Reason, page: PageRequest) -> Answer<'_, Page<StoredReport>>;

    /// How many reports wait, by reason; reasons with none are left out.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    fn held_counts(&self) -> Answer<'_, Vec<HeldCount>>;

    /// The laboratories' documents (JSON, `access` knows what is in them) and the directory's revision, which rises
    /// with every change.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    fn labs(&self) -> Answer<'_, (u64, Vec<(LabId, String)>)>;

    /// Writes a laboratory's document, durable before it answers. With `expected`, only where the stored one is
    /// still that (none: not there yet); returns whether it was written.
    ///
    /// # Errors
    /// As [`Store::admit`].
    fn put_lab(&self, lab: LabId, expected: Option<String>, document: String) -> Answer<'_, bool>;

    /// Changes with every batch that this handle admitted: wait on it to see an upload done.
    fn admitted(&self) -> tokio::sync::watch::Receiver<u64>;
}
