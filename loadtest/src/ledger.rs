//! The ledger: what was meant beside what reads back. Data in, data out.
//!
//! It balances where every upload was answered and came out as meant, every report reads back as meant, and every
//! task is there that must be and none that must not. One missing row or one missing task unbalances it.

use std::collections::BTreeSet;

use jiff::Timestamp;
use schemas::{
    Digest,
    report::{Status, TestResult},
};
use serde::{Deserialize, Serialize};

use crate::{
    meaning::{Counts, Meaning, Meant, PersonMeaning, ReportMeaning},
    tasks::Tasks,
};

mod uploads;

/// Discrepancies that are spelt out; the others are counted.
const LISTED: usize = 100;

/// The answer to `GET /v1/reports/{number}`, as far as it is compared.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct ReadReports {
    /// The reports of the number, one a test.
    pub reports: Vec<ReadReport>,
}

/// A report as it reads back.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ReadReport {
    /// The test.
    pub test: ReadTest,
    /// Why it waits for an operator.
    #[serde(default)]
    pub held: Vec<String>,
    /// The version that counts.
    pub current: ReadVersion,
    /// All versions.
    pub versions: Vec<ReadVersion>,
}

/// A test as it reads back.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ReadTest {
    /// Its code.
    pub code: String,
}

/// A version as it reads back.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReadVersion {
    /// Its digest.
    pub version: Digest,
    /// Issue time.
    pub issued_at: Timestamp,
    /// Status.
    pub status: Status,
    /// Result.
    #[serde(default)]
    pub result: Option<TestResult>,
    /// The person.
    #[serde(default)]
    pub patient: ReadPatient,
}

/// A person as it reads back. No `Debug` of them.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReadPatient {
    /// The code.
    pub fiscal_code: Option<String>,
    /// Surname.
    pub family: Option<String>,
    /// Given name.
    pub given: Option<String>,
}

impl ReadPatient {
    fn is(&self, meant: &PersonMeaning) -> bool {
        self.fiscal_code.as_deref() == meant.code.as_deref()
            && self.family.as_deref() == Some(meant.family)
            && self.given.as_deref() == Some(meant.given)
    }
}

impl std::fmt::Debug for ReadPatient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ReadPatient(…)")
    }
}

/// What came of the comparison.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Ledger {
    /// True where nothing differs.
    pub balanced: bool,
    /// Items by outcome, each upload once however often it was sent.
    pub counts: Counts,
    /// Uploads that were sent again.
    pub repeated: u64,
    /// Reports held.
    pub held: u64,
    /// Tasks seen.
    pub tasks: u64,
    /// Reports compared.
    pub reports: u64,
    /// What differs, by laboratory and report number: at most 100. No personal data.
    pub discrepancies: Vec<String>,
    /// Discrepancies beyond those.
    pub discrepancies_omitted: u64,
}

/// A ledger being drawn up.
pub struct Audit<'m> {
    meaning: &'m Meaning,
    tasks: &'m Tasks<'m>,
    ledger: Ledger,
}

impl<'m> Audit<'m> {
    /// Begins with the tasks.
    #[must_use]
    pub fn new(meaning: &'m Meaning, tasks: &'m Tasks<'m>) -> Self {
        let ledger = Ledger {
            balanced: true,
            counts: Counts::default(),
            repeated: 0,
            held: 0,
            tasks: tasks.count(),
            reports: 0,
            discrepancies: Vec::new(),
            discrepancies_omitted: 0,
        };
        let mut audit = Self { meaning, tasks, ledger };
        tasks.stray().iter().for_each(|stray| audit.differs(stray.clone()));
        audit
    }

    /// Takes the reports of one number: those that were meant, and what reads back under it.
    pub fn number(&mut self, meant: &[ReportMeaning], read: &ReadReports) {
        let Some(first) = meant.first() else { return };
        let name =
            format!("lab {} report {}", self.meaning.labs[usize::from(first.lab)].id, self.meaning.number(first));
        for report in meant {
            self.ledger.reports += 1;
            let found = read.reports.iter().find(|read| read.test.code == report.test);
            match found {
                Some(found) if !report.versions.is_empty() => self.report(&name, report, found),
                None if report.versions.is_empty() => self.refused(&name, report),
                Some(_) => self.differs(format!("{name}: stored, though every item of it was refused")),
                None => self.differs(format!("{name}: missing (test {})", report.test)),
            }
        }
        let strangers =
            read.reports.iter().filter(|read| meant.iter().all(|meant| meant.test != read.test.code)).count();
        if strangers > 0 {
            self.differs(format!("{name}: {strangers} reports that were never sent"));
        }
    }

    fn refused(&mut self, name: &str, report: &ReportMeaning) {
        if !self.tasks.of_report(report).is_empty() {
            self.differs(format!("{name}: a task, though it was refused"));
        }
    }

    fn report(&mut self, name: &str, meant: &ReportMeaning, read: &ReadReport) {
        let Some(current) = meant.current() else { return };
        let held: BTreeSet<&str> = meant.held.iter().map(|reason| reason.as_str()).collect();
        self.ledger.held += u64::from(!read.held.is_empty());
        let checks = [
            ("another version is current", read.current.issued_at == current.issued),
            ("another person", read.current.patient.is(&meant.person)),
            ("another number of versions", read.versions.len() == meant.versions.len()),
            ("held for other reasons", read.held.iter().map(String::as_str).collect::<BTreeSet<_>>() == held),
            ("the current version is none of its versions", read.versions.contains(&read.current)),
        ];
        for (what, _) in checks.iter().filter(|(_, fits)| !fits) {
            self.differs(format!("{name}: {what}"));
        }
        for version in &meant.versions {
            let Some(found) = read.versions.iter().find(|found| found.issued_at == version.issued) else {
                self.differs(format!("{name}: the version issued at {} is missing", version.issued));
                continue;
            };
            if found.status != version.status {
                self.differs(format!("{name}: the version issued at {} has another status", version.issued));
            }
            if let Meant::Exactly(result) = version.result
                && found.result != result
            {
                self.differs(format!("{name}: the version issued at {} has another result", version.issued));
            }
        }
        self.told(name, meant, read);
    }

    /// The current version where it is due, and no version that never was.
    fn told(&mut self, name: &str, meant: &ReportMeaning, read: &ReadReport) {
        let tasks = self.tasks.of_report(meant);
        if meant.due() && !tasks.contains(&read.current.version) {
            self.differs(format!("{name}: due, and no task of its current version"));
        }
        for task in tasks {
            let issued = read.versions.iter().find(|found| found.version == *task).map(|found| found.issued_at);
            if !meant.versions.iter().any(|version| version.told && Some(version.issued) == issued) {
                self.differs(format!("{name}: a task of a version that was never due"));
            }
        }
    }

    /// A report that could not be read back.
    pub fn unread(&mut self, meant: &[ReportMeaning], why: &str) {
        if let Some(first) = meant.first() {
            let (lab, number) = (&self.meaning.labs[usize::from(first.lab)].id, self.meaning.number(first));
            self.differs(format!("lab {lab} report {number}: cannot be read back: {why}"));
        }
    }

    fn differs(&mut self, what: String) {
        self.ledger.balanced = false;
        if self.ledger.discrepancies.len() < LISTED {
            self.ledger.discrepancies.push(what);
        } else {
            self.ledger.discrepancies_omitted += 1;
        }
    }

    /// Closes it: every report of the plan must have been compared.
    #[must_use]
    pub fn close(mut self) -> Ledger {
        let meant = self.meaning.reports.len() as u64;
        if self.ledger.reports != meant {
            self.differs(format!("{} reports compared, {meant} meant", self.ledger.reports));
        }
        if !self.ledger.counts.add_up() {
            self.differs("received is not accepted and refused together".to_owned());
        }
        self.ledger
    }
}

#[cfg(test)]
mod tests;
