//! Chunks appended through the journal, beside Kafka's own load tool: the same broker, topic, sizes, acknowledgements
//! and compression. And how long a record had best wait for company.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use benches::table::{ROUNDS, rate, row};
use bytes::Bytes;
use journal::{
    Journal, Record, Topic,
    kafka::{Durability, KafkaJournal, Options},
};
use xtask::servers::{Folder, kafka::Broker};

/// Sizes of a record, and how many of it a round appends: a single report, a chunk of NDJSON.
const SIZES: [(usize, usize); 2] = [(1_000, 200_000), (256 * 1024, 2_000)];
/// Appends at once, each of one record, as the door makes them: connections of 32 laboratories.
const APPENDS: usize = 256;
const PARTITIONS: u32 = 6;
/// Letters that records are cut from: far more than a compressor looks back.
const POOL: usize = 16 << 20;

/// Milliseconds that a record waits for company; the first is what the others stand beside.
const LINGERS: [&str; 3] = ["0", "1", "5"];
/// Appends at once, and how many a round makes: a busy region, a quiet one, one laboratory that waits for each answer.
const LOADS: [(usize, usize); 3] = [(APPENDS, 100_000), (16, 10_000), (1, 500)];

/// A broker for all rounds.
struct Bench {
    broker: Broker,
    _folder: Folder,
}

/// Records of one size, so many at once.
#[derive(Clone, Copy)]
struct Load<'a> {
    topics: &'a str,
    size: usize,
    count: usize,
    at_once: usize,
    /// As the journal has it, where none is given.
    linger: Option<&'a str>,
}

/// Ours beside Kafka's own tool.
pub(crate) fn measure() -> anyhow::Result<()> {
    let bench = Bench::start()?;
    for (size, count) in SIZES {
        let topics = &format!("bench-{size}.");
        let load = Load { topics, size, count, at_once: APPENDS, linger: None };
        let rounds = (0..ROUNDS).map(|_| {
            // Once before, on the same topic, so that neither side pays for the broker's first records.
            bench.append(Load { count: count / 10, ..load })?;
            Ok((rate(count, bench.append(load)?.0), rate(count, bench.tool(topics, size, count)?)))
        });
        let rounds = rounds.collect::<anyhow::Result<Vec<_>>>()?;
        row(&format!("records of {size} bytes on Kafka, beside its own ProducerPerformance"), &rounds);
    }
    Ok(())
}

/// Records that wait for company beside records that do not: how many a second, and the slowest hundredth's time.
pub(crate) fn linger() -> anyhow::Result<()> {
    let bench = Bench::start()?;
    for (at_once, count) in LOADS {
        let rounds = (0..ROUNDS).map(|_| {
            LINGERS.iter().try_fold(Vec::new(), |mut told, linger| {
                let load = Load { topics: "linger.", size: 1_000, count, at_once, linger: Some(linger) };
                bench.append(Load { count: count / 10, ..load })?;
                let (took, mut each) = bench.append(load)?;
                each.sort_unstable();
                told.push((rate(count, took), each[each.len() * 99 / 100].as_secs_f64() * 1e6));
                anyhow::Ok(told)
            })
        });
        let rounds = rounds.collect::<anyhow::Result<Vec<_>>>()?;
        for (index, linger) in LINGERS.iter().enumerate().skip(1) {
            let beside = |one: fn(&(f64, f64)) -> f64| {
                rounds.iter().map(|round| (one(&round[index]), one(&round[0]))).collect::<Vec<_>>()
            };
            let what = format!("{at_once} at once, linger.ms {linger} beside 0");
            row(&format!("records appended, {what}"), &beside(|told| told.0));
            row(&format!("microseconds of the slowest hundredth (less is better), {what}"), &beside(|told| told.1));
        }
    }
    Ok(())
}

impl Bench {
    fn start() -> anyhow::Result<Self> {
        let folder = Folder::new()?;
        Ok(Self { broker: Broker::start(folder.path())?, _folder: folder })
    }

    /// How long all of it takes, and each append.
    fn append(&self, load: Load<'_>) -> anyhow::Result<(Duration, Vec<Duration>)> {
        let Load { size, count, .. } = load;
        let runtime = tokio::runtime::Runtime::new()?;
        runtime.block_on(async {
            let linger = load.linger.map(|linger| ("linger.ms".to_owned(), linger.to_owned()));
            let journal = KafkaJournal::open(Options {
                durability: Durability::Single,
                topic_prefix: load.topics.to_owned(),
                partitions: PARTITIONS,
                // Records of these rounds are of 1970.
                uploads_kept: Duration::from_secs(100 * 365 * 86_400),
                client: BTreeMap::from_iter(linger),
                ..Options::new(self.broker.address())
            })?;
            journal.id().await?;
            let letters = Bytes::from(letters(POOL + size));
            let (begin, next) = (Instant::now(), Arc::new(AtomicUsize::new(0)));
            let appenders: Vec<_> = (0..load.at_once)
                .map(|_| {
                    let (journal, next, letters) = (journal.clone(), Arc::clone(&next), letters.clone());
                    tokio::spawn(async move {
                        let mut each = Vec::new();
                        loop {
                            let number = next.fetch_add(1, Ordering::Relaxed);
                            if number >= count {
                                return anyhow::Ok(each);
                            }
                            // Each record its own letters: one that repeats its neighbour would compress to nothing.
                            let from = number.wrapping_mul(size) % POOL;
                            let record = Record {
                                key: format!("lab-{}", number % 32).into(),
                                headers: Vec::new(),
                                value: letters.slice(from..from + size),
                                timestamp: jiff::Timestamp::UNIX_EPOCH,
                            };
                            let begin = Instant::now();
                            journal.append(Topic::Uploads, vec![record]).await.swap_remove(0)?;
                            each.push(begin.elapsed());
                        }
                    })
                })
                .collect();
            let mut each = Vec::with_capacity(count);
            for appender in appenders {
                each.extend(appender.await??);
            }
            Ok((begin.elapsed(), each))
        })
    }

    fn tool(&self, topics: &str, size: usize, count: usize) -> anyhow::Result<Duration> {
        let output = self
            .broker
            .tool("org.apache.kafka.tools.ProducerPerformance")
            .args(["--bootstrap-server", &self.broker.address(), "--topic", &format!("{topics}uploads")])
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
