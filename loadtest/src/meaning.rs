//! What the generated uploads mean: for each report what must read back, for each upload what must be said of it.

use jiff::Timestamp;
use schemas::{
    LabId, Outcome,
    report::{Status, TestResult},
    version::Reasons,
};
use serde::{Deserialize, Serialize};

/// What a whole plan means.
#[derive(Debug, Clone, Default)]
pub struct Meaning {
    /// The laboratories, in the plan's order.
    pub labs: Vec<LabMeaning>,
    /// Every report with a number. Those that share one stand side by side.
    pub reports: Vec<ReportMeaning>,
}

/// A laboratory of the plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabMeaning {
    /// Its name.
    pub id: LabId,
    /// What its report numbers begin with; seven digits follow.
    pub stem: String,
}

/// One report: what must be read back under its number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportMeaning {
    /// Index into [`Meaning::labs`].
    pub lab: u16,
    /// The digits of its number.
    pub ordinal: u32,
    /// The test's code.
    pub test: &'static str,
    /// The person whom the current version names, as it must read back.
    pub person: PersonMeaning,
    /// Why the current version waits for an operator; empty where it does not or is not due.
    pub held: Reasons,
    /// Which version is current.
    pub current: usize,
    /// Its versions in the order in which they first arrive; none where every item of it was refused.
    pub versions: Vec<VersionMeaning>,
}

/// A person, as they must read back. No `Debug` of them.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct PersonMeaning {
    /// The code, right or not.
    pub code: Option<Box<str>>,
    /// Surname: a charset or an escape that was misread shows in it.
    pub family: &'static str,
    /// Given name.
    pub given: &'static str,
}

impl std::fmt::Debug for PersonMeaning {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PersonMeaning(…)")
    }
}

/// One version of a report. No two of a report have one issue time, so that names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionMeaning {
    /// Issue time.
    pub issued: Timestamp,
    /// Status.
    pub status: Status,
    /// Result.
    pub result: Meant,
    /// True where a task of it may exist: it was current and due, and nothing held it.
    pub told: bool,
}

/// A result that must read back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meant {
    /// This one, or none.
    Exactly(Option<TestResult>),
    /// The contract leaves it open: a withdrawn report whose observations say nothing any more.
    Open,
}

/// What must become of one upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadMeaning {
    /// Index into [`Meaning::labs`].
    pub lab: u16,
    /// The upload of the same lane, counted from 0, whose bytes these are again.
    pub repeats: Option<u32>,
    /// What must become of its items.
    pub counts: Counts,
    /// The refused items and the code of a fault that each must show; empty where the envelope refuses them all.
    pub refused: Vec<(u32, &'static str)>,
    /// True where it has a control id that another upload had: the answer may warn of that, and never refuses for it.
    pub control_id_reused: bool,
    /// What must acknowledge it; none where a receipt does.
    pub acknowledgement: Option<AckMeaning>,
}

/// How an HL7 v2 message must be acknowledged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AckMeaning {
    /// MSH-10, which MSA-2 echoes.
    pub control_id: Box<str>,
    /// MSA-1 (table 0008): AA, AE or AR, or CA, CE or CR where MSH-15 asks for an accept acknowledgement.
    pub code: &'static str,
}

/// Items of one or many uploads by outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// All items.
    pub received: u64,
    /// [`Outcome::New`].
    pub new: u64,
    /// [`Outcome::Corrected`].
    pub corrected: u64,
    /// [`Outcome::Duplicate`].
    pub duplicate: u64,
    /// [`Outcome::Retracted`].
    pub retracted: u64,
    /// [`Outcome::Stale`].
    pub stale: u64,
    /// [`Outcome::Refused`].
    pub refused: u64,
    /// [`Outcome::DeadLetter`].
    pub dead_letters: u64,
}

impl Counts {
    /// Counts one item.
    pub fn count(&mut self, outcome: Outcome) {
        self.received += 1;
        *match outcome {
            Outcome::New => &mut self.new,
            Outcome::Corrected => &mut self.corrected,
            Outcome::Duplicate => &mut self.duplicate,
            Outcome::Retracted => &mut self.retracted,
            Outcome::Stale => &mut self.stale,
            Outcome::Refused => &mut self.refused,
            Outcome::DeadLetter => &mut self.dead_letters,
        } += 1;
    }

    /// Items that the door accepted.
    #[must_use]
    pub fn accepted(&self) -> u64 {
        self.new + self.corrected + self.duplicate + self.retracted + self.stale + self.dead_letters
    }

    /// True where every item received has one outcome.
    #[must_use]
    pub fn add_up(&self) -> bool {
        self.received == self.accepted() + self.refused
    }

    /// Adds those of another.
    pub fn add(&mut self, other: &Counts) {
        self.received += other.received;
        self.new += other.new;
        self.corrected += other.corrected;
        self.duplicate += other.duplicate;
        self.retracted += other.retracted;
        self.stale += other.stale;
        self.refused += other.refused;
        self.dead_letters += other.dead_letters;
    }
}

impl ReportMeaning {
    /// The version that must be current; none where every item was refused.
    #[must_use]
    pub fn current(&self) -> Option<&VersionMeaning> {
        self.versions.get(self.current)
    }

    /// True where a task of the current version must exist.
    #[must_use]
    pub fn due(&self) -> bool {
        self.current().is_some_and(|version| version.told)
    }
}

impl Meaning {
    /// The report's number, as its laboratory writes it.
    #[must_use]
    pub fn number(&self, report: &ReportMeaning) -> String {
        number(&self.labs[usize::from(report.lab)].stem, report.ordinal)
    }

    /// The laboratory and the digits of a number; none where no report of this plan can have it.
    #[must_use]
    pub fn ordinal(&self, lab: &LabId, number: &str) -> Option<(u16, u32)> {
        let index = self.labs.iter().position(|known| known.id == *lab)?;
        let digits = number.strip_prefix(&self.labs[index].stem)?;
        let whole = digits.len() == 7 && digits.bytes().all(|byte| byte.is_ascii_digit());
        Some((index as u16, whole.then(|| digits.parse().ok())??))
    }
}

/// The number of a report.
pub(crate) fn number(stem: &str, ordinal: u32) -> String {
    format!("{stem}{ordinal:07}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_outcome_counts_once_and_all_add_up() {
        let mut counts = Counts::default();
        Outcome::ALL.into_iter().for_each(|outcome| counts.count(outcome));
        assert_eq!((counts.received, counts.accepted(), counts.refused), (7, 6, 1));
        assert!(counts.add_up());
        counts.add(&counts.clone());
        assert_eq!(counts.received, 14);
        assert!(counts.add_up());
        counts.stale -= 1;
        assert!(!counts.add_up());
    }

    #[test]
    fn a_number_leads_back_to_its_report() {
        let lab: LabId = "torino".parse().unwrap();
        let meaning =
            Meaning { labs: vec![LabMeaning { id: lab.clone(), stem: "TO/20/".into() }], ..Meaning::default() };
        assert_eq!(meaning.ordinal(&lab, &number("TO/20/", 42)), Some((0, 42)));
        for other in ["TO/20/42", "TO/20/000004x", "NO/20/0000042", ""] {
            assert_eq!(meaning.ordinal(&lab, other), None, "{other}");
        }
    }
}
