//! The same system on Apache Kafka: the demo's ledger balances, and a start without brokers waits for them.
//!
//! They need a broker: `cargo xtask test` gives one. Without it they say so and pass.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use store::embedded::dump;
use xtask::servers::{
    self,
    kafka::{Broker, VARIABLE},
};

use crate::{
    http,
    sample::report,
    server::{Folder, Server, Start, printed, referto, wait_for},
};

/// What makes a process use Kafka, with topics of this test.
fn settings(address: &str, test: &str) -> Vec<(&'static str, String)> {
    vec![
        ("REFERTO_JOURNAL", "kafka".to_owned()),
        ("REFERTO_KAFKA__BROKERS", address.to_owned()),
        ("REFERTO_KAFKA__DURABILITY", "single".to_owned()),
        ("REFERTO_KAFKA__PARTITIONS", "6".to_owned()),
        ("REFERTO_KAFKA__TOPIC_PREFIX", format!("{test}-{}.", std::process::id())),
    ]
}

fn broker() -> Option<String> {
    let address = std::env::var(VARIABLE).ok();
    if address.is_none() {
        eprintln!("not run: {VARIABLE} is not set; run `cargo xtask test`, or `cargo xtask up` and set what it prints");
    }
    address
}

#[test]
fn the_demo_balances_on_kafka() {
    let Some(address) = broker() else { return };
    let demo = ["demo", "--once", "--json", "--reports", "600"];
    let output = referto().args(demo).envs(settings(&address, "demo")).output().expect("referto starts");
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    let summary: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("no summary: {told}"));
    assert_eq!((output.status.code(), summary["ledger"].as_str()), (Some(0), Some("balanced")), "{summary} {told}");
}

#[test]
fn a_start_without_brokers_answers_503_and_goes_on_when_they_come() {
    if broker().is_none() {
        return;
    }
    let kept = servers::Folder::new().expect("a folder");
    let mut brokers = Broker::start(kept.path()).expect("a broker");
    brokers.kill();
    let folder = Folder::new();
    let key = folder.add_lab("away", &[]);
    let variables = settings(&brokers.address(), "away");
    let server = Server::start_with(&folder, Start { variables: &variables, ..Start::default() }).expect("it serves");
    let post = || http::post("/v1/reports", "application/json", report("A-1").to_string()).key(&key).to(server.http);
    let refused = post();
    assert_eq!((refused.status, refused.json()["code"].clone()), (503, json!("journal-unavailable")));
    let ready = http::get("/health/ready").to(server.admin);
    let told = ready.json();
    assert_eq!((ready.status, told["durability"].as_str()), (200, Some("single")));
    assert!(told["journal"].as_str().is_some_and(|journal| journal.starts_with("unreachable")), "{told}");
    assert!(http::get("/metrics").to(server.admin).text().contains("referto_dependency_up{name=\"journal\"} 0"));

    brokers.restart().expect("the broker comes");
    wait_for(|| (post().status == 202).then_some(()));
    wait_for(|| (http::get("/v1/reports/A-1").key(&key).to(server.http).status == 200).then_some(()));
    assert!(http::get("/metrics").to(server.admin).text().contains("referto_dependency_up{name=\"journal\"} 1"));
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn a_replay_from_the_start_reads_every_partition_and_tells_nobody_again() {
    let Some(address) = broker() else { return };
    // One key, or the rows of the second store could not be those of the first.
    let settings = [settings(&address, "replay"), vec![("REFERTO_SECRET_KEY", "07".repeat(32))]].concat();
    let (folder, fresh) = (Folder::new(), Folder::new());
    let keys = ["a", "b", "c", "d", "e", "f"].map(|lab| folder.add_lab(lab, &[]));
    let server = Server::start_with(&folder, Start { variables: &settings, ..Start::default() }).expect("it serves");
    let mut partitions = BTreeSet::new();
    for key in &keys {
        let body = format!("{}\n{}\n", report("R-1"), report("R-2"));
        let (_, outcome) = server.upload(key, "application/x-ndjson", body);
        assert_eq!(outcome["new"], 2, "{outcome}");
        let (answer, _) = server.upload(key, "application/json", report("R-3").to_string());
        let position = answer.json()["position"].as_str().expect("a position").to_owned();
        partitions.insert(position.split('.').next().expect("a partition").to_owned());
    }
    assert!(partitions.len() > 1, "{partitions:?}");
    assert_eq!(server.stop(), Some(0));
    let tasks = |folder: &Folder| printed(folder.referto_with(&settings, &["tasks"])).lines().count();
    let told = tasks(&folder);

    let replay = |arguments: &[&str]| -> Value {
        let told = printed(fresh.referto_with(&settings, &[&["replay", "--json", "--from"], arguments].concat()));
        serde_json::from_str(&told).expect("a count")
    };
    let counts = |dry: bool| json!({"records": 12, "items": 18, "tasks": 0, "dryRun": dry});
    assert_eq!(replay(&["start", "--dry-run"]), counts(true));
    assert_eq!(replay(&["start"]), counts(false));
    let rows = |folder: &Folder| dump(&folder.file("store.db"), false).expect("the store can be read");
    assert_eq!(rows(&fresh), rows(&folder));
    assert_eq!((told, tasks(&fresh)), (18, 18));
    // A position is of one partition.
    let partition = partitions.first().expect("a partition");
    let of_one = replay(&[&format!("{partition}.0"), "--dry-run"])["records"].as_u64();
    assert!(of_one.is_some_and(|records| (2..12).contains(&records)), "{of_one:?}");
}
