//! The contract's cases on the server.

use std::sync::Arc;

use store::{
    Store,
    conformance::{CASES, Open},
};

use super::node::{Keyspace, address};

#[tokio::test(flavor = "multi_thread")]
async fn the_store_on_a_server_keeps_every_promise() {
    let Some(node) = address() else { return };
    let keyspace = Arc::new(Keyspace::make(&node).await);
    for (name, case) in CASES {
        println!("{name}");
        let kept = Arc::clone(&keyspace);
        let open: Open = Arc::new(move || {
            let keyspace = Arc::clone(&kept);
            Box::pin(async move { keyspace.empty().await as Arc<dyn Store> })
        });
        case(open).await;
    }
    Arc::into_inner(keyspace).expect("no store is left").drop().await;
}
