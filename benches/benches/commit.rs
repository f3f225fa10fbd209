//! Commits of journal and store, each beside SQLite alone with the same rows. `cargo bench -p benches --bench commit`
#![allow(missing_docs, reason = "criterion's macros make a public function")]

use benches::commit::{APPENDS, Took, VERSIONS, journal, store};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

type Commits = fn(usize) -> anyhow::Result<Took>;

fn commits(criterion: &mut Criterion) {
    let both: [(&str, usize, Commits); 2] = [
        ("journal, 64 appends at once, fsynced", APPENDS, journal),
        ("store, batches of 1,000 versions", VERSIONS, store),
    ];
    for (name, rows, commits) in both {
        let mut group = criterion.benchmark_group(name);
        group.sample_size(10).throughput(Throughput::Elements(rows as u64));
        // One run has both sides; each line of criterion's takes its own.
        let took = |count: u64| commits(count as usize).expect("a disk to write to");
        group.bench_function("commit", |bench| bench.iter_custom(|count| took(count).ours));
        group.bench_function("floor: raw SQLite", |bench| bench.iter_custom(|count| took(count).floor));
        group.finish();
    }
}

criterion_group!(commit, commits);
criterion_main!(commit);
