//! A journal in memory that can refuse, fail in the middle, and wait.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use ::journal::{
    AppendError, BoxFuture, Ends, Health, Journal, Limit, Places, Position, ReadError, Record, Stored, Subscription,
    Topic,
};
use jiff::Timestamp;
use schemas::chunk::ChunkHeader;
use tokio::sync::Semaphore;

/// What the next appends do.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Mode {
    Takes,
    Full,
    Unavailable,
    /// All but the last record of an append are taken.
    Partial,
}

/// What was appended: the header, and as much of the value as tests look at.
#[derive(Debug, Clone)]
pub(crate) struct Kept {
    pub(crate) header: ChunkHeader,
    pub(crate) key: String,
    pub(crate) value: Vec<u8>,
    pub(crate) bytes: usize,
}

pub(crate) struct MemoryJournal {
    pub(crate) mode: Mutex<Mode>,
    /// Each append takes a permit: with none, it waits.
    pub(crate) gate: Semaphore,
    pub(crate) waiting: AtomicUsize,
    kept: Mutex<Vec<Kept>>,
}

impl MemoryJournal {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            mode: Mutex::new(Mode::Takes),
            gate: Semaphore::new(1 << 20),
            waiting: AtomicUsize::new(0),
            kept: Mutex::default(),
        })
    }

    pub(crate) fn set(&self, mode: Mode) {
        *self.mode.lock().unwrap() = mode;
    }

    /// What was appended so far.
    pub(crate) fn kept(&self) -> Vec<Kept> {
        self.kept.lock().unwrap().clone()
    }

    fn take(&self, record: Record) -> Position {
        let (name, header) = &record.headers[0];
        assert_eq!(*name, "chunk");
        let header: ChunkHeader = serde_json::from_slice(header).unwrap();
        assert_eq!(header.received_at, record.timestamp);
        let mut kept = self.kept.lock().unwrap();
        kept.push(Kept {
            header,
            key: String::from_utf8(record.key.to_vec()).unwrap(),
            bytes: record.value.len(),
            value: record.value[..record.value.len().min(1 << 20)].to_vec(),
        });
        Position { partition: 3, offset: kept.len() as u64 - 1 }
    }
}

fn gone() -> Arc<std::io::Error> {
    Arc::new(std::io::Error::other("gone"))
}

fn no_part<T: Send + 'static>() -> BoxFuture<'static, Result<T, ReadError>> {
    Box::pin(async { Err(ReadError::Unavailable(gone())) })
}

impl Journal for MemoryJournal {
    fn id(&self) -> BoxFuture<'_, Result<String, ReadError>> {
        Box::pin(async { Ok("memory".to_owned()) })
    }

    fn append(&self, topic: Topic, records: Vec<Record>) -> BoxFuture<'_, Vec<Result<Position, AppendError>>> {
        assert_eq!(topic, Topic::Uploads);
        Box::pin(async move {
            self.waiting.fetch_add(1, Ordering::SeqCst);
            self.gate.acquire().await.unwrap().forget();
            self.waiting.fetch_sub(1, Ordering::SeqCst);
            let (mode, last) = (*self.mode.lock().unwrap(), records.len() - 1);
            let answer = |(index, record)| match mode {
                Mode::Full => Err(AppendError::Full),
                Mode::Unavailable => Err(AppendError::Unavailable(gone())),
                Mode::Partial if index == last => Err(AppendError::Unavailable(gone())),
                Mode::Takes | Mode::Partial => Ok(self.take(record)),
            };
            records.into_iter().enumerate().map(answer).collect()
        })
    }

    fn subscribe(&self, _: Topic, _: Arc<dyn Places>) -> BoxFuture<'_, Result<Box<dyn Subscription>, ReadError>> {
        no_part()
    }
    fn read(&self, _: Topic, _: Position, _: Limit) -> BoxFuture<'_, Result<Vec<Stored>, ReadError>> {
        no_part()
    }
    fn ends(&self, _: Topic) -> BoxFuture<'_, Result<Vec<Ends>, ReadError>> {
        no_part()
    }
    fn mirror(&self, _: Topic, _: Position) -> BoxFuture<'_, Result<(), AppendError>> {
        Box::pin(async { Err(AppendError::Full) })
    }
    fn mirrored(&self, _: Topic, _: u32) -> BoxFuture<'_, Result<Option<u64>, ReadError>> {
        no_part()
    }
    fn trim(&self, _: Topic, _: Position, _: Timestamp) -> BoxFuture<'_, Result<u64, AppendError>> {
        Box::pin(async { Err(AppendError::Full) })
    }
    fn health(&self) -> Health {
        Health::Ready
    }
    fn pending_bytes(&self) -> usize {
        0
    }
    fn durability(&self) -> &'static str {
        "none"
    }
}
