//! The place follows the effect, whatever fails.

use std::{sync::Arc, time::Duration};

use store::StoreError;
use workers::admit::{AdmitError, Settings};

use crate::{
    house::{House, Running, report, upload},
    outage::{Absent, Append, Failures, Mute},
};

const FOR_EVER: usize = usize::MAX;

async fn house() -> House {
    let house = House::new();
    house.append(vec![upload(1, &[report("A", "negative", &[])])]).await;
    house
}

fn mute(house: &House, append: Append, calls: usize) -> Arc<Mute> {
    let mute = Mute { inner: house.journal.clone(), failures: Failures::default(), append };
    mute.failures.set(calls);
    Arc::new(mute)
}

fn absent(
    house: &House,
    error: fn(Arc<dyn std::error::Error + Send + Sync>) -> StoreError,
    calls: usize,
) -> Arc<Absent> {
    let absent = Absent { inner: house.store.clone(), failures: Failures::default(), error };
    absent.failures.set(calls);
    Arc::new(absent)
}

/// Waits for what no step tells of.
async fn eventually(met: impl Fn() -> bool) {
    let waiting = async {
        while !met() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), waiting).await.expect("it comes in the end");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_place_never_precedes_the_tasks() {
    let house = house().await;
    let journal = mute(&house, Append::Refused, FOR_EVER);
    let running = Running::start(Settings { journal: journal.clone(), ..house.settings() });
    eventually(|| journal.failures.left() < FOR_EVER - 1).await;
    assert_eq!(house.outcomes(1).await, (vec![("new", 1)], 0), "stored");
    assert_eq!(house.place().await, None);
    running.drain().await.unwrap();
    assert_eq!((house.place().await, house.told().await), (None, vec![]), "nor does a drain move it");

    house.admit(house.settings()).await;
    assert_eq!(house.told().await, ["A"], "the next start emits what is due");
    assert!(house.is_at_end().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_task_comes_when_the_journal_does() {
    let house = house().await;
    house.admit(Settings { journal: mute(&house, Append::Refused, 2), ..house.settings() }).await;
    assert_eq!(house.told().await, ["A"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_acknowledgement_that_is_lost_makes_a_repeat_of_one_id() {
    let house = house().await;
    house.admit(Settings { journal: mute(&house, Append::AnswerLost, 1), ..house.settings() }).await;
    let tasks = house.tasks().await;
    assert_eq!(tasks.len(), 2);
    assert_eq!(tasks[0], tasks[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_absent_store_pauses_and_nothing_is_lost() {
    let house = house().await;
    let store = absent(&house, StoreError::Unavailable, 4);
    house.admit(Settings { store: store.clone(), ..house.settings() }).await;
    assert_eq!((house.outcomes(1).await, house.told().await), ((vec![("new", 1)], 0), vec!["A".to_owned()]));

    // Absent while the place is carried by the next batch: emissions and place are both written in the end.
    house.append(vec![upload(2, &[report("B", "negative", &[])])]).await;
    let running = Running::start(Settings { store: store.clone(), ..house.settings() });
    running.until("B is told of", async || house.told().await.len() == 2).await;
    store.failures.set(2);
    house.append(vec![upload(3, &[report("C", "negative", &[])])]).await;
    running.until("C is told of", async || house.told().await.len() == 3).await;
    running.drain().await.unwrap();
    assert!(house.is_at_end().await);
    for number in ["A", "B", "C"] {
        assert!(house.stored(number).await.emitted.is_some(), "{number}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drain_does_not_wait_for_an_absent_store() {
    let house = house().await;
    let store = absent(&house, StoreError::Unavailable, FOR_EVER);
    let running = Running::start(Settings { store: store.clone(), ..house.settings() });
    eventually(|| store.failures.left() < FOR_EVER - 1).await;
    running.drain().await.unwrap();
    assert_eq!(house.place().await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_failed_ends_admission() {
    let house = house().await;
    let store = absent(&house, StoreError::Failed, 0);
    let running = Running::start(Settings { store: store.clone(), ..house.settings() });
    running.until("the first is told of", async || !house.told().await.is_empty()).await;
    store.failures.set(FOR_EVER);
    let error = running.ended().await.unwrap_err();
    assert!(matches!(error, AdmitError::Store(StoreError::Failed(_))), "{error}");
}
