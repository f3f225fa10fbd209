//! A store whose every answer takes its time.

use std::time::{Duration, Instant};

use serde_json::json;

use super::{Cluster, LABS, Relay, relay::Way, torture};
use crate::{sample, server::wait_for};

/// What each piece of a conversation with the store waits.
const DELAY: Duration = Duration::from_millis(200);
const NOTE_BYTES: usize = 1 << 20;
/// More than a worker may keep of it at once.
const UPLOADS: usize = 40;
/// What a worker may use: what it reads ahead, in the client and after it, and the batches in hand, decoded and as rows.
const WORKER_BYTES: u64 = 256 << 20;
const OBSERVED: &str = "referto_received_to_stored_duration_seconds_count";

#[test]
fn a_slow_store_slows_no_upload_and_fills_no_memory() {
    let Some(cluster) = Cluster::new("slow") else { return };
    let relay = Relay::new(&cluster.node, Way::Open);
    let (worker, door) = (cluster.start_behind("workers", &relay), cluster.start("ingest"));
    let status = cluster.start("status");
    cluster.upload_of_each(&door, "A");
    status.wait_for_no_lag();

    relay.set(Way::Slow(DELAY));
    let stored = worker.stored();
    cluster.upload_of_each(&door, "S");
    wait_for(|| (worker.stored() > stored).then_some(()));
    let begun = Instant::now();
    for count in 0..UPLOADS {
        let note = json!({"note": "n".repeat(NOTE_BYTES)});
        cluster.upload(count % LABS, &door, &[sample::with(sample::report(&format!("B-{count}")), note)]);
    }
    // All are taken and most are not stored: what is told of it is true.
    let lag = |name: &str| status.metric(&format!("referto_lag_{name}{{topic=\"uploads\"}}")).unwrap_or_default();
    assert!(lag("records") > UPLOADS as f64 / 2.0 && lag("seconds") > 0.0, "{} {}", lag("records"), lag("seconds"));
    // However long it goes on, the node must store it all within the audit's patience: these are small.
    let mut count = UPLOADS;
    while begun.elapsed() < torture().unwrap_or_default() {
        cluster.upload(count % LABS, &door, &[sample::report(&format!("B-{count}"))]);
        count += 1;
    }

    relay.set(Way::Open);
    cluster.audit(&status, &[&worker]);
    assert_eq!(worker.metric(OBSERVED), Some((2 * LABS + count) as f64));
    let peak = worker.server.peak_memory();
    assert!(peak < WORKER_BYTES, "{} MiB for {UPLOADS} uploads of 1 MiB", peak >> 20);
    for node in [worker, door, status] {
        node.stop();
    }
}
