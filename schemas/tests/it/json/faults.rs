//! What is wrong with a report: every fault at once, each with its pointer.

use super::{FULL, decoded, listed};

/// The complete report with `from` replaced, and the faults that follow.
type Case = (&'static str, &'static str, &'static [&'static str]);

const CASES: &[Case] = &[
    // Required fields.
    (r#""reportNumber": "TO-2020-0012345","#, "", &["error /reportNumber report-number-missing"]),
    ("TO-2020-0012345", "   ", &["error /reportNumber report-number-missing"]),
    (r#""issuedAt": "2020-10-20T11:04:00+02:00","#, "", &["error /issuedAt issued-at-missing"]),
    (r#""2020-10-20T11:04:00+02:00""#, "null", &["error /issuedAt issued-at-missing"]),
    (
        r#""code": "94500-6", "system": "http://loinc.org", "display": "SARS"#,
        r#""display": "SARS"#,
        &["error /test/code test-code-missing"],
    ),
    // Times.
    ("2020-10-20T11:04:00+02:00", "20/10/2020", &["error /issuedAt issued-at-invalid"]),
    ("2020-10-20T11:04:00+02:00", "2020-10-20T25:04:00+02:00", &["error /issuedAt issued-at-invalid"]),
    (
        "2020-10-20T11:04:00+02:00",
        "1970-01-01T00:00:00Z",
        &["warning /issuedAt issued-at-implausible", "warning /specimen/collectedAt collected-after-issue"],
    ),
    ("2020-10-20T11:04:00+02:00", "2099-12-31T23:59:59Z", &["warning /issuedAt issued-at-future"]),
    ("2020-10-19T08:30:00+02:00", "2020-10-32", &["error /specimen/collectedAt collected-at-invalid"]),
    ("2020-10-19T08:30:00+02:00", "2020-03-29T02:30:00", &["warning /specimen/collectedAt collected-at-nonexistent"]),
    ("2020-10-19T08:30:00+02:00", "2019-10-27T02:30:00", &["warning /specimen/collectedAt collected-at-ambiguous"]),
    ("2020-10-19T08:30:00+02:00", "2019-10-27T02:30:00+01:00", &[]),
    ("2020-10-18T15:00:00+02:00", "yesterday", &["error /order/requestedAt requested-at-invalid"]),
    ("1985-12-10", "1985-00-00", &["warning /patient/birthDate birth-date-invalid"]),
    ("1985-12-10", "1985-12-10T00:00:00", &["warning /patient/birthDate birth-date-invalid"]),
    // Words.
    (r#""status": "final","#, r#""status": "definitive","#, &["error /status status-invalid"]),
    (r#""status": "final","#, r#""status": "FINAL","#, &["error /status status-invalid"]),
    (
        r#""status": "final", "note""#,
        r#""status": "done", "note""#,
        &["error /observations/0/status observation-status-invalid"],
    ),
    (r#""status": "final","#, r#""processingId": "X","#, &["error /processingId processing-id-invalid"]),
    (r#""reason": "contact""#, r#""reason": "curiosity""#, &["warning /order/reason order-reason-unknown"]),
    (
        r#""result": "positive","#,
        r#""result": "positive", "resultText": "NEGATIVO","#,
        &["error /resultText result-text-conflict"],
    ),
    (
        r#""result": "positive","#,
        r#""result": "POSITIVO", "resultText": "DEBOLE","#,
        &["error /resultText result-text-conflict"],
    ),
    // Types.
    (r#""TO-2020-0012345""#, "12345", &["error /reportNumber report-number-not-text"]),
    (r#""positive""#, "true", &["error /result result-not-text"]),
    (r#""DETECTED""#, "12.5", &["error /observations/0/value observation-value-not-text"]),
    (
        r#""askAtOrder": true"#,
        r#""askAtOrder": "yes""#,
        &["error /observations/1/askAtOrder observation-ask-at-order-not-boolean"],
    ),
    (r#""id": "S-77""#, r#""id": ["S-77"]"#, &["error /specimen/id specimen-id-not-text"]),
    (r#""name": "Lab"#, r#""name": {}, "label": "Lab"#, &["error /performer/name performer-name-not-text"]),
    (
        r#"{"number": "R-9", "requestedAt": "2020-10-18T15:00:00+02:00", "reason": "contact"}"#,
        r#""R-9""#,
        &["error /order order-not-object"],
    ),
    (r#"[{"system": "urn"#, r#"[7, {"system": "urn"#, &["error /patient/identifiers/0 identifier-not-object"]),
    (
        r#"{"municipality": "001272", "address": "Corso Francia 12/B"}"#,
        "[]",
        &["error /patient/domicile domicile-not-object"],
    ),
    (
        r#"[{"contentType": "application/pdf", "data": "JVBERi0xLjQK", "title": "referto"}]"#,
        "{}",
        &["error /attachments attachments-not-list"],
    ),
    // Lists.
    (
        r#""code": "94500-6", "system": "http://loinc.org", "display": "RNA""#,
        r#""display": "RNA""#,
        &["error /observations/0/code observation-code-missing"],
    ),
    (
        r#""contentType": "application/pdf", "#,
        "",
        &["error /attachments/0/contentType attachment-content-type-missing"],
    ),
    (r#""data": "JVBERi0xLjQK","#, r#""data": "","#, &["error /attachments/0/data attachment-data-missing"]),
    ("JVBERi0xLjQK", "JVBERi0xLjQ", &["error /attachments/0/data attachment-data-invalid"]),
    ("JVBERi0xLjQK", r"JVBE\nRi0xLjQK", &["error /attachments/0/data attachment-data-invalid"]),
    (
        r#""value": "80380001100123456789""#,
        r#""value": """#,
        &["warning /patient/identifiers/0/value identifier-value-missing"],
    ),
    // Names that stand twice.
    (
        r#""result": "positive","#,
        r#""result": "positive", "result": "negative","#,
        &["error /result result-duplicated"],
    ),
    (r#""result": "positive","#, r#""result": null, "result": "positive","#, &["error /result result-duplicated"]),
    (
        r#""family": "Rossi","#,
        r#""family": "Rossi", "famil\u0079": "Bianchi","#,
        &["error /patient/family family-duplicated"],
    ),
    (
        r#""askAtOrder": true"#,
        r#""askAtOrder": true, "code": "x""#,
        &["error /observations/1/code observation-code-duplicated"],
    ),
    (r#""row": "C","#, r#""row": "C", "row": "D","#, &["error  field-duplicated"]),
    (
        r#""title": "referto""#,
        r#""title": "referto", "a": 1, "title": "x""#,
        &["error /attachments/0 field-duplicated"],
    ),
    // Characters.
    ("Via Po 1", r"Via Po\u0000 1", &["error /patient/residence/address residence-address-control-character"]),
    ("Via Po 1", r"Via Po\u001b[1m", &["error /patient/residence/address residence-address-control-character"]),
    ("Via Po 1", r"Via Po\t1\r\n", &[]),
    ("TO-2020-0012345", r"TO\u0007", &["error /reportNumber report-number-control-character"]),
];

#[test]
fn each_fault_has_its_code_and_place() {
    for (from, to, expected) in CASES {
        assert!(FULL.contains(from), "{from}");
        decoded(FULL.replacen(from, to, 1), |report, _, faults| {
            assert!(report.is_some());
            assert_eq!(listed(faults), *expected, "{from} -> {to}");
        });
    }
}

#[test]
fn all_faults_come_at_once() {
    let report = r#"{"reportNumber":" ","status":"x","test":7,"specimen":{"collectedAt":"x"},"patient":[],
        "observations":[{"code":""},5],"attachments":[{}]}"#;
    let expected = [
        "error /status status-invalid",
        "error /test test-not-object",
        "error /specimen/collectedAt collected-at-invalid",
        "error /patient patient-not-object",
        "error /observations/0/code observation-code-missing",
        "error /observations/1 observation-not-object",
        "error /attachments/0/contentType attachment-content-type-missing",
        "error /attachments/0/data attachment-data-missing",
        "error /issuedAt issued-at-missing",
        "error /reportNumber report-number-missing",
    ];
    decoded(report, |_, _, faults| assert_eq!(listed(faults), expected));
}

#[test]
fn what_is_no_report_says_why() {
    let deep = format!("{{\"a\":{}1{}}}", "[".repeat(10_000), "]".repeat(10_000));
    let wide = format!("{{\"a\":[{}]}}", "0,".repeat(500_001));
    let cases: [(&[u8], &str, &str); 13] = [
        (b"7", "report-not-object", "{\"reportNumber\":"),
        (b"[{\"reportNumber\":\"A\"}]", "report-not-object", ""),
        (b"{\"resourceType\":\"DiagnosticReport\",\"id\":\"x\"}", "content-type-fhir", "application/fhir+ndjson"),
        (b"{\"note\":\"perch\xE9\"}", "line-not-utf8", "byte 15 of the report is not UTF-8; it looks like ISO-8859-1"),
        (b"\xFF\xFE{\0}\0", "line-not-utf8", "looks like UTF-16"),
        (b"{\"note\":\"\x93quoted\x94\"}", "line-not-utf8", "Windows-1252"),
        (b"{\"note\":\"a\0\"}", "json-invalid", "line 1, character 11 of the report"),
        (b"{\"note\":\"a\"", "json-invalid", "cut off"),
        (b"", "json-invalid", "cut off"),
        (b"{\"note\":\"\\ud800\"}", "json-invalid", "surrogate"),
        (b"{\"x\":123456789012345678901234567890}", "json-number-too-large", "in quotes"),
        (deep.as_bytes(), "json-too-deep", "more than 64 levels"),
        (wide.as_bytes(), "json-too-many-values", "500000"),
    ];
    for (unit, code, words) in cases {
        decoded(unit, |report, accepted, faults| {
            assert!(report.is_none() && !accepted);
            assert_eq!(listed(faults), [format!("error {code}")]);
            assert!(faults[0].detail.contains(words), "{}", faults[0].detail);
        });
    }
}

#[test]
fn a_fault_never_repeats_what_a_field_contains() {
    let secret = "Zzyzx9";
    let report = FULL
        .replace("\"2020-10-20T11:04:00+02:00\"", "\"Zzyzx9\"")
        .replace("\"1985-12-10\"", "\"Zzyzx9\"")
        .replace("\"contact\"", "\"Zzyzx9\"")
        .replace("\"final\"", "\"Zzyzx9\"")
        .replace("\"positive\"", "\"Zzyzx9\"")
        .replace("\"Rossi\"", "\"Zzyzx9\\u0000\", \"Zzyzx9\": 1, \"Zzyzx9\": 2")
        .replace("RSSMRA85T10A562S", secret);
    decoded(report, |_, accepted, faults| {
        assert!(!accepted && faults.len() >= 8, "{:?}", listed(faults));
        assert!(!format!("{faults:?}").contains(secret), "{faults:?}");
    });
    decoded("{\"note\":\"Zzyzx9\" Zzyzx9", |_, _, faults| assert!(!format!("{faults:?}").contains(secret)));
}

#[test]
fn a_report_of_nothing_but_faults_lists_a_hundred() {
    let report = format!("{{\"observations\":[{}{{}}]}}", "{},".repeat(5_000));
    decoded(report, |_, accepted, faults| {
        assert_eq!((accepted, faults.len()), (false, 101));
        assert_eq!(faults[100].code, "faults-omitted");
    });
}
