//! The metrics of this crate: gauges that are read off the journal and the store at each scrape.
#![allow(clippy::disallowed_macros)] // This is where the crate's metrics are declared.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use journal::{Health, Journal, Topic};
use metrics::{counter, describe_counter, describe_gauge, gauge};
use schemas::{time::Clock, version::Reason};
use store::{Place, Store, StoreError};

use crate::lag;

/// Declares the metrics with their help; once, after the recorder is installed.
pub fn describe(version: &'static str) {
    describe_gauge!("referto_lag_records", "Records of a topic that its reader has not finished.");
    describe_gauge!(
        "referto_lag_seconds",
        "Now minus the receipt of a topic's next unprocessed record; 0 where there is none."
    );
    describe_gauge!("referto_held", "Reports that wait for an operator, by reason.");
    describe_gauge!(
        "referto_held_oldest_timestamp_seconds",
        "When the longest waiting report was received, by reason."
    );
    describe_gauge!("referto_dependency_up", "1 where the journal or the store answers, else 0.");
    describe_gauge!("referto_build_info", "1; the label is the version that runs.");
    describe_counter!(
        "referto_submissions_lost_total",
        "Acknowledged uploads found not stored behind the place: each is an alert."
    );
    gauge!("referto_build_info", "version" => version).set(1.0);
}

/// An acknowledged upload was found missing.
pub(crate) fn lost_submission() {
    counter!("referto_submissions_lost_total").increment(1);
}

/// How long a scrape waits for the store, each time it asks it: the process's own metrics are told while it is mute.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long it waits for the journal, which is asked for every partition. With the store's two answers it stays below the
/// 10 s that Prometheus waits.
const LAG_PATIENCE: Duration = Duration::from_secs(4);

/// What the store answers; none where it does not, or not within that.
pub(crate) async fn within<T>(limit: Duration, asked: impl Future<Output = Result<T, StoreError>>) -> Option<T> {
    tokio::time::timeout(limit, asked).await.ok()?.ok()
}

/// Reads the gauges off their sources. While the store is away no place moves: the last `known` ones still say how far
/// behind they are.
pub(crate) async fn collect(journal: &dyn Journal, store: &dyn Store, clock: &Clock, known: &Mutex<Vec<Place>>) {
    let up = matches!(journal.health(), Health::Ready | Health::Full);
    gauge!("referto_dependency_up", "name" => "journal").set(f64::from(u8::from(up)));
    let asked = within(PATIENCE, store.places()).await;
    let answers = asked.is_some();
    gauge!("referto_dependency_up", "name" => "store").set(f64::from(u8::from(answers)));
    let places = {
        let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(places) = asked {
            *known = places;
        }
        known.clone()
    };
    if places.is_empty() && !answers {
        return;
    }
    // Only uploads have a reader here; notifications are for others until there is a notifier.
    let lag = tokio::time::timeout(LAG_PATIENCE, lag::of(journal, &places, Topic::Uploads, clock)).await;
    if let Ok(Ok(lag)) = lag {
        #[allow(clippy::cast_precision_loss, reason = "a gauge is a float")]
        gauge!("referto_lag_records", "topic" => "uploads").set(lag.records as f64);
        gauge!("referto_lag_seconds", "topic" => "uploads").set(lag.seconds);
    }
    if !answers {
        return;
    }
    if let Some(counts) = within(PATIENCE, store.held_counts()).await {
        for reason in Reason::ALL {
            let held = counts.iter().find(|held| held.reason == reason);
            #[allow(clippy::cast_precision_loss, reason = "a gauge is a float")]
            gauge!("referto_held", "reason" => reason.as_str()).set(held.map_or(0, |held| held.count) as f64);
            let oldest = held.map_or(0.0, |held| held.oldest.as_duration().as_secs_f64());
            gauge!("referto_held_oldest_timestamp_seconds", "reason" => reason.as_str()).set(oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use journal::Position;
    use store::embedded::{EmbeddedStore, Options};

    use super::*;
    use crate::mute::Mute;

    #[tokio::test(start_paused = true)]
    async fn a_scrape_ends_while_the_journal_does_not_answer() {
        let folder = tempfile::tempdir().unwrap();
        let store = EmbeddedStore::open(Options::at(folder.path().join("store.db"))).unwrap().store;
        let next = Position { partition: 0, offset: 1 };
        // Known from before, so that the lag is asked for whether the store answers in time or not.
        let known =
            Mutex::new(vec![Place { journal: "j".to_owned(), topic: Topic::Uploads.as_str().to_owned(), next }]);
        let clock: Clock = Arc::new(|| jiff::Timestamp::UNIX_EPOCH);
        let scrape = collect(&Mute(None), store.as_ref(), &clock, &known);
        tokio::time::timeout(Duration::from_secs(10), scrape).await.expect("Prometheus waits for 10 s");
    }
}
