//! A batch into rows.
//!
//! No transaction: every row is an upsert whose timestamp is from the journal, and all that is written follows from
//! the batch and from what is stored. So the same batch again, whole, in part, in other pieces, or by a worker that
//! should have stopped, writes the same rows.
//!
//! 1. What the batch before finished: marks of emission, then the place.
//! 2. What is stored of the batch's items and uploads is read; what is not is planned (`plan`).
//! 3. Versions are written, and their reports read back: every version before this batch is among them, for a
//!    worker takes records in order, and finishes or repeats each batch.
//! 4. What follows from the reports as they are now stored: the indexes, the work lists (`follow`).
//! 5. The items, last: a stored item says that all of it is stored.

use std::collections::BTreeMap;

use schemas::{Outcome, SubmissionId, Version};

use super::{
    follow, marks,
    plan::{BUCKET, NewItem, Plan},
    report::{self, Report, Rules},
    rows::{VersionRow, int, stated},
    session::Db,
    stamps,
};
use crate::{Batch, Judge, Standing, StoreError, Touched};

/// Stores a batch and returns every report it touched, in the order of first touch; remembers what is to be told.
pub(super) async fn admit(
    db: &Db,
    batch: &Batch,
    tellable: &marks::Tellable,
    judge: &dyn Judge,
) -> Result<Vec<Touched>, StoreError> {
    marks::settle(db, &batch.settled, tellable).await?;
    let plan = Plan::of(db, &batch.records).await?;
    let versions = plan
        .versions
        .iter()
        .map(|planned| VersionRow::of(planned.new, &planned.version, planned.submission.id, planned.submission.day));
    db.write_each(&db.statements.write.version, versions).await?;

    // Read each time: a restore may raise them from another process.
    let rules = Rules { judge, fences: marks::fences(db).await? };
    let reports = db.each(&plan.reports, |identity| report::facts(db, identity)).await?;
    let standings: Vec<(Vec<Version>, Standing)> =
        reports.iter().map(|report| standing(report, &rules)).collect::<Result<_, _>>()?;

    follow::write(db, &plan, &reports, &standings, &rules).await?;
    write_items(db, &plan, &standings, judge).await?;
    Ok(answer(reports, standings, tellable))
}

fn standing(report: &Report, rules: &Rules<'_>) -> Result<(Vec<Version>, Standing), StoreError> {
    let versions = report.versions();
    // A version that was just acknowledged and is not there: a server that broke its promise.
    let standing = rules.standing(&versions, report.emitted).ok_or_else(|| super::rows::unreadable("version"))?;
    Ok((versions, standing))
}

async fn write_items(
    db: &Db,
    plan: &Plan<'_>,
    standings: &[(Vec<Version>, Standing)],
    judge: &dyn Judge,
) -> Result<(), StoreError> {
    let (mut accepted, mut refused) = (Partitions::new(), Partitions::new());
    for new in &plan.items {
        let faults = faults(new)?;
        let bytes = 160 + faults.len();
        let (submission, index) = (new.submission, new.item.index);
        let bucket = index / BUCKET;
        let (partition, offset) = (int(new.position.partition), stamps::signed(new.position.offset));
        let line = int(new.item.line);
        match &new.accepted {
            Some((report, version)) => {
                let outcome = judge.outcome(&standings[*report].0, version);
                let identity = &plan.reports[*report];
                let bytes = bytes + identity.number.len() + identity.test.len();
                let row = (
                    (submission.0, int(bucket), int(index), outcome.as_str(), line, partition, offset, faults),
                    (identity, version),
                    stamps::of_upload(new.received_at, new.position),
                );
                accepted.entry((submission, bucket)).or_default().push((bytes, row));
            }
            None => {
                let outcome: Outcome = new.refused();
                let stamp = stamps::refused(new.received_at, new.position);
                let row =
                    (submission.0, int(bucket), int(index), outcome.as_str(), line, partition, offset, faults, stamp);
                refused.entry((submission, bucket)).or_default().push((bytes, row));
            }
        }
    }
    let statements = &db.statements.write;
    let write_accepted = db.each(accepted.into_values(), |rows: Vec<_>| {
        let rows = rows.into_iter().map(|(bytes, ((a, b, c, d, e, f, g, h), (identity, version), stamp))| {
            let (lab, number, test) = report::key(identity);
            let stated = stated(version.stated_issue);
            (bytes, (a, b, c, d, e, f, g, h, lab, number, test, version.digest.0.as_slice(), stated, stamp))
        });
        db.write_partition(&statements.item, rows.collect())
    });
    let write_refused = db.each(refused.into_values(), |rows| db.write_partition(&statements.refused, rows));
    futures_util::future::try_join(write_accepted, write_refused).await?;
    Ok(())
}

/// Rows with their sizes, by partition of `items`.
type Partitions<R> = BTreeMap<(SubmissionId, u32), Vec<(usize, R)>>;

/// The faults as JSON; nothing for none, for an accepted item's replace a refused one's.
fn faults(new: &NewItem<'_>) -> Result<String, StoreError> {
    if new.item.faults.is_empty() {
        return Ok(String::new());
    }
    serde_json::to_string(&new.item.faults).map_err(super::session::unavailable)
}

fn answer(reports: Vec<Report>, standings: Vec<(Vec<Version>, Standing)>, tellable: &marks::Tellable) -> Vec<Touched> {
    let answered = reports.into_iter().zip(standings).map(|(report, (mut versions, standing))| {
        let stamp = marks::told_stamp(&versions, versions[standing.current].digest);
        let current = versions.swap_remove(standing.current);
        let (identity, issued_at, notice) = (report.identity, standing.issued_at, standing.notice);
        (Touched { identity, current, issued_at, notice, emitted: report.emitted }, stamp)
    });
    let (touched, stamps): (Vec<Touched>, Vec<_>) = answered.unzip();
    let told = touched.iter().zip(stamps).filter(|(touched, _)| touched.wants_task());
    tellable.remember(told.filter_map(|(of, stamp)| Some((of.identity.clone(), of.current.digest, stamp?))));
    touched
}
