//! Against another reader, the crate `mllp`: real files, and the same with a byte dropped, doubled or changed.
//!
//! `mllp` cuts a message into segments, fields, repetitions, components and subcomponents, and takes MLLP frames apart.
//! It knows no batch headers, reads the five signs of MSH-1 and MSH-2 without question, and leaves `\Xhh\`, `\.br\` and
//! what else it does not know as written: such texts are not compared. `xtask/python/differential.py` compares far more.

use mllp::{Field, Message, Segment};
use schemas::hl7;
use serde_json::Value;

use super::{Setting, files::files};

/// Mutants of each file; a prime, so that they fall everywhere.
const MUTANTS: usize = 47;

#[test]
fn files_and_mutants_are_read_as_another_reader_reads_them() {
    let mut compared = 0;
    for (name, body) in files() {
        compared += compare(&name, &body);
        for number in 0..MUTANTS {
            let at = body.len() * number / MUTANTS + number % 7;
            let mut mutant = body.clone();
            match number % 4 {
                0 => drop(mutant.remove(at)),
                1 => mutant.insert(at, body[at]),
                2 => mutant[at] ^= 1,
                _ => mutant[at] = b"|^~&\\\r"[number % 6],
            }
            compared += compare(&format!("{name}, mutant {number} at {at}"), &mutant);
        }
    }
    assert!(compared > 20_000, "{compared} texts");
}

/// How many texts of a body's accepted messages were the same.
fn compare(name: &str, body: &[u8]) -> usize {
    let mut compared = 0;
    for unit in hl7::split_messages(body, 1) {
        let message = &body[unit.bytes];
        let items = Setting::default().decode(message);
        let Ok(text) = std::str::from_utf8(message) else { continue };
        if items.iter().all(|item| item.accepted) {
            let other = Message::parse(text).unwrap_or_else(|error| panic!("{name}: accepted, but {error}"));
            let reports: Vec<_> = items.into_iter().filter_map(|item| item.report).collect();
            compared += compare_message(name, &reports, &other);
        }
    }
    compared
}

fn compare_message(name: &str, reports: &[Value], other: &Message<'_>) -> usize {
    let segments = other.segments();
    let orders: Vec<usize> = (0..segments.len()).filter(|at| segments[*at].name() == "OBR").collect();
    // Groups that are one report are left to the other comparison.
    if other.separators() != mllp::Separators::default() || orders.len() != reports.len() {
        return 0;
    }
    let mut compared = 0;
    for (index, (at, report)) in orders.iter().zip(reports).enumerate() {
        let mut check = |pointer: &str, expected: Option<String>| {
            let Some(expected) = expected else { return };
            let ours = report.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
            assert_eq!(ours, expected, "{name}: report {index} {pointer}");
            compared += 1;
        };
        let order = &segments[*at];
        check("/reportNumber", order.field(3).and_then(|f| component(f, 1)).filter(|number| !number.is_empty()));
        check("/test/code", loinc_or_first(order.field(4)));
        let person = segments[..*at].iter().rev().find(|segment| segment.name() == "PID");
        let person = person.unwrap_or_else(|| panic!("{name}: accepted without a person"));
        let one = |number| person.field(number).filter(|field| field.repetitions().count() == 1);
        check("/patient/family", one(5).and_then(|f| unescaped(f.subcomponent(1, 1)?)));
        check("/patient/given", one(5).and_then(|f| component(f, 2)));
        check("/patient/sex", one(8).and_then(|f| component(f, 1)));
        let end = orders.get(index + 1).copied().unwrap_or(segments.len());
        let mut observation = 0;
        for obx in segments[*at..end].iter().filter(|segment| segment.name() == "OBX") {
            let kind = obx.field(2).and_then(|f| component(f, 1)).unwrap_or_default();
            check(&format!("/observations/{observation}/code"), loinc_or_first(obx.field(3)));
            let value = obx.field(5).filter(|field| field.repetitions().count() == 1);
            match kind.as_str() {
                "ED" => continue,
                "CWE" | "CE" | "CNE" | "CF" => observation += codes(obx),
                "SN" | "TS" => observation += 1,
                _ => {
                    check(&format!("/observations/{observation}/value"), value.and_then(|f| unescaped(f.value())));
                    observation += 1;
                }
            }
        }
        let ours = report["observations"].as_array().map_or(0, Vec::len);
        assert_eq!(ours, observation, "{name}: report {index} observations");
    }
    compared
}

/// A coded field is as many observations as it has repetitions that are not empty, and one where it has none.
fn codes(obx: &Segment<'_>) -> usize {
    let is_said = |repetition: &&str| !matches!(repetition.trim(), "" | "\"\"");
    obx.field(5).map_or(1, |field| field.repetitions().filter(is_said).count().max(1))
}

/// The code of the first coding that is LOINC's, else of the first that has one.
fn loinc_or_first(field: Option<&Field<'_>>) -> Option<String> {
    let field = field?;
    let codings = [1, 4, 10].map(|at| (component(field, at).unwrap_or_default(), component(field, at + 2)));
    let is_loinc = |system: Option<&str>| matches!(system, Some("LN" | "LOINC" | "2.16.840.1.113883.6.1"));
    let said = || codings.iter().filter(|(code, _)| !code.is_empty());
    said().find(|(_, system)| is_loinc(system.as_deref())).or_else(|| said().next()).map(|(code, _)| code.clone())
}

fn component(field: &Field<'_>, number: usize) -> Option<String> {
    unescaped(field.component(number)?)
}

/// Text as `mllp` unescapes it, trimmed, `""` as empty; none where it would leave an escape as it is.
fn unescaped(raw: &str) -> Option<String> {
    let raw = raw.trim();
    let is_known = raw
        .split('\\')
        .enumerate()
        .all(|(index, piece)| index % 2 == 0 || matches!(piece, "F" | "S" | "T" | "R" | "E"))
        && raw.matches('\\').count().is_multiple_of(2);
    // It unescapes whole fields: the text becomes one.
    let around = format!("MSH|^~\\&|\rNTE|1||{raw}");
    let text = Message::parse(&around).ok()?.field("NTE-3")?.unescape();
    is_known.then_some(if raw == "\"\"" { String::new() } else { text })
}

/// A stream of frames holds the messages that its frames hold.
#[test]
fn frames_are_taken_apart_as_another_reader_takes_them_apart() {
    for (name, body) in files() {
        let mut stream = mllp::frame(&body);
        stream.extend(mllp::frame(&body));
        let ours: Vec<_> =
            hl7::split_messages(&stream, 1).iter().map(|unit| stream[unit.bytes.clone()].to_vec()).collect();
        let mut decoder = mllp::Decoder::new();
        decoder.push(&stream);
        let mut theirs = Vec::new();
        while let Some(frame) = decoder.next_frame() {
            let frame = frame.unwrap();
            theirs.extend(hl7::split_messages(&frame, 1).iter().map(|unit| frame[unit.bytes.clone()].to_vec()));
        }
        assert_eq!(ours.len(), theirs.len(), "{name}");
        for (framed, bare) in ours.iter().zip(&theirs) {
            let read = |message: &[u8]| -> Vec<_> {
                let items = Setting::default().decode(message).into_iter();
                items.map(|item| (item.accepted, item.issued_at, item.report)).collect()
            };
            assert_eq!(read(framed), read(bare), "{name}");
        }
    }
}
