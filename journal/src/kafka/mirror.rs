//! The mirror: how far a reader's effects are stored, as committed offsets of a group that has no members.
//!
//! A group of its own, for only a member may commit for a group that has members, and the one who knows how far the
//! store is need not be one. Brokers forget such a group's offsets after a week without a commit: they are written
//! again each day.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use rdkafka::{
    Offset, TopicPartitionList,
    consumer::{CommitMode, Consumer as _},
};

use super::{
    options::Options,
    pages::{Client, Quiet},
    shared::Unable,
};
use crate::{Position, Topic};

const AGAIN_AFTER: Duration = Duration::from_secs(86_400);

pub(super) struct Mirror {
    options: Options,
    kept: Mutex<Kept>,
}

struct Kept {
    /// One of each topic, once used.
    clients: BTreeMap<Topic, Client>,
    /// What the brokers are known to have.
    offsets: BTreeMap<(Topic, u32), u64>,
    written: Instant,
}

impl Mirror {
    pub(super) fn new(options: &Options) -> Arc<Self> {
        let kept = Kept { clients: BTreeMap::new(), offsets: BTreeMap::new(), written: Instant::now() };
        Arc::new(Self { options: options.clone(), kept: Mutex::new(kept) })
    }

    /// Notes `next` where it is further than what is there. Blocks.
    pub(super) fn set(&self, topic: Topic, next: Position) -> Result<(), Unable> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.offsets.get(&(topic, next.partition)).is_some_and(|have| *have >= next.offset) {
            return Ok(());
        }
        // Another process may have been further.
        if self.committed(&mut kept, topic, next.partition)?.is_none_or(|have| have < next.offset) {
            self.commit(&mut kept, topic, next)?;
        }
        Ok(())
    }

    /// What is there. Blocks.
    pub(super) fn get(&self, topic: Topic, partition: u32) -> Result<Option<u64>, Unable> {
        self.committed(&mut self.kept.lock().unwrap_or_else(PoisonError::into_inner), topic, partition)
    }

    /// Writes what is known again, once a day.
    pub(super) fn keep(&self) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.written.elapsed() < AGAIN_AFTER {
            return;
        }
        kept.written = Instant::now();
        for (topic, partition) in kept.offsets.keys().copied().collect::<Vec<_>>() {
            let again = self.committed(&mut kept, topic, partition).and_then(|offset| match offset {
                Some(offset) => self.commit(&mut kept, topic, Position { partition, offset }),
                None => Ok(()),
            });
            if let Err(error) = again {
                tracing::warn!(error = &error as &dyn std::error::Error, "the mirror could not be written again");
            }
        }
    }

    fn committed(&self, kept: &mut Kept, topic: Topic, partition: u32) -> Result<Option<u64>, Unable> {
        let asked = self.list(topic, partition, Offset::Invalid)?;
        let told = self.client(kept, topic)?.committed_offsets(asked, self.options.request_timeout);
        let told = told.inspect_err(|_| drop(kept.clients.remove(&topic)))?;
        let offset = match told.elements().first().map(|one| (one.error(), one.offset())) {
            Some((Err(error), _)) => return Err(error.into()),
            Some((Ok(()), Offset::Offset(offset))) => u64::try_from(offset).ok(),
            _ => None,
        };
        kept.offsets.extend(offset.map(|offset| ((topic, partition), offset)));
        Ok(offset)
    }

    fn commit(&self, kept: &mut Kept, topic: Topic, next: Position) -> Result<(), Unable> {
        let offset = i64::try_from(next.offset).unwrap_or(i64::MAX);
        let list = self.list(topic, next.partition, Offset::Offset(offset))?;
        let done = self.client(kept, topic)?.commit(&list, CommitMode::Sync);
        done.inspect_err(|_| drop(kept.clients.remove(&topic)))?;
        kept.offsets.insert((topic, next.partition), next.offset);
        Ok(())
    }

    fn client<'a>(&self, kept: &'a mut Kept, topic: Topic) -> Result<&'a Client, Unable> {
        Ok(match kept.clients.entry(topic) {
            std::collections::btree_map::Entry::Occupied(client) => client.into_mut(),
            std::collections::btree_map::Entry::Vacant(place) => {
                let mut config = self.options.consumer(&self.options.mirror(topic));
                // A commit has no other limit, and admission waits for it.
                config.set("socket.timeout.ms", self.options.request_timeout.as_millis().to_string());
                place.insert(config.create_with_context(Quiet)?)
            }
        })
    }

    fn list(&self, topic: Topic, partition: u32, offset: Offset) -> Result<TopicPartitionList, Unable> {
        let mut list = TopicPartitionList::new();
        let partition = i32::try_from(partition).unwrap_or(i32::MAX);
        list.add_partition_offset(&self.options.name(topic), partition, offset)?;
        Ok(list)
    }
}
