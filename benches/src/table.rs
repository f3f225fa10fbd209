//! Rounds of ours and its floor by turns in one run, and the table of their ratios.
#![allow(clippy::print_stdout, reason = "a table of figures")]

use std::time::{Duration, Instant};

/// Rounds of each pair; the median is what counts on a noisy machine.
pub const ROUNDS: usize = 5;

/// Turns that each side has in a round of [`by_turns`], and how long one is at the least: short, so that some pass without
/// a neighbour on the machine.
const TURNS: (u32, Duration) = (20, Duration::from_millis(10));

/// A count a second.
#[allow(clippy::cast_precision_loss, reason = "counts far under 2^52")]
#[must_use]
pub fn rate(count: usize, took: Duration) -> f64 {
    count as f64 / took.as_secs_f64()
}

/// Rounds of two sides by turns; each side does a piece of work and returns how much it was. Rates a second, each that of
/// the side's fastest turn of the round: what slows a turn down is a neighbour, never the work.
pub fn by_turns(mut ours: impl FnMut() -> usize, mut floor: impl FnMut() -> usize) -> Vec<(f64, f64)> {
    let round = |_| {
        let (mut our_rate, mut floor_rate) = (0.0_f64, 0.0_f64);
        for _ in 0..TURNS.0 {
            our_rate = our_rate.max(turn(&mut ours));
            floor_rate = floor_rate.max(turn(&mut floor));
        }
        (our_rate, floor_rate)
    };
    (0..ROUNDS).map(round).collect()
}

/// The rate of one turn.
fn turn(work: &mut dyn FnMut() -> usize) -> f64 {
    let begin = Instant::now();
    let mut done = 0;
    while begin.elapsed() < TURNS.1 {
        done += work();
    }
    rate(done, begin.elapsed())
}

/// The table's head.
pub fn head() {
    println!("| what | ours, a second | floor, a second | ratio: median (least to most of {ROUNDS} rounds) |");
    println!("|---|---|---|---|");
}

/// A line of the table, of rounds of ours and floor.
pub fn row(what: &str, rounds: &[(f64, f64)]) {
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
