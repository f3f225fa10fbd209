//! A consumer's thread: consuming, then draining, then complete; each state can do only what is right in it.

#[cfg(test)]
mod mock_tests;
#[cfg(test)]
mod tests;

use std::{
    cell::Cell,
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    time::{Duration, Instant},
};

use rdkafka::{
    Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer as _},
    error::{KafkaError, RDKafkaErrorCode},
    message::{BorrowedMessage, Message as _},
};
use tokio::runtime::Handle;

use super::{
    buffer::Buffer,
    member::Member,
    options::{LEASES_WAIT, Options},
    pages, record,
    shared::Unable,
};
use crate::{Ends, Places, Position, ReadError, Topic};

/// How long the thread waits in one poll: as late as it may notice that it is to stop.
const POLL: Duration = Duration::from_millis(50);
/// How long a full buffer is waited for before fetching is paused, which throws away what was read ahead.
const PATIENCE: Duration = Duration::from_millis(250);
/// How long partitions are begun one after the other before the group is looked after.
const ROUND: Duration = Duration::from_secs(1);
/// Between two attempts at a place that could not be had.
const AGAIN: Duration = Duration::from_millis(200);

type Client = BaseConsumer<Member>;

/// What the three states share.
struct Reading {
    options: Options,
    topic: Topic,
    client: Client,
    buffer: Arc<Buffer>,
    /// Nothing is fetched: there is no room for it.
    paused: Cell<bool>,
}

/// Takes records for whoever wants them.
pub(super) struct Consuming {
    reading: Reading,
    places: Arc<dyn Places>,
    runtime: Handle,
    stop: Arc<AtomicBool>,
    /// Places come back from the store's own threads.
    placed: (mpsc::SyncSender<Placed>, mpsc::Receiver<Placed>),
    asked: BTreeSet<u32>,
    again_at: Option<Instant>,
    full_since: Option<Instant>,
}

/// Reads nothing more; the group still thinks it has its partitions, until what is in hand is done.
struct Draining(Reading);

/// Nothing is in hand; the partitions may go.
struct Complete(Reading);

/// The answer to where a partition begins.
struct Placed {
    partition: u32,
    place: Result<Option<u64>, ReadError>,
}

impl Consuming {
    /// Joins the group; the thread is to call [`Consuming::run`].
    pub(super) fn new(
        options: &Options,
        topic: Topic,
        places: Arc<dyn Places>,
        buffer: &Arc<Buffer>,
        stop: &Arc<AtomicBool>,
    ) -> Result<Self, KafkaError> {
        let member = Member::new(topic, Arc::clone(buffer));
        let client: Client = options.member(&options.readers(topic)).create_with_context(member)?;
        client.subscribe(&[&options.name(topic)])?;
        Ok(Self {
            reading: Reading {
                options: options.clone(),
                topic,
                client,
                buffer: Arc::clone(buffer),
                paused: Cell::new(false),
            },
            places,
            runtime: Handle::current(),
            stop: Arc::clone(stop),
            placed: mpsc::sync_channel(options.partitions as usize),
            asked: BTreeSet::new(),
            again_at: None,
            full_since: None,
        })
    }

    /// Reads until told to stop, then leaves the group.
    pub(super) fn run(mut self) {
        while !self.stop.load(Ordering::Acquire) {
            self.ask_places();
            // Each may wait for the brokers; who is to stop, or to poll, does not wait for them all.
            let until = Instant::now() + ROUND;
            while let Ok(placed) = self.placed.1.try_recv() {
                self.begin(placed);
                if self.stop.load(Ordering::Acquire) || Instant::now() > until {
                    break;
                }
            }
            if self.full_for_now() {
                continue;
            }
            match self.reading.client.poll(POLL) {
                Some(Ok(message)) => self.reading.take(&message),
                Some(Err(error)) => self.reading.judge(&error),
                // Also after a rebalance: it does not mean that the time is up.
                None => {}
            }
        }
        Draining(self.reading).wait().leave();
    }

    /// Asks for the places of partitions that came.
    fn ask_places(&mut self) {
        if self.again_at.is_some_and(|at| Instant::now() < at) {
            return;
        }
        let unplaced: Vec<_> = {
            let assigned = self.reading.client.context().assigned();
            assigned.unplaced.iter().copied().filter(|partition| !self.asked.contains(partition)).collect()
        };
        for partition in unplaced {
            self.asked.insert(partition);
            let (places, topic, answer) = (Arc::clone(&self.places), self.reading.topic, self.placed.0.clone());
            self.runtime.spawn(async move {
                let place = places.next(topic, partition).await;
                // The channel has room for every partition; nobody listens only when the thread has ended.
                let _ = answer.try_send(Placed { partition, place });
            });
        }
    }

    /// Begins a partition at its place, and not elsewhere.
    fn begin(&mut self, Placed { partition, place }: Placed) {
        self.asked.remove(&partition);
        if !self.reading.client.context().assigned().unplaced.contains(&partition) {
            return;
        }
        let begun = place
            .map_err(|error| error.to_string())
            .and_then(|place| self.reading.begin(partition, place).map_err(|error| error.to_string()));
        match begun {
            Ok(()) => self.again_at = None,
            Err(error) => {
                tracing::debug!(partition, error, "a partition's place is not known yet");
                self.again_at = Some(Instant::now() + AGAIN);
            }
        }
    }

    /// True where there is no room: then polling is left for a moment, or goes on with fetching paused, for a
    /// consumer that does not poll is thrown out of its group.
    fn full_for_now(&mut self) -> bool {
        if self.reading.paused.get() {
            if self.reading.buffer.is_low() {
                self.reading.resume_all();
                self.full_since = None;
            }
            return false;
        }
        if !self.reading.buffer.is_full() {
            self.full_since = None;
            return false;
        }
        if self.full_since.get_or_insert_with(Instant::now).elapsed() < PATIENCE {
            self.reading.buffer.wait_for_room(POLL);
            return true;
        }
        self.reading.pause_all();
        false
    }
}

impl Draining {
    /// Waits until what was taken is done, within the limit of a rebalance, and polls on meanwhile.
    fn wait(self) -> Complete {
        let Draining(reading) = self;
        reading.pause_all();
        let until = Instant::now() + LEASES_WAIT;
        while !reading.buffer.wait_for_leases(None, POLL) && Instant::now() < until {
            // Whatever still comes is not taken: its place did not move.
            let _ = reading.client.poll(Duration::ZERO);
        }
        Complete(reading)
    }
}

impl Complete {
    /// Tells the group at once, so that another takes over without waiting for the session's end.
    fn leave(self) {
        self.0.buffer.close(Unable::Closed.read());
        drop(self.0.client);
    }
}

impl Reading {
    /// Seeks to the place and lets records come.
    fn begin(&self, partition: u32, place: Option<u64>) -> Result<(), Unable> {
        let ends = self.ends(partition)?;
        // Without a place: only where nothing was ever let go of.
        let at = place.unwrap_or(0);
        if at < ends.first || at > ends.next {
            self.client.context().assigned().unplaced.remove(&partition);
            self.buffer.fail(partition, out_of_range(self.topic, at, ends));
            return Ok(());
        }
        let mut list = self.list([partition])?;
        list.set_all_offsets(Offset::Offset(at as i64))?;
        let sought = self.client.seek_partitions(list.clone(), self.options.request_timeout);
        if sought.and_then(|sought| sought.elements().iter().try_for_each(|one| one.error())).is_err() {
            tracing::debug!(partition, at, "a partition is begun anew");
            // The client stops a partition that it once found out of range, and does not seek in it any more.
            if let Err(error) = self.client.incremental_unassign(&list) {
                // As it is where an earlier attempt got no further than this.
                tracing::debug!(partition, %error, "it was not assigned");
            }
            self.client.incremental_assign(&list)?;
        }
        if self.paused.get() {
            self.client.pause(&list)?;
        } else {
            self.client.resume(&list)?;
        }
        let mut assigned = self.client.context().assigned();
        assigned.unplaced.remove(&partition);
        assigned.next.insert(partition, at);
        Ok(())
    }

    fn take(&self, message: &BorrowedMessage<'_>) {
        let (partition, offset) = (message.partition() as u32, message.offset() as u64);
        let expected = {
            let mut assigned = self.client.context().assigned();
            let Some(next) = assigned.next.get_mut(&partition) else { return };
            let expected = *next;
            if offset == expected {
                *next += 1;
            }
            expected
        };
        match offset.cmp(&expected) {
            std::cmp::Ordering::Equal => self.buffer.push(record::stored(message)),
            // Read before the seek.
            std::cmp::Ordering::Less => {}
            // Our topics have no holes: retention passed, or the client jumped. Go back, and see which.
            std::cmp::Ordering::Greater => {
                tracing::warn!(partition, offset, expected, "records were passed over: seeking back");
                self.again(partition, expected);
            }
        }
    }

    fn judge(&self, error: &KafkaError) {
        let code = error.rdkafka_error_code();
        match code {
            Some(RDKafkaErrorCode::AutoOffsetReset | RDKafkaErrorCode::OffsetOutOfRange) => self.find_out_of_range(),
            Some(
                RDKafkaErrorCode::UnknownTopicOrPartition
                | RDKafkaErrorCode::UnknownTopic
                | RDKafkaErrorCode::UnknownPartition
                | RDKafkaErrorCode::TopicAuthorizationFailed
                | RDKafkaErrorCode::GroupAuthorizationFailed
                | RDKafkaErrorCode::Fatal,
            ) => self.buffer.tell(Unable::Kafka(error.clone()).read()),
            // Brokers that went away come back without our doing.
            _ => tracing::debug!(%error, "kafka consumer"),
        }
    }

    /// The client does not say whose place is not kept: looks at each.
    fn find_out_of_range(&self) {
        let all: Vec<_> = self.client.context().assigned().next.iter().map(|(one, next)| (*one, *next)).collect();
        for (partition, next) in all {
            self.again(partition, next);
        }
    }

    /// Goes back to `next`, or tells that it is not there.
    fn again(&self, partition: u32, next: u64) {
        if let Err(error) = self.begin(partition, Some(next)) {
            tracing::debug!(partition, error = %error, "a partition could not be begun again");
            let mut assigned = self.client.context().assigned();
            assigned.next.remove(&partition);
            // What was read and not taken comes again from the store's place.
            self.buffer.forget(partition);
            assigned.unplaced.insert(partition);
            return;
        }
        if self.buffer.has_failed(partition) {
            self.client.context().assigned().next.remove(&partition);
        }
    }

    fn ends(&self, partition: u32) -> Result<Ends, Unable> {
        pages::ends(&self.options, &self.client, self.topic, partition)
    }

    fn pause_all(&self) {
        self.paused.set(true);
        self.all(|client, list| client.pause(list));
    }

    fn resume_all(&self) {
        self.paused.set(false);
        self.all(|client, list| client.resume(list));
    }

    fn all(&self, change: impl Fn(&Client, &TopicPartitionList) -> Result<(), KafkaError>) {
        let placed: Vec<_> = self.client.context().assigned().next.keys().copied().collect();
        if let Err(error) = self.list(placed).and_then(|list| Ok(change(&self.client, &list)?)) {
            tracing::debug!(error = %error, "partitions could not be paused or resumed");
        }
    }

    fn list(&self, partitions: impl IntoIterator<Item = u32>) -> Result<TopicPartitionList, Unable> {
        let (mut list, name) = (TopicPartitionList::new(), self.options.name(self.topic));
        for partition in partitions {
            list.add_partition(&name, i32::try_from(partition).unwrap_or(i32::MAX));
        }
        Ok(list)
    }
}

pub(super) fn out_of_range(topic: Topic, at: u64, ends: Ends) -> ReadError {
    let at = Position { partition: ends.partition, offset: at };
    ReadError::OutOfRange { topic, at, first: ends.first, next: ends.next }
}
