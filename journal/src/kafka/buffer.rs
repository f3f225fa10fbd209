//! What was read and not yet taken, a queue a partition, and the leases of what was taken.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::Notify;

use super::record;
use crate::{Lease, Limit, ReadError, Stored, Taken};

/// Once this much waits, the consumer pauses; it goes on when a quarter is left.
const BYTES: usize = 16 * 1024 * 1024;
const RECORDS: usize = 8_192;

#[derive(Default)]
pub(super) struct Buffer {
    waiting: Mutex<Waiting>,
    /// There is something to take.
    more: Notify,
    /// Something was taken, or a lease was dropped.
    less: Condvar,
}

#[derive(Default)]
struct Waiting {
    queues: BTreeMap<u32, Queue>,
    bytes: usize,
    records: usize,
    /// Batches in hand, by partition.
    leases: BTreeMap<u32, usize>,
    /// Told once.
    error: Option<ReadError>,
    /// Told for ever.
    closed: Option<ReadError>,
    /// The partition taken from last: the others come first.
    last: u32,
}

#[derive(Default)]
struct Queue {
    records: VecDeque<Stored>,
    /// Told after the records, for ever.
    failed: Option<ReadError>,
}

impl Buffer {
    pub(super) fn push(&self, stored: Stored) {
        let mut waiting = self.lock();
        waiting.bytes += record::weight(&stored);
        waiting.records += 1;
        waiting.queues.entry(stored.position.partition).or_default().records.push_back(stored);
        drop(waiting);
        self.more.notify_one();
    }

    /// The partition cannot be read on.
    pub(super) fn fail(&self, partition: u32, error: ReadError) {
        self.lock().queues.entry(partition).or_default().failed = Some(error);
        self.more.notify_one();
    }

    /// Something went wrong that may go by.
    pub(super) fn tell(&self, error: ReadError) {
        self.lock().error = Some(error);
        self.more.notify_one();
    }

    /// Nothing more comes.
    pub(super) fn close(&self, error: ReadError) {
        self.lock().closed = Some(error);
        self.more.notify_one();
    }

    pub(super) fn is_full(&self) -> bool {
        let waiting = self.lock();
        waiting.bytes >= BYTES || waiting.records >= RECORDS
    }

    pub(super) fn is_low(&self) -> bool {
        let waiting = self.lock();
        waiting.bytes < BYTES / 4 && waiting.records < RECORDS / 4
    }

    /// Whether it was told that the partition cannot be read on.
    pub(super) fn has_failed(&self, partition: u32) -> bool {
        self.lock().queues.get(&partition).is_some_and(|queue| queue.failed.is_some())
    }

    /// Waits until something was taken, at most for `limit`.
    pub(super) fn wait_for_room(&self, limit: Duration) {
        let waiting = self.lock();
        drop(self.less.wait_timeout(waiting, limit).unwrap_or_else(PoisonError::into_inner));
    }

    /// Forgets what waits of a partition: it is another reader's now, who begins at the store's place.
    pub(super) fn forget(&self, partition: u32) {
        let mut waiting = self.lock();
        let Some(queue) = waiting.queues.remove(&partition) else { return };
        waiting.records -= queue.records.len();
        waiting.bytes -= queue.records.iter().map(record::weight).sum::<usize>();
    }

    /// Waits until nothing of `partitions` is in hand, or of any where none is named; at most for `limit`. True when
    /// nothing is.
    pub(super) fn wait_for_leases(&self, partitions: Option<&[u32]>, limit: Duration) -> bool {
        let until = Instant::now() + limit;
        let mut waiting = self.lock();
        loop {
            let held = waiting
                .leases
                .keys()
                .any(|partition| partitions.is_none_or(|partitions| partitions.contains(partition)));
            let left = until.saturating_duration_since(Instant::now());
            if !held || left.is_zero() {
                return !held;
            }
            waiting = self.less.wait_timeout(waiting, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// The next batch; waits where there is none. Cancel-safe: a batch is taken and given in one step.
    pub(super) async fn take(self: &Arc<Self>, limit: Limit) -> Result<Taken, ReadError> {
        loop {
            let more = self.more.notified();
            if let Some(taken) = self.take_now(limit) {
                return taken;
            }
            more.await;
        }
    }

    fn take_now(self: &Arc<Self>, limit: Limit) -> Option<Result<Taken, ReadError>> {
        let mut waiting = self.lock();
        let failed = waiting.queues.values().find(|queue| queue.records.is_empty() && queue.failed.is_some());
        if let Some(error) = failed.and_then(|queue| queue.failed.clone()) {
            return Some(Err(error));
        }
        let full = |(partition, queue): (&u32, &Queue)| (!queue.records.is_empty()).then_some(*partition);
        let last = waiting.last;
        let next = waiting.queues.range(last.saturating_add(1)..).find_map(full);
        let Some(partition) = next.or_else(|| waiting.queues.iter().find_map(full)) else {
            let told = waiting.error.take();
            return told.or_else(|| waiting.closed.clone()).map(Err);
        };
        let records = waiting.queues.get_mut(&partition).map(|queue| cut(&mut queue.records, limit))?;
        waiting.last = partition;
        waiting.records -= records.len();
        waiting.bytes -= records.iter().map(record::weight).sum::<usize>();
        *waiting.leases.entry(partition).or_default() += 1;
        drop(waiting);
        self.less.notify_all();
        Some(Ok(Taken { records, lease: Lease::of(Held { buffer: Arc::clone(self), partition }) }))
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The first records within the limit, one at least.
fn cut(records: &mut VecDeque<Stored>, limit: Limit) -> Vec<Stored> {
    let mut bytes = 0_usize;
    let within = |stored: &&Stored| {
        bytes = bytes.saturating_add(record::weight(stored));
        bytes <= limit.bytes
    };
    let count = records.iter().take(limit.records).take_while(within).count().max(1);
    records.drain(..count.min(records.len())).collect()
}

/// A batch in hand.
struct Held {
    buffer: Arc<Buffer>,
    partition: u32,
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut waiting = self.buffer.lock();
        if let Some(count) = waiting.leases.get_mut(&self.partition) {
            *count -= 1;
            if *count == 0 {
                waiting.leases.remove(&self.partition);
            }
        }
        drop(waiting);
        self.buffer.less.notify_all();
    }
}
