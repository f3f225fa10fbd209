//! Two handles on one file, as `labs` stands beside `run`; and what is not a store.

use std::{fs, path::Path};

use jiff::civil::date;
use schemas::Position;
use store::{
    PageRequest, Place, Settled, Store,
    embedded::{self, EmbeddedStore, OpenError, Options},
};

use crate::load::{admit, batch, open};

#[tokio::test(flavor = "multi_thread")]
async fn decisions_are_written_beside_a_running_admission() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let running = open(&path);
    let beside = EmbeddedStore::open_existing(Options::at(&path)).unwrap();
    assert_eq!(beside.id(), running.id());
    let admission = tokio::spawn({
        let running = running.clone();
        async move {
            for offset in 0..40 {
                admit(&running, batch(offset)).await;
            }
        }
    });
    let lab: schemas::LabId = "lab-a".parse().unwrap();
    let mut expected = None;
    for n in 0..40 {
        let document = n.to_string();
        assert!(beside.put_lab(lab.clone(), expected, document.clone()).await.unwrap());
        assert_eq!(running.labs().await.unwrap(), (n + 1, vec![(lab.clone(), document.clone())]));
        expected = Some(document);
    }
    admission.await.unwrap();
    let page = PageRequest { limit: 1000, cursor: None };
    let seen = beside.reports_of_day(lab, date(2020, 10, 20), page).await.unwrap();
    assert_eq!((seen.items.len(), seen.next.is_some()), (1000, true));
}

#[tokio::test]
async fn a_store_is_made_once_and_keeps_what_it_has() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let first = EmbeddedStore::open(Options::at(&path)).unwrap();
    assert!(first.created);
    let next = Position { partition: 0, offset: 9 };
    let place = Place { journal: "j".to_owned(), topic: "uploads".to_owned(), next };
    first.store.settle(Settled { place: Some(place.clone()), emitted: Vec::new() }).await.unwrap();
    let id = first.store.id().to_owned();
    drop(first);
    let second = EmbeddedStore::open(Options::at(&path)).unwrap();
    assert_eq!((second.created, second.store.id()), (false, id.as_str()));
    assert_eq!(second.store.places().await.unwrap(), [place]);
}

#[test]
fn what_is_no_store_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    let refused = |path: &Path| EmbeddedStore::open_existing(Options::at(path)).err().expect("no store there");

    assert!(matches!(refused(&file("none.db")), OpenError::Missing(_)));
    assert!(matches!(embedded::dump(&file("none.db"), true), Err(OpenError::Missing(_))));
    assert!(!file("none.db").exists(), "a command beside makes nothing");
    fs::write(file("empty.db"), "").unwrap();
    assert!(matches!(refused(&file("empty.db")), OpenError::Missing(_)));
    fs::write(file("text.db"), "not a database, and long enough to be read as the header of one".repeat(20)).unwrap();
    let other = rusqlite::Connection::open(file("other.db")).unwrap();
    other.execute_batch("CREATE TABLE theirs (a)").unwrap();
    for name in ["text.db", "other.db"] {
        let before = fs::read(file(name)).unwrap();
        assert!(matches!(refused(&file(name)), OpenError::NotAStore(_)), "{name}");
        assert!(matches!(EmbeddedStore::open(Options::at(file(name))), Err(OpenError::NotAStore(_))), "{name}");
        assert_eq!(fs::read(file(name)).unwrap(), before, "{name}");
    }
    drop(open(&file("newer.db")));
    let newer = rusqlite::Connection::open(file("newer.db")).unwrap();
    newer.execute("UPDATE meta SET value = 99 WHERE key = 'schema-version'", []).unwrap();
    assert!(matches!(refused(&file("newer.db")), OpenError::Version { found: 99, .. }));
}

#[tokio::test]
async fn a_store_of_the_first_tables_is_brought_to_todays_and_keeps_its_rows() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    admit(&open(&path), batch(0)).await;
    let first = rusqlite::Connection::open(&path).unwrap();
    first.execute_batch("DROP TABLE persons_of_phone; UPDATE meta SET value = 1 WHERE key = 'schema-version'").unwrap();
    drop(first);
    let store = EmbeddedStore::open_existing(Options::at(&path)).unwrap();
    admit(&store, batch(1)).await;
    let lines = embedded::dump(&path, true).unwrap();
    let count = |kind: &str| lines.iter().filter(|line| line.starts_with(&format!("{kind:?}"))).count();
    assert_eq!(count("submission"), 2);
    assert!(count("phone") > 0 && count("version") > count("phone"), "the phones of what came since");
}
