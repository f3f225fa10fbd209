//! What a batch leaves.

use jiff::{SignedDuration, Timestamp};
use schemas::{
    At, Digest, Fault, Outcome, Version,
    report::{Status, TestResult},
    version::{Person, PersonKey, Reason},
};

use super::{
    Open,
    fixture::{
        accepted, admit, at, digest, first, held_for, identity, outcomes_of, record, record_from, submission_id,
        upload, version,
    },
};
use crate::{NewVersion, Notice, Submission, Verdict};

pub(super) async fn outcomes(open: Open) {
    let store = open().await;
    let retraction =
        |new: NewVersion| accepted(NewVersion { version: Version { status: Status::Cancelled, ..new.version }, ..new });
    let report = |content, issued| accepted(version("1", content, Some(issued)));
    let verdicts = vec![
        report("a", 10),
        report("a", 10),
        report("b", 20),
        report("c", 15),
        report("a", 10),
        report("a", 30),
        retraction(version("1", "x", Some(40))),
        Verdict::Refused,
        Verdict::DeadLetter,
    ];
    let count = verdicts.len() as u32;
    admit(&*store, &[record(0, upload(1, count), verdicts)]).await;
    let expected = [
        Outcome::New,
        Outcome::Duplicate,
        Outcome::Corrected,
        Outcome::Stale,
        Outcome::Duplicate,
        Outcome::Corrected,
        Outcome::Retracted,
        Outcome::Refused,
        Outcome::DeadLetter,
    ];
    assert_eq!(outcomes_of(&*store, 1).await, expected);
    let state = store.submission(submission_id(1)).await.unwrap().unwrap();
    let mut counted = state.outcomes.clone();
    counted.sort_by_key(|(outcome, _)| outcome.as_str());
    let expected =
        [("corrected", 2), ("deadLetter", 1), ("duplicate", 2), ("new", 1), ("refused", 1), ("retracted", 1)];
    let words: Vec<(&str, u64)> = counted.iter().map(|(outcome, count)| (outcome.as_str(), *count)).collect();
    assert_eq!(words, [&expected[..], &[("stale", 1)]].concat());
    assert!(state.is_done());
    assert!(store.submission(submission_id(9)).await.unwrap().is_none(), "an upload nobody sent");
}

pub(super) async fn replacement(open: Open) {
    let store = open().await;
    let report = |content| accepted(version("1", content, Some(10)));
    let both = |offset, first, second| record(offset, upload(1, 2), vec![first, second]);
    admit(&*store, &[both(0, Verdict::Refused, Verdict::DeadLetter)]).await;
    admit(&*store, &[both(1, Verdict::DeadLetter, Verdict::Refused)]).await;
    assert_eq!(outcomes_of(&*store, 1).await, [Outcome::Refused, Outcome::DeadLetter], "the first of these stays");
    assert!(store.reports(identity("1").lab, "1".to_owned()).await.unwrap().is_empty());

    admit(&*store, &[both(2, report("a"), report("b"))]).await;
    admit(&*store, &[both(3, Verdict::Refused, Verdict::DeadLetter)]).await;
    let items = store.items(submission_id(1), first(10)).await.unwrap().items;
    let stored: Vec<_> =
        items.iter().map(|item| (item.outcome, item.place.position.offset, item.faults.len())).collect();
    assert_eq!(stored, [(Outcome::New, 2, 0), (Outcome::Corrected, 2, 0)], "the first that accepted it stays");
    assert_eq!(items[1].version, Some((identity("1"), digest("b"))));
}

pub(super) async fn versions(open: Open) {
    let store = open().await;
    let report = |content, issued| vec![accepted(version("1", content, issued))];
    admit(&*store, &[record(5, upload(1, 1), report("a", Some(10)))]).await;
    admit(&*store, &[record(6, upload(2, 1), report("a", Some(10))), record(7, upload(3, 1), report("a", Some(20)))])
        .await;
    admit(&*store, &[record(8, upload(4, 1), report("a", None)), record(9, upload(5, 1), report("a", None))]).await;
    let found = store.reports(identity("1").lab, "1".to_owned()).await.unwrap();
    let facts: Vec<_> = found[0]
        .versions
        .iter()
        .map(|stored| (stored.version.stated_issue, stored.version.first_place.position.offset, stored.submission))
        .collect();
    let expected = [(Some(at(10)), 5, 1), (Some(at(20)), 7, 3), (None, 8, 4)];
    assert_eq!(facts, expected.map(|(issue, offset, upload)| (issue, offset, submission_id(upload))));
    assert_eq!(found[0].standing.current, 1);
    let mut fine = version("2", "a", Some(10));
    fine.version.stated_issue = Some(at(10) + SignedDuration::from_nanos(1));
    let fine = record(10, upload(6, 2), vec![accepted(fine), accepted(version("2", "a", Some(10)))]);
    admit(&*store, std::slice::from_ref(&fine)).await;
    let touched = admit(&*store, &[fine]).await;
    let found_fine = store.reports(identity("2").lab, "2".to_owned()).await.unwrap();
    assert_eq!(found_fine[0].versions.len(), 1, "what is finer than a microsecond makes no version");
    assert_eq!(found_fine[0].versions[0].version, touched[0].current);
    assert_eq!(found[0].standing.issued_at, at(20));
}

pub(super) async fn touched(open: Open) {
    let store = open().await;
    let report = |number, content, issued| accepted(version(number, content, Some(issued)));
    let journal = [
        record(0, upload(1, 3), vec![report("2", "a", 10), report("1", "b", 10), report("2", "c", 20)]),
        record(1, upload(2, 2), vec![Verdict::Refused, report("3", "d", 10)]),
    ];
    // The last time only the second record comes again: its report alone is touched.
    for (records, numbers) in
        [(&journal[..], &["2", "1", "3"][..]), (&journal, &["2", "1", "3"]), (&journal[1..], &["3"])]
    {
        let touched = admit(&*store, records).await;
        assert_eq!(touched.iter().map(|touched| touched.identity.number.as_str()).collect::<Vec<_>>(), numbers);
        assert!(touched.iter().all(|touched| touched.wants_task()), "what was never emitted wants its task still");
    }
    let touched = admit(&*store, &[record(2, upload(3, 1), vec![report("2", "e", 15)])]).await;
    assert_eq!(touched[0].current.digest, digest("c"), "what is current, not what came");
    assert_eq!((touched[0].issued_at, touched[0].notice, touched[0].emitted), (at(20), Notice::Due, None));
    assert_eq!(touched[0].current.received_at, at(1));
}

pub(super) async fn first_facts(open: Open) {
    let store = open().await;
    let (ours, later) = (
        Submission { chunks: 2, file_name: Some("a.ndjson".to_owned()), ..upload(1, 2) },
        Submission { received_at: at(500), chunks: 2, idempotency_key: Some("k".to_owned()), ..upload(1, 2) },
    );
    admit(&*store, &[record(0, ours.clone(), vec![accepted(version("1", "a", Some(10)))])]).await;
    let state = store.submission(ours.id).await.unwrap().unwrap();
    assert_eq!((state.stored(), state.is_done()), (1, false));
    admit(&*store, &[record_from(1, later, 1, vec![accepted(version("2", "b", Some(10)))])]).await;
    let state = store.submission(ours.id).await.unwrap().unwrap();
    assert_eq!(state.submission, ours);
    assert_eq!((state.stored(), state.is_done(), state.held), (2, true, 0));
}

pub(super) async fn rejected(open: Open) {
    let store = open().await;
    let refused = Submission { accepted: 0, rejected: true, ..upload(1, 50) };
    admit(&*store, &[record(0, refused, vec![Verdict::Refused])]).await;
    let state = store.submission(submission_id(1)).await.unwrap().unwrap();
    assert_eq!((state.outcomes.as_slice(), state.is_done()), (&[(Outcome::Refused, 1)][..], true));
}

pub(super) async fn round_trip(open: Open) {
    let store = open().await;
    let submission = Submission {
        received_at: at(1) + SignedDuration::from_micros(1),
        format: "hl7".to_owned(),
        control_id: Some("MSG'1\0".to_owned()),
        file_name: Some("città.hl7".to_owned()),
        idempotency_key: Some(String::new()),
        ..upload(1, 2)
    };
    let stated: Timestamp = "1969-12-31T23:59:59.123456Z".parse().unwrap();
    let mut new = version("№ 1", "{\"note\":\"è\"}", None);
    new.version = Version {
        digest: Digest([255; 16]),
        stated_issue: Some(stated),
        status: Status::EnteredInError,
        result: None,
        person: Person { by_code: Some(PersonKey([1; 16])), by_name: Some(PersonKey([2; 16])) },
        reasons: Reason::ALL.into_iter().collect(),
        listed: false,
        rehearsal: true,
        ..new.version
    };
    let mut plain = version("2", "plain", Some(10));
    plain.version.result = Some(TestResult::NotInterpreted);
    let mut record = record(u64::from(u32::MAX) * 1_000, submission.clone(), vec![accepted(new), accepted(plain)]);
    record.position.partition = 47;
    let place = |item| schemas::ItemPlace { position: record.position, item };
    let mut expected = Vec::new();
    for (index, item) in (0_u32..).zip(&mut record.items) {
        let Verdict::Accepted(new) = &mut item.verdict else { panic!("both are accepted") };
        new.version.first_place = place(index);
        expected.push(new.clone());
    }
    record.items[0].faults = vec![
        Fault::warning("phone-invalid", "write it with its country code").at(At::Location("PID^1^13".to_owned())),
        Fault::warning("result-unknown", "no table knows it").at(At::Pointer("/result".into())).item(0, 1),
        Fault::warning("note-long", "shorten it"),
    ];
    admit(&*store, std::slice::from_ref(&record)).await;

    assert_eq!(store.submission(submission.id).await.unwrap().unwrap().submission, submission);
    let items = store.items(submission.id, first(10)).await.unwrap().items;
    for (stored, new) in items.iter().zip(&expected) {
        assert_eq!(stored.version, Some((new.identity.clone(), new.version.digest)));
        assert_eq!(stored.place, new.version.first_place);
        let report = &store.reports(new.identity.lab.clone(), new.identity.number.clone()).await.unwrap()[0];
        assert_eq!(report.identity, new.identity);
        assert_eq!((&report.versions[0].version, &report.versions[0].content), (&new.version, &new.content));
    }
    assert_eq!(items[0].faults, record.items[0].faults);
    assert_eq!((items[0].line, items[1].line), (1, 2));
}

pub(super) async fn largest(open: Open) {
    /// What every store takes; not all take more.
    const BYTES: usize = 12 << 20;
    let store = open().await;
    let content = "x".repeat(BYTES);
    let new = version("1", &content, None);
    admit(&*store, &[record(0, upload(1, 1), vec![accepted(new)])]).await;
    let report = &store.reports(identity("1").lab, "1".to_owned()).await.unwrap()[0];
    assert!(report.versions[0].content == content, "{} bytes", report.versions[0].content.len());
}

pub(super) async fn wakes(open: Open) {
    let store = open().await;
    let mut admitted = store.admitted();
    admitted.borrow_and_update();
    let held = accepted(held_for(&[Reason::NoPhone], version("1", "a", None)));
    admit(&*store, &[record(0, upload(1, 1), vec![held])]).await;
    assert!(admitted.has_changed().unwrap());
}
