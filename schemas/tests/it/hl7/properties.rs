//! Any bytes: no panic, never fewer than one item, and what was refused once is refused again.

use proptest::prelude::*;
use schemas::{
    format::{Format, Limits, split},
    hl7,
};

use super::{HEADER, OBR, OBX, PID, Setting, files::files, message};

/// Splits and decodes; every item that is accepted has a report, and every one that is not is in a message with an error.
fn read(body: &[u8]) {
    let Ok(split) = split(Format::Hl7, body, &Limits::default()) else { return };
    for unit in &split.units {
        let items = Setting::default().decode_at(&body[unit.bytes.clone()], (0, unit.line));
        let is_refused = items.iter().flat_map(|item| &item.faults).any(schemas::Fault::is_error);
        for item in &items {
            assert_eq!(item.accepted, !is_refused);
            assert!(item.report.is_some() || is_refused);
            assert!(item.faults.iter().all(|fault| fault.item == Some(item.index) && fault.line.is_some()));
        }
    }
}

fn samples() -> Vec<Vec<u8>> {
    let names = ["sample_1", "hci", "valid_mars"];
    files().into_iter().filter(|(name, _)| names.contains(&name.as_str())).map(|(_, body)| body).collect()
}

#[test]
fn every_truncation_is_read_or_refused() {
    for body in samples() {
        for end in 0..body.len() {
            read(&body[..end]);
        }
    }
}

#[test]
fn a_message_cut_within_its_result_is_refused() {
    let whole = message(&[HEADER, PID, OBR, OBX]);
    let status = whole.len() - 2;
    for end in HEADER.len()..status {
        let items = Setting::default().decode(&whole.as_bytes()[..end]);
        assert!(items.iter().all(|item| !item.accepted), "{}", &whole[..end]);
    }
}

#[test]
fn every_byte_of_a_message_may_be_any_separator_or_missing() {
    let whole = message(&[HEADER, PID, OBR, OBX]).into_bytes();
    for at in 0..whole.len() {
        for byte in *b"|^~\\&\r\n\0\xff\x0b\x1cA" {
            let mut mutated = whole.clone();
            mutated[at] = byte;
            read(&mutated);
        }
        let mut dropped = whole.clone();
        dropped.remove(at);
        read(&dropped);
        let mut doubled = whole.clone();
        doubled.insert(at, whole[at]);
        read(&doubled);
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        read(&bytes);
        read(&[b"MSH".as_slice(), &bytes].concat());
        read(&[HEADER.as_bytes(), b"\r", &bytes].concat());
    }

    #[test]
    fn any_fields_are_read_or_refused(
        segments in proptest::collection::vec(
            (prop::sample::select(vec!["PID", "ORC", "OBR", "OBX", "NTE", "SPM", "ZZZ", "BHS", "BTS"]), "[|^~\\\\&#a-zA-Z0-9\"è. ]{0,60}"),
            0..12,
        ),
    ) {
        let body: String = segments.iter().map(|(name, fields)| format!("{name}|{fields}\r")).collect();
        read(format!("{HEADER}\r{body}").as_bytes());
    }

    #[test]
    fn a_mutated_file_is_read_or_refused(file in 0..3_usize, at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut body = samples()[file].clone();
        let at = at.index(body.len());
        body[at] = byte;
        read(&body);
    }
}

/// Work grows with the bytes, not with their square: seconds where it did not.
#[test]
fn long_segments_and_many_segments_are_read() {
    let long = "x\\T\\".repeat(5 << 18);
    let note = format!("NTE|1||{long}");
    let mut segments = vec![HEADER, PID, OBR, OBX, &note];
    let items = Setting::default().decode(message(&segments).as_bytes());
    assert_eq!(items[0].report.as_ref().unwrap()["observations"][0]["note"].as_str().unwrap().len(), 2 * (5 << 18));
    segments.truncate(3);
    segments.extend(std::iter::repeat_n(OBX, 100_000));
    segments.extend(std::iter::repeat_n("NTE|1||x", 100_000));
    let items = Setting::default().decode(message(&segments).as_bytes());
    assert!(items[0].accepted);
    assert_eq!(items[0].report.as_ref().unwrap()["observations"].as_array().unwrap().len(), 100_000);
    let delimiters = format!("OBX|{}", "|^~&".repeat(1 << 20));
    assert!(!Setting::default().decode(message(&[HEADER, PID, OBR, &delimiters]).as_bytes())[0].accepted);
    let many = hl7::split_messages("MSH|\r".repeat(100_000).as_bytes(), 1);
    assert_eq!(many.len(), 100_000);
}

#[test]
fn more_segments_than_memory_would_bear_are_refused() {
    let body = format!("{HEADER}\r{}", "OBX|\r".repeat(600_000));
    let items = Setting::default().decode(body.as_bytes());
    assert_eq!(items.len(), 1);
    assert_eq!(items[0].faults.iter().map(super::shown).collect::<Vec<_>>(), ["error segments-too-many - line 500001"]);
}
