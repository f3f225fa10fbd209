//! Bad input at the real door: a clear answer, nothing lost, nothing half done.

use std::{io::Write as _, net::TcpStream, time::Duration};

use serde_json::{Value, json};

use crate::{
    http::{self, Answer, Request},
    sample::{report, with},
    server::{Folder, Server, Start, wait_for},
};

const JSON: &str = "application/json";
const NDJSON: &str = "application/x-ndjson";

/// A server with one laboratory.
struct Door {
    folder: Folder,
    server: Server,
    key: String,
}

impl Door {
    fn open() -> Self {
        let folder = Folder::new();
        let key = folder.add_lab("door", &[]);
        Self { server: Server::start(&folder), folder, key }
    }

    fn send(&self, request: Request<'_>) -> Answer {
        request.key(&self.key).to(self.server.http)
    }

    fn post(&self, content_type: &str, body: impl Into<Vec<u8>>) -> Answer {
        self.send(http::post("/v1/reports", content_type, body))
    }
}

/// The problem's code, after a look at its shape.
fn problem(answer: &Answer) -> String {
    assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{}", answer.text());
    let problem = answer.json();
    for member in ["type", "title", "status", "detail", "instance", "code", "traceId"] {
        assert!(!problem[member].is_null(), "{member} is missing: {problem}");
    }
    assert_eq!(problem["status"], answer.status);
    problem["code"].as_str().expect("a code").to_owned()
}

fn fault_codes(answer: &Answer) -> Vec<String> {
    let faults = answer.json()["faults"].as_array().cloned().unwrap_or_default();
    faults.iter().map(|fault| fault["code"].as_str().expect("a code").to_owned()).collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}

#[test]
fn what_cannot_be_read_is_answered_with_its_problem_and_stores_nothing() {
    let door = Door::open();
    let good = report("A-1").to_string();
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let latin = b"{\"reportNumber\":\"A-1\",\"note\":\"citt\xE0\"}".to_vec();
    let cases: Vec<(&str, &str, Vec<u8>, u16)> = vec![
        ("empty", JSON, Vec::new(), 400),
        ("empty lines", NDJSON, b"\n\n".to_vec(), 400),
        ("truncated", JSON, good.as_bytes()[..good.len() / 2].to_vec(), 400),
        ("Latin-1", JSON, latin, 400),
        ("NUL", JSON, b"{\"reportNumber\":\"A\0\"}".to_vec(), 400),
        ("10,000 deep", JSON, format!("{{\"reports\":{deep}}}").into_bytes(), 400),
        ("no JSON", JSON, b"MSH|^~\\&|".to_vec(), 400),
        ("wrong type", "image/png", good.clone().into_bytes(), 415),
        ("curl's default", "application/x-www-form-urlencoded", good.clone().into_bytes(), 415),
        ("FHIR as JSON", JSON, b"{\"resourceType\":\"Bundle\"}".to_vec(), 415),
        ("text that is no HL7", "text/plain", good.clone().into_bytes(), 415),
        ("UTF-16", "application/json; charset=utf-16", good.clone().into_bytes(), 415),
        ("HL7 that is none", "application/hl7-v2", b"hello".to_vec(), 400),
    ];
    for (name, content_type, body, status) in cases {
        let answer = door.post(content_type, body);
        assert_eq!(answer.status, status, "{name}: {}", answer.text());
        problem(&answer);
    }
    let metrics = http::get("/metrics").to(door.server.admin).text();
    assert!(!metrics.contains("referto_items_total{"), "nothing was stored:\n{metrics}");
}

#[test]
fn a_byte_order_mark_is_no_fault() {
    let door = Door::open();
    let body = [b"\xEF\xBB\xBF".as_slice(), report("A-1").to_string().as_bytes()].concat();
    door.server.upload(&door.key, JSON, body);
}

#[test]
fn all_faults_of_an_upload_at_once_and_the_good_items_stand() {
    let door = Door::open();
    let lines = [
        report("A-1").to_string(),
        String::new(),
        "{\"reportNumber\":\"A-2\"".to_owned(),
        with(report("A-3"), json!({"specimen": {"collectedAt": "2099-01-01T00:00:00Z"}, "issuedAt": "yesterday"}))
            .to_string(),
        with(report(""), json!({"test": {}})).to_string(),
    ];
    let (receipt, outcome) = door.server.upload(&door.key, NDJSON, lines.join("\n"));
    let receipt_json = receipt.json();
    assert_eq!((receipt_json["received"].as_u64(), receipt_json["accepted"].as_u64()), (Some(4), Some(1)));
    let faults = receipt_json["faults"].as_array().expect("faults").clone();
    let expected = [
        (1, 3, "json-invalid"),
        (2, 4, "issued-at-invalid"),
        (2, 4, "collected-after-receipt"),
        (3, 5, "report-number-missing"),
        (3, 5, "test-code-missing"),
    ];
    for (item, line, code) in expected {
        assert!(
            faults
                .iter()
                .any(|f| f["item"] == item && f["line"] == line && f["code"] == code && f["severity"] == "error"),
            "{code} of line {line} in {faults:#?}"
        );
    }
    assert_eq!((outcome["new"].as_u64(), outcome["refused"].as_u64()), (Some(1), Some(3)));
}

#[test]
fn nothing_acceptable_is_422_with_an_id_that_operators_can_look_up() {
    let door = Door::open();
    let answer = door.post(NDJSON, "{}\n{}\n");
    assert_eq!(answer.status, 422, "{}", answer.text());
    problem(&answer);
    let submission = answer.json()["submission"].as_str().expect("an id").to_owned();
    let state = wait_for(|| {
        let answer = door.send(http::get(&format!("/v1/submissions/{submission}")));
        (answer.status == 200).then(|| answer.json())
    });
    assert_eq!((state["received"].as_u64(), state["refused"].as_u64()), (Some(2), Some(2)), "{state}");
}

#[test]
fn limits_are_named_with_413() {
    let folder = Folder::new();
    let key = folder.add_lab("door", &[]);
    let variables = [
        ("REFERTO_LIMITS__BODY_BYTES", "300000".to_owned()),
        ("REFERTO_LIMITS__UNIT_BYTES", "20000".to_owned()),
        ("REFERTO_LIMITS__ITEMS", "100".to_owned()),
    ];
    let server = Server::start_with(&folder, Start { variables: &variables, ..Start::default() }).expect("it serves");
    let door = Door { folder, server, key };
    let bomb = gzip(&vec![b' '; 50 << 20]);
    assert!(bomb.len() < 300_000);
    let long = with(report("A-1"), json!({"note": "x".repeat(20_000)})).to_string();
    let many = "{}\n".repeat(101);
    let cases: Vec<(&str, Request<'_>)> = vec![
        ("a body over the limit", http::post("/v1/reports", JSON, vec![b' '; 300_001])),
        ("a gzip bomb", http::post("/v1/reports", JSON, bomb).header("content-encoding", "gzip")),
        ("an item over the limit", http::post("/v1/reports", NDJSON, long)),
        ("101 items", http::post("/v1/reports", NDJSON, many)),
    ];
    for (name, request) in cases {
        let answer = door.send(request);
        assert_eq!(answer.status, 413, "{name}: {}", answer.text());
        problem(&answer);
        assert!(
            answer.json()["detail"].as_str().expect("a sentence").chars().any(|c| c.is_ascii_digit()),
            "{name}: the limit is named"
        );
    }
    drop(door.folder);
}

#[test]
fn one_hundred_thousand_and_one_items_are_too_many() {
    let door = Door::open();
    let answer = door.post(NDJSON, "{}\n".repeat(100_001));
    assert_eq!(answer.status, 413, "{}", answer.text());
    assert!(answer.text().contains("100000") || answer.text().contains("100,000"), "{}", answer.text());
}

#[test]
fn compressed_bodies_are_the_same_upload() {
    let door = Door::open();
    let body = report("A-1").to_string();
    let (plain, _) = door.server.upload(&door.key, JSON, body.clone());
    let zstd = zstd::encode_all(body.as_bytes(), 0).expect("memory");
    for (encoding, packed) in [("gzip", gzip(body.as_bytes())), ("zstd", zstd)] {
        let answer = door.send(http::post("/v1/reports", JSON, packed).header("content-encoding", encoding));
        assert_eq!(answer.json(), plain.json(), "{encoding}");
    }
    let cut = gzip(body.as_bytes());
    let answer = door.send(http::post("/v1/reports", JSON, &cut[..cut.len() - 9]).header("content-encoding", "gzip"));
    assert_eq!(answer.status, 400, "{}", answer.text());
}

#[test]
fn keys_decide_and_a_revoked_one_stops_within_ten_seconds() {
    let door = Door::open();
    let body = report("A-1").to_string();
    let post = || http::post("/v1/reports", JSON, body.clone());
    assert_eq!(problem(&post().to(door.server.http)), "key-missing");
    assert_eq!(problem(&post().key("rft_live_0000000000000000000").to(door.server.http)), "key-unknown");
    let later = door.folder.add_lab("later", &[]);
    wait_for(|| (post().key(&later).to(door.server.http).status == 202).then_some(()));
    assert!(door.folder.referto(&["labs", "revoke", "later"]).status.success());
    let refused = wait_for(|| Some(post().key(&later).to(door.server.http)).filter(|answer| answer.status != 202));
    assert_eq!((refused.status, problem(&refused).as_str()), (401, "key-revoked"));
}

#[test]
fn a_laboratory_sees_its_own_only() {
    let door = Door::open();
    let other = door.folder.add_lab("other", &[]);
    let (receipt, _) = door.server.upload(&door.key, JSON, report("A-1").to_string());
    let location = receipt.header("location").expect("a location").to_owned();
    wait_for(|| (http::get("/v1/reports/none").key(&other).to(door.server.http).status == 404).then_some(()));
    let items = format!("{}/items", location.split('?').next().expect("a path"));
    for path in [location.as_str(), &items, "/v1/reports/A-1"] {
        assert_eq!(http::get(path).key(&other).to(door.server.http).status, 404, "{path}");
        assert_eq!(http::get(path).key(&door.key).to(door.server.http).status, 200, "{path}");
    }
}

#[test]
fn words_codes_and_times_that_are_doubtful_are_stored_held_and_said() {
    let door = Door::open();
    let doubled = "2020-10-25T02:30:00";
    type Case = (&'static str, Value, &'static str, Option<&'static str>, Option<&'static str>);
    // What it is, the fields, the result, what it is held for, the fault that says so.
    let cases: Vec<Case> = vec![
        (
            "an unknown text",
            json!({"result": "FORSE"}),
            "not-interpreted",
            Some("unknown-code"),
            Some("result-unknown"),
        ),
        ("NON RILEVATO", json!({"result": "NON RILEVATO"}), "negative", None, None),
        (
            "a code and a flag that disagree",
            json!({"result": null, "observations": [{"code": "94500-6", "value": "NON RILEVATO", "interpretation": "POS"}]}),
            "",
            Some("result-conflict"),
            None,
        ),
        (
            "an issue time of 2099",
            json!({"issuedAt": "2099-01-01T00:00:00Z"}),
            "negative",
            None,
            Some("issued-at-future"),
        ),
        (
            "a specimen of 1970",
            json!({"specimen": {"collectedAt": "1970-01-01T00:00:00Z"}}),
            "negative",
            Some("old-specimen"),
            Some("collected-at-implausible"),
        ),
        (
            "the doubled hour",
            json!({"specimen": {"collectedAt": doubled}}),
            "negative",
            Some("old-specimen"),
            Some("collected-at-ambiguous"),
        ),
    ];
    for (index, (name, fields, result, held, fault)) in cases.into_iter().enumerate() {
        let number = format!("D-{index}");
        let (receipt, _) = door.server.upload(&door.key, JSON, with(report(&number), fields).to_string());
        let stored = door.send(http::get(&format!("/v1/reports/{number}"))).json();
        let stored = &stored["reports"][0];
        assert_eq!(stored["current"]["result"].as_str().unwrap_or(""), result, "{name}: {stored}");
        let reasons = stored["held"].as_array().expect("reasons").clone();
        assert_eq!(reasons.first().and_then(Value::as_str), held, "{name}: {stored}");
        if let Some(fault) = fault {
            assert!(fault_codes(&receipt).iter().any(|code| code == fault), "{name}: {}", receipt.text());
        }
    }
}

#[test]
fn versions_in_all_orders_end_alike_and_the_same_file_three_times_changes_nothing() {
    let door = Door::open();
    let version = |status: &str, hour: u8, result: &str| json!({"status": status, "issuedAt": format!("2026-01-02T{hour:02}:00:00Z"), "result": result});
    let versions = [
        version("preliminary", 12, "positive"),
        version("final", 9, "negative"),
        version("corrected", 10, "positive"),
        version("entered-in-error", 11, "positive"),
    ];
    let orders: Vec<Vec<usize>> = permutations(versions.len());
    assert_eq!(orders.len(), 24);
    for (index, order) in orders.iter().enumerate() {
        let number = format!("V-{index}");
        let lines: Vec<String> =
            order.iter().map(|v| with(report(&number), versions[*v].clone()).to_string()).collect();
        let body = lines.join("\n");
        let (first, outcome) = door.server.upload(&door.key, NDJSON, body.clone());
        for _ in 0..2 {
            let (again, same) = door.server.upload(&door.key, NDJSON, body.clone());
            assert_eq!((again.json(), same), (first.json(), outcome.clone()));
        }
        let stored = door.send(http::get(&format!("/v1/reports/{number}"))).json();
        assert_eq!(stored["reports"][0]["current"]["status"], "entered-in-error", "{order:?}");
        assert_eq!(stored["reports"][0]["versions"].as_array().map(Vec::len), Some(4), "{order:?}");
    }
}

fn permutations(n: usize) -> Vec<Vec<usize>> {
    (0..n).fold(vec![Vec::new()], |orders, next| {
        let insert = |order: &Vec<usize>| {
            (0..=order.len()).map(|at| [&order[..at], &[next], &order[at..]].concat()).collect::<Vec<_>>()
        };
        orders.iter().flat_map(insert).collect()
    })
}

#[test]
fn a_sandbox_and_a_dry_run_tell_nobody() {
    let door = Door::open();
    let sandbox = door.folder.add_lab("sandbox", &["--sandbox"]);
    assert!(sandbox.starts_with("rft_test_") && door.key.starts_with("rft_live_"));
    wait_for(|| (http::get("/v1/reports/none").key(&sandbox).to(door.server.http).status == 404).then_some(()));
    let (_, outcome) = door.server.upload(&sandbox, JSON, report("S-1").to_string());
    assert_eq!(outcome["new"], 1);
    let body = report("S-2").to_string();
    let dry = door.send(http::post("/v1/reports?dry-run=true", JSON, body.clone()));
    assert_eq!(dry.status, 200, "{}", dry.text());
    assert!(dry.json()["position"].is_null() && dry.header("location").is_none());
    let (real, _) = door.server.upload(&door.key, JSON, body);
    assert_eq!(dry.json()["submission"], real.json()["submission"], "the id that the upload would get");
    let tasks = wait_for(|| Some(door.folder.tasks()).filter(|tasks| !tasks.is_empty()));
    assert!(tasks.iter().all(|task| task["lab"] == "door" && task["reportNumber"] == "S-2"), "{tasks:?}");
}

#[test]
fn waiting_gives_the_outcome_in_the_answer() {
    let door = Door::open();
    let answer = door.send(http::post("/v1/reports", JSON, report("W-1").to_string()).header("prefer", "wait=20"));
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("preference-applied"), Some("wait=20"));
    assert_eq!((answer.json()["state"].as_str(), answer.json()["new"].as_u64()), (Some("done"), Some(1)));
}

#[test]
fn a_sender_that_stops_sending_is_timed_out() {
    let folder = Folder::new();
    let key = folder.add_lab("slow", &[]);
    let variables = [("REFERTO_LIMITS__BODY_IDLE_SECONDS", "1".to_owned())];
    let server = Server::start_with(&folder, Start { variables: &variables, ..Start::default() }).expect("it serves");
    let mut stream = TcpStream::connect(server.http).expect("it listens");
    stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a socket");
    let head = format!(
        "POST /v1/reports HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{{"
    );
    stream.write_all(head.as_bytes()).expect("a socket");
    let answer = http::read_answer(&mut stream).expect("an answer");
    assert_eq!(answer.status, 408, "{}", answer.text());
}

#[test]
fn an_idempotency_key_with_other_bytes_is_refused() {
    let door = Door::open();
    let post =
        |number: &str| http::post("/v1/reports", JSON, report(number).to_string()).header("idempotency-key", "\"k-1\"");
    assert_eq!(door.send(post("I-1")).status, 202);
    let other = door.send(post("I-2"));
    assert_eq!(other.status, 422, "{}", other.text());
    problem(&other);
}

#[test]
fn a_result_that_went_back_and_forth_unmarked_is_held_however_it_was_sent() {
    let door = Door::open();
    let version = |number: &str, hour: u8, result: &str| {
        with(report(number), json!({"issuedAt": format!("2026-01-02T{hour:02}:00:00Z"), "result": result})).to_string()
    };
    let history = |number: &str| {
        [(10, "negative"), (11, "positive"), (12, "negative")].map(|(hour, result)| version(number, hour, result))
    };
    door.server.upload(&door.key, NDJSON, history("T-1").join("\n"));
    for body in history("T-2") {
        door.server.upload(&door.key, JSON, body);
    }
    for number in ["T-1", "T-2"] {
        let stored = door.send(http::get(&format!("/v1/reports/{number}"))).json();
        assert_eq!(stored["reports"][0]["held"], json!(["unmarked-correction"]), "{number}");
    }
}

#[test]
fn errors_of_the_api_have_the_shape_of_the_doors() {
    let door = Door::open();
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let cases = [
        ("/v1/reports/none", 404, "report-unknown"),
        ("/v1/reports/%ff", 400, "query-invalid"),
        ("/v1/submissions?day=2026-01-01&day=2026-01-02", 400, "query-invalid"),
        ("/v1/submissions/none", 404, "submission-unknown"),
        ("/nowhere", 404, "route-unknown"),
    ];
    for (path, status, code) in cases {
        let answer = door.send(http::get(path).header("traceparent", trace));
        assert_eq!((answer.status, problem(&answer).as_str()), (status, code), "{path}");
        assert_eq!(answer.json()["traceId"], "4bf92f3577b34da6a3ce929d0e0e4736", "{path}");
    }
    let page = http::get("/docs/problems").to(door.server.http).text();
    for (_, _, code) in cases {
        assert!(page.contains(&format!("id=\"{code}\"")), "{code} is explained");
    }
}
