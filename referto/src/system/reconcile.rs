//! Whether this journal and this store belong together, and which of what stands in the journal tells nobody.

use anyhow::{Context as _, bail};
use journal::{Ends, Journal, Position, Topic};
use store::{Place, Settled, Store};

/// Compares the store's places with the journal's ends, before anything runs.
///
/// * A place of another journal, or beyond this one's end, is refused: uploads that were acknowledged are missing.
/// * A store without a place beside a journal with records was created anew: what stands there tells nobody.
/// * A store whose place is behind what the journal knows to be safely stored was restored from a backup: the same.
pub(super) async fn reconcile(journal: &dyn Journal, store: &dyn Store) -> anyhow::Result<()> {
    let places = store.places().await.context("cannot read the store's places")?;
    let topic = Topic::Uploads.as_str();
    let id = journal.id().await.context("cannot read the journal's id")?;
    if let Some(other) = places.iter().find(|place| place.topic == topic && place.journal != id) {
        bail!(
            "the store was fed from journal {}, and this one is {id}: put the right one back (journal.db, or the brokers \
             and topics that the settings name), or begin with an empty store, which is rebuilt from this one",
            other.journal
        );
    }
    let fences = store.fences().await?;
    for ends in journal.ends(Topic::Uploads).await.context("cannot read the journal's ends")? {
        let place = places.iter().find(|place| place.topic == topic && place.next.partition == ends.partition);
        let fence = fences.iter().find(|fence| fence.partition == ends.partition).map(|fence| fence.offset);
        match place {
            Some(place) => check_place(place.next, ends)?,
            None => begin(&id, store, ends).await?,
        }
        if let Some(place) = place
            && let Some(mirrored) = journal.mirrored(Topic::Uploads, ends.partition).await?
            && place.next.offset < mirrored
            && fence.unwrap_or(0) < mirrored
        {
            tracing::warn!(
                place = %place.next, mirrored, end = ends.next,
                "the store was restored from a backup: what stands in the journal is admitted again and tells nobody by itself"
            );
            store.fence(vec![Position { partition: ends.partition, offset: ends.next }]).await?;
        }
    }
    Ok(())
}

fn check_place(next: Position, ends: Ends) -> anyhow::Result<()> {
    if next.offset > ends.next {
        bail!(
            "the store has admitted up to {next}, and the journal ends at {}.{}: it is older than the store (journal.db \
             is older than store.db, where they are files). Uploads that were acknowledged are missing from it: put the \
             newer one back, or restore the store of the same age",
            ends.partition,
            ends.next
        );
    }
    if next.offset < ends.first {
        bail!(
            "the store has admitted up to {next}, and the journal keeps only what begins at {}.{}: uploads between are \
             gone from it. Restore a newer store",
            ends.partition,
            ends.first
        );
    }
    Ok(())
}

/// A store that has never read this journal: it begins at the beginning, and what stands there already tells nobody.
async fn begin(journal: &str, store: &dyn Store, ends: Ends) -> anyhow::Result<()> {
    let position = |offset| Position { partition: ends.partition, offset };
    if ends.next > ends.first || ends.next > 1 {
        tracing::warn!(
            end = ends.next,
            "the store is new and the journal is not: what stands in it tells nobody by itself"
        );
        store.fence(vec![position(ends.next)]).await?;
    }
    let place =
        Place { journal: journal.to_owned(), topic: Topic::Uploads.as_str().to_owned(), next: position(ends.first) };
    store.settle(Settled { place: Some(place), emitted: Vec::new() }).await?;
    // Durable, so that a power cut cannot make this store look new again beside a journal that has grown.
    store.sync().await?;
    Ok(())
}
