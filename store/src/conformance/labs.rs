//! The laboratories' documents.

use super::{Open, fixture::lab};

pub(super) async fn compare_and_set(open: Open) {
    let store = open().await;
    let (before, none) = store.labs().await.unwrap();
    assert!(none.is_empty());
    let text = |text: &str| text.to_owned();
    // What is expected, what is written, whether it is.
    let tries = [
        (Some("1"), "2", false),
        (None, "1", true),
        (None, "2", false),
        (Some("0"), "2", false),
        (Some("1"), "2", true),
        (Some("2"), "2", true),
    ];
    let mut revision = before;
    for (expected, document, written) in tries {
        let answer = store.put_lab(lab("b"), expected.map(text), text(document)).await.unwrap();
        assert_eq!(answer, written, "{expected:?} {document}");
        let (now, _) = store.labs().await.unwrap();
        assert_eq!(now > revision, written, "the revision rises with every change and no other");
        revision = now;
    }
    assert!(store.put_lab(lab("a"), None, text("{}")).await.unwrap());
    assert_eq!(store.labs().await.unwrap().1, [(lab("a"), text("{}")), (lab("b"), text("2"))]);
}
