//! Readers that come and go: every record is read, none is passed over, whoever has its partition.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use journal::{BoxFuture, Journal, Limit, Position, ReadError, Subscription, Taken, Topic};

use super::{broker, open, options, outage::keyed, until};

const KEYS: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];

/// A store's places: a map that never goes back.
#[derive(Default)]
pub(super) struct Places {
    next: Mutex<BTreeMap<u32, u64>>,
    seen: Mutex<BTreeSet<Position>>,
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
        self.seen.lock().unwrap().extend(taken.records.iter().map(|stored| stored.position));
        let mut next = self.next.lock().unwrap();
        let place = next.entry(first.partition).or_default();
        assert!(first.offset <= *place, "passed over: from {place} to {first}");
        *place = (*place).max(last.offset + 1);
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

/// Reads until it is told to leave; counts its batches.
async fn read(journal: Arc<dyn Journal>, places: Arc<Places>, leave: Arc<AtomicBool>, batches: Arc<AtomicUsize>) {
    let mut subscription = subscribe(&*journal, &places).await;
    while !leave.load(Ordering::Acquire) {
        let next = subscription.next(Limit { records: 20, bytes: 1 << 20 });
        let Ok(taken) = tokio::time::timeout(std::time::Duration::from_millis(100), next).await else { continue };
        let taken = taken.unwrap();
        places.store(&taken);
        drop(taken);
        batches.fetch_add(1, Ordering::AcqRel);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_that_come_and_go_pass_nothing_over() {
    let Some(address) = broker() else { return };
    let options = options(&address);
    let (here, there) = (open(options.clone()).await, open(options).await);
    let places = Arc::new(Places::default());
    let stop = Arc::new(AtomicBool::new(false));
    let appended = tokio::spawn({
        let (journal, stop) = (here.clone(), Arc::clone(&stop));
        async move {
            let mut positions = BTreeSet::new();
            for number in 0.. {
                let records = KEYS.iter().map(|key| keyed(key, number.to_string())).collect();
                let results = journal.append(Topic::Uploads, records).await;
                positions.extend(results.into_iter().map(Result::unwrap));
                if stop.load(Ordering::Acquire) {
                    break;
                }
                // Slow enough that readers keep up with it on any machine.
                tokio::time::sleep(std::time::Duration::from_millis(2)).await;
            }
            positions
        }
    });

    let (leave_here, batches_here) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let stays = tokio::spawn(read(here, places.clone(), Arc::clone(&leave_here), Arc::clone(&batches_here)));
    for _ in 0..2 {
        let (leave, batches) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let comes = tokio::spawn(read(there.clone(), places.clone(), Arc::clone(&leave), Arc::clone(&batches)));
        until(async || batches.load(Ordering::Acquire) > 3).await;
        leave.store(true, Ordering::Release);
        comes.await.unwrap();
        let before = batches_here.load(Ordering::Acquire);
        until(async || batches_here.load(Ordering::Acquire) > before + 3).await;
    }
    stop.store(true, Ordering::Release);
    let appended = appended.await.unwrap();
    until(async || places.seen.lock().unwrap().is_superset(&appended)).await;
    leave_here.store(true, Ordering::Release);
    stays.await.unwrap();
    assert_eq!(*places.seen.lock().unwrap(), appended, "every record, and nothing else");
}
