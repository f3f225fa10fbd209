//! The topics: made where they are missing, and refused where their settings would break a promise.

use std::time::{Duration, Instant};

use rdkafka::{
    admin::{AdminClient, AdminOptions, ConfigResource, NewTopic, ResourceSpecifier, TopicReplication},
    client::DefaultClientContext,
    error::RDKafkaErrorCode,
    metadata::Metadata,
};
use tokio::runtime::Runtime;

use super::{
    options::{Durability, Options},
    shared::Shared,
};
use crate::Topic;

/// Replicas of a topic that is made under [`Durability::Replicated`]: one may be down and one be lost.
const REPLICAS: i32 = 3;
/// Replicas that have a record before it is acknowledged.
const IN_SYNC: usize = 2;

/// Makes the topics that are missing and checks all of them; returns the cluster's id. Blocks.
///
/// `runtime` only waits for answers that librdkafka's own threads give.
pub(super) fn ensure(options: &Options, shared: &Shared, runtime: &Runtime) -> Result<String, String> {
    let admin: AdminClient<DefaultClientContext> =
        options.client().create().map_err(|error| format!("the settings are not librdkafka's: {error}"))?;
    let limit = options.request_timeout;
    // Of all topics: asking for one by name makes it where the brokers make topics by themselves.
    let metadata = admin.inner().fetch_metadata(None, limit).map_err(|error| shared.no_answer(&error))?;
    let missing: Vec<_> = Topic::ALL.into_iter().filter(|topic| found(&metadata, options, *topic).is_none()).collect();
    if !missing.is_empty() {
        create(options, &admin, &missing, runtime)?;
    }
    check_places(options, shared, &admin)?;
    check_settings(options, &admin, runtime)?;
    admin.inner().fetch_cluster_id(limit).ok_or_else(|| "the brokers do not tell the cluster's id".to_owned())
}

fn found<'a>(metadata: &'a Metadata, options: &Options, topic: Topic) -> Option<&'a rdkafka::metadata::MetadataTopic> {
    let name = options.name(topic);
    metadata.topics().iter().find(|found| found.name() == name && !found.partitions().is_empty())
}

fn create(
    options: &Options,
    admin: &AdminClient<DefaultClientContext>,
    missing: &[Topic],
    runtime: &Runtime,
) -> Result<(), String> {
    let (replicas, in_sync) = match options.durability {
        Durability::Replicated => (REPLICAS, IN_SYNC.to_string()),
        Durability::Single => (1, "1".to_owned()),
    };
    let max_bytes = options.max_record_bytes.to_string();
    let partitions = i32::try_from(options.partitions).map_err(|error| error.to_string())?;
    let named: Vec<_> =
        missing.iter().map(|topic| (options.name(*topic), options.kept(*topic).as_millis().to_string())).collect();
    let topics: Vec<_> = named
        .iter()
        .map(|(name, kept)| {
            NewTopic::new(name, partitions, TopicReplication::Fixed(replicas))
                .set("cleanup.policy", "delete")
                .set("retention.ms", kept)
                .set("min.insync.replicas", &in_sync)
                .set("unclean.leader.election.enable", "false")
                .set("max.message.bytes", &max_bytes)
                .set("message.timestamp.type", "CreateTime")
        })
        .collect();
    let made = runtime.block_on(admin.create_topics(&topics, &asking(options))).map_err(|error| error.to_string())?;
    for result in made {
        match result {
            Ok(topic) => tracing::info!(topic, partitions, replicas, "made a topic"),
            // Another process was first; what it made is checked like ours.
            Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
            Err((topic, RDKafkaErrorCode::InvalidReplicationFactor)) => {
                return Err(format!(
                    "topic {topic} needs {replicas} replicas and there are fewer brokers: start {replicas} brokers, \
                     or ask for kafka.durability = single"
                ));
            }
            Err((topic, code)) => return Err(format!("topic {topic} cannot be made: {code}")),
        }
    }
    Ok(())
}

/// Every partition has a leader, their number is ours, and enough replicas stand behind each.
fn check_places(options: &Options, shared: &Shared, admin: &AdminClient<DefaultClientContext>) -> Result<(), String> {
    let limit = Instant::now() + options.request_timeout;
    for topic in Topic::ALL {
        let name = options.name(topic);
        let (partitions, replicas) = loop {
            let metadata = admin
                .inner()
                .fetch_metadata(Some(&name), options.request_timeout)
                .map_err(|error| shared.no_answer(&error))?;
            let partitions = metadata.topics().first().map(|topic| topic.partitions()).unwrap_or_default();
            if !partitions.is_empty() && partitions.iter().all(|partition| partition.leader() >= 0) {
                let replicas = partitions.iter().map(|partition| partition.replicas().len()).min();
                break (partitions.len(), replicas.unwrap_or(0));
            }
            if Instant::now() > limit {
                return Err(format!("topic {name} has partitions without a leader"));
            }
            // A topic that was made a moment ago has its leaders soon.
            std::thread::park_timeout(Duration::from_millis(50));
        };
        if partitions != options.partitions as usize {
            return Err(format!(
                "topic {name} has {partitions} partitions and kafka.partitions is {}: a laboratory's records would \
                 change partition. Set kafka.partitions = {partitions}",
                options.partitions
            ));
        }
        if options.durability == Durability::Replicated && replicas < IN_SYNC {
            return Err(format!(
                "topic {name} has {replicas} replica: give it {REPLICAS}, or ask for kafka.durability = single"
            ));
        }
    }
    Ok(())
}

/// The settings that acknowledgements rest on.
fn check_settings(
    options: &Options,
    admin: &AdminClient<DefaultClientContext>,
    runtime: &Runtime,
) -> Result<(), String> {
    let names = Topic::ALL.map(|topic| options.name(topic));
    let asked: Vec<_> = names.iter().map(|name| ResourceSpecifier::Topic(name)).collect();
    let told = runtime.block_on(admin.describe_configs(&asked, &asking(options))).map_err(|error| error.to_string())?;
    for (name, config) in names.iter().zip(told) {
        let config = config.map_err(|code| format!("the settings of topic {name} cannot be read: {code}"))?;
        if let Some(wrong) = wrong_setting(options, &config) {
            return Err(format!("topic {name}: {wrong}"));
        }
    }
    Ok(())
}

fn wrong_setting(options: &Options, config: &ConfigResource) -> Option<String> {
    let value = |name: &str| config.get(name).and_then(|entry| entry.value.as_deref()).unwrap_or_default();
    let number = |name: &str| value(name).parse::<usize>().unwrap_or(0);
    let wrong =
        |name: &str, wanted: &str, why: &str| Some(format!("{name} is {:?} and must be {wanted}: {why}", value(name)));
    if value("cleanup.policy") != "delete" {
        return wrong("cleanup.policy", "delete", "compaction would drop uploads");
    }
    if value("message.timestamp.type") != "CreateTime" {
        return wrong("message.timestamp.type", "CreateTime", "a record's time is when it was received");
    }
    if number("max.message.bytes") < options.max_record_bytes {
        let wanted = format!("at least {}", options.max_record_bytes);
        return wrong("max.message.bytes", &wanted, "large reports would be refused");
    }
    if options.durability == Durability::Replicated {
        if number("min.insync.replicas") < IN_SYNC {
            return wrong("min.insync.replicas", "at least 2", "one broker's loss would lose acknowledged uploads");
        }
        if value("unclean.leader.election.enable") != "false" {
            return wrong("unclean.leader.election.enable", "false", "a stale replica would drop acknowledged uploads");
        }
    }
    None
}

fn asking(options: &Options) -> AdminOptions {
    AdminOptions::new().request_timeout(Some(options.request_timeout)).operation_timeout(Some(options.request_timeout))
}
