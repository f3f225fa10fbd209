//! Uploads and what became of them.

use rusqlite::{Connection, OptionalExtension, Row, params};
use schemas::{Outcome, SubmissionId};

use super::{
    super::rows::{self, day_number, first_key, last_key},
    ReadError,
};
use crate::{
    Page, PageRequest, Submission, SubmissionQuery, SubmissionState,
    cursor::{List, Scope},
};

const COLUMNS: &str = "sid, id, lab, day, received_at, format, received, accepted, rejected, chunks, control_id, \
                       file_name, idempotency_key";

/// One upload with its counts.
pub(in super::super) fn one(connection: &Connection, id: SubmissionId) -> rusqlite::Result<Option<SubmissionState>> {
    let tx = connection.unchecked_transaction()?;
    let found = tx
        .prepare_cached(&format!("SELECT {COLUMNS} FROM submissions WHERE id = ?1"))?
        .query_row([id.0.as_bytes()], submission)
        .optional()?;
    found.map(|(sid, submission)| state(&tx, sid, submission)).transpose()
}

/// A laboratory's uploads of a day, newest first.
pub(in super::super) fn page(
    connection: &Connection,
    query: &SubmissionQuery,
    page: &PageRequest,
) -> Result<Page<SubmissionState>, ReadError> {
    let text = |text: &Option<String>| text.as_ref().map_or(vec![0], |text| [&[1], text.as_bytes()].concat());
    let (lab, day) = (query.lab.as_str(), day_number(query.day));
    let asked = [lab.as_bytes(), &day.to_be_bytes(), &text(&query.control_id), &text(&query.file_name)];
    let scope = Scope::of(List::Submissions, &asked);
    let (after, limit) = scope.read(page)?;
    let before = after.map_or(i64::MAX, |[_, sid]| sid);
    let found: Vec<(i64, Submission)> = connection
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM submissions WHERE lab = ?1 AND day = ?2 AND sid < ?3
             AND (?4 IS NULL OR control_id = ?4) AND (?5 IS NULL OR file_name = ?5) ORDER BY sid DESC LIMIT ?6"
        ))?
        .query_map(params![lab, day, before, query.control_id, query.file_name, limit as i64 + 1], submission)?
        .collect::<rusqlite::Result<_>>()?;
    let found = super::page(found, limit, scope, |(sid, _)| (0, *sid));
    let states = found.items.into_iter().map(|(sid, submission)| state(connection, sid, submission));
    Ok(Page { items: states.collect::<rusqlite::Result<_>>()?, next: found.next })
}

/// Counts an upload's items: one pass over its rows, which lie together.
fn state(connection: &Connection, sid: i64, submission: Submission) -> rusqlite::Result<SubmissionState> {
    let mut statement = connection.prepare_cached(
        "SELECT outcome, count(*), total(r.notice = 'held' AND (i.vid = r.current OR
                 (SELECT digest FROM versions WHERE vid = i.vid) = (SELECT digest FROM versions WHERE vid = r.current)))
         FROM items i LEFT JOIN reports r ON r.rid = i.vid >> 24
         WHERE i.iid BETWEEN ?1 AND ?2 GROUP BY outcome",
    )?;
    let mut counted = statement.query([first_key(sid), last_key(sid)])?;
    let mut state = SubmissionState { submission, outcomes: Vec::new(), held: 0 };
    while let Some(row) = counted.next()? {
        let outcome = rows::word(row, 0, Outcome::parse)?;
        state.outcomes.push((outcome, rows::unsigned(row.get(1)?)));
        state.held += row.get::<_, f64>(2)? as u64;
    }
    let order = |outcome: &Outcome| Outcome::ALL.iter().position(|have| have == outcome);
    state.outcomes.sort_by_key(|(outcome, _)| order(outcome));
    Ok(state)
}

fn submission(row: &Row<'_>) -> rusqlite::Result<(i64, Submission)> {
    let submission = Submission {
        id: SubmissionId(uuid::Uuid::from_bytes(row.get(1)?)),
        lab: rows::word(row, 2, |lab| lab.parse().ok())?,
        day: rows::day(row, 3)?,
        received_at: rows::time(row, 4)?,
        format: row.get(5)?,
        received: row.get(6)?,
        accepted: row.get(7)?,
        rejected: row.get(8)?,
        chunks: row.get(9)?,
        control_id: row.get(10)?,
        file_name: row.get(11)?,
        idempotency_key: row.get(12)?,
    };
    Ok((row.get(0)?, submission))
}
