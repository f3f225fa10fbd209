//! The laboratories' documents.

use rusqlite::{Connection, OptionalExtension, Transaction};
use schemas::LabId;

use super::rows;

/// The directory's revision and every document, of one moment.
pub(super) fn all(connection: &Connection) -> rusqlite::Result<(u64, Vec<(LabId, String)>)> {
    let tx = connection.unchecked_transaction()?;
    let revision: i64 = tx.query_row("SELECT value FROM meta WHERE key = 'labs-revision'", [], |row| row.get(0))?;
    let documents = tx
        .prepare_cached("SELECT lab, document FROM labs ORDER BY lab")?
        .query_map([], |row| Ok((rows::word(row, 0, |lab| lab.parse().ok())?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    Ok((rows::unsigned(revision), documents))
}

/// Writes a document where the stored one is `expected`; returns whether it did.
pub(super) fn put(tx: &Transaction<'_>, lab: &LabId, expected: Option<&str>, document: &str) -> rusqlite::Result<bool> {
    let stored: Option<String> =
        tx.query_row("SELECT document FROM labs WHERE lab = ?1", [lab.as_str()], |row| row.get(0)).optional()?;
    if stored.as_deref() != expected {
        return Ok(false);
    }
    tx.execute(
        "INSERT INTO labs VALUES (?1, ?2) ON CONFLICT DO UPDATE SET document = excluded.document",
        [lab.as_str(), document],
    )?;
    tx.execute("UPDATE meta SET value = value + 1 WHERE key = 'labs-revision'", [])?;
    Ok(true)
}
