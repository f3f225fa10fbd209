//! Past one machine: the roles as processes of their own, on Kafka and on a store that they share.
//!
//! They need both servers: `cargo xtask test` gives them. Without them they say so and pass.

use std::{collections::BTreeSet, env, process::Output};

use serde_json::Value;
use xtask::servers::{cassandra, kafka};

use crate::{
    http,
    sample::report,
    server::{Folder, Server, Start, referto, wait_for},
};

/// What makes a process part of this test's cluster; none where there are no servers.
fn settings(test: &str) -> Option<Vec<(&'static str, String)>> {
    let (Ok(brokers), Ok(node)) = (env::var(kafka::VARIABLE), env::var(cassandra::VARIABLE)) else {
        eprintln!(
            "not run: {} or {} is not set; run `cargo xtask test`, or `cargo xtask up` and set what it prints",
            kafka::VARIABLE,
            cassandra::VARIABLE
        );
        return None;
    };
    Some(vec![
        ("REFERTO_JOURNAL", "kafka".to_owned()),
        ("REFERTO_KAFKA__BROKERS", brokers),
        ("REFERTO_KAFKA__DURABILITY", "single".to_owned()),
        ("REFERTO_KAFKA__PARTITIONS", "4".to_owned()),
        ("REFERTO_KAFKA__TOPIC_PREFIX", format!("{test}-{}.", std::process::id())),
        ("REFERTO_STORE", "scylla".to_owned()),
        ("REFERTO_SCYLLA__NODES", node),
        ("REFERTO_SCYLLA__KEYSPACE", format!("{test}{}", std::process::id())),
        ("REFERTO_SCYLLA__REPLICATION", "1".to_owned()),
        ("REFERTO_SECRET_KEY", "07".repeat(32)),
    ])
}

fn run(folder: &Folder, settings: &[(&str, String)], arguments: &[&str]) -> Output {
    let mut command = referto();
    command.envs(settings.iter().map(|(name, value)| (name, value)));
    let output = command.arg("--data").arg(folder.path()).args(arguments).output().expect("referto starts");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

#[test]
fn the_demo_balances_on_both_servers() {
    let Some(mut settings) = settings("both") else { return };
    // A keyspace of its own, which it removes.
    settings.retain(|(name, _)| *name != "REFERTO_SCYLLA__KEYSPACE");
    let demo = ["demo", "--once", "--json", "--reports", "600"];
    let output = referto().args(demo).envs(settings).output().expect("referto starts");
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    let summary: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("no summary: {told}"));
    assert_eq!((output.status.code(), summary["ledger"].as_str()), (Some(0), Some("balanced")), "{summary} {told}");
}

/// A process of one role, in a folder of its own.
fn start(settings: &[(&str, String)], role: &str) -> (Folder, Server) {
    let folder = Folder::new();
    let start = Start { at: None, arguments: &["--role", role], variables: settings };
    let server = Server::start_with(&folder, start).expect("referto run serves");
    (folder, server)
}

#[test]
fn roles_apart_lose_nothing_when_one_of_each_is_killed() {
    const REPORTS: usize = 60;
    let Some(settings) = settings("apart") else { return };
    let home = Folder::new();
    run(&home, &settings, &["schema", "apply"]);
    let key = run(&home, &settings, &["labs", "add", "lab-one", "--name", "One"]).stdout;
    let key = String::from_utf8(key).expect("a key is text").trim().to_owned();

    let (mut workers, mut doors) = (Vec::new(), Vec::new());
    for _ in 0..2 {
        workers.push(start(&settings, "workers"));
        doors.push(start(&settings, "ingest"));
    }
    let (_status_folder, status) = start(&settings, "status");

    let mut locations = Vec::new();
    for number in 0..REPORTS {
        if number == REPORTS / 2 {
            // One of each, in the middle, as a power cut of its machine.
            workers.remove(0).1.kill();
            doors.remove(0).1.kill();
        }
        let door = &doors[number % doors.len()].1;
        let body = report(&format!("A-{number}")).to_string();
        let answer = wait_for(|| {
            let answer = http::post("/v1/reports", "application/json", body.clone()).key(&key).to(door.http);
            assert!(matches!(answer.status, 202 | 503), "{}", answer.text());
            (answer.status == 202).then_some(answer)
        });
        locations.push(answer.header("location").expect("a location").to_owned());
    }
    for location in locations {
        let outcome = status.outcome(&key, &location);
        assert_eq!((&outcome["new"], &outcome["received"]), (&1.into(), &1.into()), "{outcome}");
    }
    for (_folder, server) in workers.into_iter().chain(doors) {
        assert_eq!(server.stop(), Some(0), "drained");
    }
    assert_eq!(status.stop(), Some(0));

    let tasks = run(&home, &settings, &["tasks"]).stdout;
    let told: BTreeSet<String> = String::from_utf8(tasks)
        .expect("tasks are text")
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("a task is JSON")["reportNumber"].to_string())
        .collect();
    assert_eq!(told.len(), REPORTS, "each is told");
}
