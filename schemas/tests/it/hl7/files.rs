//! The 43 real files (`tests/data/hl7`): what each is read as, read against the standard by eye.

use std::{fmt::Write, fs, path::Path};

use serde_json::Value;

use super::{Setting, shown};
use schemas::{
    format::{Format, Limits, split},
    hl7,
};

fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/hl7"))
}

pub(super) fn files() -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "hl7"))
        .map(|path| (path.file_stem().unwrap().to_str().unwrap().to_owned(), fs::read(&path).unwrap()))
        .collect();
    files.sort();
    files
}

fn text<'v>(value: &'v Value, pointer: &str) -> &'v str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or("-")
}

/// One line a thing, short enough to be read beside the file.
fn summary(body: &[u8]) -> String {
    let split = split(Format::Hl7, body, &Limits::default()).unwrap();
    let mut out = format!("control id {}\n", split.control_id.as_deref().unwrap_or("-"));
    assert!(split.envelope.is_empty());
    let mut first = 0;
    for unit in &split.units {
        for item in Setting::default().decode_at(&body[unit.bytes.clone()], (first, unit.line)) {
            first = item.index + 1;
            let verdict = if item.accepted { "accepted" } else { "refused" };
            writeln!(out, "item {} line {} {verdict}", item.index, item.line).unwrap();
            if let Some(report) = &item.report {
                report_lines(&mut out, report);
                writeln!(out, "  issued {}", item.issued_at.map_or("-".to_owned(), |time| time.to_string())).unwrap();
            }
            for fault in &item.faults {
                writeln!(out, "  {}", shown(fault)).unwrap();
            }
        }
    }
    out
}

fn report_lines(out: &mut String, report: &Value) {
    let of = |pointer| text(report, pointer);
    writeln!(out, "  number {} test {} ({})", of("/reportNumber"), of("/test/code"), of("/test/system")).unwrap();
    writeln!(out, "  status {} processing {}", of("/status"), of("/processingId")).unwrap();
    let specimen =
        ["id", "type", "collectedAt", "receivedAt"].map(|name| of_owned(report, &format!("/specimen/{name}")));
    writeln!(out, "  specimen {}", specimen.join(" ")).unwrap();
    let patient = ["family", "given", "birthDate", "sex", "fiscalCode", "phone"]
        .map(|name| of_owned(report, &format!("/patient/{name}")));
    writeln!(out, "  patient {}", patient.join(" | ")).unwrap();
    for identifier in report.pointer("/patient/identifiers").and_then(Value::as_array).into_iter().flatten() {
        writeln!(out, "  identifier {} of {}", text(identifier, "/value"), text(identifier, "/system")).unwrap();
    }
    writeln!(out, "  order {} {}", of("/order/number"), of("/order/requestedAt")).unwrap();
    let people = ["/orderer", "/performer/name", "/performer/id", "/authoriser"].map(of);
    writeln!(out, "  orderer {} | performer {} ({}) | authoriser {}", people[0], people[1], people[2], people[3])
        .unwrap();
    for observation in report["observations"].as_array().into_iter().flatten() {
        let of = |pointer| text(observation, pointer);
        let asked = if observation["askAtOrder"] == true { " asked" } else { "" };
        let value: String = of("/value").chars().take(60).collect();
        write!(out, "  {} = {value:?} {}@{}", of("/code"), of("/valueCode"), of("/valueSystem")).unwrap();
        for name in ["unit", "range", "interpretation", "status"] {
            if let Some(value) = observation[name].as_str() {
                write!(out, " {name} {value}").unwrap();
            }
        }
        let note = observation["note"]
            .as_str()
            .map_or(String::new(), |note| format!(" note of {} lines", note.lines().count()));
        writeln!(out, "{asked}{note}").unwrap();
    }
    if let Some(note) = report["note"].as_str() {
        writeln!(out, "  note of {} lines, {} characters", note.lines().count(), note.chars().count()).unwrap();
    }
}

fn of_owned(report: &Value, pointer: &str) -> String {
    text(report, pointer).to_owned()
}

#[test]
fn each_file_is_read_as_its_golden_says() {
    let files = files();
    assert_eq!(files.len(), 43);
    for (name, body) in files {
        insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
            insta::assert_snapshot!(name, summary(&body));
        });
    }
}

/// OBR-3.1 is empty in six files (seven messages): the number is the specimen's (SPM-2.2), never the assigner's name.
#[test]
fn an_assigner_alone_is_no_number() {
    let mut numbers = std::collections::BTreeSet::new();
    let mut messages = 0;
    for (_, body) in files() {
        for unit in hl7::split_messages(&body, 1) {
            let message = &body[unit.bytes];
            let mut segments = message.split(|byte| matches!(byte, b'\r' | b'\n'));
            let order = segments.find(|segment| segment.starts_with(b"OBR")).unwrap();
            let filler = order.split(|byte| *byte == b'|').nth(3).unwrap();
            if !filler.starts_with(b"^") {
                continue;
            }
            messages += 1;
            for item in Setting::default().decode(message) {
                numbers.insert(item.report.unwrap()["reportNumber"].as_str().unwrap().to_owned());
            }
        }
    }
    assert_eq!(messages, 7);
    assert_eq!(
        numbers.iter().collect::<Vec<_>>(),
        ["433848dc33ca4ce89ff4773fed48e8f6", "dba7572cc6334f1ea0744c5f235c823e", "ff98cc992d5146e7916a5f0b873e534f"]
    );
}

/// The files that are refused, and why: specimens of 2028 (received in 2025), `DATE!` in OBR-22, `0000` in
/// SPM-17. All others are accepted.
#[test]
fn what_is_refused_is_refused_for_its_times() {
    let mut refused = std::collections::BTreeMap::<String, Vec<String>>::new();
    for (name, body) in files() {
        for unit in hl7::split_messages(&body, 1) {
            let items = Setting::default().decode_at(&body[unit.bytes], (0, unit.line));
            let faults = items.iter().flat_map(|item| &item.faults).filter(|fault| fault.is_error());
            let mut codes: Vec<_> = faults.map(|fault| fault.code.to_string()).collect();
            codes.dedup();
            if items.iter().any(|item| !item.accepted) {
                refused.entry(name.clone()).or_default().extend(codes);
            }
        }
    }
    let refused: Vec<_> = refused.iter().map(|(name, codes)| format!("{name}: {}", codes.join(" "))).collect();
    assert_eq!(
        refused,
        [
            "Expected_HL7_to_HL7_ELIMS: collected-after-receipt",
            "Expected_HL7_to_HL7_FULLELR: collected-after-receipt",
            "ORU_deidentified: issued-at-invalid",
            "ORU_deidentified-expected: issued-at-invalid",
            "elims_2_40_05059364_34872_MIN: collected-at-invalid",
            "elims_2_40_05059364_34872_MIN-expected: collected-at-invalid",
            "valid_hl7: collected-after-receipt",
            "valid_hl7_e2e: collected-after-receipt",
        ]
    );
}
