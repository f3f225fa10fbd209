//! How much room there is for appends.

use std::{
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

/// Less room than this is none: appends of every size are refused at once, and health tells the same.
const LEAST_ROOM_BYTES: u64 = 1024 * 1024;

/// The journal's file system, as far as room goes.
pub(super) struct Disk {
    path: PathBuf,
    reserve_bytes: u64,
    /// Pages of the file that trimming freed: the file does not shrink, but rows go there first.
    reusable_bytes: AtomicU64,
}

impl Disk {
    pub(super) fn new(path: &Path, reserve_bytes: u64) -> Self {
        Self { path: path.to_owned(), reserve_bytes, reusable_bytes: AtomicU64::new(0) }
    }

    /// Bytes that appends may still take. Looks at the disk each time (a microsecond), so that a full one recovers by
    /// itself when space is freed.
    pub(super) fn room(&self) -> u64 {
        let usable = self.free_bytes().saturating_add(self.reusable_bytes.load(Ordering::Relaxed));
        let room = usable.saturating_sub(self.reserve_bytes);
        if room < LEAST_ROOM_BYTES { 0 } else { room }
    }

    /// Tells how much of the file is free for new rows.
    pub(super) fn set_reusable(&self, bytes: u64) {
        self.reusable_bytes.store(bytes, Ordering::Relaxed);
    }

    /// A system that cannot tell is taken to have room: the disk itself refuses then.
    fn free_bytes(&self) -> u64 {
        rustix::fs::statvfs(&self.path).map_or(u64::MAX, |stat| stat.f_bavail.saturating_mul(stat.f_frsize))
    }
}
