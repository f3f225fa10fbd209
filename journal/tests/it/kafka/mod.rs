//! The journal on a real Apache Kafka.
//!
//! They need a broker: `cargo xtask test` gives one, `cargo xtask up` one for tests run by hand. Without it they say
//! so and pass.

mod conformance;
mod keys;
mod members;
mod outage;
mod readers;
mod retention;
mod tls;
mod topics;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use journal::{
    Health, Journal,
    kafka::{Durability, KafkaJournal, Options},
};
use xtask::servers::kafka::VARIABLE;

const PAUSE: Duration = Duration::from_millis(20);

/// The broker's address; none where no test is to use one.
fn broker() -> Option<String> {
    let address = std::env::var(VARIABLE).ok();
    if address.is_none() {
        eprintln!("not run: {VARIABLE} is not set; run `cargo xtask test`, or `cargo xtask up` and set what it prints");
    }
    address
}

/// Topics of one test, on the broker at `address`.
fn options(address: &str) -> Options {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    Options {
        durability: Durability::Single,
        topic_prefix: format!("test-{}-{count}.", std::process::id()),
        partitions: 3,
        // Records of these tests are of 2020.
        uploads_kept: Duration::from_secs(100 * 365 * 86_400),
        ..Options::new(address)
    }
}

/// Opens, and waits until it serves.
async fn open(options: Options) -> Arc<KafkaJournal> {
    let journal = KafkaJournal::open(options).unwrap();
    crate::common::within(async {
        while journal.id().await.is_err() {
            tokio::time::sleep(PAUSE).await;
        }
    })
    .await;
    journal
}

/// Waits on a condition, with a limit.
async fn until(mut condition: impl AsyncFnMut() -> bool) {
    crate::common::within(async {
        while !condition().await {
            tokio::time::sleep(PAUSE).await;
        }
    })
    .await;
}

/// Why it does not serve; empty where it does.
fn reason(journal: &KafkaJournal) -> String {
    match journal.health() {
        Health::Unreachable(reason) => reason,
        _ => String::new(),
    }
}
