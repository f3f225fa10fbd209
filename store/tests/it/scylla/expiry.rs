//! Uploads that expired on the server and come again.

use std::{sync::Arc, time::Duration};

use schemas::Position;
use store::{AdmitRecord, Batch, Store, Verdict, conformance::Latest, scylla::ScyllaStore};

use super::node::{Keyspace, address};
use crate::load;

const DAYS: u32 = 30;
/// Far more than a second, which rows here live.
const PATIENCE: Duration = Duration::from_secs(30);

/// What the journal has of the two uploads: what the second repeats of the first is held.
fn first() -> Vec<AdmitRecord> {
    vec![load::small(1, &[0]), upload()]
}

/// New and held (0), new (1, 2), a repeat of what is held (7), refused (9, 19).
fn upload() -> AdmitRecord {
    let mut record = load::small(2, &[0, 1, 2, 7, 9, 19]);
    record.items[3].verdict = Verdict::Accepted(Box::new(load::accepted(1, 0)));
    record
}

/// The second upload again, so many days later: of its items one is refused now, one accepted.
fn again(offset: u64, days: i64) -> AdmitRecord {
    let mut record = upload();
    record.position = Position { partition: 0, offset };
    record.items[1].verdict = Verdict::Refused;
    record.items[4].verdict = Verdict::Accepted(Box::new(load::accepted(2, 8)));
    received(record, days)
}

/// The record received so many days later.
fn received(mut record: AdmitRecord, days: i64) -> AdmitRecord {
    let later = |time: jiff::Timestamp| time + jiff::SignedDuration::from_hours(24 * days);
    record.submission.received_at = later(record.submission.received_at);
    record.submission.day += jiff::Span::new().days(days);
    for item in &mut record.items {
        if let Verdict::Accepted(new) = &mut item.verdict {
            new.version.received_at = later(new.version.received_at);
        }
    }
    record
}

async fn admit(store: &ScyllaStore, records: Vec<AdmitRecord>) {
    store.admit(Batch { records, ..Batch::default() }, Arc::new(Latest)).await.expect("admitted");
}

/// The tables whose rows expire.
async fn expiring(keyspace: &Keyspace) -> Vec<String> {
    let name = &keyspace.options().layout.keyspace;
    let asked =
        format!("SELECT table_name, default_time_to_live FROM system_schema.tables WHERE keyspace_name = '{name}'");
    let rows = keyspace.query::<(String, i32)>(asked).await;
    rows.into_iter().filter(|(_, seconds)| *seconds > 0).map(|(table, _)| format!("{name}.{table}")).collect()
}

/// Rows written from here on live so long.
async fn live(keyspace: &Keyspace, tables: &[String], seconds: u32) {
    let alter = |table| keyspace.run(format!("ALTER TABLE {table} WITH default_time_to_live = {seconds}"));
    futures_util::future::join_all(tables.iter().map(alter)).await;
}

/// Every row of these tables.
async fn rows(keyspace: &Keyspace, tables: &[String]) -> Vec<String> {
    let mut all = Vec::new();
    for table in tables {
        let rows = keyspace.query::<(String,)>(format!("SELECT JSON * FROM {table}")).await;
        all.extend(rows.into_iter().map(|(row,)| format!("{table} {row}")));
    }
    all.sort_unstable();
    all
}

/// All that is stored, told or not.
async fn told(keyspace: &Keyspace, store: &ScyllaStore, tables: &[String]) -> Vec<String> {
    [store.dump(true).await.unwrap(), store.unfound().await.unwrap(), rows(keyspace, tables).await].concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_comes_again_is_stored_where_the_first_expired_and_changes_nothing_where_it_lives() {
    let Some(node) = address() else { return };
    let keyspace = Keyspace::keeping(&node, DAYS).await;
    let tables = expiring(&keyspace).await;
    assert_eq!(tables.len(), 5, "{tables:?}");
    at_midnight(&keyspace, &tables).await;
    when_it_expired(&keyspace, &tables).await;
    keyspace.drop().await;
}

/// As if the first had never been.
async fn when_it_expired(keyspace: &Keyspace, tables: &[String]) {
    let [second, third] = [again(1_000, 60), again(2_000, 61)];
    let store = keyspace.empty().await;
    admit(&store, first()).await;
    let held = format!("{}.held_items", keyspace.options().layout.keyspace);
    let times = keyspace.query::<(i64,)>(format!("SELECT WRITETIME(digest) FROM {held}")).await;
    let held_at = times.into_iter().max().expect("held").0;
    for table in tables {
        assert!(!rows(keyspace, std::slice::from_ref(table)).await.is_empty(), "{table} is in the test");
    }
    futures_util::future::join_all(tables.iter().map(|table| keyspace.run(format!("TRUNCATE {table}")))).await;
    admit(&store, vec![second.clone()]).await;
    let expected = told(keyspace, &store, tables).await;
    assert!(store.submission(second.submission.id).await.unwrap().unwrap().is_done());

    let store = keyspace.empty().await;
    live(keyspace, tables, 1).await;
    admit(&store, first()).await;
    let gone = async {
        while !rows(keyspace, tables).await.is_empty() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, gone).await.expect("expired");
    assert!(store.submission(second.submission.id).await.unwrap().is_none());
    live(keyspace, tables, DAYS * 86_400).await;
    // Of two that expire at one timestamp the later is read, until compaction makes a deletion of the first.
    let id = second.submission.id.0;
    keyspace.run(format!("DELETE FROM {held} USING TIMESTAMP {held_at} WHERE submission = {id}")).await;
    admit(&store, vec![second.clone()]).await;
    let ours = told(keyspace, &store, tables).await;
    let missing: Vec<_> = expected.iter().filter(|line| !ours.contains(line)).collect();
    assert!(ours == expected, "missing: {missing:#?}");

    // While it lives, it stays as it was: whenever it comes again, and whoever comes late.
    for records in [vec![third], vec![second]] {
        admit(&store, records).await;
        assert!(told(keyspace, &store, tables).await == expected);
    }
}

/// Twice, on two days: the same rows in whichever pieces, and whoever admits them.
async fn at_midnight(keyspace: &Keyspace, tables: &[String]) {
    let [before, after] = [upload(), again(3, 1)];

    let store = keyspace.empty().await;
    admit(&store, vec![load::small(1, &[0]), before.clone(), after.clone()]).await;
    let expected = told(keyspace, &store, tables).await;

    let (store, zombie) = (keyspace.empty().await, ScyllaStore::open(keyspace.options(), Arc::new(Latest)));
    admit(&store, vec![load::small(1, &[0])]).await;
    let owner = async {
        admit(&store, vec![before.clone()]).await;
        admit(&store, vec![after.clone()]).await;
    };
    tokio::join!(owner, admit(&zombie, vec![before.clone(), after.clone()]));
    assert!(told(keyspace, &store, tables).await == expected);
    admit(&zombie, vec![before]).await;
    assert!(told(keyspace, &store, tables).await == expected);
}
