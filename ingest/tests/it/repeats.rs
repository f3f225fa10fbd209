//! The same bytes again, and idempotency keys.

use std::sync::atomic::Ordering;

use crate::{
    client::Request,
    journal::Mode,
    site::{PAVIA, Site, until},
    uploads::{bad_report, report},
};

fn good() -> Request {
    Request::post("application/json", report("TO-1").to_string())
}

#[tokio::test]
async fn the_same_file_three_times_is_one_upload_with_one_receipt() {
    let site = Site::start().await;
    let first = good().send(site.address).await;
    for _ in 0..2 {
        site.pass(3600);
        let again = good().send(site.address).await;
        assert_eq!((again.status, &again.json), (202, &first.json));
    }
    assert_eq!(site.journal.kept().len(), 1);
    let other = good().key(PAVIA).send(site.address).await;
    assert_ne!(other.json["submission"], first.json["submission"], "another lab's upload is another");
}

#[tokio::test]
async fn an_upload_that_was_not_acknowledged_is_appended_when_it_comes_again() {
    let site = Site::start().await;
    site.journal.set(Mode::Unavailable);
    let keyed = good().header("Idempotency-Key", "k");
    assert_eq!(keyed.send(site.address).await.status, 503);
    site.journal.set(Mode::Takes);
    assert_eq!(keyed.send(site.address).await.status, 202);
    assert_eq!(site.journal.kept().len(), 1);
}

#[tokio::test]
async fn an_upload_with_nothing_acceptable_is_recorded_once_and_answered_the_same() {
    let site = Site::start().await;
    let bad = Request::post("application/json", bad_report().to_string());
    let first = bad.send(site.address).await;
    assert_eq!((first.status, first.code()), (422, "nothing-acceptable"));
    let again = bad.send(site.address).await;
    assert_eq!((again.status, &again.json["faults"]), (422, &first.json["faults"]));
    let kept = site.journal.kept();
    assert_eq!(kept.len(), 1);
    assert!(kept[0].header.rejected && kept[0].header.refuses(0));
    assert_eq!(first.json["submission"], kept[0].header.submission.to_string());
}

#[tokio::test]
async fn an_idempotency_key_means_the_bytes_it_was_acknowledged_with() {
    let site = Site::start().await;
    let other = Request::post("application/json", report("TO-2").to_string());
    let keyed = |request: Request| request.header("Idempotency-Key", "\"k\"");
    let first = keyed(good()).send(site.address).await;
    assert_eq!(first.status, 202);
    assert_eq!(keyed(good()).send(site.address).await.json, first.json);
    let reused = keyed(other.clone()).send(site.address).await;
    assert_eq!((reused.status, reused.code()), (422, "idempotency-key-reused"));
    assert_eq!(keyed(other.clone()).key(PAVIA).send(site.address).await.status, 202, "keys are each lab's own");
    assert_eq!(keyed(other.clone()).query("dry-run=true").send(site.address).await.status, 200);
    assert_eq!(other.send(site.address).await.status, 202);
    let invalid = good().header("Idempotency-Key", "x".repeat(256)).send(site.address).await;
    assert_eq!((invalid.status, invalid.code()), (400, "idempotency-key-invalid"));
}

#[tokio::test]
async fn a_key_in_flight_is_in_conflict_and_no_answer_leaves_before_the_acknowledgement() {
    let site = Site::start().await;
    let permits = site.journal.gate.available_permits();
    site.journal.gate.forget_permits(permits);
    let keyed = good().header("Idempotency-Key", "k");
    let (first, address) = (keyed.clone(), site.address);
    let first = tokio::spawn(async move { first.send(address).await });
    until(|| site.journal.waiting.load(Ordering::SeqCst) > 0).await;
    let second = keyed.send(site.address).await;
    assert_eq!((second.status, second.code()), (409, "idempotency-key-in-flight"));
    assert!(!first.is_finished(), "nothing is acknowledged yet");
    site.journal.gate.add_permits(10);
    assert_eq!(first.await.unwrap().status, 202);
    assert_eq!(keyed.send(site.address).await.status, 202);
}
