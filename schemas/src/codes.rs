//! Code tables: which code, text or flag means which result; which tests are SARS-CoV-2; which questions are asked at
//! order entry. The tables are data files under `schemas/data`, compiled in.

use std::sync::LazyLock;

use crate::{fiscal_code::fold, report::TestResult};

/// What a coded value means: SNOMED CT or LOINC answer codes. The system narrows only where it is known and foreign.
///
/// A value coded by HL7's interpretation table (`POS^…^HL70078`) means what the flag means.
#[must_use]
pub fn result_of_code(system: Option<&str>, code: &str) -> Option<TestResult> {
    let system = system.and_then(System::of);
    if system == Some(System::Interpretation) {
        return flag(code).and_then(Flag::result);
    }
    let (home, result) = ANSWERS.get(code.trim())?;
    (system.is_none() || system == Some(home)).then_some(result)
}

/// What a text means: the whole text after folding case, accents and white space, never a part of it.
#[must_use]
pub fn result_of_text(text: &str) -> Option<TestResult> {
    TEXTS.get(folded(text, &mut [0; LONGEST_TEXT])?)
}

/// What an interpretation flag says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flag {
    /// `POS`, `NEG`, `IND` and their kin: a result by itself.
    Result(TestResult),
    /// `A`, `AA`, `H`…: abnormal; contradicts a negative, decides nothing.
    Abnormal,
    /// `N`: normal; contradicts a positive, decides nothing.
    Normal,
}

impl Flag {
    fn of(meaning: &str) -> Option<Self> {
        match meaning {
            "abnormal" => Some(Flag::Abnormal),
            "normal" => Some(Flag::Normal),
            result => TestResult::parse(result).map(Flag::Result),
        }
    }

    fn result(self) -> Option<TestResult> {
        if let Flag::Result(result) = self { Some(result) } else { None }
    }
}

/// What an interpretation flag says (HL7 table 0078 and what senders use); none where no table knows it.
///
/// Some senders write the result's words there: these mean what they mean as text.
#[must_use]
pub fn flag(flag: &str) -> Option<Flag> {
    let mut buffer = [0; LONGEST_TEXT];
    let folded = folded(flag, &mut buffer)?;
    FLAGS.get(folded).or_else(|| TEXTS.get(folded).map(Flag::Result))
}

/// What a SARS-CoV-2 test looks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TestKind {
    /// The virus's RNA.
    Molecular,
    /// The virus's proteins.
    Antigen,
    /// Antibodies: neither opens nor closes an isolation.
    Serology,
}

/// The kind of a SARS-CoV-2 test by its LOINC code; none for other tests.
#[must_use]
pub fn sars_cov_2_kind(code: &str) -> Option<TestKind> {
    SARS_COV_2.get(code.trim())
}

/// True for a SARS-CoV-2 test's LOINC code (molecular, antigen, serology).
#[must_use]
pub fn is_sars_cov_2(code: &str) -> bool {
    sars_cov_2_kind(code).is_some()
}

/// True for a question asked at order entry (symptoms, pregnancy, residence…) or a comment: never a result.
#[must_use]
pub fn is_ask_at_order(code: &str) -> bool {
    ASK_AT_ORDER.get(code.trim()).is_some()
}

/// Why a test was asked, in the contract's words; none where the code leaves any doubt.
#[must_use]
pub fn reason(code: &str) -> Option<&'static str> {
    REASONS.get(folded(code, &mut [0; LONGEST_TEXT])?)
}

static ANSWERS: LazyLock<Table<(System, TestResult)>> = LazyLock::new(|| {
    Table::read(include_str!("../data/answers.csv"), |row| {
        let (system, result) = row.split_once(',')?;
        Some((System::of(system)?, TestResult::parse(result)?))
    })
});
static TEXTS: LazyLock<Table<TestResult>> =
    LazyLock::new(|| Table::read(include_str!("../data/texts.csv"), TestResult::parse));
static FLAGS: LazyLock<Table<Flag>> = LazyLock::new(|| Table::read(include_str!("../data/flags.csv"), Flag::of));
static SARS_COV_2: LazyLock<Table<TestKind>> = LazyLock::new(|| {
    Table::read(include_str!("../data/sars-cov-2.csv"), |kind| match kind {
        "molecular" => Some(TestKind::Molecular),
        "antigen" => Some(TestKind::Antigen),
        "serology" => Some(TestKind::Serology),
        _ => None,
    })
});
static REASONS: LazyLock<Table<&'static str>> =
    LazyLock::new(|| Table::read(include_str!("../data/reasons.csv"), Some));
static ASK_AT_ORDER: LazyLock<Table<()>> =
    LazyLock::new(|| Table::read(include_str!("../data/ask-at-order.csv"), |_| Some(())));

/// A code system that the tables know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum System {
    Snomed,
    Loinc,
    Interpretation,
}

impl System {
    /// By URI, OID, or HL7 table 0396.
    fn of(name: &str) -> Option<Self> {
        let name = name.trim();
        let is = |names: &[&str]| names.iter().any(|known| known.eq_ignore_ascii_case(name));
        match name.strip_prefix("urn:oid:").unwrap_or(name) {
            "2.16.840.1.113883.6.96" => Some(System::Snomed),
            "2.16.840.1.113883.6.1" => Some(System::Loinc),
            _ if is(&["http://loinc.org", "LN", "loinc"]) => Some(System::Loinc),
            _ if is(&["http://snomed.info/sct", "SCT", "snomed", "SNOMED-CT"]) => Some(System::Snomed),
            _ if is(&[
                "HL70078",
                "http://terminology.hl7.org/CodeSystem/v2-0078",
                "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation",
            ]) =>
            {
                Some(System::Interpretation)
            }
            _ => None,
        }
    }
}

/// A table of a data file, sorted by its first column.
struct Table<V>(Vec<(&'static str, V)>);

impl<V: Copy> Table<V> {
    /// Reads `key,value` lines below a heading; a test sees to it that each line is read.
    fn read(csv: &'static str, value: impl Fn(&'static str) -> Option<V>) -> Self {
        let rows = csv.lines().skip(1).filter_map(|line| line.split_once(','));
        let mut rows: Vec<_> = rows.filter_map(|(key, rest)| Some((key, value(rest)?))).collect();
        rows.sort_unstable_by_key(|(key, _)| *key);
        Self(rows)
    }

    fn get(&self, key: &str) -> Option<V> {
        let at = self.0.binary_search_by_key(&key, |(key, _)| *key).ok()?;
        self.0.get(at).map(|(_, value)| *value)
    }
}

/// Longer than any text of the tables.
const LONGEST_TEXT: usize = 64;

/// The text in plain capitals, white space trimmed and its runs made one space; none where no table could have it.
fn folded<'b>(text: &str, buffer: &'b mut [u8; LONGEST_TEXT]) -> Option<&'b str> {
    let mut length = 0;
    for (index, word) in text.split_whitespace().enumerate() {
        let mut push = |byte| {
            *buffer.get_mut(length)? = byte;
            length += 1;
            Some(())
        };
        if index > 0 {
            push(b' ')?;
        }
        for written in word.chars() {
            if written.is_ascii() {
                push((written as u8).to_ascii_uppercase())?;
            } else {
                fold(written)?.bytes().try_for_each(&mut push)?;
            }
        }
    }
    std::str::from_utf8(buffer.get(..length)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole<V: Copy>(table: &Table<V>, csv: &str) {
        assert_eq!(table.0.len(), csv.lines().count() - 1, "a row that cannot be read");
        assert!(table.0.windows(2).all(|pair| pair[0].0 < pair[1].0), "a key twice");
        assert!(table.0.iter().all(|(key, _)| folded(key, &mut [0; LONGEST_TEXT]) == Some(key)), "a key not folded");
    }

    #[test]
    fn each_row_of_the_tables_is_read() {
        whole(&ANSWERS, include_str!("../data/answers.csv"));
        whole(&TEXTS, include_str!("../data/texts.csv"));
        whole(&FLAGS, include_str!("../data/flags.csv"));
        whole(&SARS_COV_2, include_str!("../data/sars-cov-2.csv"));
        whole(&REASONS, include_str!("../data/reasons.csv"));
        whole(&ASK_AT_ORDER, include_str!("../data/ask-at-order.csv"));
    }
}
