//! Work lists: what waits for an operator.

use rusqlite::{Connection, params};
use schemas::version::{Reason, Reasons};

use super::{super::rows, ReadError, reports};
use crate::{
    HeldCount, Page, PageRequest, StoredReport,
    cursor::{List, Scope},
};

/// The reports held for a reason, longest waiting first.
pub(in super::super) fn page(
    connection: &Connection,
    reason: Reason,
    page: &PageRequest,
) -> Result<Page<StoredReport>, ReadError> {
    let scope = Scope::of(List::Held, &[reason.as_str().as_bytes()]);
    let (after, limit) = scope.read(page)?;
    let [since, rid] = after.unwrap_or([i64::MIN, 0]);
    let tx = connection.unchecked_transaction()?;
    let keys: Vec<(i64, i64)> = tx
        .prepare_cached(
            "SELECT since, rid FROM reports WHERE notice = 'held' AND (since, rid) > (?1, ?2) AND reasons & ?3 <> 0
             ORDER BY since, rid LIMIT ?4",
        )?
        .query_map(params![since, rid, Reasons::default().with(reason).0, limit as i64 + 1], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?
        .collect::<rusqlite::Result<_>>()?;
    Ok(reports::filled(&tx, keys, limit, scope)?)
}

/// How many wait for each reason. A report with two reasons waits for both.
pub(in super::super) fn counts(connection: &Connection) -> rusqlite::Result<Vec<HeldCount>> {
    let mut counts: Vec<HeldCount> = Vec::new();
    let mut statement = connection
        .prepare_cached("SELECT min(since), reasons, count(*) FROM reports WHERE notice = 'held' GROUP BY reasons")?;
    let mut sets = statement.query([])?;
    while let Some(row) = sets.next()? {
        let (oldest, reasons) = (rows::time(row, 0)?, Reasons(row.get(1)?));
        let count = rows::unsigned(row.get(2)?);
        for reason in reasons.iter() {
            match counts.iter_mut().find(|have| have.reason == reason) {
                Some(have) => {
                    have.count += count;
                    have.oldest = have.oldest.min(oldest);
                }
                None => counts.push(HeldCount { reason, count, oldest }),
            }
        }
    }
    counts.sort_by_key(|count| count.reason);
    Ok(counts)
}
