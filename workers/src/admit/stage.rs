//! The second stage: rows, then tasks, then the place.

use std::sync::Arc;

use journal::{Lease, Limit, Position, ReadError, Topic};
use schemas::Outcome;
use store::{AdmitRecord, Batch, Place, Settled, StoreError, Touched, Verdict};
use tokio::{sync::mpsc, time::Instant};
use tokio_util::sync::CancellationToken;

use super::{
    Admission, AdmitError, SETTLE_AFTER, SYNC_EVERY, Step,
    decode::Decoded,
    emit::{self, append_all},
    judge::RuleBook,
    reader,
};
use crate::{
    metrics,
    retry::{Drained, Outage},
};

/// Why a batch was left unfinished.
enum Stopped {
    /// It comes again at the next start.
    Drained,
    Failed(AdmitError),
}

impl From<Drained> for Stopped {
    fn from(_: Drained) -> Self {
        Stopped::Drained
    }
}

pub(super) struct Stage {
    admission: Admission,
    /// The journal's id, for places.
    journal: String,
    /// What is finished and not yet written.
    settled: Settled,
    /// Of the batch that is finished and whose place is not written.
    lease: Lease,
    settle_at: Option<Instant>,
    sync_at: Option<Instant>,
}

impl Stage {
    pub(super) fn new(admission: Admission, journal: String) -> Self {
        Self { admission, journal, settled: Settled::default(), lease: Lease::none(), settle_at: None, sync_at: None }
    }

    /// Stores batches until drained or until there are no more, and leaves with all that is finished written.
    pub(super) async fn run(
        mut self,
        mut batches: mpsc::Receiver<(Decoded, Lease)>,
        drain: &CancellationToken,
    ) -> Result<(), AdmitError> {
        self.show_dead_letters().await;
        loop {
            // Each is cancel-safe: nothing is taken before it is returned.
            let batch = tokio::select! {
                biased;
                () = drain.cancelled() => break,
                () = until(self.settle_at) => None,
                () = until(self.sync_at) => None,
                batch = batches.recv() => match batch {
                    None => break,
                    batch => batch,
                },
            };
            let done = match batch {
                Some((batch, lease)) => self.admit(batch, lease, drain).await,
                None => self.write_what_is_due(drain).await,
            };
            match done {
                Ok(()) => {}
                Err(Stopped::Drained) => break,
                Err(Stopped::Failed(error)) => return Err(error),
            }
        }
        match self.settle(drain).await {
            Ok(()) => self.sync().await,
            Err(Stopped::Drained) => Ok(()),
            Err(Stopped::Failed(error)) => Err(error),
        }
    }

    async fn admit(&mut self, batch: Decoded, lease: Lease, drain: &CancellationToken) -> Result<(), Stopped> {
        let Some(next) = batch.next() else { return Ok(()) };
        let (touched, Decoded { dead, traces, .. }) = self.store(batch, drain).await?;
        let stored_at = Instant::now();
        self.step(Step::Admitted);

        let journal = self.admission.settings.journal.clone();
        let due = emit::due(touched, &self.admission.keys, &traces);
        let tasks = due.records.len();
        let letters = !dead.is_empty();
        append_all(&*journal, Topic::DeadLetters, dead, drain).await?;
        append_all(&*journal, Topic::Notifications, due.records, drain).await?;
        metrics::emitted(tasks, stored_at.elapsed());
        if letters {
            self.show_dead_letters().await;
        }
        self.step(Step::TasksAppended);

        let place = Place { journal: self.journal.clone(), topic: Topic::Uploads.as_str().to_owned(), next };
        self.settled = Settled { place: Some(place), emitted: due.emitted };
        self.lease = lease;
        self.settle_at = Some(Instant::now() + SETTLE_AFTER);
        self.sync_at.get_or_insert_with(|| Instant::now() + SYNC_EVERY);
        Ok(())
    }

    /// Stores a batch's rows, and what the batch before finished. What was decoded comes back without its rows.
    async fn store(
        &mut self,
        mut batch: Decoded,
        drain: &CancellationToken,
    ) -> Result<(Vec<Touched>, Decoded), Stopped> {
        let store = self.admission.settings.store.clone();
        let mut outage = Outage::new("store admit");
        loop {
            let weighed = Weighed::of(&batch.records);
            let rules = Arc::new(RuleBook::default());
            let rows = Batch { settled: self.settled.clone(), records: std::mem::take(&mut batch.records) };
            match store.admit(rows, rules.clone()).await {
                Ok(touched) => {
                    outage.over();
                    weighed.count(&rules, (self.admission.settings.clock)());
                    self.written();
                    return Ok((touched, batch));
                }
                Err(error @ StoreError::Unavailable(_)) => outage.wait(&error, drain).await?,
                Err(error) => return Err(Stopped::Failed(AdmitError::Store(error))),
            }
            // The store took the rows with it. An outage is rare, and a copy of every batch for its sake is not free.
            (_, batch) = reader::decode(self.admission.decoding(), batch.source).await;
        }
    }

    async fn write_what_is_due(&mut self, drain: &CancellationToken) -> Result<(), Stopped> {
        let now = Instant::now();
        if self.settle_at.is_some_and(|at| at <= now) {
            self.settle(drain).await?;
        }
        if self.sync_at.is_some_and(|at| at <= now) {
            self.sync().await.map_err(Stopped::Failed)?;
        }
        Ok(())
    }

    async fn settle(&mut self, drain: &CancellationToken) -> Result<(), Stopped> {
        let store = self.admission.settings.store.clone();
        let mut outage = Outage::new("store settle");
        while self.settled.place.is_some() {
            match store.settle(self.settled.clone()).await {
                Ok(()) => self.written(),
                Err(error @ StoreError::Unavailable(_)) => outage.wait(&error, drain).await?,
                Err(error) => return Err(Stopped::Failed(AdmitError::Store(error))),
            }
        }
        outage.over();
        Ok(())
    }

    /// What was finished is in the store now.
    fn written(&mut self) {
        let settled = std::mem::take(&mut self.settled);
        self.lease = Lease::none();
        self.settle_at = None;
        if settled.place.is_some() {
            self.step(Step::Settled);
        }
    }

    /// Makes the store durable and tells the journal how far. An outage is left to the next time: nothing hangs on it.
    async fn sync(&mut self) -> Result<(), AdmitError> {
        self.sync_at = None;
        let journal = self.admission.settings.journal.clone();
        let places = match self.admission.settings.store.sync().await {
            Ok(places) => places,
            Err(error @ StoreError::Unavailable(_)) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "the store could not be synced");
                self.sync_at = Some(Instant::now() + SYNC_EVERY);
                return Ok(());
            }
            Err(error) => return Err(AdmitError::Store(error)),
        };
        for place in
            places.iter().filter(|place| place.journal == self.journal && place.topic == Topic::Uploads.as_str())
        {
            if let Err(error) = journal.mirror(Topic::Uploads, place.next).await {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "the journal could not note the store's place"
                );
                self.sync_at = Some(Instant::now() + SYNC_EVERY);
                // Admission waits meanwhile: the others are noted when this one can be.
                break;
            }
        }
        self.show_dead_letters().await;
        Ok(())
    }

    async fn show_dead_letters(&self) {
        if let Err(error) = self.count_dead_letters().await {
            tracing::debug!(error = &error as &dyn std::error::Error, "dead letters could not be counted");
        }
    }

    async fn count_dead_letters(&self) -> Result<(), ReadError> {
        let journal = &self.admission.settings.journal;
        let (mut count, mut oldest) = (0, None);
        for ends in journal.ends(Topic::DeadLetters).await? {
            if ends.next > ends.first {
                count += ends.next - ends.first;
                let first = Position { partition: ends.partition, offset: ends.first };
                let one = journal.read(Topic::DeadLetters, first, Limit { records: 1, bytes: 1 }).await?;
                oldest = one.iter().map(|letter| letter.timestamp).chain(oldest).min();
            }
        }
        metrics::dead_letters(count, oldest);
        Ok(())
    }

    fn step(&self, step: Step) {
        if let Some(on_step) = &self.admission.settings.on_step {
            on_step(step);
        }
    }
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// What metrics need of rows that the store takes away.
struct Weighed {
    refused: u64,
    dead: u64,
    received: Vec<(jiff::Timestamp, usize)>,
}

impl Weighed {
    fn of(records: &[AdmitRecord]) -> Self {
        let count = |is: fn(&Verdict) -> bool| {
            records.iter().flat_map(|record| &record.items).filter(|item| is(&item.verdict)).count() as u64
        };
        Self {
            refused: count(|verdict| matches!(verdict, Verdict::Refused)),
            dead: count(|verdict| matches!(verdict, Verdict::DeadLetter)),
            received: records.iter().map(|record| (record.submission.received_at, record.items.len())).collect(),
        }
    }

    fn count(self, rules: &RuleBook, now: jiff::Timestamp) {
        metrics::items(Outcome::Refused, self.refused);
        metrics::items(Outcome::DeadLetter, self.dead);
        for (outcome, count) in rules.outcomes() {
            metrics::items(outcome, count);
        }
        for (received_at, items) in self.received {
            metrics::stored(received_at, now, items);
        }
    }
}
