//! Every real HL7 file through the door: accepted, or refused with a reason; read back; sent again, nothing new.

use std::{collections::BTreeSet, fs, path::PathBuf};

use serde_json::Value;

use crate::{
    http,
    server::{Folder, Server},
};

const HL7: &str = "application/hl7-v2";

fn files() -> Vec<(String, Vec<u8>)> {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../schemas/tests/data/hl7"));
    let entries = fs::read_dir(folder).expect("the files are there").map(|entry| entry.expect("an entry").path());
    let mut files: Vec<_> = entries
        .filter(|path| path.extension().is_some_and(|extension| extension == "hl7"))
        .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read(&path).expect("a file")))
        .collect();
    files.sort();
    files
}

#[test]
fn every_real_file_is_accepted_or_refused_with_a_reason_read_back_and_not_doubled() {
    let folder = Folder::new();
    let key = folder.add_lab("hl7", &[]);
    let server = Server::start(&folder);
    let files = files();
    assert!(files.len() >= 43, "{} files", files.len());
    let mut first = Vec::new();
    for (name, body) in &files {
        let answer = http::post("/v1/reports", HL7, body.clone()).key(&key).to(server.http);
        match answer.status {
            202 => {
                let location = answer.header("location").expect("a location").to_owned();
                let outcome = server.outcome(&key, &location);
                assert_eq!(outcome["deadLetters"], 0, "{name}: {outcome}");
                read_back(&server, &key, name, &outcome);
                first.push((name, body, Some((answer.json(), settled(outcome)))));
            }
            422 => {
                let problem = answer.json();
                let errors = problem["faults"].as_array().expect("faults").iter().filter(|f| f["severity"] == "error");
                assert!(errors.count() > 0, "{name}: refused without a reason: {problem}");
                first.push((name, body, None));
            }
            status => panic!("{name}: {status} {}", answer.text()),
        }
    }
    for (name, body, accepted) in first {
        let again = http::post("/v1/reports", HL7, body.clone()).key(&key).to(server.http);
        match accepted {
            None => assert_eq!(again.status, 422, "{name}"),
            Some((receipt, outcome)) => {
                assert_eq!(again.json(), receipt, "{name}: the same receipt");
                let location = again.header("location").expect("a location").to_owned();
                assert_eq!(settled(server.outcome(&key, &location)), outcome, "{name}: nothing new");
            }
        }
    }
    // Nobody in these files has an Italian code: all of them wait for an operator.
    assert_eq!(folder.tasks(), Vec::<Value>::new());
}

#[test]
fn every_stored_report_is_written_as_hl7_that_is_the_same_report() {
    let folder = Folder::new();
    let key = folder.add_lab("hl7", &[]);
    let server = Server::start(&folder);
    let mut numbers = BTreeSet::new();
    for (name, body) in files() {
        let answer = http::post("/v1/reports", HL7, body).key(&key).to(server.http);
        let Some(location) = answer.header("location") else { continue };
        let outcome = server.outcome(&key, location);
        numbers.extend(items(&server, &key, &name, &outcome).iter().filter_map(number_of));
    }
    assert!(numbers.len() > 20, "{numbers:?}");
    for number in numbers {
        let path = format!("/v1/reports/{}", percent_encoded(&number));
        let written = http::get(&path).header("accept", "application/hl7-v2").key(&key).to(server.http);
        assert_eq!(written.header("content-type"), Some("application/hl7-v2; charset=utf-8"), "{number}");
        let (_, outcome) = server.upload(&key, HL7, written.body.clone());
        assert_eq!(outcome["duplicate"], outcome["received"], "{number}: {outcome} of {}", written.text());
    }
}

/// An outcome without what later uploads may change: what is held is what is current.
fn settled(mut outcome: Value) -> Value {
    outcome["held"] = Value::Null;
    outcome
}

fn items(server: &Server, key: &str, name: &str, outcome: &Value) -> Vec<Value> {
    let submission = outcome["submission"].as_str().expect("an id");
    let items = http::get(&format!("/v1/submissions/{submission}/items?limit=500")).key(key).to(server.http).json();
    let items = items["items"].as_array().expect("items").clone();
    assert_eq!(Some(items.len() as u64), outcome["received"].as_u64(), "{name}");
    items
}

/// A stored item's number.
fn number_of(item: &Value) -> Option<String> {
    item["reportNumber"].as_str().filter(|_| item["outcome"] != "refused").map(str::to_owned)
}

/// Each stored item of the upload is found by its number.
fn read_back(server: &Server, key: &str, name: &str, outcome: &Value) {
    for item in items(server, key, name, outcome) {
        let Some(number) = number_of(&item) else { continue };
        let path = format!("/v1/reports/{}", percent_encoded(&number));
        let answer = http::get(&path).key(key).to(server.http);
        assert_eq!(answer.status, 200, "{name}: {number}");
        let reports = answer.json();
        let mut versions = reports["reports"].as_array().expect("reports").iter().flat_map(|report| {
            report["versions"].as_array().expect("versions").iter().map(|version| version["version"].clone())
        });
        assert!(versions.any(|version| version == item["version"]), "{name}: {number} lacks its version");
    }
}

fn percent_encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}
