//! What a member of a group does when partitions come and go.
//!
//! The callbacks run inside `poll`, in the consumer's thread. A partition that comes is paused until its place is
//! known; one that goes is waited for while a batch of it is in hand, and then let go of, whatever is in hand: a late
//! writer writes what the next reader writes.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use rdkafka::{
    Offset, Statistics, TopicPartitionList,
    client::ClientContext,
    config::RDKafkaLogLevel,
    consumer::{BaseConsumer, Consumer as _, ConsumerContext},
    error::KafkaError,
    types::RDKafkaRespErr,
};

use super::{buffer::Buffer, log, metrics::ClientMetrics, options::LEASES_WAIT};
use crate::Topic;

/// Where a partition is until its place is known.
pub(super) const ANYWHERE: Offset = Offset::Offset(0);

/// The partitions of this member.
#[derive(Default)]
pub(super) struct Assigned {
    /// Paused until their place is known.
    pub(super) unplaced: BTreeSet<u32>,
    /// The offset that comes next.
    pub(super) next: BTreeMap<u32, u64>,
}

pub(super) struct Member {
    buffer: Arc<Buffer>,
    assigned: Mutex<Assigned>,
    metrics: ClientMetrics,
}

impl Member {
    pub(super) fn new(topic: Topic, buffer: Arc<Buffer>) -> Self {
        Self { buffer, assigned: Mutex::default(), metrics: ClientMetrics::new(topic.as_str()) }
    }

    pub(super) fn assigned(&self) -> MutexGuard<'_, Assigned> {
        self.assigned.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn assign(&self, consumer: &BaseConsumer<Self>, list: &mut TopicPartitionList) {
        // A number, whichever: nothing is taken before the place is known. Left to itself the client would look for a
        // committed offset, find none, and stop the partition; and it asks for a named one, as the end is, again when
        // the answer crosses our seek, and then goes there, so that what was to be read waits for the next record.
        let done = list
            .set_all_offsets(ANYWHERE)
            .and_then(|()| consumer.incremental_assign(list))
            .and_then(|()| consumer.pause(list));
        if let Err(error) = done {
            tracing::warn!(%error, "partitions could not be taken over");
        }
        let partitions = numbers(list);
        tracing::debug!(?partitions, "partitions came");
        self.assigned().unplaced.extend(partitions);
    }

    fn revoke(&self, consumer: &BaseConsumer<Self>, list: &TopicPartitionList) {
        let partitions = numbers(list);
        {
            let mut assigned = self.assigned();
            for partition in &partitions {
                assigned.unplaced.remove(partition);
                assigned.next.remove(partition);
                self.buffer.forget(*partition);
            }
        }
        // Whoever was thrown out has no time to give: another has the partitions already.
        if !consumer.assignment_lost() && !self.buffer.wait_for_leases(Some(&partitions), LEASES_WAIT) {
            tracing::warn!(?partitions, "partitions go while batches of them are in hand");
        }
        tracing::debug!(?partitions, "partitions go");
        if let Err(error) = consumer.incremental_unassign(list) {
            tracing::warn!(%error, "partitions could not be let go of");
        }
    }
}

fn numbers(list: &TopicPartitionList) -> Vec<u32> {
    list.elements().iter().filter_map(|one| u32::try_from(one.partition()).ok()).collect()
}

impl ClientContext for Member {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(%error, reason, "kafka consumer");
    }

    fn stats(&self, statistics: Statistics) {
        self.metrics.show(&statistics);
    }
}

impl ConsumerContext for Member {
    fn rebalance(&self, consumer: &BaseConsumer<Self>, event: RDKafkaRespErr, list: &mut TopicPartitionList) {
        match event {
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS => self.assign(consumer, list),
            _ => self.revoke(consumer, list),
        }
    }
}
