//! Settings of the adapter, and the client configurations that follow from them.

use std::{collections::BTreeMap, time::Duration};

use rdkafka::ClientConfig;

use crate::Topic;

const MIB: usize = 1024 * 1024;
const DAY: Duration = Duration::from_secs(86_400);

/// What an acknowledged record survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// The loss of a broker: topics with at least two in-sync replicas, or appends are refused.
    Replicated,
    /// The broker's process, and nothing more. To be asked for.
    Single,
}

/// How a journal on Kafka is opened.
#[derive(Clone)]
pub struct Options {
    /// `host:port` of some brokers, with commas between; the rest is learned from them.
    pub brokers: String,
    /// What the topics must give.
    pub durability: Durability,
    /// Stands before every topic's and group's name.
    pub topic_prefix: String,
    /// Partitions of each topic. Fixed at creation: another number would move keys, so it is refused.
    pub partitions: u32,
    /// Once this much is taken and not acknowledged, appends answer [`crate::AppendError::Full`] at once. One append
    /// may pass the limit, whatever its size.
    pub queue_bytes: usize,
    /// The largest record, headers included; the topics' `max.message.bytes`.
    pub max_record_bytes: usize,
    /// How long a record may wait for its acknowledgement: less than a client waits for its answer, so that what
    /// was told to have failed is not delivered later.
    pub message_timeout: Duration,
    /// How long a request beside appends may take: metadata, offsets, one page.
    pub request_timeout: Duration,
    /// Appends that wait this long while none succeeds make the watchdog look at the brokers with fresh eyes. More
    /// than `message_timeout`, so that an outage which ends in time is none of its business.
    pub stall: Duration,
    /// How long uploads are kept; tasks for 7 days more, dead letters for 90 days.
    pub uploads_kept: Duration,
    /// Appends answer [`crate::AppendError::Unavailable`] until [`super::KafkaJournal::release`]: for who has to look at
    /// the topics' ends before anything is added.
    pub held: bool,
    /// Settings of librdkafka passed on as they are: `security.protocol`, `ssl.*`, `sasl.*` and the like. What this
    /// adapter promises does not bend to them.
    pub client: BTreeMap<String, String>,
}

/// Of librdkafka's settings the names alone: a password is among them.
impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { brokers, durability, topic_prefix, partitions, .. } = self;
        f.debug_struct("Options")
            .field("brokers", brokers)
            .field("durability", durability)
            .field("topic_prefix", topic_prefix)
            .field("partitions", partitions)
            .field("client", &self.client.keys())
            .finish_non_exhaustive()
    }
}

impl Options {
    /// The defaults: replicated, 48 partitions, 64 MiB of queue.
    #[must_use]
    pub fn new(brokers: impl Into<String>) -> Self {
        Self {
            brokers: brokers.into(),
            durability: Durability::Replicated,
            topic_prefix: String::new(),
            partitions: 48,
            queue_bytes: 64 * MIB,
            // A unit of 8 MiB with its headers.
            max_record_bytes: 9 * MIB,
            message_timeout: Duration::from_secs(10),
            request_timeout: Duration::from_secs(5),
            stall: Duration::from_secs(15),
            uploads_kept: 30 * DAY,
            held: false,
            client: BTreeMap::new(),
        }
    }

    /// The topic's name on the brokers.
    pub(super) fn name(&self, topic: Topic) -> String {
        format!("{}{topic}", self.topic_prefix)
    }

    /// The group whose members share a topic's partitions. It commits nothing: the store's place is the truth.
    pub(super) fn readers(&self, topic: Topic) -> String {
        format!("{}referto.{topic}.readers", self.topic_prefix)
    }

    /// The group without members whose committed offsets are the mirror.
    pub(super) fn mirror(&self, topic: Topic) -> String {
        format!("{}referto.{topic}", self.topic_prefix)
    }

    /// How long a topic's records are kept.
    pub(super) fn kept(&self, topic: Topic) -> Duration {
        match topic {
            Topic::Uploads => self.uploads_kept,
            // A task has the time of its upload, and comes as late as the upload is read: its days count from then.
            Topic::Notifications => self.uploads_kept.saturating_add(7 * DAY),
            Topic::DeadLetters => 90 * DAY,
        }
    }

    /// What every client has.
    pub(super) fn client(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("client.id", "referto");
        if cfg!(feature = "kafka-tls") {
            // The OpenSSL that is compiled in would look for the system's authorities where no system has them.
            config.set("ssl.ca.location", "probe");
        }
        for (name, value) in &self.client {
            config.set(name, value);
        }
        config.set("bootstrap.servers", &self.brokers);
        // The default waits up to 10 s before it asks a broker that has come back.
        config.set("reconnect.backoff.ms", "50").set("reconnect.backoff.max.ms", "500");
        config
    }

    /// A producer whose acknowledgements mean what [`Durability`] says.
    pub(super) fn producer(&self) -> ClientConfig {
        let mut config = self.client();
        // What promises nothing may be set otherwise. Of what waits the bytes are bounded, see below.
        unless_given(&mut config, "queue.buffering.max.messages", "1000000");
        unless_given(&mut config, "linger.ms", LINGER_MS);
        config.set("enable.idempotence", "true").set("acks", "all");
        // As the Java clients partition, so that other systems find a key where we do.
        config.set("partitioner", "murmur2_random");
        config.set("message.timeout.ms", self.message_timeout.as_millis().to_string());
        // Waiting for replicas must end before the record's own time does.
        config.set("request.timeout.ms", (self.message_timeout / 2).as_millis().to_string());
        config.set("message.max.bytes", self.max_record_bytes.to_string());
        // lz4 is part of librdkafka; zstd would be one more C library for a few percent of FHIR and JSON.
        config.set("compression.type", "lz4");
        config.set("batch.size", MIB.to_string());
        // Our own limit, in bytes that callers know of, answers first; one append may pass it.
        config.set("queue.buffering.max.kbytes", ((self.queue_bytes + 256 * MIB) / 1024).to_string());
        config.set("statistics.interval.ms", STATISTICS_MS);
        config
    }

    /// A consumer that begins nowhere by itself and commits nothing by itself.
    pub(super) fn consumer(&self, group: &str) -> ClientConfig {
        let mut config = self.client();
        config.set("group.id", group);
        config.set("enable.auto.commit", "false").set("enable.auto.offset.store", "false");
        config.set("auto.offset.reset", "error").set("check.crcs", "true");
        // A member that died is replaced after this; one that lives says so ten times as often.
        unless_given(&mut config, "session.timeout.ms", &SESSION.as_millis().to_string());
        unless_given(&mut config, "heartbeat.interval.ms", &(SESSION / 10).as_millis().to_string());
        config.set("fetch.error.backoff.ms", "100");
        // One fetch at a time is under way to a broker: a partition that is begun waits for the one at the end of others.
        config.set("fetch.wait.max.ms", "100");
        // What librdkafka reads ahead; ours is bounded apart.
        config.set("queued.max.messages.kbytes", "16384").set("queued.min.messages", "1000");
        config
    }

    /// A consumer that reads pages: none of its fetches waits for what may come.
    pub(super) fn pages(&self) -> ClientConfig {
        let mut config = self.consumer("referto.pages");
        config.set("fetch.wait.max.ms", "10");
        config
    }

    /// A consumer that is a member of its group.
    pub(super) fn member(&self, group: &str) -> ClientConfig {
        let mut config = self.consumer(group);
        config.set("partition.assignment.strategy", "cooperative-sticky");
        config.set("statistics.interval.ms", STATISTICS_MS);
        config
    }
}

fn unless_given(config: &mut ClientConfig, name: &str, value: &str) {
    if config.get(name).is_none() {
        config.set(name, value);
    }
}

/// How long a silent member keeps its partitions, unless settings say otherwise.
const SESSION: Duration = Duration::from_secs(10);

/// How long a rebalance waits for what is in hand of a partition that goes: half of what the group allows.
pub(super) const LEASES_WAIT: Duration = Duration::from_secs(5);

/// How often a client tells of itself: more often than it is looked at.
const STATISTICS_MS: &str = "5000";

/// How long a record waits for company: not at all. Records gather by themselves while requests are under way: a wait of
/// 1 ms gave a tenth more of them with 256 appends at once, and two fifths as many with one (`cargo xtask measure linger`).
const LINGER_MS: &str = "0";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kafka::{KafkaJournal, OpenError, apply};

    fn with(client: &[(&str, &str)]) -> Options {
        let client = client.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Options { client, ..Options::new("127.0.0.1:1") }
    }

    #[test]
    fn what_is_promised_does_not_bend_and_the_rest_does() {
        let options = with(&[
            ("acks", "1"),
            ("enable.idempotence", "false"),
            ("linger.ms", "5"),
            ("session.timeout.ms", "20000"),
        ]);
        let (producer, member) = (options.producer(), options.member("g"));
        let read = |config: &ClientConfig, name: &str| config.get(name).map(str::to_owned);
        for (config, name, value) in [
            (&producer, "acks", "all"),
            (&producer, "enable.idempotence", "true"),
            (&producer, "linger.ms", "5"),
            (&member, "session.timeout.ms", "20000"),
            (&member, "heartbeat.interval.ms", "1000"),
            (&with(&[]).member("g"), "session.timeout.ms", "10000"),
        ] {
            assert_eq!(read(config, name).as_deref(), Some(value), "{name}");
        }
    }

    #[test]
    fn settings_that_only_a_reader_would_refuse_are_refused_at_once() {
        let opened = KafkaJournal::open(with(&[("max.poll.interval.ms", "1000")]));
        assert!(matches!(opened, Err(OpenError::Settings(_))));
    }

    #[tokio::test]
    async fn what_is_shown_of_settings_has_no_password_in_it() {
        // A name that is misspelt, a password that is no number.
        for name in ["sasl.pasword", "linger.ms"] {
            let options = with(&[("sasl.password", "hunter2"), (name, "hunter2")]);
            let shown = format!("{options:?}");
            assert!(shown.contains(name) && !shown.contains("hunter2"), "{shown}");
            let Err(error) = KafkaJournal::open(options.clone()) else { panic!("{name} is taken") };
            let Err(again) = apply(options).await else { panic!("{name} is taken") };
            let shown = format!("{error} {error:?} {again} {again:?}");
            assert!(shown.contains(name) && !shown.contains("hunter2"), "{shown}");
        }
    }

    #[test]
    fn a_task_that_comes_as_late_as_an_upload_is_kept_stays_for_a_week() {
        for days in [1, 30, 400] {
            let options = Options { uploads_kept: days * DAY, ..with(&[]) };
            assert_eq!(Topic::ALL.map(|topic| options.kept(topic)), [days * DAY, (days + 7) * DAY, 90 * DAY]);
        }
        let for_ever = Options { uploads_kept: Duration::MAX, ..with(&[]) };
        assert_eq!(for_ever.kept(Topic::Notifications), Duration::MAX);
    }

    #[cfg(feature = "kafka-tls")]
    #[test]
    fn the_authorities_of_the_system_are_trusted_unless_others_are_named() {
        let read = |options: Options| options.client().get("ssl.ca.location").map(str::to_owned);
        assert_eq!(read(with(&[])).as_deref(), Some("probe"));
        assert_eq!(read(with(&[("ssl.ca.location", "/ours.pem")])).as_deref(), Some("/ours.pem"));
    }
}
