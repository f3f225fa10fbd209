//! The laboratories' documents: the one thing written by compare-and-set, and never otherwise.

use schemas::LabId;

use super::{
    rows::{self, unreadable},
    session::{Db, unavailable},
    stamps::unsigned,
};
use crate::StoreError;

/// How often a write is tried again that another laboratory's came before: they share a revision.
const TRIES: usize = 10;

type Row = (Option<i64>, Option<String>, Option<String>);

/// The directory's revision and every document: one partition, so of one moment.
pub(super) async fn all(db: &Db) -> Result<(u64, Vec<(LabId, String)>), StoreError> {
    let rows: Vec<Row> = db.rows(&db.statements.labs.all, ()).await?;
    let revision = rows.first().and_then(|(revision, ..)| *revision).map_or(0, unsigned);
    let document = |(_, lab, document): Row| {
        let (lab, document) = (lab?, document?);
        Some(lab.parse().map(|lab| (lab, document)).map_err(|_| unreadable("laboratory")))
    };
    Ok((revision, rows.into_iter().filter_map(document).collect::<Result<_, _>>()?))
}

/// Writes a document where the stored one is `expected`; returns whether it did.
///
/// A write that timed out may have been done: what stands is read again, and where it is this document that is taken
/// for done. Whoever else wrote the same wanted the same.
pub(super) async fn put(db: &Db, lab: &LabId, expected: Option<&str>, document: &str) -> Result<bool, StoreError> {
    let mut unknown = None;
    for _ in 0..TRIES {
        let stored: Vec<Row> = db.rows(&db.statements.labs.one, (lab.as_str(),)).await?;
        let (revision, _, stands) = stored.into_iter().next().unwrap_or_default();
        if unknown.is_some() && stands.as_deref() == Some(document) {
            return Ok(true);
        }
        if stands.as_deref() != expected {
            return Ok(false);
        }
        // The row alone does not tell the revision where it is not there: the partition does.
        let revision = match revision {
            Some(revision) => Some(revision),
            None => Some(all(db).await?.0).filter(|revision| *revision > 0).map(super::stamps::signed),
        };
        let next = revision.unwrap_or(0) + 1;
        let values = (next, document, lab.as_str(), expected, revision);
        match db.compare_and_set(&db.statements.labs.put, values).await {
            Ok(true) => return Ok(true),
            Ok(false) => {}
            Err(error) => unknown = Some(error),
        }
    }
    Err(unknown.unwrap_or_else(|| unavailable(rows::Unreadable("quiet moment"))))
}
