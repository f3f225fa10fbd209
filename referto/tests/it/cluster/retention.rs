//! The brokers let go of uploads that no worker has read: nothing is skipped silently.

use rdkafka::{
    ClientConfig, Offset, TopicPartitionList,
    admin::{AdminClient, AdminOptions},
    client::DefaultClientContext,
};

use super::{Cluster, Node, Receipt};
use crate::{
    http,
    server::{self, Folder},
};

#[test]
fn what_retention_took_unread_is_told_and_not_skipped() {
    let Some(cluster) = Cluster::new("retention") else { return };
    let (worker, door, status) = (cluster.start("workers"), cluster.start("ingest"), cluster.start("status"));
    cluster.upload_of_each(&door, "A");
    status.wait_for_no_lag();
    worker.stop();
    cluster.upload_of_each(&door, "B");
    cluster.upload_of_each(&door, "C");
    // All before the first laboratory's last upload, in its partition.
    let last = cluster.receipts.lock().unwrap().iter().rfind(|receipt| receipt.lab == 0).map(|it| it.location.clone());
    let (partition, offset) = position(&last.expect("a receipt"));
    let place = cluster.places()[&partition];
    cluster.delete_before(partition, offset);

    let told = cluster.refused();
    let lost_before = format!("{partition}.{offset}");
    let missing = format!("from {partition}.{place} up to {lost_before} ({} records", offset - place);
    for part in [missing, format!("journal_lost_before = \"{lost_before}\"")] {
        assert!(told.contains(&part), "{part}: {told}");
    }
    assert_eq!(cluster.places()[&partition], place, "the place stays");
    // A store that was never fed lacks them too.
    let told = cluster.refused_with(&[("REFERTO_STORE", "embedded".to_owned())]);
    let missing = format!(
        "the store was never fed, and the journal beside it has let go of records: uploads that were \
         acknowledged are not stored here: from {partition}.0 up to {lost_before} ({offset} records"
    );
    assert!(told.contains(&missing), "{missing}: {told}");
    // Doors need no reader: one that is opened now takes uploads.
    let second = cluster.start("ingest");
    cluster.upload_of_each(&second, "D");

    // Known to be lost, and told so to who sent it; all else is stored.
    let known = [("REFERTO_JOURNAL_LOST_BEFORE", lost_before)];
    let worker = cluster.start_with("workers", Folder::new(), &known);
    let is_lost = |receipt: &mut Receipt| {
        let (at, number) = position(&receipt.location);
        at == partition && (place..offset).contains(&number)
    };
    let lost: Vec<_> = cluster.receipts.lock().unwrap().extract_if(.., is_lost).collect();
    assert!(!lost.is_empty());
    cluster.audit(&status, &[&worker]);
    for receipt in lost {
        let answer = http::get(&receipt.location).key(&cluster.keys[receipt.lab]).to(status.server.http);
        assert_eq!(answer.status, 404, "{}", answer.text());
    }
    for node in [worker, door, second, status] {
        node.stop();
    }
}

/// What `?at=` names.
fn position(location: &str) -> (u32, u64) {
    let at = location.split_once("at=").expect("a position").1;
    let (partition, offset) = at.split_once('.').expect("two numbers");
    (partition.parse().expect("a partition"), offset.parse().expect("an offset"))
}

impl Cluster {
    /// What a worker says that does not start.
    fn refused(&self) -> String {
        self.refused_with(&[])
    }

    /// The same with other settings.
    fn refused_with(&self, other: &[(&'static str, String)]) -> String {
        let settings = [&self.settings, other].concat();
        Node::start("workers", Folder::new(), &settings, (server::ANY, server::ANY)).err().expect("it does not start").1
    }

    /// Makes the brokers let go of what stands before `offset`, as retention does.
    fn delete_before(&self, partition: u32, offset: u64) {
        let setting = |name: &str| &self.settings.iter().find(|(have, _)| *have == name).expect("a setting").1;
        let topic = format!("{}uploads", setting("REFERTO_KAFKA__TOPIC_PREFIX"));
        let mut before = TopicPartitionList::new();
        let offset = Offset::Offset(i64::try_from(offset).expect("an offset"));
        before.add_partition_offset(&topic, i32::try_from(partition).expect("a partition"), offset).expect("an offset");
        let brokers = setting("REFERTO_KAFKA__BROKERS");
        let admin: AdminClient<DefaultClientContext> =
            ClientConfig::new().set("bootstrap.servers", brokers).create().expect("an admin client");
        let deleted = self.runtime.block_on(admin.delete_records(&before, &AdminOptions::new())).expect("an answer");
        assert!(deleted.elements().iter().all(|one| one.error().is_ok()), "{deleted:?}");
    }
}
