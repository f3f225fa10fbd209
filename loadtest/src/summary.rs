//! The numbers of a run in one table, by the contract's names.

use std::time::Duration;

use serde::Serialize;

use crate::{Ledger, Run, follow::Followed};

/// What a run came to: the JSON of `referto demo --json`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// Items received, each upload once.
    pub received: u64,
    /// Uploads that were sent again.
    pub repeated: u64,
    /// Items accepted.
    pub accepted: u64,
    /// Items refused.
    pub refused: u64,
    /// New.
    pub new: u64,
    /// Corrected.
    pub corrected: u64,
    /// Duplicate.
    pub duplicate: u64,
    /// Retracted.
    pub retracted: u64,
    /// Stale.
    pub stale: u64,
    /// Dead letters.
    pub dead_letters: u64,
    /// Reports held.
    pub held: u64,
    /// Tasks emitted.
    pub tasks: u64,
    /// From the first upload until all were stored.
    pub seconds: f64,
    /// Median time from an upload's first byte to its receipt.
    pub accepted_p50_ms: f64,
    /// The 99th percentile of it.
    pub accepted_p99_ms: f64,
    /// Median time from an upload's first byte until all its items were seen stored.
    pub stored_p50_ms: f64,
    /// The 99th percentile of it.
    pub stored_p99_ms: f64,
    /// `balanced`, or what is missing.
    pub ledger: Verdict,
}

/// The ledger in a word, or in its discrepancies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Verdict {
    /// Always `balanced`.
    Balanced(&'static str),
    /// What differs.
    Unbalanced(Vec<String>),
}

impl Summary {
    /// The table of a run and its ledger.
    #[must_use]
    pub fn new(run: &Run, ledger: &Ledger) -> Self {
        let firsts = || run.lanes.iter().flatten().filter(|sent| sent.meaning.repeats.is_none());
        let accepted = percentiles(firsts().map(|sent| sent.accepted_after).collect());
        let stored = firsts().filter_map(|sent| match &sent.followed {
            Some(Followed::Done { stored_after, .. }) => Some(*stored_after),
            _ => None,
        });
        let stored = percentiles(stored.collect());
        let counts = &ledger.counts;
        Self {
            received: counts.received,
            repeated: ledger.repeated,
            accepted: counts.accepted(),
            refused: counts.refused,
            new: counts.new,
            corrected: counts.corrected,
            duplicate: counts.duplicate,
            retracted: counts.retracted,
            stale: counts.stale,
            dead_letters: counts.dead_letters,
            held: ledger.held,
            tasks: ledger.tasks,
            seconds: (run.took.as_secs_f64() * 1e3).round() / 1e3,
            accepted_p50_ms: accepted.0,
            accepted_p99_ms: accepted.1,
            stored_p50_ms: stored.0,
            stored_p99_ms: stored.1,
            ledger: verdict(ledger),
        }
    }
}

fn verdict(ledger: &Ledger) -> Verdict {
    if ledger.balanced {
        return Verdict::Balanced("balanced");
    }
    let mut missing = ledger.discrepancies.clone();
    if ledger.discrepancies_omitted > 0 {
        missing.push(format!("and {} more", ledger.discrepancies_omitted));
    }
    Verdict::Unbalanced(missing)
}

/// Median and 99th percentile (nearest rank) in ms, to a hundredth; 0 of nothing.
fn percentiles(mut times: Vec<Duration>) -> (f64, f64) {
    times.sort_unstable();
    let at = |percent: usize| {
        let rank = (times.len() * percent).div_ceil(100).max(1) - 1;
        times.get(rank).map_or(0.0, |time| (time.as_secs_f64() * 1e5).round() / 1e2)
    };
    (at(50), at(99))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_the_nearest_rank() {
        let times = (1..=100).map(Duration::from_millis).rev().collect();
        assert_eq!(percentiles(times), (50.0, 99.0));
        assert_eq!(percentiles(vec![Duration::from_micros(1_234)]), (1.23, 1.23));
        assert_eq!(percentiles(Vec::new()), (0.0, 0.0));
    }
}
