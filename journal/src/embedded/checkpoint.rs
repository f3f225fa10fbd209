//! Emptying the write-ahead log into the file.
//!
//! A thread of its own copies pages while the writer goes on. Under steady load it never reaches the log's end, so
//! when it has come close the writer copies the few pages that are left, and its next commit begins the log anew: the
//! file of the log is reused, not grown. Past the limit the writer empties the log itself before it goes on.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread::JoinHandle,
};

use rusqlite::{Connection, ErrorCode};

use super::{
    schema::{self, OpenError},
    shared::Shared,
};

/// The log is looked at after this much was written (or a quarter of its limit).
const INTERVAL_BYTES: u64 = 4 * 1024 * 1024;

/// Pages that a commit writes beside its records: the tree's path, the sequence.
const COMMIT_BYTES: u64 = 4 * 4096;

/// Passes of the thread over the log each time: what is written during one is left for the next.
const PASSES: usize = 3;

/// The writer's side.
pub(super) struct Checkpoints {
    wal: PathBuf,
    limit_bytes: u64,
    interval_bytes: u64,
    written: u64,
    near_end: Arc<AtomicBool>,
    /// Held during a pass: SQLite refuses a second one at the same time.
    passing: Arc<Mutex<()>>,
    /// None while dropping: the thread ends then.
    wake: Option<mpsc::SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Checkpoints {
    pub(super) fn start(path: &Path, limit_bytes: u64, shared: Arc<Shared>) -> Result<Self, OpenError> {
        let conn = schema::checkpointer(path)?;
        let near_end = Arc::new(AtomicBool::new(false));
        let passing = Arc::new(Mutex::new(()));
        // One wake-up waits at most: a second one would find the same log.
        let (wake, woken) = mpsc::sync_channel(1);
        let thread = schema::spawn(path, "journal-checkpoint", {
            let (near_end, passing) = (Arc::clone(&near_end), Arc::clone(&passing));
            move || {
                while let Ok(()) = woken.recv() {
                    match passes(&conn, &passing) {
                        Ok(complete) => near_end.store(!complete, Ordering::Release),
                        Err(error) => judge(&shared, &error),
                    }
                }
            }
        })?;
        let mut wal = OsString::from(path);
        wal.push("-wal");
        Ok(Self {
            wal: wal.into(),
            limit_bytes,
            interval_bytes: INTERVAL_BYTES.min(limit_bytes / 4),
            written: 0,
            near_end,
            passing,
            wake: Some(wake),
            thread: Some(thread),
        })
    }

    /// After a commit of `bytes`: does the writer's part.
    pub(super) fn committed(&mut self, conn: &Connection, bytes: u64, shared: &Shared) {
        if let Err(error) = self.work(conn, bytes) {
            judge(shared, &error);
        }
    }

    fn work(&mut self, conn: &Connection, bytes: u64) -> rusqlite::Result<()> {
        if self.near_end.swap(false, Ordering::AcqRel) {
            // The thread may be at it again, then it brings itself closer.
            pass(conn, "PRAGMA wal_checkpoint(PASSIVE)")?;
        }
        self.written += bytes + COMMIT_BYTES;
        if self.written < self.interval_bytes {
            return Ok(());
        }
        self.written = 0;
        if fs::metadata(&self.wal).is_ok_and(|file| file.len() > self.limit_bytes)
            && !pass_alone(conn, "PRAGMA wal_checkpoint(TRUNCATE)", &self.passing)?
        {
            tracing::warn!(
                limit_bytes = self.limit_bytes,
                "a reader keeps the journal's write-ahead log over its limit"
            );
        }
        if let Some(wake) = &self.wake {
            let _ = wake.try_send(());
        }
        Ok(())
    }
}

impl Drop for Checkpoints {
    fn drop(&mut self) {
        self.wake = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn passes(conn: &Connection, passing: &Mutex<()>) -> rusqlite::Result<bool> {
    for _ in 0..PASSES {
        if pass_alone(conn, "PRAGMA wal_checkpoint(PASSIVE)", passing)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn pass_alone(conn: &Connection, pragma: &str, passing: &Mutex<()>) -> rusqlite::Result<bool> {
    let _alone = passing.lock().unwrap_or_else(PoisonError::into_inner);
    pass(conn, pragma)
}

/// Copies what can be copied; tells whether that was all of the log.
fn pass(conn: &Connection, pragma: &str) -> rusqlite::Result<bool> {
    conn.query_row(pragma, [], |row| {
        let (busy, pages, copied): (i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        Ok(busy == 0 && pages == copied)
    })
}

/// Without room the log stays as it is, and appends find out; anything else may have lost a page that was copied.
fn judge(shared: &Shared, error: &rusqlite::Error) {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull | ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {}
        _ => shared.fail(format!("emptying the write-ahead log: {error}")),
    }
}
