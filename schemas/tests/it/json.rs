//! The native format: what a report becomes, what is wrong with one, and where reports stand in an upload.

mod faults;
mod properties;
mod upload;

use jiff::tz::TimeZone;
use schemas::{
    At, Fault, Report, Severity,
    format::{Context, Decoder, Format, Limits, Unit},
    report::{Extra, Processing, Status, TestResult},
};
use serde_json::json;

/// The contract's example with every field that the format knows.
const FULL: &str = include_str!("../data/json/report.json");

const LIMITS: Limits = Limits { body_bytes: 64 << 20, unit_bytes: 8 << 20, items: 100_000, depth: 64 };

/// Reads one unit, received on 20 October 2020, and hands on its report, if it was accepted, and its faults.
fn decoded<T>(unit: impl AsRef<[u8]>, then: impl FnOnce(Option<&Report<'_>>, bool, &[Fault]) -> T) -> T {
    let zone = TimeZone::get("Europe/Rome").unwrap();
    let received_at = "2020-10-20T12:00:00Z".parse().unwrap();
    let context = Context { received_at, zone: &zone, charset: None, facilities: &[], limits: &LIMITS };
    let (mut then, mut answers) = (Some(then), Vec::new());
    let items = Decoder::default().decode(Format::Json, unit.as_ref(), (4, 7), &context, &mut |item| {
        assert_eq!((item.index, item.line), (4, 7));
        assert!(item.faults.iter().all(|fault| (fault.item, fault.line) == (Some(4), Some(7))));
        assert_eq!(item.accepted, !item.faults.iter().any(Fault::is_error));
        answers.push(then.take().unwrap()(item.report.as_deref(), item.accepted, &item.faults));
    });
    assert_eq!((items, answers.len()), (1, 1));
    answers.remove(0)
}

/// Faults as `severity pointer code`, in order.
fn listed(faults: &[Fault]) -> Vec<String> {
    let line = |fault: &Fault| {
        let severity = if fault.severity == Severity::Error { "error" } else { "warning" };
        match &fault.at {
            Some(At::Pointer(pointer)) => format!("{severity} {pointer} {}", fault.code),
            _ => format!("{severity} {}", fault.code),
        }
    };
    faults.iter().map(line).collect()
}

/// The report as it is stored, with its issue time, which is stored beside it.
fn stored(report: &Report<'_>) -> serde_json::Value {
    let mut value = serde_json::to_value(report).unwrap();
    if let Some(issued_at) = report.issued_at {
        value["issuedAt"] = issued_at.to_string().into();
    }
    value
}

fn starts(units: &[Unit]) -> Vec<(usize, u32)> {
    units.iter().map(|unit| (unit.bytes.start, unit.line)).collect()
}

#[test]
fn every_field_is_read_and_reads_back() {
    let mut expected: serde_json::Value = serde_json::from_str(FULL).unwrap();
    expected["issuedAt"] = json!("2020-10-20T09:04:00Z");
    expected["specimen"]["collectedAt"] = json!("2020-10-19T06:30:00Z");
    expected["order"]["requestedAt"] = json!("2020-10-18T13:00:00Z");
    let stored = decoded(FULL, |report, accepted, faults| {
        assert_eq!((listed(faults), accepted), (vec![], true));
        let report = report.unwrap();
        assert_eq!(report.extra.0.len(), 1, "only the plate is unknown");
        assert!(report.patient.extra == Extra::default());
        stored(report)
    });
    assert_eq!(stored, expected);
}

#[test]
fn what_is_absent_null_or_blank_is_absent() {
    let blank = r#"{"reportNumber":" A-1 ","status":null,"issuedAt":"2020-10-20T11:04:00+02:00","test":{"code":"\t94500-6","system":null},
        "result":"negative","resultText":"","specimen":null,"patient":{"family":"Rossi","given":"","fiscalCode":"  ","identifiers":null,
        "residence":null,"birthDate":null},"order":null,"performer":null,"orderer":"  ","observations":null,"attachments":null,"note":null}"#;
    decoded(blank, |report, _, faults| {
        assert_eq!(listed(faults), ["warning /patient/fiscalCode fiscal-code-missing"]);
        let expected = json!({"reportNumber": "A-1", "status": "final", "issuedAt": "2020-10-20T09:04:00Z",
            "test": {"code": "94500-6"}, "result": "negative", "patient": {"family": "Rossi"}});
        assert_eq!(stored(report.unwrap()), expected);
    });
}

#[test]
fn a_result_is_one_of_five_words_or_what_the_table_says_of_the_text() {
    let cases = [
        ("positive", TestResult::Positive, None),
        (" not-interpreted ", TestResult::NotInterpreted, None),
        ("POSITIVO", TestResult::Positive, Some("POSITIVO")),
        ("NON RILEVATO", TestResult::Negative, Some("NON RILEVATO")),
        ("not positive", TestResult::NotInterpreted, Some("not positive")),
        ("Negative?", TestResult::NotInterpreted, Some("Negative?")),
    ];
    for (text, result, words) in cases {
        decoded(
            FULL.replace("\"result\": \"positive\"", &format!("\"result\": {text:?}")),
            |report, accepted, faults| {
                let report = report.unwrap();
                assert_eq!((report.result, report.result_text.as_deref()), (Some(result), words), "{text}");
                let unknown = words.is_some() && result == TestResult::NotInterpreted;
                let expected: &[&str] = if unknown { &["warning /result result-unknown"] } else { &[] };
                assert_eq!(
                    (listed(faults), accepted),
                    (expected.iter().map(ToString::to_string).collect(), true),
                    "{text}"
                );
            },
        );
    }
}

#[test]
fn a_persons_code_is_also_found_among_the_identifiers() {
    let cases = [
        ("http://hl7.it/sid/codiceFiscale", "rssmra85t10a562s ", Some("RSSMRA85T10A562S")),
        ("urn:oid:2.16.840.1.113883.2.9.4.3.2", "RSSMRA85T10A562S", Some("RSSMRA85T10A562S")),
        ("urn:oid:2.16.840.1.113883.2.9.4.3.17", "STP0101234567890", Some("STP0101234567890")),
        ("2.16.840.1.113883.2.9.4.3.18", "ENI0101234567890", Some("ENI0101234567890")),
        ("urn:oid:2.16.840.1.113883.2.9.4.3.7", "80380001100123456789", None),
    ];
    for (system, value, code) in cases {
        let patient = json!({"family": "Rossi", "identifiers": [{"system": "x", "value": "1"}, {"system": system, "value": value}]});
        decoded(json!({ "patient": patient }).to_string(), |report, _, _| {
            let patient = &report.unwrap().patient;
            assert_eq!((patient.fiscal_code.as_deref(), patient.identifiers.len()), (code, 2), "{system}");
        });
    }
    // The field itself goes first.
    let both = json!({"patient": {"fiscalCode": "x1", "identifiers": [{"system": cases[0].0, "value": cases[0].1}]}});
    decoded(both.to_string(), |report, _, _| {
        assert_eq!(report.unwrap().patient.fiscal_code.as_deref(), Some("X1"));
    });
}

#[test]
fn words_of_the_contract_are_read() {
    for status in Status::ALL {
        decoded(json!({"status": status.as_str()}).to_string(), |report, _, _| {
            assert_eq!(report.unwrap().status, status)
        });
    }
    for (word, processing) in [("P", Processing::Production), ("T", Processing::Training), ("D", Processing::Debugging)]
    {
        decoded(json!({"processingId": word}).to_string(), |report, _, _| {
            assert_eq!(report.unwrap().processing_id, processing);
        });
    }
}

#[test]
fn a_decoder_reads_on_after_anything() {
    let zone = TimeZone::UTC;
    let received_at = "2020-10-20T12:00:00Z".parse().unwrap();
    let deep = Limits { depth: 3, ..LIMITS };
    let big = format!("{{\"note\":\"{}\"}}", "x".repeat(2 << 20));
    let mut decoder = Decoder::default();
    for limits in [&LIMITS, &deep, &LIMITS] {
        let context = Context { received_at, zone: &zone, charset: None, facilities: &[], limits };
        let mut read = |unit: &str| {
            let mut note = None;
            decoder.decode(Format::Ndjson, unit.as_bytes(), (0, 1), &context, &mut |item| {
                note = item.report.and_then(|report| report.note.as_ref().map(|note| note.len()));
            });
            note
        };
        assert_eq!(read(r#"{"note":"abc","x":[[[1]]]}"#), (limits.depth > 3).then_some(3));
        assert_eq!(read(r#"{"note":"a"}"#), Some(1));
        assert_eq!(read("{"), None);
        assert_eq!(read(&big), Some(2 << 20));
        assert_eq!(read(""), None);
        assert_eq!(read(r#"{"note":"abc","x":[[1]]}"#), Some(3));
    }
}
