//! The demo on both servers, and the roles apart with one of each killed.

use serde_json::Value;

use super::{Cluster, LABS};
use crate::{
    sample::report,
    server::{referto, wait_for},
};

#[test]
fn the_demo_balances_on_both_servers() {
    let Some(mut cluster) = Cluster::new("both") else { return };
    // A keyspace of its own, which it removes.
    cluster.settings.retain(|(name, _)| *name != "REFERTO_SCYLLA__KEYSPACE");
    let demo = ["demo", "--once", "--json", "--reports", "600"];
    let output = referto().args(demo).envs(cluster.settings).output().expect("referto starts");
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    let summary: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("no summary: {told}"));
    assert_eq!((output.status.code(), summary["ledger"].as_str()), (Some(0), Some("balanced")), "{summary} {told}");
}

#[test]
fn roles_apart_lose_nothing_when_one_of_each_is_killed() {
    const REPORTS: usize = 60;
    let Some(cluster) = Cluster::new("apart") else { return };
    let mut workers: Vec<_> = (0..2).map(|_| cluster.start("workers")).collect();
    let mut doors: Vec<_> = (0..2).map(|_| cluster.start("ingest")).collect();
    let status = cluster.start("status");

    for number in 0..REPORTS {
        if number == REPORTS / 2 {
            // One of each, in the middle, as a power cut of its machine.
            workers.remove(0).server.kill();
            doors.remove(0).server.kill();
        }
        let (lab, reports) = (number % LABS, [report(&format!("A-{number}"))]);
        let answer = wait_for(|| {
            let answer = cluster.post(lab, &reports).to(doors[number % doors.len()].server.http);
            assert!(matches!(answer.status, 202 | 503), "{}", answer.text());
            (answer.status == 202).then_some(answer)
        });
        cluster.receipted(lab, &reports, &answer);
    }
    cluster.audit(&status, &workers.iter().collect::<Vec<_>>());
    for node in workers.into_iter().chain(doors).chain([status]) {
        node.stop();
    }
}

#[test]
fn what_waits_shows_with_no_worker_alive() {
    let Some(cluster) = Cluster::new("nobody") else { return };
    let (door, status) = (cluster.start("ingest"), cluster.start("status"));
    cluster.upload_of_each(&door, "N");
    let lag = |of: &str| status.metric(&format!("referto_lag_{of}{{topic=\"uploads\"}}"));
    wait_for(|| (lag("records") == Some(LABS as f64)).then_some(()));
    let first = wait_for(|| lag("seconds").filter(|seconds| *seconds > 0.0));
    wait_for(|| lag("seconds").filter(|seconds| *seconds > first));
    let worker = cluster.start("workers");
    cluster.audit(&status, &[&worker]);
    for node in [door, status, worker] {
        node.stop();
    }
}
