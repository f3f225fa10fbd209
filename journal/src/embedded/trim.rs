//! Retention: lets go of the oldest records, a slice a transaction, so that appends go on between two slices.

use jiff::Timestamp;
use rusqlite::{Connection, Transaction};
use tokio::sync::oneshot;

use super::schema;
use crate::{AppendError, Topic};

/// A slice ends at either, so that it takes milliseconds.
const SLICE_RECORDS: i64 = 1_000;
const SLICE_BYTES: i64 = 8 * 1024 * 1024;

/// A trim under way.
pub(super) struct Trim {
    topic: Topic,
    before: u64,
    older_than_ms: i64,
    deleted: u64,
    pub(super) answer: oneshot::Sender<Result<u64, AppendError>>,
}

impl Trim {
    pub(super) fn new(
        topic: Topic,
        before: u64,
        older_than: Timestamp,
        answer: oneshot::Sender<Result<u64, AppendError>>,
    ) -> Self {
        // A record kept to the millisecond is older than a time within that millisecond.
        let older_than_ms = older_than.as_millisecond() + i64::from(older_than.subsec_nanosecond() % 1_000_000 > 0);
        Self { topic, before, older_than_ms, deleted: 0, answer }
    }

    /// Deletes one slice; tells the total once nothing is left to delete.
    pub(super) fn slice(&mut self, conn: &mut Connection) -> rusqlite::Result<Option<u64>> {
        let transaction = conn.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        let Some(last) = self.last_of_slice(&transaction)? else {
            return Ok(Some(self.deleted));
        };
        let deleted = transaction.prepare_cached(schema::statements(self.topic).delete)?.execute([last])?;
        transaction.commit()?;
        self.deleted += deleted as u64;
        Ok(None)
    }

    /// The last record to delete now. Ends at the first that stays, whatever follows: no holes.
    fn last_of_slice(&self, transaction: &Transaction<'_>) -> rusqlite::Result<Option<i64>> {
        let mut statement = transaction.prepare_cached(schema::statements(self.topic).oldest)?;
        let mut rows = statement.query([SLICE_RECORDS])?;
        let (mut last, mut bytes) = (None, 0);
        while let Some(row) = rows.next()? {
            let (offset, at): (i64, i64) = (row.get(0)?, row.get(1)?);
            if offset as u64 >= self.before || at >= self.older_than_ms || bytes >= SLICE_BYTES {
                break;
            }
            last = Some(offset);
            bytes += row.get::<_, i64>(2)?;
        }
        Ok(last)
    }
}
