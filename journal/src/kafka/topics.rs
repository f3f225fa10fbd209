//! The topics: made where they are missing, and refused where their settings would break a promise.

use std::time::{Duration, Instant};

use rdkafka::{
    admin::{AdminClient, AdminOptions, NewTopic, ResourceSpecifier, TopicReplication},
    client::DefaultClientContext,
    error::RDKafkaErrorCode,
};
use tokio::runtime::Runtime;

use super::{
    ApplyError, layout,
    options::{Durability, Options},
    refused,
    shared::Shared,
};
use crate::Topic;

/// The topics on the brokers. What it does blocks.
pub(super) struct Topics<'a> {
    options: &'a Options,
    shared: &'a Shared,
    /// Only waits for answers that librdkafka's own threads give.
    runtime: &'a Runtime,
    admin: AdminClient<DefaultClientContext>,
}

impl<'a> Topics<'a> {
    pub(super) fn new(options: &'a Options, shared: &'a Shared, runtime: &'a Runtime) -> Result<Self, ApplyError> {
        Ok(Self { options, shared, runtime, admin: options.client().create().map_err(refused)? })
    }

    /// Makes those that are missing, and adds them to `made`.
    pub(super) fn make(&self, made: &mut Vec<Topic>) -> Result<(), ApplyError> {
        // Of all topics: asking for one by name makes it where the brokers make topics by themselves.
        let metadata = self
            .admin
            .inner()
            .fetch_metadata(None, self.options.request_timeout)
            .map_err(|error| self.shared.no_answer(&error))
            .map_err(ApplyError::NotReady)?;
        let is_there = |topic: &Topic| {
            let name = self.options.name(*topic);
            metadata.topics().iter().any(|found| found.name() == name && !found.partitions().is_empty())
        };
        let missing: Vec<_> = Topic::ALL.into_iter().filter(|topic| !is_there(topic)).collect();
        if missing.is_empty() { Ok(()) } else { self.create(&missing, made) }
    }

    /// Refuses those that would break a promise, with all reasons at once; tells the cluster's id.
    pub(super) fn check(&self) -> Result<String, ApplyError> {
        let mut wrong = self.wrong_places()?;
        wrong.extend(self.wrong_settings()?);
        if !wrong.is_empty() {
            return Err(ApplyError::Refused(wrong.join("; ")));
        }
        let cluster = self.admin.inner().fetch_cluster_id(self.options.request_timeout);
        cluster.ok_or_else(|| ApplyError::NotReady("the brokers do not tell the cluster's id".to_owned()))
    }

    fn create(&self, missing: &[Topic], made: &mut Vec<Topic>) -> Result<(), ApplyError> {
        let (options, replicas) = (self.options, layout::replicas(self.options));
        let partitions = i32::try_from(options.partitions).map_err(|error| ApplyError::Refused(error.to_string()))?;
        let named: Vec<_> =
            missing.iter().map(|topic| (options.name(*topic), layout::settings(options, *topic))).collect();
        let topics: Vec<_> = named
            .iter()
            .map(|(name, settings)| {
                let topic = NewTopic::new(name, partitions, TopicReplication::Fixed(replicas));
                settings.iter().fold(topic, |topic, setting| topic.set(setting.name, &setting.value))
            })
            .collect();
        let answers = self.runtime.block_on(self.admin.create_topics(&topics, &asking(options)));
        let answers = answers.map_err(|error| ApplyError::NotReady(error.to_string()))?;
        for answer in answers {
            match answer {
                Ok(name) => {
                    tracing::info!(topic = name, partitions, replicas, "made a topic");
                    made.extend(missing.iter().filter(|topic| options.name(**topic) == name));
                }
                // Another process was first; what it made is checked like ours.
                Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
                // Brokers that were just started are not all known at once.
                Err((name, RDKafkaErrorCode::InvalidReplicationFactor)) => {
                    return Err(ApplyError::NotReady(format!(
                        "topic {name} needs {replicas} replicas and there are fewer brokers: start {replicas} brokers, \
                         or ask for kafka.durability = single"
                    )));
                }
                Err((name, code)) => {
                    return Err(ApplyError::NotReady(format!("topic {name} cannot be made: {code}")));
                }
            }
        }
        Ok(())
    }

    /// Every partition has a leader, their number is ours, and enough replicas stand behind each.
    fn wrong_places(&self) -> Result<Vec<String>, ApplyError> {
        let (options, mut wrong) = (self.options, Vec::new());
        let limit = Instant::now() + options.request_timeout;
        for topic in Topic::ALL {
            let name = options.name(topic);
            let (partitions, replicas) = loop {
                let metadata = self
                    .admin
                    .inner()
                    .fetch_metadata(Some(&name), options.request_timeout)
                    .map_err(|error| ApplyError::NotReady(self.shared.no_answer(&error)))?;
                let partitions = metadata.topics().first().map(|topic| topic.partitions()).unwrap_or_default();
                if !partitions.is_empty() && partitions.iter().all(|partition| partition.leader() >= 0) {
                    let replicas = partitions.iter().map(|partition| partition.replicas().len()).min();
                    break (partitions.len(), replicas.unwrap_or(0));
                }
                if Instant::now() > limit {
                    return Err(ApplyError::NotReady(format!("topic {name} has partitions without a leader")));
                }
                // A topic that was made a moment ago has its leaders soon.
                std::thread::park_timeout(Duration::from_millis(50));
            };
            if partitions != options.partitions as usize {
                wrong.push(format!(
                    "topic {name} has {partitions} partitions and kafka.partitions is {}: a laboratory's records would \
                     change partition. Set kafka.partitions = {partitions}",
                    options.partitions
                ));
            }
            if options.durability == Durability::Replicated && replicas < layout::IN_SYNC {
                wrong.push(format!(
                    "topic {name} has {replicas} replica: give it {}, or ask for kafka.durability = single",
                    layout::replicas(options)
                ));
            }
        }
        Ok(wrong)
    }

    /// The settings that acknowledgements rest on.
    fn wrong_settings(&self) -> Result<Vec<String>, ApplyError> {
        let names = Topic::ALL.map(|topic| self.options.name(topic));
        let asked: Vec<_> = names.iter().map(|name| ResourceSpecifier::Topic(name)).collect();
        let told = self.runtime.block_on(self.admin.describe_configs(&asked, &asking(self.options)));
        let told = told.map_err(|error| ApplyError::NotReady(error.to_string()))?;
        let mut wrong = Vec::new();
        for ((topic, name), config) in Topic::ALL.into_iter().zip(&names).zip(told) {
            let config = config
                .map_err(|code| ApplyError::NotReady(format!("the settings of topic {name} cannot be read: {code}")))?;
            let found = |setting: &str| config.get(setting).and_then(|entry| entry.value.as_deref());
            wrong.extend(layout::refusal(self.options, topic, found));
        }
        Ok(wrong)
    }
}

fn asking(options: &Options) -> AdminOptions {
    AdminOptions::new().request_timeout(Some(options.request_timeout)).operation_timeout(Some(options.request_timeout))
}
