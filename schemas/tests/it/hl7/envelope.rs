//! Files of messages: envelopes with their totals, and what transports leave behind.

use schemas::{
    format::{Format, Limits, SplitError, split},
    hl7,
};

use super::{HEADER, OBR, OBX, PID, message, shown};

fn lines_of(body: &[u8]) -> Vec<u32> {
    hl7::split_messages(body, 1).iter().map(|unit| unit.line).collect()
}

fn undecodable(body: &[u8]) -> Vec<String> {
    match split(Format::Hl7, body, &Limits::default()) {
        Err(SplitError::Undecodable(faults)) => faults.iter().map(shown).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn messages_are_found_whatever_ends_their_lines() {
    for end in ["\r", "\n", "\r\n"] {
        let one = [HEADER, PID, OBR, OBX].join(end);
        let body = format!("{one}{end}{end}{one}{end}");
        let split = split(Format::Hl7, body.as_bytes(), &Limits::default()).unwrap();
        assert_eq!(split.units.iter().map(|unit| unit.line).collect::<Vec<_>>(), [1, 6], "{end:?}");
        assert!(body.as_bytes()[split.units[1].bytes.clone()].starts_with(b"MSH"));
        assert_eq!(split.control_id, None);
    }
}

#[test]
fn what_mllp_and_editors_leave_is_tolerated() {
    let one = message(&[HEADER, PID, OBR, OBX]);
    for body in [
        format!("\u{feff}{one}"),
        format!("\u{b}{one}\u{1c}\r"),
        format!("\u{b}{one}\u{1c}\r\u{b}{one}\u{1c}\r"),
        format!("\r\n\r\n{one}"),
    ] {
        let units = hl7::split_messages(body.as_bytes(), 1);
        assert!(!units.is_empty());
        for unit in units {
            let items = super::Setting::default().decode(&body.as_bytes()[unit.bytes]);
            assert!(items.iter().all(|item| item.accepted), "{body:?}");
        }
    }
}

#[test]
fn totals_are_checked() {
    let table: [(&str, &[&str]); 15] = [
        ("FHS BHS MSH MSH BTS|2 FTS|1", &[]),
        ("FHS BHS MSH BTS|1 BHS MSH BTS|1 FTS|2", &[]),
        ("BHS MSH BTS", &[]),
        ("MSH BTS|1", &[]),
        ("MSH MSH FTS|1", &[]),
        ("BHS MSH BTS|2", &["error batch-total-mismatch BTS^1^1 line 3"]),
        ("BHS MSH BTS|1 BHS MSH BTS|0", &["error batch-total-mismatch BTS^2^1 line 6"]),
        ("BHS MSH BTS|one", &["error batch-total-mismatch BTS^1^1 line 3"]),
        ("FHS BHS MSH BTS|1 FTS|2", &["error file-total-mismatch FTS^1^1 line 5"]),
        ("BHS MSH MSH", &["error batch-trailer-missing BHS^1 line 1"]),
        ("FHS BHS MSH BTS|1", &["error batch-trailer-missing FHS^1 line 1"]),
        ("FHS BHS MSH", &["error batch-trailer-missing BHS^1 line 2", "error batch-trailer-missing FHS^1 line 1"]),
        ("BHS MSH BHS MSH BTS|1", &["error batch-trailer-missing BHS^1 line 1"]),
        ("BHS MSH BTS|1 PID", &["error segment-outside-message - line 4"]),
        ("PID MSH", &["error segment-outside-message - line 1"]),
    ];
    for (segments, faults) in table {
        let body: String =
            segments.split(' ').map(|segment| format!("{segment}|\r").replace("BTS|\r", "BTS\r")).collect();
        let split = split(Format::Hl7, body.as_bytes(), &Limits::default()).unwrap();
        assert_eq!(split.envelope.iter().map(shown).collect::<Vec<_>>(), faults, "{segments}");
    }
}

#[test]
fn the_sender_s_name_for_the_upload_is_the_batch_s_the_file_s_or_the_message_s() {
    let named = |body: String| split(Format::Hl7, body.as_bytes(), &Limits::default()).unwrap().control_id;
    let one = message(&[HEADER, PID, OBR, OBX]);
    let (file, batch) = ("FHS|^~\\&|||||||||FILE\r", "BHS|^~\\&|||||||||BATCH\r");
    assert_eq!(named(one.clone()).as_deref(), Some("M1"));
    assert_eq!(named(format!("{file}{one}FTS\r")).as_deref(), Some("FILE"));
    assert_eq!(named(format!("{file}{batch}{one}BTS\rFTS\r")).as_deref(), Some("BATCH"));
    assert_eq!(named(format!("{one}{one}")), None);
}

#[test]
fn what_has_no_message_is_undecodable() {
    assert_eq!(undecodable(b"<html>\rMSH|^~\\&|"), ["error hl7-no-message - line 1"]);
    assert_eq!(undecodable(b"BHS|^~\\&\rBTS|0"), ["error hl7-no-message - line -"]);
    assert_eq!(undecodable(b"M\0S\0H\0|\0"), ["error hl7-no-message - line 1"]);
    assert_eq!(undecodable(b"\r\n\r\n"), ["error body-empty - line -"]);
    assert_eq!(undecodable(b""), ["error body-empty - line -"]);
}

#[test]
fn a_piece_of_a_file_has_the_messages_that_were_found_there() {
    let one = message(&[HEADER, PID, OBR, OBX]);
    let body = format!("FHS|\r\u{b}{one}\u{1c}\rBTS|1\rBHS|\r{one}{one}BTS|2\rFTS|2\r");
    let units = hl7::split_messages(body.as_bytes(), 1);
    assert_eq!(lines_of(body.as_bytes()), [2, 9, 13]);
    for first in 0..units.len() {
        for last in first..units.len() {
            let start = units[first].bytes.start;
            let piece = &body.as_bytes()[start..units[last].bytes.end];
            let again = hl7::split_messages(piece, units[first].line);
            let moved: Vec<_> =
                again.iter().map(|unit| (unit.bytes.start + start, unit.bytes.end + start, unit.line)).collect();
            let there: Vec<_> =
                units[first..=last].iter().map(|unit| (unit.bytes.start, unit.bytes.end, unit.line)).collect();
            assert_eq!(moved, there);
        }
    }
}
