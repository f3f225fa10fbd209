//! The schema as it is read before it is accepted, and as a server takes it.

use schemas::version::PhoneKey;
use scylla::client::session_builder::SessionBuilder;
use store::{
    Store,
    scylla::{
        ScyllaStore, apply, detect,
        schema::{self, Layout, Replication},
        server::{Flavour, Server},
    },
};

use super::node::{address, options};

fn layout(replication: &str, uploads_days: u32) -> Layout {
    let replication = Replication::parse(replication).expect("a replication");
    Layout { keyspace: "referto".to_owned(), replication, uploads_days }
}

#[test]
fn the_schema_of_each_server_is_the_one_that_was_read() {
    let cassandra = Server::of(None, "5.0.9".to_owned());
    let scylla = Server::of(Some("2025.1.2".to_owned()), "3.0.8".to_owned());
    let expected = include_str!("../../data/schema-cassandra.cql");
    assert_eq!(schema::text(&cassandra, &layout("3", 0)), expected);
    let expected = include_str!("../../data/schema-scylladb.cql");
    assert_eq!(schema::text(&scylla, &layout("milano:3,roma:3", 400)), expected);
}

#[test]
fn replication_is_a_number_or_one_for_each_datacentre() {
    assert_eq!(Replication::parse(" 3 "), Some(Replication::Everywhere(3)));
    let two = vec![("dc-1".to_owned(), 3), ("dc_2".to_owned(), 2)];
    assert_eq!(Replication::parse("dc-1:3, dc_2:2"), Some(Replication::Datacentres(two)));
    for wrong in ["", "0", "-1", "10", "dc1", "dc1:", ":3", "dc1:3,", "d'c:3", "dc1:3;dc2:3"] {
        assert_eq!(Replication::parse(wrong), None, "{wrong}");
    }
    assert!(schema::is_keyspace("referto_2") && schema::is_keyspace("a"));
    for wrong in ["", "2a", "_a", "Referto", "a-b", "a.b", "a;", &"a".repeat(37)] {
        assert!(!schema::is_keyspace(wrong), "{wrong}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn applying_the_schema_again_changes_what_may_change_and_loses_nothing() {
    let Some(node) = address() else { return };
    let mut options = options(&node, &format!("again{}", std::process::id()));
    let server = detect(&options).await.unwrap();
    assert_eq!(server.flavour, Flavour::Cassandra);
    assert!(server.version.starts_with("5.") && server.is_served(), "{server}");

    let first = apply(&options).await.unwrap();
    assert_eq!((first.created, first.server), (true, server));
    let store = ScyllaStore::open(options.clone(), std::sync::Arc::new(store::conformance::Latest));
    assert!(store.put_lab("lab-a".parse().unwrap(), None, "{}".to_owned()).await.unwrap());
    options.layout.uploads_days = 30;
    assert!(!apply(&options).await.unwrap().created);
    assert_eq!(store.labs().await.unwrap().1.len(), 1, "what was there stays");

    let session = SessionBuilder::new().known_node(&node).build().await.unwrap();
    let keyspace = &options.layout.keyspace;
    let kept = async |table: &str| {
        let asked = format!(
            "SELECT default_time_to_live FROM system_schema.tables WHERE keyspace_name = '{keyspace}' \
             AND table_name = '{table}'"
        );
        let rows = session.query_unpaged(asked, ()).await.unwrap().into_rows_result().unwrap();
        rows.single_row::<(i32,)>().unwrap().0
    };
    assert_eq!((kept("items").await, kept("reports").await), (30 * 86_400, 0));

    // As the first release made it: not used before it is brought to this one.
    for change in [
        format!("DROP TABLE {keyspace}.persons_of_phone"),
        format!("DELETE FROM {keyspace}.migrations WHERE one = 0 AND version = {}", schema::VERSION),
        format!("INSERT INTO {keyspace}.migrations (one, version) VALUES (0, 1)"),
    ] {
        session.query_unpaged(change, ()).await.unwrap();
    }
    let open = || ScyllaStore::open(options.clone(), std::sync::Arc::new(store::conformance::Latest));
    assert!(open().places().await.is_err());
    assert!(!apply(&options).await.unwrap().created);
    let brought = open();
    assert!(brought.persons_of_phone(PhoneKey([1; 16])).await.unwrap().is_empty());
    assert_eq!(brought.labs().await.unwrap().1.len(), 1);

    // What a later release made is left alone, by both.
    session
        .query_unpaged(format!("INSERT INTO {keyspace}.migrations (one, version) VALUES (0, 99)"), ())
        .await
        .unwrap();
    assert!(apply(&options).await.is_err());
    assert!(open().places().await.is_err());
    for keyspace in [keyspace.clone(), schema::decisions(keyspace)] {
        session.query_unpaged(format!("DROP KEYSPACE {keyspace}"), ()).await.unwrap();
    }
}
