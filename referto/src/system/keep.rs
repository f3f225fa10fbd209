//! Retention: the journal lets go of uploads once they are old and safely stored.

use std::{sync::Arc, time::Duration};

use journal::{Journal, Topic};
use schemas::time::Clock;
use store::Store;
use tokio_util::sync::CancellationToken;

/// How often old records are looked for.
const EVERY: Duration = Duration::from_secs(3_600);
/// How much longer than uploads tasks are kept (contract: topics): a task has the time of its upload, and comes as late
/// as the upload is read.
const NOTIFICATIONS_KEPT_LONGER: Duration = Duration::from_secs(7 * 86_400);
/// How long dead letters are kept (contract: topics).
const DEAD_LETTERS_KEPT: Duration = Duration::from_secs(90 * 86_400);

/// What retention works on.
pub(super) struct Keep {
    pub(super) journal: Arc<dyn Journal>,
    pub(super) store: Arc<dyn Store>,
    pub(super) clock: Clock,
    pub(super) uploads_kept: Duration,
}

impl Keep {
    /// Trims now and then until `stop`. A failure is logged and tried again the next time.
    pub(super) async fn run(self, stop: CancellationToken) -> anyhow::Result<()> {
        let mut every = tokio::time::interval(EVERY);
        loop {
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                _ = every.tick() => {}
            }
            match self.trim().await {
                Ok(0) => {}
                Ok(records) => tracing::info!(records, "the journal let go of old records"),
                Err(error) => tracing::warn!(%error, "the journal could not let go of old records"),
            }
        }
    }

    async fn trim(&self) -> anyhow::Result<u64> {
        let mut trimmed = 0;
        // Never past what the store has fsynced: that is the slowest reader here.
        for place in self.store.sync().await?.iter().filter(|place| place.topic == Topic::Uploads.as_str()) {
            let older_than = (self.clock)().checked_sub(self.uploads_kept)?;
            trimmed += self.journal.trim(Topic::Uploads, place.next, older_than).await?;
        }
        let notifications_kept = self.uploads_kept.saturating_add(NOTIFICATIONS_KEPT_LONGER);
        for (topic, kept) in [(Topic::Notifications, notifications_kept), (Topic::DeadLetters, DEAD_LETTERS_KEPT)] {
            for ends in self.journal.ends(topic).await? {
                let end = journal::Position { partition: ends.partition, offset: ends.next };
                trimmed += self.journal.trim(topic, end, (self.clock)().checked_sub(kept)?).await?;
            }
        }
        Ok(trimmed)
    }
}

#[cfg(test)]
mod tests {
    use journal::{Record, embedded::EmbeddedJournal};
    use store::embedded::EmbeddedStore;

    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);

    #[tokio::test]
    async fn a_task_that_comes_as_late_as_an_upload_is_kept_stays_for_a_week() {
        let folder = tempfile::tempdir().unwrap();
        let options = journal::embedded::Options::new(folder.path().join("journal.db"));
        let journal = EmbeddedJournal::open(options).unwrap();
        let store = EmbeddedStore::open(store::embedded::Options::at(folder.path().join("store.db"))).unwrap().store;
        let now: jiff::Timestamp = "2020-12-01T12:00:00Z".parse().unwrap();
        let record = |days: u32| Record {
            key: "report".into(),
            headers: Vec::new(),
            value: "{}".into(),
            timestamp: now - days * DAY,
        };
        for (topic, days) in [(Topic::Notifications, [38, 36]), (Topic::DeadLetters, [91, 89])] {
            for appended in journal.append(topic, days.map(record).into()).await {
                appended.unwrap();
            }
        }
        let keep = Keep { journal: journal.clone(), store, clock: Arc::new(move || now), uploads_kept: 30 * DAY };
        assert_eq!(keep.trim().await.unwrap(), 2);
        for topic in [Topic::Notifications, Topic::DeadLetters] {
            let ends = journal.ends(topic).await.unwrap().remove(0);
            assert_eq!(ends.next - ends.first, 1, "{topic}");
        }
        assert_eq!(keep.trim().await.unwrap(), 0);
    }
}
