//! Moves committed pages from the write-ahead log to the file, away from the writer, and keeps the log bounded.

use std::{
    io,
    path::Path,
    sync::mpsc::{SyncSender, sync_channel},
    thread::{self, JoinHandle},
    time::Duration,
};

use rusqlite::Connection;

use super::open;

/// Pages (4 KiB) in the log and not yet in the file at which a checkpoint is asked for: 64 MiB. Pages that change
/// often are written to the file once for all these commits.
const PASSIVE_PAGES: i64 = 16 << 10;

/// Pages of the log at which the writer stops and does the rest itself: 128 MiB. Under steady load the log is never
/// quite caught up with from beside, and would grow for ever.
const CAP_PAGES: i64 = 32 << 10;

/// How long the writer waits for readers when it begins the log anew; a read transaction is shorter than that.
const READERS_LEAVE: Duration = Duration::from_secs(1);

/// The thread that checkpoints; it ends with this value.
pub(super) struct Checkpoints {
    cap_pages: i64,
    wanted: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Checkpoints {
    /// Starts the thread on a connection of its own.
    pub(super) fn start(path: &Path) -> io::Result<Self> {
        let connection = open::checkpoint_connection(path).map_err(io::Error::other)?;
        // One that waits says all that ten would.
        let (wanted, wishes) = sync_channel(1);
        let thread = thread::Builder::new().name("store-checkpoint".into()).spawn(move || {
            while wishes.recv().is_ok() {
                if let Err(error) = checkpoint(&connection, "PASSIVE") {
                    tracing::warn!(%error, "a checkpoint of the store did not succeed; the next commits ask again");
                }
            }
        })?;
        Ok(Self { cap_pages: CAP_PAGES, wanted: Some(wanted), thread: Some(thread) })
    }

    /// To be called after each commit, on its connection. What goes wrong here is told again by the next commit.
    pub(super) fn after_commit(&self, writer: &Connection) {
        let outcome = checkpoint(writer, "NOOP").and_then(|log| {
            if log.pages >= self.cap_pages {
                writer.busy_timeout(READERS_LEAVE)?;
                // Not TRUNCATE: growing the file again costs more than writing over it.
                let restarted = checkpoint(writer, "RESTART");
                writer.busy_timeout(open::BUSY)?;
                restarted?;
            } else if log.pages - log.moved >= PASSIVE_PAGES {
                let _ = self.wanted.as_ref().map(|wanted| wanted.try_send(()));
            }
            Ok(())
        });
        if let Err(error) = outcome {
            tracing::warn!(%error, "the store's write-ahead log could not be begun anew");
        }
    }
}

impl Drop for Checkpoints {
    fn drop(&mut self) {
        self.wanted = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The write-ahead log after a checkpoint.
struct Log {
    pages: i64,
    moved: i64,
}

fn checkpoint(connection: &Connection, mode: &str) -> rusqlite::Result<Log> {
    let mut statement = connection.prepare_cached(&format!("PRAGMA wal_checkpoint({mode})"))?;
    statement.query_row([], |row| Ok(Log { pages: row.get(1)?, moved: row.get(2)? }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_writer_begins_a_log_anew_that_reached_its_cap() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.db");
        let writer = open::writable(&path, true).unwrap().connection;
        let checkpoints = Checkpoints { cap_pages: 300, wanted: None, thread: None };
        let fill = |pages: usize| {
            let sql = "INSERT INTO labs VALUES (lower(hex(randomblob(8))), ?1)";
            writer.execute(sql, ["x".repeat(pages * 4096)]).unwrap();
            checkpoints.after_commit(&writer);
            let log = checkpoint(&writer, "NOOP").unwrap();
            (log.pages / 100, log.moved / 100)
        };
        assert_eq!(fill(100), (1, 0));
        assert_eq!(fill(100), (2, 0));
        assert_eq!(fill(100), (3, 3), "at the cap all is moved");
        assert_eq!(fill(100), (1, 0), "and the next commit writes over the log's beginning");
    }
}
