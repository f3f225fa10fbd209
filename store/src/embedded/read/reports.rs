//! Reports with their versions: by number, by day, by person.

use rusqlite::{Connection, Transaction, params};
use schemas::{
    Digest, LabId, SubmissionId,
    version::{PersonKey, PhoneKey},
};

use super::{
    super::rows::{self, day_number, first_key, last_key, parent},
    ReadError,
};
use crate::{
    Page, PageRequest, Standing, StoredReport, StoredVersion,
    cursor::{List, Scope},
};
use jiff::civil::Date;

/// Content at which a page ends early, at a report's end: reports of megabytes come one by one.
const PAGE_BYTES: usize = 16 << 20;

/// The reports of a laboratory's number, by test code.
pub(in super::super) fn of_number(
    connection: &Connection,
    lab: &LabId,
    number: &str,
) -> rusqlite::Result<Vec<StoredReport>> {
    let tx = connection.unchecked_transaction()?;
    let rids: Vec<i64> = tx
        .prepare_cached("SELECT rid FROM reports WHERE lab = ?1 AND number = ?2 ORDER BY test")?
        .query_map([lab.as_str(), number], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    rids.into_iter().map(|rid| report(&tx, rid)).collect()
}

/// A laboratory's reports that first came on a day, in the order they came.
pub(in super::super) fn of_day(
    connection: &Connection,
    lab: &LabId,
    day: Date,
    page: &PageRequest,
) -> Result<Page<StoredReport>, ReadError> {
    let day = day_number(day);
    let scope = Scope::of(List::Day, &[lab.as_str().as_bytes(), &day.to_be_bytes()]);
    let (after, limit) = scope.read(page)?;
    let tx = connection.unchecked_transaction()?;
    let keys: Vec<(i64, i64)> = tx
        .prepare_cached("SELECT rid FROM reports WHERE lab = ?1 AND day = ?2 AND rid > ?3 ORDER BY rid LIMIT ?4")?
        .query_map(params![lab.as_str(), day, after.map_or(0, |[_, rid]| rid), limit as i64 + 1], |row| {
            Ok((0, row.get(0)?))
        })?
        .collect::<rusqlite::Result<_>>()?;
    Ok(filled(&tx, keys, limit, scope)?)
}

/// The reports with a version about a person, in the order they came.
pub(in super::super) fn of_person(
    connection: &Connection,
    person: PersonKey,
    page: &PageRequest,
) -> Result<Page<StoredReport>, ReadError> {
    let scope = Scope::of(List::Person, &[&person.0]);
    let (after, limit) = scope.read(page)?;
    let first = first_key(after.map_or(0, |[_, rid]| rid + 1));
    let tx = connection.unchecked_transaction()?;
    let mut keys: Vec<(i64, i64)> = Vec::new();
    {
        let mut statement =
            tx.prepare_cached("SELECT vid FROM versions WHERE person_code = ?1 AND vid >= ?2 ORDER BY vid")?;
        let mut vids = statement.query(params![person.0, first])?;
        while let Some(row) = vids.next()? {
            let rid = parent(row.get(0)?);
            if keys.last() == Some(&(0, rid)) {
                continue;
            }
            keys.push((0, rid));
            if keys.len() > limit {
                break;
            }
        }
    }
    Ok(filled(&tx, keys, limit, scope)?)
}

/// The persons of a phone, as many as are remembered.
pub(in super::super) fn persons_of_phone(connection: &Connection, phone: PhoneKey) -> rusqlite::Result<Vec<PersonKey>> {
    let mut statement = connection.prepare_cached("SELECT person FROM persons_of_phone WHERE phone = ?1")?;
    let persons = statement.query_map([phone.0], |row| Ok(PersonKey(row.get(0)?)))?;
    persons.collect()
}

/// The reports of `keys` (what the list is ordered by, rid), of which one more than `limit` was read where there is one.
pub(super) fn filled(
    tx: &Transaction<'_>,
    keys: Vec<(i64, i64)>,
    limit: usize,
    scope: Scope,
) -> rusqlite::Result<Page<StoredReport>> {
    let mut page = Page { items: Vec::new(), next: None };
    let (total, mut bytes) = (keys.len(), 0);
    for (index, key) in keys.into_iter().take(limit).enumerate() {
        let report = report(tx, key.1)?;
        bytes += report.versions.iter().map(|version| version.content.len()).sum::<usize>();
        page.items.push(report);
        let full = index + 1 == limit || bytes >= PAGE_BYTES;
        if full && index + 1 < total {
            page.next = Some(scope.after(key.into()));
            break;
        }
    }
    Ok(page)
}

fn report(tx: &Transaction<'_>, rid: i64) -> rusqlite::Result<StoredReport> {
    let (identity, current, issued_at, notice, emitted) = tx
        .prepare_cached(
            "SELECT lab, number, test, current, issued_at, notice, reasons, emitted FROM reports WHERE rid = ?1",
        )?
        .query_row([rid], |row| {
            let current: i64 = row.get(3)?;
            Ok((rows::identity(row, 0)?, current, rows::time(row, 4)?, rows::notice(row, 5)?, rows::digest(row, 7)?))
        })?;
    let mut versions = versions(tx, rid)?;
    versions.sort_by_key(|(_, stored)| stored.version.first_place);
    let current = versions.iter().position(|(vid, _)| *vid == current).ok_or(rusqlite::Error::QueryReturnedNoRows)?;
    let emitted: Option<Digest> = emitted;
    Ok(StoredReport {
        identity,
        standing: Standing { current, issued_at, notice },
        emitted,
        versions: versions.into_iter().map(|(_, stored)| stored).collect(),
    })
}

fn versions(tx: &Transaction<'_>, rid: i64) -> rusqlite::Result<Vec<(i64, StoredVersion)>> {
    tx.prepare_cached(&format!(
        "SELECT {}, vid, content, (SELECT id FROM submissions s WHERE s.sid = v.sid)
         FROM versions v WHERE vid BETWEEN ?1 AND ?2",
        rows::VERSION_COLUMNS
    ))?
    .query_map([first_key(rid), last_key(rid)], |row| {
        let submission = SubmissionId(uuid::Uuid::from_bytes(row.get(15)?));
        Ok((row.get(13)?, StoredVersion { version: rows::version(row)?, content: row.get(14)?, submission }))
    })?
    .collect()
}
