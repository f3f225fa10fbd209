//! A process killed in mid-append loses nothing that it acknowledged.

use std::{
    env,
    io::{self, BufRead, BufReader, Write},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use futures_util::future::join_all;
use journal::{
    Journal, Topic,
    embedded::{EmbeddedJournal, Step},
};

use crate::common::{assert_sound, open, options, read_all, record};

const FOLDER: &str = "REFERTO_TEST_JOURNAL_FOLDER";
const STEP: &str = "REFERTO_TEST_JOURNAL_STEP";
const APPENDERS: usize = 8;
/// The commit at which a named step ends the process.
const COMMIT: usize = 20;

/// What the tests below run as a process of its own: appends for ever, and tells each record acknowledged.
#[tokio::test]
async fn child_that_appends() {
    let Some(folder) = env::var_os(FOLDER) else { return };
    let mut options = options(Path::new(&folder));
    // Small, so that kills fall into checkpoints too.
    options.wal_limit_bytes = 256 * 1024;
    if let Ok(name) = env::var(STEP) {
        let reached = AtomicUsize::new(0);
        options.on_step = Some(Arc::new(move |step| {
            if format!("{step:?}") == name && reached.fetch_add(1, Ordering::Relaxed) == COMMIT {
                std::process::abort();
            }
        }));
    }
    let journal = EmbeddedJournal::open(options).unwrap();
    join_all((0..APPENDERS).map(|appender| append_for_ever(&*journal, appender))).await;
}

async fn append_for_ever(journal: &dyn Journal, appender: usize) {
    for round in 0.. {
        let values: Vec<_> = (0..3).map(|n| value(&format!("{appender}-{round}-{n}"))).collect();
        let results = journal.append(Topic::Uploads, values.iter().cloned().map(record).collect()).await;
        let mut told = String::new();
        for (result, value) in results.into_iter().zip(values) {
            told += &format!("ack {} {}\n", result.unwrap().offset, name(value.as_bytes()));
        }
        // Not by print!, which the test harness would keep to itself.
        io::stdout().write_all(told.as_bytes()).unwrap();
    }
}

/// About 1.2 KB that end with the name.
fn value(name: &str) -> String {
    format!("{}{name}", "x".repeat(1_200))
}

fn name(value: &[u8]) -> String {
    String::from_utf8_lossy(value).trim_start_matches('x').to_owned()
}

fn start(folder: &Path, step: Option<Step>) -> Child {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["kill::child_that_appends", "--exact"]).env(FOLDER, folder);
    if let Some(step) = step {
        command.env(STEP, format!("{step:?}"));
    }
    command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
}

/// Reads what the child acknowledges, kills it after `kill_after` records, and gives all that it had told.
fn acknowledged(mut child: Child, kill_after: Option<usize>) -> Vec<(u64, String)> {
    let mut told = Vec::new();
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        let mut words = line.split(' ').skip_while(|word| *word != "ack").skip(1);
        if let (Some(offset), Some(name)) = (words.next(), words.next()) {
            told.push((offset.parse().unwrap(), name.to_owned()));
        }
        if Some(told.len()) == kill_after {
            child.kill().unwrap();
        }
    }
    assert!(!child.wait().unwrap().success(), "it ended by itself");
    told
}

/// Whatever was acknowledged stands where it was said to, appends are whole, offsets have no holes.
async fn assert_nothing_lost(folder: &Path, told: &[(u64, String)]) {
    let journal = open(folder);
    let kept = read_all(&*journal).await;
    for (offset, acknowledged) in told {
        let stored = &kept[*offset as usize - 1];
        assert_eq!((stored.position.offset, name(&stored.value)), (*offset, acknowledged.clone()));
    }
    assert_eq!(kept.len() % 3, 0, "an append of three records was cut");
    assert!((1..).zip(&kept).all(|(offset, stored)| stored.position.offset == offset), "a hole");
    drop(journal);
    assert_sound(folder);
}

#[tokio::test]
async fn a_kill_at_any_time_loses_nothing_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let mut told = Vec::new();
    for kill_after in [1, 30, 100, 333, 1_000] {
        told.extend(acknowledged(start(folder.path(), None), Some(kill_after)));
        assert_nothing_lost(folder.path(), &told).await;
    }
}

#[tokio::test]
async fn a_kill_at_each_step_loses_nothing_acknowledged() {
    for step in [Step::BeforeCommit, Step::AfterCommit, Step::BeforeAcknowledge] {
        let folder = tempfile::tempdir().unwrap();
        let told = acknowledged(start(folder.path(), Some(step)), None);
        assert!(!told.is_empty(), "nothing was acknowledged before {step:?}");
        assert_nothing_lost(folder.path(), &told).await;
        let kept = read_all(&*open(folder.path())).await.len();
        if step != Step::BeforeCommit {
            assert!(kept > told.len(), "what was committed is there, acknowledged or not");
        }
    }
}
