//! The store goes, first without a word, then as a server that was stopped, and comes back.

use std::time::{Duration, Instant};

use serde_json::json;

use super::{Cluster, LABS, Relay, relay::Way, torture};
use crate::{http, sample, server::wait_for};

/// Longer than a group keeps who does not poll (see [`Cluster::new`]).
const OUTAGE: Duration = Duration::from_secs(12);
/// A long note, so that workers read until they have no more room: they are to say so to the group all the same.
const NOTE_BYTES: usize = 1 << 20;

#[test]
fn a_store_that_is_away_turns_nobody_away_and_no_worker_leaves_its_group() {
    let Some(cluster) = Cluster::new("away") else { return };
    let relay = Relay::new(&cluster.node, Way::Open);
    let workers = [cluster.start_behind("workers", &relay), cluster.start_behind("workers", &relay)];
    let (door, status) = (cluster.start_behind("ingest", &relay), cluster.start("status"));
    let mut wave = 0;
    // Until each has its share.
    wait_for(|| {
        wave += 1;
        cluster.upload_of_each(&door, &format!("W{wave}"));
        status.wait_for_no_lag();
        workers.iter().all(|worker| worker.stored() > 0.0).then_some(())
    });
    let rebalances = workers.each_ref().map(super::Node::rebalances);

    let (outage, begun, mut count) = (torture().unwrap_or(OUTAGE), Instant::now(), 0);
    relay.set(Way::Held);
    while begun.elapsed() < outage {
        if begun.elapsed() > outage / 2 {
            relay.set(Way::Shut);
        }
        let long = if count < 64 { "n".repeat(NOTE_BYTES) } else { String::new() };
        let report = sample::with(sample::report(&format!("A-{count}")), json!({"note": long}));
        cluster.upload(count % LABS, &door, &[report]);
        count += 1;
        std::thread::park_timeout(Duration::from_millis(20));
    }
    // A balancer leaves the door in its place; the process says what is amiss.
    let ready = http::get("/health/ready").to(door.server.admin);
    assert_eq!((ready.status, &ready.json()["store"]), (200, &json!("unavailable")));

    // How far behind it is shows all the same: no place moves meanwhile.
    wait_for(|| (workers[0].metric("referto_lag_records{topic=\"uploads\"}") >= Some(1.0)).then_some(()));

    relay.set(Way::Open);
    status.wait_for_no_lag();
    assert_eq!(workers.each_ref().map(super::Node::rebalances), rebalances, "nobody was thrown out");
    cluster.audit(&status, &workers.each_ref());
    for node in workers.into_iter().chain([door, status]) {
        node.stop();
    }
}
