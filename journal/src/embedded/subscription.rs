//! A reader of one topic: reads what is committed, and waits for the writer to tell that there is more.

use std::sync::Arc;

use tokio::sync::watch;

use super::{
    reader::{self, Readers},
    shared::Unable,
};
use crate::{BoxFuture, Lease, Limit, Places, ReadError, Subscription, Taken, Topic};

pub(super) struct EmbeddedSubscription {
    readers: Arc<Readers>,
    topic: Topic,
    /// The offset that the next record gets, after each commit.
    end: watch::Receiver<u64>,
    /// The offset of the next record to give.
    at: u64,
}

impl EmbeddedSubscription {
    pub(super) async fn new(
        readers: Arc<Readers>,
        topic: Topic,
        end: watch::Receiver<u64>,
        places: &dyn Places,
    ) -> Result<Self, ReadError> {
        let place = places.next(topic, 0).await?;
        let ends = readers.run(move |conn| reader::ends(conn, topic)).await?;
        let at = place.unwrap_or(ends.first);
        if at < ends.first || at > ends.next {
            return Err(reader::out_of_range(topic, at, ends));
        }
        Ok(Self { readers, topic, end, at })
    }
}

impl Subscription for EmbeddedSubscription {
    fn next(&mut self, limit: Limit) -> BoxFuture<'_, Result<Taken, ReadError>> {
        Box::pin(async move {
            let (topic, at) = (self.topic, self.at);
            // The value seen is the last one published also after the writer has ended: what is there is read first.
            self.end.wait_for(|end| *end > at).await.map_err(|_| Unable::Closed.read())?;
            let records = self.readers.run(move |conn| reader::records_kept(conn, topic, at, limit)).await?;
            // Nothing is awaited after this: a dropped future has not moved on.
            if let Some(last) = records.last() {
                self.at = last.position.offset + 1;
            }
            Ok(Taken { records, lease: Lease::none() })
        })
    }
}
