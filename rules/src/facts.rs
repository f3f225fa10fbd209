//! The facts of one version, and the reasons to hold that follow from it alone.

use jiff::{SignedDuration, Timestamp, civil::Date};
use schemas::{
    Digest, ItemPlace, Version,
    fiscal_code::PersonCode,
    phone,
    report::{Patient, Report, TestResult},
    version::{Person, Reason, Reasons},
};

use crate::{Policy, result};

/// A laboratory's clock may run ahead by this much before its issue time is not believed.
const CLOCK_SKEW: SignedDuration = SignedDuration::from_mins(10);

/// What is known of a report besides its words: how it came, and what was made of it.
#[derive(Debug, Clone, Copy)]
pub struct Receipt {
    /// When its upload was received.
    pub received_at: Timestamp,
    /// Where its item stands.
    pub place: ItemPlace,
    /// Whether the laboratory was a sandbox.
    pub sandbox: bool,
    /// Digest of its content.
    pub digest: Digest,
    /// The person; [`Person::by_code`] only of what [`person_code`] gave.
    pub person: Person,
}

/// The person's Italian code, where it is valid on the day of receipt (Europe/Rome).
#[must_use]
pub fn person_code(patient: &Patient<'_>, day: Date) -> Option<PersonCode> {
    PersonCode::parse(patient.fiscal_code.as_deref()?, day).ok()
}

/// The facts of a report as they are stored with it.
///
/// The issue time is not taken where it lies over 10 minutes after receipt. A retraction tells nothing of a result,
/// so it is never held for one.
#[must_use]
pub fn facts(report: &Report<'_>, receipt: Receipt, policy: &Policy) -> Version {
    let reading = result::of_report(report, policy);
    let listed = policy.lists(&report.test.code)
        || report.observations.iter().any(|observation| policy.lists(&observation.code));
    Version {
        digest: receipt.digest,
        stated_issue: report.issued_at.filter(|issued| issued.duration_since(receipt.received_at) <= CLOCK_SKEW),
        received_at: receipt.received_at,
        first_place: receipt.place,
        status: report.status,
        result: reading.result,
        person: receipt.person,
        reasons: [
            person_reason(receipt.person),
            phone_reason(report),
            result_reason(report, reading),
            specimen_reason(report, receipt.received_at, policy),
        ]
        .into_iter()
        .flatten()
        .collect::<Reasons>(),
        listed,
        rehearsal: receipt.sandbox || !report.processing_id.is_production(),
    }
}

fn person_reason(person: Person) -> Option<Reason> {
    person.by_code.is_none().then_some(Reason::ToIdentify)
}

fn phone_reason(report: &Report<'_>) -> Option<Reason> {
    match report.patient.phone.as_deref().map(str::trim) {
        None | Some("") => Some(Reason::NoPhone),
        Some(phone) => (!phone::is_valid(phone)).then_some(Reason::InvalidPhone),
    }
}

fn result_reason(report: &Report<'_>, reading: result::Reading) -> Option<Reason> {
    if report.status.is_retraction() {
        return None;
    }
    match reading {
        result::Reading { conflict: true, .. } => Some(Reason::ResultConflict),
        result::Reading { result: Some(TestResult::NotInterpreted), .. } => Some(Reason::UnknownCode),
        result::Reading { result: None, .. } => (!report.status.is_not_yet_final()).then_some(Reason::UnknownCode),
        result::Reading { result: Some(_), .. } => None,
    }
}

fn specimen_reason(report: &Report<'_>, received_at: Timestamp, policy: &Policy) -> Option<Reason> {
    let Some(collected_at) = report.specimen.as_ref().and_then(|specimen| specimen.collected_at) else {
        return Some(Reason::NoSpecimenDate);
    };
    let old = SignedDuration::from_hours(24 * i64::from(policy.old_specimen_days));
    (received_at.duration_since(collected_at) > old).then_some(Reason::OldSpecimen)
}

#[cfg(test)]
mod tests {
    use schemas::{
        report::{Observation, Processing, Specimen, Status},
        version::PersonKey,
    };

    use super::*;
    use crate::sample::{RECEIVED, at, place};

    type Change = fn(&mut Report<'static>);

    /// A report that nothing holds.
    fn clean() -> Report<'static> {
        let mut report = Report {
            report_number: "1".into(),
            issued_at: Some(at(-60)),
            result: Some(TestResult::Negative),
            specimen: Some(Specimen { collected_at: Some(at(-24 * 60)), ..Specimen::default() }),
            ..Report::default()
        };
        report.test.code = "94500-6".into();
        report.patient.phone = Some("+39 333 1234567".into());
        report
    }

    fn receipt() -> Receipt {
        let person = Person { by_code: Some(PersonKey([1; 16])), by_name: None };
        Receipt { received_at: RECEIVED, place: place(7), sandbox: false, digest: Digest([9; 16]), person }
    }

    fn of(change: Change) -> Version {
        let mut report = clean();
        change(&mut report);
        facts(&report, receipt(), &Policy::default())
    }

    fn observed(value: &'static str) -> Vec<Observation<'static>> {
        vec![Observation { code: "94500-6".into(), value: Some(value.into()), ..Observation::default() }]
    }

    #[test]
    fn a_clean_report_has_no_reason_to_hold() {
        let version = of(|_| ());
        assert_eq!(version.reasons, Reasons::default());
        assert!(version.listed && !version.rehearsal);
        assert_eq!(
            (version.stated_issue, version.received_at, version.first_place),
            (Some(at(-60)), RECEIVED, place(7))
        );
        assert_eq!(
            (version.status, version.result, version.digest),
            (Status::Final, Some(TestResult::Negative), Digest([9; 16]))
        );
    }

    #[test]
    fn each_reason_follows_from_its_field() {
        let cases: [(&str, Change, &[Reason]); 15] = [
            ("no phone", |r| r.patient.phone = None, &[Reason::NoPhone]),
            ("blank phone", |r| r.patient.phone = Some(" ".into()), &[Reason::NoPhone]),
            ("impossible phone", |r| r.patient.phone = Some("12".into()), &[Reason::InvalidPhone]),
            ("not interpreted", |r| r.result = Some(TestResult::NotInterpreted), &[Reason::UnknownCode]),
            ("final without a result", |r| r.result = None, &[Reason::UnknownCode]),
            ("preliminary without a result", |r| (r.result, r.status) = (None, Status::Preliminary), &[]),
            ("unknown words", |r| (r.result, r.observations) = (None, observed("boh")), &[Reason::UnknownCode]),
            ("given against observed", |r| r.observations = observed("POSITIVO"), &[Reason::ResultConflict]),
            ("no specimen", |r| r.specimen = None, &[Reason::NoSpecimenDate]),
            ("no collection date", |r| r.specimen = Some(Specimen::default()), &[Reason::NoSpecimenDate]),
            ("14 days", |r| r.specimen.as_mut().unwrap().collected_at = Some(at(-14 * 24 * 60)), &[]),
            (
                "over 14 days",
                |r| r.specimen.as_mut().unwrap().collected_at = Some(at(-14 * 24 * 60 - 1)),
                &[Reason::OldSpecimen],
            ),
            (
                "retracted, result not interpreted",
                |r| (r.status, r.result) = (Status::Cancelled, Some(TestResult::NotInterpreted)),
                &[],
            ),
            (
                "retracted, in conflict",
                |r| (r.status, r.observations) = (Status::EnteredInError, observed("POSITIVO")),
                &[],
            ),
            (
                "several at once",
                |r| (r.patient.phone, r.specimen, r.result) = (None, None, None),
                &[Reason::NoPhone, Reason::UnknownCode, Reason::NoSpecimenDate],
            ),
        ];
        for (name, change, expected) in cases {
            assert_eq!(of(change).reasons.iter().collect::<Vec<_>>(), expected, "{name}");
        }
    }

    #[test]
    fn whoever_has_no_valid_code_is_to_be_identified() {
        let nameless = Receipt { person: Person { by_code: None, by_name: Some(PersonKey([2; 16])) }, ..receipt() };
        assert!(facts(&clean(), nameless, &Policy::default()).reasons.contains(Reason::ToIdentify));
        let day = jiff::civil::date(2020, 10, 20);
        let patient = |code: &'static str| Patient { fiscal_code: Some(code.into()), ..Patient::default() };
        assert!(person_code(&patient("RSSMRA85T10A562S"), day).is_some());
        assert!(person_code(&patient("RSSMRA85T10A562T"), day).is_none());
        assert!(person_code(&Patient::default(), day).is_none());
    }

    #[test]
    fn an_issue_time_over_ten_minutes_after_receipt_is_not_taken() {
        assert_eq!(of(|r| r.issued_at = Some(at(10))).stated_issue, Some(at(10)));
        assert_eq!(of(|r| r.issued_at = Some(at(11))).stated_issue, None);
        assert_eq!(of(|r| r.issued_at = None).stated_issue, None);
    }

    #[test]
    fn a_test_is_listed_by_its_code_or_an_observations() {
        assert!(!of(|r| r.test.code = "718-7".into()).listed);
        assert!(of(|r| (r.test.code, r.observations) = ("718-7".into(), observed("NEGATIVO"))).listed);
    }

    #[test]
    fn a_sandbox_or_a_training_message_is_a_rehearsal() {
        let sandbox = Receipt { sandbox: true, ..receipt() };
        assert!(facts(&clean(), sandbox, &Policy::default()).rehearsal);
        assert!(of(|r| r.processing_id = Processing::Training).rehearsal);
        assert!(of(|r| r.processing_id = Processing::Debugging).rehearsal);
    }
}
