//! `cargo xtask measure`: what referto costs, each figure beside its floor in the same run; see `benches/README.md`.
//!
//! * Singles accepted and fsynced (`--role ingest`), and singles accepted and stored, beside a bare hyper echo that
//!   reads the same bodies and answers 202: the same client, the same connections.
//! * NDJSON stored, from the first byte sent to the last row stored, beside a loop of raw SQLite that writes the same
//!   rows into the same tables with the same indexes, both files, fsynced as ours.
#![allow(clippy::print_stdout, reason = "a program that prints figures")]

mod client;
mod echo;
mod raw_loop;
mod referto;
mod reports;
mod scylla;

use std::time::Duration;

use anyhow::bail;

use crate::referto::Referto;

/// Rounds of each pair; the median is what counts on a noisy machine.
const ROUNDS: usize = 5;
/// Requests of one round of singles.
const SINGLES: usize = 20_000;
/// Connections at once.
const CONNECTIONS: usize = 64;
/// Reports of one round of NDJSON, and of one upload of it.
const NDJSON: (usize, usize) = (100_000, 1_000);
/// Uploads of NDJSON at once.
const UPLOADERS: usize = 4;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["echo"] => echo::serve(),
        [] => measure(true, true),
        ["singles"] => measure(true, false),
        ["ndjson"] => measure(false, true),
        ["scylla"] => scylla::measure(),
        _ => bail!("benches [singles|ndjson|scylla]"),
    }
}

fn measure(singles: bool, ndjson: bool) -> anyhow::Result<()> {
    println!("| what | ours, a second | floor, a second | ratio: median (least to most of {ROUNDS} rounds) |");
    println!("|---|---|---|---|");
    if singles {
        let (mut accepted, mut stored) = (Vec::new(), Vec::new());
        for round in 0..ROUNDS {
            let floor = echo_rate(round)?;
            accepted.push((singles_rate("ingest", round)?, floor));
            stored.push((singles_rate("all", round)?, floor));
        }
        row("singles accepted, fsynced, beside a bare hyper echo", &accepted);
        row("singles accepted and stored, beside a bare hyper echo", &stored);
    }
    if ndjson {
        let rounds = (0..ROUNDS).map(ndjson_rates).collect::<anyhow::Result<Vec<_>>>()?;
        row("NDJSON stored, beside a raw SQLite loop of the same rows", &rounds);
    }
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

#[allow(clippy::cast_precision_loss, reason = "counts far under 2^52")]
fn rate(count: usize, took: Duration) -> f64 {
    count as f64 / took.as_secs_f64()
}

fn row(what: &str, rounds: &[(f64, f64)]) {
    let sorted = |values: Vec<f64>| {
        let mut values = values;
        values.sort_by(f64::total_cmp);
        values
    };
    let median = |values: &[f64]| values[values.len() / 2];
    let ours = median(&sorted(rounds.iter().map(|(ours, _)| *ours).collect()));
    let floor = median(&sorted(rounds.iter().map(|(_, floor)| *floor).collect()));
    let ratios = sorted(rounds.iter().map(|(ours, floor)| ours / floor).collect());
    let (least, most) = (ratios[0], ratios[ratios.len() - 1]);
    println!("| {what} | {ours:.0} | {floor:.0} | {:.2} ({least:.2} to {most:.2}) |", median(&ratios));
}
