//! Good uploads, their receipts, and what the journal gets.

use std::{io::Write, sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use ingest::Outcomes;
use schemas::{LabId, Position, SubmissionId};
use serde_json::{Value, json};

use crate::{
    client::Request,
    site::{PROVA, Site},
    uploads::{bad_report, hl7, ndjson, report},
};

const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

#[tokio::test]
async fn a_report_is_receipted_as_the_contract_says_and_appended_as_received() {
    let site = Site::start().await;
    let body = report("TO-1").to_string();
    let answer = Request::post("application/json", body.clone())
        .query("fileName=a%20b.json")
        .header("traceparent", TRACE)
        .header("Idempotency-Key", "\"k 1\"")
        .send(site.address)
        .await;
    assert_eq!(answer.status, 202, "{answer:?}");
    let id = answer.json["submission"].as_str().unwrap();
    let receipt = json!({"submission": id, "receivedAt": "2020-10-20T12:00:00.123Z", "received": 1, "accepted": 1,
                         "refused": 0, "position": "3.0", "faults": answer.json["faults"]});
    assert_eq!(answer.json, receipt);
    assert_eq!(answer.header("location"), format!("/v1/submissions/{id}?at=3.0"));
    assert_eq!(answer.header("content-type"), "application/json");

    let kept = &site.journal.kept()[0];
    assert_eq!((kept.key.as_str(), kept.value.as_slice()), ("rho", body.as_bytes()));
    let header = json!({
        "submission": id, "chunk": 0, "chunks": 1, "firstItem": 0, "firstLine": 1, "lab": "rho", "format": "json",
        "receivedAt": "2020-10-20T12:00:00.123Z", "zone": "Europe/Rome", "received": 1, "accepted": 1,
        "fileName": "a b.json", "idempotencyKey": "k 1", "traceparent": TRACE,
    });
    assert_eq!(serde_json::to_value(&kept.header).unwrap(), header);
}

#[tokio::test]
async fn a_large_upload_is_cut_between_lines_and_every_chunk_says_where_it_stands() {
    let site = Site::start().await;
    let padding = "x".repeat(60_000);
    let mut reports: Vec<Value> = (0..10).map(|n| report(&format!("TO-{n}"))).collect();
    reports.iter_mut().for_each(|report| report["note"] = padding.as_str().into());
    for bad in [1, 2, 9] {
        reports[bad] = bad_report();
    }
    let body = ndjson(&reports);
    let answer = Request::post("application/x-ndjson", body.clone()).key(PROVA).send(site.address).await;
    assert_eq!(answer.status, 202, "{answer:?}");
    let counts = |name: &str| answer.json[name].as_u64().unwrap();
    assert_eq!((counts("received"), counts("accepted"), counts("refused")), (10, 7, 3));
    let kept = site.journal.kept();
    assert!(kept.len() > 1);
    assert_eq!(answer.json["position"], format!("3.{}", kept.len() - 1));
    let mut items = 0;
    for (index, chunk) in (0..).zip(&kept) {
        let header = &chunk.header;
        assert_eq!((header.chunk, header.chunks, header.sandbox), (index, kept.len() as u32, true));
        assert_eq!((header.first_item, header.first_line), (items, items + 1));
        items += chunk.value.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).count() as u32;
    }
    assert_eq!(items, 10);
    let refused = |item| kept.iter().any(|chunk| chunk.header.refuses(item));
    assert_eq!((0..10).filter(|item| refused(*item)).collect::<Vec<_>>(), [1, 2, 9]);
    let lines: Vec<_> = answer.json["faults"].as_array().unwrap().iter().map(|fault| &fault["line"]).collect();
    assert!(lines.iter().any(|line| **line == 10), "{lines:?}");
}

#[tokio::test]
async fn hl7_is_taken_under_each_of_its_names_and_packed_bodies_are_the_same_upload() {
    let site = Site::start().await;
    let body = hl7("RHO", "M-1");
    let mut ids = Vec::new();
    for name in ["application/hl7-v2", "application/hl7-v2+er7", "x-application/hl7-v2+er7", "text/plain"] {
        let answer = Request::post(name, body.clone()).send(site.address).await;
        assert_eq!(answer.status, 202, "{name}: {answer:?}");
        ids.push(answer.json["submission"].clone());
    }
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(body.as_bytes()).unwrap();
    for (coding, packed) in [("gzip", gzip.finish().unwrap()), ("zstd", zstd::encode_all(body.as_bytes(), 1).unwrap())]
    {
        let request = Request::post("application/hl7-v2", packed).header("Content-Encoding", coding);
        for request in [request.clone(), request.chunked()] {
            let answer = request.send(site.address).await;
            assert_eq!(answer.status, 202, "{coding}: {answer:?}");
            ids.push(answer.json["submission"].clone());
        }
    }
    ids.dedup();
    assert_eq!(ids.len(), 1);
    let kept = site.journal.kept();
    assert_eq!(kept.len(), 1, "appended once");
    assert_eq!((kept[0].header.control_id.as_deref(), kept[0].value.as_slice()), (Some("M-1"), body.as_bytes()));
}

#[tokio::test]
async fn a_dry_run_answers_the_same_and_leaves_nothing_behind() {
    let site = Site::start().await;
    let request = Request::post("application/json", report("TO-1").to_string()).header("Idempotency-Key", "k");
    let dry = request.clone().query("dry-run=true").send(site.address).await;
    assert_eq!((dry.status, dry.header("location"), &dry.json["position"]), (200, "", &Value::Null));
    assert!(site.journal.kept().is_empty());
    site.pass(60);
    let wet = request.send(site.address).await;
    assert_eq!(wet.json["receivedAt"], "2020-10-20T12:01:00.123Z", "nothing was remembered");
    assert_eq!(wet.json["submission"], dry.json["submission"]);

    let refused =
        Request::post("application/json", bad_report().to_string()).query("dry-run=1").send(site.address).await;
    assert_eq!((refused.status, &refused.json["accepted"], &refused.json["refused"]), (200, &json!(0), &json!(1)));
    assert!(!refused.faults().is_empty());
}

struct Known(Option<Value>);

impl Outcomes for Known {
    fn wait(&self, lab: LabId, _: SubmissionId, at: Position, limit: Duration) -> BoxFuture<'_, Option<Value>> {
        assert_eq!((lab.as_str(), at.offset, limit), ("rho", 0, Duration::from_secs(5)));
        Box::pin(async { self.0.clone() })
    }
}

#[tokio::test]
async fn a_wait_answers_with_the_outcome_where_it_is_known_in_time() {
    for (outcome, status) in [(Some(json!({"state": "done", "new": 1})), 200), (None, 202)] {
        let known = Arc::new(Known(outcome.clone()));
        let site = Site::start_with(|settings| settings.outcomes = Some(known)).await;
        let request = Request::post("application/json", report("TO-1").to_string()).header("Prefer", "wait=5");
        let answer = request.send(site.address).await;
        assert_eq!(answer.status, status, "{answer:?}");
        assert_eq!(answer.json["position"], "3.0");
        assert_ne!(answer.header("location"), "");
        if outcome.is_some() {
            assert_eq!((&answer.json["state"], &answer.json["new"]), (&json!("done"), &json!(1)));
            assert_eq!(answer.header("preference-applied"), "wait=5");
        }
    }
}
