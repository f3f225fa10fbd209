//! Reading beside the writer: a few connections, each on a blocking thread for as long as one answer takes.
//!
//! Every transaction here is short by construction, well under a second: a page is bounded in entries and bytes, and
//! each submission of a list is counted in a transaction of its own. A long one would keep the write-ahead log.

pub(super) mod held;
pub(super) mod items;
pub(super) mod reports;
pub(super) mod submissions;

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use rusqlite::Connection;
use tokio::sync::Semaphore;

use super::open;
use crate::{Page, StoreError, cursor::Scope};

/// Connections that read at once: more would only wait for the same disk.
const CONNECTIONS: usize = 4;

/// Why an answer could not be read.
pub(super) enum ReadError {
    Sqlite(rusqlite::Error),
    Store(StoreError),
}

impl From<rusqlite::Error> for ReadError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl From<StoreError> for ReadError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// The pool.
pub(super) struct Readers {
    path: PathBuf,
    permits: Arc<Semaphore>,
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, permits: Arc::new(Semaphore::new(CONNECTIONS)), idle: Mutex::default() }
    }

    /// Runs `work` on a blocking thread with a connection of its own.
    pub(super) async fn run<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Connection) -> Result<T, ReadError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let unavailable = |error| StoreError::Unavailable(error);
        // Kept until the work ends, also when nobody waits for it any more.
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(|error| unavailable(Arc::new(error)))?;
        let readers = Arc::clone(self);
        let task = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            let connection = match readers.idle().pop() {
                Some(connection) => connection,
                None => open::read_connection(&readers.path)?,
            };
            let answer = work(&connection);
            readers.idle().push(connection);
            answer
        });
        match task.await {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(ReadError::Sqlite(error))) => Err(unavailable(Arc::new(error))),
            Ok(Err(ReadError::Store(error))) => Err(error),
            Err(ended) => Err(unavailable(Arc::new(ended))),
        }
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A page of at most `limit` of `entries`, of which one more than that was read where there is one.
fn page<T>(mut entries: Vec<T>, limit: usize, scope: Scope, key: impl Fn(&T) -> (i64, i64)) -> Page<T> {
    let more = entries.len() > limit;
    entries.truncate(limit);
    let next = entries.last().filter(|_| more).map(|last| scope.after(key(last).into()));
    Page { items: entries, next }
}
