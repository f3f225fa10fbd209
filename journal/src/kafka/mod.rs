//! The journal of more than one machine: Apache Kafka.
//!
//! Appends go through one idempotent producer with `acks=all`; an append is answered once, when the last of its
//! records is reported. Readers of a topic form a group and share its partitions; a partition begins at the place that
//! the store has for it, never at a committed offset. Offsets begin at 0 and have no holes. Kafka lets go of records
//! by their time alone: [`Journal::trim`] does nothing.
//!
//! Opening needs no broker: until one has answered and the topics are as they must be, everything answers
//! `Unavailable` and says why.

mod acks;
mod apply;
mod buffer;
mod consumer;
mod keeper;
mod layout;
mod member;
mod metrics;
mod mirror;
#[cfg(test)]
mod mock;
mod options;
mod pages;
mod producer;
mod record;
#[cfg(test)]
mod relay;
mod shared;
#[cfg(test)]
mod stall;
mod statistics;
mod subscription;
mod topics;

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use jiff::Timestamp;
use rdkafka::{config::RDKafkaLogLevel, consumer::BaseConsumer, error::KafkaError};
use tokio::sync::watch;

pub use self::{
    apply::{Applied, AppliedTopic, ApplyError, apply},
    layout::commands,
    options::{Durability, Options},
};
use self::{
    buffer::Buffer,
    consumer::{Consuming, out_of_range},
    keeper::{Keeper, Known, Running},
    mirror::Mirror,
    pages::Pages,
    producer::Producer,
    shared::{Shared, Unable},
    subscription::KafkaSubscription,
};
use crate::{
    AppendError, BoxFuture, Ends, Health, Journal, Limit, Places, Position, ReadError, Record, Stored, Subscription,
    Topic,
};

/// How long closing waits for what is not acknowledged.
const FLUSH: Duration = Duration::from_secs(5);

/// Why a journal on Kafka cannot be opened: its settings, or this machine.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// librdkafka does not take the settings; what it says, without their values, which may be secrets.
    #[error("the settings of kafka cannot be used: {0}")]
    Settings(String),
    /// What they ask for needs TLS.
    #[error("this build has no TLS or SCRAM to the brokers (feature kafka-tls): {0}")]
    NoTls(String),
    /// A thread could not be started.
    #[error("cannot start a thread")]
    Thread(#[source] std::io::Error),
}

/// The journal on Kafka.
pub struct KafkaJournal {
    options: Options,
    shared: Arc<Shared>,
    producer: Arc<Producer>,
    mirror: Arc<Mirror>,
    pages: Arc<Pages>,
    known: watch::Receiver<Known>,
    held: AtomicBool,
    keeper: Mutex<Option<Running>>,
    readers: Mutex<Vec<Reader>>,
}

/// A consumer's thread.
struct Reader {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl KafkaJournal {
    /// Begins to look for the brokers; does not wait for them.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(options: Options) -> Result<Arc<Self>, OpenError> {
        let shared = Arc::new(Shared::new(options.queue_bytes));
        let producer = Arc::new(Producer::new(&options, &shared).map_err(refused)?);
        // Readers come later, and each may find settings that it cannot use: told now.
        options.member("referto").create::<BaseConsumer>().map_err(refused)?;
        let mirror = Mirror::new(&options);
        let (keeper, known) = Keeper::start(&options, &shared, &producer, &mirror).map_err(OpenError::Thread)?;
        Ok(Arc::new(Self {
            pages: Pages::new(&options),
            keeper: Mutex::new(Some(keeper)),
            held: AtomicBool::new(options.held),
            readers: Mutex::default(),
            options,
            shared,
            producer,
            mirror,
            known,
        }))
    }

    /// Lets appends in where they were held back by [`Options::held`].
    pub fn release(&self) {
        self.held.store(false, Ordering::Release);
    }

    /// Delivers what was taken, within a limit, ends the threads and waits for them. Appends answer
    /// [`AppendError::Unavailable`] from then on. Blocks; calling it again does nothing.
    pub fn close(&self) {
        let Some(Running { stop, thread }) = self.keeper.lock().unwrap_or_else(PoisonError::into_inner).take() else {
            return;
        };
        drop(stop);
        let readers = std::mem::take(&mut *self.readers.lock().unwrap_or_else(PoisonError::into_inner));
        for reader in &readers {
            reader.stop.store(true, Ordering::Release);
        }
        let left = self.producer.finish(FLUSH);
        if left > 0 {
            tracing::warn!(records = left, "records were not acknowledged when the journal was closed");
        }
        // A panic of theirs was told when it happened.
        for thread in readers.into_iter().map(|reader| reader.thread).chain([thread]) {
            let _ = thread.join();
        }
    }

    /// Waits for the first check of the brokers; tells the cluster's id.
    async fn cluster(&self) -> Result<String, Unable> {
        if let Some(reason) = self.shared.failed() {
            return Err(Unable::Failed(reason.to_owned()));
        }
        let mut known = self.known.clone();
        let asked = known.wait_for(|known| *known != Known::Nothing);
        match tokio::time::timeout(self.options.request_timeout, asked).await {
            Err(_) => Err(Unable::NotReady("no broker has answered yet".to_owned())),
            Ok(Err(_)) => Err(Unable::Closed),
            Ok(Ok(known)) => match &*known {
                Known::Cluster(id) => Ok(id.clone()),
                Known::Unusable(reason) => Err(Unable::NotReady(reason.clone())),
                Known::Nothing => Err(Unable::Late),
            },
        }
    }

    /// Refuses places that are not kept, before a group is joined for them.
    async fn check_places(&self, topic: Topic, places: &dyn Places) -> Result<(), ReadError> {
        // Places first: the ends only move on meanwhile.
        let mut begins = Vec::with_capacity(self.options.partitions as usize);
        for partition in 0..self.options.partitions {
            begins.push(places.next(topic, partition).await?.unwrap_or(0));
        }
        for (ends, at) in self.pages.ends(topic).await?.into_iter().zip(begins) {
            if at < ends.first || at > ends.next {
                return Err(out_of_range(topic, at, ends));
            }
        }
        Ok(())
    }

    fn consume(&self, topic: Topic, places: Arc<dyn Places>) -> Result<KafkaSubscription, Unable> {
        let (buffer, stop) = (Arc::new(Buffer::default()), Arc::new(AtomicBool::new(false)));
        let consuming = Consuming::new(&self.options, topic, places, &buffer, &stop)?;
        let thread = std::thread::Builder::new()
            .name(format!("journal-{topic}"))
            .spawn(move || consuming.run())
            .map_err(|error| Unable::NotReady(error.to_string()))?;
        let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        readers.retain(|reader| !reader.thread.is_finished());
        readers.push(Reader { stop: Arc::clone(&stop), thread });
        Ok(KafkaSubscription { buffer, stop })
    }
}

impl Drop for KafkaJournal {
    fn drop(&mut self) {
        self.close();
    }
}

impl Journal for KafkaJournal {
    fn id(&self) -> BoxFuture<'_, Result<String, ReadError>> {
        Box::pin(async {
            let cluster = self.cluster().await.map_err(Unable::read)?;
            Ok(format!("{cluster}/{}", self.options.name(Topic::Uploads)))
        })
    }

    fn append(&self, topic: Topic, records: Vec<Record>) -> BoxFuture<'_, Vec<Result<Position, AppendError>>> {
        Box::pin(async move {
            if records.is_empty() {
                return Vec::new();
            }
            match self.cluster().await {
                Ok(_) if self.held.load(Ordering::Acquire) => {
                    let held = || Unable::NotReady("the store and the topics are not compared yet".to_owned());
                    vec![Err(held().append()); records.len()]
                }
                Ok(_) => self.producer.append(topic, records).await,
                Err(error) => vec![Err(error.append()); records.len()],
            }
        })
    }

    fn subscribe(
        &self,
        topic: Topic,
        places: Arc<dyn Places>,
    ) -> BoxFuture<'_, Result<Box<dyn Subscription>, ReadError>> {
        Box::pin(async move {
            self.cluster().await.map_err(Unable::read)?;
            self.check_places(topic, &*places).await?;
            let subscription = self.consume(topic, places).map_err(Unable::read)?;
            Ok(Box::new(subscription) as Box<dyn Subscription>)
        })
    }

    fn read(&self, topic: Topic, from: Position, limit: Limit) -> BoxFuture<'_, Result<Vec<Stored>, ReadError>> {
        Box::pin(async move {
            self.cluster().await.map_err(Unable::read)?;
            self.pages.read(topic, from, limit).await
        })
    }

    fn ends(&self, topic: Topic) -> BoxFuture<'_, Result<Vec<Ends>, ReadError>> {
        Box::pin(async move {
            self.cluster().await.map_err(Unable::read)?;
            self.pages.ends(topic).await
        })
    }

    fn mirror(&self, topic: Topic, next: Position) -> BoxFuture<'_, Result<(), AppendError>> {
        Box::pin(async move {
            self.cluster().await.map_err(Unable::append)?;
            let mirror = Arc::clone(&self.mirror);
            let set = tokio::task::spawn_blocking(move || mirror.set(topic, next)).await;
            set.unwrap_or(Err(Unable::Closed)).map_err(Unable::append)
        })
    }

    fn mirrored(&self, topic: Topic, partition: u32) -> BoxFuture<'_, Result<Option<u64>, ReadError>> {
        Box::pin(async move {
            self.cluster().await.map_err(Unable::read)?;
            let mirror = Arc::clone(&self.mirror);
            let got = tokio::task::spawn_blocking(move || mirror.get(topic, partition)).await;
            got.unwrap_or(Err(Unable::Closed)).map_err(Unable::read)
        })
    }

    fn trim(&self, _: Topic, _: Position, _: Timestamp) -> BoxFuture<'_, Result<u64, AppendError>> {
        // The topic's retention does it.
        Box::pin(async { Ok(0) })
    }

    fn health(&self) -> Health {
        self.shared.health()
    }

    fn pending_bytes(&self) -> usize {
        self.shared.room.pending_bytes()
    }

    fn durability(&self) -> &'static str {
        match self.options.durability {
            Durability::Replicated => "replicated",
            Durability::Single => "single",
        }
    }
}

/// Why librdkafka does not take the settings.
fn refused(error: KafkaError) -> OpenError {
    let said = match error {
        // Its last part is the value.
        KafkaError::ClientConfig(_, said, name, _) => format!("{name}: {said}"),
        KafkaError::ClientCreation(said) => said,
        other => other.to_string(),
    };
    // "OpenSSL not available at build time", and of SCRAM "recompile librdkafka with libsasl2 or openssl support".
    if !cfg!(feature = "kafka-tls") && said.to_lowercase().contains("openssl") {
        return OpenError::NoTls(said);
    }
    OpenError::Settings(said)
}

/// librdkafka's own log, at the levels of ours; what it says of brokers that come and go is told by health.
fn log(level: RDKafkaLogLevel, facility: &str, message: &str) {
    match level {
        RDKafkaLogLevel::Emerg | RDKafkaLogLevel::Alert | RDKafkaLogLevel::Critical => {
            tracing::error!(facility, "librdkafka: {message}");
        }
        RDKafkaLogLevel::Error | RDKafkaLogLevel::Warning => tracing::info!(facility, "librdkafka: {message}"),
        RDKafkaLogLevel::Notice | RDKafkaLogLevel::Info | RDKafkaLogLevel::Debug => {
            tracing::debug!(facility, "librdkafka: {message}");
        }
    }
}
