//! ORC, OBR and SPM: one report (v2.5.1 §4.5, §7.4.3).

use schemas::report::Status;

use super::{Writer, dialect::Dialect};
use crate::generate::{
    content::{Content, minutes_after},
    fault::Wrong,
};

/// Minutes that taking a specimen takes.
const COLLECTING: u32 = 5;

impl Writer<'_> {
    /// An order group: all that is said of one report.
    pub(super) fn order(&self, set: usize, content: &Content, wrong: Option<Wrong>) -> String {
        let (obr_25, obx_11) = self.statuses(content);
        let obr_25 = if wrong == Some(Wrong::Status) { "Y" } else { obr_25 };
        let mut group = self.requests(set, content, obr_25, wrong);
        let note = self.note(content);
        // Below the OBR a note is the report's, below an OBX that result's.
        let is_reports = self.dialect == Dialect::Legacy;
        if is_reports {
            group.push_str(&note);
        }
        if wrong != Some(Wrong::Result) {
            group.push_str(&self.observations(content, obx_11));
            if !is_reports {
                group.push_str(&note);
            }
            group.push_str(&self.documents(content, obx_11));
            group.push_str(&self.question(content));
        }
        if self.dialect != Dialect::Legacy {
            group.push_str(&self.specimen(content, wrong != Some(Wrong::Number)));
        }
        // Answers alone are no result, and whether they are an observation the contract leaves open.
        if wrong != Some(Wrong::Result) {
            group.push_str(&self.answers(content));
        }
        group
    }

    fn requests(&self, set: usize, content: &Content, obr_25: &str, wrong: Option<Wrong>) -> String {
        let numbered = wrong != Some(Wrong::Number);
        let signs = &self.form.delimiters;
        let number = if numbered { content.number.as_str() } else { "" };
        let placer = content.order.as_ref().filter(|_| numbered).map(|(number, _)| number.as_str()).unwrap_or_default();
        let placer = signs.text(placer);
        let filler = match self.dialect {
            _ if !numbered => String::new(),
            // The number is in ORC-3 alone.
            Dialect::Legacy => String::new(),
            Dialect::Custom => signs.components(&[number, self.facility, "2.16.840.1.113883.2.9.4.9.1", "ISO"]),
            Dialect::Profile | Dialect::Recent => signs.components(&[number, self.facility]),
        };
        let collected = content.collected.map(|at| self.time(at)).unwrap_or_default();
        let issued = match wrong {
            Some(Wrong::IssueTime) => "20201345080000".to_owned(),
            _ if self.is_dated_by_header(content) => String::new(),
            _ => self.time(content.issued),
        };
        let service = if wrong == Some(Wrong::Test) { String::new() } else { self.test(content.test) };
        let source = match self.dialect {
            Dialect::Legacy => signs.subcomponents(&[content.specimen.0, content.specimen.1, "99LAB"]),
            _ => String::new(),
        };
        let mut text = String::new();
        // Some leave out what OBR says again.
        if self.dialect != Dialect::Custom || content.chance(2, 500) {
            text.push_str(&signs.segment("ORC", &[(1, "RE"), (2, &placer), (3, &signs.text(number))]));
        }
        text.push_str(&signs.segment(
            "OBR",
            &[
                (1, &set.to_string()),
                (2, &placer),
                (3, &filler),
                (4, &service),
                (7, &collected),
                (15, &source),
                (22, &issued),
                (25, obr_25),
            ],
        ));
        text
    }

    /// True where MSH-7 alone says when the report was issued.
    pub(super) fn is_dated_by_header(&self, content: &Content) -> bool {
        self.dialect == Dialect::Legacy && content.chance(3, 200)
    }

    fn specimen(&self, content: &Content, numbered: bool) -> String {
        let signs = &self.form.delimiters;
        let number = match self.dialect {
            _ if !numbered => String::new(),
            Dialect::Recent => {
                let placed = signs.subcomponents(&[&format!("P{}", content.specimen_id), "CUP"]);
                signs.joined(&[placed, signs.subcomponents(&[&content.specimen_id, self.facility])])
            }
            _ => signs.components(&["", &content.specimen_id]),
        };
        let kind = signs.components(&[content.specimen.0, content.specimen.1, "SCT"]);
        let collected = match (content.collected, self.dialect) {
            (Some(from), Dialect::Recent) => {
                let to = minutes_after(from, COLLECTING);
                signs.joined(&[self.time(from), self.time(to)])
            }
            (Some(at), _) => self.time(at),
            (None, _) => String::new(),
        };
        signs.segment("SPM", &[(1, "1"), (2, &number), (4, &kind), (17, &collected)])
    }

    /// Notes: repetitions of an old system, lines of another, a text of the others.
    fn note(&self, content: &Content) -> String {
        let Some(note) = &content.note else { return String::new() };
        let signs = &self.form.delimiters;
        let lines = note.replace(". ", ".\n");
        let text = match self.dialect {
            Dialect::Legacy => {
                lines.split('\n').map(|line| signs.text(line)).collect::<Vec<_>>().join(&signs.repetition.to_string())
            }
            Dialect::Custom => signs.text(&lines),
            Dialect::Profile | Dialect::Recent => signs.text(note),
        };
        signs.segment("NTE", &[(1, "1"), (2, "L"), (3, &text)])
    }

    /// OBR-25 (table 0123) and OBX-11 (table 0085).
    fn statuses(&self, content: &Content) -> (&'static str, &'static str) {
        let recent = self.dialect == Dialect::Recent;
        match content.status {
            Status::Registered => ("I", "I"),
            // Stored, not verified: §7.4.2.11, `R`.
            Status::Preliminary if recent => ("R", "R"),
            Status::Preliminary => ("P", "P"),
            // Final without the results being sent again; here they are.
            Status::Final if recent && content.chance(4, 300) => ("F", "U"),
            Status::Final => ("F", "F"),
            // Only the results say that they replace others.
            Status::Corrected if self.dialect == Dialect::Legacy => ("F", "C"),
            Status::Corrected => ("C", "C"),
            Status::Cancelled => ("X", "X"),
            Status::EnteredInError => ("C", "W"),
        }
    }
}
