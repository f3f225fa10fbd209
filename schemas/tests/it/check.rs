//! What is asked of a report whatever format it came in.

use std::borrow::Cow;

use jiff::{SignedDuration, Timestamp, civil::date, tz::TimeZone};
use schemas::{
    Report, check,
    format::{Context, Limits},
    report::{Identifier, Observation, Status, TestResult},
};

fn received_at() -> Timestamp {
    "2020-10-20T10:00:00Z".parse().expect("a time")
}

fn after_receipt(minutes: i64) -> Option<Timestamp> {
    Some(received_at() + SignedDuration::from_mins(minutes))
}

/// A report with nothing wrong in it.
fn sound() -> Report<'static> {
    let mut report = Report {
        report_number: "TO-2020-0012345".into(),
        issued_at: after_receipt(-60),
        result: Some(TestResult::Positive),
        ..Report::default()
    };
    report.test.code = "94500-6".into();
    report.specimen.get_or_insert_default().collected_at = after_receipt(-1440);
    let patient = &mut report.patient;
    patient.fiscal_code = Some("RSSMRA85T10A562S".into());
    (patient.family, patient.given) = (Some("Rossi".into()), Some("Mario".into()));
    (patient.birth_date, patient.sex) = (Some(date(1985, 12, 10)), Some("M".into()));
    patient.phone = Some("+39 333 1234567".into());
    report
}

/// `pointer code` of each fault, errors with an exclamation mark; and that no sentence tells what a field contains.
fn faults(report: &Report<'_>) -> Vec<String> {
    let zone = TimeZone::get("Europe/Rome").expect("a zone");
    let limits = Limits::default();
    let context = Context { received_at: received_at(), zone: &zone, charset: None, facilities: &[], limits: &limits };
    let mut found = Vec::new();
    let patient = &report.patient;
    let personal = [&patient.fiscal_code, &patient.family, &patient.given, &patient.phone];
    check::report(report, &context, &mut |pointer, fault| {
        assert!(!personal.into_iter().flatten().any(|value| value.len() > 1 && fault.detail.contains(&**value)));
        assert_eq!((&fault.at, fault.item), (&None, None));
        found.push(format!("{pointer} {}{}", fault.code, if fault.is_error() { "!" } else { "" }));
    });
    found
}

#[test]
fn a_sound_report_has_no_fault() {
    assert_eq!(faults(&sound()), [""; 0]);
}

#[test]
fn each_fault_is_found_where_it_stands() {
    type Spoil = fn(&mut Report<'static>);
    fn specimen(report: &mut Report<'static>, collected_at: Option<Timestamp>) {
        report.specimen.get_or_insert_default().collected_at = collected_at;
    }
    let cases: &[(Spoil, &[&str])] = &[
        (|report| report.report_number = " ".into(), &["/reportNumber report-number-missing!"]),
        (|report| report.report_number = "9".repeat(201).into(), &["/reportNumber report-number-too-long!"]),
        (|report| report.report_number = "9".repeat(200).into(), &[]),
        (|report| report.report_number = "12\u{0}34".into(), &["/reportNumber report-number-invalid!"]),
        (|report| report.test.code = "".into(), &["/test/code test-code-missing!"]),
        (|report| report.test.code = "9".repeat(201).into(), &["/test/code test-code-too-long!"]),
        (|report| report.test.code = "94500-6\u{7f}".into(), &["/test/code test-code-invalid!"]),
        (|report| report.issued_at = None, &[]),
        (|report| report.issued_at = after_receipt(10), &[]),
        (|report| report.issued_at = after_receipt(11), &["/issuedAt issued-at-future"]),
        (|report| report.issued_at = "2099-01-01T00:00:00Z".parse().ok(), &["/issuedAt issued-at-future"]),
        (
            |report| {
                report.issued_at = Some(Timestamp::UNIX_EPOCH);
                report.specimen = None;
            },
            &["/issuedAt issued-at-implausible"],
        ),
        (|report| report.result = None, &["/result result-missing!"]),
        (
            |report| {
                report.result = None;
                report.observations = vec![Observation::default()];
            },
            &[],
        ),
        (
            |report| {
                report.result = None;
                report.status = Status::EnteredInError;
            },
            &[],
        ),
        (
            |report| {
                report.result = None;
                report.status = Status::Registered;
            },
            &[],
        ),
        (
            |report| {
                report.result = None;
                report.status = Status::Preliminary;
            },
            &["/result result-missing!"],
        ),
        (
            |report| {
                report.result = Some(TestResult::NotInterpreted);
                report.result_text = Some("boh".into());
            },
            &["/result result-unknown"],
        ),
        (|report| report.specimen = None, &[]),
        (
            |report| {
                specimen(report, after_receipt(10));
                report.issued_at = None;
            },
            &[],
        ),
        (|report| specimen(report, after_receipt(11)), &["/specimen/collectedAt collected-after-receipt!"]),
        (
            |report| specimen(report, "2099-01-01T00:00:00Z".parse().ok()),
            &["/specimen/collectedAt collected-after-receipt!"],
        ),
        (|report| specimen(report, after_receipt(-49)), &["/specimen/collectedAt collected-after-issue"]),
        (|report| specimen(report, after_receipt(-50)), &[]),
        (|report| specimen(report, Some(Timestamp::UNIX_EPOCH)), &["/specimen/collectedAt collected-at-implausible"]),
        (|report| report.patient = Default::default(), &["/patient patient-missing!"]),
        (
            |report| {
                report.patient = Default::default();
                report.patient.fiscal_code = Some("".into());
                report.patient.identifiers = vec![Identifier::default()];
            },
            &["/patient patient-missing!"],
        ),
        (
            |report| {
                report.patient = Default::default();
                report.patient.identifiers = vec![Identifier { value: "11".into(), ..Identifier::default() }];
            },
            &["/patient/fiscalCode fiscal-code-missing"],
        ),
        (
            |report| {
                report.patient = Default::default();
                report.patient.family = Some("Doe".into());
            },
            &["/patient/fiscalCode fiscal-code-missing"],
        ),
        (
            |report| report.patient.fiscal_code = Some("RSSMRA85T10A562T".into()),
            &["/patient/fiscalCode fiscal-code-invalid"],
        ),
        (
            |report| report.patient.fiscal_code = Some("RSSMRA85T10A000W".into()),
            &["/patient/fiscalCode fiscal-code-place-unknown"],
        ),
        (|report| report.patient.given = Some("Luigi".into()), &["/patient/fiscalCode fiscal-code-name-mismatch"]),
        (|report| report.patient.given = None, &[]),
        (
            |report| report.patient.birth_date = Some(date(1985, 10, 12)),
            &["/patient/fiscalCode fiscal-code-birth-date-mismatch"],
        ),
        (|report| report.patient.sex = Some("f".into()), &["/patient/fiscalCode fiscal-code-sex-mismatch"]),
        (|report| report.patient.sex = Some("U".into()), &[]),
        (|report| report.patient.fiscal_code = Some("91001750073".into()), &[]),
        (
            |report| {
                report.patient.fiscal_code = None;
                report.patient.birth_date = Some(date(2020, 10, 21));
            },
            &["/patient/fiscalCode fiscal-code-missing", "/patient/birthDate birth-date-future"],
        ),
        (
            |report| {
                report.patient.fiscal_code = None;
                report.patient.birth_date = Some(date(2020, 10, 20));
            },
            &["/patient/fiscalCode fiscal-code-missing"],
        ),
        (|report| report.patient.phone = Some("333 12".into()), &["/patient/phone phone-invalid"]),
        (|report| report.patient.phone = Some(" ".into()), &[]),
        (|report| report.patient.phone = None, &[]),
    ];
    for (index, (spoil, expected)) in cases.iter().enumerate() {
        let mut report = sound();
        spoil(&mut report);
        assert_eq!(faults(&report), *expected, "case {index}");
    }
}

#[test]
fn all_faults_are_found_at_once() {
    let empty = Report::default();
    assert_eq!(
        faults(&empty),
        [
            "/reportNumber report-number-missing!",
            "/test/code test-code-missing!",
            "/result result-missing!",
            "/patient patient-missing!",
        ]
    );
}

/// The zone decides the day: at 22:30 UTC it is tomorrow in Rome.
#[test]
fn today_is_the_laboratorys() {
    let zone = TimeZone::get("Europe/Rome").expect("a zone");
    let limits = Limits::default();
    let received_at = "2020-10-20T22:30:00Z".parse().expect("a time");
    let context = Context { received_at, zone: &zone, charset: None, facilities: &[], limits: &limits };
    let mut report = sound();
    report.patient.fiscal_code = None;
    report.patient.birth_date = Some(date(2020, 10, 21));
    check::report(&report, &context, &mut |pointer: Cow<'static, str>, fault| {
        assert_eq!(fault.code, "fiscal-code-missing", "{pointer}");
    });
}
