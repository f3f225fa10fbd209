//! A disk without room, and a disk that fails.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use jiff::Timestamp;
use journal::{
    AppendError, Health, Journal, Topic,
    embedded::{EmbeddedJournal, Options, Step},
};
use tempfile::TempDir;

use crate::common::{START, append, assert_sound, file, open, options, read_all};

const MIB: u64 = 1024 * 1024;

/// A file system of 8 MiB; none where mounting is not permitted.
struct SmallDisk(TempDir);

impl SmallDisk {
    fn mount() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=8m", "tmpfs"])
            .arg(folder.path())
            .stderr(Stdio::null())
            .status();
        mounted.is_ok_and(|status| status.success()).then(|| Self(folder))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

#[tokio::test]
async fn a_full_disk_loses_nothing_and_recovers_by_itself() {
    for disk_reserve_bytes in [0, MIB] {
        let Some(disk) = SmallDisk::mount() else {
            eprintln!("mounting is not permitted here: not tested");
            return;
        };
        let ballast = disk.path().join("ballast");
        fs::write(&ballast, vec![1; 4 * 1024 * 1024]).unwrap();
        let journal = EmbeddedJournal::open(Options { disk_reserve_bytes, ..options(disk.path()) }).unwrap();
        let mut acknowledged = Vec::new();
        let refused = loop {
            match append(&*journal, vec![acknowledged.len() as u8; 50_000]).await {
                Ok(position) => acknowledged.push(position),
                Err(error) => break error,
            }
        };
        assert!(matches!(refused, AppendError::Full), "{refused:?}");
        assert!(acknowledged.len() > 10, "{} appends until full", acknowledged.len());
        assert_eq!(journal.health(), Health::Full);
        assert!(matches!(append(&*journal, vec![0; 50_000]).await, Err(AppendError::Full)), "still full");
        assert_eq!(journal.pending_bytes(), 0);
        let kept: Vec<_> = read_all(&*journal).await.iter().map(|stored| stored.position).collect();
        assert_eq!(kept, acknowledged, "what was acknowledged and nothing else");

        fs::remove_file(&ballast).unwrap();
        assert_eq!(journal.health(), Health::Ready, "by itself, once there is room");
        acknowledged.push(append(&*journal, vec![0; 50_000]).await.unwrap());
        assert_eq!(journal.health(), Health::Ready);
        drop(journal);
        assert_sound(disk.path());
        let kept: Vec<_> = read_all(&*open(disk.path())).await.iter().map(|stored| stored.position).collect();
        assert_eq!(kept, acknowledged, "after it was opened again");
    }
}

#[tokio::test]
async fn a_disk_that_fills_up_during_a_commit_takes_nothing_of_it() {
    let Some(disk) = SmallDisk::mount() else { return };
    let ballast = disk.path().join("ballast");
    let mut options = options(disk.path());
    let fill = Arc::new(AtomicBool::new(false));
    options.on_step = Some(Arc::new({
        let (fill, ballast) = (Arc::clone(&fill), ballast.clone());
        move |step| {
            if step == Step::BeforeCommit && fill.load(Ordering::Relaxed) {
                assert!(fs::write(&ballast, vec![1; 8 * 1024 * 1024]).is_err(), "it fits no more");
            }
        }
    }));
    let journal = EmbeddedJournal::open(options).unwrap();
    append(&*journal, "first").await.unwrap();
    fill.store(true, Ordering::Relaxed);
    let refused = append(&*journal, vec![0; 500_000]).await;
    assert!(matches!(refused, Err(AppendError::Full)), "{refused:?}");
    assert_eq!((journal.health(), read_all(&*journal).await.len()), (Health::Full, 1));
    fill.store(false, Ordering::Relaxed);
    fs::remove_file(&ballast).unwrap();
    assert_eq!(journal.health(), Health::Ready);
    assert_eq!(append(&*journal, "second").await.unwrap().offset, 2, "no offset was used up");
    drop(journal);
    assert_sound(disk.path());
    assert_eq!(read_all(&*open(disk.path())).await.len(), 2);
}

#[tokio::test]
async fn retention_makes_room_on_a_full_disk() {
    let Some(disk) = SmallDisk::mount() else { return };
    let reserve = Options { disk_reserve_bytes: 2 * MIB, wal_limit_bytes: MIB, ..options(disk.path()) };
    let journal = EmbeddedJournal::open(reserve).unwrap();
    let mut before = START;
    while let Ok(position) = append(&*journal, vec![0; 50_000]).await {
        before.offset = position.offset + 1;
    }
    assert_eq!(journal.health(), Health::Full);
    let trimmed = journal.trim(Topic::Uploads, before, Timestamp::MAX).await.unwrap();
    assert_eq!(trimmed, before.offset - 1);
    assert_eq!(journal.health(), Health::Ready, "rows go where others were");
    append(&*journal, vec![0; 50_000]).await.unwrap();
}

#[tokio::test]
async fn the_reserve_of_the_disk_is_not_touched() {
    let folder = tempfile::tempdir().unwrap();
    let journal = EmbeddedJournal::open(Options { disk_reserve_bytes: u64::MAX, ..options(folder.path()) }).unwrap();
    assert_eq!(journal.health(), Health::Full);
    assert!(matches!(append(&*journal, "one").await, Err(AppendError::Full)));
    assert!(read_all(&*journal).await.is_empty());
    let place = journal::Position { partition: 0, offset: 1 };
    journal.mirror(journal::Topic::Uploads, place).await.expect("a place is a few bytes, and lets retention go on");
}

const FAILING: &str = "REFERTO_TEST_JOURNAL_FAILING";

/// What the next test runs as a process of its own: files that may not grow are how its disk fails.
#[tokio::test]
async fn child_whose_disk_fails() {
    let Some(folder) = std::env::var_os(FAILING) else { return };
    let journal = open(Path::new(&folder));
    let mut acknowledged = 0;
    let error = loop {
        match append(&*journal, vec![7; 20_000]).await {
            Ok(_) => acknowledged += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(error, AppendError::Unavailable(_)), "{error:?}");
    assert!(matches!(journal.health(), Health::Failed(_)));
    assert!(matches!(append(&*journal, "small").await, Err(AppendError::Unavailable(_))), "never tried again");
    fs::write(Path::new(&folder).join("acknowledged"), acknowledged.to_string()).unwrap();
}

#[tokio::test]
async fn a_failed_write_is_final_for_the_handle_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let limited = Command::new("sh")
        .args(["-c", r#"trap "" XFSZ; ulimit -f 1000; exec "$0" full::child_whose_disk_fails --exact"#])
        .arg(std::env::current_exe().unwrap())
        .env(FAILING, folder.path())
        .output()
        .unwrap();
    assert!(limited.status.success(), "{}", String::from_utf8_lossy(&limited.stdout));
    let acknowledged: usize = fs::read_to_string(folder.path().join("acknowledged")).unwrap().parse().unwrap();
    assert!(acknowledged > 5, "{acknowledged} appends until the failure");
    assert!(file(folder.path()).exists());
    let kept = read_all(&*open(folder.path())).await.len();
    // The one that failed may be there: its outcome was unknown.
    assert!(kept == acknowledged || kept == acknowledged + 1, "{kept} kept, {acknowledged} acknowledged");
    assert_sound(folder.path());
}
