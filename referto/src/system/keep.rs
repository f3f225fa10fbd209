//! Retention: the journal lets go of uploads once they are old and safely stored.

use std::{sync::Arc, time::Duration};

use journal::{Journal, Topic};
use schemas::time::Clock;
use store::Store;
use tokio_util::sync::CancellationToken;

/// How often old records are looked for.
const EVERY: Duration = Duration::from_secs(3_600);
/// Days for which tasks are kept (contract: topics).
const NOTIFICATIONS_KEPT: Duration = Duration::from_secs(7 * 86_400);
/// Days for which dead letters are kept (contract: topics).
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
        for (topic, kept) in [(Topic::Notifications, NOTIFICATIONS_KEPT), (Topic::DeadLetters, DEAD_LETTERS_KEPT)] {
            for ends in self.journal.ends(topic).await? {
                let end = journal::Position { partition: ends.partition, offset: ends.next };
                trimmed += self.journal.trim(topic, end, (self.clock)().checked_sub(kept)?).await?;
            }
        }
        Ok(trimmed)
    }
}
