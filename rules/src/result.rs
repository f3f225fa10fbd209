//! The result of a report: as given, else that of its observations.

use schemas::{
    codes::{self, Flag},
    report::{Observation, Report, Status, TestResult},
};

use crate::Policy;

/// What a report says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// The result; none where there is nothing to read or the report contradicts itself without one being given.
    pub result: Option<TestResult>,
    /// True where the report contradicts itself: observations that disagree, a code and its text or flag, a given
    /// result and its observations.
    pub conflict: bool,
}

/// Reads a report's result.
///
/// The result as given counts, else that of the observations whose code the policy lists; all of them where it lists
/// the test and none of its observations. Questions asked at order entry, comments and retracted observations never
/// count. Where those that count agree, that is the result; where they do not, there is none, and a conflict. A given
/// result stands, but an observation that says another makes it a conflict.
#[must_use]
pub fn of_report(report: &Report<'_>, policy: &Policy) -> Reading {
    let some_listed = report.observations.iter().any(|seen| !asked(seen) && policy.lists(&seen.code));
    let counts = |seen: &&Observation<'_>| {
        let listed = if some_listed { policy.lists(&seen.code) } else { policy.lists(&report.test.code) };
        listed && !asked(seen) && !seen.status.is_some_and(Status::is_retraction)
    };
    let observed = report.observations.iter().filter(counts).map(of_observation);
    match given(report) {
        Some(given) => {
            observed.fold(given, |sum, seen| Reading { conflict: sum.conflict || seen.contradicts(sum), ..sum })
        }
        None => observed.fold(Reading::NOTHING, Reading::and),
    }
}

impl Reading {
    const NOTHING: Reading = Reading { result: None, conflict: false };
    const CONFLICT: Reading = Reading { result: None, conflict: true };

    fn says(result: TestResult) -> Self {
        Self { result: Some(result), conflict: false }
    }

    /// Both together: they agree, one says nothing, or it is a conflict.
    fn and(self, other: Self) -> Self {
        match (self.result, other.result) {
            _ if self.conflict || other.conflict => Self::CONFLICT,
            (None, _) => other,
            (_, None) => self,
            (one, another) if one == another => self,
            _ => Self::CONFLICT,
        }
    }

    /// Whether an observation speaks against a given result. What no table knows speaks against nothing.
    fn contradicts(self, given: Self) -> bool {
        self.conflict || matches!((interpreted(self), interpreted(given)), (Some(seen), Some(given)) if seen != given)
    }
}

fn interpreted(reading: Reading) -> Option<TestResult> {
    reading.result.filter(|result| *result != TestResult::NotInterpreted)
}

/// The result in its own field, in the contract's words or the laboratory's.
fn given(report: &Report<'_>) -> Option<Reading> {
    let text = report.result_text.as_deref().filter(|text| !text.trim().is_empty());
    let meant = text.and_then(codes::result_of_text);
    match report.result {
        Some(result) => Some(Reading { result: Some(result), conflict: meant.is_some_and(|meant| meant != result) }),
        None => text.map(|_| Reading::says(meant.unwrap_or(TestResult::NotInterpreted))),
    }
}

fn asked(seen: &Observation<'_>) -> bool {
    seen.ask_at_order || codes::is_ask_at_order(&seen.code)
}

/// What one observation says: its value's code, else its text; a flag decides only where no words do.
fn of_observation(seen: &Observation<'_>) -> Reading {
    let text = seen.value.as_deref().filter(|text| !text.trim().is_empty());
    let code = seen.value_code.as_deref().filter(|code| !code.trim().is_empty());
    let flag = seen.interpretation.as_deref().filter(|flag| !flag.trim().is_empty());
    let by_code = code.and_then(|code| codes::result_of_code(seen.value_system.as_deref(), code));
    let is_standard = seen.value_system.as_deref().is_some_and(is_standard);
    // Some send the words in the code's place, where nothing stands beside them.
    let words = text.or(code.filter(|_| !is_standard));
    let by_text = words.and_then(codes::result_of_text);
    let by_flag = flag.and_then(codes::flag);

    if code.is_some() && by_code.is_none() && is_standard {
        // The code is the answer, and its words only a display: an unknown one is for an operator.
        return Reading::says(TestResult::NotInterpreted);
    }
    let value = match (by_code, by_text) {
        (Some(code), Some(text)) if code != text => return Reading::CONFLICT,
        (by_code, by_text) => by_code.or(by_text),
    };
    match (value, by_flag) {
        (Some(value), Some(flag)) if contradicts(flag, value) => Reading::CONFLICT,
        (Some(value), _) => Reading::says(value),
        // A measured number says nothing in words: its flag may. Words that no table knows are never overruled.
        (None, Some(Flag::Result(result))) if code.is_none() && text.is_none_or(is_number) => Reading::says(result),
        (None, _) if code.is_none() && text.is_none() && flag.is_none() => Reading::NOTHING,
        (None, _) => Reading::says(TestResult::NotInterpreted),
    }
}

/// SNOMED CT and LOINC: what their codes mean does not hang on the words beside them.
fn is_standard(system: &str) -> bool {
    matches!(system, "http://snomed.info/sct" | "http://loinc.org")
}

fn contradicts(flag: Flag, value: TestResult) -> bool {
    match flag {
        Flag::Result(result) => result != value,
        Flag::Abnormal => value == TestResult::Negative,
        Flag::Normal => value == TestResult::Positive,
    }
}

/// `12`, `12,3`, `< 0.8`, `>=40`.
fn is_number(text: &str) -> bool {
    let digits = text.trim().trim_start_matches(['<', '>', '=', '+', '-']).trim_start();
    digits.starts_with(|first: char| first.is_ascii_digit())
        && digits.chars().all(|char| char.is_ascii_digit() || matches!(char, '.' | ','))
}

#[cfg(test)]
mod tests {
    use TestResult::{Inconclusive, Negative, NotInterpreted, Positive};

    use super::*;

    const PCR: &str = "94500-6";
    const OTHER: &str = "718-7";
    const SNOMED: &str = "http://snomed.info/sct";
    const CONFLICT: Reading = Reading::CONFLICT;
    const NOTHING: Reading = Reading::NOTHING;

    /// An observation: code, coded value, text, flag.
    fn seen(
        code: &'static str,
        value_code: &'static str,
        value: &'static str,
        flag: &'static str,
    ) -> Observation<'static> {
        let some = |text: &'static str| (!text.is_empty()).then(|| text.into());
        Observation {
            code: code.into(),
            value_code: some(value_code),
            value_system: some(value_code).map(|_| SNOMED.into()),
            value: some(value),
            interpretation: some(flag),
            ..Observation::default()
        }
    }

    fn text(code: &'static str, value: &'static str) -> Observation<'static> {
        seen(code, "", value, "")
    }

    fn report(
        test: &'static str,
        result: Option<TestResult>,
        observations: Vec<Observation<'static>>,
    ) -> Report<'static> {
        let mut report = Report { result, observations, ..Report::default() };
        report.test.code = test.into();
        report
    }

    fn read(report: &Report<'_>) -> Reading {
        of_report(report, &Policy::default())
    }

    fn given(result: TestResult, conflict: bool) -> Reading {
        Reading { result: Some(result), conflict }
    }

    #[test]
    fn one_observation_is_read_by_code_then_text_then_flag() {
        let says = Reading::says;
        let cases = [
            ("10828004", "", "", says(Positive)),
            ("260385009", "", "", says(Negative)),
            ("419984006", "", "", says(Inconclusive)),
            ("10828004", "POSITIVO", "", says(Positive)),
            ("10828004", "NEGATIVO", "", CONFLICT),
            ("10828004", "vedi nota", "", says(Positive)),
            ("99999999", "NON RILEVATO", "", says(NotInterpreted)),
            ("99999999", "", "", says(NotInterpreted)),
            ("99999999", "", "POS", says(NotInterpreted)),
            ("", "NON RILEVATO", "", says(Negative)),
            ("", "qualcosa", "", says(NotInterpreted)),
            ("", "qualcosa", "POS", says(NotInterpreted)),
            ("", "23.4", "", says(NotInterpreted)),
            ("", "23,4", "POS", says(Positive)),
            ("", "< 0.8", "NEG", says(Negative)),
            ("", "", "POS", says(Positive)),
            ("", "", "NEG", says(Negative)),
            ("", "", "IND", says(Inconclusive)),
            ("", "", "A", says(NotInterpreted)),
            ("", "", "N", says(NotInterpreted)),
            ("", "", "??", says(NotInterpreted)),
            ("", "  ", "", NOTHING),
            ("", "POSITIVO", "POS", says(Positive)),
            ("", "POSITIVO", "NEG", CONFLICT),
            ("", "NEGATIVO", "POS", CONFLICT),
            ("", "DUBBIO", "POS", CONFLICT),
            ("", "POSITIVO", "A", says(Positive)),
            ("", "NEGATIVO", "A", CONFLICT),
            ("", "NEGATIVO", "N", says(Negative)),
            ("", "POSITIVO", "N", CONFLICT),
            ("260385009", "", "A", CONFLICT),
            ("", "POSITIVO", "??", says(Positive)),
        ];
        for (code, value, flag, expected) in cases {
            let got = read(&report(PCR, None, vec![seen(PCR, code, value, flag)]));
            assert_eq!(got, expected, "code {code:?}, text {value:?}, flag {flag:?}");
        }
    }

    #[test]
    fn words_in_the_place_of_a_local_code_are_read_where_no_others_stand() {
        let cases = [
            (None, "POSITIVO", "", Reading::says(Positive)),
            (Some("99LAB"), "non rilevato", "", Reading::says(Negative)),
            (Some("99LAB"), "POS", "NEGATIVO", Reading::says(Negative)),
            (Some("99LAB"), "P", "", Reading::says(NotInterpreted)),
            (Some(SNOMED), "POSITIVO", "", Reading::says(NotInterpreted)),
        ];
        for (system, code, value, expected) in cases {
            let mut observation = seen(PCR, code, value, "");
            observation.value_system = system.map(Into::into);
            assert_eq!(read(&report(PCR, None, vec![observation])), expected, "{system:?} {code} {value:?}");
        }
    }

    #[test]
    fn listed_observations_count_and_all_of_them_where_only_the_test_is_listed() {
        let cases = [
            ("all agree", PCR, vec![text(PCR, "POSITIVO"), text("94309-2", "RILEVATO")], Reading::says(Positive)),
            ("listed ones disagree", PCR, vec![text(PCR, "POSITIVO"), text("94309-2", "NEGATIVO")], CONFLICT),
            ("one is unknown", PCR, vec![text(PCR, "POSITIVO"), text("94309-2", "boh")], CONFLICT),
            (
                "others are passed over",
                PCR,
                vec![text(PCR, "POSITIVO"), text(OTHER, "NEGATIVO")],
                Reading::says(Positive),
            ),
            (
                "the panel is listed alone",
                PCR,
                vec![text("GENE-N", "POSITIVO"), text("GENE-E", "POSITIVO")],
                Reading::says(Positive),
            ),
            ("its parts disagree", PCR, vec![text("GENE-N", "POSITIVO"), text("GENE-E", "NEGATIVO")], CONFLICT),
            (
                "the observation is listed alone",
                OTHER,
                vec![text(PCR, "NEGATIVO"), text("X", "POSITIVO")],
                Reading::says(Negative),
            ),
            ("nothing is listed", OTHER, vec![text(OTHER, "POSITIVO")], NOTHING),
            ("no observation", PCR, vec![], NOTHING),
        ];
        for (name, test, observations, expected) in cases {
            assert_eq!(read(&report(test, None, observations)), expected, "{name}");
        }
    }

    #[test]
    fn questions_at_order_entry_and_retracted_observations_never_count() {
        let mut asked = text("95419-8", "POSITIVO");
        assert_eq!(read(&report(PCR, None, vec![asked.clone(), text("GENE-N", "NEGATIVO")])), Reading::says(Negative));
        asked.code = "local".into();
        asked.ask_at_order = true;
        assert_eq!(read(&report(PCR, None, vec![asked.clone(), text("GENE-N", "NEGATIVO")])), Reading::says(Negative));
        assert_eq!(read(&report(PCR, None, vec![asked])), NOTHING);
        for status in [Status::EnteredInError, Status::Cancelled] {
            let gone = Observation { status: Some(status), ..text(PCR, "POSITIVO") };
            assert_eq!(
                read(&report(PCR, None, vec![gone.clone(), text("94309-2", "NEGATIVO")])),
                Reading::says(Negative)
            );
            let rest = text("GENE-N", "NEGATIVO");
            assert_eq!(
                read(&report(PCR, None, vec![gone, rest])),
                NOTHING,
                "a listed one was retracted: no other stands in"
            );
        }
    }

    #[test]
    fn a_given_result_stands_and_an_observation_that_says_another_is_a_conflict() {
        let cases = [
            (Positive, vec![], false),
            (Positive, vec![text(PCR, "POSITIVO")], false),
            (Positive, vec![text(PCR, "NEGATIVO")], true),
            (Positive, vec![text(PCR, "boh"), text("94309-2", "POSITIVO")], false),
            (Positive, vec![text(PCR, "boh"), text("94309-2", "NEGATIVO")], true),
            (Positive, vec![seen(PCR, "", "POSITIVO", "NEG")], true),
            (Positive, vec![seen(PCR, "", "23", "NEG")], true),
            (Positive, vec![text(OTHER, "NEGATIVO"), text(PCR, "POSITIVO")], false),
            (NotInterpreted, vec![text(PCR, "NEGATIVO")], false),
        ];
        for (result, observations, conflict) in cases {
            let report = report(PCR, Some(result), observations);
            assert_eq!(read(&report), given(result, conflict), "{report:?}");
        }
    }

    #[test]
    fn the_laboratorys_words_for_a_result_are_read_as_given() {
        let cases = [
            (None, "NON RILEVATO", given(Negative, false)),
            (None, "boh", given(NotInterpreted, false)),
            (Some(NotInterpreted), "boh", given(NotInterpreted, false)),
            (Some(Negative), "NON RILEVATO", given(Negative, false)),
            (Some(Positive), "NON RILEVATO", given(Positive, true)),
        ];
        for (result, words, expected) in cases {
            let report = Report { result_text: Some(words.into()), ..report(PCR, result, vec![]) };
            assert_eq!(read(&report), expected, "{words}");
        }
    }
}
