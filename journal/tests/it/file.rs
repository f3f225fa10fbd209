//! Opening, closing, looking beside, and the size of what lies on the disk.

use std::{fs, sync::Arc, time::Duration};

use jiff::Timestamp;
use journal::{
    AppendError, BoxFuture, Health, Journal, Limit, Places, Position, ReadError, Topic,
    embedded::{EmbeddedJournal, OpenError, Options},
};

use crate::common::{ALL, append, assert_sound, file, open, options, read_all, record, within};

#[tokio::test]
async fn a_reader_beside_sees_what_is_committed_and_takes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let writer = open(folder.path());
    append(&*writer, "one").await.unwrap();
    let beside = EmbeddedJournal::open_read_only(&file(folder.path())).unwrap();
    append(&*writer, "two").await.unwrap();
    assert_eq!(beside.id().await.unwrap(), writer.id().await.unwrap());
    assert_eq!(read_all(&*beside).await, read_all(&*writer).await);
    assert_eq!(read_all(&*beside).await.len(), 2);
    assert!(matches!(append(&*beside, "three").await, Err(AppendError::Unavailable(_))));
    assert!(matches!(beside.health(), Health::Failed(_)));
    drop(beside);
    append(&*writer, "three").await.unwrap();
}

#[tokio::test]
async fn closing_writes_what_was_taken_and_takes_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path());
    let appends = (0..100).map(|n| append(&*journal, vec![n; 1_000]));
    let appends = tokio::join!(futures_util::future::join_all(appends), async { journal.close() }).0;
    assert!(appends.iter().all(Result::is_ok), "each was taken before the journal was closed");
    assert!(matches!(append(&*journal, "late").await, Err(AppendError::Unavailable(_))));
    journal.close();
    assert_eq!(read_all(&*journal).await.len(), 100, "it still reads");
    drop(journal);
    assert_eq!(read_all(&*open(folder.path())).await.len(), 100);
}

#[test]
fn a_file_that_is_no_journal_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(folder.path());
    let open = || EmbeddedJournal::open(Options::new(&path)).err();
    let sqlite = |sql: &str| rusqlite::Connection::open(&path).unwrap().execute_batch(sql).unwrap();

    assert!(matches!(EmbeddedJournal::open_read_only(&path).err(), Some(OpenError::Missing { .. })));
    fs::write(&path, "a letter, long enough to be taken for the head of a database file. ".repeat(20)).unwrap();
    assert!(matches!(open(), Some(OpenError::NotAJournal { .. })), "not a database");
    fs::remove_file(&path).unwrap();
    sqlite("CREATE TABLE other (x)");
    assert!(matches!(open(), Some(OpenError::NotAJournal { .. })), "another's database");
    fs::remove_file(&path).unwrap();
    drop(EmbeddedJournal::open(Options::new(&path)).unwrap());
    sqlite("UPDATE meta SET value = 2 WHERE name = 'schema'");
    assert!(matches!(open(), Some(OpenError::NewerSchema { found: 2, .. })), "a later version's");
    fs::remove_dir_all(folder.path()).unwrap();
    assert!(matches!(open(), Some(OpenError::Cannot { .. })), "no folder");
}

#[tokio::test]
async fn trim_ends_at_the_first_record_that_stays() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path());
    let mut records = ["old", "young", "old"].map(record);
    records[1].timestamp += Duration::from_secs(60);
    let older_than = records[1].timestamp;
    within(journal.append(Topic::Uploads, records.into())).await;
    let end = Position { partition: 0, offset: 4 };
    assert_eq!(within(journal.trim(Topic::Uploads, end, older_than)).await.unwrap(), 1, "no hole behind it");
}

#[tokio::test]
async fn the_write_ahead_log_stays_below_its_limit_and_trimmed_space_is_used_again() {
    const LIMIT: u64 = 2 * 1024 * 1024;
    let folder = tempfile::tempdir().unwrap();
    let journal = EmbeddedJournal::open(Options { wal_limit_bytes: LIMIT, ..options(folder.path()) }).unwrap();
    let size = |name: &str| fs::metadata(folder.path().join(name)).unwrap().len();
    let mut largest = 0;
    let mut file_after_first = 0;
    for round in 0..10 {
        let mut last = None;
        for n in 0..64 {
            last = Some(append(&*journal, vec![n; 100_000]).await.unwrap());
            largest = largest.max(size("journal.db-wal"));
        }
        let before = Position { partition: 0, offset: last.unwrap().offset + 1 };
        let young = record("").timestamp + Duration::from_secs(1);
        assert_eq!(within(journal.trim(Topic::Uploads, before, young)).await.unwrap(), 64);
        if round == 1 {
            file_after_first = size("journal.db");
        }
    }
    assert!(largest < 2 * LIMIT, "the log grew to {largest}");
    assert!(size("journal.db") <= file_after_first * 2, "the file grew to {}", size("journal.db"));
    drop(journal);
    assert_sound(folder.path());
}

#[tokio::test]
async fn a_reader_passed_by_retention_stops_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path());
    within(journal.append(Topic::Uploads, ["1", "2", "3"].map(record).into())).await;
    let mut subscription = within(journal.subscribe(Topic::Uploads, Arc::new(Beginning))).await.unwrap();
    let one = Limit { records: 1, ..ALL };
    assert_eq!(within(subscription.next(one)).await.unwrap().records[0].position.offset, 1);
    for upto in [3, 4] {
        let before = Position { partition: 0, offset: upto };
        within(journal.trim(Topic::Uploads, before, Timestamp::MAX)).await.unwrap();
        match within(subscription.next(one)).await {
            Err(ReadError::OutOfRange { at, first, .. }) => assert_eq!((at.offset, first), (2, upto)),
            other => panic!("out of range expected, got {other:?}"),
        }
    }
}

struct Beginning;

impl Places for Beginning {
    fn next(&self, _: Topic, _: u32) -> BoxFuture<'_, Result<Option<u64>, ReadError>> {
        Box::pin(async { Ok(None) })
    }
}
