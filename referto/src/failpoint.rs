//! Places at which a crash test may end the process, as if the power went: `test.abort_at = "POINT:N"`.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::Context as _;

/// How long the process stays at the point before it ends: time for an answer to reach a client.
const SLOW_DISK: Duration = Duration::from_millis(100);

/// Ends the process the Nth time a named point is passed; does nothing where no test asks.
#[derive(Clone, Default)]
pub(crate) struct Failpoint(Option<Arc<(String, AtomicU64)>>);

impl Failpoint {
    /// Reads `POINT:N`.
    pub(crate) fn parse(text: Option<&str>) -> anyhow::Result<Self> {
        let Some(text) = text else { return Ok(Self(None)) };
        let (point, count) = text.split_once(':').context("test.abort_at is POINT:N")?;
        let count: u64 = count.parse().context("test.abort_at is POINT:N")?;
        anyhow::ensure!(count > 0, "test.abort_at: N counts from 1");
        Ok(Self(Some(Arc::new((point.to_owned(), AtomicU64::new(count))))))
    }

    pub(crate) fn is_set(&self) -> bool {
        self.0.is_some()
    }

    /// The process comes to `point`.
    pub(crate) fn pass(&self, point: &str) {
        if let Some(set) = &self.0
            && set.0 == point
            && set.1.fetch_sub(1, Ordering::Relaxed) == 1
        {
            // What was told too early gets out before the end, as it would while a slow disk is at it.
            std::thread::park_timeout(SLOW_DISK);
            std::process::abort();
        }
    }
}
