//! A store's places, readers that join and leave, and records that keep coming.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
    time::Duration,
};

use journal::{BoxFuture, Journal, Limit, Position, ReadError, Subscription, Taken, Topic};
use tokio::{sync::watch, task::JoinHandle};

use super::outage::keyed;
use crate::common::within;

pub(super) const KEYS: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];
pub(super) const BATCH: Limit = Limit { records: 20, bytes: 1 << 20 };

/// A store's places: a map that never goes back.
#[derive(Default)]
pub(super) struct Places {
    next: Mutex<BTreeMap<u32, u64>>,
    seen: watch::Sender<BTreeSet<Position>>,
}

impl journal::Places for Places {
    fn next(&self, _: Topic, partition: u32) -> BoxFuture<'_, Result<Option<u64>, ReadError>> {
        let next = self.next.lock().unwrap().get(&partition).copied();
        Box::pin(async move { Ok(next) })
    }
}

impl Places {
    /// What a batch's reader does: its rows, then its place.
    pub(super) fn store(&self, taken: &Taken) {
        let (first, last) = (taken.records[0].position, taken.records[taken.records.len() - 1].position);
        self.seen.send_modify(|seen| seen.extend(taken.records.iter().map(|stored| stored.position)));
        let mut next = self.next.lock().unwrap();
        let place = next.entry(first.partition).or_default();
        assert!(first.offset <= *place, "passed over: from {place} to {first}");
        *place = (*place).max(last.offset + 1);
    }

    /// Waits until all of `appended` was read, and finds that nothing else was.
    pub(super) async fn have_exactly(&self, appended: &BTreeSet<Position>) {
        let mut seen = self.seen.subscribe();
        let seen = within(seen.wait_for(|seen| seen.is_superset(appended))).await.unwrap();
        assert_eq!(*seen, *appended, "every record, and nothing else");
    }
}

/// Subscribes, and asks again while a topic that was made a moment ago has no leader.
pub(super) async fn subscribe(journal: &dyn Journal, places: &Arc<Places>) -> Box<dyn Subscription> {
    loop {
        match journal.subscribe(Topic::Uploads, places.clone()).await {
            Ok(subscription) => return subscription,
            Err(ReadError::Unavailable(_)) => tokio::time::sleep(super::PAUSE).await,
            Err(error) => panic!("{error}"),
        }
    }
}

/// How a reader goes.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Leave {
    /// Between two batches.
    Between,
    /// With a batch in hand, of which nothing is stored.
    Amid,
}

/// A reader in a task of its own.
pub(super) struct Reader {
    leave: watch::Sender<Option<Leave>>,
    batches: watch::Receiver<usize>,
    task: JoinHandle<()>,
}

impl Reader {
    pub(super) async fn join(journal: &dyn Journal, places: &Arc<Places>) -> Self {
        Self::go_on(subscribe(journal, places).await, places)
    }

    /// Reads what a subscription has still to give.
    pub(super) fn go_on(mut subscription: Box<dyn Subscription>, places: &Arc<Places>) -> Self {
        let (leave, mut leaves) = watch::channel(None);
        let (count, batches) = watch::channel(0);
        let places = Arc::clone(places);
        let task = tokio::spawn(async move {
            loop {
                let taken = tokio::select! {
                    _ = leaves.wait_for(|leave| *leave == Some(Leave::Between)) => return,
                    taken = subscription.next(BATCH) => taken.unwrap(),
                };
                if leaves.borrow().is_some() {
                    return;
                }
                places.store(&taken);
                drop(taken);
                count.send_modify(|count| *count += 1);
            }
        });
        Self { leave, batches, task }
    }

    /// How many batches it has read.
    pub(super) fn taken(&self) -> usize {
        *self.batches.borrow()
    }

    /// Waits until it has read so many batches.
    pub(super) async fn has_taken(&mut self, wanted: usize) {
        within(self.batches.wait_for(|count| *count >= wanted)).await.expect("it reads on");
    }

    /// Waits until it has read so many batches more, of records that keep coming.
    pub(super) async fn takes(&mut self, more: usize) {
        self.has_taken(self.taken() + more).await;
    }

    pub(super) async fn leave(self, how: Leave) {
        self.leave.send_replace(Some(how));
        within(self.task).await.unwrap();
    }
}

/// Records that keep coming, one of each key at a time.
pub(super) struct Appending {
    stop: watch::Sender<bool>,
    task: JoinHandle<BTreeSet<Position>>,
}

impl Appending {
    pub(super) fn begin(journal: Arc<dyn Journal>) -> Self {
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(async move {
            let mut positions = BTreeSet::new();
            // Slow enough that readers keep up with it on any machine.
            let mut pace = tokio::time::interval(Duration::from_millis(4));
            pace.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            while !*stopped.borrow() {
                positions.extend(append_one_of_each(&*journal).await);
                pace.tick().await;
            }
            positions
        });
        Self { stop, task }
    }

    /// All that was acknowledged.
    pub(super) async fn end(self) -> BTreeSet<Position> {
        self.stop.send_replace(true);
        within(self.task).await.unwrap()
    }
}

/// A record of each key.
pub(super) async fn append_one_of_each(journal: &dyn Journal) -> Vec<Position> {
    let records = KEYS.iter().map(|key| keyed(key, (*key).to_owned())).collect();
    within(journal.append(Topic::Uploads, records)).await.into_iter().map(Result::unwrap).collect()
}
