//! The statements of an admission, prepared once a batch: looking each up by its text would cost as much as running it.

use rusqlite::{CachedStatement, OptionalExtension, Transaction, params};
use schemas::{
    Digest, Identity, ItemPlace, Outcome, SubmissionId, Version,
    version::{PersonKey, PhoneKey},
};

use super::{
    admit::Fold,
    rows::{self, day_number, first_key, last_key, notice_columns, signed},
};
use crate::{AdmitItem, PERSONS_OF_A_PHONE, Submission};

pub(super) struct Statements<'t> {
    submission: CachedStatement<'t>,
    put_submission: CachedStatement<'t>,
    item: CachedStatement<'t>,
    put_item: CachedStatement<'t>,
    report: CachedStatement<'t>,
    report_row: CachedStatement<'t>,
    versions: CachedStatement<'t>,
    put_version: CachedStatement<'t>,
    put_person: CachedStatement<'t>,
    put_report: CachedStatement<'t>,
    move_report: CachedStatement<'t>,
}

impl<'t> Statements<'t> {
    pub(super) fn prepare(tx: &'t Transaction<'_>) -> rusqlite::Result<Self> {
        let versions =
            format!("SELECT {} FROM versions WHERE vid BETWEEN ?1 AND ?2 ORDER BY vid", rows::VERSION_COLUMNS);
        Ok(Self {
            submission: tx.prepare_cached("SELECT sid FROM submissions WHERE id = ?1")?,
            put_submission: tx.prepare_cached(
                "INSERT INTO submissions VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
            )?,
            item: tx.prepare_cached("SELECT vid FROM items WHERE iid = ?1")?,
            put_item: tx.prepare_cached("INSERT OR REPLACE INTO items VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?,
            report: tx.prepare_cached("SELECT rid FROM reports WHERE lab = ?1 AND number = ?2 AND test = ?3")?,
            report_row: tx.prepare_cached(
                "SELECT lab, number, test, day, current, issued_at, since, notice, reasons, emitted
                 FROM reports WHERE rid = ?1",
            )?,
            versions: tx.prepare_cached(&versions)?,
            put_version: tx.prepare_cached(
                "INSERT INTO versions VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)",
            )?,
            put_person: tx.prepare_cached(
                "INSERT OR IGNORE INTO persons_of_phone SELECT ?1, ?2
                 WHERE (SELECT count(*) FROM persons_of_phone WHERE phone = ?1) < ?3",
            )?,
            put_report: tx
                .prepare_cached("INSERT INTO reports VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, NULL)")?,
            move_report: tx.prepare_cached(
                "UPDATE reports SET current = ?2, issued_at = ?3, notice = ?4, reasons = ?5, since = ?6 WHERE rid = ?1",
            )?,
        })
    }

    pub(super) fn submission(&mut self, id: SubmissionId) -> rusqlite::Result<Option<i64>> {
        self.submission.query_row([id.0.as_bytes()], |row| row.get(0)).optional()
    }

    pub(super) fn put_submission(&mut self, sid: i64, submission: &Submission) -> rusqlite::Result<()> {
        self.put_submission.execute(params![
            sid,
            submission.id.0.as_bytes(),
            submission.lab.as_str(),
            day_number(submission.day),
            submission.received_at.as_microsecond(),
            submission.format,
            submission.received,
            submission.accepted,
            submission.rejected,
            submission.chunks,
            submission.control_id,
            submission.file_name,
            submission.idempotency_key,
        ])?;
        Ok(())
    }

    /// The version of a stored item; none within where it is stored as refused or dead.
    pub(super) fn item(&mut self, iid: i64) -> rusqlite::Result<Option<Option<i64>>> {
        self.item.query_row([iid], |row| row.get(0)).optional()
    }

    pub(super) fn put_item(
        &mut self,
        iid: i64,
        place: ItemPlace,
        item: &AdmitItem,
        outcome: Outcome,
        vid: Option<i64>,
    ) -> rusqlite::Result<()> {
        let faults = match item.faults.as_slice() {
            [] => None,
            faults => Some(
                serde_json::to_string(faults)
                    .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?,
            ),
        };
        let (partition, offset) = (place.position.partition, signed(place.position.offset));
        self.put_item.execute(params![iid, outcome.as_str(), item.line, partition, offset, vid, faults])?;
        Ok(())
    }

    pub(super) fn report(&mut self, identity: &Identity) -> rusqlite::Result<Option<i64>> {
        self.report
            .query_row(params![identity.lab.as_str(), identity.number, identity.test], |row| row.get(0))
            .optional()
    }

    pub(super) fn report_row(&mut self, rid: i64) -> rusqlite::Result<(Identity, i64, Fold, Option<Digest>)> {
        self.report_row.query_row([rid], |row| {
            let since: Option<i64> = row.get(6)?;
            let fold = Fold {
                current: row.get(4)?,
                issued_at: rows::time(row, 5)?,
                since: since.map(|_| rows::time(row, 6)).transpose()?,
                notice: rows::notice(row, 7)?,
            };
            Ok((rows::identity(row, 0)?, row.get(3)?, fold, rows::digest(row, 9)?))
        })
    }

    /// A report's versions by ordinal.
    pub(super) fn versions(&mut self, rid: i64) -> rusqlite::Result<Vec<Version>> {
        self.versions.query_map([first_key(rid), last_key(rid)], rows::version)?.collect()
    }

    pub(super) fn put_version(&mut self, vid: i64, sid: i64, version: &Version, content: &str) -> rusqlite::Result<()> {
        let position = version.first_place.position;
        self.put_version.execute(params![
            vid,
            version.digest.0,
            version.stated_issue.map(jiff::Timestamp::as_microsecond),
            version.received_at.as_microsecond(),
            position.partition,
            signed(position.offset),
            version.first_place.item,
            version.status.as_str(),
            version.result.map(schemas::report::TestResult::as_str),
            version.person.by_code.map(|key| key.0),
            version.person.by_name.map(|key| key.0),
            version.reasons.0,
            version.listed,
            version.rehearsal,
            sid,
            content,
        ])?;
        Ok(())
    }

    /// Remembers a person of a phone, unless it has as many as are remembered.
    pub(super) fn put_person(&mut self, phone: PhoneKey, person: PersonKey) -> rusqlite::Result<()> {
        self.put_person.execute(params![phone.0, person.0, PERSONS_OF_A_PHONE as i64])?;
        Ok(())
    }

    pub(super) fn put_report(&mut self, rid: i64, identity: &Identity, day: i64, fold: &Fold) -> rusqlite::Result<()> {
        let (notice, reasons) = notice_columns(fold.notice);
        let (issued_at, since) = (fold.issued_at.as_microsecond(), fold.since.map(jiff::Timestamp::as_microsecond));
        self.put_report.execute(params![
            rid,
            identity.lab.as_str(),
            identity.number,
            identity.test,
            day,
            fold.current,
            issued_at,
            notice,
            reasons,
            since,
        ])?;
        Ok(())
    }

    pub(super) fn move_report(&mut self, rid: i64, fold: &Fold) -> rusqlite::Result<()> {
        let (notice, reasons) = notice_columns(fold.notice);
        let (issued_at, since) = (fold.issued_at.as_microsecond(), fold.since.map(jiff::Timestamp::as_microsecond));
        self.move_report.execute(params![rid, fold.current, issued_at, notice, reasons, since])?;
        Ok(())
    }
}
