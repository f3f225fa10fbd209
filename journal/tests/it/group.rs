//! The order of a commit: write, fsync, tell the readers, acknowledge; and how many share one.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    time::Duration,
};

use futures_util::{FutureExt, future::join_all};
use journal::{
    AppendError, Journal,
    embedded::{EmbeddedJournal, Options, Step},
};
use tempfile::TempDir;

use crate::common::{append, file, options, read_all, within};

/// A journal whose writer stops at each step until it is told to go on.
struct Stepped {
    // Dropped first: the writer that waits for them goes on, and the journal can be closed.
    at: mpsc::Receiver<Step>,
    go_on: mpsc::SyncSender<()>,
    journal: Arc<EmbeddedJournal>,
    folder: TempDir,
}

impl Stepped {
    fn open(change: impl FnOnce(&mut Options)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (reached, at) = mpsc::sync_channel(1);
        let (go_on, going) = mpsc::sync_channel(1_000);
        let going = Mutex::new(going);
        let mut options = options(folder.path());
        options.on_step = Some(Arc::new(move |step| {
            let _ = reached.send(step);
            let _ = going.lock().unwrap().recv_timeout(Duration::from_secs(60));
        }));
        change(&mut options);
        Self { journal: EmbeddedJournal::open(options).unwrap(), at, go_on, folder }
    }

    fn reaches(&self, step: Step) {
        assert_eq!(self.at.recv_timeout(Duration::from_secs(60)), Ok(step));
    }
}

#[tokio::test]
async fn nobody_is_told_before_the_commit() {
    let stepped = Stepped::open(|_| ());
    let mut appended = Box::pin(append(&*stepped.journal, "one"));
    let beside = || async {
        let beside = EmbeddedJournal::open_read_only(&file(stepped.folder.path())).unwrap();
        read_all(&*beside).await.len()
    };
    for (step, visible) in [(Step::BeforeCommit, 0), (Step::AfterCommit, 1), (Step::BeforeAcknowledge, 1)] {
        assert!((&mut appended).now_or_never().is_none(), "acknowledged before {step:?}");
        stepped.reaches(step);
        assert_eq!(beside().await, visible, "rows committed at {step:?}");
        assert!((&mut appended).now_or_never().is_none(), "acknowledged at {step:?}");
        stepped.go_on.send(()).unwrap();
    }
    within(appended).await.unwrap();
}

#[tokio::test]
async fn appends_that_wait_share_a_commit() {
    let held = Arc::new(Mutex::new(()));
    let commits = Arc::new(AtomicUsize::new(0));
    let folder = tempfile::tempdir().unwrap();
    let mut options = options(folder.path());
    options.on_step = Some(Arc::new({
        let (held, commits) = (Arc::clone(&held), Arc::clone(&commits));
        move |step| {
            if step == Step::BeforeCommit {
                commits.fetch_add(1, Ordering::Relaxed);
                drop(held.lock().unwrap());
            }
        }
    }));
    let journal = EmbeddedJournal::open(options).unwrap();
    let mut appends = {
        let _hold = held.lock().unwrap();
        let mut appends = Box::pin(join_all((0..64).map(|n| append(&*journal, vec![n; 100]))));
        // One poll queues them all; the writer is held in its first commit.
        assert!((&mut appends).now_or_never().is_none());
        appends
    };
    assert!(within(&mut appends).await.iter().all(Result::is_ok));
    let commits = commits.load(Ordering::Relaxed);
    assert!(commits <= 2, "{commits} commits for 64 appends that came at once");
}

#[tokio::test]
async fn a_full_queue_answers_at_once_and_takes_one_append_of_any_size() {
    let stepped = Stepped::open(|options| options.queue_bytes = 1_000);
    let mut large = Box::pin(append(&*stepped.journal, vec![0; 5_000]));
    assert!((&mut large).now_or_never().is_none(), "larger than the queue, and taken");
    assert!(stepped.journal.pending_bytes() > 5_000);
    stepped.reaches(Step::BeforeCommit);
    let refused = append(&*stepped.journal, "small").now_or_never();
    assert!(matches!(refused, Some(Err(AppendError::Full))), "full at once");
    for _ in 0..100 {
        stepped.go_on.send(()).unwrap();
    }
    let drain = std::thread::spawn(move || while stepped.at.recv().is_ok() {});
    within(large).await.unwrap();
    assert_eq!(stepped.journal.pending_bytes(), 0);
    within(append(&*stepped.journal, "small")).await.unwrap();
    stepped.journal.close();
    drop(stepped.journal);
    drain.join().unwrap();
}
