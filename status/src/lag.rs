//! How far the readers are behind: true with all workers dead, for it is told from the journal and the store alone.

use journal::{Journal, Limit, Position, ReadError, Topic};
use schemas::time::Clock;
use store::Place;

/// What one topic's reader has before it.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Lag {
    /// Records.
    pub(crate) records: u64,
    /// Now minus when the next unprocessed record was received; 0 where there is none.
    pub(crate) seconds: f64,
}

/// The lag of a topic's reader over all partitions.
pub(crate) async fn of(journal: &dyn Journal, places: &[Place], topic: Topic, clock: &Clock) -> Result<Lag, ReadError> {
    let mut lag = Lag::default();
    for ends in journal.ends(topic).await? {
        let place = places.iter().find(|p| p.topic == topic.as_str() && p.next.partition == ends.partition);
        let next = place.map_or(ends.first, |place| place.next.offset.max(ends.first));
        if next >= ends.next {
            continue;
        }
        lag.records += ends.next - next;
        let from = Position { partition: ends.partition, offset: next };
        let record = journal.read(topic, from, Limit { records: 1, bytes: 1 }).await?;
        if let Some(record) = record.first() {
            let seconds = (clock)().duration_since(record.timestamp).as_secs_f64();
            lag.seconds = lag.seconds.max(seconds);
        }
    }
    Ok(lag)
}
