//! What an SRE does with it: start, probe, fill the disk, stop, ask for settings.

use std::{
    fs::{self, File},
    thread,
};

use serde_json::{Value, json};

use crate::{
    http,
    sample::report,
    server::{self, Folder, Server, Start, wait_for},
};

const JSON: &str = "application/json";

#[test]
fn a_second_run_on_the_same_folder_is_refused_and_told_who_holds_it() {
    let folder = Folder::new();
    let server = Server::start(&folder);
    let output = folder.referto(&["run", "--http", "127.0.0.1:0", "--admin", "127.0.0.1:0"]);
    assert_eq!(output.status.code(), Some(3));
    let explained = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(explained.contains(&format!("process {}", server.id())), "{explained}");
}

#[test]
fn a_full_disk_is_503_and_not_ready_and_recovers_by_itself() {
    let folder = Folder::new();
    let key = folder.add_lab("full", &[]);
    // The reserve is put just under what is free now, so that a file of twice the difference fills it.
    let margin: u64 = 512 << 20;
    let free = rustix::fs::statvfs(folder.path()).map(|disk| disk.f_bavail * disk.f_frsize).expect("a disk");
    let variables = [("REFERTO_DISK_RESERVE_BYTES", (free - margin).to_string())];
    let server = Server::start_with(&folder, Start { variables: &variables, ..Start::default() }).expect("it serves");
    let ready = || http::get("/health/ready").to(server.admin).status;
    let post = |number: &str| http::post("/v1/reports", JSON, report(number).to_string()).key(&key).to(server.http);
    assert_eq!((ready(), post("F-1").status), (200, 202));

    let ballast = folder.file("ballast");
    let file = File::create(&ballast).expect("a file");
    rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::empty(), 0, 2 * margin).expect("room for the ballast");
    let refused = wait_for(|| Some(post("F-2")).filter(|answer| answer.status != 202));
    assert_eq!((refused.status, refused.json()["code"].clone()), (503, json!("journal-full")));
    assert!(refused.header("retry-after").is_some());
    assert_eq!((ready(), http::get("/health/live").to(server.admin).status), (503, 200));

    drop(file);
    fs::remove_file(&ballast).expect("the ballast goes");
    wait_for(|| (post("F-3").status == 202).then_some(()));
    wait_for(|| (ready() == 200).then_some(()));
    for number in ["F-1", "F-3"] {
        wait_for(|| {
            (http::get(&format!("/v1/reports/{number}")).key(&key).to(server.http).status == 200).then_some(())
        });
    }
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn told_to_stop_it_finishes_what_is_in_hand_and_exits_0() {
    let folder = Folder::new();
    let key = folder.add_lab("drain", &[]);
    let server = Server::start(&folder);
    let lines: String = (0..2_000).map(|n| format!("{}\n", report(&format!("S-{n}")))).collect();
    let answer = http::post("/v1/reports", "application/x-ndjson", lines).key(&key).to(server.http);
    assert_eq!(answer.status, 202);
    assert_eq!(server.stop(), Some(0));
    let server = Server::start(&folder);
    let outcome = server.outcome(&key, answer.header("location").expect("a location"));
    assert_eq!(outcome["new"], 2_000);
    wait_for(|| (folder.tasks().len() == 2_000).then_some(()));
}

#[test]
fn sixty_four_uploads_of_ten_megabytes_at_once_stay_under_400_mb() {
    let folder = Folder::new();
    let key = folder.add_lab("large", &[]);
    let server = Server::start(&folder);
    let note = "x".repeat(20_000);
    let body = |client: usize| -> Vec<u8> {
        let line = |n: usize| {
            let mut report = report(&format!("L-{client}-{n}"));
            report["note"] = note.clone().into();
            format!("{report}\n")
        };
        (0..495).map(line).collect::<String>().into_bytes()
    };
    thread::scope(|scope| {
        for client in 0..64 {
            let (server, key, body) = (&server, &key, &body);
            scope.spawn(move || {
                let body = body(client);
                assert!(body.len() > 10_000_000);
                // Overload is 503: the same bytes again.
                wait_for(|| {
                    let answer =
                        http::post("/v1/reports", "application/x-ndjson", body.clone()).key(key).try_to(server.http);
                    let answer = answer.ok()?;
                    assert!(matches!(answer.status, 202 | 503), "{}", answer.text());
                    (answer.status == 202).then_some(())
                });
            });
        }
    });
    let peak = server.peak_memory();
    eprintln!("peak memory {} MB", peak >> 20);
    assert!(peak < 400 << 20, "peak memory {} MB", peak >> 20);
}

#[test]
fn metrics_have_the_names_of_the_contract_each_with_its_help() {
    let folder = Folder::new();
    let key = folder.add_lab("metrics", &[]);
    let server = Server::start(&folder);
    server.upload(&key, JSON, report("M-1").to_string());
    http::post("/v1/reports", JSON, "{}").key(&key).to(server.http);
    let metrics = wait_for(|| {
        let text = http::get("/metrics").to(server.admin).text();
        text.contains("referto_tasks_total").then_some(text)
    });
    let names = [
        "referto_http_requests_total",
        "referto_http_request_duration_seconds",
        "referto_connections",
        "referto_bytes_in_hand",
        "referto_reports_received_total",
        "referto_items_total",
        "referto_faults_total",
        "referto_lab_last_report_timestamp_seconds",
        "referto_journal_append_duration_seconds",
        "referto_journal_pending_bytes",
        "referto_lag_records",
        "referto_lag_seconds",
        "referto_store_operation_duration_seconds",
        "referto_received_to_stored_duration_seconds",
        "referto_stored_to_emitted_duration_seconds",
        "referto_tasks_total",
        "referto_held",
        "referto_held_oldest_timestamp_seconds",
        "referto_dead_letters",
        "referto_dependency_up",
        "referto_build_info",
    ];
    for name in names {
        assert!(metrics.contains(&format!("# HELP {name} ")), "{name} has no help:\n{metrics}");
    }
    let kinds = metrics.lines().filter(|line| line.starts_with("# TYPE ")).count();
    let helps = metrics.lines().filter(|line| line.starts_with("# HELP ")).count();
    assert_eq!(kinds, helps, "each declared once with its help:\n{metrics}");
}

#[test]
fn settings_are_shown_and_unknown_ones_refused_with_the_nearest_name() {
    let folder = Folder::new();
    let file = folder.file("referto.toml");
    fs::write(&file, "http = \"127.0.0.1:9\"\n[limits]\nitems = 7\n").expect("a file");
    let config = ["--json", "config", "--config", file.to_str().expect("a path")];
    let shown: Value = serde_json::from_slice(&server::run(&config).stdout).expect("JSON");
    let of = |name: &str| shown["settings"].as_array().expect("a list").iter().find(|s| s["name"] == name).cloned();
    assert_eq!(of("limits.items").expect("it is there")["value"], "7");
    fs::write(&file, "htp = 1\n").expect("a file");
    let refused = server::run(&config);
    assert_eq!(refused.status.code(), Some(2));
    let explained = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(explained.contains("\"htp\"") && explained.contains("\"http\""), "{explained}");
    assert_eq!(server::run(&["runn"]).status.code(), Some(2));
}

#[test]
fn check_names_every_fault_with_its_line_and_exits_1() {
    let folder = Folder::new();
    let file = folder.file("reports.ndjson");
    fs::write(&file, format!("{}\n{{}}\n", report("C-1"))).expect("a file");
    let checked = server::run(&["check", file.to_str().expect("a path")]);
    assert_eq!(checked.status.code(), Some(1));
    let text = String::from_utf8_lossy(&checked.stdout).into_owned();
    assert!(text.contains("reports.ndjson:2:") && text.contains("report-number-missing"), "{text}");
    fs::write(&file, report("C-1").to_string()).expect("a file");
    assert_eq!(server::run(&["check", file.to_str().expect("a path")]).status.code(), Some(0));
}

#[test]
fn a_rotated_key_replaces_the_old_one() {
    let folder = Folder::new();
    let old = folder.add_lab("rotate", &[]);
    let server = Server::start(&folder);
    let new = String::from_utf8(folder.referto(&["labs", "rotate", "rotate"]).stdout).expect("a key").trim().to_owned();
    let status = |key: &str| http::get("/v1/reports/none").key(key).to(server.http).status;
    wait_for(|| (status(&new) == 404).then_some(()));
    assert_eq!(status(&old), 401);
    let list = String::from_utf8(folder.referto(&["labs", "list"]).stdout).expect("a list");
    assert!(list.contains("rotate") && !list.contains(&new), "{list}");
}

#[test]
fn nothing_of_a_person_leaves_by_logs_metrics_problems_or_the_directory() {
    let folder = Folder::new();
    let key = folder.add_lab("quiet", &[]);
    let log = folder.file("log");
    let variables = [("REFERTO_LOG", "trace".to_owned())];
    let stderr = File::create(&log).expect("a file");
    let server = Server::start_logging(&folder, Start { variables: &variables, ..Start::default() }, stderr);
    let server = server.expect("it serves");
    let mut answers = String::new();
    let mut bad = report("Q-1");
    bad["patient"]["fiscalCode"] = "ZZZZZZ99Z99Z999Z".into();
    bad["patient"]["phone"] = "banana".into();
    bad["patient"]["birthDate"] = "yesterday".into();
    bad["issuedAt"] = "never".into();
    for body in [bad.to_string(), report("Q-2").to_string(), "{\"patient\":{\"family\":\"Rossi\"".to_owned()] {
        answers += &http::post("/v1/reports", JSON, body).key(&key).to(server.http).text();
    }
    wait_for(|| (http::get("/v1/reports/Q-2").key(&key).to(server.http).status == 200).then_some(()));
    let metrics = http::get("/metrics").to(server.admin).text();
    assert_eq!(server.stop(), Some(0));
    let log = fs::read_to_string(&log).expect("a log");
    let labs = fs::read_to_string(folder.file("labs.json")).expect("the directory's copy");
    let tasks = folder.tasks().iter().map(Value::to_string).collect::<String>();
    assert!(log.len() > 100, "it logs:\n{log}");
    for (what, text) in
        [("log", &log), ("metrics", &metrics), ("answers", &answers), ("labs", &labs), ("tasks", &tasks)]
    {
        for secret in ["RSSMRA85T10A562S", "ZZZZZZ99Z99Z999Z", "Rossi", "Mario", "333 1234567", "banana", key.as_str()]
        {
            assert!(!text.contains(secret), "{secret} stands in the {what}:\n{text}");
        }
    }
}
