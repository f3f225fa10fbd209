//! A node killed while batches are admitted: what was answered is there, and the rest comes with the same batch again.

use std::{sync::Arc, time::Duration};

use schemas::SubmissionId;
use store::{
    Store, StoreError,
    conformance::Latest,
    embedded::{self, EmbeddedStore},
    scylla::{ScyllaStore, apply},
};

use tokio::sync::watch;
use xtask::servers::{Folder, cassandra::Cassandra};

use super::node::{address, options};
use crate::load;

const BATCHES: u64 = 24;
const KILLED_AFTER: u64 = 8;
/// Between a refusal and the same batch again.
const AGAIN_AFTER: Duration = Duration::from_millis(100);

/// Admits the journal, each batch again until it is answered.
async fn admit_all(store: Arc<ScyllaStore>, answered: watch::Sender<u64>) -> u64 {
    let mut refused = 0;
    for offset in 0..BATCHES {
        loop {
            match store.admit(load::batch(offset), Arc::new(Latest)).await {
                Ok(_) => break,
                Err(StoreError::Unavailable(_)) => refused += 1,
                Err(error) => panic!("{error}"),
            }
            tokio::time::sleep(AGAIN_AFTER).await;
        }
        answered.send_replace(offset + 1);
    }
    refused
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_answered_survives_the_node_and_the_rest_is_completed() {
    if address().is_none() {
        return;
    }
    // Its own: it is killed. Started and ended by this thread, which it does not outlive.
    let folder = Folder::new().unwrap();
    let mut node = Cassandra::start(folder.path()).unwrap();
    let options = options(&node.address(), "killed");
    apply(&options).await.unwrap();
    let (store, (sender, mut answered)) = (ScyllaStore::open(options.clone(), Arc::new(Latest)), watch::channel(0));
    let admission = tokio::spawn(admit_all(store.clone(), sender));
    let before = *answered.wait_for(|answered| *answered >= KILLED_AFTER).await.unwrap();
    node.kill();
    // Whatever was answered by now was answered by the node that is gone.
    let told = *answered.borrow();
    node.restart().unwrap();
    assert!(before <= told && told < BATCHES, "killed in the middle: {told}");

    let fresh = ScyllaStore::open(options, Arc::new(Latest));
    let place = fresh.places().await.unwrap().remove(0).next.offset;
    assert!(place >= told - 1, "batch {told} brought the place {} and it is {place}", told - 1);
    for offset in 0..told {
        let state = fresh.submission(SubmissionId(uuid::Uuid::from_u128(u128::from(offset)))).await.unwrap().unwrap();
        assert!(state.is_done(), "batch {offset} was answered: {state:?}");
    }
    assert!(admission.await.unwrap() > 0, "the same session saw the node go, and come");

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let undisturbed = EmbeddedStore::open(embedded::Options::at(&path)).unwrap().store;
    for offset in 0..BATCHES {
        undisturbed.admit(load::batch(offset), Arc::new(Latest)).await.unwrap();
    }
    let (ours, expected) = (store.dump(true).await.unwrap(), embedded::dump(&path, true).unwrap());
    assert!(ours == expected, "{} rows instead of {}", ours.len(), expected.len());
    assert_eq!(store.unfound().await.unwrap(), Vec::<String>::new());
}
