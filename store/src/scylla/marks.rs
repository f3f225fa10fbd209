//! Readers' places, marks of emission, fences.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use schemas::{Digest, Identity, Position};

use super::{
    report,
    rows::{int, unsigned_int},
    session::Db,
    stamps::{self, signed, unsigned},
};
use crate::{Place, Settled, StoreError};

/// The timestamps of marks that were not written yet: of what was admitted here and is to be told, so that settling
/// reads nothing.
#[derive(Default)]
pub(super) struct Tellable(Mutex<HashMap<(Identity, Digest), i64>>);

/// Reports to be told that are remembered; beyond them, settling reads.
const REMEMBERED: usize = 100_000;

impl Tellable {
    /// Remembers what is to be told of the reports of a batch.
    pub(super) fn remember(&self, told: impl IntoIterator<Item = (Identity, Digest, i64)>) {
        let mut known = self.known();
        for (identity, digest, stamp) in told {
            if known.len() < REMEMBERED {
                known.insert((identity, digest), stamp);
            }
        }
    }

    fn stamp(&self, identity: &Identity, digest: Digest) -> Option<i64> {
        self.known().get(&(identity.clone(), digest)).copied()
    }

    fn forget(&self, emitted: &[(Identity, Digest)]) {
        let mut known = self.known();
        for mark in emitted {
            known.remove(mark);
        }
    }

    fn known(&self) -> MutexGuard<'_, HashMap<(Identity, Digest), i64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes what a batch finished. The marks come first: a place is behind what it promises, never before.
pub(super) async fn settle(db: &Db, settled: &Settled, known: &Tellable) -> Result<(), StoreError> {
    let marks = db
        .each(&settled.emitted, |(identity, digest)| async move {
            let stamp = match known.stamp(identity, *digest) {
                Some(stamp) => Some(stamp),
                None => told_stamp(&report::facts(db, identity).await?.versions(), *digest),
            };
            Ok(stamp.map(|stamp| {
                (stamp, digest.0.as_slice(), identity.lab.as_str(), identity.number.as_str(), identity.test.as_str())
            }))
        })
        .await?;
    // None of a report that is not stored.
    db.write_each(&db.statements.marks.emitted, marks.into_iter().flatten()).await?;
    known.forget(&settled.emitted);
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
