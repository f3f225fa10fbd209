//! Uploads, their items, and reports by number.

use schemas::{
    Digest, Fault, Identity, LabId, Outcome, Position, SubmissionId,
    version::{PersonKey, PhoneKey, Reasons},
};
use uuid::Uuid;

use super::{
    follow::BUCKETS,
    lists::merged,
    plan::BUCKET,
    report::{self, Rules},
    rows::{self, day_number, int, unreadable, unsigned_int},
    session::Db,
    stamps::unsigned,
};
use crate::{
    PERSONS_OF_A_PHONE, Page, PageRequest, StoreError, StoredItem, StoredReport, Submission, SubmissionQuery,
    SubmissionState,
    cursor::{List, Scope},
};

/// An upload's facts and the position of its first record.
pub(super) struct SubmissionRow {
    pub(super) submission: Submission,
    pub(super) first: Position,
}

/// Control id, file name, idempotency key.
type Names = (Option<String>, Option<String>, Option<String>);

type Row = (Uuid, String, i32, i64, String, i32, i32, bool, i32, Names, i32, i64);

/// An upload's facts; none of one that is not stored.
pub(super) async fn submission_row(db: &Db, id: SubmissionId) -> Result<Option<SubmissionRow>, StoreError> {
    let rows: Vec<Row> = db.rows(&db.statements.read.submission, (id.0,)).await?;
    let Some((id, lab, day, received_at, format, received, accepted, rejected, chunks, names, partition, offset)) =
        rows.into_iter().next()
    else {
        return Ok(None);
    };
    let (control_id, file_name, idempotency_key) = names;
    let submission = Submission {
        id: SubmissionId(id),
        lab: lab.parse().map_err(|_| unreadable("laboratory"))?,
        received_at: rows::time(received_at)?,
        day: rows::day(day)?,
        format,
        received: unsigned_int(received),
        accepted: unsigned_int(accepted),
        rejected,
        chunks: unsigned_int(chunks),
        control_id,
        file_name,
        idempotency_key,
    };
    let first = Position { partition: unsigned_int(partition), offset: unsigned(offset) };
    Ok(Some(SubmissionRow { submission, first }))
}

/// The persons of a phone, as many as are remembered.
pub(super) async fn persons_of_phone(db: &Db, phone: PhoneKey) -> Result<Vec<PersonKey>, StoreError> {
    let asked = (phone.0.as_slice(), PERSONS_OF_A_PHONE as i32);
    let rows: Vec<(Vec<u8>,)> = db.rows(&db.statements.read.persons_of_phone, asked).await?;
    rows.iter().map(|(person,)| rows::person(person)).collect()
}

/// What is stored of an upload: its items counted, and of those that were ever held, which still are.
pub(super) async fn submission(
    db: &Db,
    rules: &Rules<'_>,
    id: SubmissionId,
) -> Result<Option<SubmissionState>, StoreError> {
    match submission_row(db, id).await? {
        Some(row) => state(db, rules, row.submission).await.map(Some),
        None => Ok(None),
    }
}

async fn state(db: &Db, rules: &Rules<'_>, submission: Submission) -> Result<SubmissionState, StoreError> {
    let buckets = 0..=submission.received.saturating_sub(1) / BUCKET;
    let outcomes = |bucket: u32| db.rows::<(String,)>(&db.statements.read.outcomes, (submission.id.0, int(bucket)));
    let mut counts = [0_u64; Outcome::ALL.len()];
    for (word,) in db.each(buckets, outcomes).await?.into_iter().flatten() {
        counts[Outcome::parse(&word).ok_or_else(|| unreadable("outcome"))? as usize] += 1;
    }
    let held = held(db, rules, submission.id, (0, u32::MAX)).await?;
    let outcomes = Outcome::ALL.into_iter().zip(counts).filter(|(_, count)| *count > 0).collect();
    Ok(SubmissionState { submission, outcomes, held: held.len() as u64 })
}

/// The upload's items within these indexes that are held now, with the reasons.
async fn held(
    db: &Db,
    rules: &Rules<'_>,
    id: SubmissionId,
    (first, last): (u32, u32),
) -> Result<Vec<(u32, Reasons)>, StoreError> {
    let asked = (id.0, int(first), int(last));
    let rows: Vec<(i32, String, String, String, Vec<u8>)> = db.rows(&db.statements.read.held_items, asked).await?;
    let read = |(index, lab, number, test, digest): (i32, String, String, String, Vec<u8>)| async move {
        let identity = rows::identity(&lab, number, test)?;
        let reasons = report::facts(db, &identity).await?.held(rules, rows::digest(&digest)?);
        Ok((unsigned_int(index), reasons))
    };
    let read = db.each(rows, read).await?;
    Ok(read.into_iter().filter(|(_, reasons)| !reasons.is_empty()).collect())
}

/// A laboratory's uploads of a day, newest first.
pub(super) async fn submissions(
    db: &Db,
    rules: &Rules<'_>,
    query: &SubmissionQuery,
    page: &PageRequest,
) -> Result<Page<SubmissionState>, StoreError> {
    let text = |text: &Option<String>| text.as_ref().map_or(vec![0], |text| [&[1], text.as_bytes()].concat());
    let (lab, day) = (query.lab.as_str(), day_number(query.day));
    let asked = [lab.as_bytes(), &day.to_be_bytes(), &text(&query.control_id), &text(&query.file_name)];
    let scope = Scope::of(List::Submissions, &asked);
    let (after, limit) = scope.read::<2>(page)?;
    let [mut partition, mut offset] = after.unwrap_or([i64::from(i32::MAX), i64::MAX]);
    let wanted = |asked: &Option<String>, have: &Option<String>| asked.is_none() || asked == have;
    let mut found: Vec<([i64; 2], Submission)> = Vec::new();
    while found.len() <= limit {
        let count = limit + 1;
        let bucket = |bucket: u64| async move {
            let partition = i32::try_from(partition).unwrap_or(i32::MAX);
            let asked = (lab, day, bucket as i8, partition, offset, count as i32);
            let rows: Vec<(i32, i64, Uuid, Names)> = db.rows(&db.statements.list.submissions, asked).await?;
            let entry =
                |(partition, offset, id, names)| (std::cmp::Reverse([i64::from(partition), offset]), (id, names));
            Ok(rows.into_iter().map(entry).collect::<Vec<_>>())
        };
        let entries = merged(db.each(0..BUCKETS, bucket).await?, count);
        let ends = entries.len() < count;
        if let Some((last, _)) = entries.last() {
            [partition, offset] = last.0;
        }
        let named = entries.into_iter().filter(|(_, (_, (control_id, file_name, _)))| {
            wanted(&query.control_id, control_id) && wanted(&query.file_name, file_name)
        });
        let rows = db.each(named, |(at, (id, _))| async move {
            let row = submission_row(db, SubmissionId(id)).await?;
            let is_first = |row: &SubmissionRow| [i64::from(row.first.partition), row.first.offset as i64] == at.0;
            Ok(row.filter(is_first).map(|row| (at.0, row.submission)))
        });
        found.extend(rows.await?.into_iter().flatten());
        if ends {
            break;
        }
    }
    let more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| more).map(|(at, _)| scope.after(*at));
    let items = db.each(found, |(_, submission)| state(db, rules, submission)).await?;
    Ok(Page { items, next })
}

type ItemRow =
    (i32, String, i32, i32, i64, String, Option<String>, Option<String>, Option<String>, Option<Vec<u8>>, Option<i64>);

/// The items of one bucket between two indexes, without what holds them.
pub(super) async fn slice(db: &Db, id: SubmissionId, first: u32, last: u32) -> Result<Vec<StoredItem>, StoreError> {
    let asked = (id.0, int(first / BUCKET), int(first), int(last));
    let rows: Vec<ItemRow> = db.rows(&db.statements.read.items, asked).await?;
    rows.into_iter().map(item).collect()
}

fn item(row: ItemRow) -> Result<StoredItem, StoreError> {
    let (index, outcome, line, partition, offset, faults, lab, number, test, digest, _) = row;
    let version = match (lab, number, test, digest) {
        (Some(lab), Some(number), Some(test), Some(digest)) => {
            Some((rows::identity(&lab, number, test)?, rows::digest(&digest)?))
        }
        _ => None,
    };
    let faults: Vec<Fault> = match faults.as_str() {
        "" => Vec::new(),
        text => serde_json::from_str(text).map_err(|_| unreadable("list of faults"))?,
    };
    Ok(StoredItem {
        index: unsigned_int(index),
        line: unsigned_int(line),
        outcome: Outcome::parse(&outcome).ok_or_else(|| unreadable("outcome"))?,
        faults,
        place: rows::place((partition, offset, index)),
        version,
        held: Reasons::default(),
    })
}

/// An upload's items by index; none of an unknown upload.
pub(super) async fn items(
    db: &Db,
    rules: &Rules<'_>,
    id: SubmissionId,
    page: &PageRequest,
) -> Result<Page<StoredItem>, StoreError> {
    let scope = Scope::of(List::Items, &[id.0.as_bytes()]);
    let (after, limit) = scope.read::<1>(page)?;
    let Some(SubmissionRow { submission, .. }) = submission_row(db, id).await? else {
        return Ok(Page { items: Vec::new(), next: None });
    };
    let mut from = after.map_or(0, |[index]| u32::try_from(index).map_or(u32::MAX, |index| index.saturating_add(1)));
    let mut items: Vec<StoredItem> = Vec::new();
    while items.len() <= limit && from < submission.received {
        // To the bucket's end, and no more rows than are wanted where every index has one.
        let wanted = u32::try_from(limit + 1 - items.len()).unwrap_or(BUCKET);
        let last = (from / BUCKET * BUCKET + BUCKET - 1).min(from.saturating_add(wanted - 1));
        items.extend(slice(db, id, from, last).await?);
        from = last + 1;
    }
    let more = items.len() > limit;
    items.truncate(limit);
    let next = items.last().filter(|_| more).map(|last| scope.after([i64::from(last.index)]));
    if let (Some(first), Some(last)) = (items.first(), items.last()) {
        let held = held(db, rules, id, (first.index, last.index)).await?;
        for (index, reasons) in held {
            items.iter_mut().filter(|item| item.index == index).for_each(|item| item.held = reasons);
        }
    }
    Ok(Page { items, next })
}

/// The reports of a laboratory's number, by test code.
pub(super) async fn reports(
    db: &Db,
    rules: &Rules<'_>,
    lab: &LabId,
    number: &str,
) -> Result<Vec<StoredReport>, StoreError> {
    let tests: Vec<(String,)> = db.rows(&db.statements.read.numbers, (lab.as_str(), number)).await?;
    let read = |(test,): (String,)| async move {
        let identity = Identity { lab: lab.clone(), number: number.to_owned(), test };
        Ok(report::whole(db, &identity).await?.into_stored(rules))
    };
    Ok(db.each(tests, read).await?.into_iter().flatten().collect())
}

/// The digest and stated issue of what an item carried, for a dump.
pub(super) fn carried(digest: Option<Vec<u8>>, stated: Option<i64>) -> Result<Option<(Digest, i64)>, StoreError> {
    match (digest, stated) {
        (Some(digest), Some(stated)) => Ok(Some((rows::digest(&digest)?, stated))),
        _ => Ok(None),
    }
}
