//! `referto demo`: the whole system on this machine, generated laboratories through its real doors, and the ledger.

use std::{collections::HashMap, net::SocketAddr, path::Path, sync::Arc, time::Duration};

use access::NewLab;
use anyhow::{Context as _, bail, ensure};
use indicatif::{ProgressBar, ProgressStyle};
use loadtest::{LabPlan, Ledger, Plan, Run, Summary, Target, Tasks, drive::Progress};
use schemas::{LabId, format::Format};
use tokio::process::Command;
use tokio_util::sync::CancellationToken;

use super::{print, runtime, schema, settings_of};
use crate::{
    cli::{self, Common, DONE, Failure, REFUSED},
    clock,
    settings::{Origin, Values},
    system::{self, Addresses, System},
};

/// The laboratories of the demo; the last one only rehearses.
const LABS: [(&str, &str, bool); 3] = [
    ("lab-torino", "Laboratorio Torino", false),
    ("lab-cuneo", "Laboratorio Cuneo", false),
    ("lab-prova", "Laboratorio di prova", true),
];
/// Connections a laboratory sends over.
const LANES: u16 = 2;
/// How long a request is retried, and how long the last tasks are waited for.
const PATIENCE: Duration = Duration::from_secs(60);

pub(super) fn run(common: &Common, mut values: Values, arguments: &cli::Demo) -> Result<u8, Failure> {
    let any: SocketAddr = ([127, 0, 0, 1], 0).into();
    let http = arguments.http.unwrap_or(any);
    if !http.ip().is_loopback() {
        return Err(Failure::usage(anyhow::anyhow!("--http {http}: the demo listens on loopback only")));
    }
    // Removed with this, where it was made for the demo alone.
    let mut fresh = None;
    let data = match &common.data {
        Some(data) => data.clone(),
        None => fresh.insert(fresh_folder()?).path().to_owned(),
    };
    for (name, value) in [
        ("http", http.to_string()),
        ("admin", any.to_string()),
        ("data", data.display().to_string()),
        ("role", "all".to_owned()),
    ] {
        values.set(name, value, Origin::Flag).map_err(Failure::usage)?;
    }
    if matches!(values.get_named("log").1, Origin::Default) {
        values.set("log", "warn".to_owned(), Origin::Flag).map_err(Failure::usage)?;
    }
    let keyspace = schema::for_demo(&mut values)?;
    let settings = settings_of(&values)?;
    let made = settings.store.clone();
    system::describe_metrics();
    runtime()?.block_on(async {
        schema::make(&made).await?;
        let system = System::open(settings, clock::system()).await?;
        let addresses = system.addresses()?;
        let target = laboratories(&system, addresses.http).await?;
        let stop = CancellationToken::new();
        let serving = tokio::spawn(system.serve(stop.clone(), stop.clone()));
        let played = play(common, arguments, &data, addresses, &target).await;
        if !arguments.once && played.is_ok() {
            eprintln!("still serving; Ctrl-C ends it");
            tokio::signal::ctrl_c().await?;
        }
        stop.cancel();
        serving.await??;
        if keyspace == schema::DemoKeyspace::Fresh {
            schema::discard(&made).await?;
        }
        let balanced = played?;
        Ok(if balanced { DONE } else { REFUSED })
    })
}

/// A folder of its own under the system's temporary one, readable by its owner alone.
fn fresh_folder() -> anyhow::Result<tempfile::TempDir> {
    tempfile::Builder::new().prefix("referto-demo-").tempdir().context("cannot make a folder for the demo")
}

/// Adds the laboratories, or gives those of an earlier demo new keys.
async fn laboratories(system: &System, http: SocketAddr) -> anyhow::Result<Target> {
    let (store, now) = (system.store(), (clock::system())());
    let known = access::list(store.as_ref()).await?;
    let mut keys = HashMap::new();
    for (id, name, sandbox) in LABS {
        let id: LabId = id.parse()?;
        let key = if known.iter().any(|lab| lab.id == id) {
            access::rotate(store.as_ref(), &id, None, now).await?
        } else {
            let lab = NewLab {
                id: id.clone(),
                name: name.to_owned(),
                zone: "Europe/Rome".parse()?,
                sandbox,
                facilities: Vec::new(),
                peers: Vec::new(),
                certificates: Vec::new(),
            };
            access::add(store.as_ref(), lab, now).await?.1
        };
        keys.insert(id, key.reveal().to_owned());
    }
    system.refresh_directory().await?;
    Ok(Target::one(http.to_string(), keys, PATIENCE))
}

/// Sends, waits, reads back, prints; true where the ledger balances.
async fn play(
    common: &Common,
    arguments: &cli::Demo,
    data: &Path,
    addresses: Addresses,
    target: &Target,
) -> anyhow::Result<bool> {
    let labs = LABS.map(|(id, _, sandbox)| Ok(LabPlan { id: id.parse()?, sandbox, lanes: LANES }));
    let plan = Plan {
        seed: arguments.seed,
        reports: arguments.reports,
        labs: labs.into_iter().collect::<anyhow::Result<_>>()?,
        now: (clock::system())(),
        formats: vec![Format::Json, Format::Ndjson, Format::Hl7],
    };
    eprintln!(
        "laboratories http://{}  probes and metrics http://{}  data {}",
        addresses.http,
        addresses.admin,
        data.display()
    );
    let bar = bar(arguments.reports);
    let on_progress = {
        let bar = bar.clone();
        Arc::new(move |progress| match progress {
            Progress::Stored(items) => {
                bar.set_message("stored");
                bar.inc(items);
            }
            Progress::ReadBack(reports) => {
                bar.set_message("read back");
                bar.inc(reports);
            }
            Progress::Answered(_) => {}
        })
    };
    let run = loadtest::drive(&plan, target, on_progress.clone()).await?;
    bar.set_length(run.meaning.reports.len() as u64);
    bar.set_position(0);
    let lines = loadtest::wait_for_tasks(&run.meaning, PATIENCE, async || printed_tasks(data).await).await?;
    let ledger = loadtest::audit(&run, target, &Tasks::of(&run.meaning, lines.lines()), on_progress).await?;
    bar.finish_and_clear();
    show(common, &run, &ledger)?;
    Ok(ledger.balanced)
}

fn bar(reports: usize) -> ProgressBar {
    // Drawn on a terminal only.
    let bar = ProgressBar::new(reports as u64);
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len} {msg} {elapsed}") {
        bar.set_style(style);
    }
    bar
}

/// Reads the tasks as anyone else would.
async fn printed_tasks(data: &Path) -> anyhow::Result<String> {
    let command = Command::new(std::env::current_exe()?).arg("--data").arg(data).arg("tasks").output().await?;
    ensure!(command.status.success(), "referto tasks: {}", String::from_utf8_lossy(&command.stderr));
    Ok(String::from_utf8(command.stdout)?)
}

fn show(common: &Common, run: &Run, ledger: &Ledger) -> anyhow::Result<()> {
    let summary = serde_json::to_value(Summary::new(run, ledger))?;
    if common.json {
        return print(&format!("{summary}\n"));
    }
    let Some(fields) = summary.as_object() else { bail!("the summary is no object") };
    let mut table = String::new();
    for (name, value) in fields {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        table += &format!("{name:>16}  {value}\n");
    }
    print(&table)
}
