//! Workers that die where a batch is half done: what they leave is finished by another, from where the place stands.

use super::Cluster;
use crate::server::{Folder, wait_for};

/// Where a worker is with a batch: its rows are stored; then its tasks are appended; then its place is written.
const POINTS: [&str; 3] = ["admit-Admitted", "admit-TasksAppended", "admit-Settled"];

#[test]
fn a_worker_that_dies_at_any_step_of_a_batch_loses_nothing() {
    let Some(cluster) = Cluster::new("points") else { return };
    let (door, status, heir) = (cluster.start("ingest"), cluster.start("status"), cluster.start("workers"));
    let mut doomed = POINTS.map(|point| {
        // The first time: a place that is written before the rows are leaves the whole batch behind.
        let abort_at = ("REFERTO_TEST__ABORT_AT", format!("{point}:1"));
        cluster.start_with("workers", Folder::new(), &[abort_at])
    });
    // As many partitions as workers: each has one in the end.
    wait_for(|| doomed.iter().all(|worker| worker.rebalances().0 > 0).then_some(()));
    let mut wave = 0;
    wait_for(|| {
        wave += 1;
        cluster.upload_of_each(&door, &format!("W{wave}"));
        doomed.iter_mut().all(|worker| worker.server.has_ended()).then_some(())
    });
    cluster.audit(&status, &[&heir]);
    for node in [heir, door, status] {
        node.stop();
    }
}
