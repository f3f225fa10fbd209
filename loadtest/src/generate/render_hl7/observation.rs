//! OBX: what was observed, what was asked, what is attached (v2.5.1 §7.4.2).

use schemas::report::TestResult;

use super::{Writer, dialect::Dialect};
use crate::generate::{
    content::{Content, Reading, Test, Value},
    document,
};

/// Characters of base64 of the small documents that some send with a few reports.
const SMALL_DOCUMENT: usize = 600;

impl Writer<'_> {
    /// A test, as OBR-4 and OBX-3 name it; old systems have a code of their own beside LOINC's.
    pub(super) fn test(&self, test: &Test) -> String {
        let signs = &self.form.delimiters;
        let local = format!("T{}", test.code.replace('-', ""));
        match self.dialect {
            Dialect::Legacy => signs.components(&[&local, test.display, "99LAB", test.code, test.display, "LN"]),
            _ => signs.components(&[test.code, test.display, "LN"]),
        }
    }

    /// The results.
    pub(super) fn observations(&self, content: &Content, status: &str) -> String {
        let readings = content.finding.readings.iter().enumerate();
        readings.map(|(index, reading)| self.reading(index + 1, reading, content, status)).collect()
    }

    fn reading(&self, set: usize, reading: &Reading, content: &Content, status: &str) -> String {
        let signs = &self.form.delimiters;
        let (kind, value) = self.value(&reading.value, content);
        let (unit, range) = match &reading.value {
            Value::Measured { unit, range, .. } => (signs.text(unit), signs.text(range)),
            Value::Known { .. } | Value::Words(_) => Default::default(),
        };
        let flag = match (reading.flag, self.dialect) {
            (Some(flag), Dialect::Recent) => signs.components(&[flag, "", "HL70078"]),
            (flag, _) => flag.unwrap_or_default().to_owned(),
        };
        let said_kind = if self.dialect == Dialect::Recent { "RSLT" } else { "" };
        let rest = [(6, unit.as_str()), (7, &range), (8, &flag), (11, status), (29, said_kind)];
        self.obx(set, kind, &self.test(reading.test), &value, &rest)
    }

    /// OBX-2 and OBX-5.
    fn value(&self, value: &Value, content: &Content) -> (&'static str, String) {
        let signs = &self.form.delimiters;
        let (result, words) = match value {
            Value::Known { result, words } => (Some(*result), *words),
            Value::Words(words) => (None, *words),
            Value::Measured { value, .. } => return ("NM", value.clone()),
        };
        let plain = content.chance(6, 500);
        match (self.dialect, result) {
            (Dialect::Legacy | Dialect::Custom, _) if plain => ("ST", signs.text(words)),
            (Dialect::Legacy, Some(result)) => ("CE", signs.components(&[local(result), words, "99LAB"])),
            (Dialect::Legacy, None) => ("CE", signs.components(&["X9", words, "99LAB"])),
            (Dialect::Custom, Some(result)) => ("CWE", signs.components(&[loinc(result), words, "LN"])),
            (Dialect::Profile, Some(result)) => ("CWE", signs.components(&[snomed(result), words, "SCT"])),
            (Dialect::Recent, Some(result)) => {
                let codings = [local(result), words, "99LAB", snomed(result), words, "SCT"];
                ("CWE", signs.components(&codings))
            }
            (Dialect::Custom, None) => ("FT", signs.text(words)),
            (Dialect::Profile | Dialect::Recent, None) => ("ST", signs.text(words)),
        }
    }

    /// Documents of the report: an ED each.
    pub(super) fn documents(&self, content: &Content, status: &str) -> String {
        let signs = &self.form.delimiters;
        let small = self.dialect == Dialect::Custom && content.chance(7, 30);
        let chars = match content.attachment_chars {
            0 if small => SMALL_DOCUMENT,
            chars => chars,
        };
        if chars == 0 {
            return String::new();
        }
        let code = signs.components(&["11502-2", "Referto di laboratorio", "LN"]);
        let data = document::base64(content, chars);
        // Base64 has a plus.
        let value = signs.components(&["", "application", "PDF", "Base64", &data]);
        self.obx(content.finding.readings.len() + 1, "ED", &code, &value, &[(11, status)])
    }

    /// A question among the results, with a code that says nothing to anyone else: OBX-29 alone tells it from a result.
    pub(super) fn question(&self, content: &Content) -> String {
        if self.dialect != Dialect::Recent || !content.chance(5, 200) {
            return String::new();
        }
        let code = self.form.delimiters.components(&["Q1", "Contatto con un positivo", "99LAB"]);
        self.obx(content.finding.readings.len() + 2, "ST", &code, "POSITIVO", &[(11, "F"), (29, "QST")])
    }

    /// Answers given at order entry: below the specimen they are none of the result (§7.3.1).
    pub(super) fn answers(&self, content: &Content) -> String {
        if self.dialect != Dialect::Custom || !content.chance(8, 250) {
            return String::new();
        }
        let signs = &self.form.delimiters;
        let symptoms = signs.components(&["95419-8", "Sintomi", "LN"]);
        let yes = signs.components(&["Y", "Sì", "HL70136"]);
        let contact = signs.components(&["Q2", "Contatto con un positivo", "99LAB"]);
        self.obx(1, "CE", &symptoms, &yes, &[(11, "F")]) + &self.obx(2, "ST", &contact, "POSITIVO", &[(11, "F")])
    }

    fn obx(&self, set: usize, kind: &str, code: &str, value: &str, rest: &[(usize, &str)]) -> String {
        let set = set.to_string();
        let fields: Vec<_> =
            [(1, set.as_str()), (2, kind), (3, code), (5, value)].into_iter().chain(rest.iter().copied()).collect();
        self.form.delimiters.segment("OBX", &fields)
    }
}

fn snomed(result: TestResult) -> &'static str {
    match result {
        TestResult::Positive => "260373001",
        TestResult::Negative => "260415000",
        TestResult::Inconclusive => "419984006",
        TestResult::Unsatisfactory | TestResult::NotInterpreted => "125154007",
    }
}

fn loinc(result: TestResult) -> &'static str {
    match result {
        TestResult::Positive => "LA6576-8",
        TestResult::Negative => "LA6577-6",
        TestResult::Inconclusive => "LA9663-1",
        TestResult::Unsatisfactory | TestResult::NotInterpreted => "LA13548-5",
    }
}

/// A code that only the laboratory knows.
fn local(result: TestResult) -> &'static str {
    match result {
        TestResult::Positive => "R1",
        TestResult::Negative => "R2",
        TestResult::Inconclusive => "R3",
        TestResult::Unsatisfactory | TestResult::NotInterpreted => "R4",
    }
}
