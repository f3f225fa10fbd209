//! The embedded journal and store with faults of their own.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use jiff::Timestamp;
use journal::{
    AppendError, BoxFuture, Ends, Health, Journal, Limit, Places, Position, ReadError, Record, Stored, Subscription,
    Topic, embedded::EmbeddedJournal,
};
use store::{
    Answer, Batch, Judge, Page, PageRequest, Place, Settled, Store, StoreError, StoredItem, StoredReport,
    SubmissionQuery, SubmissionState, Touched, embedded::EmbeddedStore,
};

fn broken() -> Arc<dyn std::error::Error + Send + Sync> {
    Arc::new(std::io::Error::other("on purpose"))
}

/// Counts down: so many calls fail yet.
#[derive(Default)]
pub(crate) struct Failures(AtomicUsize);

impl Failures {
    pub(crate) fn set(&self, calls: usize) {
        self.0.store(calls, Ordering::SeqCst);
    }

    pub(crate) fn left(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }

    fn next(&self) -> bool {
        self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok()
    }
}

/// What happens to a failing append.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Append {
    /// Nothing is written.
    Refused,
    /// It is written, and nobody hears of it.
    AnswerLost,
}

/// A journal whose appends to `notifications` fail.
pub(crate) struct Mute {
    pub(crate) inner: Arc<EmbeddedJournal>,
    pub(crate) failures: Failures,
    pub(crate) append: Append,
}

impl Journal for Mute {
    fn id(&self) -> BoxFuture<'_, Result<String, ReadError>> {
        self.inner.id()
    }
    fn append(&self, topic: Topic, records: Vec<Record>) -> BoxFuture<'_, Vec<Result<Position, AppendError>>> {
        Box::pin(async move {
            if topic != Topic::Notifications || !self.failures.next() {
                return self.inner.append(topic, records).await;
            }
            let count = records.len();
            if self.append == Append::AnswerLost {
                self.inner.append(topic, records).await;
            }
            (0..count).map(|_| Err(AppendError::Unavailable(broken()))).collect()
        })
    }
    fn subscribe(
        &self,
        topic: Topic,
        places: Arc<dyn Places>,
    ) -> BoxFuture<'_, Result<Box<dyn Subscription>, ReadError>> {
        self.inner.subscribe(topic, places)
    }
    fn read(&self, topic: Topic, from: Position, limit: Limit) -> BoxFuture<'_, Result<Vec<Stored>, ReadError>> {
        self.inner.read(topic, from, limit)
    }
    fn ends(&self, topic: Topic) -> BoxFuture<'_, Result<Vec<Ends>, ReadError>> {
        self.inner.ends(topic)
    }
    fn mirror(&self, topic: Topic, next: Position) -> BoxFuture<'_, Result<(), AppendError>> {
        self.inner.mirror(topic, next)
    }
    fn mirrored(&self, topic: Topic, partition: u32) -> BoxFuture<'_, Result<Option<u64>, ReadError>> {
        self.inner.mirrored(topic, partition)
    }
    fn trim(&self, topic: Topic, before: Position, older_than: Timestamp) -> BoxFuture<'_, Result<u64, AppendError>> {
        self.inner.trim(topic, before, older_than)
    }
    fn health(&self) -> Health {
        self.inner.health()
    }
    fn pending_bytes(&self) -> usize {
        self.inner.pending_bytes()
    }
    fn durability(&self) -> &'static str {
        self.inner.durability()
    }
}

/// A journal that gives every record again, wherever the reader's place is.
pub(crate) struct Redelivering(pub(crate) Arc<EmbeddedJournal>);

struct Nowhere;

impl Places for Nowhere {
    fn next(&self, _: Topic, _: u32) -> BoxFuture<'_, Result<Option<u64>, ReadError>> {
        Box::pin(async { Ok(None) })
    }
}

impl Journal for Redelivering {
    fn id(&self) -> BoxFuture<'_, Result<String, ReadError>> {
        self.0.id()
    }
    fn append(&self, topic: Topic, records: Vec<Record>) -> BoxFuture<'_, Vec<Result<Position, AppendError>>> {
        self.0.append(topic, records)
    }
    fn subscribe(&self, topic: Topic, _: Arc<dyn Places>) -> BoxFuture<'_, Result<Box<dyn Subscription>, ReadError>> {
        self.0.subscribe(topic, Arc::new(Nowhere))
    }
    fn read(&self, topic: Topic, from: Position, limit: Limit) -> BoxFuture<'_, Result<Vec<Stored>, ReadError>> {
        self.0.read(topic, from, limit)
    }
    fn ends(&self, topic: Topic) -> BoxFuture<'_, Result<Vec<Ends>, ReadError>> {
        self.0.ends(topic)
    }
    fn mirror(&self, topic: Topic, next: Position) -> BoxFuture<'_, Result<(), AppendError>> {
        self.0.mirror(topic, next)
    }
    fn mirrored(&self, topic: Topic, partition: u32) -> BoxFuture<'_, Result<Option<u64>, ReadError>> {
        self.0.mirrored(topic, partition)
    }
    fn trim(&self, topic: Topic, before: Position, older_than: Timestamp) -> BoxFuture<'_, Result<u64, AppendError>> {
        self.0.trim(topic, before, older_than)
    }
    fn health(&self) -> Health {
        self.0.health()
    }
    fn pending_bytes(&self) -> usize {
        self.0.pending_bytes()
    }
    fn durability(&self) -> &'static str {
        self.0.durability()
    }
}

/// A store whose writes fail.
pub(crate) struct Absent {
    pub(crate) inner: Arc<EmbeddedStore>,
    pub(crate) failures: Failures,
    pub(crate) error: fn(Arc<dyn std::error::Error + Send + Sync>) -> StoreError,
}

impl Absent {
    fn fails<T: Send + 'static>(&self) -> Option<Answer<'_, T>> {
        let error = self.failures.next().then(|| (self.error)(broken()))?;
        Some(Box::pin(async { Err(error) }))
    }
}

impl Store for Absent {
    fn admit(&self, batch: Batch, judge: Arc<dyn Judge>) -> Answer<'_, Vec<Touched>> {
        self.fails().unwrap_or_else(|| self.inner.admit(batch, judge))
    }
    fn settle(&self, settled: Settled) -> Answer<'_, ()> {
        self.fails().unwrap_or_else(|| self.inner.settle(settled))
    }
    fn sync(&self) -> Answer<'_, Vec<Place>> {
        self.inner.sync()
    }
    fn places(&self) -> Answer<'_, Vec<Place>> {
        self.fails().unwrap_or_else(|| self.inner.places())
    }
    fn fence(&self, ends: Vec<Position>) -> Answer<'_, ()> {
        self.inner.fence(ends)
    }
    fn fences(&self) -> Answer<'_, Vec<Position>> {
        self.inner.fences()
    }
    fn submission(&self, id: schemas::SubmissionId) -> Answer<'_, Option<SubmissionState>> {
        self.inner.submission(id)
    }
    fn items(&self, id: schemas::SubmissionId, page: PageRequest) -> Answer<'_, Page<StoredItem>> {
        self.inner.items(id, page)
    }
    fn submissions(&self, query: SubmissionQuery, page: PageRequest) -> Answer<'_, Page<SubmissionState>> {
        self.inner.submissions(query, page)
    }
    fn reports(&self, lab: schemas::LabId, number: String) -> Answer<'_, Vec<StoredReport>> {
        self.inner.reports(lab, number)
    }
    fn reports_of_day(
        &self,
        lab: schemas::LabId,
        day: jiff::civil::Date,
        page: PageRequest,
    ) -> Answer<'_, Page<StoredReport>> {
        self.inner.reports_of_day(lab, day, page)
    }
    fn reports_of_person(
        &self,
        person: schemas::version::PersonKey,
        page: PageRequest,
    ) -> Answer<'_, Page<StoredReport>> {
        self.inner.reports_of_person(person, page)
    }
    fn persons_of_phone(&self, phone: schemas::version::PhoneKey) -> Answer<'_, Vec<schemas::version::PersonKey>> {
        self.inner.persons_of_phone(phone)
    }
    fn held(&self, reason: schemas::version::Reason, page: PageRequest) -> Answer<'_, Page<StoredReport>> {
        self.inner.held(reason, page)
    }
    fn held_counts(&self) -> Answer<'_, Vec<store::HeldCount>> {
        self.inner.held_counts()
    }
    fn labs(&self) -> Answer<'_, (u64, Vec<(schemas::LabId, String)>)> {
        self.inner.labs()
    }
    fn put_lab(&self, lab: schemas::LabId, expected: Option<String>, document: String) -> Answer<'_, bool> {
        self.inner.put_lab(lab, expected, document)
    }
    fn admitted(&self) -> tokio::sync::watch::Receiver<u64> {
        self.inner.admitted()
    }
}
