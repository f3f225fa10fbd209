//! Chunks appended through the journal, beside Kafka's own load tool: the same broker, topic, sizes, acknowledgements
//! and compression.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use bytes::Bytes;
use journal::{
    Journal, Record, Topic,
    kafka::{Durability, KafkaJournal, Options},
};
use xtask::servers::{Folder, kafka::Broker};

/// Sizes of a record, and how many of it a round appends: a single report, a chunk of NDJSON.
pub(crate) const SIZES: [(usize, usize); 2] = [(1_000, 200_000), (256 * 1024, 2_000)];
/// Appends at once, each of one record, as the door makes them: connections of 32 laboratories.
const APPENDS: usize = 256;
const PARTITIONS: u32 = 6;
/// Letters that records are cut from: far more than a compressor looks back.
const POOL: usize = 16 << 20;

/// A broker for all rounds.
pub(crate) struct Bench {
    broker: Broker,
    _folder: Folder,
}

impl Bench {
    /// Starts the broker.
    pub(crate) fn start() -> anyhow::Result<Self> {
        let folder = Folder::new()?;
        Ok(Self { broker: Broker::start(folder.path())?, _folder: folder })
    }

    /// How long ours and Kafka's own tool take for `count` records of `size` bytes.
    pub(crate) fn round(&self, size: usize, count: usize) -> anyhow::Result<(Duration, Duration)> {
        // Once before, on the same topic, so that neither side pays for the broker's first records.
        let prefix = format!("bench-{size}.");
        self.ours(&prefix, size, count / 10)?;
        Ok((self.ours(&prefix, size, count)?, self.tool(&prefix, size, count)?))
    }

    fn ours(&self, prefix: &str, size: usize, count: usize) -> anyhow::Result<Duration> {
        let runtime = tokio::runtime::Runtime::new()?;
        runtime.block_on(async {
            let journal = KafkaJournal::open(Options {
                durability: Durability::Single,
                topic_prefix: prefix.to_owned(),
                partitions: PARTITIONS,
                // Records of these rounds are of 1970.
                uploads_kept: Duration::from_secs(100 * 365 * 86_400),
                ..Options::new(self.broker.address())
            })?;
            journal.id().await?;
            let letters = Bytes::from(letters(POOL + size));
            let (begin, next) = (Instant::now(), Arc::new(AtomicUsize::new(0)));
            let appenders: Vec<_> = (0..APPENDS)
                .map(|_| {
                    let (journal, next, letters) = (journal.clone(), Arc::clone(&next), letters.clone());
                    tokio::spawn(async move {
                        loop {
                            let number = next.fetch_add(1, Ordering::Relaxed);
                            if number >= count {
                                return anyhow::Ok(());
                            }
                            // Each record its own letters: one that repeats its neighbour would compress to nothing.
                            let from = number.wrapping_mul(size) % POOL;
                            let record = Record {
                                key: format!("lab-{}", number % 32).into(),
                                headers: Vec::new(),
                                value: letters.slice(from..from + size),
                                timestamp: jiff::Timestamp::UNIX_EPOCH,
                            };
                            journal.append(Topic::Uploads, vec![record]).await.swap_remove(0)?;
                        }
                    })
                })
                .collect();
            for appender in appenders {
                appender.await??;
            }
            Ok(begin.elapsed())
        })
    }

    fn tool(&self, prefix: &str, size: usize, count: usize) -> anyhow::Result<Duration> {
        let output = self
            .broker
            .tool("org.apache.kafka.tools.ProducerPerformance")
            .args(["--bootstrap-server", &self.broker.address(), "--topic", &format!("{prefix}uploads")])
            .args(["--num-records", &count.to_string(), "--record-size", &size.to_string(), "--throughput", "-1"])
            .args(["--command-property", "acks=all", "enable.idempotence=true", "compression.type=lz4"])
            .arg("max.request.size=9437184")
            .output()?;
        let told = String::from_utf8_lossy(&output.stdout).into_owned();
        ensure!(output.status.success(), "{told} {}", String::from_utf8_lossy(&output.stderr));
        // The last line sums up: 'N records sent, R records/sec (…'.
        let rate = told
            .lines()
            .filter_map(|line| line.split_once("records sent, ")?.1.split_once(" records/sec")?.0.parse::<f64>().ok())
            .next_back()
            .with_context(|| format!("no rate in {told:?}"))?;
        #[allow(clippy::cast_precision_loss, reason = "counts far under 2^52")]
        Ok(Duration::from_secs_f64(count as f64 / rate))
    }
}

/// Capital letters in no order that compresses, as the tool sends them.
fn letters(size: usize) -> Vec<u8> {
    let mut state = 7_u64;
    let letter = |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        b'A' + ((state >> 33) % 26) as u8
    };
    (0..size).map(letter).collect()
}
