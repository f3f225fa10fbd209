//! What the handles and the writer thread both see: the room in the queue, the disk, and whether all is well.

use std::sync::{Arc, OnceLock};

use super::{Options, disk::Disk};
use crate::{AppendError, Health, ReadError, room::Room};

/// Why the journal does not do what is asked.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unable {
    #[error("the journal was closed")]
    Closed,
    #[error("the journal was opened for reading only")]
    ReadOnly,
    #[error("too many commands wait for the journal")]
    Queue,
    #[error("the journal's disk has no room")]
    Disk,
    #[error("the journal failed and must be opened again: {0}")]
    Failed(String),
}

impl Unable {
    pub(super) fn append(self) -> AppendError {
        AppendError::Unavailable(Arc::new(self))
    }

    pub(super) fn read(self) -> ReadError {
        ReadError::Unavailable(Arc::new(self))
    }
}

pub(super) struct Shared {
    pub(super) disk: Disk,
    pub(super) room: Arc<Room>,
    failed: OnceLock<String>,
}

impl Shared {
    pub(super) fn new(options: &Options) -> Self {
        Self {
            disk: Disk::new(&options.path, options.disk_reserve_bytes),
            room: Room::new(options.queue_bytes),
            failed: OnceLock::new(),
        }
    }

    /// From now on every append answers [`AppendError::Unavailable`]. The first reason stays.
    pub(super) fn fail(&self, reason: String) {
        if self.failed.set(reason).is_ok() {
            tracing::error!(reason = self.failed(), "the journal failed: it takes no more appends");
        }
    }

    pub(super) fn failed(&self) -> Option<&str> {
        self.failed.get().map(String::as_str)
    }

    pub(super) fn health(&self) -> Health {
        match self.failed() {
            Some(reason) => Health::Failed(reason.to_owned()),
            None if self.disk.room() == 0 => Health::Full,
            None => Health::Ready,
        }
    }
}
