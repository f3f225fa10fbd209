//! A subscription: the taking side of a consumer's thread.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use super::buffer::Buffer;
use crate::{BoxFuture, Limit, ReadError, Subscription, Taken};

pub(super) struct KafkaSubscription {
    pub(super) buffer: Arc<Buffer>,
    pub(super) stop: Arc<AtomicBool>,
}

impl Subscription for KafkaSubscription {
    fn next(&mut self, limit: Limit) -> BoxFuture<'_, Result<Taken, ReadError>> {
        Box::pin(self.buffer.take(limit))
    }
}

impl Drop for KafkaSubscription {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
    }
}
