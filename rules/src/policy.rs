//! What an installation sets: which tests are followed, and when a specimen is old.

use std::collections::BTreeSet;

use schemas::codes;

/// The tests whose reports are told to the person.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Tests {
    /// The code table's SARS-CoV-2 tests (see [`codes::is_sars_cov_2`]).
    #[default]
    SarsCov2,
    /// Exactly these codes.
    Codes(BTreeSet<String>),
}

/// What an installation decides by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// The listed tests.
    pub tests: Tests,
    /// A specimen collected more than so many times 24 hours before receipt is held as old.
    pub old_specimen_days: u16,
}

impl Default for Policy {
    /// SARS-CoV-2, and 14 days: the longest that an isolation of 2020 turned on one specimen.
    fn default() -> Self {
        Self { tests: Tests::default(), old_specimen_days: 14 }
    }
}

impl Policy {
    /// True where the policy lists this code of a test or an observation.
    #[must_use]
    pub fn lists(&self, code: &str) -> bool {
        match &self.tests {
            Tests::SarsCov2 => codes::is_sars_cov_2(code),
            Tests::Codes(listed) => listed.contains(code),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_lists_sars_cov_2_and_a_list_replaces_it() {
        assert!(Policy::default().lists("94500-6"));
        assert!(!Policy::default().lists("718-7"));
        let policy = Policy { tests: Tests::Codes(["718-7".to_owned()].into()), ..Policy::default() };
        assert!(policy.lists("718-7"));
        assert!(!policy.lists("94500-6"));
    }
}
