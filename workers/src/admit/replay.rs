//! Admitting again what the journal keeps: what is stored stays, what is missing comes back, nobody is told twice.

use std::sync::Arc;

use journal::{Position, ReadError, Topic};
use schemas::{
    SubmissionId,
    chunk::{ChunkHeader, HEADER},
};
use store::{Batch, Settled, StoreError};
use tokio_util::sync::CancellationToken;

use super::{Admission, decode::Decoded, emit, emit::append_all, judge::RuleBook, reader};

/// Which records to admit again.
#[derive(Debug, Clone, Copy)]
pub struct Replay {
    /// The first, whose partition alone is read (the first kept where it lies before); none: all that is kept of every
    /// partition.
    pub from: Option<Position>,
    /// The last, itself included, whose partition alone is read; none: up to the end. [`Replay::from`] is of the same
    /// partition or none.
    pub to: Option<Position>,
    /// Only this upload's.
    pub submission: Option<SubmissionId>,
    /// Count, and store nothing.
    pub dry_run: bool,
}

/// What a replay went through.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Replayed {
    /// Records.
    pub records: u64,
    /// Items in them.
    pub items: u64,
    /// Tasks emitted: of versions that are due and were never told of.
    pub tasks: u64,
}

/// Why a replay stopped. Everything before it is done; the same again is harmless.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The journal could not be read.
    #[error("the journal cannot be read")]
    Journal(#[from] ReadError),
    /// The store did not take a batch.
    #[error("the store did not take what was replayed")]
    Store(#[from] StoreError),
    /// It was told to stop.
    #[error("the replay was stopped before its end")]
    Stopped,
}

impl Admission {
    /// Admits a range again. The reader's place stays where it is; dead letters are not written a second time.
    ///
    /// # Errors
    /// A [`ReplayError`].
    pub async fn replay(&self, replay: Replay, stop: &CancellationToken) -> Result<Replayed, ReplayError> {
        let (mut done, mut settled) = (Replayed::default(), Settled::default());
        let mut decoding = self.decoding();
        for mut from in self.begins(&replay).await? {
            while !stop.is_cancelled() {
                let page = self.settings.journal.read(Topic::Uploads, from, self.settings.batch).await?;
                let Some(last) = page.last() else { break };
                from = Position { offset: last.position.offset + 1, ..last.position };
                let wanted = page.into_iter().filter(|record| replay.wants(record)).collect();
                let batch;
                (decoding, batch) = reader::decode(decoding, wanted).await;
                done.records += batch.records.len() as u64;
                done.items += batch.records.iter().map(|record| record.items.len() as u64).sum::<u64>();
                if !replay.dry_run && !batch.records.is_empty() {
                    settled = self.admit_again(batch, std::mem::take(&mut settled), stop).await?;
                    done.tasks += settled.emitted.len() as u64;
                }
                if replay.to.is_some_and(|to| from.offset > to.offset) {
                    break;
                }
            }
        }
        self.settings.store.settle(settled).await?;
        if stop.is_cancelled() { Err(ReplayError::Stopped) } else { Ok(done) }
    }

    /// Where each partition that is asked for begins.
    async fn begins(&self, replay: &Replay) -> Result<Vec<Position>, ReadError> {
        if let Some(from) = replay.from {
            return Ok(vec![from]);
        }
        let ends = self.settings.journal.ends(Topic::Uploads).await?;
        let begins = ends.iter().map(|ends| Position { partition: ends.partition, offset: ends.first });
        Ok(begins.filter(|begin| replay.to.is_none_or(|to| to.partition == begin.partition)).collect())
    }

    async fn admit_again(
        &self,
        batch: Decoded,
        settled: Settled,
        stop: &CancellationToken,
    ) -> Result<Settled, ReplayError> {
        let rows = Batch { settled, records: batch.records };
        let touched = self.settings.store.admit(rows, Arc::new(RuleBook::default())).await?;
        let due = emit::due(touched, &self.keys, &batch.traces);
        let journal = self.settings.journal.as_ref();
        append_all(journal, Topic::Notifications, due.records, stop).await.map_err(|_drained| ReplayError::Stopped)?;
        Ok(Settled { place: None, emitted: due.emitted })
    }
}

impl Replay {
    fn wants(&self, record: &journal::Stored) -> bool {
        let header = || record.header(HEADER).and_then(|bytes| serde_json::from_slice::<ChunkHeader>(bytes).ok());
        self.to.is_none_or(|to| record.position <= to)
            && self.submission.is_none_or(|id| header().is_some_and(|header| header.submission == id))
    }
}
