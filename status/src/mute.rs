//! For tests: a journal that reads one record, and whose ends nobody tells.

use std::{future::pending, sync::Arc};

use jiff::Timestamp;
use journal::{
    AppendError, BoxFuture, Ends, Health, Journal, Limit, Places, Position, ReadError, Record, Stored, Subscription,
    Topic,
};

pub(crate) struct Mute(pub(crate) Option<Stored>);

impl Journal for Mute {
    fn id(&self) -> BoxFuture<'_, Result<String, ReadError>> {
        Box::pin(pending())
    }

    fn append(&self, _: Topic, _: Vec<Record>) -> BoxFuture<'_, Vec<Result<Position, AppendError>>> {
        Box::pin(pending())
    }

    fn subscribe(&self, _: Topic, _: Arc<dyn Places>) -> BoxFuture<'_, Result<Box<dyn Subscription>, ReadError>> {
        Box::pin(pending())
    }

    fn read(&self, _: Topic, from: Position, _: Limit) -> BoxFuture<'_, Result<Vec<Stored>, ReadError>> {
        let at_or_after =
            |record: &&Stored| record.position.partition == from.partition && record.position.offset >= from.offset;
        let found = self.0.iter().filter(at_or_after).cloned().collect();
        Box::pin(async { Ok(found) })
    }

    fn ends(&self, _: Topic) -> BoxFuture<'_, Result<Vec<Ends>, ReadError>> {
        Box::pin(pending())
    }

    fn mirror(&self, _: Topic, _: Position) -> BoxFuture<'_, Result<(), AppendError>> {
        Box::pin(pending())
    }

    fn mirrored(&self, _: Topic, _: u32) -> BoxFuture<'_, Result<Option<u64>, ReadError>> {
        Box::pin(pending())
    }

    fn trim(&self, _: Topic, _: Position, _: Timestamp) -> BoxFuture<'_, Result<u64, AppendError>> {
        Box::pin(pending())
    }

    fn health(&self) -> Health {
        Health::Ready
    }

    fn pending_bytes(&self) -> usize {
        0
    }

    fn durability(&self) -> &'static str {
        "fsynced"
    }
}
