//! `referto schema` on a store and a journal that are servers: what it prints to be made by hand, what it makes, and in
//! which order.
//!
//! What needs the servers says so and passes where none are given.

use std::{env, time::Duration};

use rdkafka::{ClientConfig, admin::AdminClient, client::DefaultClientContext};
use serde_json::{Value, json};
use xtask::servers::{cassandra, kafka};

use crate::{
    sample,
    server::{self, Folder, Server, Start, printed},
};

type Settings = Vec<(&'static str, String)>;

const TOPICS: [&str; 3] = ["uploads", "notifications", "dead-letters"];

/// A journal on these brokers; what is not said is the default.
fn journal(brokers: &str) -> Settings {
    vec![("REFERTO_JOURNAL", "kafka".to_owned()), ("REFERTO_KAFKA__BROKERS", brokers.to_owned())]
}

/// A journal on the broker of the tests, with topics of one test.
fn own_journal(test: &str) -> Option<Settings> {
    let Ok(broker) = env::var(kafka::VARIABLE) else {
        eprintln!("not run: {} is not set", kafka::VARIABLE);
        return None;
    };
    let mut settings = journal(&broker);
    settings.push(("REFERTO_KAFKA__DURABILITY", "single".to_owned()));
    settings.push(("REFERTO_KAFKA__PARTITIONS", "2".to_owned()));
    settings.push(("REFERTO_KAFKA__TOPIC_PREFIX", prefix(test)));
    Some(settings)
}

fn prefix(test: &str) -> String {
    format!("schema-{test}-{}.", std::process::id())
}

/// A store on this node.
fn store(node: &str, test: &str) -> Settings {
    vec![
        ("REFERTO_STORE", "scylla".to_owned()),
        ("REFERTO_SCYLLA__NODES", node.to_owned()),
        ("REFERTO_SCYLLA__KEYSPACE", format!("schema_{test}{}", std::process::id())),
        ("REFERTO_SCYLLA__REPLICATION", "1".to_owned()),
    ]
}

/// Topics of one test that the broker has.
fn topics(test: &str) -> Vec<String> {
    let admin: AdminClient<DefaultClientContext> =
        ClientConfig::new().set("bootstrap.servers", env::var(kafka::VARIABLE).unwrap()).create().unwrap();
    let metadata = admin.inner().fetch_metadata(None, Duration::from_secs(10)).unwrap();
    let names = metadata.topics().iter().map(|topic| topic.name().to_owned());
    names.filter(|name| name.starts_with(&prefix(test))).collect()
}

#[test]
fn print_shows_the_topics_as_commands_and_below_tables_as_comments() {
    let golden = include_str!("../data/topics.sh");
    let (folder, brokers) = (Folder::new(), journal("kafka-1:9092, kafka-2:9092"));
    let print =
        |settings: &Settings| printed(folder.referto_with(settings, &["schema", "print", "--server", "cassandra-5.0"]));
    assert_eq!(print(&brokers), golden);
    let tables = store("away:9042", "print");
    let both = [brokers, tables.clone()].concat();
    let comments = golden.lines().map(|line| format!("-- {line}").trim_end().to_owned() + "\n");
    assert_eq!(print(&both), print(&tables) + "\n" + &comments.collect::<String>());
}

#[test]
fn what_is_embedded_has_no_schema() {
    for command in ["print", "apply"] {
        assert_eq!(server::run(&["schema", command]).status.code(), Some(2), "{command}");
    }
}

#[test]
fn apply_makes_the_tables_and_the_topics_once() {
    let (Some(journal), Ok(node)) = (own_journal("both"), env::var(cassandra::VARIABLE)) else { return };
    let (folder, settings) = (Folder::new(), [journal, store(&node, "both")].concat());
    for created in [true, false] {
        let told = printed(folder.referto_with(&settings, &["schema", "apply", "--json"]));
        let mut told: Value = serde_json::from_str(&told).expect("one JSON object");
        let expected = TOPICS.map(|topic| json!({"name": prefix("both") + topic, "created": created}));
        assert_eq!((&told["topics"], &told["created"]), (&json!(expected), &json!(created)));
        let fields = told.as_object_mut().unwrap();
        fields.retain(|_, value| !value.is_null());
        let names: Vec<_> = fields.keys().map(String::as_str).collect();
        assert_eq!(names, ["cluster", "created", "keyspace", "server", "store", "topics", "version"]);
    }
    let lines = printed(folder.referto_with(&settings, &["schema", "apply"]));
    let lines: Vec<_> = lines.lines().collect();
    let there = TOPICS.map(|topic| format!("{}{topic} there", prefix("both"))).join(", ");
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[0].starts_with("Apache Cassandra 5.") && lines[0].ends_with(" there"), "{lines:?}");
    assert!(lines[1].starts_with("kafka ") && lines[1].ends_with(&format!(": topics {there}")), "{lines:?}");
}

#[test]
fn without_the_store_no_topic_is_made() {
    let Some(journal) = own_journal("order") else { return };
    let settings = [journal.clone(), store("127.0.0.1:1", "order")].concat();
    let refused = Folder::new().referto_with(&settings, &["schema", "apply"]);
    assert_eq!((refused.status.code(), refused.stdout), (Some(3), Vec::new()));
    assert_eq!(topics("order"), [""; 0]);
    // A file is a store, too: one that cannot be made.
    let folder = Folder::new();
    std::fs::create_dir(folder.file("store.db")).unwrap();
    assert_eq!(folder.referto_with(&journal, &["schema", "apply"]).status.code(), Some(3));
    assert_eq!(topics("order"), [""; 0]);
}

#[test]
fn after_apply_a_first_start_tells_of_what_comes() {
    let Some(settings) = own_journal("first") else { return };
    let folder = Folder::new();
    let told = printed(folder.referto_with(&settings, &["schema", "apply", "--json"]));
    let told: Value = serde_json::from_str(&told).expect("one JSON object");
    assert_eq!((&told["store"], &told["created"]), (&json!("embedded"), &json!(true)));
    let mut made = topics("first");
    made.sort();
    assert_eq!(made, ["dead-letters", "notifications", "uploads"].map(|topic| prefix("first") + topic));

    let key = folder.add_lab("lab-one", &[]);
    let server = Server::start_with(&folder, Start { variables: &settings, ..Start::default() }).expect("it serves");
    // Beside what runs, too.
    printed(folder.referto_with(&settings, &["schema", "apply"]));
    let (_, outcome) = server.upload(&key, "application/json", sample::report("A-1").to_string());
    assert_eq!((&outcome["new"], &outcome["held"]), (&json!(1), &json!(0)));
    let tasks = || printed(folder.referto_with(&settings, &["tasks"])).lines().count();
    server::wait_for(|| (tasks() == 1).then_some(()));
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn unsafe_topics_are_refused_and_the_command_that_mends_them_told() {
    let Some(mut settings) = own_journal("unsafe") else { return };
    let folder = Folder::new();
    let days = settings.len();
    settings.push(("REFERTO_RETENTION__UPLOADS_DAYS", "10".to_owned()));
    printed(folder.referto_with(&settings, &["schema", "apply"]));
    // Longer than the topics were made for.
    settings[days].1 = "20".to_owned();
    let refused = folder.referto_with(&settings, &["schema", "apply"]);
    let told = String::from_utf8_lossy(&refused.stderr);
    assert_eq!(refused.status.code(), Some(3), "{told}");
    for (topic, days) in [("uploads", 20), ("notifications", 27)] {
        let kept = Duration::from_secs(days * 86_400).as_millis();
        let mend = format!("--entity-name {}{topic} --add-config retention.ms={kept}", prefix("unsafe"));
        assert!(told.contains(&mend), "{mend}: {told}");
    }
}
