//! Doors that are opened while the store is away: one that knows the laboratories, one that has never seen them.

use serde_json::json;

use super::{Cluster, Relay, relay::Way};
use crate::{
    http,
    sample::report,
    server::{Folder, wait_for},
};

#[test]
fn a_store_that_was_stopped() {
    doors_open_while_the_store_is_away("stopped", Way::Shut);
}

#[test]
fn a_store_that_does_not_answer() {
    doors_open_while_the_store_is_away("mute", Way::Held);
}

fn doors_open_while_the_store_is_away(test: &str, away: Way) {
    let Some(cluster) = Cluster::new(test) else { return };
    let relay = Relay::new(&cluster.node, Way::Open);
    let behind = [("REFERTO_SCYLLA__NODES", relay.address())];
    let door = cluster.start_behind("ingest", &relay);
    cluster.upload_of_each(&door, "A");
    let folder = door.stop();

    relay.set(away);
    let known = cluster.start_with("ingest", folder, &behind);
    cluster.upload_of_each(&known, "B");
    let stranger = http::post("/v1/reports", "application/json", "{}").key("rft_live_stranger").to(known.server.http);
    assert_eq!((stranger.status, &stranger.json()["code"]), (401, &json!("key-unknown")));

    // A laboratory that is not known yet may be one of ours: it is told to come again, not that its key is wrong.
    let empty = cluster.start_with("ingest", Folder::new(), &behind);
    let reports = [report("C-0")];
    let upload = cluster.post(0, &reports);
    let told = upload.to(empty.server.http);
    assert_eq!((told.status, &told.json()["code"]), (503, &json!("directory-unavailable")));
    assert!(told.header("retry-after").is_some(), "{}", told.head);
    let ready = http::get("/health/ready").to(empty.server.admin);
    assert_eq!(
        (ready.status, &ready.json()["store"]),
        (200, &json!("unavailable")),
        "{} {}",
        ready.text(),
        empty.log()
    );

    relay.set(Way::Open);
    let taken = wait_for(|| Some(upload.to(empty.server.http)).filter(|answer| answer.status == 202));
    cluster.receipted(0, &reports, &taken);
    let (worker, status) = (cluster.start("workers"), cluster.start("status"));
    cluster.audit(&status, &[&worker]);
    for node in [known, empty, worker, status] {
        node.stop();
    }
}
