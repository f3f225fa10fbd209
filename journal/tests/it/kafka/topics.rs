//! What Kafka's topics are made with, and which are refused.

use std::{collections::BTreeMap, time::Duration};

use journal::{
    AppendError, Health, Journal as _, Topic,
    kafka::{self, ApplyError, Durability, KafkaJournal, Options},
};
use rdkafka::admin::{AdminOptions, AlterConfig, ConfigSource, NewTopic, ResourceSpecifier, TopicReplication};

use super::{broker, conformance::admin, open, options, reason, until};
use crate::common::{append, within};

const DAY: Duration = Duration::from_secs(86_400);

/// What every topic of [`kept`] is made with; `retention.ms` besides.
const SETTINGS: [(&str, &str); 6] = [
    ("cleanup.policy", "delete"),
    ("retention.bytes", "-1"),
    ("min.insync.replicas", "1"),
    ("unclean.leader.election.enable", "false"),
    ("max.message.bytes", "9437184"),
    ("message.timestamp.type", "CreateTime"),
];
/// How many days each topic is kept, with uploads kept for 30.
const DAYS: [(Topic, u32); 3] = [(Topic::Uploads, 30), (Topic::Notifications, 37), (Topic::DeadLetters, 90)];

/// Topics whose uploads are kept for 30 days.
fn kept(address: &str) -> Options {
    Options { uploads_kept: 30 * DAY, ..options(address) }
}

/// The settings that a topic is made with.
fn made_with(days: u32) -> BTreeMap<&'static str, String> {
    let mut settings: BTreeMap<_, _> = SETTINGS.map(|(name, value)| (name, value.to_owned())).into();
    settings.insert("retention.ms", (days * DAY).as_millis().to_string());
    settings
}

/// Gives a topic these settings, and no others.
async fn set(address: &str, topic: &str, settings: &BTreeMap<&'static str, String>) {
    let config = AlterConfig::new(ResourceSpecifier::Topic(topic));
    let config = settings.iter().fold(config, |config, (name, value)| config.set(name, value));
    for altered in within(admin(address).alter_configs([&config], &AdminOptions::new())).await.unwrap() {
        altered.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn topics_are_made_once_with_the_settings_that_the_promise_rests_on() {
    let Some(address) = broker() else { return };
    let options = kept(&address);
    // Two at once, as by processes that start together: each topic is made by one of them.
    let (one, other) = tokio::join!(kafka::apply(options.clone()), kafka::apply(options.clone()));
    let (one, other) = (one.unwrap(), other.unwrap());
    assert_eq!(one.cluster, other.cluster);
    for (topic, (one, other)) in Topic::ALL.into_iter().zip(one.topics.iter().zip(&other.topics)) {
        assert_eq!((&one.name, &other.name), (&format!("{}{topic}", options.topic_prefix), &one.name));
        assert!(one.created ^ other.created, "{topic}");
    }
    let again = kafka::apply(options.clone()).await.unwrap();
    assert!(again.topics.iter().all(|topic| !topic.created));
    assert_eq!(again.topics.len(), 3);

    for (topic, days) in DAYS {
        let name = format!("{}{topic}", options.topic_prefix);
        let (admin, asked) = (admin(&address), ResourceSpecifier::Topic(&name));
        let told = within(admin.describe_configs([&asked], &AdminOptions::new())).await.unwrap();
        let config = told.into_iter().next().unwrap().unwrap();
        let own = config.entries.iter().filter(|entry| entry.source == ConfigSource::DynamicTopic);
        let own: BTreeMap<_, _> = own.map(|entry| (&*entry.name, entry.value.clone().unwrap_or_default())).collect();
        assert_eq!(own, made_with(days), "{topic}");
    }
    let journal = open(options).await;
    within(append(&*journal, "one")).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_setting_that_breaks_a_promise_is_refused_with_the_command_that_mends_it() {
    let Some(address) = broker() else { return };
    let single = || kept(&address);
    let replicated = || Options { durability: Durability::Replicated, ..single() };
    // Most of it is waiting for answers: each setting has topics of its own, and all are tried at once.
    let mut tried = tokio::task::JoinSet::new();
    for (options, setting, found, needed) in [
        (single(), "cleanup.policy", "compact", "delete"),
        (single(), "retention.ms", "86400000", "at least DAYS, or -1"),
        (single(), "retention.bytes", "1073741824", "-1"),
        (single(), "max.message.bytes", "1048588", "at least 9437184"),
        (single(), "message.timestamp.type", "LogAppendTime", "CreateTime"),
        (replicated(), "min.insync.replicas", "1", "at least 2"),
        (replicated(), "unclean.leader.election.enable", "true", "false"),
    ] {
        let runtime = tokio::runtime::Handle::current();
        tried.spawn_blocking(move || runtime.block_on(is_refused(options, setting, found, needed)));
    }
    while let Some(done) = tried.join_next().await {
        done.unwrap();
    }
}

/// Tries the setting in each topic: refused until it is what it must be.
async fn is_refused(options: Options, setting: &'static str, found: &str, needed: &str) {
    let single = Options { durability: Durability::Single, ..options.clone() };
    kafka::apply(single.clone()).await.unwrap();
    for (topic, days) in DAYS {
        let name = format!("{}{topic}", options.topic_prefix);
        let (right, days_ms) = (made_with(days), (days * DAY).as_millis().to_string());
        let mut wrong = right.clone();
        wrong.insert(setting, found.to_owned());
        set(&options.brokers, &name, &wrong).await;
        // Shown where it is not refused.
        eprintln!("{name}: {setting}={found}");

        let needed = needed.replace("DAYS", &days_ms);
        let mended = needed.trim_start_matches("at least ").trim_end_matches(", or -1");
        let mut parts = vec![
            format!("{setting} is {found:?} and must be {needed}: "),
            format!("{setting}={mended}"),
            format!("kafka-configs.sh --bootstrap-server {} --alter", options.brokers),
            format!("--entity-type topics --entity-name {name} --add-config "),
        ];
        if options.durability == Durability::Single {
            // Nothing else is wrong, here or in the other topics.
            let [only, mended, ..] = &parts[..] else { unreachable!() };
            parts.extend([format!("topic {name}: {only}"), format!("--add-config {mended}")]);
        }
        let told_by = |told: &str| parts.iter().all(|part| told.contains(part));
        // The broker that is asked learns of it a moment later.
        until(async || match kafka::apply(options.clone()).await {
            Err(ApplyError::Refused(told)) => told_by(&told),
            _ => false,
        })
        .await;
        let journal = KafkaJournal::open(options.clone()).unwrap();
        until(async || told_by(&reason(&journal))).await;
        assert!(matches!(append(&*journal, "one").await, Err(AppendError::Unavailable(_))));
        set(&options.brokers, &name, &right).await;
    }
    let journal = open(single).await;
    within(append(&*journal, "one")).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_applies_is_told_why_no_broker_answers() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let options = Options { request_timeout: Duration::from_secs(1), ..options(&closed) };
    let error = kafka::apply(options).await.unwrap_err();
    assert!(matches!(&error, ApplyError::NotReady(reason) if reason.contains("Connection refused")), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn topics_that_would_lose_uploads_are_refused_until_they_are_mended() {
    let Some(address) = broker() else { return };
    let options = Options { uploads_kept: Duration::from_secs(3_600), ..options(&address) };
    let name = format!("{}uploads", options.topic_prefix);
    let compacted = NewTopic::new(&name, 3, TopicReplication::Fixed(1)).set("cleanup.policy", "compact");
    admin(&address).create_topics([&compacted], &AdminOptions::new()).await.unwrap();

    let journal = KafkaJournal::open(options.clone()).unwrap();
    until(async || reason(&journal).contains("cleanup.policy")).await;
    assert!(matches!(append(&*journal, "one").await, Err(AppendError::Unavailable(_))));
    assert!(within(journal.id()).await.is_err());

    admin(&address).delete_topics(&[&name], &AdminOptions::new()).await.unwrap();
    until(async || journal.health() == Health::Ready).await;
    within(append(&*journal, "one")).await.unwrap();

    let more = Options { partitions: 4, ..options.clone() };
    let journal = KafkaJournal::open(more).unwrap();
    until(async || reason(&journal).contains("kafka.partitions = 3")).await;
    let replicated = Options { durability: Durability::Replicated, ..options };
    let journal = KafkaJournal::open(replicated).unwrap();
    until(async || reason(&journal).contains("has 1 replica")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_broker_must_be_asked_for() {
    let Some(address) = broker() else { return };
    let journal = KafkaJournal::open(Options { durability: Durability::Replicated, ..options(&address) }).unwrap();
    until(async || reason(&journal).contains("kafka.durability = single")).await;
}
