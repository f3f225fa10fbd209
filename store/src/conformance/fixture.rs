//! Small values to store, and a rule simple enough to foretell.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp, civil::Date};
use schemas::{
    Digest, Fault, Identity, ItemPlace, LabId, Outcome, Position, SubmissionId, Version,
    report::{Status, TestResult},
    version::{Person, PersonKey, Reason, Reasons},
};

use crate::{
    AdmitItem, AdmitRecord, Answer, Batch, Judge, NewVersion, Notice, Page, PageRequest, Settled, Standing, Store,
    StoreError, Submission, SubmissionQuery, Touched, Verdict,
};

/// The greatest issue time is current, the later place where two are equal; a listed version is due.
pub struct Latest;

impl Latest {
    fn rank(version: &Version) -> (Timestamp, ItemPlace) {
        (version.stated_issue.unwrap_or(version.received_at), version.first_place)
    }
}

impl Judge for Latest {
    fn outcome(&self, stored: &[Version], item: &Version) -> Outcome {
        let before: Vec<&Version> = stored.iter().filter(|have| have.first_place < item.first_place).collect();
        let current = before.iter().max_by_key(|have| Self::rank(have));
        let known = before.iter().any(|have| have.digest == item.digest);
        match current {
            Some(current) if Self::rank(current) > Self::rank(item) || (known && current.digest == item.digest) => {
                if known {
                    Outcome::Duplicate
                } else {
                    Outcome::Stale
                }
            }
            _ if item.status.is_retraction() => Outcome::Retracted,
            Some(current) if !current.status.is_not_yet_final() => Outcome::Corrected,
            _ => Outcome::New,
        }
    }

    fn standing(&self, versions: &[Version], fenced: &dyn Fn(ItemPlace) -> bool, emitted: Option<Digest>) -> Standing {
        let ranked = versions.iter().enumerate().max_by_key(|(_, version)| Self::rank(version));
        let (current, version) = ranked.expect("a report has a version");
        let before = fenced(version.first_place) && emitted != Some(version.digest);
        let reasons = if before { version.reasons.with(Reason::BeforeRestore) } else { version.reasons };
        let notice = match (version.listed, reasons.is_empty()) {
            (false, _) => Notice::NotDue,
            (true, true) => Notice::Due,
            (true, false) => Notice::Held(reasons),
        };
        Standing { current, issued_at: Self::rank(version).0, notice }
    }
}

/// Seconds after the fixture's midnight (UTC).
pub(super) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_603_152_000).expect("a time") + SignedDuration::from_secs(seconds)
}

pub(super) const DAY: Date = jiff::civil::date(2020, 10, 20);

pub(super) fn lab(name: &str) -> LabId {
    name.parse().expect("a lab's id")
}

pub(super) fn identity(number: &str) -> Identity {
    Identity { lab: lab("lab-a"), number: number.to_owned(), test: "94500-6".to_owned() }
}

/// The digest of a content: its first bytes.
pub(super) fn digest(content: &str) -> Digest {
    let mut bytes = [0; 16];
    bytes.iter_mut().zip(content.bytes()).for_each(|(to, from)| *to = from);
    Digest(bytes)
}

pub(super) fn submission_id(n: u128) -> SubmissionId {
    SubmissionId(uuid::Uuid::from_u128(n))
}

/// An upload of `items` items, received `n` seconds after midnight.
pub(super) fn upload(n: u32, items: u32) -> Submission {
    Submission {
        id: submission_id(u128::from(n)),
        lab: lab("lab-a"),
        received_at: at(i64::from(n)),
        day: DAY,
        format: "ndjson".to_owned(),
        received: items,
        accepted: items,
        rejected: false,
        chunks: 1,
        control_id: None,
        file_name: None,
        idempotency_key: None,
    }
}

/// A final positive of a report, issued at `issued` seconds where it says so.
pub(super) fn version(number: &str, content: &str, issued: Option<i64>) -> NewVersion {
    let position = Position { partition: 0, offset: 0 };
    let version = Version {
        digest: digest(content),
        stated_issue: issued.map(at),
        received_at: at(0),
        first_place: ItemPlace { position, item: 0 },
        status: Status::Final,
        result: Some(TestResult::Positive),
        person: Person::default(),
        reasons: Reasons::default(),
        listed: true,
        rehearsal: false,
    };
    NewVersion { identity: identity(number), version, content: content.to_owned(), phone: None }
}

pub(super) fn about(person: u8, new: NewVersion) -> NewVersion {
    let by_code = Some(PersonKey([person; 16]));
    NewVersion { version: Version { person: Person { by_code, by_name: None }, ..new.version }, ..new }
}

pub(super) fn held_for(reasons: &[Reason], new: NewVersion) -> NewVersion {
    NewVersion { version: Version { reasons: reasons.iter().copied().collect(), ..new.version }, ..new }
}

pub(super) fn accepted(new: NewVersion) -> Verdict {
    Verdict::Accepted(Box::new(new))
}

/// The record at `offset` with these verdicts as its items; versions take its time and place, as admission does.
pub(super) fn record(offset: u64, submission: Submission, verdicts: Vec<Verdict>) -> AdmitRecord {
    record_from(offset, submission, 0, verdicts)
}

/// As [`record`], for a chunk whose first item is `first`.
pub(super) fn record_from(offset: u64, submission: Submission, first: u32, verdicts: Vec<Verdict>) -> AdmitRecord {
    let position = Position { partition: 0, offset };
    let item = |(index, mut verdict): (u32, Verdict)| {
        if let Verdict::Accepted(new) = &mut verdict {
            new.version.first_place = ItemPlace { position, item: index };
            new.version.received_at = submission.received_at;
        }
        let faults = match verdict {
            Verdict::Refused => vec![Fault::error("result-missing", "give a result").item(index, index + 1)],
            _ => Vec::new(),
        };
        AdmitItem { index, line: index + 1, faults, verdict }
    };
    let items = (first..).zip(verdicts).map(item).collect();
    AdmitRecord { position, submission, items }
}

pub(super) async fn admit(store: &dyn Store, records: &[AdmitRecord]) -> Vec<Touched> {
    admit_after(store, Settled::default(), records).await
}

pub(super) async fn admit_after(store: &dyn Store, settled: Settled, records: &[AdmitRecord]) -> Vec<Touched> {
    let batch = Batch { settled, records: records.to_vec() };
    store.admit(batch, Arc::new(Latest)).await.expect("admitted")
}

pub(super) fn first(limit: u32) -> PageRequest {
    PageRequest { limit, cursor: None }
}

/// A whole list, read in pages of `limit`.
pub(super) async fn pages<'a, T>(
    limit: u32,
    ask: impl Fn(PageRequest) -> Answer<'a, Page<T>>,
) -> Result<Vec<T>, StoreError> {
    let (mut all, mut cursor) = (Vec::new(), None);
    loop {
        let page = ask(PageRequest { limit, cursor }).await?;
        assert!(page.items.len() <= limit as usize, "a page is no longer than asked");
        assert!(page.next.is_none() || !page.items.is_empty(), "a page with a next one has something");
        all.extend(page.items);
        cursor = page.next;
        if cursor.is_none() {
            return Ok(all);
        }
    }
}

/// The outcomes of an upload's items, by index.
pub(super) async fn outcomes_of(store: &dyn Store, n: u32) -> Vec<Outcome> {
    let items = pages(100, |page| store.items(submission_id(u128::from(n)), page)).await.expect("items");
    items.into_iter().map(|item| item.outcome).collect()
}

/// Everything of laboratory A's day that can be read, as text.
pub(super) async fn snapshot(store: &dyn Store) -> Vec<String> {
    let mut lines = Vec::new();
    let query = SubmissionQuery { lab: lab("lab-a"), day: DAY, control_id: None, file_name: None };
    for state in pages(3, |page| store.submissions(query.clone(), page)).await.expect("submissions") {
        lines.push(format!("{state:?}"));
        for item in pages(3, |page| store.items(state.submission.id, page)).await.expect("items") {
            lines.push(format!("{item:?}"));
        }
    }
    for report in pages(3, |page| store.reports_of_day(lab("lab-a"), DAY, page)).await.expect("reports") {
        lines.push(format!("{report:?}"));
    }
    lines
}
