//! `admit` on a Cassandra node beside the bare driver that issues the same statements, reads included, and decides
//! nothing. One run, in turns; the median of the rounds.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::{StreamExt as _, stream};
use jiff::{Timestamp, civil::date};
use schemas::{
    Digest, Identity, ItemPlace, Position, SubmissionId, Version,
    report::{Status, TestResult},
    time::Clock,
    version::{Person, PersonKey, Reasons},
};
use store::{
    AdmitItem, AdmitRecord, Batch, NewVersion, Place, Settled, Store as _, Submission, Verdict,
    conformance::Latest,
    scylla::{Options, ScyllaStore, apply, discard},
};

use xtask::servers::{Folder, cassandra::Cassandra};

use self::bare::Bare;

mod bare;

/// Reports of a batch, and batches of a round.
const ITEMS: u32 = 1_000;
const BATCHES: u64 = 15;
/// Rounds that count; those before them warm the server up, which is twice as slow at first.
const ROUNDS: usize = 5;
const WARM_UP: usize = 3;

/// Measures on a node of its own.
pub(crate) fn measure() -> anyhow::Result<()> {
    let folder = Folder::new()?;
    let node = Cassandra::start(folder.path())?;
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(run(node.address()))
}

async fn run(node: String) -> anyhow::Result<()> {
    let clock: Clock = Arc::new(|| Timestamp::UNIX_EPOCH);
    let [ours, theirs] =
        ["bench_admit", "bench_bare"].map(|keyspace| Options::single(&node, keyspace, Arc::clone(&clock)));
    for options in [&ours, &theirs] {
        discard(options).await?;
        apply(options).await?;
    }
    let store = ScyllaStore::open(ours.clone(), Arc::new(Latest));
    let bare = Bare::connect(&node, &theirs.layout.keyspace).await?;
    let (mut admitted, mut floor) = (Vec::new(), Vec::new());
    for round in 0..WARM_UP + ROUNDS {
        let batches: Vec<Batch> = (0..BATCHES).map(|n| batch(round as u64 * BATCHES + n)).collect();
        let begin = Instant::now();
        for batch in &batches {
            bare.admit(batch).await?;
        }
        let bare_took = begin.elapsed();
        let begin = Instant::now();
        for batch in batches {
            store.admit(batch, Arc::new(Latest)).await?;
        }
        if round >= WARM_UP {
            floor.push(rate(bare_took));
            admitted.push(rate(begin.elapsed()));
        }
    }
    let [admitted, floor] = [admitted, floor].map(median);
    println!("reports/s: admit {admitted:.0}, the bare driver {floor:.0}, ratio {:.2}", admitted / floor);
    for options in [ours, theirs] {
        discard(&options).await?;
    }
    Ok(())
}

fn rate(took: Duration) -> f64 {
    f64::from(ITEMS) * BATCHES as f64 / took.as_secs_f64()
}

fn median(mut rates: Vec<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}

/// New reports of one laboratory, each of another person, with content of 900 bytes.
fn batch(offset: u64) -> Batch {
    let received_at = Timestamp::from_second(1_603_152_000 + offset as i64).expect("a time");
    let position = Position { partition: 0, offset };
    let item = |index: u32| {
        let mut digest = [0; 16];
        digest[..8].copy_from_slice(&offset.to_be_bytes());
        digest[8..12].copy_from_slice(&index.to_be_bytes());
        let version = Version {
            digest: Digest(digest),
            stated_issue: Some(received_at),
            received_at,
            first_place: ItemPlace { position, item: index },
            status: Status::Final,
            result: Some(TestResult::Negative),
            person: Person { by_code: Some(PersonKey(digest)), by_name: Some(PersonKey(digest)) },
            reasons: Reasons::default(),
            listed: true,
            rehearsal: false,
        };
        let number = format!("TO-2020-{:09}", offset * u64::from(ITEMS) + u64::from(index));
        let identity = Identity { lab: "lab-torino".parse().expect("an id"), number, test: "94500-6".to_owned() };
        let new = NewVersion { identity, version, content: format!("{{\"content\":\"{}\"}}", "x".repeat(880)) };
        AdmitItem { index, line: index + 1, faults: Vec::new(), verdict: Verdict::Accepted(Box::new(new)) }
    };
    let submission = Submission {
        id: SubmissionId(uuid::Uuid::from_u128(u128::from(offset))),
        lab: "lab-torino".parse().expect("an id"),
        received_at,
        day: date(2020, 10, 20),
        format: "ndjson".to_owned(),
        received: ITEMS,
        accepted: ITEMS,
        rejected: false,
        chunks: 1,
        control_id: None,
        file_name: None,
        idempotency_key: None,
    };
    let place = Place { journal: "j".to_owned(), topic: "uploads".to_owned(), next: position };
    let settled = Settled { place: Some(place), emitted: Vec::new() };
    Batch { settled, records: vec![AdmitRecord { position, submission, items: (0..ITEMS).map(item).collect() }] }
}

/// Runs them, so many at once.
async fn at_once<F: Future<Output = anyhow::Result<()>>>(all: Vec<F>) -> anyhow::Result<()> {
    let mut working = stream::iter(all).buffer_unordered(128);
    while let Some(done) = working.next().await {
        done?;
    }
    Ok(())
}
