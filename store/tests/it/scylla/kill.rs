//! A node killed while batches are admitted: what was answered is there, and the rest comes with the same batch again.

use std::{
    env,
    io::{BufRead as _, BufReader, Lines, Write as _},
    process::{Child, ChildStdout, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use schemas::SubmissionId;
use store::{
    Store, StoreError,
    conformance::Latest,
    embedded::{self, EmbeddedStore},
    scylla::{ScyllaStore, apply},
};

use super::node::options;
use crate::load;

/// The program that starts servers: `cargo xtask`, built.
const XTASK: &str = "REFERTO_TEST_XTASK";
const BATCHES: u64 = 24;
const KILLED_AFTER: u64 = 8;

/// A node of this test alone.
struct Node {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Node {
    fn start(program: &str) -> (Self, String) {
        let mut command = Command::new(program);
        let mut child = command.arg("cassandra").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("xtask");
        let lines = BufReader::new(child.stdout.take().expect("stdout")).lines();
        let mut node = Self { child, lines };
        let address = node.wait_for("REFERTO_TEST_CASSANDRA=");
        (node, address)
    }

    /// Waits for the line that begins so, and gives its rest.
    fn wait_for(&mut self, begin: &str) -> String {
        let mut lines = self.lines.by_ref().map(|line| line.expect("a line"));
        lines.find_map(|line| line.split_once(begin).map(|(_, rest)| rest.to_owned())).expect("it says so")
    }

    fn tell(&mut self, word: &str, answer: &str) {
        writeln!(self.child.stdin.as_mut().expect("stdin"), "{word}").expect("told");
        self.wait_for(answer);
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // It ends its server when nobody can tell it more.
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

/// Admits the journal, each batch again until it is answered.
async fn admit_all(store: Arc<ScyllaStore>, answered: Arc<AtomicU64>) -> u64 {
    let mut refused = 0;
    for offset in 0..BATCHES {
        loop {
            match store.admit(load::batch(offset), Arc::new(Latest)).await {
                Ok(_) => break,
                Err(StoreError::Unavailable(_)) => refused += 1,
                Err(error) => panic!("{error}"),
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        answered.store(offset + 1, Ordering::SeqCst);
    }
    refused
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_answered_survives_the_node_and_the_rest_is_completed() {
    let Ok(program) = env::var(XTASK) else {
        eprintln!("{XTASK} is not set: no server was killed");
        return;
    };
    let (mut node, address) = tokio::task::spawn_blocking(move || Node::start(&program)).await.unwrap();
    let options = options(&address, "killed");
    apply(&options).await.unwrap();
    let (store, answered) = (ScyllaStore::open(options.clone(), Arc::new(Latest)), Arc::new(AtomicU64::new(0)));
    let admission = tokio::spawn(admit_all(store.clone(), answered.clone()));
    while answered.load(Ordering::SeqCst) < KILLED_AFTER {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let before = answered.load(Ordering::SeqCst);
    let (node, told) = tokio::task::spawn_blocking(move || {
        node.tell("kill", "killed");
        // Whatever was answered by now was answered by the node that is gone.
        let told = answered.load(Ordering::SeqCst);
        node.tell("start", "started");
        (node, told)
    })
    .await
    .unwrap();
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
    drop(node);
}
