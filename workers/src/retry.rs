//! Outages pause: the same again, later and later, for ever; a drain ends the waiting.

use std::{error::Error, time::Duration};

use tokio_util::sync::CancellationToken;

const FIRST: Duration = Duration::from_millis(100);
/// Long enough not to trouble a server that comes back, short enough that nobody waits for us then.
const LONGEST: Duration = Duration::from_secs(5);

/// The work is to be left: the process drains, and what was not done is done again at the next start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Drained;

/// The pauses of one operation.
#[derive(Debug)]
pub(crate) struct Outage {
    what: &'static str,
    pause: Duration,
}

impl Outage {
    /// None yet. `what` names the operation in the log.
    pub(crate) fn new(what: &'static str) -> Self {
        Self { what, pause: FIRST }
    }

    /// Waits before the next attempt; logs the first failure of a row.
    pub(crate) async fn wait(
        &mut self,
        error: &(dyn Error + Send + Sync + 'static),
        drain: &CancellationToken,
    ) -> Result<(), Drained> {
        if self.pause == FIRST {
            tracing::warn!(error, operation = self.what, "unavailable: retrying until it answers");
        }
        let pause = self.pause;
        self.pause = (pause * 2).min(LONGEST);
        match drain.run_until_cancelled(tokio::time::sleep(pause)).await {
            Some(()) => Ok(()),
            None => Err(Drained),
        }
    }

    /// It answered: the next outage begins anew.
    pub(crate) fn over(&mut self) {
        if self.pause != FIRST {
            tracing::info!(operation = self.what, "answers again");
            self.pause = FIRST;
        }
    }
}
