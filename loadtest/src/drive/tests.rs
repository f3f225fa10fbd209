use std::{
    collections::HashMap,
    convert::Infallible,
    sync::{Mutex, PoisonError},
};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Response, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use schemas::Digest;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::*;
use crate::{LabPlan, Ledger, Tasks, client::path_segment, meaning::Meant};

#[test]
fn answers_are_read_by_their_status() {
    let receipt = br#"{"submission":"s","receivedAt":"x","received":2,"accepted":1,"refused":1,"position":"0.1",
        "faults":[{"item":1,"line":2,"pointer":"/a","code":"report-number-missing","severity":"error","detail":"d"}]}"#;
    let Answered::Accepted(read) = answered(202, receipt) else { panic!("not accepted") };
    assert_eq!((read.received, read.accepted, read.refused, read.faults.len()), (2, 1, 1, 1));
    assert!(matches!(answered(422, br#"{"submission":"s","faults":[]}"#), Answered::Rejected(_)));
    assert!(matches!(answered(422, br#"{"faults":[]}"#), Answered::Unexpected(_)));
    assert!(matches!(answered(401, b"{}"), Answered::Unexpected(_)));
    assert!(matches!(answered(202, b"<html>"), Answered::Unexpected(_)));
}

#[tokio::test]
async fn a_lane_is_due_by_what_it_sent_and_not_by_how_long_that_took() {
    let mut target = Target::one(String::new(), HashMap::new(), Duration::ZERO);
    let began = Instant::now();
    assert!(Pace::of(&target, 4, began).is_none());
    target.pace = NonZeroU32::new(200);
    // Four lanes of 50 a second each.
    let mut pace = Pace::of(&target, 4, began).unwrap();
    let due: Vec<_> = [1, 100, 1].map(|items| pace.due(items) - began).into();
    assert_eq!(due, [0, 20, 2_020].map(Duration::from_millis));
}

/// A server that knows the plan by heart: it does what was meant, loses some answers, and takes its time.
struct Heart {
    /// By body: the submission and what becomes of it.
    uploads: HashMap<Bytes, (usize, UploadMeaning)>,
    /// By submission.
    states: HashMap<usize, UploadMeaning>,
    /// By path.
    reports: HashMap<String, Vec<Value>>,
    /// How often each path or body was asked for.
    asked: Mutex<HashMap<Bytes, u32>>,
}

impl Heart {
    fn new(plan: &Plan) -> (Self, Meaning) {
        let mut meaning = Meaning { labs: plan.meant_labs(), ..Meaning::default() };
        let mut uploads = HashMap::new();
        for mut lane in plan.lanes() {
            for upload in lane.by_ref().filter(|upload| upload.meaning.repeats.is_none()) {
                let id = uploads.len();
                uploads.insert(upload.body, (id, upload.meaning));
            }
            meaning.reports.extend(lane.into_meaning());
        }
        let states = uploads.values().cloned().collect();
        let mut reports: HashMap<String, Vec<Value>> = HashMap::new();
        for report in meaning.reports.iter().filter(|report| !report.versions.is_empty()) {
            let path = format!("/v1/reports/{}", path_segment(&meaning.number(report)));
            reports.entry(path).or_default().push(stored(report));
        }
        (Self { uploads, states, reports, asked: Mutex::default() }, meaning)
    }

    /// True the first time.
    fn is_first(&self, what: Bytes) -> bool {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let times = asked.entry(what).or_default();
        *times += 1;
        *times == 1
    }

    fn answer(&self, path: &str, body: Bytes) -> (u16, Option<String>, Value) {
        if path == "/hl7" {
            return self.acknowledge(body);
        }
        if let Some(id) = path.strip_prefix("/v1/submissions/") {
            let known = id.split('?').next().and_then(|id| self.states.get(&id.parse().ok()?));
            let Some(meant) = known else { return (404, None, json!({})) };
            let first = self.is_first(path.to_owned().into());
            return match (first, meant.counts.accepted()) {
                (true, 0) => (404, None, json!({})),
                (true, _) => (200, None, json!({"state": "queued", "ahead": 1})),
                (false, _) => {
                    let mut state = serde_json::to_value(meant.counts).unwrap();
                    state["state"] = "done".into();
                    (200, None, state)
                }
            };
        }
        if path != "/v1/reports" {
            let reports = self.reports.get(path);
            return (if reports.is_some() { 200 } else { 404 }, None, json!({"reports": reports}));
        }
        let (id, meant) = &self.uploads[&body];
        if self.is_first(body) && id % 5 == 0 {
            return (503, None, json!({}));
        }
        let fault = |(item, code): &(u32, &str)| json!({"item": item, "line": 1, "code": code, "severity": "error", "detail": ""});
        let faults: Vec<Value> = meant.refused.iter().map(fault).collect();
        let counts = &meant.counts;
        let receipt = json!({"submission": id.to_string(), "received": counts.received, "accepted": counts.accepted(),
            "refused": counts.refused, "faults": faults});
        match counts.accepted() {
            0 => (422, None, receipt),
            _ => (202, Some(format!("/v1/submissions/{id}?at=0.1")), receipt),
        }
    }

    fn acknowledge(&self, body: Bytes) -> (u16, Option<String>, Value) {
        let (id, meant) = &self.uploads[&body];
        if self.is_first(body) && id % 5 == 0 {
            return (503, None, json!({}));
        }
        let Some(asked) = &meant.acknowledgement else { return (400, None, json!({})) };
        let mut ack = format!("MSH|^~\\&|||||||ACK|1\rMSA|{}|{}\r", asked.code, asked.control_id);
        meant.refused.iter().for_each(|(_, code)| ack.push_str(&format!("ERR||||E|{code}\r")));
        (200, Some(format!("/v1/submissions/{id}?at=0.1")), ack.into())
    }
}

/// A version is named by its issue time.
fn digest(version: &crate::meaning::VersionMeaning) -> Digest {
    Digest((version.issued.as_second() as u128).to_be_bytes())
}

fn stored(report: &ReportMeaning) -> Value {
    let version = |version: &crate::meaning::VersionMeaning| {
        let result = match version.result {
            Meant::Exactly(result) => result,
            Meant::Open => None,
        };
        json!({"version": digest(version), "issuedAt": version.issued, "status": version.status, "result": result,
            "patient": {"fiscalCode": report.person.code, "family": report.person.family, "given": report.person.given}})
    };
    let held: Vec<&str> = report.held.iter().map(|reason| reason.as_str()).collect();
    let versions: Vec<Value> = report.versions.iter().map(version).collect();
    json!({"test": {"code": report.test}, "held": held, "current": versions[report.current], "versions": versions})
}

fn task_lines(meaning: &Meaning) -> Vec<String> {
    let due = meaning.reports.iter().filter(|report| report.due());
    let line = |report: &ReportMeaning| {
        let current = report.current().unwrap();
        let lab = &meaning.labs[usize::from(report.lab)].id;
        json!({"id": "x", "lab": lab, "reportNumber": meaning.number(report), "testCode": report.test, "status": current.status,
            "version": digest(current), "issuedAt": current.issued, "receivedAt": current.issued})
        .to_string()
    };
    due.map(line).collect()
}

async fn serve(heart: Arc<Heart>, listener: TcpListener) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let heart = heart.clone();
        let service = service_fn(move |request: hyper::Request<Incoming>| {
            let heart = heart.clone();
            async move {
                let path = request.uri().path_and_query().unwrap().to_string();
                let gzip = request.headers().contains_key("content-encoding");
                let asked = request.headers().get("content-type").cloned();
                let body = request.into_body().collect().await.unwrap().to_bytes();
                let (status, location, json) = heart.answer(&path, if gzip { inflate(&body) } else { body });
                let mut response = Response::builder().status(status);
                if let Some(location) = location {
                    response = response.header("location", location);
                }
                if let Some(content_type) = asked {
                    response = response.header("content-type", content_type);
                }
                let text = json.as_str().map_or_else(|| json.to_string(), str::to_owned);
                Ok::<_, Infallible>(response.body(Full::new(Bytes::from(text))).unwrap())
            }
        });
        connections.spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

fn inflate(body: &[u8]) -> Bytes {
    let mut inflated = Vec::new();
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(body), &mut inflated).unwrap();
    inflated.into()
}

/// Sends a plan to a server that knows it, spoilt by `spoil`, and draws up the ledger.
async fn played(spoil: fn(&mut Heart, &mut Vec<String>)) -> (Run, Ledger) {
    let lab = |id: &str, sandbox| LabPlan { id: id.parse().unwrap(), sandbox, lanes: 2 };
    let plan = Plan {
        seed: 3,
        reports: 400,
        labs: vec![lab("torino", false), lab("novara", false), lab("prova", true)],
        now: "2020-10-20T09:30:00Z".parse().unwrap(),
        formats: Vec::new(),
    };
    let (mut heart, meaning) = Heart::new(&plan);
    let mut lines = task_lines(&meaning);
    spoil(&mut heart, &mut lines);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let keys = plan.labs.iter().map(|lab| (lab.id.clone(), "key".to_owned())).collect();
    let address = listener.local_addr().unwrap().to_string();
    let target = Target::one(address, keys, Duration::from_secs(30));
    let mut server = JoinSet::new();
    server.spawn(serve(Arc::new(heart), listener));

    let progress: OnProgress = Arc::new(|_| {});
    let run = drive(&plan, &target, progress.clone()).await.unwrap();
    let tasks = Tasks::of(&run.meaning, lines);
    let ledger = crate::audit(&run, &target, &tasks, progress).await.unwrap();
    drop(tasks);
    (run, ledger)
}

#[tokio::test]
async fn a_server_that_does_what_was_meant_balances_whatever_answers_are_lost() {
    let (run, ledger) = played(|_, _| {}).await;
    assert_eq!((ledger.balanced, ledger.discrepancies.clone()), (true, vec![]));
    let summary = crate::Summary::new(&run, &ledger);
    let json = serde_json::to_value(&summary).unwrap();
    assert_eq!(json["ledger"], "balanced");
    assert!(summary.received >= 400 && summary.repeated > 0 && summary.held > 0 && summary.tasks > 200);
    assert!(summary.stored_p50_ms > 0.0);
}

#[tokio::test]
async fn one_report_or_one_task_less_does_not() {
    let (_, ledger) = played(|heart, _| drop(heart.reports.remove(&heart.reports.keys().min().unwrap().clone()))).await;
    assert!(ledger.discrepancies.iter().any(|found| found.contains(": missing")), "{:?}", ledger.discrepancies);
    let (run, ledger) = played(|_, lines| drop(lines.pop())).await;
    assert_eq!(ledger.discrepancies.len(), 1);
    assert!(ledger.discrepancies[0].contains("no task of its current version"));
    assert_ne!(serde_json::to_value(crate::Summary::new(&run, &ledger)).unwrap()["ledger"], "balanced");
}
