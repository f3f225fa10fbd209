//! What was observed: OBX (v2.5.1 §7.4.2) and NTE (§2.15.10).

use std::collections::HashMap;

use super::{
    segment::{Fields, components, maybe, text},
    status::of_observation,
};
use crate::{
    codes,
    report::{Attachment, Observation, Report, Status, TestResult},
};

const LOINC: &str = "http://loinc.org";
const SNOMED: &str = "http://snomed.info/sct";

/// A code, its words and its system by table 0396 (CE and CWE, §2.A).
pub(super) fn coding(code: &str, display: Option<&str>, system: Option<&str>) -> String {
    let system = match system {
        Some(LOINC) => "LN".to_owned(),
        Some(SNOMED) => "SCT".to_owned(),
        other => maybe(other),
    };
    components(&[&text(code), &maybe(display), &system])
}

/// NTE, where there is a comment.
pub(super) fn note(note: Option<&str>, out: &mut String) {
    if let Some(note) = note {
        Fields::of("NTE").with(1, "1").with(3, text(note)).write(out);
    }
}

/// Writes the observations and documents of a report, with their notes; returns those that stand after its SPM.
///
/// After an SPM an OBX speaks of the specimen and is never a result (§7.3.1), so that is where the questions of order
/// entry at the end go; NTE has no place there.
pub(super) fn results(report: &Report<'_>, has_specimen: bool, out: &mut String) -> Vec<Fields> {
    let is_movable = |observation: &&Observation<'_>| observation.ask_at_order && observation.note.is_none();
    let movable = report.observations.iter().rev().take_while(is_movable).count();
    let stay = report.observations.len() - if has_specimen { movable } else { 0 };
    let mut writer = Writer { report, number: 0, repeated: repeated(report) };
    let (here, after) = report.observations.split_at_checked(stay).unwrap_or_default();
    let given = result(report);
    for observation in given.iter().chain(here) {
        writer.observation(observation, true).write(out);
        note(observation.note.as_deref(), out);
    }
    for attachment in &report.attachments {
        writer.attachment(attachment).write(out);
    }
    after.iter().map(|observation| writer.observation(observation, false)).collect()
}

/// The report's own result as an observation, where none of the test's code says it; of a report entered in error that
/// has no other OBX, one that says so.
fn result<'a>(report: &'a Report<'_>) -> Option<Observation<'a>> {
    let words = report.result_text.as_deref();
    let own = report.result.or_else(|| words.map(meaning_of_words));
    let says =
        |seen: &Observation<'_>| !seen.ask_at_order && seen.code == report.test.code && Some(meaning(seen)) == own;
    if own.is_some() && !report.observations.iter().any(says) {
        let (code, display) = match report.result {
            Some(TestResult::Positive) => (Some("10828004"), "Positive"),
            Some(TestResult::Negative) => (Some("260385009"), "Negative"),
            Some(TestResult::Inconclusive) => (Some("419984006"), "Inconclusive"),
            Some(TestResult::Unsatisfactory) => (Some("125154007"), "Specimen unsatisfactory for evaluation"),
            Some(TestResult::NotInterpreted) | None => (None, "not interpreted"),
        };
        return Some(Observation {
            value_code: code.map(Into::into),
            value_system: code.map(|_| SNOMED.into()),
            value: Some(words.unwrap_or(display).into()),
            ..of_test(report)
        });
    }
    let is_unsaid = report.status == Status::EnteredInError
        && report.observations.iter().all(|seen| seen.ask_at_order)
        && report.attachments.is_empty();
    is_unsaid.then(|| of_test(report))
}

fn meaning_of_words(words: &str) -> TestResult {
    codes::result_of_text(words).unwrap_or(TestResult::NotInterpreted)
}

/// What an observation says by its value's code, else by its words, else by its flag.
fn meaning(seen: &Observation<'_>) -> TestResult {
    let by_code = seen.value_code.as_deref().and_then(|code| codes::result_of_code(seen.value_system.as_deref(), code));
    let by_flag = || match seen.interpretation.as_deref().and_then(codes::flag) {
        Some(codes::Flag::Result(result)) => Some(result),
        _ => None,
    };
    by_code
        .or_else(|| seen.value.as_deref().and_then(codes::result_of_text))
        .or_else(by_flag)
        .unwrap_or(TestResult::NotInterpreted)
}

fn of_test<'a>(report: &'a Report<'_>) -> Observation<'a> {
    let test = &report.test;
    Observation {
        code: (&*test.code).into(),
        system: test.system.as_deref().map(Into::into),
        display: test.display.as_deref().map(Into::into),
        ..Observation::default()
    }
}

/// Codes that several observations have: OBX-4 tells these apart (§7.4.2.4).
fn repeated<'a>(report: &'a Report<'_>) -> HashMap<&'a str, u32> {
    let mut counts = HashMap::new();
    for observation in &report.observations {
        *counts.entry(&*observation.code).or_insert(0_u32) += 1;
    }
    counts.retain(|_, count| *count > 1);
    counts.values_mut().for_each(|count| *count = 0);
    counts
}

struct Writer<'a> {
    report: &'a Report<'a>,
    /// OBX segments so far: OBX-1.
    number: u32,
    /// Observations so far of each code that several have.
    repeated: HashMap<&'a str, u32>,
}

impl Writer<'_> {
    /// OBX of an observation; `before_specimen` where a reader takes it for a result unless it says otherwise.
    fn observation(&mut self, observation: &Observation<'_>, before_specimen: bool) -> Fields {
        let sub_id = self.repeated.get_mut(&*observation.code).map(|count| {
            *count += 1;
            count.to_string()
        });
        let status = observation.status.unwrap_or(self.report.status);
        let is_asked = observation.ask_at_order;
        // Table 0085, O: order detail, no result.
        let status = match is_asked && before_specimen && !codes::is_ask_at_order(&observation.code) {
            true => "O",
            false => of_observation(status),
        };
        let (kind, value) = value(observation);
        let name = coding(&observation.code, observation.display.as_deref(), observation.system.as_deref());
        let obx = self
            .obx(kind, name)
            .with(4, sub_id.unwrap_or_default())
            .with(5, value)
            .with(6, maybe(observation.unit.as_deref()))
            .with(7, maybe(observation.range.as_deref()))
            .with(8, maybe(observation.interpretation.as_deref()))
            .with(11, status);
        if is_asked { obx } else { obx.with(23, self.performer()) }
    }

    /// A document: OBX of type ED (§2.A.24), with the status of its report.
    fn attachment(&mut self, attachment: &Attachment<'_>) -> Fields {
        let (kind, subtype) = attachment.content_type.split_once('/').unwrap_or_default();
        let is_token =
            |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphanumeric() || b".+-_".contains(&b));
        let (kind, subtype) =
            if is_token(kind) && is_token(subtype) { (kind, subtype) } else { ("application", "octet-stream") };
        let value = components(&["", kind, subtype, "Base64", &text(&attachment.data)]);
        self.obx("ED", "11502-2^Laboratory report^LN".to_owned())
            .with(5, value)
            .with(11, of_observation(self.report.status))
            .with(23, self.performer())
    }

    fn obx(&mut self, kind: &str, name: String) -> Fields {
        self.number = self.number.saturating_add(1);
        Fields::of("OBX").with(1, self.number.to_string()).with(2, kind).with(3, name)
    }

    /// OBX-23 (XON): name, and identifier in component 10.
    fn performer(&self) -> String {
        let Some(performer) = &self.report.performer else { return String::new() };
        let [name, id] = [&performer.name, &performer.id].map(|part| maybe(part.as_deref()));
        components(&[&name, "", "", "", "", "", "", "", "", &id])
    }
}

/// OBX-2 (table 0125) and OBX-5: a code, a number with its unit, a line of text, or several.
fn value(observation: &Observation<'_>) -> (&'static str, String) {
    let words = observation.value.as_deref();
    match (observation.value_code.as_deref(), words) {
        (Some(code), words) => ("CE", coding(code, words, observation.value_system.as_deref())),
        (None, None) => ("", String::new()),
        (None, Some(words)) if observation.unit.is_some() && is_number(words) => ("NM", text(words)),
        (None, Some(words)) if words.contains(['\n', '\r']) => ("FT", text(words)),
        // ST has at most 199 characters (§2.A.75).
        (None, Some(words)) if words.chars().count() > 199 => ("TX", text(words)),
        (None, Some(words)) => ("ST", text(words)),
    }
}

/// NM (§2.A.47): a sign, digits, a point and digits.
fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    [whole, fraction].iter().all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
}
