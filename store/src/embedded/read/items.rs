//! What became of each item of an upload.

use rusqlite::{Connection, OptionalExtension, Row, params, types::Type};
use schemas::{Fault, ItemPlace, Outcome, Position, SubmissionId, version::Reasons};

use super::{
    super::rows::{self, first_key, last_key, ordinal, unsigned},
    ReadError,
};
use crate::{
    Page, PageRequest, StoredItem,
    cursor::{List, Scope},
};

/// An upload's items by index; none of an unknown upload.
pub(in super::super) fn page(
    connection: &Connection,
    id: SubmissionId,
    page: &PageRequest,
) -> Result<Page<StoredItem>, ReadError> {
    let scope = Scope::of(List::Items, &[id.0.as_bytes()]);
    let (after, limit) = scope.read(page)?;
    let sid: Option<i64> = connection
        .prepare_cached("SELECT sid FROM submissions WHERE id = ?1")?
        .query_row([id.0.as_bytes()], |row| row.get(0))
        .optional()?;
    let Some(sid) = sid else { return Ok(Page { items: Vec::new(), next: None }) };
    let first = first_key(sid) + after.map_or(0, |[_, index]| index + 1);
    let items: Vec<StoredItem> = connection
        .prepare_cached(
            "SELECT i.iid, i.line, i.outcome, i.partition, i.offset, r.lab, r.number, r.test, v.digest,
                    CASE WHEN r.notice = 'held' AND v.digest = c.digest THEN r.reasons ELSE 0 END, i.faults
             FROM items i LEFT JOIN versions v ON v.vid = i.vid LEFT JOIN reports r ON r.rid = i.vid >> 24
                          LEFT JOIN versions c ON c.vid = r.current
             WHERE i.iid BETWEEN ?1 AND ?2 ORDER BY i.iid LIMIT ?3",
        )?
        .query_map(params![first, last_key(sid), limit as i64 + 1], item)?
        .collect::<rusqlite::Result<_>>()?;
    Ok(super::page(items, limit, scope, |item| (0, i64::from(item.index))))
}

fn item(row: &Row<'_>) -> rusqlite::Result<StoredItem> {
    let index = ordinal(row.get(0)?);
    let position = Position { partition: row.get(3)?, offset: unsigned(row.get(4)?) };
    let version = match rows::digest(row, 8)? {
        Some(digest) => Some((rows::identity(row, 5)?, digest)),
        None => None,
    };
    Ok(StoredItem {
        index,
        line: row.get(1)?,
        outcome: rows::word(row, 2, Outcome::parse)?,
        faults: faults(row, 10)?,
        place: ItemPlace { position, item: index },
        version,
        held: Reasons(row.get(9)?),
    })
}

fn faults(row: &Row<'_>, column: usize) -> rusqlite::Result<Vec<Fault>> {
    let Some(text) = row.get::<_, Option<String>>(column)? else { return Ok(Vec::new()) };
    serde_json::from_str(&text).map_err(|_| rows::unreadable(column, Type::Text, "no list of faults"))
}
