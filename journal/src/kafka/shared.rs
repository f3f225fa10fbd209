//! What handles, callbacks and threads all see: the room in the queue, what was delivered, and whether all is well.

use std::sync::{
    Arc, Mutex, OnceLock, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use rdkafka::error::KafkaError;

use crate::{AppendError, Health, ReadError, room::Room};

/// Why the journal does not do what is asked.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unable {
    #[error("the journal was closed")]
    Closed,
    #[error("kafka cannot be used: {0}")]
    NotReady(String),
    #[error("kafka did not answer in time")]
    Late,
    #[error("the journal failed: {0}")]
    Failed(String),
    #[error("kafka refused")]
    Kafka(#[source] KafkaError),
}

impl Unable {
    pub(super) fn append(self) -> AppendError {
        AppendError::Unavailable(Arc::new(self))
    }

    pub(super) fn read(self) -> ReadError {
        ReadError::Unavailable(Arc::new(self))
    }
}

impl From<KafkaError> for Unable {
    fn from(error: KafkaError) -> Self {
        Unable::Kafka(error)
    }
}

pub(super) struct Shared {
    pub(super) room: Arc<Room>,
    /// Records acknowledged since the beginning.
    delivered: AtomicU64,
    /// Records given up since the beginning.
    undelivered: AtomicU64,
    /// Why the brokers cannot be used now.
    fault: Mutex<Option<String>>,
    /// What the producer's connections ended with last, since brokers last answered.
    cause: Mutex<Option<String>>,
    failed: OnceLock<String>,
}

impl Shared {
    pub(super) fn new(queue_bytes: usize) -> Self {
        Self {
            room: Room::new(queue_bytes),
            delivered: AtomicU64::new(0),
            undelivered: AtomicU64::new(0),
            fault: Mutex::new(Some("no broker has answered yet".to_owned())),
            cause: Mutex::default(),
            failed: OnceLock::new(),
        }
    }

    pub(super) fn count_delivered(&self) {
        self.delivered.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_undelivered(&self) {
        self.undelivered.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn undelivered(&self) -> u64 {
        self.undelivered.load(Ordering::Relaxed)
    }

    pub(super) fn delivered(&self) -> u64 {
        self.delivered.load(Ordering::Relaxed)
    }

    /// Tells whether the brokers can be used; logs what is new.
    pub(super) fn set_fault(&self, fault: Option<String>) {
        let mut now = self.fault.lock().unwrap_or_else(PoisonError::into_inner);
        if *now != fault {
            match &fault {
                Some(reason) => tracing::warn!(reason, "kafka cannot be used: trying until it can"),
                None => tracing::info!("kafka answers"),
            }
            *now = fault;
        }
    }

    /// A connection could not be made, or ended: librdkafka's words, which name the broker and never a login.
    pub(super) fn set_cause(&self, reason: &str) {
        // How long it took differs each time, and would make each look the news.
        let mut cause = reason.rsplit_once(" (after ").map_or(reason, |(reason, _)| reason).to_owned();
        if cause.contains("certificate verify failed") {
            // OpenSSL says no more of either.
            cause.push_str("; or the certificate is not of this host");
        }
        *self.cause.lock().unwrap_or_else(PoisonError::into_inner) = Some(cause);
    }

    /// Brokers answer: what ended connections before is over.
    pub(super) fn forget_cause(&self) {
        *self.cause.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// That nobody answers, with the cause where one is known: a request alone knows that its time is up.
    pub(super) fn no_answer(&self, error: &KafkaError) -> String {
        match &*self.cause.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(cause) => format!("no broker answers: {cause}"),
            None => format!("no broker answers: {error}"),
        }
    }

    /// The process should end. The first reason stays.
    pub(super) fn fail(&self, reason: String) {
        if self.failed.set(reason).is_ok() {
            tracing::error!(reason = self.failed(), "the journal failed: it takes no more appends");
        }
    }

    pub(super) fn failed(&self) -> Option<&str> {
        self.failed.get().map(String::as_str)
    }

    pub(super) fn health(&self) -> Health {
        match (self.failed(), &*self.fault.lock().unwrap_or_else(PoisonError::into_inner)) {
            (Some(reason), _) => Health::Failed(reason.to_owned()),
            (None, Some(reason)) => Health::Unreachable(reason.clone()),
            (None, None) => Health::Ready,
        }
    }
}

#[cfg(test)]
mod tests {
    use rdkafka::error::RDKafkaErrorCode;

    use super::*;

    #[test]
    fn why_nobody_answers_is_told_until_somebody_does() {
        let (shared, late) = (Shared::new(1), KafkaError::MetadataFetch(RDKafkaErrorCode::OperationTimedOut));
        let unknown = shared.no_answer(&late);
        // The same, whatever time it took.
        for took in ["3ms in state CONNECT", "7ms in state CONNECT, 2 identical error(s) suppressed"] {
            shared.set_cause(&format!("a:1/bootstrap: Connect to a:1 failed: Connection refused (after {took})"));
            let said = shared.no_answer(&late);
            assert_eq!(said, "no broker answers: a:1/bootstrap: Connect to a:1 failed: Connection refused");
        }
        shared.forget_cause();
        assert_eq!(shared.no_answer(&late), unknown);
    }
}
