//! The rules as the store asks for them.

use std::sync::atomic::{AtomicU64, Ordering};

use schemas::{Digest, ItemPlace, Outcome, Version, version::Standing};
use store::Judge;

/// Judges by `rules`, and counts the outcomes it gave, which are a batch's new items: a store asks for no outcome of
/// an item that it has.
#[derive(Debug, Default)]
pub struct RuleBook {
    outcomes: [AtomicU64; Outcome::ALL.len()],
}

impl RuleBook {
    /// How often each outcome was given.
    pub(crate) fn outcomes(&self) -> impl Iterator<Item = (Outcome, u64)> {
        Outcome::ALL.into_iter().zip(&self.outcomes).map(|(outcome, count)| (outcome, count.load(Ordering::Relaxed)))
    }
}

impl Judge for RuleBook {
    fn outcome(&self, stored: &[Version], item: &Version) -> Outcome {
        let outcome = rules::outcome(stored, item);
        self.outcomes[outcome as usize].fetch_add(1, Ordering::Relaxed);
        outcome
    }

    fn standing(&self, versions: &[Version], fenced: &dyn Fn(ItemPlace) -> bool, emitted: Option<Digest>) -> Standing {
        rules::standing(versions, fenced, emitted).expect("a stored report has a version")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes_are_counted_where_they_stand_in_the_contract() {
        for (index, outcome) in Outcome::ALL.into_iter().enumerate() {
            assert_eq!(outcome as usize, index);
        }
    }
}
