//! What follows from a batch's reports as they are now stored: the rows they are found by, and the work lists.
//!
//! Everything before the batch's first offset was followed when it was admitted, so only what the batch itself
//! brought is written. By place, not by what this call happened to write: a batch that failed half way is completed.

use std::collections::{BTreeMap, BTreeSet};

use schemas::{
    Digest, Identity, ItemPlace, Position, SubmissionId, Version,
    version::{PersonKey, PhoneKey},
};

use super::{
    plan::Plan,
    reading,
    report::{self, Report, Rules},
    rows::{day_number, int},
    session::Db,
    stamps,
    work::{self, Entry},
};
use crate::{Notice, PERSONS_OF_A_PHONE, Standing, StoreError};

/// Buckets of a day's list: the offset modulo this, so that a record's rows are of one partition.
pub(super) const BUCKETS: u64 = 4;
/// Versions of a report whose holds are looked at again; the list resolves what stays behind when it is read.
const FORMER: usize = 16;

/// A lab, a day, a bucket.
type DayKey<'a> = (&'a str, i32, i8);

/// Writes it all.
pub(super) async fn write(
    db: &Db,
    plan: &Plan<'_>,
    reports: &[Report],
    standings: &[(Vec<Version>, Standing)],
    rules: &Rules<'_>,
) -> Result<(), StoreError> {
    tokio::try_join!(
        submissions(db, plan),
        found_by(db, plan, reports),
        phones(db, plan),
        repeats(db, plan, standings),
        holds(db, plan, reports, standings, rules),
    )?;
    Ok(())
}

/// The bucket of what stands at an offset.
pub(super) fn bucket(offset: u64) -> i8 {
    (offset % BUCKETS) as i8
}

async fn submissions(db: &Db, plan: &Plan<'_>) -> Result<(), StoreError> {
    let rows = plan.submissions.iter().map(|(position, submission)| {
        let names = (&submission.control_id, &submission.file_name, &submission.idempotency_key);
        let (at_partition, at_offset) = (int(position.partition), stamps::signed(position.offset));
        let (day, stamp) = (day_number(submission.day), stamps::of_upload(submission.received_at, *position));
        let whole = (
            submission.id.0,
            submission.lab.as_str(),
            day,
            submission.received_at.as_microsecond(),
            submission.format.as_str(),
            int(submission.received),
            int(submission.accepted),
            submission.rejected,
            int(submission.chunks),
            names,
            at_partition,
            at_offset,
            stamp,
        );
        let (lab, bucket) = (submission.lab.as_str(), bucket(position.offset));
        (whole, (lab, day, bucket, at_partition, at_offset, submission.id.0, names, stamp))
    });
    let (whole, of_day): (Vec<_>, Vec<_>) = rows.unzip();
    db.write_each(&db.statements.write.submission, whole).await?;
    db.write_each(&db.statements.write.submission_of_day, of_day).await
}

/// The rows that a report is found by: its number and day where it began in this batch, its persons.
async fn found_by(db: &Db, plan: &Plan<'_>, reports: &[Report]) -> Result<(), StoreError> {
    let (mut numbers, mut persons) = (Vec::new(), BTreeSet::new());
    let mut days: BTreeMap<DayKey<'_>, Vec<_>> = BTreeMap::new();
    for report in reports {
        let Some(first) = report.first() else { continue };
        let (place, received) = (first.stored.version.first_place, first.stored.version.received_at);
        let stamp = stamps::fact(place.position);
        let (lab, number, test) = report::key(&report.identity);
        let at = (int(place.position.partition), stamps::signed(place.position.offset), int(place.item));
        let begins = place.position.offset >= plan.first_offset;
        if begins {
            numbers.push((lab, number, test, stamp));
            let (day, bucket) = (day_number(first.day), bucket(place.position.offset));
            let row = (lab, day, bucket, at.0, at.1, at.2, number, test, stamp);
            days.entry((lab, day, bucket)).or_default().push((120 + number.len() + test.len(), row));
        }
        for read in &report.versions {
            let version = &read.stored.version;
            let is_new = begins || version.first_place.position.offset >= plan.first_offset;
            if let Some(person) = version.person.by_code.filter(|_| is_new) {
                persons.insert((person.0, received.as_microsecond(), at, report::key(&report.identity), stamp));
            }
        }
    }
    let write = &db.statements.write;
    let persons = persons.into_iter().map(|(person, received, at, (lab, number, test), stamp)| {
        (person.to_vec(), received, at.0, at.1, at.2, lab, number, test, stamp)
    });
    let days = db.each(days.into_values(), |rows| db.write_partition(&write.report_of_day, rows));
    tokio::try_join!(db.write_each(&write.number, numbers), db.write_each(&write.report_of_person, persons), days,)?;
    Ok(())
}

/// The persons of the phones that the batch's versions name. Read first: a phone that has as many as are remembered
/// takes no more.
async fn phones(db: &Db, plan: &Plan<'_>) -> Result<(), StoreError> {
    let mut phones: BTreeMap<PhoneKey, BTreeMap<PersonKey, i64>> = BTreeMap::new();
    for planned in &plan.versions {
        if let (Some(phone), Some(person)) = (planned.new.phone, planned.version.person.key()) {
            let stamp = stamps::fact(planned.version.first_place.position);
            phones.entry(phone).or_default().entry(person).or_insert(stamp);
        }
    }
    let unknown = |(phone, mut persons): (PhoneKey, BTreeMap<PersonKey, i64>)| async move {
        let stored = reading::persons_of_phone(db, phone).await?;
        persons.retain(|person, _| !stored.contains(person));
        let rows = persons.into_iter().take(PERSONS_OF_A_PHONE.saturating_sub(stored.len()));
        Ok(rows.map(move |(person, stamp)| (phone.0.to_vec(), person.0.to_vec(), stamp)).collect::<Vec<_>>())
    };
    let rows = db.each(phones, unknown).await?;
    db.write_each(&db.statements.write.person_of_phone, rows.into_iter().flatten()).await
}

/// The items that carried what was stored already.
async fn repeats(db: &Db, plan: &Plan<'_>, standings: &[(Vec<Version>, Standing)]) -> Result<(), StoreError> {
    let rows = plan.items.iter().filter_map(|new| {
        let (number, version) = new.accepted.as_ref()?;
        let same = |have: &&Version| (have.digest, have.stated_issue) == (version.digest, version.stated_issue);
        let first = standings[*number].0.iter().find(same)?;
        (first.first_place != new.place()).then(|| {
            let (lab, number, test) = report::key(&plan.reports[*number]);
            let stamp = stamps::of_upload(new.received_at, new.position);
            (lab, number, test, version.digest.0.as_slice(), new.submission.0, int(new.item.index), stamp)
        })
    });
    db.write_each(&db.statements.write.repeat, rows).await
}

/// The entries of the work lists and the items that they concern; entries of former holds are resolved.
async fn holds(
    db: &Db,
    plan: &Plan<'_>,
    reports: &[Report],
    standings: &[(Vec<Version>, Standing)],
    rules: &Rules<'_>,
) -> Result<(), StoreError> {
    let (mut open, mut resolved, mut held) = (Vec::new(), Vec::new(), Vec::new());
    for (number, (report, (versions, standing))) in reports.iter().zip(standings).enumerate() {
        let Some(first) = report.first_place() else { continue };
        let told = report.emitted == Some(versions[standing.current].digest);
        let stamp = stamps::fold(versions, told);
        let now = work::entries(&report.identity, first, versions, standing);
        let former = (versions.len().saturating_sub(FORMER).max(1)..versions.len()).filter_map(|count| {
            let before = &versions[..count];
            let standing = rules.standing(before, report.emitted)?;
            Some(work::entries(&report.identity, first, before, &standing))
        });
        let former: BTreeSet<Entry> = former.flatten().filter(|entry| !now.contains(entry)).collect();
        resolved.extend(former.into_iter().map(|entry| (entry, stamp)));
        open.extend(now.into_iter().map(|entry| (entry, stamp)));
        if matches!(standing.notice, Notice::Held(_)) {
            held.push((number, report, versions[standing.current].digest));
        }
    }
    held_items(db, plan, &held).await?;
    work::open(db, open).await?;
    work::resolve(db, resolved).await
}

/// Everything that carried a version that is held: this batch's items, the versions' own, the repeats.
async fn held_items(db: &Db, plan: &Plan<'_>, held: &[(usize, &Report, Digest)]) -> Result<(), StoreError> {
    let mut items: BTreeSet<(SubmissionId, u32, usize)> = BTreeSet::new();
    let repeats = db.each(held, |(_, report, digest)| carried_again(db, &report.identity, *digest)).await?;
    for ((number, report, digest), repeats) in held.iter().zip(repeats) {
        let own = report.versions.iter().map(|read| &read.stored).filter(|stored| stored.version.digest == *digest);
        items.extend(own.map(|stored| (stored.submission, stored.version.first_place.item, *number)));
        items.extend(repeats.into_iter().map(|(submission, index)| (submission, index, *number)));
    }
    let digests: BTreeMap<usize, &Digest> = held.iter().map(|(number, _, digest)| (*number, digest)).collect();
    items.extend(plan.items.iter().filter_map(|new| {
        let (number, version) = new.accepted.as_ref()?;
        (*digests.get(number)? == &version.digest).then_some((new.submission, new.item.index, *number))
    }));
    // Whoever writes a row writes the same: any timestamp does that is above what expired.
    let stamp = stamps::of_upload(plan.received_at, Position { partition: 0, offset: 0 });
    let rows = items.into_iter().filter_map(|(submission, index, number)| {
        let (lab, of, test) = report::key(&plan.reports[number]);
        let digest = digests.get(&number)?.0.as_slice();
        Some((submission.0, int(index), lab, of, test, digest, stamp))
    });
    db.write_each(&db.statements.write.held_item, rows).await
}

async fn carried_again(db: &Db, identity: &Identity, digest: Digest) -> Result<Vec<(SubmissionId, u32)>, StoreError> {
    let (lab, number, test) = report::key(identity);
    let rows: Vec<(uuid::Uuid, i32)> =
        db.rows(&db.statements.read.repeats, (lab, number, test, digest.0.as_slice())).await?;
    Ok(rows.into_iter().map(|(id, index)| (SubmissionId(id), super::rows::unsigned_int(index))).collect())
}

/// Where an entry of a list stands.
pub(super) fn at(place: ItemPlace) -> (i32, i64, i32) {
    (int(place.position.partition), stamps::signed(place.position.offset), int(place.item))
}
