//! A process killed while it admits: rows and place go back together, and what was answered is there.

use std::{
    env,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use store::{
    Store,
    embedded::{self, EmbeddedStore, Options, Step},
};

use crate::load::{admit, batch, open};

/// The child's store; set only in children.
const STORE: &str = "REFERTO_TEST_STORE";
/// Where the child ends by itself: a step and how often it is reached first.
const DIES: &str = "REFERTO_TEST_DIES";

/// How a round ends.
#[derive(Debug, Clone, Copy)]
enum End {
    /// By itself, at the n-th time of a step.
    At(Step, u32),
    /// Killed from outside, wherever it is once it has answered n batches.
    Answered(usize),
}

/// Not a test by itself: what the children of the next one run.
#[tokio::test]
async fn child() {
    let Some(path) = env::var_os(STORE) else { return };
    let dies = env::var(DIES).expect("where to end");
    let reached = AtomicU32::new(0);
    let on_step = move |step: Step| {
        let named = dies.strip_prefix(&format!("{step:?} "));
        if named.is_some_and(|at| at.parse() == Ok(reached.fetch_add(1, Ordering::Relaxed) + 1)) {
            std::process::abort();
        }
    };
    let options = Options { on_step: Some(Arc::new(on_step)), ..Options::at(path) };
    let store = EmbeddedStore::open(options).expect("a store").store;
    let from = store.places().await.expect("places").first().map_or(0, |place| place.next.offset);
    for offset in from.. {
        admit(&store, batch(offset)).await;
        println!("answered {offset}");
        std::io::stdout().flush().expect("stdout");
    }
}

/// Runs a child on the store until its end; returns the last offset it answered.
fn run(path: &Path, end: End) -> Option<u64> {
    let dies = if let End::At(step, count) = end { format!("{step:?} {count}") } else { String::new() };
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["--exact", "kill::child", "--nocapture"])
        .env(STORE, path)
        .env(DIES, dies)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut last, mut answered) = (None, 0);
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let Ok(line) = line else { break };
        // The test harness writes on the same line before the first answer.
        if let Some((_, offset)) = line.split_once("answered ") {
            last = offset.parse().ok();
            answered += 1;
        }
        if matches!(end, End::Answered(count) if answered == count) {
            child.kill().unwrap();
        }
    }
    assert!(!child.wait().unwrap().success(), "the child ends in no other way");
    last
}

#[tokio::test]
async fn rows_and_place_go_back_together() {
    let folder = tempfile::tempdir().unwrap();
    let (killed, whole) = (folder.path().join("killed.db"), folder.path().join("whole.db"));
    let reference = open(&whole);
    let mut admitted = 0;
    for end in [
        End::At(Step::BeforeCommit, 1),
        End::At(Step::AfterCommit, 3),
        End::Answered(5),
        End::At(Step::BeforeCommit, 4),
        End::Answered(11),
        End::At(Step::AfterCommit, 1),
        End::Answered(1),
    ] {
        let answered = run(&killed, end);
        let store = open(&killed);
        let place = store.places().await.unwrap().first().map(|place| place.next.offset);
        assert!(answered <= place, "{end:?}: batch {answered:?} was answered and the place is {place:?}");
        // The place that batch n brings is n: where it is stored, so are the rows of n, and of nothing after.
        let stored = place.map_or(0, |place| place + 1);
        for offset in admitted..stored {
            admit(&reference, batch(offset)).await;
        }
        admitted = stored;
        let (ours, expected) = (embedded::dump(&killed, true).unwrap(), embedded::dump(&whole, true).unwrap());
        assert!(ours == expected, "{end:?}: {} rows instead of {}", ours.len(), expected.len());
    }
    assert!(admitted >= 19, "the rounds went on");
}
