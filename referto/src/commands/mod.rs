//! The subcommands: each reads its settings, does its one thing, and says how it ended.

mod check;
mod config;
mod demo;
mod labs;
mod replay;
mod run;
mod schema;
mod tasks;

use std::io::Write as _;

use anyhow::Context as _;
use schemas::Position;
use tracing_subscriber::EnvFilter;

use crate::{
    cli::{Arguments, Command, Failure},
    settings::{self, Origin, Settings, Values},
};

/// Runs the command that was asked for and returns its exit code.
pub(crate) fn run(arguments: Arguments) -> Result<u8, Failure> {
    let common = arguments.common;
    let mut values = settings::read(common.config.as_deref(), std::env::vars()).map_err(Failure::usage)?;
    if let Some(data) = &common.data {
        values.set("data", data.display().to_string(), Origin::Flag).map_err(Failure::usage)?;
    }
    match arguments.command {
        Command::Config => config::run(&common, &values),
        Command::Check(arguments) => check::run(&common, &settings_of(&values)?, &arguments),
        Command::Labs { command } => labs::run(&common, &settings_of(&values)?, command),
        Command::Tasks(arguments) => tasks::run(&settings_of(&values)?, &arguments),
        Command::Replay(arguments) => replay::run(&common, &settings_of(&values)?, &arguments),
        Command::Schema { command } => schema::run(&common, &settings_of(&values)?, &command),
        Command::Run(arguments) => run::run(&common, values, &arguments),
        Command::Demo(arguments) => demo::run(&common, values, &arguments),
    }
}

fn settings_of(values: &Values) -> Result<Settings, Failure> {
    let settings = Settings::of(values).map_err(Failure::usage)?;
    log_to_stderr(&settings).map_err(Failure::usage)?;
    Ok(settings)
}

fn log_to_stderr(settings: &Settings) -> anyhow::Result<()> {
    // The driver tells of a node that is away many times a second; what it comes to for us, we tell once.
    let filter = EnvFilter::try_new(format!("scylla=off,{}", settings.log))
        .with_context(|| format!("log = {:?}", settings.log))?;
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(false);
    // A second initialisation in one process keeps the first.
    let _ = if settings.log_json { log.json().try_init() } else { log.try_init() };
    Ok(())
}

/// The one runtime, built explicitly.
fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start the runtime")
}

/// Writes to stdout. A reader that has gone away (`| head`) is no failure of ours.
fn print(text: &str) -> anyhow::Result<()> {
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => other.context("cannot write to stdout"),
    }
}

/// `P.O`.
fn position(text: &str) -> Result<Position, Failure> {
    text.parse().map_err(|error| Failure::usage(anyhow::anyhow!("{text:?}: {error}")))
}

/// `P.O`, of one partition; or `start`, which is of all: none.
fn start(text: &str) -> Result<Option<Position>, Failure> {
    if text == "start" { Ok(None) } else { position(text).map(Some) }
}
