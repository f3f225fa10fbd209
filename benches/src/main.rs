//! `cargo xtask measure`: what referto costs, each figure beside its floor in the same run; see `benches/README.md`.
//!
//! * Singles accepted and fsynced (`--role ingest`), and singles accepted and stored, beside a bare hyper echo that
//!   reads the same bodies and answers 202: the same client, the same connections.
//! * NDJSON stored, from the first byte sent to the last row stored, beside a loop of raw SQLite that writes the same
//!   rows into the same tables with the same indexes, both files, fsynced as ours.
//! * Decoding beside a split of the same bytes and a tape of the same JSON, and HL7 beside native JSON.
//! * Records appended to Kafka beside Kafka's own load tool, and such that wait for company beside such that do not.
//! * What a report costs each role, broker and node past one machine, in CPU and bytes: what sizing rests on.
//! * Commits of the journal and of the store beside the same loop of raw SQLite.
#![allow(clippy::print_stdout, reason = "a program that prints figures")]

mod client;
mod cost;
mod echo;
mod kafka;
mod referto;
mod scylla;

use anyhow::bail;
use benches::{
    commit, decode, raw_loop, reports,
    table::{ROUNDS, head, rate, row},
};

use crate::referto::Referto;

/// Requests of one round of singles.
const SINGLES: usize = 20_000;
/// Connections at once.
const CONNECTIONS: usize = 64;
/// Reports of one round of NDJSON, and of one upload of it.
const NDJSON: (usize, usize) = (100_000, 1_000);
/// Uploads of NDJSON at once.
const UPLOADERS: usize = 4;

type Measure = fn() -> anyhow::Result<()>;

/// What is measured, in this order.
const PARTS: [(&str, Measure); 8] = [
    ("decode", decode::measure),
    ("commit", commit::measure),
    ("singles", singles),
    ("ndjson", ndjson),
    ("kafka", kafka::measure),
    ("linger", kafka::linger),
    ("scylla", scylla::measure),
    ("cost", cost::measure),
];

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let asked = match arguments.as_slice() {
        [] => None,
        [part] if part == "echo" => return echo::serve(),
        [part] if PARTS.iter().any(|(name, _)| name == part) => Some(part),
        _ => bail!("benches [{}]", PARTS.map(|(name, _)| name).join("|")),
    };
    head();
    for (_, measure) in PARTS.iter().filter(|(name, _)| asked.is_none_or(|asked| asked == name)) {
        measure()?;
    }
    Ok(())
}

fn singles() -> anyhow::Result<()> {
    let (mut accepted, mut stored) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let floor = echo_rate(round)?;
        accepted.push((singles_rate("ingest", round)?, floor));
        stored.push((singles_rate("all", round)?, floor));
    }
    row("singles accepted, fsynced, beside a bare hyper echo", &accepted);
    row("singles accepted and stored, beside a bare hyper echo", &stored);
    Ok(())
}

fn ndjson() -> anyhow::Result<()> {
    let rounds = (0..ROUNDS).map(ndjson_rates).collect::<anyhow::Result<Vec<_>>>()?;
    row("NDJSON stored, beside a raw SQLite loop of the same rows", &rounds);
    Ok(())
}

fn echo_rate(round: usize) -> anyhow::Result<f64> {
    let echo = echo::Echo::start()?;
    let bodies = reports::singles(round, SINGLES);
    let took = client::post_all(echo.address, "", "application/json", bodies, CONNECTIONS)?;
    Ok(rate(SINGLES, took))
}

fn singles_rate(role: &str, round: usize) -> anyhow::Result<f64> {
    let referto = Referto::start(role)?;
    let bodies = reports::singles(round, SINGLES);
    let mut took = client::post_all(referto.http, &referto.key, "application/json", bodies, CONNECTIONS)?;
    if role == "all" {
        took += referto.wait_until_stored()?;
    }
    Ok(rate(SINGLES, took))
}

fn ndjson_rates(round: usize) -> anyhow::Result<(f64, f64)> {
    let referto = Referto::start("all")?;
    let (reports, an_upload) = NDJSON;
    let bodies = reports::ndjson(round, reports, an_upload);
    let mut took = client::post_all(referto.http, &referto.key, "application/x-ndjson", bodies, UPLOADERS)?;
    took += referto.wait_until_stored()?;
    let floor = raw_loop::write_again(&referto.stop()?)?;
    Ok((rate(reports, took), rate(reports, floor)))
}
