//! The contract's cases on the embedded store.

use std::sync::{Arc, Mutex};

use store::{
    Store,
    conformance::{CASES, Open},
    embedded::{EmbeddedStore, Options},
};

#[tokio::test(flavor = "multi_thread")]
async fn the_embedded_store_keeps_every_promise() {
    for (name, case) in CASES {
        println!("{name}");
        let folders = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&folders);
        let open: Open = Arc::new(move || {
            let folder = tempfile::tempdir().expect("a folder");
            let opened = EmbeddedStore::open(Options::at(folder.path().join("store.db"))).expect("a store");
            assert!(opened.created);
            kept.lock().expect("folders").push(folder);
            Box::pin(async move { opened.store as Arc<dyn Store> })
        });
        case(open).await;
    }
}
