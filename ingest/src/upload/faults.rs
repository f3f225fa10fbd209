//! The faults of an upload: all are counted, and so many are listed that an answer stays readable.

use std::borrow::Cow;

use schemas::Fault;

use crate::problem::LISTED_FAULTS;

/// Faults as they are found, in bounded memory.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    /// With the order in which they were found; at most [`LISTED_FAULTS`] of each kind.
    errors: Vec<(u64, Fault)>,
    warnings: Vec<(u64, Fault)>,
    found: u64,
    by_code: Vec<(Cow<'static, str>, u64)>,
}

impl Faults {
    /// Takes one more.
    pub(super) fn push(&mut self, fault: Fault) {
        // A few dozen codes at most: a list is searched faster than a map is hashed.
        match self.by_code.iter_mut().find(|(code, _)| *code == fault.code) {
            Some((_, count)) => *count = count.saturating_add(1),
            None => self.by_code.push((fault.code.clone(), 1)),
        }
        let kind = if fault.is_error() { &mut self.errors } else { &mut self.warnings };
        if kind.len() < LISTED_FAULTS {
            kind.push((self.found, fault));
        }
        self.found = self.found.saturating_add(1);
    }

    /// True where one of this code was found.
    pub(super) fn has(&self, code: &str) -> bool {
        self.by_code.iter().any(|(have, _)| have == code)
    }

    /// How many were found, by code.
    pub(super) fn by_code(&self) -> &[(Cow<'static, str>, u64)] {
        &self.by_code
    }

    /// Those to list, in the upload's order, and how many are left out. Warnings give way to errors.
    pub(crate) fn list(self) -> (Vec<Fault>, u64) {
        let mut listed = self.errors;
        listed.extend(self.warnings.into_iter().take(LISTED_FAULTS.saturating_sub(listed.len())));
        listed.sort_by_key(|(order, _)| *order);
        let omitted = self.found.saturating_sub(listed.len() as u64);
        (listed.into_iter().map(|(_, fault)| fault).collect(), omitted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_listed_before_warnings_in_the_order_of_the_upload() {
        let mut faults = Faults::default();
        for item in 0..2_000 {
            faults.push(Fault::warning("a-doubtful", "…").item(item, 1));
            if item >= 1_990 {
                faults.push(Fault::error("a-missing", "…").item(item, 1));
            }
        }
        assert!(faults.has("a-missing") && !faults.has("b-missing"));
        assert_eq!(faults.by_code(), [("a-doubtful".into(), 2_000), ("a-missing".into(), 10)]);
        let (listed, omitted) = faults.list();
        assert_eq!((listed.len(), omitted), (LISTED_FAULTS, 1_010));
        assert_eq!(listed.iter().filter(|fault| fault.is_error()).count(), 10);
        assert!(listed.is_sorted_by_key(|fault| fault.item));
    }
}
