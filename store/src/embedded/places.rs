//! Readers' places, marks of emission, fences.

use rusqlite::{Connection, Transaction, params};
use schemas::Position;

use super::{
    rows::{signed, unsigned},
    writer::{Durability, Writer},
};
use crate::{Place, Settled, StoreError};

/// Writes what a batch finished: a place never goes back, and a mark is of what was emitted last.
pub(super) fn settle(tx: &Transaction<'_>, settled: &Settled) -> rusqlite::Result<()> {
    if let Some(place) = &settled.place {
        tx.prepare_cached(
            "INSERT INTO places VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT DO UPDATE SET next = excluded.next WHERE excluded.next > next",
        )?
        .execute(params![place.journal, place.topic, place.next.partition, signed(place.next.offset)])?;
    }
    let mut mark = tx.prepare_cached(
        "UPDATE reports SET emitted = ?4 WHERE lab = ?1 AND number = ?2 AND test = ?3 AND emitted IS NOT ?4",
    )?;
    for (identity, digest) in &settled.emitted {
        mark.execute(params![identity.lab.as_str(), identity.number, identity.test, digest.0])?;
    }
    Ok(())
}

/// Makes every commit before it durable.
pub(super) fn sync(writer: &mut Writer) -> Result<Vec<Place>, StoreError> {
    if writer.unsynced {
        // Only a commit that writes reaches the disk: this one changes a counter, and takes with it all before it.
        writer.commit(Durability::Decision, |tx| {
            tx.prepare_cached("UPDATE meta SET value = value + 1 WHERE key = 'syncs'")?.execute([])
        })?;
        writer.unsynced = false;
    }
    writer.read(places)
}

/// Every place.
pub(super) fn places(connection: &Connection) -> rusqlite::Result<Vec<Place>> {
    connection
        .prepare_cached("SELECT journal, topic, partition, next FROM places ORDER BY 1, 2, 3")?
        .query_map([], |row| {
            let next = Position { partition: row.get(2)?, offset: unsigned(row.get(3)?) };
            Ok(Place { journal: row.get(0)?, topic: row.get(1)?, next })
        })?
        .collect()
}

/// Moves fences forward.
pub(super) fn fence(tx: &Transaction<'_>, ends: &[Position]) -> rusqlite::Result<()> {
    let mut raise = tx.prepare_cached(
        "INSERT INTO fences VALUES (?1, ?2) ON CONFLICT DO UPDATE SET next = excluded.next WHERE excluded.next > next",
    )?;
    for end in ends {
        raise.execute(params![end.partition, signed(end.offset)])?;
    }
    Ok(())
}

/// Every fence.
pub(super) fn fences(connection: &Connection) -> rusqlite::Result<Vec<Position>> {
    connection
        .prepare_cached("SELECT partition, next FROM fences ORDER BY partition")?
        .query_map([], |row| Ok(Position { partition: row.get(0)?, offset: unsigned(row.get(1)?) }))?
        .collect()
}
