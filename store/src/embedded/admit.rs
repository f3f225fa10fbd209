//! A batch into rows: submissions, items, versions, and the fold of every report that was touched.

use std::collections::HashMap;

use jiff::Timestamp;
use rusqlite::Transaction;
use schemas::{Digest, Identity, ItemPlace, Outcome, Version};

use super::{
    places,
    rows::{child_key, day_number, first_key, parent, whole_micros},
    statements::Statements,
};
use crate::{AdmitItem, AdmitRecord, Batch, Judge, NewVersion, Notice, Standing, Submission, Touched, Verdict};

/// Stores a batch within `tx` and returns every report it touched, in the order of first touch.
///
/// What is stored already is left as it is, row by row, so that the same batch again changes no row.
pub(super) fn admit(tx: &Transaction<'_>, batch: &Batch, judge: &dyn Judge) -> rusqlite::Result<Vec<Touched>> {
    places::settle(tx, &batch.settled)?;
    let mut admission = Admission::begin(tx, judge)?;
    for record in &batch.records {
        admission.record(record)?;
    }
    admission.fold()
}

/// A report as this batch has it in hand: its versions' facts are read once, however many items speak of it.
struct OpenReport {
    rid: i64,
    identity: Identity,
    day: i64,
    /// Its row; none where this batch is the first to speak of it.
    stored: Option<Fold>,
    emitted: Option<Digest>,
    /// By ordinal.
    versions: Vec<Version>,
}

/// What a report's row says of its versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fold {
    pub(super) current: i64,
    pub(super) issued_at: Timestamp,
    pub(super) notice: Notice,
    /// When the current version was received, where it is held: work lists are in this order.
    pub(super) since: Option<Timestamp>,
}

struct Admission<'a> {
    statements: Statements<'a>,
    judge: &'a dyn Judge,
    fences: HashMap<u32, u64>,
    /// In the order of first touch.
    reports: Vec<OpenReport>,
    by_identity: HashMap<&'a Identity, usize>,
    by_rid: HashMap<i64, usize>,
    next_rid: i64,
    next_sid: i64,
}

impl<'a> Admission<'a> {
    fn begin(tx: &'a Transaction<'_>, judge: &'a dyn Judge) -> rusqlite::Result<Self> {
        let next = |sql| tx.prepare_cached(sql)?.query_row([], |row| row.get::<_, i64>(0));
        Ok(Self {
            statements: Statements::prepare(tx)?,
            judge,
            // Read each time: a restore may raise them from another process.
            fences: places::fences(tx)?.into_iter().map(|end| (end.partition, end.offset)).collect(),
            reports: Vec::new(),
            by_identity: HashMap::new(),
            by_rid: HashMap::new(),
            next_rid: next("SELECT coalesce(max(rid), 0) + 1 FROM reports")?,
            next_sid: next("SELECT coalesce(max(sid), 0) + 1 FROM submissions")?,
        })
    }

    fn record(&mut self, record: &'a AdmitRecord) -> rusqlite::Result<()> {
        let sid = self.submission(&record.submission)?;
        for item in &record.items {
            let iid = child_key(sid, item.index as usize, "items in an upload")?;
            let place = ItemPlace { position: record.position, item: item.index };
            match (self.statements.item(iid)?, &item.verdict) {
                (Some(Some(vid)), _) => drop(self.load(parent(vid))?),
                (_, Verdict::Accepted(new)) => self.accept((sid, iid), place, item, new, record)?,
                (Some(None), Verdict::Refused | Verdict::DeadLetter) => {}
                (None, Verdict::Refused) => self.statements.put_item(iid, place, item, Outcome::Refused, None)?,
                (None, Verdict::DeadLetter) => self.statements.put_item(iid, place, item, Outcome::DeadLetter, None)?,
            }
        }
        Ok(())
    }

    fn submission(&mut self, submission: &Submission) -> rusqlite::Result<i64> {
        if let Some(sid) = self.statements.submission(submission.id)? {
            return Ok(sid);
        }
        let sid = self.next_sid;
        self.next_sid += 1;
        self.statements.put_submission(sid, submission)?;
        Ok(sid)
    }

    /// An item's version is stored where it is not there, then the item is judged among all that are.
    fn accept(
        &mut self,
        (sid, iid): (i64, i64),
        place: ItemPlace,
        item: &AdmitItem,
        new: &'a NewVersion,
        record: &AdmitRecord,
    ) -> rusqlite::Result<()> {
        let version = Version {
            first_place: place,
            stated_issue: new.version.stated_issue.map(whole_micros),
            received_at: whole_micros(new.version.received_at),
            ..new.version.clone()
        };
        let index = self.open(&new.identity, record)?;
        let report = &mut self.reports[index];
        let same = |have: &Version| (have.digest, have.stated_issue) == (version.digest, version.stated_issue);
        let vid = match report.versions.iter().position(same) {
            Some(ordinal) => child_key(report.rid, ordinal, "versions of a report")?,
            None => {
                let vid = child_key(report.rid, report.versions.len(), "versions of a report")?;
                self.statements.put_version(vid, sid, &version, &new.content)?;
                if let (Some(phone), Some(person)) = (new.phone, version.person.key()) {
                    self.statements.put_person(phone, person)?;
                }
                report.versions.push(version.clone());
                vid
            }
        };
        let outcome = self.judge.outcome(&report.versions, &version);
        self.statements.put_item(iid, place, item, outcome, Some(vid))
    }

    /// The report of an identity, opened or begun.
    fn open(&mut self, identity: &'a Identity, record: &AdmitRecord) -> rusqlite::Result<usize> {
        if let Some(index) = self.by_identity.get(identity) {
            return Ok(*index);
        }
        let index = match self.statements.report(identity)? {
            Some(rid) => self.load(rid)?,
            None => {
                let rid = self.next_rid;
                self.next_rid += 1;
                let day = day_number(record.submission.day);
                let identity = identity.clone();
                self.add(OpenReport { rid, identity, day, stored: None, emitted: None, versions: Vec::new() })
            }
        };
        self.by_identity.insert(identity, index);
        Ok(index)
    }

    /// The report of a row that is stored, read once.
    fn load(&mut self, rid: i64) -> rusqlite::Result<usize> {
        if let Some(index) = self.by_rid.get(&rid) {
            return Ok(*index);
        }
        let (identity, day, fold, emitted) = self.statements.report_row(rid)?;
        let versions = self.statements.versions(rid)?;
        Ok(self.add(OpenReport { rid, identity, day, stored: Some(fold), emitted, versions }))
    }

    fn add(&mut self, report: OpenReport) -> usize {
        let index = self.reports.len();
        self.by_rid.insert(report.rid, index);
        self.reports.push(report);
        index
    }

    /// Writes the rows of new reports and of those whose fold moved.
    fn fold(mut self) -> rusqlite::Result<Vec<Touched>> {
        let fences = &self.fences;
        let fenced =
            |place: ItemPlace| fences.get(&place.position.partition).is_some_and(|next| place.position.offset < *next);
        let mut touched = Vec::with_capacity(self.reports.len());
        for mut report in self.reports {
            let Standing { current, issued_at, notice } =
                self.judge.standing(&report.versions, &fenced, report.emitted);
            let version = report.versions.swap_remove(current);
            let fold = Fold {
                current: first_key(report.rid) + current as i64,
                issued_at: whole_micros(issued_at),
                notice,
                since: matches!(notice, Notice::Held(_)).then_some(version.received_at),
            };
            match report.stored {
                None => self.statements.put_report(report.rid, &report.identity, report.day, &fold)?,
                Some(stored) if stored != fold => self.statements.move_report(report.rid, &fold)?,
                Some(_) => {}
            }
            touched.push(Touched {
                identity: report.identity,
                current: version,
                issued_at: fold.issued_at,
                notice,
                emitted: report.emitted,
            });
        }
        Ok(touched)
    }
}
