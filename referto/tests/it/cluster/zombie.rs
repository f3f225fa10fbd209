//! A worker that stands still for longer than its group waits, and then goes on with what it had in hand.

use std::time::Instant;

use rustix::process::Signal;

use super::{Cluster, Node, Relay, relay::Way, torture};
use crate::server::wait_for;

/// Settled batches, as a worker counts them.
const SETTLED: &str = "referto_store_operation_duration_seconds_count{operation=\"settle\"}";

#[test]
fn a_worker_that_stood_still_undoes_nothing_and_is_useful_again() {
    let Some(cluster) = Cluster::new("zombie") else { return };
    let relay = Relay::new(&cluster.node, Way::Open);
    let zombie = cluster.start_behind("workers", &relay);
    let (other, door, status) = (cluster.start("workers"), cluster.start("ingest"), cluster.start("status"));
    let mut waves = Waves { cluster: &cluster, door: &door, status: &status, count: 0 };
    waves.until_it_stores(&other);
    waves.until_it_stores(&zombie);

    let begun = Instant::now();
    loop {
        let (settled, gone) = (zombie.metric(SETTLED), zombie.rebalances().1);
        // The rows of a batch are on their way to the store, which they do not reach; then it stands still.
        relay.hold_at(&waves.next());
        waves.one();
        wait_for(|| relay.is_held().then_some(()));
        zombie.signal(Signal::STOP);

        // The other finishes it all, and goes on.
        status.wait_for_no_lag();
        waves.one();
        status.wait_for_no_lag();
        let places = cluster.places();

        relay.set(Way::Open);
        zombie.signal(Signal::CONT);
        // It stores what it had in hand, writes the place that it knows of, and learns that its partitions are another's.
        wait_for(|| (zombie.metric(SETTLED) > settled).then_some(()));
        wait_for(|| (zombie.rebalances().1 > gone).then_some(()));
        assert_eq!(cluster.places(), places, "no place goes back");
        waves.until_it_stores(&zombie);
        if begun.elapsed() > torture().unwrap_or_default() {
            break;
        }
    }
    cluster.audit(&status, &[&zombie, &other]);
    for node in [zombie, other, door, status] {
        node.stop();
    }
}

/// Uploads of every laboratory, one after the other.
struct Waves<'a> {
    cluster: &'a Cluster,
    door: &'a Node,
    status: &'a Node,
    count: usize,
}

impl Waves<'_> {
    /// How the numbers of the next one's reports begin.
    fn next(&self) -> String {
        format!("W{}-", self.count + 1)
    }

    fn one(&mut self) {
        self.count += 1;
        self.cluster.upload_of_each(self.door, &format!("W{}", self.count));
    }

    /// As many as it takes until a worker has stored something more.
    fn until_it_stores(&mut self, worker: &Node) {
        let before = worker.stored();
        wait_for(|| {
            self.one();
            self.status.wait_for_no_lag();
            (worker.stored() > before).then_some(())
        });
    }
}
