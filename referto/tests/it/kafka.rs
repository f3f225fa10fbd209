//! The same system on Apache Kafka: the demo's ledger balances, and a start without brokers waits for them.
//!
//! They need a broker: `cargo xtask test` gives one. Without it they say so and pass.

use serde_json::{Value, json};
use xtask::servers::{
    self,
    kafka::{Broker, VARIABLE},
};

use crate::{
    http,
    sample::report,
    server::{Folder, Server, Start, referto, wait_for},
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
