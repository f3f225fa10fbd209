//! The whole system on a real server; each test passes where none is given, and says so.

use std::{
    io::copy,
    net::{Shutdown, TcpListener, TcpStream},
    thread,
};

use serde_json::{Value, json};

use crate::{
    http, sample,
    server::{self, Folder, Server, Start},
};

/// `host:port` of a node that tests may fill: `cargo xtask up` starts one.
const NODE: &str = "REFERTO_TEST_CASSANDRA";

fn node() -> Option<String> {
    let node = std::env::var(NODE).ok().filter(|node| !node.is_empty());
    if node.is_none() {
        eprintln!("{NODE} is not set: nothing was tested on a server");
    }
    node
}

/// The settings of a store on the node, in a keyspace of this test run.
fn settings(node: &str) -> Vec<(&'static str, String)> {
    vec![
        ("REFERTO_STORE", "scylla".to_owned()),
        ("REFERTO_SCYLLA__NODES", node.to_owned()),
        ("REFERTO_SCYLLA__KEYSPACE", format!("whole{}", std::process::id())),
        ("REFERTO_SCYLLA__REPLICATION", "1".to_owned()),
    ]
}

#[test]
fn the_demo_balances_on_a_server() {
    let Some(node) = node() else { return };
    let mut command = server::referto();
    command.env("REFERTO_STORE", "scylla").env("REFERTO_SCYLLA__NODES", node);
    let output = command.args(["demo", "--once", "--json", "--reports", "1000"]).output().expect("referto starts");
    let summary: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("one JSON object on stdout: {}", String::from_utf8_lossy(&output.stderr)));
    assert_eq!((output.status.code(), summary["ledger"].as_str()), (Some(0), Some("balanced")), "{summary}");
    assert!(summary["held"].as_u64() > Some(0) && summary["tasks"].as_u64() > Some(0), "{summary}");
}

#[test]
fn uploads_are_taken_while_the_server_is_away_and_stored_when_it_comes() {
    let Some(node) = node() else { return };
    let (folder, here) = (Folder::new(), settings(&node));
    let run = |arguments: &[&str]| server::printed(folder.referto_with(&here, arguments));
    let apply = || serde_json::from_str::<Value>(&run(&["schema", "apply", "--json"])).expect("JSON");
    let (first, again) = (apply(), apply());
    assert_eq!((&first["created"], &again["created"]), (&json!(true), &json!(false)));
    assert!(run(&["schema", "print"]).starts_with("-- For Apache Cassandra 5."));
    let key = run(&["labs", "add", "lab-one", "--name", "One"]).trim().to_owned();

    let start = |settings: &[(&str, String)]| {
        Server::start_with(&folder, Start { variables: settings, ..Start::default() }).expect("referto run serves")
    };
    let server = start(&here);
    let (_, outcome) = server.upload(&key, "application/json", sample::report("A-1").to_string());
    assert_eq!(outcome["new"], 1);
    assert_eq!(server.stop(), Some(0));

    // Nobody listens there until the relay does.
    let away = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port");
    let server = start(&settings(&away.to_string()));
    let body = sample::report("A-2").to_string();
    let answer = http::post("/v1/reports", "application/json", body).key(&key).to(server.http);
    assert_eq!(answer.status, 202, "{}", answer.text());
    let location = answer.header("location").expect("a location").to_owned();
    assert_eq!(http::get(&location).key(&key).to(server.http).status, 503);

    relay(TcpListener::bind(away).expect("the port is free"), node);
    server::wait_for(|| (http::get(&location).key(&key).to(server.http).status == 200).then_some(()));
    assert_eq!(server.outcome(&key, &location)["new"], 1);
    for number in ["A-1", "A-2"] {
        let found = http::get(&format!("/v1/reports/{number}")).key(&key).to(server.http);
        assert_eq!(found.json()["reports"].as_array().map(Vec::len), Some(1), "{number}");
    }
    assert_eq!(server.stop(), Some(0));
}

/// Hands every connection on to the node, for as long as the tests run.
fn relay(listener: TcpListener, node: String) {
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let Ok(server) = TcpStream::connect(&node) else { continue };
            for (mut from, mut to) in
                [(client.try_clone().expect("a handle"), server.try_clone().expect("a handle")), (server, client)]
            {
                thread::spawn(move || {
                    let _ = copy(&mut from, &mut to);
                    let _ = to.shutdown(Shutdown::Write);
                });
            }
        }
    });
}
