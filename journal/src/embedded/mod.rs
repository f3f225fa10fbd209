//! The journal of one machine: a SQLite file, one writer thread, group commit.
//!
//! The writer takes all appends that have queued up, writes them in one transaction, commits with one fsync
//! (`synchronous=FULL`) and only then acknowledges them. Every topic has one partition, 0; offsets begin at 1, rise by
//! one a record and are never given twice, also when everything before them was trimmed. [`Journal::trim`] lets go of
//! a prefix: it stops at the first record that is young enough to stay, so what is kept has no holes.
//!
//! A failed commit or fsync is final for the handle (what the disk holds is unknown until the file is opened
//! again): appends answer [`AppendError::Unavailable`], [`Journal::health`] tells [`Health::Failed`]. A full disk
//! is not final: nothing of a refused append stays, and appends succeed as soon as there is room.

mod checkpoint;
mod codec;
mod disk;
mod reader;
mod schema;
mod shared;
mod subscription;
mod trim;
mod writer;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread::JoinHandle,
};

use jiff::Timestamp;
use tokio::sync::{oneshot, watch};

pub use self::schema::OpenError;
use self::{
    reader::Readers,
    shared::{Shared, Unable},
    subscription::EmbeddedSubscription,
    writer::{Append, Command, Mirror, Writer},
};
use crate::{
    AppendError, BoxFuture, Ends, Health, Journal, Limit, Places, Position, ReadError, Record, Stored, Subscription,
    Topic,
};

/// Commands that wait for the writer at most; bytes are bounded apart, by [`Options::queue_bytes`].
const QUEUE_COMMANDS: usize = 8_192;

const MIB: usize = 1024 * 1024;

/// Called by the writer thread at each [`Step`].
pub type OnStep = Arc<dyn Fn(Step) + Send + Sync>;

/// Places on the way of a commit at which a test ends the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// All rows of the transaction are written, none is durable.
    BeforeCommit,
    /// The transaction is durable; nobody knows.
    AfterCommit,
    /// Readers know, the appenders do not.
    BeforeAcknowledge,
}

/// How a journal is opened.
#[derive(Clone)]
pub struct Options {
    /// The file, `journal.db` in the data folder; created where there is none. Its folder exists.
    pub path: PathBuf,
    /// Once this much is taken and not acknowledged, appends answer [`AppendError::Full`] at once. One append may
    /// pass the limit, whatever its size.
    pub queue_bytes: usize,
    /// Free space of the file system below which appends answer [`AppendError::Full`]. At least the write-ahead log's
    /// limit, so that the log can always be emptied into the file.
    pub disk_reserve_bytes: u64,
    /// The write-ahead log is emptied before it passes this by more than a few MiB.
    pub wal_limit_bytes: u64,
    /// For tests only: called at each [`Step`], in the writer thread, to end the process or to hold it there.
    pub on_step: Option<OnStep>,
}

impl Options {
    /// The defaults: 64 MiB each of queue, reserve and write-ahead log.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            queue_bytes: 64 * MIB,
            disk_reserve_bytes: 64 * MIB as u64,
            wal_limit_bytes: 64 * MIB as u64,
            on_step: None,
        }
    }
}

/// The embedded journal. Dropping the last handle waits until what was taken is written.
pub struct EmbeddedJournal {
    id: String,
    readers: Arc<Readers>,
    /// None on a journal opened for reading only.
    inlet: Option<Inlet>,
}

/// The way to the writer thread.
struct Inlet {
    commands: mpsc::SyncSender<Command>,
    ends: [watch::Receiver<u64>; 3],
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl EmbeddedJournal {
    /// Opens the journal, or makes a new one with a random id, and starts its threads. Blocks on the disk.
    ///
    /// Whoever calls holds the data folder: two writers would not see each other's records.
    ///
    /// # Errors
    /// [`OpenError`] says what to do.
    pub fn open(options: Options) -> Result<Arc<Self>, OpenError> {
        let (conn, id) = schema::open_writer(&options.path, options.wal_limit_bytes)?;
        let shared = Arc::new(Shared::new(&options));
        let (commands, inbox) = mpsc::sync_channel(QUEUE_COMMANDS);
        let path = options.path.clone();
        let (writer, ends) = Writer::new(conn, Arc::clone(&shared), options, inbox)?;
        let thread = schema::spawn(&path, "journal-writer", move || writer.run())?;
        let inlet = Inlet { commands, ends, shared, thread: Mutex::new(Some(thread)) };
        Ok(Arc::new(Self { id, readers: Readers::new(path), inlet: Some(inlet) }))
    }

    /// Opens a journal for reading beside the process that writes it. Appends answer [`AppendError::Unavailable`];
    /// there are no subscriptions, for nothing wakes them across processes.
    ///
    /// # Errors
    /// [`OpenError`] says what to do.
    pub fn open_read_only(path: &Path) -> Result<Arc<Self>, OpenError> {
        let (_, id) = schema::open_reader(path)?;
        Ok(Arc::new(Self { id, readers: Readers::new(path.to_owned()), inlet: None }))
    }

    /// Writes what was taken, ends the threads and waits for them. Appends answer [`AppendError::Unavailable`] from
    /// then on. Calling it again does nothing.
    pub fn close(&self) {
        let Some(inlet) = &self.inlet else { return };
        let thread = inlet.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            // It fails only when the thread has ended by itself.
            let _ = inlet.commands.send(Command::Close);
            let _ = thread.join();
        }
    }

    fn inlet(&self) -> Result<&Inlet, AppendError> {
        self.inlet.as_ref().ok_or_else(|| Unable::ReadOnly.append())
    }
}

impl Drop for EmbeddedJournal {
    fn drop(&mut self) {
        self.close();
    }
}

impl Inlet {
    /// Queues an append and waits for the offset of its first record.
    async fn append(&self, topic: Topic, records: Vec<Record>) -> Result<u64, AppendError> {
        if let Some(reason) = self.shared.failed() {
            return Err(Unable::Failed(reason.to_owned()).append());
        }
        let bytes = records.iter().map(Record::bytes).sum();
        let pending = self.shared.room.take(bytes).ok_or(AppendError::Full)?;
        let (answer, answered) = oneshot::channel();
        let append = Append { topic, records, pending, answer };
        self.commands.try_send(Command::Append(append)).map_err(|refused| match refused {
            mpsc::TrySendError::Full(_) => AppendError::Full,
            mpsc::TrySendError::Disconnected(_) => Unable::Closed.append(),
        })?;
        answered.await.unwrap_or_else(|_| Err(Unable::Closed.append()))
    }

    /// Queues a command that is not an append and waits for its answer.
    async fn ask<T>(
        &self,
        command: impl FnOnce(oneshot::Sender<Result<T, AppendError>>) -> Command,
    ) -> Result<T, AppendError> {
        let (answer, answered) = oneshot::channel();
        self.commands.try_send(command(answer)).map_err(|refused| match refused {
            mpsc::TrySendError::Full(_) => Unable::Queue.append(),
            mpsc::TrySendError::Disconnected(_) => Unable::Closed.append(),
        })?;
        answered.await.unwrap_or_else(|_| Err(Unable::Closed.append()))
    }
}

impl Journal for EmbeddedJournal {
    fn id(&self) -> BoxFuture<'_, Result<String, ReadError>> {
        Box::pin(async { Ok(self.id.clone()) })
    }

    fn append(&self, topic: Topic, records: Vec<Record>) -> BoxFuture<'_, Vec<Result<Position, AppendError>>> {
        Box::pin(async move {
            let count = records.len();
            if count == 0 {
                return Vec::new();
            }
            let first = match self.inlet() {
                Ok(inlet) => inlet.append(topic, records).await,
                Err(error) => Err(error),
            };
            match first {
                Ok(first) => (first..).take(count).map(|offset| Ok(Position { partition: 0, offset })).collect(),
                Err(error) => vec![Err(error); count],
            }
        })
    }

    fn subscribe(
        &self,
        topic: Topic,
        places: Arc<dyn Places>,
    ) -> BoxFuture<'_, Result<Box<dyn Subscription>, ReadError>> {
        Box::pin(async move {
            let inlet = self.inlet.as_ref().ok_or_else(|| Unable::ReadOnly.read())?;
            let end = inlet.ends[topic as usize].clone();
            let subscription = EmbeddedSubscription::new(Arc::clone(&self.readers), topic, end, &*places).await?;
            Ok(Box::new(subscription) as Box<dyn Subscription>)
        })
    }

    fn read(&self, topic: Topic, from: Position, limit: Limit) -> BoxFuture<'_, Result<Vec<Stored>, ReadError>> {
        Box::pin(async move {
            if from.partition != 0 {
                return Ok(Vec::new());
            }
            self.readers.run(move |conn| reader::records(conn, topic, from.offset, limit)).await
        })
    }

    fn ends(&self, topic: Topic) -> BoxFuture<'_, Result<Vec<Ends>, ReadError>> {
        Box::pin(async move { Ok(vec![self.readers.run(move |conn| reader::ends(conn, topic)).await?]) })
    }

    fn mirror(&self, topic: Topic, next: Position) -> BoxFuture<'_, Result<(), AppendError>> {
        Box::pin(async move { self.inlet()?.ask(|answer| Command::Mirror(Mirror { topic, next, answer })).await })
    }

    fn mirrored(&self, topic: Topic, partition: u32) -> BoxFuture<'_, Result<Option<u64>, ReadError>> {
        Box::pin(async move { self.readers.run(move |conn| reader::mirrored(conn, topic, partition)).await })
    }

    fn trim(&self, topic: Topic, before: Position, older_than: Timestamp) -> BoxFuture<'_, Result<u64, AppendError>> {
        Box::pin(async move {
            let inlet = self.inlet()?;
            if before.partition != 0 {
                return Ok(0);
            }
            inlet.ask(|answer| Command::Trim(trim::Trim::new(topic, before.offset, older_than, answer))).await
        })
    }

    fn health(&self) -> Health {
        match &self.inlet {
            Some(inlet) => inlet.shared.health(),
            None => Health::Failed(Unable::ReadOnly.to_string()),
        }
    }

    fn pending_bytes(&self) -> usize {
        self.inlet.as_ref().map_or(0, |inlet| inlet.shared.room.pending_bytes())
    }

    fn durability(&self) -> &'static str {
        "fsynced"
    }
}
