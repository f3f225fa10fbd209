//! Where reports stand in an upload, and what is said of a body that has none.

use schemas::{
    Fault,
    format::{Format, Limits, Split, SplitError, split},
    json::{split_document, split_elements, split_lines},
};

use super::{FULL, LIMITS, starts};

const LIST: &str = include_str!("../../data/json/reports.json");
const LINES: &str = include_str!("../../data/json/reports.ndjson");

fn texts<'b>(body: &'b str, split: &Split) -> Vec<&'b str> {
    split.units.iter().map(|unit| &body[unit.bytes.clone()]).collect()
}

fn refused(body: &[u8]) -> Fault {
    match split(Format::Json, body, &LIMITS) {
        Err(SplitError::Undecodable(mut faults)) if faults.len() == 1 => faults.remove(0),
        other => panic!("{other:?}"),
    }
}

#[test]
fn one_report_is_one_unit_without_what_surrounds_it() {
    for (before, line) in [("", 1), ("\u{feff}", 1), ("\r\n \t\n", 3)] {
        let body = format!("{before}{FULL}\n\n");
        let split = split_document(body.as_bytes(), &LIMITS).unwrap();
        assert_eq!(texts(&body, &split), [FULL.trim()]);
        assert_eq!(split.units[0].line, line);
    }
}

#[test]
fn a_list_has_a_unit_for_each_element_on_its_own_line() {
    let split = split_document(LIST.as_bytes(), &LIMITS).unwrap();
    let elements = texts(LIST, &split);
    assert_eq!(elements[0], r#"{"reportNumber": "A-1"}"#);
    assert!(elements[1].starts_with('{') && elements[1].ends_with('}'));
    assert_eq!(elements[2..], ["7", "[1, [2]]", "\"text\"", "null"]);
    assert_eq!(split.units.iter().map(|unit| unit.line).collect::<Vec<_>>(), [4, 5, 9, 9, 10, 10]);
    let escaped = r#"{"report\u0073":[{}]}"#;
    assert_eq!(texts(escaped, &split_document(escaped.as_bytes(), &LIMITS).unwrap()), ["{}"]);
}

#[test]
fn lines_are_counted_as_an_editor_does() {
    let split = split_lines(LINES.as_bytes(), 10);
    let units: Vec<_> = texts(LINES, &split).into_iter().zip(split.units.iter().map(|unit| unit.line)).collect();
    assert_eq!(
        units,
        [(r#"{"reportNumber":"A-1"}"#, 10), (r#"{"reportNumber":"A-2"}"#, 13), (r#"{"reportNumber":"A-3"}"#, 14)]
    );
    assert!(split_lines(b"\n\r\n \n\xEF\xBB\xBF", 1).units.is_empty());
    assert_eq!(starts(&split_lines(b"\xFF\n1", u32::MAX).units), [(0, u32::MAX), (2, u32::MAX)]);
}

#[test]
fn a_body_that_is_no_document_of_ours_says_how_to_mend_it() {
    let deep = format!("{{\"reports\":[{}{}]}}", "[".repeat(10_000), "]".repeat(10_000));
    let truncated = &FULL.as_bytes()[..700];
    let cases: [(&[u8], &str, u32, &str); 24] = [
        (truncated, "json-invalid", 12, "cut off"),
        (b"{\"reports\":[{}", "json-invalid", 1, "line 1, character 15: it was cut off"),
        (b"{\"reports\":[{},]}", "json-invalid", 1, "character 16: expected a value"),
        (b"{\"reports\":[{}\n{}]}", "json-invalid", 2, "character 1: expected a comma"),
        (b"{\"reports\":[{\"a\":01}]}", "json-invalid", 1, "character 19"),
        (b"{}\n{}", "json-invalid", 2, "the end of the document"),
        (b"{\"a\":\"x\0\"}", "json-invalid", 1, "control character"),
        (b"{\"a\":\"\\udead\"}", "json-invalid", 1, "surrogate"),
        (b"\0", "json-invalid", 1, "a value"),
        (b"{\0}\0", "json-invalid", 1, "character 2"),
        (b"<xml/>", "json-invalid", 1, "a value"),
        (deep.as_bytes(), "json-too-deep", 1, "more than 64 levels deep at line 1, character 75"),
        (
            b"{\n\"city\":\"Forl\xEC\"}",
            "body-not-utf8",
            2,
            "line 2, character 13 is not UTF-8; it looks like ISO-8859-1",
        ),
        (b"\xFF\xFE{\0}\0", "body-not-utf8", 1, "UTF-16"),
        (b"[{}]", "document-not-object", 1, "{\"reports\":[…]}"),
        (b"\n\"x\"", "document-not-object", 2, "send a JSON object"),
        (b"{\"reports\":[]}", "reports-empty", 1, "at least one"),
        (b"{\"reports\":[{}],\"reports\":[{}]}", "reports-duplicated", 1, "twice"),
        (b"{\"reports\":[{}],\"reports\":7}", "reports-duplicated", 1, "twice"),
        (b"{\"reports\":{}}", "reports-not-list", 1, "list"),
        (b"{\"reports\":[{}],\"reportNumber\":\"A\"}", "reports-ambiguous", 1, "both"),
        (b"{\"resourceType\":\"Bundle\"}", "content-type-fhir", 1, "application/fhir+json"),
        (b"", "body-empty", 0, "at least one"),
        (b"\xEF\xBB\xBF \r\n", "body-empty", 0, "at least one"),
    ];
    for (body, code, line, words) in cases {
        let fault = refused(body);
        assert_eq!((fault.code.as_ref(), fault.line.unwrap_or(0)), (code, line), "{fault:?}");
        assert!(fault.detail.contains(words), "{fault:?}");
        assert!(fault.is_error() && fault.item.is_none());
    }
}

#[test]
fn limits_are_named_with_their_line() {
    let limits = Limits { items: 3, unit_bytes: 20, ..LIMITS };
    let too_many = SplitError::TooLarge { limit: "items an upload", max: 3, line: Some(4) };
    let too_long = SplitError::TooLarge { limit: "bytes a report or message", max: 20, line: Some(2) };
    let long = "{\"note\":\"01234567890123456789\"}";
    let cases = [
        (Format::Json, "{\"reports\":[{},\n{},\n{},\n{},{},{}]}".to_owned(), &too_many),
        (Format::Ndjson, "{}\n{}\n{}\n{}\n{}".to_owned(), &too_many),
        (Format::Json, format!("{{\"reports\":[{{}},\n{long}]}}"), &too_long),
        (Format::Ndjson, format!("{{}}\n{long}"), &too_long),
    ];
    for (format, body, expected) in cases {
        assert_eq!(split(format, body.as_bytes(), &limits).as_ref(), Err(expected), "{body}");
    }
    // No more is kept than shows that there are too many; and a document that is no JSON is that first.
    let many = format!("{{\"reports\":[{}0]}}", "0,".repeat(1_000));
    assert_eq!(split_document(many.as_bytes(), &limits).unwrap().units.len(), 4);
    let cut = &many[..1_000];
    assert!(matches!(split(Format::Json, cut.as_bytes(), &limits), Err(SplitError::Undecodable(_))));
}

#[test]
fn a_piece_that_is_no_json_is_one_last_unit() {
    assert_eq!(starts(&split_elements(b"{} , \n[1],\n{\"a\" {}, {}", 5)), [(0, 5), (6, 6), (11, 7)]);
    assert!(split_elements(b" ,, \n", 1).is_empty());
}
