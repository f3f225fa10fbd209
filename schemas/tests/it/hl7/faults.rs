//! Bad messages: a clear answer with segment, field and line, all faults at once, the whole message refused.

use schemas::format::Charset;

use super::{HEADER, OBR, OBX, PID, Setting, faults, message, shown};

#[test]
fn headers_that_cannot_be_read() {
    let table = [
        ("MSH", "error separators-missing MSH^1^1 line 1"),
        ("MSH|^", "error separators-missing MSH^1^1 line 1"),
        ("MSH|^^\\&|LIS", "error separators-invalid MSH^1^1 line 1"),
        (&HEADER.replace("ORU^R01^ORU_R01", "ADT^A01"), "error message-type-unsupported MSH^1^9 line 1"),
        (&HEADER.replace("ORU^R01^ORU_R01", "ORU^R03"), "error message-type-unsupported MSH^1^9 line 1"),
        (&HEADER.replace("ORU^R01^ORU_R01", ""), "error message-type-unsupported MSH^1^9 line 1"),
    ];
    for (header, fault) in table {
        let items = Setting::default().decode(message(&[header, PID, OBR, OBX]).as_bytes());
        assert_eq!(items.len(), 1, "{header}");
        assert!(items[0].report.is_none());
        assert_eq!(items[0].faults.iter().map(shown).collect::<Vec<_>>(), [fault], "{header}");
    }
}

#[test]
fn headers_that_say_too_little_or_too_much() {
    let table: [(&str, &str, &[&str]); 12] = [
        ("|ORU^R01^ORU_R01|", "|ORU^R01|", &[]),
        ("|ORU^R01^ORU_R01|", "|ORU|", &[]),
        ("|ORU^R01^ORU_R01|", "|ORU_R01|", &[]),
        ("|M1|", "||", &["error control-id-missing MSH^1^10 line 1"]),
        ("|P|", "|X|", &["error processing-id-invalid MSH^1^11 line 1"]),
        ("|P|", "||", &["error processing-id-missing MSH^1^11 line 1"]),
        ("|2.5.1", "|2.3", &[]),
        ("|2.5.1", "|2.8.2^ITA", &[]),
        ("|2.5.1", "|2.2", &["error version-unsupported MSH^1^12 line 1"]),
        ("|2.5.1", "|2.9", &["error version-unsupported MSH^1^12 line 1"]),
        ("|2.5.1", "|3", &["error version-unsupported MSH^1^12 line 1"]),
        ("|2.5.1", "", &["warning version-missing MSH^1^12 line 1"]),
    ];
    for (from, to, found) in table {
        assert_eq!(faults(&message(&[&HEADER.replace(from, to), PID, OBR, OBX])), found, "{from} {to}");
    }
}

#[test]
fn the_facility_is_compared_where_any_is_listed() {
    let body = message(&[HEADER, PID, OBR, OBX]);
    let found = |facilities: &[&str]| {
        let facilities = facilities.iter().map(|&name| name.to_owned()).collect();
        let items = Setting { facilities, ..Setting::default() }.decode(body.as_bytes());
        items[0].faults.iter().map(shown).collect::<Vec<_>>()
    };
    assert!(found(&[]).is_empty() && found(&["other", "LAB"]).is_empty() && found(&["1.2.3"]).is_empty());
    assert_eq!(found(&["LA", "ISO"]), ["error facility-not-listed MSH^1^4 line 1"]);
}

#[test]
fn structures_that_are_not_whole() {
    let second = OBR.replace("|F1|", "|F2|");
    let table: [(&[&str], &[&str]); 10] = [
        (&[HEADER], &["error patient-missing PID^1 line 1", "error order-missing OBR^1 line 1"]),
        (&[HEADER, OBR, OBX], &["error patient-missing PID^1 line 1"]),
        (&[HEADER, PID], &["error order-missing PID^1 line 2"]),
        (&[HEADER, PID, OBR], &["error result-missing OBR^1 line 3"]),
        (&[HEADER, PID, OBX, OBR, OBX], &["error segment-unexpected OBX^1 line 3"]),
        (&[HEADER, PID, OBR, OBX, "ORC|RE"], &["error order-incomplete ORC^1 line 5"]),
        (&[HEADER, PID, OBR, OBX, &second], &["error result-missing OBR^2 line 5"]),
        (&[HEADER, PID, OBR, OBX, "and so on"], &["error segment-unreadable - line 5"]),
        (&[HEADER, PID, OBR, OBX, "DSC|1|F"], &["error continuation-unsupported - line 5"]),
        (&[HEADER, PID, OBR, OBX, "XXX|1", "ZZ1|1"], &["warning segment-unknown - line 5"]),
    ];
    for (segments, found) in table {
        assert_eq!(faults(&message(segments)), found, "{segments:?}");
    }
}

#[test]
fn all_faults_at_once_and_the_whole_message_refused() {
    let second = OBR.replace("|F1|", "|F2|").replace("|||F", "|||Q");
    let body = message(&[
        &HEADER.replace("|M1|", "||"),
        &PID.replace("19851210", "19859910").replace("39^333^1234567", "^12^3"),
        OBR,
        OBX,
        &second,
        &OBX.replace("||||||F", "||||||Z"),
        "OBX|2|NM|^Viral load||5",
    ]);
    let items = Setting::default().decode(body.replace('\r', "\r\n").as_bytes());
    assert!(items.iter().all(|item| !item.accepted && item.report.is_some()));
    let found: Vec<Vec<_>> = items.iter().map(|item| item.faults.iter().map(shown).collect()).collect();
    assert_eq!(
        found,
        [
            vec![
                "error control-id-missing MSH^1^10 line 1",
                "warning birth-date-invalid PID^1^7 line 2",
                "warning phone-invalid PID^1^13 line 2",
            ],
            vec![
                "error status-invalid OBX^2^11 line 6",
                "warning observation-status-missing OBX^3^11 line 7",
                "error observation-code-missing OBX^3^3 line 7",
                "error status-invalid OBR^2^25 line 5",
                "warning phone-invalid PID^1^13 line 2",
            ],
        ]
    );
}

#[test]
fn faults_name_their_item_and_the_line_of_the_upload() {
    let body = message(&[HEADER, PID, OBR, OBX, &OBR.replace("|F1|", "||").replace("|P1|", "||"), OBX]);
    let items = Setting::default().decode_at(body.as_bytes(), (7, 41));
    assert_eq!(items.iter().map(|item| (item.index, item.line)).collect::<Vec<_>>(), [(7, 43), (8, 45)]);
    assert!(items[0].faults.is_empty() && !items[0].accepted);
    assert_eq!(items[1].faults[0].item, Some(8));
    assert_eq!(shown(&items[1].faults[0]), "error report-number-missing OBR^2^3 line 45");
}

#[test]
fn a_last_segment_that_was_cut_is_known() {
    let whole = message(&[HEADER, PID, OBR, OBX]);
    let found = |body: &str| faults(body);
    assert!(found(whole.trim_end()).is_empty());
    assert_eq!(
        found(whole.trim_end().strip_suffix("||F").unwrap()),
        ["error message-truncated OBX^1^11 line 4", "warning observation-status-missing OBX^1^11 line 4",]
    );
    assert_eq!(found(&format!("{whole}SPM|1|^S12")), ["error message-truncated SPM^1^4 line 5"]);
    assert!(found(&format!("{whole}SPM|1|^S12\r")).is_empty());
}

#[test]
fn segments_cut_after_their_name_or_full_of_delimiters() {
    let delimiters = |name: &str| format!("{name}{}", "|^~^^~^".repeat(12));
    let (pid, obr, obx, spm) = (delimiters("PID"), delimiters("OBR"), delimiters("OBX"), delimiters("SPM"));
    let nameless = ["error patient-missing PID^1 line 2"];
    let unnumbered = ["error report-number-missing OBR^1^3 line 3", "error test-code-missing OBR^1^4 line 3"];
    let uncoded = [
        "warning observation-status-missing OBX^1^11 line 4",
        "error observation-code-missing OBX^1^3 line 4",
        "error result-missing OBR^1 line 3",
    ];
    let table: [(&[&str], &[&str]); 8] = [
        (&[HEADER, "PID", OBR, OBX], &nameless),
        (&[HEADER, "PID|1", OBR, OBX], &nameless),
        (&[HEADER, PID, "OBR", OBX], &unnumbered),
        (&[HEADER, PID, OBR, "OBX"], &uncoded),
        (&[HEADER, PID, OBR, OBX, "SPM", "NTE", "PV1"], &[]),
        (&[HEADER, PID, "ORC", OBR, OBX, &spm], &[]),
        (&[HEADER, PID, &obr, OBX], &unnumbered),
        (&[HEADER, PID, OBR, &obx], &uncoded),
    ];
    for (segments, found) in table {
        assert_eq!(faults(&message(segments)), found, "{segments:?}");
    }
    assert_eq!(faults(&message(&[HEADER, &pid, OBR, OBX])), nameless);
}

/// A separator too many or too few moves every field after it.
#[test]
fn fields_that_slipped_are_seen() {
    let missing = "warning observation-status-missing OBX^1^11 line 4";
    let shifted = "error observation-status-shifted OBX^1^11 line 4";
    let table: [(&str, &str, &[&str]); 8] = [
        ("||||||F", "|||||||F", &[shifted]),
        ("||||||F", "|||||||P|||20201020", &[shifted]),
        ("||||||F", "|||||F", &[shifted]),
        ("||||||F", "||||||", &[missing]),
        ("||||||F", "|||||N||20201020", &[missing]),
        ("|CWE|", "|EE|", &["warning value-type-unknown OBX^1^2 line 4"]),
        ("||Rossi", "|||Rossi", &["warning sex-unknown PID^1^8 line 2"]),
        ("|||F", "|||", &[]),
    ];
    let whole = message(&[HEADER, &PID[..PID.find("|||||^PRN").unwrap()], OBR, OBX]);
    for (from, to, found) in table {
        assert!(whole.contains(from), "{from}");
        assert_eq!(faults(&whole.replacen(from, to, 1)), found, "{from} {to}");
    }
    let unnamed = PID.replace("RSSMRA85T10A562S^^^MEF&2.16.840.1.113883.2.9.4.3.2&ISO^NNITA||Rossi^Mario", "X1||");
    let found = faults(&message(&[HEADER, &unnamed, OBR, OBX]));
    assert_eq!(found, ["warning patient-name-missing PID^1^5 line 2", "warning fiscal-code-missing PID^1^3 line 2"]);
}

#[test]
fn charsets_that_are_not_what_they_say() {
    let body = |label: &str| {
        let header = format!("{HEADER}||||||{label}");
        let mut bytes = message(&[&header, PID, OBR, OBX]).into_bytes();
        let at = bytes.windows(5).position(|window| window == b"Rossi").unwrap();
        bytes[at + 4] = 0xec;
        bytes
    };
    let read = |label: &str, charset| {
        let items = Setting { charset, ..Setting::default() }.decode(&body(label));
        let family = items[0].report.as_ref().unwrap()["patient"]["family"].as_str().unwrap().to_owned();
        (family, items[0].faults.iter().map(shown).filter(|fault| fault.contains("charset")).collect::<Vec<_>>())
    };
    assert_eq!(read("8859/1", None), ("Rossì".into(), vec![]));
    assert_eq!(read("", None), ("Rossì".into(), vec!["warning charset-assumed MSH^1^18 line 2".into()]));
    assert_eq!(read("UNICODE UTF-8", None).1, ["error charset-mismatch MSH^1^18 line 2"]);
    assert_eq!(read("UNICODE UTF-8", Some(Charset::Latin1)), ("Rossì".into(), vec![]));
}

/// What a person's field contains is repeated by no fault.
#[test]
fn faults_repeat_no_field() {
    let body = message(&[
        HEADER,
        &PID.replace("19851210", "SECRET").replace("333^1234567", "SECRET").replace("RSSMRA85T10A562S", "SECRET"),
        &OBR.replace("|||F", "|||SECRET").replace("20201020110400", "SECRET"),
        &OBX.replace("||||||F", "||||||SECRET"),
    ]);
    let items = Setting::default().decode(body.as_bytes());
    assert!(items[0].faults.len() >= 5);
    assert!(items.iter().flat_map(|item| &item.faults).all(|fault| !format!("{fault:?}").contains("SECRET")));
}
