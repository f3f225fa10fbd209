//! A node that errs, goes silent, closes connections or is slow: what is answered is true, and the rows are the same.

use std::{sync::Arc, time::Duration};

use schemas::{LabId, SubmissionId, version::Reason};
use store::{
    Batch, PageRequest, Store, StoreError, SubmissionQuery,
    conformance::Latest,
    embedded::{self, EmbeddedStore},
    scylla::{Options, REQUEST_TIMEOUT, ScyllaStore},
};

use super::{
    between::Between,
    fault::{Error, Fault},
    node::{Keyspace, address},
};
use crate::load;

/// Items of a batch: held, new, repeated, corrected, refused.
const KEPT: [u32; 6] = [0, 1, 5, 7, 8, 9];
/// How often each fault is met in the gate.
const ROUNDS: u32 = 2;
/// Between a refusal and the same batch again.
const PAUSE: Duration = Duration::from_millis(20);
/// By then a batch is admitted, whatever one fault did: three time-outs and new connections.
const BY_THEN: Duration = Duration::from_secs(15);

/// The journal's batch at an offset; settles the one before, whose first plain report was told.
fn batch(offset: u64) -> Batch {
    let mut batch = load::batch(offset);
    batch.records = vec![load::small(offset, &KEPT)];
    if let Some(before) = offset.checked_sub(1) {
        let told = load::accepted(before, 1);
        batch.settled.emitted = vec![(told.identity, told.version.digest)];
    }
    batch
}

fn id(offset: u64) -> SubmissionId {
    SubmissionId(uuid::Uuid::from_u128(u128::from(offset)))
}

/// Admits it, again after each refusal; returns how many there were.
async fn admit(store: &ScyllaStore, offset: u64) -> u32 {
    let mut refusals = 0;
    let admitted = async {
        loop {
            match store.admit(batch(offset), Arc::new(Latest)).await {
                Ok(_) => break,
                Err(StoreError::Unavailable(_)) => refusals += 1,
                Err(error) => panic!("{error}"),
            }
            tokio::time::sleep(PAUSE).await;
        }
    };
    tokio::time::timeout(BY_THEN, admitted).await.unwrap_or_else(|_| panic!("batch {offset} is refused for ever"));
    refusals
}

/// Waits until the store is answered again, which is what heals it after a closed connection.
async fn back(store: &ScyllaStore) {
    while store.places().await.is_err() {
        tokio::time::sleep(PAUSE).await;
    }
}

/// Seconds that a long run takes; none in the gate.
fn long() -> Option<Duration> {
    let seconds = std::env::var("TORTURE_SECONDS").ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// Each batch of a journal meets another fault at another of its statements.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_errs_goes_silent_or_hangs_up_delays_a_batch_and_changes_nothing() {
    let Some(node) = address() else { return };
    let keyspace = Keyspace::make(&node).await;
    let direct = keyspace.empty().await;
    let between = Between::start(&node).await;
    let store = ScyllaStore::open(between.options(keyspace.options()), Arc::new(Latest));
    store.places().await.unwrap();
    // The second is the first with every kind of statement.
    admit(&store, 0).await;
    between.heal();
    admit(&store, 1).await;
    let statements = between.seen().statements;

    let mut faults = Fault::errors();
    faults.extend([Fault::Lost, Fault::Unanswered, Fault::Late, Fault::Closed, Fault::ClosedAfter]);
    let (begun, long) = (tokio::time::Instant::now(), long());
    let (mut offset, mut met) = (2, vec![0; faults.len()]);
    for round in 0.. {
        if long.map_or(round >= ROUNDS, |long| begun.elapsed() >= long) {
            break;
        }
        for (n, fault) in faults.iter().enumerate() {
            // Of a number that shares no divisor with the faults', so that each meets every statement in the end.
            let passing = (offset as usize * 7) % statements;
            between.inject(*fault, passing, 1 + offset as usize % 3);
            let refusals = admit(&store, offset).await;
            let hits = between.seen().met;
            between.heal();
            let whole = direct.submission(id(offset)).await.unwrap().is_some_and(|state| state.is_done());
            assert!(whole, "{fault:?} after {passing} statements: batch {offset} was answered");
            assert!(hits == 0 || refusals > 0 || fault.is_cured(), "{fault:?} was answered as done");
            met[n] += hits;
            offset += 1;
        }
    }
    assert!(met.iter().all(|met| *met > 0), "{met:?} of {faults:?}");
    between.settled().await;
    admit(&store, offset).await;
    println!("{offset} batches of {statements} statements, {} faults met", met.iter().sum::<usize>());

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let undisturbed = EmbeddedStore::open(embedded::Options::at(&path)).unwrap().store;
    for offset in 0..=offset {
        undisturbed.admit(batch(offset), Arc::new(Latest)).await.unwrap();
    }
    let (ours, expected) = (direct.dump(true).await.unwrap(), embedded::dump(&path, true).unwrap());
    assert!(ours == expected, "{} rows instead of {}", ours.len(), expected.len());
    assert_eq!(direct.unfound().await.unwrap(), Vec::<String>::new());
    assert_eq!(direct.held_counts().await.unwrap(), undisturbed.held_counts().await.unwrap());
    keyspace.drop().await;
}

/// Everything that can be asked, as text, question by question.
async fn answers(store: &dyn Store) -> Vec<Result<String, StoreError>> {
    fn text<T: std::fmt::Debug>(answer: Result<T, StoreError>) -> Result<String, StoreError> {
        answer.map(|answer| format!("{answer:?}"))
    }
    let page = || PageRequest { limit: 3, cursor: None };
    let lab = load::record(0).submission.lab;
    let (day, first) = (load::record(0).submission.day, load::accepted(1, 1));
    let query = SubmissionQuery { lab: lab.clone(), day, control_id: None, file_name: None };
    let person = first.version.person.by_code.expect("a person");
    vec![
        text(store.places().await),
        text(store.fences().await),
        text(store.submission(id(1)).await),
        text(store.items(id(1), page()).await),
        text(store.submissions(query, page()).await),
        text(store.reports(lab.clone(), first.identity.number.clone()).await),
        text(store.reports_of_day(lab, day, page()).await),
        text(store.reports_of_person(person, page()).await),
        text(store.held(Reason::NoPhone, page()).await),
        text(store.held_counts().await),
        text(store.labs().await),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_there_is_never_missing_and_a_slow_node_is_asked_no_more_than_agreed() {
    let Some(node) = address() else { return };
    let keyspace = Keyspace::make(&node).await;
    answered_or_unavailable(&node, &keyspace).await;
    decided_once(&node, &keyspace).await;
    asked_as_agreed(&node, &keyspace).await;
    keyspace.drop().await;
}

async fn answered_or_unavailable(node: &str, keyspace: &Keyspace) {
    let between = Between::start(node).await;
    let store = ScyllaStore::open(between.options(keyspace.options()), Arc::new(Latest));
    for offset in 0..3 {
        admit(&store, offset).await;
    }
    assert!(store.put_lab("lab-a".parse().unwrap(), None, "{}".to_owned()).await.unwrap());
    between.heal();
    let expected: Vec<String> = answers(&*store).await.into_iter().collect::<Result<_, _>>().unwrap();
    let statements = between.seen().statements;

    let (mut told, mut refused) = (0, 0);
    let mut faults = Fault::errors();
    faults.extend([Fault::Closed, Fault::ClosedAfter, Fault::Lost]);
    for (n, fault) in faults.into_iter().enumerate() {
        // At every statement by one fault or another.
        for passing in (n % 7..statements).step_by(7) {
            back(&store).await;
            between.inject(fault, passing, 1);
            for (answer, expected) in answers(&*store).await.into_iter().zip(&expected) {
                match answer {
                    Ok(answer) => {
                        assert_eq!(&answer, expected, "{fault:?} after {passing} statements");
                        told += 1;
                    }
                    Err(StoreError::Unavailable(_)) => refused += 1,
                    Err(error) => panic!("{error}"),
                }
            }
            assert_eq!(between.seen().met, 1, "{fault:?} after {passing} of {statements} statements");
        }
    }
    println!("{told} questions answered, {refused} refused");
    assert!(refused > 0 && told > refused, "{told} answered, {refused} refused");
}

/// A compare-and-set whose answer is an error was done or was not: the answer says which, and it is done once.
async fn decided_once(node: &str, keyspace: &Keyspace) {
    let between = Between::start(node).await;
    let store = ScyllaStore::open(between.options(keyspace.options()), Arc::new(Latest));
    back(&store).await;
    let lab: LabId = "lab-b".parse().unwrap();
    assert!(store.put_lab(lab.clone(), None, "0".to_owned()).await.unwrap());
    let before = store.labs().await.unwrap().0;
    // The second statement of each is the one that decides.
    let faults = [Fault::Misreported(Error::WriteTimeout), Fault::Refused(Error::WriteTimeout), Fault::Unanswered];
    for (n, fault) in faults.into_iter().enumerate() {
        between.inject(fault, 1, 1);
        let put = store.put_lab(lab.clone(), Some(n.to_string()), (n + 1).to_string()).await;
        assert!(put.unwrap(), "{fault:?}");
        assert_eq!(between.seen().met, 1, "{fault:?}");
    }
    assert_eq!(store.labs().await.unwrap().0, before + 3, "each once");
}

async fn asked_as_agreed(node: &str, keyspace: &Keyspace) {
    const IN_FLIGHT: usize = 8;
    let between = Between::start(node).await;
    let options = between.options(keyspace.options());
    let options = Options { in_flight: IN_FLIGHT, request_timeout: REQUEST_TIMEOUT, ..options };
    let store = ScyllaStore::open(options, Arc::new(Latest));
    back(&store).await;
    let connections = between.seen().connections;
    between.slow(Duration::from_millis(10));
    let asking = (0..4).map(|_| answers(&*store));
    let admitting = (3..5).map(|offset| store.admit(load::batch(offset), Arc::new(Latest)));
    let (asked, admitted) =
        tokio::join!(futures_util::future::join_all(asking), futures_util::future::join_all(admitting));
    assert!(admitted.iter().all(Result::is_ok), "{admitted:?}");
    assert!(asked.iter().flatten().all(Result::is_ok), "slow is not away");
    assert_eq!(between.seen().most_at_once, IN_FLIGHT, "the most at once");
    assert_eq!(between.seen().connections, connections, "the same connections as before");

    // Nothing went around the proxy: without it there is no way.
    drop(between);
    let alone = store.submission(id(1)).await;
    assert!(matches!(alone, Err(StoreError::Unavailable(_))), "{alone:?}");
}
