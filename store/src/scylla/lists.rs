//! Lists: the entries after a cursor, from the buckets they lie in, and the reports that they name.
//!
//! A cursor is the key of the last entry that was given. It is not the server's paging state: that one is of one
//! partition and of the server's version, and cannot stand between two entries of what it paged.

use std::collections::BTreeMap;

use jiff::civil::Date;
use schemas::{Identity, LabId, version::PersonKey};

use super::{
    follow::{self, BUCKETS},
    report::{self, Report, Rules},
    rows::{self, day_number},
    session::Db,
};
use crate::{
    Page, PageRequest, StoreError, StoredReport,
    cursor::{List, Scope},
};

/// Content at which a page ends early, at a report's end: reports of megabytes come one by one.
const PAGE_BYTES: usize = 16 << 20;
/// Reports that are read with their contents at once.
const AT_ONCE: usize = 16;

/// An entry's key: what the list is ordered by, then where its report first stood.
pub(super) type Key = [i64; 4];

/// An entry of a list: a report that was put there, and may have left it.
pub(super) struct Found {
    pub(super) key: Key,
    pub(super) identity: Identity,
}

/// Before every key.
pub(super) const START: Key = [i64::MIN, -1, -1, -1];

/// The parts of a key that rows hold as numbers of 32 bits.
pub(super) fn columns([at, partition, offset, item]: Key) -> (i64, i32, i64, i32) {
    let int = |part: i64| i32::try_from(part).unwrap_or(i32::MAX);
    (at, int(partition), offset, int(item))
}

/// The key of an entry.
pub(super) fn key(at: i64, partition: i32, offset: i64, item: i32) -> Key {
    [at, partition.into(), offset, item.into()]
}

/// The key that a report's entry has in a list that is ordered by `at` first.
pub(super) fn key_of(at: i64, report: &Report) -> Option<Key> {
    let (partition, offset, item) = follow::at(report.first_place()?);
    Some(key(at, partition, offset, item))
}

/// The first `count` of the entries of several partitions, each of which gave its first `count`.
pub(super) fn merged<K: Ord, T>(parts: Vec<Vec<(K, T)>>, count: usize) -> Vec<(K, T)> {
    let all: BTreeMap<K, T> = parts.into_iter().flatten().collect();
    all.into_iter().take(count).collect()
}

/// Builds a page of reports from entries that came in order.
pub(super) struct Filling<'a> {
    db: &'a Db,
    rules: &'a Rules<'a>,
    limit: usize,
    bytes: usize,
    last: Option<Key>,
    items: Vec<StoredReport>,
}

impl<'a> Filling<'a> {
    pub(super) fn new(db: &'a Db, rules: &'a Rules<'a>, limit: usize) -> Self {
        Self { db, rules, limit, bytes: 0, last: None, items: Vec::new() }
    }

    /// How many entries to ask for: one more than are wanted, which tells that there is a next page.
    pub(super) fn wanted(&self) -> usize {
        self.limit + 1 - self.items.len()
    }

    fn is_full(&self) -> bool {
        self.items.len() == self.limit || self.bytes >= PAGE_BYTES
    }

    /// Takes the reports that still belong; returns the entries that do not, and whether some were left for the next
    /// page.
    pub(super) async fn take(
        &mut self,
        entries: Vec<Found>,
        belongs: impl Fn(&Report, &Key) -> bool,
    ) -> Result<(Vec<(Found, Report)>, bool), StoreError> {
        let (mut strays, mut entries) = (Vec::new(), entries.into_iter().peekable());
        while entries.peek().is_some() {
            if self.is_full() {
                return Ok((strays, true));
            }
            let some: Vec<Found> = entries.by_ref().take(AT_ONCE).collect();
            let mut reports = Vec::with_capacity(some.len());
            for report in
                futures_util::future::join_all(some.iter().map(|found| report::whole(self.db, &found.identity))).await
            {
                reports.push(report?);
            }
            for (found, report) in some.into_iter().zip(reports) {
                if !belongs(&report, &found.key) {
                    strays.push((found, report));
                    continue;
                }
                if self.is_full() {
                    return Ok((strays, true));
                }
                self.bytes += report.versions.iter().map(|read| read.stored.content.len()).sum::<usize>();
                self.last = Some(found.key);
                self.items.extend(report.into_stored(self.rules));
            }
        }
        Ok((strays, false))
    }

    pub(super) fn page(self, scope: Scope, more: bool) -> Page<StoredReport> {
        let next = self.last.filter(|_| more).map(|last| scope.after(last));
        Page { items: self.items, next }
    }
}

/// A laboratory's reports that first came on a day, in the order they came.
pub(super) async fn of_day(
    db: &Db,
    rules: &Rules<'_>,
    lab: &LabId,
    day: Date,
    page: &PageRequest,
) -> Result<Page<StoredReport>, StoreError> {
    let day = day_number(day);
    let scope = Scope::of(List::Day, &[lab.as_str().as_bytes(), &day.to_be_bytes()]);
    let (after, limit) = scope.read::<4>(page)?;
    let belongs = |report: &Report, key: &Key| {
        key_of(0, report) == Some(*key) && report.first().is_some_and(|first| day_number(first.day) == day)
    };
    let read = |after: Key, count: usize| async move {
        let (_, partition, offset, item) = columns(after);
        let bucket = |bucket: u64| async move {
            let asked = (lab.as_str(), day, bucket as i8, partition, offset, item, count as i32);
            let rows: Vec<(i32, i64, i32, String, String)> = db.rows(&db.statements.list.day, asked).await?;
            let entry = |(p, o, i, number, test)| (key(0, p, o, i), Identity { lab: lab.clone(), number, test });
            Ok(rows.into_iter().map(entry).collect::<Vec<_>>())
        };
        Ok(merged(db.each(0..BUCKETS, bucket).await?, count))
    };
    in_order(db, rules, scope, after, limit, read, belongs).await
}

/// The reports with a version about a person, in the order they came.
pub(super) async fn of_person(
    db: &Db,
    rules: &Rules<'_>,
    person: PersonKey,
    page: &PageRequest,
) -> Result<Page<StoredReport>, StoreError> {
    let scope = Scope::of(List::Person, &[&person.0]);
    let (after, limit) = scope.read::<4>(page)?;
    let belongs = |report: &Report, key: &Key| {
        let mut about = report.versions.iter().map(|read| read.stored.version.person.by_code);
        let received = report.first().map(|first| first.stored.version.received_at.as_microsecond());
        received.and_then(|at| key_of(at, report)) == Some(*key) && about.any(|about| about == Some(person))
    };
    let read = |after: Key, count: usize| async move {
        let (at, partition, offset, item) = columns(after);
        let asked = (person.0.to_vec(), at, partition, offset, item, count as i32);
        let rows: Vec<(i64, i32, i64, i32, String, String, String)> =
            db.rows(&db.statements.list.person, asked).await?;
        let entry = |(at, p, o, i, lab, number, test): (_, _, _, _, String, _, _)| {
            Ok((key(at, p, o, i), rows::identity(&lab, number, test)?))
        };
        rows.into_iter().map(entry).collect::<Result<Vec<_>, StoreError>>()
    };
    in_order(db, rules, scope, after, limit, read, belongs).await
}

/// A page of a list whose entries `read` gives, from a key on.
async fn in_order<F: Future<Output = Result<Vec<(Key, Identity)>, StoreError>>>(
    db: &Db,
    rules: &Rules<'_>,
    scope: Scope,
    after: Option<Key>,
    limit: usize,
    read: impl Fn(Key, usize) -> F,
    belongs: impl Fn(&Report, &Key) -> bool,
) -> Result<Page<StoredReport>, StoreError> {
    let mut filling = Filling::new(db, rules, limit);
    let mut from = after.unwrap_or(START);
    loop {
        let wanted = filling.wanted();
        let entries = read(from, wanted).await?;
        let ends = entries.len() < wanted;
        from = entries.last().map_or(from, |(key, _)| *key);
        let found = entries.into_iter().map(|(key, identity)| Found { key, identity }).collect();
        let (_, left) = filling.take(found, &belongs).await?;
        if left || ends {
            return Ok(filling.page(scope, left));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partitions_that_gave_their_first_give_the_first_of_all() {
        let parts = vec![vec![(1, 'a'), (4, 'b')], vec![(2, 'c'), (3, 'd')], vec![]];
        assert_eq!(merged(parts, 2), [(1, 'a'), (2, 'c')]);
    }
}
