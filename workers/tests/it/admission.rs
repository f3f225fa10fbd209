//! What admission stores and emits.

use std::sync::{Arc, Mutex};

use journal::{Journal, Limit, Record, Topic};
use schemas::report::Status;
use workers::admit::{AdmitError, Settings, Step};

use crate::{
    house::{House, Running, report, upload},
    outage::Redelivering,
};

const ONE_BY_ONE: Limit = Limit { records: 1, bytes: 1 };

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_is_stored_and_its_tasks_are_emitted() {
    let house = House::new();
    house.append(vec![upload(1, &[report("A", "negative", &[]), report("B", "positive", &[])])]).await;
    house.admit(house.settings()).await;

    assert_eq!(house.outcomes(1).await, (vec![("new", 2)], 0));
    assert_eq!(house.told().await, ["A", "B"]);
    let stored = house.stored("A").await;
    assert_eq!(stored.emitted, Some(stored.versions[stored.standing.current].version.digest));
    let mirrored = house.journal.mirrored(Topic::Uploads, 0).await.unwrap();
    assert_eq!(mirrored, Some(house.end().await), "the journal knows how far the store is durable");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_held_or_not_for_real_emits_nothing() {
    let house = House::new();
    let lines = [
        report("no-phone", "negative", &[(r#","phone":"+39 333 1234567""#, "")]),
        report("no-code", "negative", &[(r#""fiscalCode":"RSSMRA85T10A562S","#, "")]),
        report("unknown-test", "negative", &[("94500-6", "718-7")]),
        report("preliminary", "negative", &[(r#""test""#, r#""status":"preliminary","test""#)]),
        report("due", "negative", &[]),
    ];
    house.append(vec![upload(1, &lines)]).await;
    house.admit(house.settings()).await;
    assert_eq!(house.outcomes(1).await, (vec![("new", 5)], 2));
    assert_eq!(house.told().await, ["due"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_correction_is_a_new_task_and_a_duplicate_is_none() {
    let house = House::new();
    let corrected = [(r#""test""#, r#""status":"corrected","test""#), ("T11:04", "T11:05")];
    house
        .append(vec![
            upload(1, &[report("A", "negative", &[])]),
            upload(2, &[report("A", "negative", &[("T11:04", "T11:06")])]),
            upload(3, &[report("A", "positive", &corrected), report("A", "negative", &[])]),
        ])
        .await;
    house.admit(Settings { batch: ONE_BY_ONE, ..house.settings() }).await;
    assert_eq!(house.outcomes(2).await, (vec![("duplicate", 1)], 1));
    // The first was issued again a minute later: the correction comes too late to be current. That it says otherwise
    // is for an operator, though the first was told of before.
    assert_eq!(house.outcomes(3).await, (vec![("duplicate", 1), ("stale", 1)], 1));
    assert_eq!(house.tasks().await.len(), 1);

    house.append(vec![upload(4, &[report("A", "positive", &[corrected[0], ("T11:04", "T11:07")])])]).await;
    house.admit(house.settings()).await;
    assert_eq!(house.outcomes(4).await, (vec![("corrected", 1)], 0));
    let tasks = house.tasks().await;
    assert_eq!(tasks.iter().map(|task| task.status).collect::<Vec<_>>(), [Status::Final, Status::Corrected]);
    assert_ne!(tasks[0].id, tasks[1].id);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_bad_record_or_item_becomes_a_dead_letter_and_stops_no_other() {
    let house = House::new();
    let headless = Record { headers: Vec::new(), ..upload(1, &[report("A", "negative", &[])]) };
    let faulty = upload(2, &[report("B", "negative", &[]), "{}".to_owned(), report("C", "negative", &[])]);
    house.append(vec![headless, faulty, upload(3, &[report("D", "negative", &[])])]).await;
    house.admit(house.settings()).await;
    assert_eq!(house.told().await, ["B", "C", "D"]);
    assert_eq!(house.outcomes(2).await, (vec![("deadLetter", 1), ("new", 2)], 0));
    let letters = house.read(Topic::DeadLetters).await;
    let causes: Vec<_> = letters.iter().map(|letter| letter.header("cause").unwrap().clone()).collect();
    assert_eq!(causes, ["header-unreadable", "not-decodable"]);
    assert_eq!(letters[1].value, "{}");
}

/// Uploads with every kind of outcome among them.
fn history() -> Vec<Record> {
    let word = |status: &'static str| (r#""test""#, status);
    let (corrected, retracted) = (r#""status":"corrected","test""#, r#""status":"entered-in-error","test""#);
    vec![
        upload(1, &[report("A", "negative", &[]), report("B", "positive", &[]), "{}".to_owned()]),
        upload(2, &[report("A", "positive", &[word(corrected), ("T11:04", "T11:08")]), report("A", "negative", &[])]),
        upload(3, &[report("B", "positive", &[word(retracted), ("T11:04", "T11:08")])]),
        upload(4, &[report("B", "negative", &[]), report("C", "negative", &[("+39 333 1234567", "12")])]),
        upload(1, &[report("A", "negative", &[]), report("B", "positive", &[]), "{}".to_owned()]),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn every_batch_again_changes_nothing_and_emits_nothing_anew() {
    let house = House::new();
    house.append(history()).await;
    house.admit(Settings { batch: ONE_BY_ONE, ..house.settings() }).await;
    let (rows, told) = (house.dump(true), house.told().await);
    assert_eq!(
        (told.as_slice(), house.held().await),
        (&["A", "B", "A", "B"].map(String::from)[..], vec![("invalid-phone", 1)])
    );

    for batch in [ONE_BY_ONE, house.settings().batch] {
        let steps = Arc::new(Mutex::new(Vec::new()));
        let seen = steps.clone();
        let journal = Arc::new(Redelivering(house.journal.clone()));
        let settings = Settings { journal, batch, ..house.settings() };
        let running = Running::start(Settings {
            on_step: Some(Arc::new(move |step| seen.lock().unwrap().push(step))),
            ..settings
        });
        let batches = if batch == ONE_BY_ONE { history().len() } else { 1 };
        let appended = || steps.lock().unwrap().iter().filter(|step| **step == Step::TasksAppended).count();
        running.until("every batch came again", async || appended() >= batches).await;
        running.drain().await.unwrap();
        assert_eq!(house.dump(true), rows);
        assert_eq!(house.told().await, told);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_rebuilt_from_the_journal_has_the_same_rows_and_tells_nobody() {
    let mut house = House::new();
    house.append(history()).await;
    house.admit(Settings { batch: ONE_BY_ONE, ..house.settings() }).await;
    let (rows, told) = (house.dump(false), house.told().await);

    house.rebuilt().await;
    house.admit(house.settings()).await;
    assert_eq!(house.dump(false), rows);
    assert_eq!(house.told().await, told);
    let counts = house.held().await;
    assert!(counts.contains(&("before-restore", 3)), "{counts:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_of_another_journal_is_refused() {
    let (house, other) = (House::new(), House::new());
    house.append(vec![upload(1, &[report("A", "negative", &[])])]).await;
    house.admit(house.settings()).await;
    let mixed = Settings { journal: other.journal.clone(), ..house.settings() };
    let error = Running::start(mixed).ended().await.unwrap_err();
    assert!(matches!(error, AdmitError::OtherJournal(_)), "{error}");
    assert!(error.to_string().contains("give this store its own journal back"), "{error}");
}
