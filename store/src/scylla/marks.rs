//! Readers' places, marks of emission, fences.

use std::collections::HashMap;

use schemas::{Digest, Identity, Position};

use super::{
    report,
    rows::{int, unsigned_int},
    session::Db,
    stamps::{self, signed, unsigned},
};
use crate::{Place, Settled, StoreError};

/// What a batch that was admitted here may be told of: the timestamp of each mark, so that settling reads nothing.
pub(super) type Tellable = HashMap<(Identity, Digest), i64>;

/// Writes what a batch finished. The marks come first: a place is behind what it promises, never before.
pub(super) async fn settle(db: &Db, settled: &Settled, known: &Tellable) -> Result<(), StoreError> {
    let marks = db
        .each(&settled.emitted, |(identity, digest)| async move {
            let stamp = match known.get(&(identity.clone(), *digest)) {
                Some(stamp) => Some(*stamp),
                None => told_stamp(&report::facts(db, identity).await?.versions(), *digest),
            };
            Ok(stamp.map(|stamp| {
                (stamp, digest.0.as_slice(), identity.lab.as_str(), identity.number.as_str(), identity.test.as_str())
            }))
        })
        .await?;
    // None of a report that is not stored.
    db.write_each(&db.statements.marks.emitted, marks.into_iter().flatten()).await?;
    let Some(Place { journal, topic, next }) = &settled.place else { return Ok(()) };
    let row = (journal, topic, int(next.partition), signed(next.offset), stamps::forward(next.offset));
    db.write(&db.statements.marks.put_place, row).await
}

/// The timestamp of a mark: where this version last came from. What is told of later became current by a row that
/// stands later than all before it, so the last told stays; none where the version is not stored.
pub(super) fn told_stamp(versions: &[schemas::Version], digest: Digest) -> Option<i64> {
    let of = versions.iter().filter(|version| version.digest == digest);
    of.map(|version| stamps::forward(version.first_place.position.offset)).max()
}

/// Every place.
pub(super) async fn places(db: &Db) -> Result<Vec<Place>, StoreError> {
    let rows: Vec<(String, String, i32, i64)> = db.rows(&db.statements.marks.places, ()).await?;
    let place = |(journal, topic, partition, next)| Place {
        journal,
        topic,
        next: Position { partition: unsigned_int(partition), offset: unsigned(next) },
    };
    Ok(rows.into_iter().map(place).collect())
}

/// Moves fences forward.
pub(super) async fn fence(db: &Db, ends: &[Position]) -> Result<(), StoreError> {
    let rows = ends.iter().map(|end| (int(end.partition), signed(end.offset), stamps::forward(end.offset)));
    db.write_each(&db.statements.marks.put_fence, rows).await
}

/// Every fence.
pub(super) async fn fences(db: &Db) -> Result<Vec<Position>, StoreError> {
    let rows: Vec<(i32, i64)> = db.rows(&db.statements.marks.fences, ()).await?;
    let end = |(partition, next)| Position { partition: unsigned_int(partition), offset: unsigned(next) };
    Ok(rows.into_iter().map(end).collect())
}
