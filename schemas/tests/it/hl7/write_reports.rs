//! Stored reports as ORU^R01: what is written reads back with the same content, and stored content as a report.

use jiff::{Timestamp, tz::TimeZone};
use schemas::{
    Report,
    format::{Context, Format, Limits, split},
    hl7::{self, Outgoing, OutgoingHeader, Unwritable, write_reports},
    json,
    report::Processing,
};
use serde_json::{Value, json};

use super::files::files;

/// A report's content as it is stored, and its issue time beside it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Stored(pub(super) String, pub(super) Timestamp);

fn rome() -> TimeZone {
    TimeZone::get("Europe/Rome").unwrap()
}

pub(super) fn issued() -> Timestamp {
    "2020-10-20T09:04:00.25Z".parse().unwrap()
}

/// The reports of a message, all accepted or none.
pub(super) fn read(message: &[u8]) -> Option<Vec<Stored>> {
    let (zone, limits) = (rome(), Limits::default());
    let received_at = "2025-01-15T12:00:00Z".parse().unwrap();
    let context = Context { received_at, zone: &zone, charset: None, facilities: &[], limits: &limits };
    let mut reports = Some(Vec::new());
    hl7::decode(message, (0, 1), &context, &mut |item| match (item.accepted, item.report) {
        (true, Some(report)) => reports
            .as_mut()
            .unwrap()
            .push(Stored(serde_json::to_string(&*report).unwrap(), report.issued_at.unwrap_or(received_at))),
        _ => reports = None,
    });
    reports
}

pub(super) fn written(contents: &[Stored]) -> Result<String, Unwritable> {
    let zone = rome();
    let reports: Vec<_> = contents.iter().map(|Stored(content, _)| json::stored(content).unwrap()).collect();
    let outgoing: Vec<_> = reports
        .iter()
        .zip(contents)
        .map(|(report, Stored(_, issued_at))| Outgoing { report, issued_at: *issued_at })
        .collect();
    let header = OutgoingHeader {
        written_at: "2025-01-15T11:59:00Z".parse().unwrap(),
        zone: &zone,
        control_id: "W1",
        sending_facility: "LAB A&B",
        receiving_application: "",
        receiving_facility: "PIEMONTE",
    };
    write_reports(&outgoing, &header)
}

fn reads_back(contents: &[Stored]) {
    let message = written(contents).unwrap();
    assert_eq!(read(message.as_bytes()).as_deref(), Some(contents), "{}", message.replace('\r', "\n"));
}

/// Every report of the real files that is accepted, by file.
fn accepted() -> Vec<(String, Vec<Stored>)> {
    let mut accepted = Vec::new();
    for (name, body) in files() {
        let split = split(Format::Hl7, &body, &Limits::default()).unwrap();
        for unit in split.units {
            accepted.extend(read(&body[unit.bytes]).map(|reports| (name.clone(), reports)));
        }
    }
    accepted
}

#[test]
fn each_accepted_report_of_the_files_reads_back_alone_and_with_its_message() {
    let mut count = 0;
    for (_, reports) in accepted() {
        reads_back(&reports);
        for report in reports {
            reads_back(&[report]);
            count += 1;
        }
    }
    assert!(count >= 40, "only {count} reports");
}

#[test]
fn stored_content_reads_back_to_the_byte() {
    for Stored(content, _) in accepted().into_iter().flat_map(|(_, reports)| reports) {
        assert_eq!(serde_json::to_string(&json::stored(&content).unwrap()).unwrap(), content);
    }
    for wrong in [
        "",
        "[]",
        "{}",
        "null",
        "{\"reportNumber\":1}",
        "{\"reportNumber\":\"1\",\"status\":\"x\"}",
        "{\"reportNumber\":\"1\"",
    ] {
        assert!(json::stored(wrong).is_none(), "{wrong}");
    }
}

/// The native report `value`, as it is stored.
pub(super) fn stored(value: &Value) -> Stored {
    let report = json::stored(&value.to_string()).unwrap();
    Stored(serde_json::to_string(&report).unwrap(), issued())
}

fn full() -> Value {
    json!({
        "reportNumber": "TO-1", "status": "final",
        "test": {"code": "94500-6", "system": "http://loinc.org", "display": "SARS-CoV-2 RNA"},
        "specimen": {"id": "S-77", "type": "258500001", "collectedAt": "2020-10-19T06:30:00Z", "receivedAt": "2020-10-19T10:00:00.5Z"},
        "patient": {
            "fiscalCode": "RSSMRA85T10A562S", "family": "De' Rossi", "given": "Mario Nicolò", "birthDate": "1985-12-10", "sex": "M",
            "phone": "+39 333 1234567", "identifiers": [{"system": "urn:oid:1.2.3", "value": "77"}, {"value": "X|1"}],
            "residence": {"municipality": "001272", "address": "Via Po 1", "city": "Torino", "postalCode": "10100", "province": "TO", "country": "ITA"},
            "domicile": {"address": "Via Roma 2"}
        },
        "order": {"number": "O-5", "requestedAt": "2020-10-18T13:00:00Z", "reason": "symptoms"},
        "performer": {"id": "P1", "name": "Laboratorio & C."}, "orderer": "Bianchi Anna", "authoriser": "Verdi Ugo",
        "note": "one\ntwo",
        "observations": [
            {"code": "94500-6", "system": "http://loinc.org", "value": "Detected", "valueCode": "260373001",
             "valueSystem": "http://snomed.info/sct", "interpretation": "POS", "note": "seen\n twice"},
            {"code": "94746-5", "value": "21.4", "unit": "{Ct}", "range": "<40", "status": "corrected"},
            {"code": "95419-8", "value": "Y", "askAtOrder": true}
        ],
        "attachments": [{"contentType": "application/pdf", "data": "JVBERi0="}]
    })
}

/// By hand from v2.5.1: §7.3.1 (structure), §2.15.9 (MSH), §3.4.2 (PID), §4.5 (ORC, OBR), §7.4 (OBX, SPM).
#[test]
fn a_report_is_one_order_group() {
    let mut report = full();
    report["status"] = "corrected".into();
    report["observations"][1].as_object_mut().unwrap().remove("status");
    let golden = [
        "MSH|^~\\&|REFERTO|LAB A\\T\\B||PIEMONTE|20250115125900+0100||ORU^R01^ORU_R01|W1|P|2.5.1||||||UNICODE UTF-8",
        "PID|1||RSSMRA85T10A562S^^^MEF&2.16.840.1.113883.2.9.4.3.2&ISO^NNITA~77^^^&1.2.3&ISO~X\\F\\1||\
         De' Rossi^Mario Nicolò^^^^^L||19851210|M|||Via Po 1^^Torino^TO^10100^ITA^L^^001272~Via Roma 2^^^^^^C||\
         ^PRN^CP^^^^^^^^^+39 333 1234567",
        "ORC|RE|O-5|TO-1||||||20201018150000+0200",
        "OBR|1|O-5|TO-1|94500-6^SARS-CoV-2 RNA^LN|||20201019083000+0200|||||||20201019120000.5+0200||^Bianchi Anna||||||\
         20201020110400.25+0200|||C||||||symptoms|&Verdi Ugo",
        "NTE|1||one\\.br\\two",
        "OBX|1|CE|94500-6^^LN||260373001^Detected^SCT|||POS|||C||||||||||||Laboratorio \\T\\ C.^^^^^^^^^P1",
        "NTE|1||seen\\.br\\ twice",
        "OBX|2|NM|94746-5||21.4|{Ct}|<40||||C||||||||||||Laboratorio \\T\\ C.^^^^^^^^^P1",
        "OBX|3|ED|11502-2^Laboratory report^LN||^application^pdf^Base64^JVBERi0=||||||C||||||||||||\
         Laboratorio \\T\\ C.^^^^^^^^^P1",
        "SPM|1|^S-77||258500001|||||||||||||20201019083000+0200|20201019120000.5+0200",
        "OBX|4|ST|95419-8||Y||||||C",
        "",
    ];
    let content = stored(&report);
    assert_eq!(written(std::slice::from_ref(&content)).unwrap().replace('\r', "\n"), golden.join("\n"));
    reads_back(&[content]);
}

#[test]
fn reports_of_one_person_stand_under_one_pid() {
    let (first, mut second, mut other) = (full(), full(), full());
    for report in [&mut second, &mut other] {
        report["observations"][1].as_object_mut().unwrap().remove("status");
    }
    let mut first = without(first, &["observations", "attachments", "performer"]);
    first["status"] = "registered".into();
    second["reportNumber"] = "TO-2".into();
    other["reportNumber"] = "TO-3".into();
    other["patient"] = json!({"given": "Anna"});
    let contents = [stored(&first), stored(&second), stored(&other)];
    let message = written(&contents).unwrap();
    let names: Vec<_> =
        message.split_terminator('\r').map(|line| &line[..5]).filter(|name| !name.starts_with('O')).collect();
    assert_eq!(
        names,
        ["MSH|^", "PID|1", "NTE|1", "SPM|1", "NTE|1", "NTE|1", "SPM|1", "PID|2", "NTE|1", "NTE|1", "SPM|1"]
    );
    assert!(message.contains("\rPID|2||\"\"||^Anna^^^^^L\r"));
    reads_back(&contents);
}

#[test]
fn what_cannot_stand_in_one_message_is_said() {
    let one = stored(&full());
    assert_eq!(written(&[]), Err(Unwritable::Nothing));
    assert_eq!(written(&[one.clone(), one.clone()]), Err(Unwritable::Repeated));
    let mut rehearsal = full();
    rehearsal["processingId"] = "T".into();
    rehearsal["reportNumber"] = "TO-2".into();
    assert_eq!(written(&[one, stored(&rehearsal)]), Err(Unwritable::MixedProcessing));
}

pub(super) fn without(mut report: Value, names: &[&str]) -> Value {
    names.iter().for_each(|name| drop(report.as_object_mut().unwrap().remove(*name)));
    report
}

/// The observations of a report written and read, and its status.
fn observed(report: &Value) -> (Value, String) {
    let message = written(&[stored(report)]).unwrap();
    let [Stored(content, _)] = read(message.as_bytes()).unwrap().try_into().unwrap();
    let value: Value = serde_json::from_str(&content).unwrap();
    (value["observations"].clone(), value["status"].as_str().unwrap().to_owned())
}

#[test]
fn a_result_without_observations_is_written_as_one() {
    let report = without(full(), &["observations", "attachments"]);
    let test = json!({"code": "94500-6", "system": "http://loinc.org", "display": "SARS-CoV-2 RNA"});
    let coded =
        |code: &str, value: &str| json!({"valueCode": code, "valueSystem": "http://snomed.info/sct", "value": value});
    let table = [
        ("positive", None, coded("10828004", "Positive")),
        ("negative", None, coded("260385009", "Negative")),
        ("inconclusive", None, coded("419984006", "Inconclusive")),
        ("unsatisfactory", None, coded("125154007", "Specimen unsatisfactory for evaluation")),
        ("positive", Some("RILEVATO"), coded("10828004", "RILEVATO")),
        ("not-interpreted", Some("vedi nota"), json!({"value": "vedi nota"})),
        ("not-interpreted", None, json!({"value": "not interpreted"})),
    ];
    for (result, words, value) in table {
        let mut report = report.clone();
        report["result"] = result.into();
        if let Some(words) = words {
            report["resultText"] = words.into();
        }
        let mut expected = test.clone();
        expected.as_object_mut().unwrap().extend(value.as_object().unwrap().clone());
        let (observations, status) = observed(&report);
        assert_eq!((observations, &*status), (json!([expected]), "final"), "{result}");
        let code = expected["valueCode"].as_str();
        let read = code.and_then(|code| schemas::codes::result_of_code(Some("http://snomed.info/sct"), code));
        assert_eq!(read.map_or("not-interpreted", schemas::report::TestResult::as_str), result);
    }
}

#[test]
fn a_result_that_an_observation_says_is_not_written_twice() {
    let mut report = full();
    report["result"] = "positive".into();
    assert_eq!(observed(&report).0.as_array().unwrap().len(), 3);
    report["result"] = "negative".into();
    let (observations, _) = observed(&report);
    assert_eq!((&observations[0]["valueCode"], observations.as_array().unwrap().len()), (&json!("260385009"), 4));
}

#[test]
fn a_report_that_should_never_have_been_sent_says_so() {
    let mut report = without(full(), &["observations", "attachments"]);
    report["status"] = "entered-in-error".into();
    let test = json!({"code": "94500-6", "system": "http://loinc.org", "display": "SARS-CoV-2 RNA"});
    assert_eq!(observed(&report), (json!([test]), "entered-in-error".to_owned()));
    report["status"] = "cancelled".into();
    assert_eq!(observed(&report), (Value::Null, "cancelled".to_owned()));
}

#[test]
fn a_report_made_by_hand_is_written() {
    // Not from a stored content: texts that no reader gives.
    let report = Report { report_number: "".into(), processing_id: Processing::Debugging, ..Report::default() };
    let zone = rome();
    let header = OutgoingHeader {
        written_at: Timestamp::MIN,
        zone: &zone,
        control_id: "",
        sending_facility: "",
        receiving_application: "",
        receiving_facility: "",
    };
    let outgoing = Outgoing { report: &report, issued_at: Timestamp::MAX };
    assert!(write_reports(&[outgoing], &header).unwrap().contains("\rOBR|1||\\N\\|\\N\\|"));
}
