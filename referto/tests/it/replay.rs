//! The same journal gives the same state: replays change nothing, and a store is rebuilt from the journal.

use schemas::version::{Reason, Reasons};
use store::embedded::dump;

use crate::{
    http,
    server::{Folder, Server, wait_for},
};

/// A folder that the demo has filled, with all that life brings.
fn filled() -> Folder {
    let folder = Folder::new();
    let output = folder.referto(&["demo", "--once", "--json", "--reports", "600"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    folder
}

fn rows(folder: &Folder, with_holds: bool) -> Vec<String> {
    dump(&folder.file("store.db"), with_holds).expect("the store can be read")
}

fn gauge(server: &Server, line: &str) -> Option<f64> {
    let metrics = http::get("/metrics").to(server.admin).text();
    metrics.lines().find_map(|have| have.strip_prefix(line)?.trim().parse().ok())
}

#[test]
fn a_full_replay_changes_no_row_and_no_outcome_and_tells_nobody() {
    let folder = filled();
    let (before, tasks) = (rows(&folder, true), folder.tasks().len());
    assert!(before.len() > 600 && tasks > 0);
    for from in ["start", "0.3"] {
        let output = folder.referto(&["replay", "--from", from, "--json"]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(rows(&folder, true), before, "replay from {from}");
        assert_eq!(folder.tasks().len(), tasks, "replay from {from}");
    }
}

/// Of each report: whether there is something to tell, and whether it waits for the sake of a restored store.
fn notices(folder: &Folder) -> Vec<(String, bool, bool)> {
    let lines = rows(folder, true).into_iter().filter(|line| line.starts_with("\"hold\""));
    let notice = |line: String| {
        let fields: Vec<&str> = line.split(' ').collect();
        let reasons = Reasons(fields[5].parse().expect("a set of reasons"));
        (fields[1..4].join(" "), fields[4] != "\"not-due\"", reasons.contains(Reason::BeforeRestore))
    };
    lines.map(notice).collect()
}

#[test]
fn a_store_rebuilt_from_the_journal_is_the_same_and_tells_nobody() {
    let folder = filled();
    let (before, due, tasks) = (rows(&folder, false), notices(&folder), folder.tasks().len());
    folder.remove_database("store.db");
    let server = Server::start(&folder);
    wait_for(|| (gauge(&server, "referto_lag_records{topic=\"uploads\"}") == Some(0.0)).then_some(()));
    assert_eq!(server.stop(), Some(0));
    assert_eq!(rows(&folder, false), before, "reports and items byte for byte");
    assert_eq!(folder.tasks().len(), tasks, "no task is emitted");
    let held = notices(&folder);
    assert_eq!(held.len(), due.len());
    for ((report, was_due, _), (same, _, before_restore)) in due.iter().zip(&held) {
        assert_eq!((report, was_due), (same, before_restore), "each due one is held before-restore");
    }
}

#[test]
fn a_journal_older_than_the_store_is_refused_and_explained() {
    let folder = Folder::new();
    let key = folder.add_lab("old", &[]);
    let server = Server::start(&folder);
    server.upload(&key, "application/json", crate::sample::report("R-1").to_string());
    assert_eq!(server.stop(), Some(0));
    let copy = Folder::new();
    folder.copy_database("journal.db", &copy);
    let server = Server::start(&folder);
    server.upload(&key, "application/json", crate::sample::report("R-2").to_string());
    assert_eq!(server.stop(), Some(0));
    copy.copy_database("journal.db", &folder);
    let output = folder.referto(&["run", "--http", "127.0.0.1:0", "--admin", "127.0.0.1:0"]);
    assert_eq!(output.status.code(), Some(3));
    let explained = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(explained.contains("it is older than the store"), "{explained}");
}

#[test]
fn a_restored_store_admits_again_and_tells_nobody_by_itself() {
    let folder = Folder::new();
    let key = folder.add_lab("restored", &[]);
    let server = Server::start(&folder);
    server.upload(&key, "application/json", crate::sample::report("R-1").to_string());
    assert_eq!(server.stop(), Some(0));
    let backup = Folder::new();
    folder.copy_database("store.db", &backup);
    let server = Server::start(&folder);
    server.upload(&key, "application/json", crate::sample::report("R-2").to_string());
    assert_eq!(server.stop(), Some(0));
    let tasks = wait_for(|| Some(folder.tasks()).filter(|tasks| tasks.len() == 2)).len();

    backup.copy_database("store.db", &folder);
    let server = Server::start(&folder);
    let report = wait_for(|| {
        let answer = http::get("/v1/reports/R-2").key(&key).to(server.http);
        (answer.status == 200).then(|| answer.json())
    });
    assert_eq!(report["reports"][0]["held"], serde_json::json!(["before-restore"]));
    assert_eq!(server.stop(), Some(0));
    assert_eq!(folder.tasks().len(), tasks);
}
