//! What librdkafka tells of itself every few seconds, as the few values that are shown.

use std::collections::BTreeMap;

use rdkafka::{Statistics, statistics::Broker};

/// One client's values. Totals are since that client began.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Figures {
    /// Of a producer.
    pub(super) queue: Option<Queue>,
    /// Of a reader.
    pub(super) group: Option<Group>,
    /// Brokers that it is connected to.
    pub(super) brokers_up: u64,
    /// The 99th percentile of the last interval by broker, in seconds; 0 where nothing was asked.
    pub(super) round_trip_seconds: BTreeMap<i32, f64>,
    /// Requests that could not be sent, and answers that could not be read.
    pub(super) errors: u64,
    /// Requests sent again.
    pub(super) retries: u64,
    /// Requests that no answer came to in time.
    pub(super) timeouts: u64,
}

/// What a producer has in hand.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Queue {
    /// Records taken and not yet acknowledged.
    pub(super) records: u64,
    /// Their bytes.
    pub(super) bytes: u64,
    /// Those of them that are sent, and not answered yet.
    pub(super) in_flight: u64,
}

/// What a member of a group has.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Group {
    /// Partitions that it reads.
    pub(super) partitions: u64,
    /// How often some came or went.
    pub(super) rebalances: u64,
}

impl Figures {
    pub(super) fn of(statistics: &Statistics) -> Self {
        // One without an id is an address to begin with, or stands for a broker that is there under its id, too.
        let brokers = || statistics.brokers.values().filter(|broker| broker.nodeid >= 0);
        // Failures count wherever they come up.
        let all = |count: fn(&Broker) -> u64| statistics.brokers.values().map(count).sum();
        Self {
            queue: (statistics.client_type == "producer").then(|| Queue {
                records: statistics.msg_cnt,
                bytes: statistics.msg_size,
                in_flight: all(|broker| count(broker.waitresp_msg_cnt)),
            }),
            group: statistics.cgrp.as_ref().map(|group| Group {
                partitions: count(group.assignment_size.into()),
                rebalances: count(group.rebalance_cnt),
            }),
            brokers_up: brokers().filter(|broker| matches!(broker.state.as_str(), "UP" | "UPDATE")).count() as u64,
            round_trip_seconds: brokers()
                .map(|broker| (broker.nodeid, broker.rtt.as_ref().map_or(0.0, |rtt| rtt.p99 as f64 / 1e6)))
                .collect(),
            errors: all(|broker| broker.txerrs + broker.rxerrs),
            retries: all(|broker| broker.txretries),
            timeouts: all(|broker| broker.req_timeouts),
        }
    }
}

/// librdkafka counts some things in signed numbers; none is below 0.
fn count(signed: i64) -> u64 {
    u64::try_from(signed).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What librdkafka 2.10 told of itself, recorded while a broker was killed and came back.
    const PRODUCER: &str = include_str!("../../tests/data/librdkafka/producer.json");
    const WITHOUT_BROKERS: &str = include_str!("../../tests/data/librdkafka/producer-without-brokers.json");
    const READER: &str = include_str!("../../tests/data/librdkafka/reader.json");

    fn figures(recorded: &str) -> Figures {
        Figures::of(&serde_json::from_str(recorded).unwrap())
    }

    #[test]
    fn a_producer_tells_its_queue_and_its_brokers() {
        let told = Figures {
            queue: Some(Queue { records: 12, bytes: 48, in_flight: 6 }),
            group: None,
            brokers_up: 1,
            round_trip_seconds: BTreeMap::from([(1, 0.053_503)]),
            errors: 1,
            retries: 0,
            timeouts: 0,
        };
        assert_eq!(figures(PRODUCER), told);
        let alone = Figures {
            queue: Some(Queue { records: 12, bytes: 48, in_flight: 0 }),
            brokers_up: 0,
            round_trip_seconds: BTreeMap::from([(1, 0.0)]),
            errors: 2,
            ..told
        };
        assert_eq!(figures(WITHOUT_BROKERS), alone);
    }

    #[test]
    fn a_reader_tells_its_partitions_and_each_broker_once() {
        let told = Figures {
            queue: None,
            group: Some(Group { partitions: 3, rebalances: 1 }),
            brokers_up: 1,
            round_trip_seconds: BTreeMap::from([(1, 0.041_215)]),
            // Two on the way to the broker, two on the way to the group's coordinator, which is the same broker.
            errors: 4,
            retries: 7,
            timeouts: 0,
        };
        assert_eq!(figures(READER), told);
    }
}
