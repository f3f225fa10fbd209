//! Work lists: what waits for an operator.
//!
//! An entry says that a report was held for a reason since a time. Whether it still is, its versions say: who reads
//! an entry folds the report, and resolves the entry where nothing holds. Admission resolves what it sees end, so the
//! counts, which fold nothing, are right but for what a failure left behind until the list is read.

use schemas::{Identity, ItemPlace, Version, version::Reason};

use super::{
    follow::{self, BUCKETS},
    lists::{Filling, Found, Key, START, columns, key, key_of, merged},
    report::{Report, Rules},
    rows,
    session::Db,
    stamps,
};
use crate::{
    HeldCount, Notice, Page, PageRequest, Standing, StoreError, StoredReport,
    cursor::{List, Scope},
};

const DAY_MICROS: i64 = 86_400_000_000;
/// A day of a list is looked at for closing once this many days are past: its uploads have long been admitted.
const CLOSES_AFTER_DAYS: i32 = 7;
/// How far clocks of nodes may be apart: a day closes as of this long before it was looked at, so an entry that came
/// meanwhile opens it again.
const SKEW_MICROS: i64 = 60_000_000;

/// What a list has of a report.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Entry {
    reason: Reason,
    since: i64,
    at: (i32, i64, i32),
    names: (String, String, String),
}

/// The entries that a report with these versions has; of one that is not held, none.
pub(super) fn entries(identity: &Identity, first: ItemPlace, versions: &[Version], standing: &Standing) -> Vec<Entry> {
    let Notice::Held(reasons) = standing.notice else { return Vec::new() };
    let since = versions[standing.current].received_at.as_microsecond();
    let names = (identity.lab.as_str().to_owned(), identity.number.clone(), identity.test.clone());
    let entry = |reason| Entry { reason, since, at: follow::at(first), names: names.clone() };
    reasons.iter().map(entry).collect()
}

/// The day of a time, counted from 1970 (UTC): what a list is cut by.
fn day(since: i64) -> i32 {
    i32::try_from(since.div_euclid(DAY_MICROS)).unwrap_or(0)
}

/// Writes entries, then that their days have some: a day that closes meanwhile is opened again.
pub(super) async fn open(db: &Db, entries: Vec<(Entry, i64)>) -> Result<(), StoreError> {
    let days: std::collections::BTreeSet<_> =
        entries.iter().map(|(entry, _)| (entry.reason.as_str(), day(entry.since))).collect();
    let rows = entries.iter().map(|(entry, stamp)| {
        let (list, bucket) = (entry.reason.as_str(), follow::bucket(stamps::unsigned(entry.at.1)));
        let ((partition, offset, item), (lab, number, test)) = (entry.at, &entry.names);
        (list, day(entry.since), bucket, entry.since, partition, offset, item, lab, number, test, true, *stamp)
    });
    db.write_each(&db.statements.write.work, rows).await?;
    let now = db.now();
    db.write_each(&db.statements.write.work_day, days.into_iter().map(|(list, day)| (list, day, true, now))).await
}

/// Resolves entries. Where it is held again the timestamp of that is greater, or the same and open stays.
pub(super) async fn resolve(db: &Db, entries: Vec<(Entry, i64)>) -> Result<(), StoreError> {
    let rows = entries.iter().map(|(entry, stamp)| {
        let (list, bucket) = (entry.reason.as_str(), follow::bucket(stamps::unsigned(entry.at.1)));
        let (partition, offset, item) = entry.at;
        (list, day(entry.since), bucket, entry.since, partition, offset, item, false, *stamp)
    });
    db.write_each(&db.statements.write.resolve, rows).await
}

/// A row of a list: resolved before it was ever open, it names no report.
type Row = (i64, i32, i64, i32, Option<String>, Option<String>, Option<String>, Option<bool>);

/// The reports held for a reason, longest waiting first.
pub(super) async fn page(
    db: &Db,
    rules: &Rules<'_>,
    reason: Reason,
    page: &PageRequest,
) -> Result<Page<StoredReport>, StoreError> {
    let scope = Scope::of(List::Held, &[reason.as_str().as_bytes()]);
    let (after, limit) = scope.read::<4>(page)?;
    let mut from = after.unwrap_or(START);
    let mut filling = Filling::new(db, rules, limit);
    let belongs = |report: &Report, key: &Key| held_since(report, rules, reason) == Some(*key);
    for day in
        open_days(db, reason).await?.into_iter().filter(|open| after.is_none_or(|[since, ..]| *open >= day(since)))
    {
        loop {
            let wanted = filling.wanted();
            let (since, partition, offset, item) = columns(from);
            let bucket = |bucket: u64| async move {
                let asked = (reason.as_str(), day, bucket as i8, since, partition, offset, item, wanted as i32);
                let rows: Vec<Row> = db.rows(&db.statements.list.work, asked).await?;
                Ok(rows.into_iter().map(|row| (key(row.0, row.1, row.2, row.3), row)).collect::<Vec<_>>())
            };
            let rows = merged(db.each(0..BUCKETS, bucket).await?, wanted);
            let ends = rows.len() < wanted;
            from = rows.last().map_or(from, |(key, _)| *key);
            let found = rows.into_iter().filter_map(|(key, (_, _, _, _, lab, number, test, open))| {
                let identity = rows::identity(&lab?, number?, test?).ok()?;
                (open == Some(true)).then_some(Found { key, identity })
            });
            let (strays, left) = filling.take(found.collect(), belongs).await?;
            let strays = strays.iter().map(|(found, report)| stray(reason, found, report)).collect();
            resolve(db, strays).await?;
            if left {
                return Ok(filling.page(scope, true));
            }
            if ends {
                break;
            }
        }
    }
    Ok(filling.page(scope, false))
}

/// The key of the entry that a report has in a list now.
fn held_since(report: &Report, rules: &Rules<'_>, reason: Reason) -> Option<Key> {
    let standing = report.standing(rules)?;
    let Notice::Held(reasons) = standing.notice else { return None };
    let since = report.versions[standing.current].stored.version.received_at;
    reasons.contains(reason).then(|| key_of(since.as_microsecond(), report)).flatten()
}

/// An entry that nothing holds any more, to be resolved as of what was read.
fn stray(reason: Reason, found: &Found, report: &Report) -> (Entry, i64) {
    let (since, partition, offset, item) = columns(found.key);
    let versions = report.versions();
    let told = report.emitted.is_some_and(|told| versions.iter().any(|version| version.digest == told));
    let names = (String::new(), String::new(), String::new());
    (Entry { reason, since, at: (partition, offset, item), names }, stamps::fold(&versions, told))
}

/// The days of a list that may have open entries, oldest first.
async fn open_days(db: &Db, reason: Reason) -> Result<Vec<i32>, StoreError> {
    let rows: Vec<(i32, Option<bool>)> = db.rows(&db.statements.list.work_days, (reason.as_str(),)).await?;
    Ok(rows.into_iter().filter(|(_, open)| *open == Some(true)).map(|(day, _)| day).collect())
}

/// How many wait for each reason, by the entries alone; closes old days that have none left.
pub(super) async fn counts(db: &Db) -> Result<Vec<HeldCount>, StoreError> {
    let counts = db.each(Reason::ALL, |reason| count(db, reason)).await?;
    Ok(counts.into_iter().flatten().collect())
}

async fn count(db: &Db, reason: Reason) -> Result<Option<HeldCount>, StoreError> {
    let (mut count, mut oldest) = (0, None::<i64>);
    let now = db.now();
    for open in open_days(db, reason).await? {
        let bucket = |bucket: u64| async move {
            let asked = (reason.as_str(), open, bucket as i8);
            let rows: Vec<(i64, Option<bool>)> = db.rows(&db.statements.list.work_open, asked).await?;
            Ok(rows.into_iter().filter(|(_, open)| *open == Some(true)).map(|(since, _)| since).collect::<Vec<_>>())
        };
        let since: Vec<i64> = db.each(0..BUCKETS, bucket).await?.into_iter().flatten().collect();
        if since.is_empty() && open < day(now) - CLOSES_AFTER_DAYS {
            db.write(&db.statements.write.work_day, (reason.as_str(), open, false, now - SKEW_MICROS)).await?;
        }
        count += since.len() as u64;
        oldest = oldest.into_iter().chain(since).min();
    }
    oldest.map(|oldest| Ok(HeldCount { reason, count, oldest: rows::time(oldest)? })).transpose()
}
