//! Whether this journal and this store belong together, and which of what stands in the journal tells nobody.

use anyhow::{Context as _, bail};
use journal::{Ends, Journal, Limit, Position, Topic};
use store::{Place, Settled, Store};

/// What this process reads, and what its operator knows.
pub(super) struct Reader {
    /// The offset of a partition's very first record; one that keeps only later ones has let go of some.
    pub(super) begins: u64,
    /// Whether it admits. Who does not can do no harm where records are missing, and goes on taking uploads.
    pub(super) reads: bool,
    /// That what the journal lost before these is lost.
    pub(super) lost_before: Vec<Position>,
}

/// A partition whose records between the store's place and the first that is kept are gone.
struct Gap {
    next: Position,
    first: Position,
    /// Whether the store has a place at all.
    is_fed: bool,
}

/// Compares the store's places with the journal's ends, before anything runs.
///
/// * A place of another journal, or beyond this one's end, is refused: uploads that were acknowledged are missing.
/// * A store without a place beside a journal with records was created anew: what stands there tells nobody. Where the
///   journal has let go of the first ones, these are missing from it: its place is before them.
/// * A store whose place is behind what the journal knows to be safely stored was restored from a backup: the same.
/// * A place before what the journal still keeps is refused to who reads, until an operator says that it is known.
pub(super) async fn reconcile(journal: &dyn Journal, store: &dyn Store, reader: &Reader) -> anyhow::Result<()> {
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
    let mut gaps = Vec::new();
    for ends in journal.ends(Topic::Uploads).await.context("cannot read the journal's ends")? {
        let partition = ends.partition;
        let fence = fences.iter().find(|fence| fence.partition == partition).map(|fence| fence.offset);
        let Some(next) = place_of(&places, partition) else {
            // Another process may have begun since, and let uploads in.
            if place_of(&store.places().await?, partition).is_some() {
                continue;
            }
            if ends.first > reader.begins {
                // Once: until an operator speaks, others let uploads in, and these are new to everybody.
                if fence.is_none() {
                    fence_all(store, ends).await?;
                    store.sync().await?;
                }
                let position = |offset| Position { partition, offset };
                gaps.push(Gap { next: position(reader.begins), first: position(ends.first), is_fed: false });
            } else {
                begin(&id, store, ends).await?;
            }
            continue;
        };
        check_place(next, ends)?;
        if next.offset < ends.first {
            gaps.push(Gap { next, first: Position { partition, offset: ends.first }, is_fed: true });
        }
        let Some(mirrored) = journal.mirrored(Topic::Uploads, partition).await? else { continue };
        // Another process may have gone on since, and told the journal: only a place read after that is behind it.
        if next.offset < mirrored
            && fence.unwrap_or(0) < mirrored
            && place_of(&store.places().await?, partition).is_none_or(|next| next.offset < mirrored)
        {
            tracing::warn!(
                place = %next, mirrored, end = ends.next,
                "the store was restored from a backup: what stands in the journal is admitted again and tells nobody by itself"
            );
            store.fence(vec![Position { partition, offset: ends.next }]).await?;
        }
    }
    if gaps.is_empty() { Ok(()) } else { over(&gaps, &id, journal, store, reader).await }
}

/// Where the reader of a partition of the uploads is.
fn place_of(places: &[Place], partition: u32) -> Option<Position> {
    let here = |place: &&Place| place.topic == Topic::Uploads.as_str() && place.next.partition == partition;
    places.iter().find(here).map(|place| place.next)
}

/// Goes on after what is gone where its loss is known; refuses where it is not.
async fn over(gaps: &[Gap], id: &str, journal: &dyn Journal, store: &dyn Store, reader: &Reader) -> anyhow::Result<()> {
    let is_known = |gap: &&Gap| {
        reader.lost_before.iter().any(|at| at.partition == gap.first.partition && at.offset >= gap.first.offset)
    };
    let (known, unknown): (Vec<&Gap>, Vec<&Gap>) = gaps.iter().partition(is_known);
    if !unknown.is_empty() {
        let told = tell(&unknown, journal).await;
        anyhow::ensure!(!reader.reads, told);
        tracing::warn!("no worker will start: {told}");
        return Ok(());
    }
    if reader.reads {
        let places = store.places().await?;
        for gap in known {
            // Another process, told the same, may have gone on since.
            if place_of(&places, gap.first.partition).is_some_and(|next| next.offset >= gap.first.offset) {
                continue;
            }
            tracing::warn!(from = %gap.next, to = %gap.first, "reading goes on after uploads that are known to be lost");
            let place = Place { journal: id.to_owned(), topic: Topic::Uploads.as_str().to_owned(), next: gap.first };
            store.settle(Settled { place: Some(place), emitted: Vec::new() }).await?;
        }
        store.sync().await?;
    }
    Ok(())
}

/// What is missing, and what can be done.
async fn tell(gaps: &[&Gap], journal: &dyn Journal) -> String {
    let (mut missing, mut firsts) = (Vec::new(), Vec::new());
    for Gap { next, first, .. } in gaps {
        let kept = journal.read(Topic::Uploads, *first, Limit { records: 1, bytes: 1 }).await.unwrap_or_default();
        let before = kept.first().map(|record| format!(", received before {}", record.timestamp)).unwrap_or_default();
        missing.push(format!("from {next} up to {first} ({} records{before})", first.offset - next.offset));
        firsts.push(first.to_string());
    }
    let (missing, firsts) = (missing.join("; "), firsts.join(","));
    let what = if gaps.iter().all(|gap| gap.is_fed) {
        "the journal has let go of uploads that were acknowledged and are not stored"
    } else {
        "the store was never fed, and the journal beside it has let go of records: uploads that were acknowledged are \
         not stored here"
    };
    format!(
        "{what}: {missing} are gone. Nothing was skipped. First lengthen the retention of the uploads, so that no more \
         goes. Where there is a store that has admitted them, put it back (or name it, if the settings name another). \
         Where there is none they are lost: have the laboratories send again what they sent then, and start the \
         workers with journal_lost_before = \"{firsts}\", which lets them go on after it"
    )
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
    Ok(())
}

/// A store that has never read this journal: it begins at the beginning, and what stands there already tells nobody.
async fn begin(journal: &str, store: &dyn Store, ends: Ends) -> anyhow::Result<()> {
    if ends.next > ends.first || ends.next > 1 {
        fence_all(store, ends).await?;
    }
    let next = Position { partition: ends.partition, offset: ends.first };
    let place = Place { journal: journal.to_owned(), topic: Topic::Uploads.as_str().to_owned(), next };
    store.settle(Settled { place: Some(place), emitted: Vec::new() }).await?;
    // Durable, so that a power cut cannot make this store look new again beside a journal that has grown.
    store.sync().await?;
    Ok(())
}

/// What stands in a partition tells nobody.
async fn fence_all(store: &dyn Store, ends: Ends) -> anyhow::Result<()> {
    tracing::warn!(
        partition = ends.partition,
        end = ends.next,
        "the store is new and the journal is not: what stands in it tells nobody by itself"
    );
    store.fence(vec![Position { partition: ends.partition, offset: ends.next }]).await?;
    Ok(())
}

#[cfg(test)]
mod tests;
