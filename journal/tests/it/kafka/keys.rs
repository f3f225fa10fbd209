//! Where a key's records go: where every other client of Kafka sends them.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write as _,
    process::Stdio,
};

use journal::{Journal, Limit, Position, Record, Topic};
use xtask::servers::{Folder, kafka::Broker};

use super::{broker, open, options};
use crate::common::{record, within};

/// As laboratories are named; more than partitions, so that some partition has several.
const KEYS: [&str; 8] = ["lab-torino", "lab-cuneo", "lab-asti", "lab-alba", "TO", "cn-2", "lab_9", "a"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_is_in_the_partition_that_the_java_client_gives_it() {
    if broker().is_none() {
        return;
    }
    let folder = Folder::new().unwrap();
    let server = Broker::start(folder.path()).unwrap();
    let options = options(&server.address());
    let topic = format!("{}{}", options.topic_prefix, Topic::Uploads.as_str());
    let partitions = options.partitions;
    let journal = open(options).await;
    let records = KEYS.map(|key| Record { key: key.into(), ..record(key) });
    for appended in within(journal.append(Topic::Uploads, records.into())).await {
        appended.unwrap();
    }

    let mut java = server.tool("org.apache.kafka.tools.ConsoleProducer");
    java.args(["--bootstrap-server", &server.address(), "--topic", &topic]);
    java.args(["--reader-property", "parse.key=true", "--reader-property", "key.separator=:"]);
    let mut java = java.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let lines: String = KEYS.iter().map(|key| format!("{key}:{key}\n")).collect();
    java.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    assert!(java.wait().unwrap().success());

    let mut found: BTreeMap<String, Vec<u32>> = BTreeMap::new();
    for partition in 0..partitions {
        let from = Position { partition, offset: 0 };
        for stored in journal.read(Topic::Uploads, from, Limit { records: 100, bytes: 1 << 20 }).await.unwrap() {
            found.entry(String::from_utf8(stored.key.to_vec()).unwrap()).or_default().push(partition);
        }
    }
    assert_eq!(found.len(), KEYS.len(), "{found:?}");
    for (key, partitions) in &found {
        assert!(partitions.len() == 2 && partitions[0] == partitions[1], "{key}: ours and Java's {partitions:?}");
    }
    assert!(found.values().collect::<BTreeSet<_>>().len() > 1, "not all in one: {found:?}");
}
