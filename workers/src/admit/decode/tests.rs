use bytes::Bytes;
use jiff::civil::date;
use schemas::{SubmissionId, format::Charset, report::TestResult, version::Reason};

use super::*;

const CLEAN: &str = r#"{"reportNumber":"N-1","issuedAt":"2020-10-20T11:04:00+02:00","test":{"code":"94500-6"},"result":"negative","specimen":{"collectedAt":"2020-10-19T08:30:00+02:00"},"patient":{"fiscalCode":"RSSMRA85T10A562S","family":"Rossi","given":"Mario","birthDate":"1985-12-10","phone":"+39 333 1234567"}}"#;

fn header(format: Format, items: u32) -> ChunkHeader {
    ChunkHeader {
        submission: SubmissionId(uuid::Uuid::from_u128(1)),
        chunk: 0,
        chunks: 1,
        first_item: 0,
        first_line: 1,
        lab: "to".parse().unwrap(),
        format,
        charset: Some(Charset::Utf8),
        received_at: "2020-10-20T22:30:00Z".parse().unwrap(),
        zone: "Europe/Rome".to_owned(),
        sandbox: false,
        received: items,
        accepted: items,
        refused: Vec::new(),
        rejected: false,
        control_id: Some("C-1".to_owned()),
        file_name: None,
        idempotency_key: None,
        traceparent: Some("00-trace".to_owned()),
    }
}

fn stored(header: Option<&ChunkHeader>, value: impl Into<Bytes>) -> Stored {
    let headers = header.map(|header| (HEADER.to_owned(), serde_json::to_vec(header).unwrap().into()));
    Stored {
        position: Position { partition: 0, offset: 5 },
        key: Bytes::from_static(b"to"),
        headers: headers.into_iter().collect(),
        value: value.into(),
        timestamp: "2020-10-20T22:30:00Z".parse().unwrap(),
    }
}

fn decoding() -> Decoding {
    taking(usize::MAX)
}

/// The same for a store that takes contents of so many bytes.
fn taking(content_bytes: usize) -> Decoding {
    Decoding::new(Policy::default(), Keys::new(&[7; 32]), Limits::default(), content_bytes)
}

fn decode(header: &ChunkHeader, value: String) -> Decoded {
    decoding().batch(vec![stored(Some(header), value)])
}

/// Index and verdict (`refused`, `dead`, or the report's number) of each item.
fn verdicts(decoded: &Decoded) -> Vec<(u32, &str)> {
    let items = decoded.records.iter().flat_map(|record| &record.items);
    items
        .map(|item| match &item.verdict {
            Verdict::Refused => (item.index, "refused"),
            Verdict::DeadLetter => (item.index, "dead"),
            Verdict::Accepted(new) => (item.index, new.identity.number.as_str()),
        })
        .collect()
}

fn letter<'a>(decoded: &'a Decoded, name: &str) -> Option<&'a str> {
    let (_, value) = decoded.dead.first()?.headers.iter().find(|(have, _)| *have == name)?;
    std::str::from_utf8(value).ok()
}

#[test]
fn a_record_becomes_its_submission_and_its_versions() {
    let decoded = decode(&header(Format::Ndjson, 1), format!("{CLEAN}\n"));
    assert_eq!(decoded.next(), Some(Position { partition: 0, offset: 6 }));
    assert_eq!(decoded.traces, [(Position { partition: 0, offset: 5 }, "00-trace".to_owned())]);
    assert!(decoded.dead.is_empty());
    let [AdmitRecord { submission, items, .. }] = &decoded.records[..] else { panic!("one record") };
    assert_eq!((submission.day, submission.format.as_str()), (date(2020, 10, 21), "ndjson"), "the day in Rome");
    assert_eq!((submission.received, submission.control_id.as_deref()), (1, Some("C-1")));
    let [AdmitItem { index: 0, line: 1, faults, verdict: Verdict::Accepted(new) }] = &items[..] else {
        panic!("one accepted item: {items:?}")
    };
    assert!(faults.is_empty(), "{faults:?}");
    assert_eq!((new.identity.number.as_str(), new.identity.test.as_str()), ("N-1", "94500-6"));
    assert_eq!((new.version.result, new.version.reasons.is_empty()), (Some(TestResult::Negative), true));
    assert!(new.version.person.by_code.is_some() && new.version.listed && !new.version.rehearsal);
    assert!(new.content.starts_with(r#"{"reportNumber":"N-1","status":"final""#) && !new.content.contains("issuedAt"));
}

#[test]
fn a_record_read_again_gives_the_same() {
    let mut decoding = decoding();
    let value = format!("{CLEAN}\n{{}}\n{}\n", CLEAN.replace("N-1", "N-2"));
    let source = stored(Some(&header(Format::Ndjson, 3)), value);
    let mut read = || {
        let decoded = decoding.batch(vec![source.clone()]);
        (format!("{:?}", decoded.records), decoded.dead)
    };
    assert_eq!(read(), read());
}

#[test]
fn a_sandboxs_report_is_a_rehearsal_and_an_unknown_person_is_to_be_identified() {
    let header = ChunkHeader { sandbox: true, ..header(Format::Ndjson, 1) };
    let decoded = decode(&header, CLEAN.replace(r#""fiscalCode":"RSSMRA85T10A562S","#, ""));
    let Verdict::Accepted(new) = &decoded.records[0].items[0].verdict else { panic!("accepted") };
    assert!(new.version.rehearsal);
    assert_eq!(new.version.reasons.iter().collect::<Vec<_>>(), [Reason::ToIdentify]);
}

#[test]
fn a_report_counts_with_its_phone_however_it_is_written_unless_it_is_a_rehearsal() {
    let phone = |sandbox: bool, written: &str| {
        let line = CLEAN.replace("+39 333 1234567", written);
        let decoded = decode(&ChunkHeader { sandbox, ..header(Format::Ndjson, 1) }, format!("{line}\n"));
        match &decoded.records[0].items[0].verdict {
            Verdict::Accepted(new) => new.phone,
            other => panic!("not accepted: {other:?}"),
        }
    };
    let known = phone(false, "+39 333 1234567");
    assert!(known.is_some());
    assert_eq!(phone(false, "333.123.4567"), known);
    assert_ne!(phone(false, "333 1234568"), known);
    assert_eq!([phone(false, "none"), phone(true, "333 1234567")], [None, None]);
}

#[test]
fn the_doors_verdict_stands_and_what_it_accepted_and_is_not_is_a_dead_letter() {
    let lines = [CLEAN, "{}", CLEAN, "{}", CLEAN].join("\n");
    let header = ChunkHeader { refused: vec![(1, 3)], first_item: 0, ..header(Format::Ndjson, 5) };
    let decoded = decode(&header, lines);
    assert_eq!(verdicts(&decoded), [(0, "N-1"), (1, "refused"), (2, "refused"), (3, "dead"), (4, "N-1")]);
    let faults = |index: usize| &decoded.records[0].items[index].faults;
    assert!(faults(1).iter().any(|fault| fault.code == "report-number-missing"), "its own fault: {:?}", faults(1));
    assert_eq!(faults(2).iter().map(|fault| &*fault.code).collect::<Vec<_>>(), ["refused-at-door"]);
    assert_eq!((faults(2)[0].item, faults(2)[0].line), (Some(2), Some(3)));

    assert_eq!(decoded.dead.len(), 1);
    assert_eq!((&*decoded.dead[0].key, &*decoded.dead[0].value), (&b"to"[..], &b"{}"[..]));
    assert_eq!((letter(&decoded, "cause"), letter(&decoded, "position")), (Some("not-decodable"), Some("0.5")));
    assert_eq!((letter(&decoded, "item"), letter(&decoded, "items")), (Some("3"), Some("1")));
    assert!(letter(&decoded, "faults").unwrap().contains("3:report-number-missing"));
    assert!(letter(&decoded, HEADER).is_some());
}

#[test]
fn a_later_chunk_counts_on() {
    let header = ChunkHeader { chunk: 1, chunks: 2, first_item: 70, first_line: 91, ..header(Format::Ndjson, 72) };
    let decoded = decode(&header, format!("{CLEAN}\n\n{CLEAN}"));
    let at: Vec<_> = decoded.records[0].items.iter().map(|item| (item.index, item.line)).collect();
    assert_eq!(at, [(70, 91), (71, 93)]);
}

#[test]
fn a_record_without_a_readable_header_is_a_dead_letter_whole() {
    let mut unreadable = stored(None, "anything");
    let good = stored(Some(&header(Format::Ndjson, 1)), CLEAN);
    for headers in [vec![], vec![(HEADER.to_owned(), Bytes::from_static(b"{"))]] {
        unreadable.headers = headers;
        let decoded = decoding().batch(vec![unreadable.clone(), good.clone()]);
        assert_eq!(verdicts(&decoded), [(0, "N-1")], "the next record is not stopped");
        assert_eq!(letter(&decoded, "cause"), Some("header-unreadable"));
        assert_eq!((&*decoded.dead[0].value, decoded.dead.len()), (&b"anything"[..], 1));
    }
}

#[test]
fn a_panic_makes_one_dead_letter_of_its_unit_and_stops_no_other() {
    fn read_or_panic(
        decoder: &mut Decoder,
        format: Format,
        unit: &[u8],
        at: (u32, u32),
        context: &Context<'_>,
        sink: &mut dyn FnMut(Item<'_>),
    ) -> u32 {
        let count = decoder.decode(format, unit, at, context, sink);
        assert!(!unit.starts_with(b"{\"panic\""), "on purpose");
        count
    }
    let mut decoding = decoding();
    decoding.read_unit = read_or_panic;
    let lines = [CLEAN, r#"{"panic":1}"#, CLEAN].join("\n");
    for (refused, expected, letters) in [(vec![], "dead", 1), (vec![(1, 3)], "refused", 0)] {
        let header = ChunkHeader { refused, ..header(Format::Ndjson, 4) };
        let decoded = decoding.batch(vec![stored(Some(&header), lines.clone())]);
        // The unit gave an item before it panicked: that one is withdrawn, and one more is taken to have been there.
        assert_eq!(verdicts(&decoded), [(0, "N-1"), (1, expected), (2, expected), (3, "N-1")]);
        assert_eq!(decoded.dead.len(), letters);
        assert!(letters == 0 || letter(&decoded, "cause") == Some("panic"));
        assert!(letters == 0 || &*decoded.dead[0].value == br#"{"panic":1}"#);
    }
}

#[test]
fn of_a_rejected_upload_only_whole_units_are_listed_and_none_is_accepted() {
    let rejected = |format| ChunkHeader { rejected: true, accepted: 0, ..header(format, 3) };
    let whole = [CLEAN, "{}", "{"].join("\n");
    let decoded = decode(&rejected(Format::Ndjson), whole.clone());
    assert_eq!(verdicts(&decoded), [(0, "refused"), (1, "refused"), (2, "refused")]);
    assert!(decoded.records[0].submission.rejected && decoded.dead.is_empty());

    let cut = format!("{whole}{:width$}", "", width = REJECTED_BYTES - whole.len());
    assert_eq!(verdicts(&decode(&rejected(Format::Ndjson), cut)), [(0, "refused"), (1, "refused")]);
    let document = format!(r#"{{"reports":[{CLEAN},{{}}]}}"#);
    assert_eq!(verdicts(&decode(&rejected(Format::Json), document.clone())), [(0, "refused"), (1, "refused")]);
    assert_eq!(verdicts(&decode(&rejected(Format::Json), document[..document.len() - 1].to_owned())), []);
}

#[test]
fn an_unknown_zone_is_romes() {
    let header = ChunkHeader { zone: "Mars/Olympus".to_owned(), ..header(Format::Ndjson, 1) };
    let decoded = decode(&header, CLEAN.replace("2020-10-20T11:04:00+02:00", "2020-10-20T11:04:00"));
    let Verdict::Accepted(new) = &decoded.records[0].items[0].verdict else { panic!("accepted") };
    assert_eq!(new.version.stated_issue, Some("2020-10-20T09:04:00Z".parse().unwrap()));
}

#[test]
fn a_report_larger_than_the_store_takes_is_a_dead_letter_and_its_chunk_is_stored() {
    let large = CLEAN.replace("N-1", "N-2").replace("Rossi", &"Rossi".repeat(40));
    let value = format!("{CLEAN}\n{large}\n{}\n", CLEAN.replace("N-1", "N-3"));
    let source = stored(Some(&header(Format::Ndjson, 3)), value);
    let Verdict::Accepted(new) = &decoding().batch(vec![source.clone()]).records[0].items[1].verdict.clone() else {
        panic!("accepted")
    };
    let bytes = new.content.len();
    let decode = |limit| taking(limit).batch(vec![source.clone()]);
    assert_eq!(verdicts(&decode(bytes)), [(0, "N-1"), (1, "N-2"), (2, "N-3")], "as much as it takes");

    let decoded = decode(bytes - 1);
    assert_eq!(verdicts(&decoded), [(0, "N-1"), (1, "dead"), (2, "N-3")]);
    let [fault] = &decoded.records[0].items[1].faults[..] else { panic!("one fault") };
    assert_eq!((fault.code.as_ref(), fault.item, fault.line), ("report-too-large", Some(1), Some(2)));
    assert!(fault.detail.contains(&bytes.to_string()), "{fault:?}");
    assert_eq!(decoded.dead.len(), 1);
    assert_eq!(decoded.dead[0].value, large, "the bytes are kept");
    assert_eq!(
        (letter(&decoded, "cause"), letter(&decoded, "faults")),
        (Some("too-large"), Some("1:report-too-large"))
    );
}
