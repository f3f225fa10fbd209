//! Kafka's messages as records.

use bytes::Bytes;
use jiff::Timestamp;
use rdkafka::message::{BorrowedMessage, Headers as _, Message as _};

use crate::{Position, Stored};

/// A message as it was appended. What other programs may have written comes as near as it can: a message without a
/// key has an empty one, without a time the beginning of time.
pub(super) fn stored(message: &BorrowedMessage<'_>) -> Stored {
    let headers = message.headers().map_or_else(Vec::new, |headers| {
        headers
            .iter()
            .map(|header| (header.key.to_owned(), Bytes::copy_from_slice(header.value.unwrap_or_default())))
            .collect()
    });
    Stored {
        position: Position {
            partition: u32::try_from(message.partition()).unwrap_or_default(),
            offset: u64::try_from(message.offset()).unwrap_or_default(),
        },
        key: Bytes::copy_from_slice(message.key().unwrap_or_default()),
        headers,
        value: Bytes::copy_from_slice(message.payload().unwrap_or_default()),
        timestamp: message
            .timestamp()
            .to_millis()
            .and_then(|ms| Timestamp::from_millisecond(ms).ok())
            .unwrap_or(Timestamp::UNIX_EPOCH),
    }
}

/// What it weighs, as [`crate::Record::bytes`].
pub(super) fn weight(stored: &Stored) -> usize {
    let headers: usize = stored.headers.iter().map(|(name, value)| name.len() + value.len()).sum();
    stored.key.len() + stored.value.len() + headers
}
