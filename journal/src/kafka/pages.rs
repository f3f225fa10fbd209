//! Reading beside the subscriptions: the ends of partitions, and pages, by clients that belong to no group.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use rdkafka::{
    Offset, TopicPartitionList,
    client::ClientContext,
    config::RDKafkaLogLevel,
    consumer::{BaseConsumer, Consumer as _, ConsumerContext},
    error::{KafkaError, RDKafkaErrorCode},
    message::Message as _,
};
use tokio::sync::Semaphore;

use super::{log, options::Options, record, shared::Unable};
use crate::{Ends, Limit, Position, ReadError, Stored, Topic};

/// Reads at the same time.
const CLIENTS: usize = 4;

/// A client that says little.
pub(super) struct Quiet;

impl ClientContext for Quiet {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(%error, reason, "kafka reader");
    }
}

impl ConsumerContext for Quiet {}

pub(super) type Client = BaseConsumer<Quiet>;

/// Clients that wait for the next read: connecting takes longer than reading.
pub(super) struct Pages {
    options: Options,
    idle: Mutex<Vec<Client>>,
    turns: Arc<Semaphore>,
}

impl Pages {
    pub(super) fn new(options: &Options) -> Arc<Self> {
        Arc::new(Self { options: options.clone(), idle: Mutex::default(), turns: Arc::new(Semaphore::new(CLIENTS)) })
    }

    /// Does `work` with a client, off the async threads. Dropping the future lets the work end unseen.
    async fn run<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Options, &Client) -> Result<T, Unable> + Send + 'static,
    ) -> Result<T, ReadError> {
        let turn = Arc::clone(&self.turns).acquire_owned().await.map_err(|_| Unable::Closed.read())?;
        let pages = Arc::clone(self);
        let done = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            let idle = pages.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let client = match idle {
                Some(client) => client,
                None => pages.options.pages().create_with_context(Quiet)?,
            };
            let done = work(&pages.options, &client)?;
            // One that failed is not used again: it may have lost its brokers.
            pages.idle.lock().unwrap_or_else(PoisonError::into_inner).push(client);
            Ok(done)
        });
        done.await.unwrap_or(Err(Unable::Closed)).map_err(Unable::read)
    }

    pub(super) async fn ends(self: &Arc<Self>, topic: Topic) -> Result<Vec<Ends>, ReadError> {
        self.run(move |options, client| (0..options.partitions).map(|one| ends(options, client, topic, one)).collect())
            .await
    }

    pub(super) async fn read(
        self: &Arc<Self>,
        topic: Topic,
        from: Position,
        limit: Limit,
    ) -> Result<Vec<Stored>, ReadError> {
        if from.partition >= self.options.partitions {
            return Ok(Vec::new());
        }
        self.run(move |options, client| {
            let ends = ends(options, client, topic, from.partition)?;
            let from = from.offset.max(ends.first);
            if from >= ends.next {
                return Ok(Vec::new());
            }
            let mut wanted = TopicPartitionList::new();
            let partition = i32::try_from(ends.partition).unwrap_or(i32::MAX);
            wanted.add_partition_offset(&options.name(topic), partition, Offset::Offset(from as i64))?;
            client.assign(&wanted)?;
            let page = page(options, client, ends.next, limit);
            client.unassign()?;
            page
        })
        .await
    }
}

/// The ends of one partition. A leader that changes, or is not known to all brokers yet, is asked for again.
pub(super) fn ends<C: ConsumerContext>(
    options: &Options,
    client: &BaseConsumer<C>,
    topic: Topic,
    partition: u32,
) -> Result<Ends, Unable> {
    let number = i32::try_from(partition).unwrap_or(i32::MAX);
    let until = Instant::now() + options.request_timeout;
    let (first, next) = loop {
        match client.fetch_watermarks(&options.name(topic), number, options.request_timeout) {
            Err(KafkaError::MetadataFetch(code)) if is_moving(code) && Instant::now() < until => {
                std::thread::park_timeout(Duration::from_millis(50));
            }
            told => break told?,
        }
    };
    Ok(Ends { partition, first: first.max(0) as u64, next: next.max(0) as u64 })
}

fn is_moving(code: RDKafkaErrorCode) -> bool {
    matches!(
        code,
        RDKafkaErrorCode::NotLeaderForPartition
            | RDKafkaErrorCode::LeaderNotAvailable
            | RDKafkaErrorCode::UnknownTopicOrPartition
            | RDKafkaErrorCode::UnknownPartition
    )
}

/// Messages of the partition that is assigned, up to `next` or the limit.
fn page(options: &Options, client: &Client, next: u64, limit: Limit) -> Result<Vec<Stored>, Unable> {
    let until = Instant::now() + options.request_timeout;
    let (mut page, mut bytes) = (Vec::new(), 0_usize);
    while Instant::now() < until {
        let Some(message) = client.poll(Duration::from_millis(100)) else { continue };
        let message = match message {
            Ok(message) => message,
            // A broker that goes away is left for another, or waited for.
            Err(KafkaError::MessageConsumption(
                RDKafkaErrorCode::BrokerTransportFailure | RDKafkaErrorCode::AllBrokersDown,
            )) => continue,
            Err(KafkaError::MessageConsumption(code)) if is_moving(code) => continue,
            Err(error) => return Err(error.into()),
        };
        let at_end = message.offset() as u64 + 1 >= next;
        let stored = record::stored(&message);
        bytes = bytes.saturating_add(record::weight(&stored));
        if !page.is_empty() && bytes > limit.bytes {
            return Ok(page);
        }
        page.push(stored);
        if at_end || page.len() >= limit.records || bytes >= limit.bytes {
            return Ok(page);
        }
    }
    // Time is up: what is there is in order and without holes.
    if page.is_empty() { Err(Unable::Late) } else { Ok(page) }
}
