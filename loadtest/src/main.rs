//! `loadtest`: generated laboratories against a running system at a pace that does not wait for it, and the proof that
//! nothing was lost.
//!
//! Exit codes: 0 balanced, 1 unbalanced, 2 usage, 3 not reached or given up.
#![allow(clippy::print_stdout, reason = "a program that prints what it found")]

use std::{collections::HashMap, fs, num::NonZeroU32, path::PathBuf, process::ExitCode, sync::Arc, time::Duration};

use anyhow::{Context as _, ensure};
use clap::Parser;
use jiff::Timestamp;
use loadtest::{LabPlan, Plan, Summary, Target, Tasks};
use schemas::LabId;
use tokio::process::Command;

/// Generated uploads to a running referto, followed to the last task, and compared with what reads back.
#[derive(Parser)]
struct Arguments {
    /// Where uploads go: host:port, several with commas between.
    #[arg(long, value_delimiter = ',', required = true)]
    doors: Vec<String>,
    /// Where states and reports are read; the doors where not given.
    #[arg(long, value_delimiter = ',')]
    reads: Vec<String>,
    /// File of laboratories, one a line: its id, a blank, its key. Keys are no arguments: those can be read by others.
    #[arg(long)]
    keys: PathBuf,
    /// Reports, each sent once or more.
    #[arg(long, default_value_t = 10_000)]
    reports: usize,
    /// Items a second, whatever the system takes; as fast as it answers where not given.
    #[arg(long)]
    rate: Option<NonZeroU32>,
    /// Connections of each laboratory.
    #[arg(long, default_value_t = 8)]
    lanes: u16,
    /// Decides what is generated.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Seconds for which one request is retried, and the last tasks are waited for.
    #[arg(long, default_value_t = 60)]
    patience: u64,
    /// The command that prints every task, with this system's settings.
    #[arg(long, default_value = "referto tasks")]
    tasks: String,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("loadtest: {error:#}");
            ExitCode::from(3)
        }
    }
}

async fn run(arguments: &Arguments) -> anyhow::Result<bool> {
    let keys = keys(&arguments.keys)?;
    let plan = Plan {
        seed: arguments.seed,
        reports: arguments.reports,
        labs: keys.keys().map(|id| LabPlan { id: id.clone(), sandbox: false, lanes: arguments.lanes }).collect(),
        now: now(),
        formats: Vec::new(),
    };
    let target = Target {
        doors: arguments.doors.clone(),
        reads: if arguments.reads.is_empty() { arguments.doors.clone() } else { arguments.reads.clone() },
        keys,
        patience: Duration::from_secs(arguments.patience),
        pace: arguments.rate,
    };
    let run = loadtest::drive(&plan, &target, Arc::new(|_| {})).await?;
    eprintln!("all is stored; waiting for the tasks and reading each report back");
    let lines =
        loadtest::wait_for_tasks(&run.meaning, target.patience, async || printed(&arguments.tasks).await).await?;
    let tasks = Tasks::of(&run.meaning, lines.lines());
    let ledger = loadtest::audit(&run, &target, &tasks, Arc::new(|_| {})).await?;
    println!("{}", serde_json::to_string(&Summary::new(&run, &ledger))?);
    Ok(ledger.balanced)
}

/// The laboratories and their keys. A line that is none is told by its number alone.
fn keys(file: &PathBuf) -> anyhow::Result<HashMap<LabId, String>> {
    let text = fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let mut keys = HashMap::new();
    for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let wrong = || format!("{} line {}: expected a laboratory's id and its key", file.display(), index + 1);
        let (id, key) = line.trim().split_once(char::is_whitespace).with_context(wrong)?;
        keys.insert(id.parse::<LabId>().ok().with_context(wrong)?, key.trim().to_owned());
    }
    ensure!(!keys.is_empty(), "{} names no laboratory", file.display());
    Ok(keys)
}

/// What the command prints.
async fn printed(command: &str) -> anyhow::Result<String> {
    let told = Command::new("sh").args(["-c", command]).output().await?;
    ensure!(told.status.success(), "{command}: {}", String::from_utf8_lossy(&told.stderr));
    Ok(String::from_utf8(told.stdout)?)
}

#[allow(clippy::disallowed_methods, reason = "the reports are of today")]
fn now() -> Timestamp {
    Timestamp::now()
}
