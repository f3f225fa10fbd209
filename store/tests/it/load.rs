//! A journal of any length to admit: each offset gives the same record every time.

use std::{path::Path, sync::Arc};

use jiff::{Timestamp, civil::date};
use schemas::{
    Digest, Fault, Identity, ItemPlace, LabId, Position, SubmissionId, Version,
    report::{Status, TestResult},
    version::{Person, PersonKey, Reason, Reasons},
};
use store::{
    AdmitItem, AdmitRecord, Batch, NewVersion, Place, Settled, Store, Submission, Verdict,
    conformance::Latest,
    embedded::{EmbeddedStore, Options},
};

/// Items of each record.
const ITEMS: u32 = 50;

/// The record at an offset: new reports, repeats of the record before, corrections of one long ago, refused items.
pub(crate) fn record(offset: u64) -> AdmitRecord {
    let lab: LabId = "lab-a".parse().expect("a lab's id");
    let received_at = Timestamp::from_second(1_603_152_000 + offset as i64).expect("a time");
    let position = Position { partition: 0, offset };
    let item = |index: u32| {
        let (report, content) = match index % 10 {
            0..7 => (offset * u64::from(ITEMS) + u64::from(index), 0),
            7 => (offset.saturating_sub(1) * u64::from(ITEMS) + u64::from(index % 7), 0),
            8 => (offset / 2 * u64::from(ITEMS) + u64::from(index % 7), offset),
            _ => return AdmitItem { index, line: index + 1, faults: vec![fault(index)], verdict: Verdict::Refused },
        };
        let mut digest = [0; 16];
        digest[..8].copy_from_slice(&report.to_be_bytes());
        digest[8..].copy_from_slice(&content.to_be_bytes());
        let mut person = digest;
        person.rotate_left(3);
        let reasons = if report % 5 == 0 { Reasons::default().with(Reason::NoPhone) } else { Reasons::default() };
        let version = Version {
            digest: Digest(digest),
            stated_issue: Some(received_at),
            received_at,
            first_place: ItemPlace { position, item: index },
            status: Status::Final,
            result: Some(TestResult::Negative),
            person: Person { by_code: Some(PersonKey(person)), by_name: Some(PersonKey(digest)) },
            reasons,
            listed: true,
            rehearsal: false,
        };
        let identity = Identity { lab: lab.clone(), number: format!("N-{report:09}"), test: "94500-6".to_owned() };
        let new = NewVersion { identity, version, content: format!("{{\"content\":\"{}\"}}", "x".repeat(880)) };
        AdmitItem { index, line: index + 1, faults: Vec::new(), verdict: Verdict::Accepted(Box::new(new)) }
    };
    let items: Vec<AdmitItem> = (0..ITEMS).map(item).collect();
    let submission = Submission {
        id: SubmissionId(uuid::Uuid::from_u128(u128::from(offset))),
        lab: lab.clone(),
        received_at,
        day: date(2020, 10, 20),
        format: "ndjson".to_owned(),
        received: ITEMS,
        accepted: ITEMS / 10 * 9,
        rejected: false,
        chunks: 1,
        control_id: None,
        file_name: None,
        idempotency_key: None,
    };
    AdmitRecord { position, submission, items }
}

/// The record at `offset` with some of its items alone.
#[cfg(feature = "scylla")]
pub(crate) fn small(offset: u64, kept: &[u32]) -> AdmitRecord {
    let mut record = record(offset);
    record.items.retain(|item| kept.contains(&item.index));
    record.submission.received = kept.len() as u32;
    record
}

/// What an item of the record at `offset` was accepted as.
#[cfg(feature = "scylla")]
pub(crate) fn accepted(offset: u64, index: u32) -> NewVersion {
    match record(offset).items.swap_remove(index as usize).verdict {
        Verdict::Accepted(new) => *new,
        Verdict::Refused | Verdict::DeadLetter => panic!("item {index} was accepted"),
    }
}

fn fault(index: u32) -> Fault {
    Fault::error("result-missing", "give a result").item(index, index + 1)
}

/// The record at `offset` as a batch of its own, which settles the one before.
pub(crate) fn batch(offset: u64) -> Batch {
    let place = Place { journal: "j".to_owned(), topic: "uploads".to_owned(), next: Position { partition: 0, offset } };
    Batch { settled: Settled { place: Some(place), emitted: Vec::new() }, records: vec![record(offset)] }
}

pub(crate) async fn admit(store: &EmbeddedStore, batch: Batch) {
    store.admit(batch, Arc::new(Latest)).await.expect("admitted");
}

pub(crate) fn open(path: &Path) -> Arc<EmbeddedStore> {
    EmbeddedStore::open(Options::at(path)).expect("a store").store
}
