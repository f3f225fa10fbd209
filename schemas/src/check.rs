//! What is asked of a report whatever format it came in: required fields, plausible times, codes that fit.
//!
//! An error refuses, and is only what makes a report impossible to store or to place in time. What is doubtful about the
//! person is a warning, a birth date in the future too: a wrong birth date must not keep a result from being stored.

use std::borrow::Cow;

use jiff::{SignedDuration, Timestamp, civil::Date};

use crate::{
    Fault, Report,
    fiscal_code::PersonCode,
    format::Context,
    phone, places,
    report::{Patient, Status, TestResult},
};

/// How far a laboratory's clock may be ahead of ours.
const AHEAD: SignedDuration = SignedDuration::from_mins(10);

/// 2000-01-01: what is dated before was dated by a clock that was never set.
const PLAUSIBLE: Timestamp = Timestamp::constant(946_684_800, 0);

/// Longest number of a report and code of a test, in bytes: they stand in keys and addresses.
const LONGEST: usize = 200;

/// Checks a report as read and hands each fault to `found`, with the JSON pointer of the field it is about (a format
/// with other locations translates it). The faults carry neither item nor place yet.
pub fn report(report: &Report<'_>, context: &Context<'_>, found: &mut dyn FnMut(Cow<'static, str>, Fault)) {
    let mut checks = Checks { context, found };
    checks.number(report);
    checks.issue(report);
    checks.test(report);
    checks.result(report);
    checks.specimen(report);
    checks.patient(&report.patient);
}

struct Checks<'c, 'f> {
    context: &'c Context<'c>,
    found: &'f mut dyn FnMut(Cow<'static, str>, Fault),
}

impl Checks<'_, '_> {
    fn error(&mut self, pointer: &'static str, code: &'static str, detail: impl Into<Cow<'static, str>>) {
        (self.found)(pointer.into(), Fault::error(code, detail));
    }

    fn warning(&mut self, pointer: &'static str, code: &'static str, detail: impl Into<Cow<'static, str>>) {
        (self.found)(pointer.into(), Fault::warning(code, detail));
    }

    fn number(&mut self, report: &Report<'_>) {
        const AT: &str = "/reportNumber";
        if is_blank(&report.report_number) {
            self.error(
                AT,
                "report-number-missing",
                "the report has no number: send the laboratory's accession or filler order number",
            );
        }
        if report.report_number.len() > LONGEST {
            self.error(AT, "report-number-too-long", "the report's number is over 200 bytes: send the number alone");
        }
        if has_control(&report.report_number) {
            self.error(
                AT,
                "report-number-invalid",
                "the report's number contains a control character (such as NUL or a line break): remove it",
            );
        }
    }

    fn issue(&mut self, report: &Report<'_>) {
        const AT: &str = "/issuedAt";
        let Some(issued_at) = report.issued_at else { return };
        if self.is_ahead(issued_at) {
            self.warning(
                AT,
                "issued-at-future",
                "the issue time is over 10 minutes after receipt, so the time of receipt is used: check the sending \
                 system's clock and zone",
            );
        }
        if issued_at < PLAUSIBLE {
            self.warning(
                AT,
                "issued-at-implausible",
                "the issue time is before the year 2000: check the sending system's clock",
            );
        }
    }

    fn test(&mut self, report: &Report<'_>) {
        const AT: &str = "/test/code";
        if is_blank(&report.test.code) {
            self.error(AT, "test-code-missing", "the test has no code: send its LOINC code, or the laboratory's own");
        }
        if report.test.code.len() > LONGEST {
            self.error(AT, "test-code-too-long", "the test's code is over 200 bytes: send the code alone");
        }
        if has_control(&report.test.code) {
            self.error(
                AT,
                "test-code-invalid",
                "the test's code contains a control character (such as NUL or a line break): remove it",
            );
        }
    }

    fn result(&mut self, report: &Report<'_>) {
        const AT: &str = "/result";
        let is_asked = !report.status.is_retraction() && report.status != Status::Registered;
        if is_asked && report.result.is_none() && report.observations.is_empty() {
            self.error(
                AT,
                "result-missing",
                "the report has neither a result nor an observation: send one of them, or status registered if \
                 nothing is measured yet",
            );
        }
        if report.result == Some(TestResult::NotInterpreted) && report.result_text.is_some() {
            self.warning(
                AT,
                "result-unknown",
                "the result's words are in no table, so an operator will look at it before anybody is told: send \
                 positive, negative, inconclusive or unsatisfactory",
            );
        }
    }

    fn specimen(&mut self, report: &Report<'_>) {
        const AT: &str = "/specimen/collectedAt";
        let Some(collected_at) = report.specimen.as_ref().and_then(|specimen| specimen.collected_at) else { return };
        if self.is_ahead(collected_at) {
            self.error(
                AT,
                "collected-after-receipt",
                "the specimen was collected over 10 minutes after the report was received, which cannot be: correct \
                 the collection time, its offset, or the sending system's clock",
            );
        } else if report.issued_at.is_some_and(|issued_at| collected_at.duration_since(issued_at) > AHEAD) {
            self.warning(
                AT,
                "collected-after-issue",
                "the specimen was collected over 10 minutes after the report was issued: check both times and their \
                 offsets",
            );
        }
        if collected_at < PLAUSIBLE {
            self.warning(
                AT,
                "collected-at-implausible",
                "the specimen was collected before the year 2000: check the collection time",
            );
        }
    }

    fn patient(&mut self, patient: &Patient<'_>) {
        let code = patient.fiscal_code.as_deref().filter(|code| !is_blank(code));
        let is_named = [&patient.family, &patient.given].into_iter().flatten().any(|name| !is_blank(name));
        if code.is_none() && !is_named && patient.identifiers.iter().all(|identifier| is_blank(&identifier.value)) {
            self.error(
                "/patient",
                "patient-missing",
                "the report names nobody: send the person's codice fiscale or another identifier, or family and given \
                 name",
            );
        } else if code.is_none() {
            self.warning(
                "/patient/fiscalCode",
                "fiscal-code-missing",
                "the person has no codice fiscale, STP or ENI code: the report is stored, and nobody is told before an \
                 operator has found out who it is; send the code where there is one",
            );
        }
        if code.is_some() || patient.birth_date.is_some() {
            let today = self.context.zone.to_datetime(self.context.received_at).date();
            if let Some(code) = code {
                self.fiscal_code(code, patient, today);
            }
            if patient.birth_date.is_some_and(|date| date > today) {
                self.warning(
                    "/patient/birthDate",
                    "birth-date-future",
                    "the birth date is after the day of receipt: check it",
                );
            }
        }
        if patient.phone.as_deref().is_some_and(|phone| !is_blank(phone) && !phone::is_valid(phone)) {
            self.warning(
                "/patient/phone",
                "phone-invalid",
                "the phone is no possible number, so no message can go there: send one number in digits, with + and \
                 the country's prefix if it is not Italian",
            );
        }
    }

    fn fiscal_code(&mut self, written: &str, patient: &Patient<'_>, today: Date) {
        const AT: &str = "/patient/fiscalCode";
        let code = match PersonCode::parse(written, today) {
            Ok(code) => code,
            Err(problem) => {
                let detail = format!(
                    "the person's code is not valid: {problem}; the report is stored and the notification waits until \
                     a valid code comes"
                );
                return self.warning(AT, "fiscal-code-invalid", detail);
            }
        };
        if code.place().is_some_and(|place| !std::str::from_utf8(&place).is_ok_and(places::is_known)) {
            self.warning(
                AT,
                "fiscal-code-place-unknown",
                "the place in the codice fiscale is no municipality or country that was ever listed: check the code",
            );
        }
        let [family, given] = [&patient.family, &patient.given].map(|name| name.as_deref().unwrap_or_default());
        if !code.fits_name(family, given) {
            self.warning(
                AT,
                "fiscal-code-name-mismatch",
                "the codice fiscale does not fit the name: check that both are the same person's",
            );
        }
        if patient.birth_date.is_some_and(|date| !code.fits_birth_date(date)) {
            self.warning(
                AT,
                "fiscal-code-birth-date-mismatch",
                "the codice fiscale does not fit the birth date: check that both are the same person's",
            );
        }
        let stated = match patient.sex.as_deref().map(str::trim) {
            Some("M" | "m") => Some('M'),
            Some("F" | "f") => Some('F'),
            // Table 0001's other letters say nothing that a code could contradict.
            _ => None,
        };
        if stated.is_some_and(|stated| code.sex().is_some_and(|sex| sex != stated)) {
            self.warning(
                AT,
                "fiscal-code-sex-mismatch",
                "the codice fiscale does not fit the sex: check that both are the same person's",
            );
        }
    }

    /// True where a time is further ahead of receipt than clocks may differ.
    fn is_ahead(&self, time: Timestamp) -> bool {
        time.duration_since(self.context.received_at) > AHEAD
    }
}

fn is_blank(text: &str) -> bool {
    text.trim().is_empty()
}

fn has_control(text: &str) -> bool {
    text.chars().any(char::is_control)
}
