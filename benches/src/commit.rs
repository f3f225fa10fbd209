//! Transactions of the journal and of the store, in this process, on a fresh folder each time.

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use bytes::Bytes;
use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp, civil::date};
use journal::{
    Journal as _, Position, Record, Topic,
    embedded::{EmbeddedJournal, Options},
};
use schemas::{
    Digest, Identity, ItemPlace, LabId, Outcome, SubmissionId, Version,
    report::{Status, TestResult},
    version::{Person, PersonKey, PhoneKey, Reasons, Standing},
};
use store::{
    AdmitItem, AdmitRecord, Batch, Judge, NewVersion, Settled, Store as _, Submission, Verdict,
    embedded::{EmbeddedStore, Options as StoreOptions},
};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};
use uuid::Uuid;

use crate::{
    raw_loop::{File, JOURNAL, STORE, write_file_again},
    reports,
    table::{ROUNDS, rate, row},
};

/// Appends at once: as many as the connections of `singles`.
pub const APPENDS: usize = 64;
/// Versions of a batch.
pub const VERSIONS: usize = 1_000;
/// Commits of a round, of the journal and of the store.
const COMMITS: (usize, usize) = (200, 40);

const NOW: Timestamp = Timestamp::constant(1_790_000_000, 0);

/// A chunk's header is so long.
const HEADER: &[u8] = br#"{"submission":"0198f3a5-6f0e-8c11-9a54-2f6f6b1d7c33","chunk":0,"chunks":1,"firstItem":0,"firstLine":1,"lab":"bench","format":"json","receivedAt":"2026-09-21T14:13:20Z","zone":"Europe/Rome","received":1,"accepted":1}"#;

/// How long ours took, and the floor after it with the same rows.
#[derive(Debug, Clone, Copy)]
pub struct Took {
    /// Ours.
    pub ours: Duration,
    /// Raw SQLite.
    pub floor: Duration,
}

/// `commits` times [`APPENDS`] uploads at once, each acknowledged as fsynced.
///
/// The floor writes as many in one transaction.
///
/// # Errors
/// The journal's and SQLite's.
pub fn journal(commits: usize) -> anyhow::Result<Took> {
    let folder = folder()?;
    let opened = EmbeddedJournal::open(Options::new(folder.path().join(JOURNAL.name)))?;
    let record = |n: usize| Record {
        key: Bytes::copy_from_slice(Uuid::from_u128(scattered(n)).as_bytes()),
        headers: vec![(schemas::chunk::HEADER, Bytes::from_static(HEADER))],
        value: reports::json(0, n, NOW).into(),
        timestamp: NOW,
    };
    let waves: Vec<Vec<Record>> =
        (0..commits).map(|wave| (wave * APPENDS..(wave + 1) * APPENDS).map(record).collect()).collect();
    let begin = Instant::now();
    runtime()?.block_on(async {
        for wave in waves {
            for answer in join_all(wave.into_iter().map(|record| opened.append(Topic::Uploads, vec![record]))).await {
                answer.into_iter().collect::<Result<Vec<_>, _>>()?;
            }
        }
        anyhow::Ok(())
    })?;
    let ours = begin.elapsed();
    drop(opened);
    Ok(Took { ours, floor: write_file_again(folder.path(), File { rows: APPENDS, ..JOURNAL })? })
}

/// `commits` batches of [`VERSIONS`] new reports each, folded by the rules.
///
/// # Errors
/// The store's and SQLite's.
pub fn store(commits: usize) -> anyhow::Result<Took> {
    let folder = folder()?;
    let opened = EmbeddedStore::open(StoreOptions::at(folder.path().join(STORE.name)))?.store;
    let lab: LabId = "bench".parse()?;
    let batches: Vec<Batch> = (0..commits).map(|n| batch(n, &lab)).collect();
    let judge: Arc<dyn Judge> = Arc::new(Rules);
    let begin = Instant::now();
    runtime()?.block_on(async {
        for batch in batches {
            opened.admit(batch, Arc::clone(&judge)).await?;
        }
        anyhow::Ok(())
    })?;
    let ours = begin.elapsed();
    drop(opened);
    Ok(Took { ours, floor: write_file_again(folder.path(), File { rows: VERSIONS, ..STORE })? })
}

/// Prints the table of commits.
///
/// # Errors
/// Those of [`journal()`] and [`store()`].
pub fn measure() -> anyhow::Result<()> {
    let rounds = |took: fn(usize) -> anyhow::Result<Took>, commits: usize, each: usize| {
        let round = |_| took(commits).map(|took| (rate(commits * each, took.ours), rate(commits * each, took.floor)));
        (0..ROUNDS).map(round).collect::<anyhow::Result<Vec<_>>>()
    };
    let what = format!("journal: records fsynced, {APPENDS} appends at once, beside raw SQLite");
    row(&what, &rounds(journal, COMMITS.0, APPENDS)?);
    let what = format!("store: versions admitted, batches of {VERSIONS}, beside raw SQLite");
    row(&what, &rounds(store, COMMITS.1, VERSIONS)?);
    Ok(())
}

/// Under the target folder: on the disk that the project is on, not in memory.
fn folder() -> anyhow::Result<TempDir> {
    let program: PathBuf = std::env::current_exe()?;
    Ok(tempfile::tempdir_in(program.parent().context("a folder")?)?)
}

fn runtime() -> anyhow::Result<Runtime> {
    Ok(Builder::new_current_thread().build()?)
}

fn batch(n: usize, lab: &LabId) -> Batch {
    let position = Position { partition: 0, offset: n as u64 + 1 };
    let submission = Submission {
        id: SubmissionId(Uuid::from_u128(scattered(n))),
        lab: lab.clone(),
        received_at: NOW,
        day: date(2026, 9, 21),
        format: "ndjson".to_owned(),
        received: VERSIONS as u32,
        accepted: VERSIONS as u32,
        rejected: false,
        chunks: 1,
        control_id: None,
        file_name: None,
        idempotency_key: None,
    };
    let item = |index: usize| {
        let report = n * VERSIONS + index;
        let place = ItemPlace { position, item: index as u32 };
        let verdict = Verdict::Accepted(Box::new(version(report, lab, place)));
        AdmitItem { index: index as u32, line: index as u32 + 1, faults: Vec::new(), verdict }
    };
    let record = AdmitRecord { position, submission, items: (0..VERSIONS).map(item).collect() };
    Batch { settled: Settled::default(), records: vec![record] }
}

fn version(n: usize, lab: &LabId, first_place: ItemPlace) -> NewVersion {
    let key = scattered(n).to_be_bytes();
    NewVersion {
        identity: Identity { lab: lab.clone(), number: format!("B0-{n:08}"), test: "94500-6".to_owned() },
        version: Version {
            digest: Digest(key),
            stated_issue: Some(NOW - SignedDuration::from_hours(1)),
            received_at: NOW,
            first_place,
            status: Status::Final,
            result: Some(TestResult::Negative),
            person: Person { by_code: Some(PersonKey(key)), by_name: Some(PersonKey(key)) },
            reasons: Reasons::default(),
            listed: true,
            rehearsal: false,
        },
        content: reports::json(0, n, NOW),
        // No two share one: every row is new.
        phone: Some(PhoneKey(scattered(!n).to_be_bytes())),
    }
}

/// Digests are all over their index: an odd factor gives each number another, in no order.
fn scattered(n: usize) -> u128 {
    (n as u128 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835)
}

struct Rules;

impl Judge for Rules {
    fn outcome(&self, stored: &[Version], item: &Version) -> Outcome {
        rules::outcome(stored, item)
    }

    fn standing(&self, versions: &[Version], fenced: &dyn Fn(ItemPlace) -> bool, emitted: Option<Digest>) -> Standing {
        rules::standing(versions, fenced, emitted).expect("a version at the least")
    }
}
