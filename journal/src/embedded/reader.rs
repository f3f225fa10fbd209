//! Reading: a few connections beside the writer's, each used for one short read at a time.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use bytes::Bytes;
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row};
use tokio::sync::Semaphore;

use super::{codec, schema};
use crate::{Ends, Limit, Position, ReadError, Stored, Topic};

/// Reads at the same time, over all subscriptions and pages.
const CONNECTIONS: usize = 8;

/// A read gives back what it has after this long: while it runs, the write-ahead log cannot begin anew.
const LONGEST_READ: Duration = Duration::from_millis(500);

/// A row that this version did not write.
#[derive(Debug, thiserror::Error)]
#[error("record {offset} of topic {topic} is damaged")]
struct Damaged {
    topic: Topic,
    offset: u64,
}

/// The connections that read.
pub(super) struct Readers {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
    turns: Arc<Semaphore>,
}

impl Readers {
    pub(super) fn new(path: PathBuf) -> Arc<Self> {
        Arc::new(Self { path, idle: Mutex::default(), turns: Arc::new(Semaphore::new(CONNECTIONS)) })
    }

    /// Does `work` with a connection, off the async threads. Dropping the future lets the work end unseen.
    pub(super) async fn run<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Connection) -> Result<T, ReadError> + Send + 'static,
    ) -> Result<T, ReadError> {
        let turn = Arc::clone(&self.turns).acquire_owned().await.map_err(unavailable)?;
        let readers = Arc::clone(self);
        let done = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            let idle = readers.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let conn = match idle {
                Some(conn) => conn,
                None => schema::reader(&readers.path).map_err(unavailable)?,
            };
            let got = work(&conn);
            // After an error the next read begins with a new connection.
            if !matches!(got, Err(ReadError::Unavailable(_))) {
                readers.idle.lock().unwrap_or_else(PoisonError::into_inner).push(conn);
            }
            got
        });
        done.await.map_err(unavailable)?
    }
}

/// The records from the first at or after `from`.
pub(super) fn records(conn: &Connection, topic: Topic, from: u64, limit: Limit) -> Result<Vec<Stored>, ReadError> {
    let Ok(from) = i64::try_from(from) else { return Ok(Vec::new()) };
    let most = i64::try_from(limit.records.max(1)).unwrap_or(i64::MAX);
    let mut statement = conn.prepare_cached(schema::statements(topic).read).map_err(unavailable)?;
    let mut rows = statement.query((from, most)).map_err(unavailable)?;
    let (mut found, mut bytes) = (Vec::new(), 0);
    let began = Instant::now();
    while let Some(row) = rows.next().map_err(unavailable)? {
        let next = stored(row, topic)?;
        bytes += weight(&next);
        if !found.is_empty() && (bytes > limit.bytes || began.elapsed() > LONGEST_READ) {
            break;
        }
        found.push(next);
    }
    Ok(found)
}

/// The records from `from` on, which must be kept.
pub(super) fn records_kept(conn: &Connection, topic: Topic, from: u64, limit: Limit) -> Result<Vec<Stored>, ReadError> {
    let found = records(conn, topic, from, limit)?;
    // What is kept has no holes, so another first record means that this one was trimmed.
    if found.first().is_none_or(|first| first.position.offset != from) {
        let ends = ends(conn, topic)?;
        return Err(out_of_range(topic, from, ends));
    }
    Ok(found)
}

/// The place is outside what is kept.
pub(super) fn out_of_range(topic: Topic, offset: u64, ends: Ends) -> ReadError {
    let at = Position { partition: ends.partition, offset };
    ReadError::OutOfRange { topic, at, first: ends.first, next: ends.next }
}

/// The ends of a topic's one partition.
pub(super) fn ends(conn: &Connection, topic: Topic) -> Result<Ends, ReadError> {
    let (first, last): (Option<i64>, Option<i64>) = conn
        .prepare_cached(schema::statements(topic).ends)
        .and_then(|mut statement| statement.query_row([], |row| Ok((row.get(0)?, row.get(1)?))))
        .map_err(unavailable)?;
    let next = last.unwrap_or(0) as u64 + 1;
    Ok(Ends { partition: 0, first: first.map_or(next, |first| first as u64), next })
}

/// What was mirrored.
pub(super) fn mirrored(conn: &Connection, topic: Topic, partition: u32) -> Result<Option<u64>, ReadError> {
    let next: Option<i64> = conn
        .prepare_cached("SELECT next FROM mirror WHERE topic = ?1 AND partition = ?2")
        .and_then(|mut statement| statement.query_row((topic.as_str(), partition), |row| row.get(0)).optional())
        .map_err(unavailable)?;
    Ok(next.map(|next| next as u64))
}

/// Any failure to read.
pub(super) fn unavailable(error: impl std::error::Error + Send + Sync + 'static) -> ReadError {
    ReadError::Unavailable(Arc::new(error))
}

/// As [`crate::Record::bytes`].
fn weight(stored: &Stored) -> usize {
    let headers: usize = stored.headers.iter().map(|(name, value)| name.len() + value.len()).sum();
    stored.key.len() + headers + stored.value.len()
}

fn stored(row: &Row<'_>, topic: Topic) -> Result<Stored, ReadError> {
    let offset = row.get::<_, i64>(0).map_err(unavailable)? as u64;
    let damaged = || unavailable(Damaged { topic, offset });
    let blob = |column| {
        let bytes = row.get_ref(column).ok()?.as_blob().ok()?;
        Some(Bytes::copy_from_slice(bytes))
    };
    let at = row.get(1).map_err(unavailable)?;
    Ok(Stored {
        position: Position { partition: 0, offset },
        key: blob(2).ok_or_else(damaged)?,
        headers: blob(3).and_then(codec::decode).ok_or_else(damaged)?,
        value: blob(4).ok_or_else(damaged)?,
        timestamp: Timestamp::from_millisecond(at).map_err(|_| damaged())?,
    })
}
