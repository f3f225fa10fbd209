//! `admit` on a Cassandra node beside the bare driver that issues the same statements, reads included, and decides
//! nothing. One run, in turns; the median of the rounds.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::{StreamExt as _, stream};
use jiff::Timestamp;
use schemas::time::Clock;
use store::{
    Batch, Store as _,
    conformance::{Latest, load},
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
        let batches: Vec<Batch> = (0..BATCHES).map(|n| load::fresh(round as u64 * BATCHES + n, ITEMS)).collect();
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

/// Runs them, so many at once.
async fn at_once<F: Future<Output = anyhow::Result<()>>>(all: Vec<F>) -> anyhow::Result<()> {
    let mut working = stream::iter(all).buffer_unordered(128);
    while let Some(done) = working.next().await {
        done?;
    }
    Ok(())
}
