//! The producer: idempotent, all replicas, one answer a request; made anew where it delivers nothing any more.

use std::{
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use rdkafka::{
    error::{KafkaError, RDKafkaErrorCode},
    message::{Header, OwnedHeaders},
    producer::{BaseRecord, Producer as _, PurgeConfig, ThreadedProducer},
};

use super::{
    acks::{Deliveries, Request, Results},
    options::Options,
    shared::{Shared, Unable},
};
use crate::{AppendError, Record, Topic};

type Client = ThreadedProducer<Deliveries>;

pub(super) struct Producer {
    options: Options,
    shared: Arc<Shared>,
    client: RwLock<Arc<Client>>,
}

impl Producer {
    /// Makes a client; no broker is needed for it.
    pub(super) fn new(options: &Options, shared: &Arc<Shared>) -> Result<Self, KafkaError> {
        let client = RwLock::new(Arc::new(client(options, shared)?));
        Ok(Self { options: options.clone(), shared: Arc::clone(shared), client })
    }

    /// Appends in order and waits for every record's report.
    pub(super) async fn append(&self, topic: Topic, records: Vec<Record>) -> Results {
        let count = records.len();
        let bytes = records.iter().map(Record::bytes).sum();
        let Some(pending) = self.shared.room.take(bytes) else { return vec![Err(AppendError::Full); count] };
        let (request, answered) = Request::new(count, pending);
        self.send(&request, topic, records);
        // Every record is reported within its own time; the limit is for a client that does not keep to it.
        match tokio::time::timeout(self.options.message_timeout + self.options.request_timeout, answered).await {
            Ok(Ok(results)) => results,
            Ok(Err(_)) => vec![Err(Unable::Closed.append()); count],
            Err(_) => vec![Err(Unable::Late.append()); count],
        }
    }

    fn send(&self, request: &Arc<Request>, topic: Topic, records: Vec<Record>) {
        // Held while sending, so that a rebuild comes before or after all of a request.
        let client = self.client.read().unwrap_or_else(PoisonError::into_inner);
        let name = self.options.name(topic);
        for (index, record) in records.into_iter().enumerate() {
            let mut headers = OwnedHeaders::new_with_capacity(record.headers.len());
            for (key, value) in &record.headers {
                headers = headers.insert(Header { key, value: Some(&value[..]) });
            }
            let message = BaseRecord::with_opaque_to(&name, request.ack(index))
                .key(&record.key[..])
                .payload(&record.value[..])
                .timestamp(record.timestamp.as_millisecond())
                .headers(headers);
            if let Err((error, message)) = client.send(message) {
                if !matches!(error, KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull)) {
                    // Refused before it was queued, for its size or because the client is broken: it says so itself.
                    message.delivery_opaque.refuse(error);
                    continue;
                }
                // What comes after must not overtake it.
                request.not_taken(index);
                return;
            }
        }
    }

    /// Ends what the client has in hand, which is answered as unknown, and goes on with a new one. Blocks.
    pub(super) fn rebuild(&self) -> Result<(), KafkaError> {
        let fresh = Arc::new(client(&self.options, &self.shared)?);
        // Appends wait here, so that none of theirs overtakes what the old client still had in flight.
        let mut current = self.client.write().unwrap_or_else(PoisonError::into_inner);
        let old = std::mem::replace(&mut *current, fresh);
        old.purge(PurgeConfig::default().queue().inflight());
        let _ = old.flush(Duration::from_secs(1));
        Ok(())
    }

    /// Waits until all is delivered, at most for `limit`; returns how many records are left and purges them.
    pub(super) fn finish(&self, limit: Duration) -> usize {
        let client = self.current();
        let _ = client.flush(limit);
        let left = usize::try_from(client.in_flight_count()).unwrap_or(0);
        client.purge(PurgeConfig::default().queue().inflight());
        let _ = client.flush(Duration::from_secs(1));
        left
    }

    /// What made the client useless, where something has.
    pub(super) fn fatal(&self) -> Option<String> {
        self.current().client().fatal_error().map(|(_, reason)| reason)
    }

    pub(super) fn current(&self) -> Arc<Client> {
        Arc::clone(&self.client.read().unwrap_or_else(PoisonError::into_inner))
    }
}

fn client(options: &Options, shared: &Arc<Shared>) -> Result<Client, KafkaError> {
    options.producer().create_with_context(Deliveries::new(shared))
}
