//! What is remembered beside rows: places, emissions, fences.

use schemas::{
    Position,
    version::{Reason, Reasons},
};

use super::{
    Open,
    fixture::{accepted, admit, admit_after, digest, identity, lab, record, upload, version},
};
use crate::{Notice, Place, Settled};

fn place(partition: u32, offset: u64) -> Place {
    Place { journal: "j".to_owned(), topic: "uploads".to_owned(), next: Position { partition, offset } }
}

pub(super) async fn emitted(open: Open) {
    let store = open().await;
    let report = |content, issued| vec![accepted(version("1", content, Some(issued)))];
    let told = |content| Settled { place: None, emitted: vec![(identity("1"), digest(content))] };
    admit(&*store, &[record(0, upload(1, 1), report("a", 10))]).await;
    store.settle(told("a")).await.unwrap();
    let again = admit(&*store, &[record(0, upload(1, 1), report("a", 10))]).await;
    assert_eq!((again[0].emitted, again[0].wants_task()), (Some(digest("a")), false));

    let corrected = admit(&*store, &[record(1, upload(2, 1), report("b", 20))]).await;
    assert!(corrected[0].wants_task());
    let after = admit_after(&*store, told("b"), &[record(2, upload(3, 1), report("b", 20))]).await;
    assert_eq!((after[0].emitted, after[0].wants_task()), (Some(digest("b")), false));
    assert_eq!(store.reports(lab("lab-a"), "1".to_owned()).await.unwrap()[0].emitted, Some(digest("b")));
    store.settle(Settled { emitted: vec![(identity("unknown"), digest("a"))], ..told("b") }).await.unwrap();
}

pub(super) async fn places(open: Open) {
    let store = open().await;
    assert!(store.places().await.unwrap().is_empty());
    let settle = |place| store.settle(Settled { place: Some(place), emitted: Vec::new() });
    settle(place(0, 7)).await.unwrap();
    settle(place(1, 3)).await.unwrap();
    settle(place(0, 5)).await.unwrap();
    assert_eq!(store.places().await.unwrap(), [place(0, 7), place(1, 3)], "a place never goes back");
    let settled = Settled { place: Some(place(0, 9)), emitted: Vec::new() };
    admit_after(&*store, settled, &[]).await;
    let other = Place { journal: "k".to_owned(), ..place(0, 1) };
    settle(other.clone()).await.unwrap();
    let expected = [place(0, 9), place(1, 3), other];
    assert_eq!(store.sync().await.unwrap(), expected);
    assert_eq!(store.sync().await.unwrap(), expected, "also when nothing changed");
    assert_eq!(store.places().await.unwrap(), expected);
}

pub(super) async fn fences(open: Open) {
    let store = open().await;
    assert!(store.fences().await.unwrap().is_empty(), "a store that was just created has none");
    let end = |partition, offset| Position { partition, offset };
    store.fence(vec![end(0, 5), end(1, 100)]).await.unwrap();
    store.fence(vec![end(0, 4), end(2, 1)]).await.unwrap();
    assert_eq!(store.fences().await.unwrap(), [end(0, 5), end(1, 100), end(2, 1)]);

    let report = |number| vec![accepted(version(number, "a", Some(10)))];
    let touched = admit(&*store, &[record(4, upload(1, 1), report("1")), record(5, upload(2, 1), report("2"))]).await;
    let held = Notice::Held(Reasons::default().with(Reason::BeforeRestore));
    assert_eq!(touched.iter().map(|touched| touched.notice).collect::<Vec<_>>(), [held, Notice::Due]);
    let told = Settled { place: None, emitted: vec![(identity("1"), digest("a"))] };
    let again = admit_after(&*store, told, &[record(4, upload(1, 1), report("1"))]).await;
    assert_eq!(again[0].notice, Notice::Due, "the rule is told what was emitted");
}
