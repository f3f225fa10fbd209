//! The first stage: takes batches from the journal and decodes them, one ahead of what is being stored.

use std::panic::resume_unwind;

use journal::{Lease, Limit, ReadError, Stored, Subscription, Taken};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::decode::{Decoded, Decoding};
use crate::retry::Outage;

/// More than this is decoded off the async threads: about a millisecond's work.
const INLINE_BYTES: usize = 64 << 10;

/// Reads until told to stop, or until nobody takes what was read.
///
/// # Errors
/// [`ReadError::OutOfRange`]: retention has passed the reader.
pub(super) async fn read(
    mut subscription: Box<dyn Subscription>,
    mut decoding: Decoding,
    limit: Limit,
    decoded: mpsc::Sender<(Decoded, Lease)>,
    stop: CancellationToken,
) -> Result<(), ReadError> {
    let mut outage = Outage::new("journal read");
    // A place in the channel comes first: at most one batch is ahead of the one being stored.
    while let Ok(room) = decoded.reserve().await {
        let source = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            // Cancel-safe by the trait's contract.
            source = subscription.next(limit) => source,
        };
        let Taken { records, lease } = match source {
            Ok(taken) => taken,
            Err(ReadError::Unavailable(error)) => match outage.wait(&*error, &stop).await {
                Ok(()) => continue,
                Err(_drained) => break,
            },
            Err(error @ ReadError::OutOfRange { .. }) => return Err(error),
        };
        outage.over();
        let batch;
        (decoding, batch) = decode(decoding, records).await;
        room.send((batch, lease));
    }
    Ok(())
}

/// Decodes a batch where its size belongs.
pub(super) async fn decode(mut decoding: Decoding, source: Vec<Stored>) -> (Decoding, Decoded) {
    let bytes: usize = source.iter().map(|stored| stored.value.len()).sum();
    if bytes <= INLINE_BYTES {
        let decoded = decoding.batch(source);
        return (decoding, decoded);
    }
    let away = tokio::task::spawn_blocking(move || {
        let decoded = decoding.batch(source);
        (decoding, decoded)
    });
    // A panic of a unit is caught within: one that comes here is of this program's own making, and ends it.
    away.await.unwrap_or_else(|error| resume_unwind(error.into_panic()))
}
