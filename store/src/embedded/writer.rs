//! The one thread that writes: it owns the write connection and does what a bounded queue brings, in order.

use std::{
    io,
    sync::Arc,
    thread::{self, JoinHandle},
};

use rusqlite::{Connection, ErrorCode, Transaction, TransactionBehavior};
use tokio::sync::mpsc;

use super::{OnStep, Step, checkpoint::Checkpoints};
use crate::StoreError;

/// Jobs that may wait: a batch is megabytes, and who waits is told so by waiting.
const QUEUE: usize = 8;

/// One thing to do with the write connection.
pub(super) type Job = Box<dyn FnOnce(&mut Writer) + Send>;

/// Starts the thread. It ends when every sender is dropped and the queue is empty.
pub(super) fn start(mut writer: Writer) -> io::Result<(mpsc::Sender<Job>, JoinHandle<()>)> {
    let (jobs, mut queue) = mpsc::channel::<Job>(QUEUE);
    let thread = thread::Builder::new().name("store-writer".into()).spawn(move || {
        while let Some(job) = queue.blocking_recv() {
            job(&mut writer);
        }
    })?;
    Ok((jobs, thread))
}

/// What a commit promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Durability {
    /// Rows that the journal would bring again: the commit does not wait for the disk.
    Rows,
    /// What a person decided: fsynced, and with it every commit before it, for they share the write-ahead log.
    Decision,
}

/// The write connection.
pub(super) struct Writer {
    connection: Connection,
    checkpoints: Checkpoints,
    on_step: Option<OnStep>,
    durability: Durability,
    /// True where a commit may not be on the disk yet.
    pub(super) unsynced: bool,
    failed: Option<Arc<rusqlite::Error>>,
}

impl Writer {
    /// A writer on a connection that is set up with `synchronous=NORMAL`.
    pub(super) fn new(connection: Connection, checkpoints: Checkpoints, on_step: Option<OnStep>) -> Self {
        // What an earlier process committed may still be in the system's cache alone.
        Self { connection, checkpoints, on_step, durability: Durability::Rows, unsynced: true, failed: None }
    }

    /// Does `work` in one transaction and commits it.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] after a rollback; [`StoreError::Failed`] where the file or the disk is broken, and
    /// from then on for every call.
    pub(super) fn commit<T>(
        &mut self,
        durability: Durability,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        if let Some(cause) = &self.failed {
            return Err(StoreError::Failed(Arc::clone(cause) as _));
        }
        match self.transaction(durability, work) {
            Ok(value) => {
                self.unsynced = true;
                self.checkpoints.after_commit(&self.connection);
                Ok(value)
            }
            Err(error) => Err(self.judge(error)),
        }
    }

    /// Reads on the write connection: what every commit before it left.
    pub(super) fn read<T>(&mut self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, StoreError> {
        work(&self.connection).map_err(|error| self.judge(error))
    }

    fn transaction<T>(
        &mut self,
        durability: Durability,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        if self.durability != durability {
            let level = if durability == Durability::Decision { "FULL" } else { "NORMAL" };
            self.connection.pragma_update(None, "synchronous", level)?;
            self.durability = durability;
        }
        let tx = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let value = work(&tx)?;
        let step = |step| self.on_step.iter().for_each(|on_step| on_step(step));
        step(Step::BeforeCommit);
        tx.commit()?;
        step(Step::AfterCommit);
        Ok(value)
    }

    fn judge(&mut self, error: rusqlite::Error) -> StoreError {
        let error = Arc::new(error);
        // A transaction that is still open could not be rolled back.
        if self.connection.is_autocommit() && !is_broken(&error) {
            return StoreError::Unavailable(error);
        }
        self.failed = Some(Arc::clone(&error));
        StoreError::Failed(error)
    }
}

/// True where trying again on the same handle could only make it worse: after a failed fsync the system may report
/// the same pages as clean.
fn is_broken(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(
            ErrorCode::SystemIoFailure
                | ErrorCode::DatabaseCorrupt
                | ErrorCode::NotADatabase
                | ErrorCode::InternalMalfunction
                | ErrorCode::CannotOpen
        )
    )
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rusqlite::ffi;

    use super::*;
    use crate::embedded::open;

    fn writer(folder: &tempfile::TempDir) -> Writer {
        let path = folder.path().join("store.db");
        let connection = open::writable(&path, true).unwrap().connection;
        Writer::new(connection, Checkpoints::start(&path).unwrap(), None)
    }

    fn insert(writer: &mut Writer, document: &str) -> Result<usize, StoreError> {
        writer.commit(Durability::Rows, |tx| {
            tx.execute("INSERT INTO labs VALUES (lower(hex(randomblob(8))), ?1)", [document])
        })
    }

    #[test]
    fn a_full_disk_changes_nothing_and_the_same_handle_goes_on_when_there_is_room() {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = writer(&folder);
        let pages: i64 = writer.connection.query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap();
        writer.connection.query_row(&format!("PRAGMA max_page_count = {}", pages + 1), [], |_| Ok(())).unwrap();
        assert!(matches!(insert(&mut writer, &"x".repeat(100_000)), Err(StoreError::Unavailable(_))));
        writer.connection.query_row("PRAGMA max_page_count = 100000", [], |_| Ok(())).unwrap();
        insert(&mut writer, &"x".repeat(100_000)).unwrap();
        let rows = writer.read(|c| c.query_row("SELECT count(*) FROM labs", [], |row| row.get::<_, i64>(0)));
        assert_eq!(rows.unwrap(), 1);
    }

    #[test]
    fn a_lock_that_another_process_keeps_is_no_end() {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = writer(&folder);
        writer.connection.busy_timeout(Duration::ZERO).unwrap();
        let other = open::writable(&folder.path().join("store.db"), false).unwrap().connection;
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        assert!(matches!(insert(&mut writer, "{}"), Err(StoreError::Unavailable(_))));
        other.execute_batch("ROLLBACK").unwrap();
        insert(&mut writer, "{}").unwrap();
    }

    #[test]
    fn a_broken_disk_ends_the_handle_and_lack_of_room_or_patience_does_not() {
        let folder = tempfile::tempdir().unwrap();
        for (code, broken) in [
            (ffi::SQLITE_BUSY, false),
            (ffi::SQLITE_FULL, false),
            (ffi::SQLITE_NOMEM, false),
            (ffi::SQLITE_IOERR_FSYNC, true),
            (ffi::SQLITE_IOERR_WRITE, true),
            (ffi::SQLITE_CORRUPT, true),
        ] {
            let mut writer = writer(&folder);
            let error = || rusqlite::Error::SqliteFailure(ffi::Error::new(code), None);
            let answer = writer.commit(Durability::Rows, |_| Err::<(), _>(error()));
            assert_eq!(matches!(answer, Err(StoreError::Failed(_))), broken, "code {code}");
            assert_eq!(matches!(insert(&mut writer, "{}"), Err(StoreError::Failed(_))), broken, "after code {code}");
        }
    }
}
