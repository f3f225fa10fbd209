//! The store in one SQLite file, `store.db`, in the data folder.
//!
//! One thread writes (`writer`), a few connections read beside it (`read`), one checkpoints (`checkpoint`).
//! Rows and places are committed without waiting for the disk and are lost together, for the journal brings them
//! again; decisions are fsynced. Another process may write beside, as `labs` does beside `run`: each transaction
//! takes the lock at its beginning.

mod admit;
mod checkpoint;
mod dump;
mod labs;
mod open;
mod places;
mod read;
mod rows;
mod schema;
mod statements;
mod writer;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    thread::JoinHandle,
    time::Instant,
};

use jiff::civil::Date;
use schemas::{
    LabId, Position, SubmissionId,
    version::{PersonKey, PhoneKey, Reason},
};
use tokio::sync::{mpsc, oneshot, watch};

use self::{
    checkpoint::Checkpoints,
    read::Readers,
    writer::{Durability, Job, Writer},
};
pub use self::{dump::dump, open::OpenError};
use crate::{
    Answer, Batch, HeldCount, Judge, Page, PageRequest, Place, Settled, Store, StoreError, StoredItem, StoredReport,
    SubmissionQuery, SubmissionState, Touched, metrics,
};

/// A moment of a write, for tests that end the process there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Every row is written and nothing committed.
    BeforeCommit,
    /// Committed, and nobody told.
    AfterCommit,
}

/// Called on the writer's thread at each [`Step`].
pub type OnStep = Arc<dyn Fn(Step) + Send + Sync>;

/// Where the store is.
#[derive(Clone)]
pub struct Options {
    /// The file, e.g. `store.db` in the data folder, which must exist.
    pub path: PathBuf,
    /// For tests that kill the process at a named moment; none otherwise.
    pub on_step: Option<OnStep>,
}

impl Options {
    /// The store in this file.
    #[must_use]
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), on_step: None }
    }
}

/// An open store.
pub struct Opened {
    /// The store.
    pub store: Arc<EmbeddedStore>,
    /// True where its tables were made just now: it knows nothing of what stands in the journal.
    pub created: bool,
}

/// The store in one file. The last handle dropped waits for the writes in hand.
pub struct EmbeddedStore {
    id: String,
    path: PathBuf,
    jobs: Option<mpsc::Sender<Job>>,
    thread: Option<JoinHandle<()>>,
    readers: Arc<Readers>,
    admitted: watch::Sender<u64>,
}

impl EmbeddedStore {
    /// Opens the store, and makes it where there is none. Blocks.
    ///
    /// # Errors
    /// [`OpenError`]; never [`OpenError::Missing`].
    pub fn open(options: Options) -> Result<Opened, OpenError> {
        Self::start(options, true)
    }

    /// Opens a store that must be there: for commands beside a running process, which never make one. Blocks.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open_existing(options: Options) -> Result<Arc<Self>, OpenError> {
        Self::start(options, false).map(|opened| opened.store)
    }

    /// The store's name: random, given at its creation.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Its file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn start(options: Options, create: bool) -> Result<Opened, OpenError> {
        metrics::describe();
        let Options { path, on_step } = options;
        let open::Writable { connection, id, created } = open::writable(&path, create)?;
        let failed = |error: std::io::Error| OpenError::Failed { path: path.clone(), source: Arc::new(error) };
        let checkpoints = Checkpoints::start(&path).map_err(failed)?;
        let (jobs, thread) = writer::start(Writer::new(connection, checkpoints, on_step)).map_err(failed)?;
        let readers = Arc::new(Readers::new(path.clone()));
        let admitted = watch::Sender::new(0);
        let store = Self { id, path, jobs: Some(jobs), thread: Some(thread), readers, admitted };
        Ok(Opened { store: Arc::new(store), created })
    }

    /// Hands `work` to the writer's thread. Dropping the future does not cancel it.
    fn write<T: Send + 'static>(
        &self,
        operation: &'static str,
        work: impl FnOnce(&mut Writer) -> Result<T, StoreError> + Send + 'static,
    ) -> Answer<'_, T> {
        let started = Instant::now();
        let (reply, answer) = oneshot::channel();
        let job: Job = Box::new(move |writer| drop(reply.send(work(writer))));
        Box::pin(async move {
            let ended = || StoreError::Failed(Arc::new(WriterEnded));
            let jobs = self.jobs.as_ref().ok_or_else(ended)?;
            let taken = jobs.send(job).await;
            let answer = if taken.is_ok() { answer.await.unwrap_or_else(|_| Err(ended())) } else { Err(ended()) };
            metrics::observe(operation, started, &answer);
            answer
        })
    }

    /// Runs `work` on one of the readers' connections.
    fn read<T: Send + 'static>(
        &self,
        operation: &'static str,
        work: impl FnOnce(&rusqlite::Connection) -> Result<T, read::ReadError> + Send + 'static,
    ) -> Answer<'_, T> {
        let started = Instant::now();
        Box::pin(async move {
            let answer = self.readers.run(work).await;
            metrics::observe(operation, started, &answer);
            answer
        })
    }
}

impl Drop for EmbeddedStore {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The writer's thread is gone: a panic, told by the panic itself.
#[derive(Debug, thiserror::Error)]
#[error("the store's writer has ended")]
struct WriterEnded;

impl Store for EmbeddedStore {
    fn admit(&self, batch: Batch, judge: Arc<dyn Judge>) -> Answer<'_, Vec<Touched>> {
        let admitted = self.admitted.clone();
        self.write("admit", move |writer| {
            let touched = writer.commit(Durability::Rows, |tx| admit::admit(tx, &batch, &*judge))?;
            admitted.send_modify(|count| *count += 1);
            Ok(touched)
        })
    }

    fn settle(&self, settled: Settled) -> Answer<'_, ()> {
        self.write("settle", move |writer| writer.commit(Durability::Rows, |tx| places::settle(tx, &settled)))
    }

    fn sync(&self) -> Answer<'_, Vec<Place>> {
        self.write("sync", places::sync)
    }

    fn places(&self) -> Answer<'_, Vec<Place>> {
        self.read("places", |connection| Ok(places::places(connection)?))
    }

    fn fence(&self, ends: Vec<Position>) -> Answer<'_, ()> {
        self.write("fence", move |writer| writer.commit(Durability::Decision, |tx| places::fence(tx, &ends)))
    }

    fn fences(&self) -> Answer<'_, Vec<Position>> {
        self.read("fences", |connection| Ok(places::fences(connection)?))
    }

    fn submission(&self, id: SubmissionId) -> Answer<'_, Option<SubmissionState>> {
        self.read("submission", move |connection| Ok(read::submissions::one(connection, id)?))
    }

    fn items(&self, id: SubmissionId, page: PageRequest) -> Answer<'_, Page<StoredItem>> {
        self.read("items", move |connection| read::items::page(connection, id, &page))
    }

    fn submissions(&self, query: SubmissionQuery, page: PageRequest) -> Answer<'_, Page<SubmissionState>> {
        self.read("submissions", move |connection| read::submissions::page(connection, &query, &page))
    }

    fn reports(&self, lab: LabId, number: String) -> Answer<'_, Vec<StoredReport>> {
        self.read("reports", move |connection| Ok(read::reports::of_number(connection, &lab, &number)?))
    }

    fn reports_of_day(&self, lab: LabId, day: Date, page: PageRequest) -> Answer<'_, Page<StoredReport>> {
        self.read("reports_of_day", move |connection| read::reports::of_day(connection, &lab, day, &page))
    }

    fn reports_of_person(&self, person: PersonKey, page: PageRequest) -> Answer<'_, Page<StoredReport>> {
        self.read("reports_of_person", move |connection| read::reports::of_person(connection, person, &page))
    }

    fn persons_of_phone(&self, phone: PhoneKey) -> Answer<'_, Vec<PersonKey>> {
        self.read("persons_of_phone", move |connection| Ok(read::reports::persons_of_phone(connection, phone)?))
    }

    fn held(&self, reason: Reason, page: PageRequest) -> Answer<'_, Page<StoredReport>> {
        self.read("held", move |connection| read::held::page(connection, reason, &page))
    }

    fn held_counts(&self) -> Answer<'_, Vec<HeldCount>> {
        self.read("held_counts", |connection| Ok(read::held::counts(connection)?))
    }

    fn labs(&self) -> Answer<'_, (u64, Vec<(LabId, String)>)> {
        self.read("labs", |connection| Ok(labs::all(connection)?))
    }

    fn put_lab(&self, lab: LabId, expected: Option<String>, document: String) -> Answer<'_, bool> {
        self.write("put_lab", move |writer| {
            writer.commit(Durability::Decision, |tx| labs::put(tx, &lab, expected.as_deref(), &document))
        })
    }

    fn admitted(&self) -> watch::Receiver<u64> {
        self.admitted.subscribe()
    }
}
