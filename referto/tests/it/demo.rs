//! The demo's ledger balances, and shows one missing row or one missing task; the README's upload works as written.

use std::{collections::HashMap, process::Command, sync::Arc, time::Duration};

use loadtest::{LabPlan, Ledger, Plan, Run, Target, Tasks};
use schemas::format::Format;
use serde_json::Value;

use crate::{
    sample,
    server::{self, Folder, Server, wait_for},
};

#[test]
fn the_demo_balances_and_exits_0() {
    let output = server::run(&["demo", "--once", "--json", "--reports", "1500"]);
    let summary: Value = serde_json::from_slice(&output.stdout).expect("one JSON object on stdout");
    assert_eq!((output.status.code(), summary["ledger"].as_str()), (Some(0), Some("balanced")), "{summary}");
    let count = |name: &str| summary[name].as_u64().unwrap_or_else(|| panic!("{name} is missing: {summary}"));
    assert_eq!(count("received"), count("accepted") + count("refused"));
    let outcomes = ["new", "corrected", "duplicate", "retracted", "stale", "deadLetters"];
    assert_eq!(count("accepted"), outcomes.iter().map(|outcome| count(outcome)).sum::<u64>());
    for name in ["repeated", "refused", "corrected", "duplicate", "retracted", "stale", "held", "tasks"] {
        assert!(count(name) > 0, "{name} is in the demo: {summary}");
    }
}

/// A real server that a small plan was sent to.
struct Sent {
    folder: Folder,
    target: Target,
    run: Run,
    server: Server,
    runtime: tokio::runtime::Runtime,
}

impl Sent {
    fn new() -> Self {
        let folder = Folder::new();
        let lab = "lab-one";
        let key = folder.add_lab(lab, &[]);
        let server = Server::start(&folder);
        let plan = Plan {
            seed: 7,
            reports: 300,
            labs: vec![LabPlan { id: lab.parse().expect("an id"), sandbox: false, lanes: 2 }],
            now: sample::now(),
            formats: vec![Format::Json, Format::Ndjson, Format::Hl7],
        };
        let keys = HashMap::from([(lab.parse().expect("an id"), key)]);
        let target = Target::one(server.http.to_string(), keys, Duration::from_secs(60));
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let run = runtime.block_on(loadtest::drive(&plan, &target, Arc::new(|_| {}))).expect("all is sent");
        wait_for(|| (Tasks::of(&run.meaning, lines(&folder)).missing() == 0).then_some(()));
        Self { folder, target, run, server, runtime }
    }

    fn audit(&self, tasks: &[String]) -> Ledger {
        let tasks = Tasks::of(&self.run.meaning, tasks);
        let audit = loadtest::audit(&self.run, &self.target, &tasks, Arc::new(|_| {}));
        self.runtime.block_on(audit).expect("all is read")
    }
}

fn lines(folder: &Folder) -> Vec<String> {
    folder.tasks().iter().map(Value::to_string).collect()
}

#[test]
fn one_missing_row_or_one_missing_task_unbalances_the_ledger() {
    let mut sent = Sent::new();
    let tasks = lines(&sent.folder);
    let ledger = sent.audit(&tasks);
    assert!(ledger.balanced, "{:?}", ledger.discrepancies);

    // A dropped task of a report that was told of once: nothing else stands for it.
    let mut fewer = tasks.clone();
    let dropped = (0..fewer.len()).find(|n| {
        let number = |line: &str| serde_json::from_str::<Value>(line).expect("JSON")["reportNumber"].clone();
        fewer.iter().filter(|line| number(line) == number(&fewer[*n])).count() == 1
    });
    fewer.remove(dropped.expect("a report with one task"));
    assert!(!sent.audit(&fewer).balanced, "a missing task shows");

    let stop = std::mem::replace(&mut sent.server, Server::start(&Folder::new()));
    assert_eq!(stop.stop(), Some(0));
    // A report that is gone; an earlier version that is gone.
    let deletions = [
        "DELETE FROM reports WHERE rid = (SELECT rid FROM reports LIMIT 1 OFFSET 20)",
        "DELETE FROM versions WHERE vid = (SELECT vid FROM versions WHERE vid NOT IN (SELECT current FROM reports) LIMIT 1)",
    ];
    for deletion in deletions {
        let damaged = Folder::new();
        std::fs::copy(sent.folder.file("secret.key"), damaged.file("secret.key")).expect("a copy");
        for name in ["store.db", "journal.db"] {
            sent.folder.copy_database(name, &damaged);
        }
        let store = rusqlite::Connection::open(damaged.file("store.db")).expect("the store");
        assert_eq!(store.execute(deletion, []).expect("SQL"), 1, "{deletion}");
        drop(store);
        sent.server = Server::start(&damaged);
        sent.target.reads = vec![sent.server.http.to_string()];
        assert!(!sent.audit(&tasks).balanced, "{deletion}");
    }
}

/// The shell blocks of the README, in order.
fn readme_blocks() -> Vec<String> {
    let readme = include_str!("../../../README.md");
    readme.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next()).map(str::to_owned).collect()
}

#[test]
fn the_readmes_upload_is_answered_as_the_readme_says() {
    let folder = Folder::new();
    let blocks = readme_blocks();
    let add = blocks.iter().find(|block| block.contains("labs add")).expect("adding a laboratory");
    let add = add.lines().find(|line| line.contains("labs add")).expect("the line");
    let add = add.replace(
        "cargo run --release --",
        &format!("{} --data {}", env!("CARGO_BIN_EXE_referto"), folder.path().display()),
    );
    let server = Server::start(&folder);
    let upload = blocks.iter().find(|block| block.contains("curl")).expect("an upload");
    let upload = upload.replace("http://127.0.0.1:8080", &format!("http://{}", server.http));
    // The key is in force within ten seconds: until then the door says 401.
    let script = format!(
        "{add}\nfor n in $(seq 100); do answer=$({upload}); case $answer in *key-unknown*) sleep 0.1;; *) break;; esac; done\necho \"$answer\""
    );
    let output = Command::new("sh").arg("-c").arg(script).output().expect("a shell");
    let receipt: Value = serde_json::from_slice(&output.stdout).expect("a receipt");
    let counts = (receipt["received"].as_u64(), receipt["accepted"].as_u64(), receipt["refused"].as_u64());
    assert_eq!(counts, (Some(1), Some(1), Some(0)), "{receipt}");
    assert_eq!(receipt["faults"], serde_json::json!([]), "the README's report is a good one");
}
