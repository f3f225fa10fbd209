//! What a report costs past one machine: CPU of each role, of the broker and of the node, and bytes in both. It has no
//! floor: it is what the sizing in `deploy/README.md` rests on.

use std::{collections::HashMap, fs, path::Path, sync::Arc, time::Duration};

use anyhow::{Context as _, ensure};
use loadtest::{LabPlan, Plan, Target};
use schemas::LabId;
use tokio::runtime::Runtime;
use xtask::servers::{Folder, cassandra::Cassandra, kafka::Broker};

use crate::referto::{Referto, add_lab, command, folder};

const LABS: [&str; 4] = ["lab-torino", "lab-cuneo", "lab-novara", "lab-asti"];
const REPORTS: usize = 60_000;
/// Before what counts: servers on Java are slow at first.
const WARM_UP: usize = 20_000;
/// Clock ticks a second, in which the kernel counts a process's time; so on all that Linux runs on.
const TICKS: f64 = 100.0;

/// Who is charged.
struct Payer {
    name: &'static str,
    id: u32,
    before: f64,
}

pub(crate) fn measure() -> anyhow::Result<()> {
    let kept = Folder::new()?;
    let (broker, mut node) = (Broker::start(kept.path())?, Cassandra::start(kept.path())?);
    let settings = [
        ("REFERTO_JOURNAL", "kafka".to_owned()),
        ("REFERTO_KAFKA__BROKERS", broker.address()),
        ("REFERTO_KAFKA__DURABILITY", "single".to_owned()),
        ("REFERTO_STORE", "scylla".to_owned()),
        ("REFERTO_SCYLLA__NODES", node.address()),
        ("REFERTO_SCYLLA__REPLICATION", "1".to_owned()),
        ("REFERTO_SECRET_KEY", "07".repeat(32)),
    ];
    let home = folder()?;
    ensure!(command(home.path(), &settings)?.args(["schema", "apply"]).output()?.status.success(), "no schema");
    let mut keys = HashMap::new();
    for id in LABS {
        keys.insert(id.parse::<LabId>()?, add_lab(home.path(), &settings, id)?);
    }
    let roles = ["ingest", "workers", "status"];
    let processes = roles.map(|role| Referto::start_on(&settings, role));
    let [ingest, workers, status] = processes.map(|process| process);
    let (ingest, workers, status) = (ingest?, workers?, status?);
    let target = Target {
        doors: vec![ingest.http.to_string()],
        reads: vec![status.http.to_string()],
        keys,
        patience: Duration::from_secs(120),
        pace: None,
    };
    let runtime = Runtime::new()?;
    drive(&runtime, &target, WARM_UP, 1)?;

    let of = |name, id: Option<u32>| payer(name, id.context("it runs")?);
    let payers = [
        of("ingest", Some(ingest.id()))?,
        of("workers", Some(workers.id()))?,
        of("status (each upload followed)", Some(status.id()))?,
        of("broker", broker.id())?,
        of("node", node.id())?,
    ];
    let kafka_before = bytes(&kept.path().join("kafka-1/data"), "uploads-")?;
    let items = drive(&runtime, &target, REPORTS, 2)?;
    let kafka = bytes(&kept.path().join("kafka-1/data"), "uploads-")? - kafka_before;
    println!("\n| {items} reports, all formats | a report |\n|---|---|");
    for payer in payers {
        let spent = seconds(payer.id)? - payer.before;
        println!("| CPU, {} | {:.0} µs |", payer.name, spent / items * 1e6);
    }
    println!("| uploads topic, one copy | {:.0} bytes |", kafka / items);
    // What is in memory and in its log goes into tables when it starts again.
    node.restart()?;
    let stored = bytes(&kept.path().join("cassandra/data"), "referto")?;
    let all = items * (REPORTS + WARM_UP) as f64 / REPORTS as f64;
    println!("| store, one copy, compressed | {:.0} bytes |", stored / all);
    Ok(())
}

/// Sends and waits until all is stored; how many items that were.
fn drive(runtime: &Runtime, target: &Target, reports: usize, seed: u64) -> anyhow::Result<f64> {
    let plan = Plan {
        seed,
        reports,
        labs: target.keys.keys().map(|id| LabPlan { id: id.clone(), sandbox: false, lanes: 8 }).collect(),
        now: now(),
        formats: Vec::new(),
    };
    let run = runtime.block_on(loadtest::drive(&plan, target, Arc::new(|_| {})))?;
    Ok(run.lanes.iter().flatten().map(|sent| sent.meaning.counts.received as f64).sum())
}

fn payer(name: &'static str, id: u32) -> anyhow::Result<Payer> {
    Ok(Payer { name, id, before: seconds(id)? })
}

/// CPU seconds of a process so far: utime and stime of `/proc/PID/stat` (proc_pid_stat(5), fields 14 and 15).
fn seconds(id: u32) -> anyhow::Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat"))?;
    let (_, fields) = stat.rsplit_once(')').context("a command in brackets")?;
    let ticks = fields.split_whitespace().skip(11).take(2).map(str::parse::<f64>).sum::<Result<f64, _>>()?;
    Ok(ticks / TICKS)
}

/// Bytes of all files below folders of `root` whose names begin so.
fn bytes(root: &Path, begin: &str) -> anyhow::Result<f64> {
    let mut sum = 0.0;
    for entry in fs::read_dir(root)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(begin) {
            sum += if entry.file_type()?.is_dir() { bytes(&entry.path(), "")? } else { entry.metadata()?.len() as f64 };
        }
    }
    Ok(sum)
}

#[allow(clippy::disallowed_methods, reason = "the reports are of today")]
fn now() -> jiff::Timestamp {
    jiff::Timestamp::now()
}
