//! Journals of any length to admit: an offset gives the same record every time.

use jiff::Timestamp;
use schemas::{
    Digest, Fault, Identity, ItemPlace, Position, Version,
    report::{Status, TestResult},
    version::{Person, PersonKey, PhoneKey, Reason, Reasons},
};

use super::fixture::{at, lab, upload};
use crate::{AdmitItem, AdmitRecord, Batch, NewVersion, Place, Settled, Submission, Verdict};

/// Items of each record of [`record`].
const ITEMS: u32 = 50;

/// The record at an offset: new reports, repeats of the record before, corrections of one long ago, refused items.
#[must_use]
pub fn record(offset: u64) -> AdmitRecord {
    let item = |index: u32| {
        let (report, content) = match index % 10 {
            0..7 => (offset * u64::from(ITEMS) + u64::from(index), 0),
            7 => (offset.saturating_sub(1) * u64::from(ITEMS) + u64::from(index % 7), 0),
            8 => (offset / 2 * u64::from(ITEMS) + u64::from(index % 7), offset),
            _ => {
                let fault = Fault::error("result-missing", "give a result").item(index, index + 1);
                return AdmitItem { index, line: index + 1, faults: vec![fault], verdict: Verdict::Refused };
            }
        };
        let mut new = version(offset, index, report, content);
        if report.is_multiple_of(5) {
            new.version.reasons = Reasons::default().with(Reason::NoPhone);
        }
        accepted(index, new)
    };
    of_items(offset, ITEMS / 10 * 9, (0..ITEMS).map(item).collect())
}

/// The record at `offset` as a batch of its own, which settles the one before.
#[must_use]
pub fn batch(offset: u64) -> Batch {
    settling(record(offset))
}

/// A batch of reports that were never seen, each of another person, none held.
#[must_use]
pub fn fresh(offset: u64, items: u32) -> Batch {
    let item = |index: u32| accepted(index, version(offset, index, offset * u64::from(items) + u64::from(index), 0));
    settling(of_items(offset, items, (0..items).map(item).collect()))
}

fn settling(record: AdmitRecord) -> Batch {
    let place = Place { journal: "j".to_owned(), topic: "uploads".to_owned(), next: record.position };
    Batch { settled: Settled { place: Some(place), emitted: Vec::new() }, records: vec![record] }
}

fn received_at(offset: u64) -> Timestamp {
    at(offset as i64)
}

fn of_items(offset: u64, accepted: u32, items: Vec<AdmitItem>) -> AdmitRecord {
    let submission = Submission { accepted, ..upload(offset as u32, items.len() as u32) };
    AdmitRecord { position: Position { partition: 0, offset }, submission, items }
}

fn accepted(index: u32, new: NewVersion) -> AdmitItem {
    AdmitItem { index, line: index + 1, faults: Vec::new(), verdict: Verdict::Accepted(Box::new(new)) }
}

/// The version of a report that has this content: 900 bytes of it.
fn version(offset: u64, index: u32, report: u64, content: u64) -> NewVersion {
    let mut digest = [0; 16];
    digest[..8].copy_from_slice(&report.to_be_bytes());
    digest[8..].copy_from_slice(&content.to_be_bytes());
    let mut person = digest;
    person.rotate_left(3);
    let version = Version {
        digest: Digest(digest),
        stated_issue: Some(received_at(offset)),
        received_at: received_at(offset),
        first_place: ItemPlace { position: Position { partition: 0, offset }, item: index },
        status: Status::Final,
        result: Some(TestResult::Negative),
        person: Person { by_code: Some(PersonKey(person)), by_name: Some(PersonKey(digest)) },
        reasons: Reasons::default(),
        listed: true,
        rehearsal: false,
    };
    let identity = Identity { lab: lab("lab-a"), number: format!("N-{report:09}"), test: "94500-6".to_owned() };
    // Two reports share a phone.
    let phone = Some(PhoneKey(u128::from(report / 2).wrapping_mul(0x9E37_79B9_7F4A_7C15).to_be_bytes()));
    NewVersion { identity, version, content: format!("{{\"content\":\"{}\"}}", "x".repeat(880)), phone }
}
