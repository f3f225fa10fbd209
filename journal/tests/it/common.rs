//! What the tests share: a journal in a folder of its own, records, and a look at the file with other eyes.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use jiff::Timestamp;
use journal::{
    AppendError, Journal, Limit, Position, Record, Stored, Topic,
    embedded::{EmbeddedJournal, Options},
};

pub(crate) const ALL: Limit = Limit { records: usize::MAX, bytes: usize::MAX };
pub(crate) const START: Position = Position { partition: 0, offset: 0 };

/// `journal.db` in `folder`.
pub(crate) fn file(folder: &Path) -> PathBuf {
    folder.join("journal.db")
}

/// Opens with no reserve: the disk itself decides.
pub(crate) fn open(folder: &Path) -> Arc<EmbeddedJournal> {
    EmbeddedJournal::open(options(folder)).unwrap()
}

pub(crate) fn options(folder: &Path) -> Options {
    Options { disk_reserve_bytes: 0, ..Options::new(file(folder)) }
}

pub(crate) fn record(value: impl Into<Bytes>) -> Record {
    let timestamp = Timestamp::from_second(1_600_000_000).unwrap();
    Record { key: Bytes::from_static(b"lab"), headers: vec![("lab", "lab".into())], value: value.into(), timestamp }
}

/// Appends one record.
pub(crate) async fn append(journal: &dyn Journal, value: impl Into<Bytes>) -> Result<Position, AppendError> {
    within(journal.append(Topic::Uploads, vec![record(value)])).await.swap_remove(0)
}

pub(crate) async fn read_all(journal: &dyn Journal) -> Vec<Stored> {
    let (mut all, mut from) = (Vec::new(), START);
    loop {
        let page = within(journal.read(Topic::Uploads, from, ALL)).await.unwrap();
        let Some(last) = page.last() else { return all };
        from.offset = last.position.offset + 1;
        all.extend(page);
    }
}

/// SQLite finds nothing wrong in the file. Looked at while no handle has it open.
pub(crate) fn assert_sound(folder: &Path) {
    let conn = rusqlite::Connection::open(file(folder)).unwrap();
    let found: String = conn.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(found, "ok");
}

#[track_caller]
pub(crate) fn within<T>(future: impl Future<Output = T>) -> impl Future<Output = T> {
    let caller = std::panic::Location::caller();
    async move {
        let ended = tokio::time::timeout(Duration::from_secs(60), future).await;
        ended.unwrap_or_else(|_| panic!("waited a minute in vain: {caller}"))
    }
}
