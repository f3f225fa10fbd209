//! `labs add | list | rotate | revoke`.

use std::sync::atomic::Ordering;

use access::{AccessError, NewLab, add, list, revoke, rotate};
use jiff::SignedDuration;

use crate::stub::{Labs, at, new_lab};

#[tokio::test]
async fn a_lab_is_added_once_with_one_key_of_its_kind() {
    let store = Labs::default();
    let (lab, key) = add(&store, new_lab("rho"), at(1)).await.unwrap();
    assert!(key.reveal().starts_with("rft_live_"));
    assert_eq!(list(&store).await.unwrap(), vec![lab.clone()]);
    assert!(!serde_json::to_string(&lab).unwrap().contains(key.reveal()), "a document never has the key");

    assert!(matches!(add(&store, new_lab("rho"), at(2)).await, Err(AccessError::Exists(_))));
    let (_, test) = add(&store, NewLab { sandbox: true, ..new_lab("prova") }, at(2)).await.unwrap();
    assert!(test.reveal().starts_with("rft_test_"));
}

#[tokio::test]
async fn a_lab_without_a_name_or_with_a_peer_that_is_none_is_refused() {
    let store = Labs::default();
    let unnamed = NewLab { name: " ".into(), ..new_lab("rho") };
    let misplaced = NewLab { peers: vec!["rho.example".into()], ..new_lab("rho") };
    for new in [unnamed, misplaced] {
        assert!(matches!(add(&store, new, at(1)).await, Err(AccessError::Invalid(_))));
    }
    assert!(list(&store).await.unwrap().is_empty());
}

#[tokio::test]
async fn rotating_stops_the_old_key_at_once_or_after_its_grace() {
    let store = Labs::default();
    let (lab, _) = add(&store, new_lab("rho"), at(0)).await.unwrap();
    let hour = SignedDuration::from_hours(1);
    let live =
        |labs: &[access::Lab], second| labs[0].keys.iter().map(|key| key.is_live(at(second))).collect::<Vec<_>>();

    rotate(&store, &lab.id, Some(hour), at(10)).await.unwrap();
    let labs = list(&store).await.unwrap();
    assert_eq!((live(&labs, 10), live(&labs, 3610)), (vec![true, true], vec![false, true]));

    // The next grace does not make the first one longer.
    rotate(&store, &lab.id, Some(hour), at(20)).await.unwrap();
    assert_eq!(live(&list(&store).await.unwrap(), 3610), [false, true, true]);

    rotate(&store, &lab.id, None, at(30)).await.unwrap();
    assert_eq!(live(&list(&store).await.unwrap(), 30), [false, false, false, true]);

    let backwards = rotate(&store, &lab.id, Some(-hour), at(40)).await;
    assert!(matches!(backwards, Err(AccessError::Invalid(_))));
}

#[tokio::test]
async fn revoking_stops_every_key_and_says_how_many() {
    let store = Labs::default();
    let (lab, _) = add(&store, new_lab("rho"), at(0)).await.unwrap();
    rotate(&store, &lab.id, Some(SignedDuration::from_hours(1)), at(1)).await.unwrap();
    assert_eq!(revoke(&store, &lab.id, at(2)).await.unwrap(), 2);
    assert_eq!(revoke(&store, &lab.id, at(3)).await.unwrap(), 0);
    assert!(matches!(revoke(&store, &"pavia".parse().unwrap(), at(3)).await, Err(AccessError::Unknown(_))));
}

#[tokio::test]
async fn a_change_that_lost_to_another_begins_again_and_gives_up_in_the_end() {
    let store = Labs::default();
    let (lab, _) = add(&store, new_lab("rho"), at(0)).await.unwrap();
    store.races.store(3, Ordering::SeqCst);
    assert_eq!(revoke(&store, &lab.id, at(1)).await.unwrap(), 1);
    store.races.store(1000, Ordering::SeqCst);
    assert!(matches!(revoke(&store, &lab.id, at(2)).await, Err(AccessError::Contended(_))));
}
