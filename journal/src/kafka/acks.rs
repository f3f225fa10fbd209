//! Acknowledgements: one outstanding answer a request, whatever the number of its records.

use std::sync::{Arc, Mutex, PoisonError};

use rdkafka::{
    ClientContext, Message as _, Statistics,
    config::RDKafkaLogLevel,
    error::{KafkaError, RDKafkaErrorCode},
    producer::{DeliveryResult, ProducerContext},
};
use tokio::sync::oneshot;

use super::{
    log,
    metrics::ClientMetrics,
    shared::{Shared, Unable},
};
use crate::{AppendError, Position, room::Pending};

/// What an append answers.
pub(super) type Results = Vec<Result<Position, AppendError>>;

/// An append that is under way: answered once, when the last of its records is settled.
pub(super) struct Request(Mutex<Open>);

struct Open {
    results: Results,
    left: usize,
    /// Taken with the answer, before it is sent: whoever has it finds the room.
    answer: Option<(oneshot::Sender<Results>, Pending)>,
}

/// Travels with a record to its delivery report.
pub(super) struct Ack {
    request: Arc<Request>,
    index: usize,
}

impl Request {
    /// A request of `count` records, at least one; its answer comes through the receiver.
    pub(super) fn new(count: usize, pending: Pending) -> (Arc<Self>, oneshot::Receiver<Results>) {
        let (answer, answered) = oneshot::channel();
        let open = Open { results: vec![Err(AppendError::Full); count], left: count, answer: Some((answer, pending)) };
        (Arc::new(Self(Mutex::new(open))), answered)
    }

    /// What the record at `index` takes with it.
    pub(super) fn ack(self: &Arc<Self>, index: usize) -> Box<Ack> {
        Box::new(Ack { request: Arc::clone(self), index })
    }

    /// The records from `index` on were not taken: their answer stays [`AppendError::Full`].
    pub(super) fn not_taken(&self, index: usize) {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        open.left -= open.results.len() - index;
        open.answer_if_settled();
    }

    fn settle(&self, index: usize, result: Result<Position, AppendError>) {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = open.results.get_mut(index) {
            *place = result;
            open.left -= 1;
        }
        open.answer_if_settled();
    }
}

impl Ack {
    /// The client did not take the record.
    pub(super) fn refuse(self, error: KafkaError) {
        self.request.settle(self.index, Err(Unable::Kafka(error).append()));
    }
}

impl Open {
    fn answer_if_settled(&mut self) {
        if self.left > 0 {
            return;
        }
        if let Some((answer, pending)) = self.answer.take() {
            if self.results.iter().all(Result::is_ok) {
                pending.acknowledged();
            }
            drop(pending);
            // It fails when nobody waits any more.
            let _ = answer.send(std::mem::take(&mut self.results));
        }
    }
}

/// The producer's callbacks. They run in its poll thread, one after the other: no work here.
pub(super) struct Deliveries {
    shared: Arc<Shared>,
    metrics: ClientMetrics,
}

impl Deliveries {
    pub(super) fn new(shared: &Arc<Shared>) -> Self {
        Self { shared: Arc::clone(shared), metrics: ClientMetrics::new("producer") }
    }
}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = Box<Ack>;

    fn delivery(&self, delivered: &DeliveryResult<'_>, ack: Box<Ack>) {
        let result = match delivered {
            Ok(message) => {
                self.shared.count_delivered();
                let at = (u32::try_from(message.partition()), u64::try_from(message.offset()));
                match at {
                    (Ok(partition), Ok(offset)) => Ok(Position { partition, offset }),
                    // Delivered, and nobody says where: the caller asks again, and readers drop the repeat.
                    _ => Err(Unable::NotReady("a delivery without a position".to_owned()).append()),
                }
            }
            Err((error, _)) => {
                self.shared.count_undelivered();
                Err(Unable::Kafka(error.clone()).append())
            }
        };
        ack.request.settle(ack.index, result);
    }
}

impl ClientContext for Deliveries {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(%error, reason, "kafka producer");
        // That all are away says nothing of why.
        if error.rdkafka_error_code() != Some(RDKafkaErrorCode::AllBrokersDown) {
            self.shared.set_cause(reason);
        }
    }

    fn stats(&self, statistics: Statistics) {
        self.metrics.show(&statistics);
    }
}
