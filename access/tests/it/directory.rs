//! Who comes in, and with what the directory lives on when the store does not.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use access::{AuthError, Directory, add, revoke};
use tokio_util::sync::CancellationToken;

use crate::stub::{Labs, at, new_lab};

#[tokio::test]
async fn a_key_opens_its_lab_and_says_why_it_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let store = Labs::default();
    let directory = Directory::open(&folder.path().join("labs.json"));
    let (lab, key) = add(&store, new_lab("rho"), at(0)).await.unwrap();
    assert_eq!(directory.authenticate(key.reveal(), at(1)).unwrap_err(), AuthError::NotLoaded);

    assert!(directory.refresh(&store).await.unwrap());
    assert!(!directory.refresh(&store).await.unwrap(), "nothing changed");
    assert_eq!(*directory.authenticate(key.reveal(), at(1)).unwrap(), lab);

    let mut forged = key.reveal().to_owned();
    let last = if forged.pop() == Some('a') { 'b' } else { 'a' };
    forged.push(last);
    for (bearer, error) in [("", AuthError::Missing), ("hunter2", AuthError::Unknown), (&forged, AuthError::Unknown)] {
        assert_eq!(directory.authenticate(bearer, at(1)).unwrap_err(), error, "{bearer}");
    }

    revoke(&store, &lab.id, at(2)).await.unwrap();
    assert!(directory.refresh(&store).await.unwrap());
    assert_eq!(directory.authenticate(key.reveal(), at(3)).unwrap_err(), AuthError::Revoked);
    assert_eq!(directory.authenticate(&forged, at(3)).unwrap_err(), AuthError::Unknown, "no oracle");
}

#[tokio::test]
async fn a_restart_with_the_store_down_knows_who_was_known() {
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("labs.json");
    let store = Labs::default();
    let (lab, key) = add(&store, new_lab("rho"), at(0)).await.unwrap();
    Directory::open(&copy).refresh(&store).await.unwrap();

    store.down.store(true, Ordering::SeqCst);
    let directory = Directory::open(&copy);
    assert!(directory.refresh(&store).await.is_err());
    assert_eq!(directory.authenticate(key.reveal(), at(1)).unwrap().id, lab.id);

    assert_eq!(fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(!fs::read_to_string(&copy).unwrap().contains(key.reveal()), "hashes only");
}

#[tokio::test]
async fn a_copy_that_cannot_be_read_is_ignored_and_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("labs.json");
    fs::write(&copy, r#"{"revision":1,"labs":[{"id":"rh"#).unwrap();
    let store = Labs::default();
    let (_, key) = add(&store, new_lab("rho"), at(0)).await.unwrap();
    let directory = Directory::open(&copy);
    assert_eq!(directory.authenticate(key.reveal(), at(1)).unwrap_err(), AuthError::NotLoaded);
    directory.refresh(&store).await.unwrap();
    assert!(Directory::open(&copy).authenticate(key.reveal(), at(1)).is_ok());
}

#[tokio::test]
async fn a_revocation_is_in_force_even_where_the_copy_cannot_be_written() {
    let folder = tempfile::tempdir().unwrap();
    let store = Labs::default();
    let (lab, key) = add(&store, new_lab("rho"), at(0)).await.unwrap();
    let gone = folder.path().join("gone");
    fs::create_dir(&gone).unwrap();
    let directory = Directory::open(&gone.join("labs.json"));
    directory.refresh(&store).await.unwrap();
    fs::remove_dir_all(&gone).unwrap();
    revoke(&store, &lab.id, at(1)).await.unwrap();
    assert!(directory.refresh(&store).await.is_err());
    assert_eq!(directory.authenticate(key.reveal(), at(2)).unwrap_err(), AuthError::Revoked);
    fs::create_dir(&gone).unwrap();
    assert!(directory.refresh(&store).await.unwrap(), "tried again until it is on disk");
}

#[tokio::test(start_paused = true)]
async fn following_survives_a_store_that_goes_and_comes() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(Labs::default());
    let directory = Arc::new(Directory::open(&folder.path().join("labs.json")));
    let (_, key) = add(&*store, new_lab("rho"), at(0)).await.unwrap();
    store.down.store(true, Ordering::SeqCst);
    let cancel = CancellationToken::new();
    let every = Duration::from_secs(2);
    let following = tokio::spawn(Arc::clone(&directory).follow(store.clone(), every, cancel.clone()));
    tokio::time::sleep(every * 3).await;
    assert!(directory.authenticate(key.reveal(), at(1)).is_err());
    store.down.store(false, Ordering::SeqCst);
    tokio::time::timeout(Duration::from_secs(10), async {
        while directory.authenticate(key.reveal(), at(1)).is_err() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    })
    .await
    .unwrap();
    cancel.cancel();
    following.await.unwrap();
}
