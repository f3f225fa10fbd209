//! `POST /hl7`: one message, answered by its acknowledgement.

use hyper::StatusCode;

use crate::{
    client::{Answer, Request},
    journal::Mode,
    site::{BERGAMO, Site, UNKNOWN},
    uploads::hl7,
};

const NAMES: [&str; 4] =
    ["x-application/hl7-v2+er7; charset=utf-8", "application/hl7-v2+er7", "application/hl7-v2", "text/plain"];

fn message(content_type: &str, body: impl Into<bytes::Bytes>) -> Request {
    Request::post(content_type, body).at("/hl7")
}

/// A field of the first segment of that name, by the standard's number.
fn field<'a>(answer: &'a Answer, segment: &str, number: usize) -> &'a str {
    let line = answer.text.split('\r').find(|line| line.starts_with(segment)).unwrap_or_default();
    let index = if segment == "MSH" { number - 1 } else { number };
    line.split('|').nth(index).unwrap_or_default()
}

#[tokio::test]
async fn a_message_is_acknowledged_once_it_is_durable_and_again_by_the_same_bytes() {
    let site = Site::start().await;
    let mut answers = Vec::new();
    for name in NAMES {
        let answer = message(name, hl7("RHO", "M-1")).send(site.address).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, name), "{answer:?}");
        assert_eq!((field(&answer, "MSA", 1), field(&answer, "MSA", 2)), ("AA", "M-1"), "{answer:?}");
        assert_eq!(field(&answer, "MSH", 9), "ACK^R01^ACK");
        assert!(answer.text.ends_with('\r') && !answer.text.contains('\n'));
        assert!(answer.header("location").starts_with("/v1/submissions/"), "{answer:?}");
        answers.push((answer.text.clone(), answer.header("location").to_owned()));
        site.pass(60);
    }
    // The request's charset is part of the upload's name; the others name none.
    let (named, others) = answers.split_first().unwrap();
    assert!(others.iter().all(|answer| answer == &others[0]), "{others:?}");
    assert_ne!(named, &others[0]);
    assert_eq!(site.journal.kept().len(), 2, "each upload once");
}

#[tokio::test]
async fn a_refused_message_is_answered_with_all_its_faults_and_recorded() {
    let site = Site::start().await;
    let good = hl7("RHO", "M-1");
    let bad = good.replace("TO-1^LIS", "").replace("S-77", "").replace("|||F\r", "|||?\r");
    let answer = message("application/hl7-v2", bad).send(site.address).await;
    assert_eq!((answer.status, field(&answer, "MSA", 1), field(&answer, "MSA", 2)), (200, "AE", "M-1"), "{answer:?}");
    let errors: Vec<_> = answer.text.split('\r').filter(|line| line.starts_with("ERR|")).collect();
    for code in ["report-number-missing", "status-invalid"] {
        assert!(errors.iter().any(|line| line.contains(code)), "{code}: {errors:?}");
    }
    let kept = site.journal.kept();
    assert_eq!(kept.len(), 1);
    assert!(kept[0].header.rejected);
    assert_ne!(answer.header("location"), "");

    let trigger = message("application/hl7-v2", good.replace("ORU^R01^ORU_R01", "ADT^A01^ADT_A01"));
    let rejected = trigger.send(site.address).await;
    assert_eq!((rejected.status, field(&rejected, "MSA", 1)), (200, "AR"), "{rejected:?}");
}

#[tokio::test]
async fn enhanced_mode_is_answered_in_its_codes() {
    let site = Site::start().await;
    let enhanced = hl7("RHO", "M-1").replace("|P|2.5.1", "|P|2.5.1|||AL|NE");
    let answer = message("application/hl7-v2", enhanced).send(site.address).await;
    assert_eq!(field(&answer, "MSA", 1), "CA", "{answer:?}");
}

#[tokio::test]
async fn a_dry_run_is_acknowledged_and_leaves_nothing_behind() {
    let site = Site::start().await;
    let answer = message("application/hl7-v2", hl7("RHO", "M-1")).query("dry-run=true").send(site.address).await;
    assert_eq!((answer.status, field(&answer, "MSA", 1), answer.header("location")), (200, "AA", ""), "{answer:?}");
    assert!(site.journal.kept().is_empty());
}

#[tokio::test]
async fn what_cannot_be_acknowledged_is_a_problem_and_no_hl7() {
    let site = Site::start().await;
    let (one, two) = (hl7("RHO", "M-1"), hl7("RHO", "M-2"));
    let batch = format!("FHS|^~\\&\rBHS|^~\\&\r{one}BTS|1\rFTS|1\r");
    for (request, status, code) in [
        (message("application/hl7-v2", format!("{one}{two}")), 400, "hl7-not-one-message"),
        (message("application/hl7-v2", batch), 400, "hl7-not-one-message"),
        (message("application/hl7-v2", ""), 400, "body-undecodable"),
        (message("application/hl7-v2", "hello"), 400, "body-undecodable"),
        (message("text/plain", "{}"), 415, "content-type-text"),
        (message("application/json", "{}"), 415, "content-type-unsupported"),
        (message("", one.clone()), 415, "content-type-missing"),
        (message("application/hl7-v2", one.clone()).key(UNKNOWN), 401, "key-unknown"),
        (message("application/hl7-v2", one.clone()).key(BERGAMO), 403, "facility-not-listed"),
        (message("application/hl7-v2", one.clone()).method("PUT"), 405, "method-not-allowed"),
        (message("application/hl7-v2", one.clone()).query("dryrun=1"), 400, "query-invalid"),
    ] {
        let answer = request.send(site.address).await;
        assert_eq!((answer.status, answer.code()), (status, code), "{answer:?}");
        assert_eq!(answer.header("content-type"), "application/problem+json");
        assert_eq!(answer.json["instance"], "/hl7");
    }
    assert!(site.journal.kept().is_empty());

    site.journal.set(Mode::Full);
    let answer = message("application/hl7-v2", one).send(site.address).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE.as_u16(), "{answer:?}");
    assert_ne!(answer.header("retry-after"), "");
}

#[tokio::test]
async fn a_control_id_used_again_for_another_message_is_said_and_refuses_nothing() {
    let site = Site::start().await;
    let (first, other) = (hl7("RHO", "M-1"), hl7("RHO", "M-1").replace("TO-1", "TO-2"));
    let send = async |path: &str, body: &str| {
        Request::post("application/hl7-v2", body.to_owned()).at(path).send(site.address).await
    };
    let warned = |answer: &Answer| answer.text.contains("control-id-reused");
    assert!(!warned(&send("/hl7", &first).await));
    let answer = send("/hl7", &other).await;
    assert_eq!((field(&answer, "MSA", 1), warned(&answer)), ("AA", true), "{answer:?}");
    assert!(!warned(&send("/hl7", &first).await), "answered as it was");
    let receipt = send("/v1/reports", &format!("{other}{first}")).await;
    assert_eq!((receipt.status, receipt.json["accepted"].as_u64()), (202, Some(2)));
    let faults = receipt.json["faults"].as_array().unwrap();
    let reused: Vec<_> = faults.iter().filter(|fault| fault["code"] == "control-id-reused").collect();
    assert_eq!(reused.len(), 1, "{receipt:?}");
    assert_eq!((reused[0]["item"].as_u64(), reused[0]["location"].as_str()), (Some(0), Some("MSH^1^10")));
}
