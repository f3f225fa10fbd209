//! What a client of Kafka shows of itself: each metric is registered and described here, once.
#![allow(clippy::disallowed_macros, reason = "the one place of the adapter where metrics are declared")]

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use ::metrics::{Counter, Gauge, Unit, counter, describe_counter, describe_gauge, gauge};
use rdkafka::Statistics;

use super::statistics::{Figures, Group, Queue};

const QUEUED_RECORDS: &str = "referto_kafka_queued_records";
const QUEUED_BYTES: &str = "referto_kafka_queued_bytes";
const IN_FLIGHT: &str = "referto_kafka_in_flight_records";
const BROKERS_UP: &str = "referto_kafka_brokers_up";
const ROUND_TRIP: &str = "referto_kafka_round_trip_duration_seconds";
const ERRORS: &str = "referto_kafka_errors_total";
const RETRIES: &str = "referto_kafka_retries_total";
const TIMEOUTS: &str = "referto_kafka_timeouts_total";
const PARTITIONS: &str = "referto_kafka_assigned_partitions";
const REBALANCES: &str = "referto_kafka_rebalances_total";

/// The handles of one client: `producer`, or the topic that a reader reads.
pub(super) struct ClientMetrics {
    client: &'static str,
    brokers_up: Gauge,
    errors: Counter,
    retries: Counter,
    timeouts: Counter,
    last: Mutex<Last>,
}

/// What was shown last.
#[derive(Default)]
struct Last {
    figures: Figures,
    round_trips: BTreeMap<i32, Gauge>,
}

impl ClientMetrics {
    pub(super) fn new(client: &'static str) -> Self {
        describe();
        Self {
            client,
            brokers_up: gauge!(BROKERS_UP, "client" => client),
            errors: counter!(ERRORS, "client" => client),
            retries: counter!(RETRIES, "client" => client),
            timeouts: counter!(TIMEOUTS, "client" => client),
            last: Mutex::default(),
        }
    }

    /// Shows what the client told of itself.
    pub(super) fn show(&self, statistics: &Statistics) {
        self.set(Figures::of(statistics));
    }

    fn set(&self, figures: Figures) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        self.brokers_up.set(figures.brokers_up as f64);
        // The client counts from its own beginning, these from the process's. Of a broker that leaves the cluster the
        // client forgets its counts, so that a sum may fall.
        self.errors.increment(figures.errors.saturating_sub(last.figures.errors));
        self.retries.increment(figures.retries.saturating_sub(last.figures.retries));
        self.timeouts.increment(figures.timeouts.saturating_sub(last.figures.timeouts));
        if let Some(queue) = &figures.queue {
            gauge!(QUEUED_RECORDS).set(queue.records as f64);
            gauge!(QUEUED_BYTES).set(queue.bytes as f64);
            gauge!(IN_FLIGHT).set(queue.in_flight as f64);
        }
        if let Some(group) = &figures.group {
            let before = last.figures.group.as_ref().map_or(0, |group| group.rebalances);
            gauge!(PARTITIONS, "client" => self.client).set(group.partitions as f64);
            counter!(REBALANCES, "client" => self.client).increment(group.rebalances.saturating_sub(before));
        }
        for (broker, gauge) in &last.round_trips {
            if !figures.round_trip_seconds.contains_key(broker) {
                gauge.set(0.0);
            }
        }
        for (broker, seconds) in &figures.round_trip_seconds {
            let new =
                || gauge!(ROUND_TRIP, "client" => self.client, "broker" => broker.to_string(), "quantile" => "0.99");
            last.round_trips.entry(*broker).or_insert_with(new).set(*seconds);
        }
        last.figures = figures;
    }
}

impl Drop for ClientMetrics {
    fn drop(&mut self) {
        // A client that is gone has nothing in hand.
        let (queue, group) = {
            let last = &self.last.lock().unwrap_or_else(PoisonError::into_inner).figures;
            (last.queue.as_ref().map(|_| Queue::default()), last.group.as_ref().map(|_| Group::default()))
        };
        self.set(Figures { queue, group, ..Figures::default() });
    }
}

fn describe() {
    describe_gauge!(QUEUED_RECORDS, Unit::Count, "Records in the producer, not yet acknowledged");
    describe_gauge!(QUEUED_BYTES, Unit::Bytes, "Bytes in the producer, not yet acknowledged");
    describe_gauge!(IN_FLIGHT, Unit::Count, "Records that the producer sent and no broker has answered yet");
    describe_gauge!(BROKERS_UP, Unit::Count, "Brokers that the client is connected to");
    describe_gauge!(
        ROUND_TRIP,
        Unit::Seconds,
        "From a request to a broker's answer, over the last seconds; 0 where nothing was asked"
    );
    describe_counter!(ERRORS, Unit::Count, "Requests that could not be sent and answers that could not be read");
    describe_counter!(RETRIES, Unit::Count, "Requests sent to brokers again");
    describe_counter!(TIMEOUTS, Unit::Count, "Requests that brokers did not answer in time");
    describe_gauge!(PARTITIONS, Unit::Count, "Partitions that this process reads");
    describe_counter!(REBALANCES, Unit::Count, "Times that partitions came or went");
}
