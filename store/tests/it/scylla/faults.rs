//! What fails half way: a statement that was not sent, a batch by another worker, a server that is not there.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use schemas::{
    Identity, Position, SubmissionId, Version,
    version::{PhoneKey, Reasons},
};
use store::{
    Batch, NewVersion, PERSONS_OF_A_PHONE, PageRequest, Place, Settled, Store, StoreError, Verdict,
    conformance::Latest,
    embedded::{self, EmbeddedStore},
    scylla::{Options, ScyllaStore},
};

use super::{
    between::Between,
    node::{Keyspace, address, options},
};
use crate::load;

/// Two batches: the second has every kind of row, ends a hold of the first, and settles it.
fn batches() -> [Batch; 2] {
    let next = Position { partition: 0, offset: 2 };
    let place = Place { journal: "j".to_owned(), topic: "uploads".to_owned(), next };
    let (first, mut second) = (load::small(1, &[0, 1, 5]), load::small(2, &[0, 1, 2, 3, 4, 9]));
    let [held, plain, waits] = [0, 1, 5].map(|index| load::accepted(1, index));
    assert_eq!([&held, &plain, &waits].map(|new| new.version.reasons.is_empty()), [false, true, false]);
    // New and held (0), new (1), a correction that is not held any more (2), repeats of what is not
    // held (3) and of what is (4), refused (9).
    second.items[2].verdict = Verdict::Accepted(Box::new(NewVersion {
        identity: held.identity,
        version: Version { reasons: Reasons::default(), ..load::accepted(2, 2).version },
        content: "{}".to_owned(),
        phone: held.phone,
    }));
    second.items[3].verdict = Verdict::Accepted(Box::new(plain.clone()));
    second.items[4].verdict = Verdict::Accepted(Box::new(waits));
    let settled = Settled { place: Some(place), emitted: vec![(plain.identity, plain.version.digest)] };
    [Batch { settled: Settled::default(), records: vec![first] }, Batch { settled, records: vec![second] }]
}

async fn admit(store: &dyn Store, batch: &Batch) -> Result<Vec<Identity>, StoreError> {
    let touched = store.admit(batch.clone(), Arc::new(Latest)).await?;
    Ok(touched.into_iter().map(|touched| touched.identity).collect())
}

/// What is answered of the uploads: counts and items, with what holds them.
async fn uploads(store: &dyn Store) -> Vec<String> {
    let mut lines = Vec::new();
    for offset in [1, 2] {
        let id = SubmissionId(uuid::Uuid::from_u128(offset));
        lines.push(format!("{:?}", store.submission(id).await.unwrap()));
        let items = store.items(id, PageRequest { limit: 100, cursor: None }).await.unwrap().items;
        lines.extend(items.iter().map(|item| format!("{item:?}")));
    }
    lines
}

/// A store whose statements fail once `left` have been sent; negative: none fails.
fn failing(options: Options) -> (Arc<ScyllaStore>, Arc<AtomicI64>) {
    let left = Arc::new(AtomicI64::new(-1));
    let counted = Arc::clone(&left);
    let on_statement = move || {
        counted
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
                (left != 0).then_some(if left < 0 { left } else { left - 1 })
            })
            .is_ok()
    };
    let options = Options { on_statement: Some(Arc::new(on_statement)), ..options };
    (ScyllaStore::open(options, Arc::new(Latest)), left)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_failed_at_any_statement_is_completed_by_the_same_batch() {
    let Some(node) = address() else { return };
    let keyspace = Keyspace::make(&node).await;
    let [first, second] = batches();
    let whole = keyspace.empty().await;
    admit(&*whole, &first).await.unwrap();
    let touched = admit(&*whole, &second).await.unwrap();
    let expected = whole.dump(true).await.unwrap();
    let (lists, states) = (whole.held_counts().await.unwrap(), uploads(&*whole).await);
    assert!(whole.unfound().await.unwrap().is_empty(), "{:?}", whole.unfound().await.unwrap());

    let mut failures = 0;
    for allowed in 0.. {
        keyspace.empty().await;
        let (store, left) = failing(keyspace.options());
        admit(&*store, &first).await.unwrap();
        left.store(allowed, Ordering::SeqCst);
        let answer = admit(&*store, &second).await;
        left.store(-1, Ordering::SeqCst);
        let Err(error) = answer else { break };
        assert!(matches!(error, StoreError::Unavailable(_)), "{error}");
        failures += 1;
        assert_eq!(admit(&*store, &second).await.unwrap(), touched, "after {allowed} statements");
        assert_eq!(store.dump(true).await.unwrap(), expected, "after {allowed} statements");
        assert_eq!(store.held_counts().await.unwrap(), lists, "after {allowed} statements");
        assert_eq!(uploads(&*store).await, states, "after {allowed} statements");
        assert_eq!(store.unfound().await.unwrap(), Vec::<String>::new(), "after {allowed} statements");
    }
    assert!(failures >= 20, "the batch has many statements: {failures}");
    keyspace.drop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_journal_gives_the_rows_of_the_embedded_store_whoever_admits_it_when() {
    let Some(node) = address() else { return };
    let keyspace = Keyspace::make(&node).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let embedded = EmbeddedStore::open(embedded::Options::at(&path)).unwrap().store;
    let batch =
        |offsets: std::ops::Range<u64>| Batch { records: offsets.map(load::record).collect(), ..Batch::default() };
    for offset in 0..12 {
        admit(&*embedded, &batch(offset..offset + 1)).await.unwrap();
    }
    let expected = embedded::dump(&path, true).unwrap();

    let store = keyspace.empty().await;
    for offset in [0..3, 3..5, 5..12] {
        admit(&*store, &batch(offset)).await.unwrap();
    }
    let same = |ours: Vec<String>| assert!(ours == expected, "{} rows instead of {}", ours.len(), expected.len());
    same(store.dump(true).await.unwrap());
    // Whole again, a piece of it, and two who should have stopped, at once with each other.
    admit(&*store, &batch(0..12)).await.unwrap();
    admit(&*store, &batch(4..6)).await.unwrap();
    same(store.dump(true).await.unwrap());

    let [ours, zombie] = [keyspace.empty().await, ScyllaStore::open(keyspace.options(), Arc::new(Latest))];
    admit(&*ours, &batch(0..4)).await.unwrap();
    let ahead = async {
        for offset in 4..9 {
            admit(&*zombie, &batch(offset..offset + 1)).await.unwrap();
        }
    };
    let owner = async {
        for offsets in [4..6, 6..7, 7..12] {
            admit(&*ours, &batch(offsets)).await.unwrap();
        }
    };
    tokio::join!(ahead, owner);
    same(ours.dump(true).await.unwrap());
    assert_eq!(ours.unfound().await.unwrap(), Vec::<String>::new());
    let counts = [ours.held_counts().await.unwrap(), embedded.held_counts().await.unwrap()];
    assert_eq!(counts[0], counts[1]);
    keyspace.drop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_opens_without_its_server_or_its_schema_and_says_so_until_they_are_there() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let store = ScyllaStore::open(options(&nobody, "none"), Arc::new(Latest));
    let answer = tokio::time::timeout(Duration::from_secs(60), store.places()).await.expect("an answer");
    assert!(matches!(answer, Err(StoreError::Unavailable(_))));
    let Some(node) = address() else { return };
    let store = ScyllaStore::open(options(&node, "nothing_here"), Arc::new(Latest));
    let Err(StoreError::Unavailable(cause)) = store.places().await else { panic!("there is no such keyspace") };
    assert!(cause.to_string().contains("referto schema apply"), "{cause}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_takes_connections_and_says_nothing_is_unavailable() {
    // The kernel takes them; nobody answers.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let node = options(&silent.local_addr().unwrap().to_string(), "none");
    let options = Options { request_timeout: Duration::from_millis(100), ..node };
    let store = ScyllaStore::open(options, Arc::new(Latest));
    let answer = tokio::time::timeout(Duration::from_secs(60), store.places()).await.expect("an answer");
    assert!(matches!(answer, Err(StoreError::Unavailable(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_goes_mute_while_statements_are_prepared_is_unavailable_and_asked_again() {
    let Some(node) = address() else { return };
    let keyspace = Keyspace::make(&node).await;
    let between = Between::start(&node).await;
    between.prepare_nothing();
    let store = ScyllaStore::open(between.options(keyspace.options()), Arc::new(Latest));
    let answer = tokio::time::timeout(Duration::from_secs(60), store.places()).await.expect("an answer");
    assert!(matches!(answer, Err(StoreError::Unavailable(_))), "{answer:?}");
    between.heal();
    let asked_again = async {
        while store.places().await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), asked_again).await.expect("it is asked again");
    drop(store);
    keyspace.drop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_that_thousands_give_is_a_few_rows() {
    let Some(node) = address() else { return };
    let keyspace = Keyspace::make(&node).await;
    let store = keyspace.empty().await;
    for offset in 0..3 {
        let mut record = load::record(offset);
        for item in &mut record.items {
            if let Verdict::Accepted(new) = &mut item.verdict {
                new.phone = Some(PhoneKey([1; 16]));
            }
        }
        assert!(record.items.len() > PERSONS_OF_A_PHONE);
        admit(&*store, &Batch { records: vec![record], ..Batch::default() }).await.unwrap();
    }
    let lines = store.dump(true).await.unwrap();
    assert_eq!(lines.iter().filter(|line| line.starts_with("\"phone\"")).count(), PERSONS_OF_A_PHONE);
    keyspace.drop().await;
}
