//! Properties: nothing panics, nothing is lost or changed, and serde_json agrees.

use base64::{Engine, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use proptest::{collection::vec, option::of, prelude::*, sample::select};
use schemas::{
    chunk,
    format::{Format, SplitError, Unit, units},
    json::{split_document, split_elements, split_lines},
    report::{Status, TestResult},
};
use serde_json::Value;

use super::{FULL, LIMITS, decoded, stored};

/// A field's value, where it has one.
type Optional = BoxedStrategy<Option<Value>>;

fn text() -> BoxedStrategy<Value> {
    // One character that is not blank, among others that JSON must escape or that are long in UTF-8.
    "[ a-zé\\\\\"/\t\n\r\u{85}€😀]{0,12}[a-z'è{}\\[\\],:][ A-Z0-9\"]{0,8}".prop_map(Value::from).boxed()
}

fn code() -> BoxedStrategy<Value> {
    "[A-Z0-9]([ -~]{0,8}[A-Z0-9])?".prop_map(Value::from).boxed()
}

fn instant() -> BoxedStrategy<Value> {
    (0..4_000_000_000_i64, select(vec![0, 5_000_000, 123_456_789]))
        .prop_map(|(second, nanosecond)| Timestamp::new(second, nanosecond).unwrap().to_string().into())
        .boxed()
}

fn json() -> BoxedStrategy<Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_filter("JSON has no other", |number| number.is_finite()).prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            vec((any::<String>(), inner), 0..4).prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
    .boxed()
}

fn maybe(value: BoxedStrategy<Value>) -> Optional {
    of(value).boxed()
}

fn always(value: BoxedStrategy<Value>) -> Optional {
    value.prop_map(Some).boxed()
}

fn list(element: BoxedStrategy<Value>) -> Optional {
    vec(element, 0..3).prop_map(|list| (!list.is_empty()).then(|| list.into())).boxed()
}

fn word(words: &[&'static str]) -> BoxedStrategy<Value> {
    select(words.to_vec()).prop_map(Value::from).boxed()
}

/// An object of these fields, now and then with some that referto does not know.
fn object(fields: Vec<(&'static str, Optional)>) -> BoxedStrategy<Value> {
    let (names, values): (Vec<_>, Vec<_>) = fields.into_iter().unzip();
    let unknown = prop_oneof![3 => Just(Vec::new()), 1 => vec(("x[a-zé\"]{0,6}", json()), 1..3)];
    (values, unknown)
        .prop_map(move |(values, unknown)| {
            let known = names.iter().zip(values).filter_map(|(name, value)| Some(((*name).to_owned(), value?)));
            Value::Object(known.chain(unknown).collect())
        })
        .boxed()
}

fn texts(names: &[&'static str]) -> Vec<(&'static str, Optional)> {
    names.iter().map(|name| (*name, maybe(text()))).collect()
}

/// A report as it is stored.
fn report() -> BoxedStrategy<Value> {
    let status = || word(&Status::ALL.map(Status::as_str));
    let address = || object(texts(&["municipality", "address", "city", "postalCode", "province", "country"]));
    let birth_date = (1900..2100, 1..=12, 1..=28).prop_map(|(y, m, d)| format!("{y}-{m:02}-{d:02}").into());
    let identifier = [texts(&["system"]), vec![("value", always(text()))]].concat();
    let patient = vec![
        ("fiscalCode", maybe("[A-Z0-9]{1,16}".prop_map(Value::from).boxed())),
        ("birthDate", maybe(birth_date.boxed())),
        ("identifiers", list(object(identifier))),
        ("residence", maybe(address())),
        ("domicile", maybe(address())),
    ];
    let patient = [patient, texts(&["family", "given", "sex", "phone", "district"])].concat();
    let observation = vec![
        ("code", always(code())),
        ("valueCode", maybe(code())),
        ("status", maybe(status())),
        ("askAtOrder", of(Just(Value::from(true))).boxed()),
    ];
    let words = ["system", "display", "value", "valueSystem", "unit", "range", "interpretation", "note"];
    let observation = [observation, texts(&words)].concat();
    let data = vec(any::<u8>(), 1..40).prop_map(|data| STANDARD.encode(data).into()).boxed();
    let attachment = vec![("contentType", always(text())), ("data", always(data))];
    let specimen = vec![("collectedAt", maybe(instant())), ("receivedAt", maybe(instant()))];
    let report = vec![
        ("reportNumber", always(code())),
        ("status", always(status())),
        ("processingId", maybe(word(&["T", "D"]))),
        ("issuedAt", maybe(instant())),
        ("test", always(object([vec![("code", always(code()))], texts(&["system", "display"])].concat()))),
        ("result", maybe(word(&TestResult::ALL.map(TestResult::as_str)))),
        ("specimen", maybe(object([specimen, texts(&["id", "type"])].concat()))),
        ("patient", always(object(patient))),
        ("order", maybe(object([vec![("requestedAt", maybe(instant()))], texts(&["number", "reason"])].concat()))),
        ("performer", maybe(object(texts(&["id", "name"])))),
        ("observations", list(object(observation))),
        ("attachments", list(object(attachment))),
    ];
    object([report, texts(&["resultText", "orderer", "authoriser", "note"])].concat())
}

/// A valid text with a few bytes dropped, doubled, or changed into what JSON is sensitive to.
fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let base = prop_oneof![
        Just(FULL.as_bytes().to_vec()),
        json().prop_map(|value| value.to_string().into_bytes()),
        json().prop_map(|value| format!("{{\"reports\":[{value},{value}]}}").into_bytes()),
    ];
    let byte = prop_oneof![select(b"{}[],:\"\\0-.eEutn\n\0\x1f\xC3\x28\xED\xA0\x80 ".to_vec()), any::<u8>()];
    let change = (any::<prop::sample::Index>(), 0..4_u8, byte);
    (base, vec(change, 0..4)).prop_map(|(mut bytes, changes)| {
        for (at, how, byte) in changes {
            let at = at.index(bytes.len() + 1);
            match how {
                0 if at < bytes.len() => drop(bytes.remove(at)),
                1 if at < bytes.len() => bytes[at] = byte,
                2 => bytes.insert(at, byte),
                _ => bytes.truncate(at.max(1)),
            }
        }
        bytes
    })
}

/// JSON in which every character of every text is escaped.
fn escaped(value: &Value) -> String {
    let quoted = |text: &str| {
        let units: String = text.encode_utf16().map(|unit| format!("\\u{unit:04X}")).collect();
        format!("\"{units}\"")
    };
    match value {
        Value::String(text) => quoted(text),
        Value::Array(list) => format!("[{}]", list.iter().map(escaped).collect::<Vec<_>>().join(",")),
        Value::Object(map) => {
            let members: Vec<_> =
                map.iter().map(|(name, value)| format!("{}:{}", quoted(name), escaped(value))).collect();
            format!("{{{}}}", members.join(","))
        }
        other => other.to_string(),
    }
}

/// Units of chunks, put back where the chunks were cut from.
fn split_again(format: Format, body: &[u8], whole: &[Unit], target: usize) -> Vec<Unit> {
    let mut again = Vec::new();
    for range in chunk::cut(whole, target) {
        let (first, last) = (&whole[range.start], &whole[range.end - 1]);
        let piece = units(format, &body[first.bytes.start..last.bytes.end], first.line);
        let shifted = |unit: Unit| Unit {
            bytes: unit.bytes.start + first.bytes.start..unit.bytes.end + first.bytes.start,
            line: unit.line,
        };
        again.extend(piece.into_iter().map(shifted));
    }
    again
}

proptest! {
    #[test]
    fn a_stored_report_reads_back_the_same(written in report()) {
        decoded(written.to_string(), |report, _, faults| {
            assert_eq!(report.map(stored).as_ref(), Some(&written), "{faults:?}");
        });
    }

    #[test]
    fn values_are_those_that_serde_json_reads(value in json()) {
        for written in [value.to_string(), escaped(&value), serde_json::to_string_pretty(&value).unwrap()] {
            decoded(format!("{{\"x\":{written}}}"), |report, _, faults| {
                assert_eq!(report.map(|report| &report.extra.0[0].1), Some(&value), "{written} {faults:?}");
            });
        }
    }

    #[test]
    fn what_serde_json_refuses_is_refused(bytes in mutated()) {
        let theirs = serde_json::from_slice::<Value>(&bytes);
        // At a number past an f64, which is no fault of grammar, serde_json stops and knows nothing of the rest.
        prop_assume!(!theirs.as_ref().is_err_and(|error| error.to_string().starts_with("number out of range")));
        let is_syntax = |code: &str| matches!(code, "json-invalid" | "line-not-utf8" | "body-not-utf8");
        let code = decoded(&bytes, |_, _, faults| faults.first().map(|fault| fault.code.to_string()).unwrap_or_default());
        prop_assert_eq!(theirs.is_err(), is_syntax(&code), "{:?} {:?} {}", String::from_utf8_lossy(&bytes), theirs, code);
        let is_blank = bytes.iter().all(u8::is_ascii_whitespace);
        if let Err(SplitError::Undecodable(faults)) = split_document(&bytes, &LIMITS) {
            prop_assert_eq!(theirs.is_err(), is_syntax(&faults[0].code), "{:?}", faults);
        } else {
            prop_assert!(theirs.is_ok() || is_blank, "{:?}", String::from_utf8_lossy(&bytes));
        }
    }

    #[test]
    fn nothing_panics_and_units_lie_within(bytes in prop_oneof![vec(any::<u8>(), 0..200), mutated()]) {
        let document = split_document(&bytes, &LIMITS).map(|split| split.units).unwrap_or_default();
        for units in [document, split_lines(&bytes, 1).units, split_elements(&bytes, 1)] {
            let mut end = 0;
            for unit in units {
                prop_assert!(unit.bytes.start >= end && !unit.bytes.is_empty() && unit.bytes.end <= bytes.len());
                end = unit.bytes.end;
                decoded(&bytes[unit.bytes], |_, _, _| ());
            }
        }
        decoded(&bytes, |_, _, _| ());
    }

    #[test]
    fn chunks_of_a_list_have_its_units(
        elements in vec((json(), "[ \t\r\n]{0,3}", any::<bool>()), 1..12),
        head in select(vec!["", "\u{feff}", "\n\n"]),
        target in 1..400_usize,
    ) {
        let list: Vec<_> = elements
            .iter()
            .map(|(value, space, pretty)| format!("{space}{}{space}", if *pretty { format!("{value:#}") } else { value.to_string() }))
            .collect();
        let body = format!("{head}{{\"sent\":\"[\",\"reports\": [{}]\n}}\n", list.join(","));
        let whole = split_document(body.as_bytes(), &LIMITS).unwrap().units;
        let texts: Vec<_> = whole.iter().map(|unit| &body[unit.bytes.clone()]).collect();
        prop_assert_eq!(texts, list.iter().map(|text| text.trim()).collect::<Vec<_>>());
        prop_assert_eq!(split_again(Format::Json, body.as_bytes(), &whole, target), whole);
    }

    #[test]
    fn chunks_of_lines_have_their_units(
        lines in vec("(\u{feff}|[ \t]|\\{\\}|a|é){0,6}(\r?\n)", 1..12),
        target in 1..40_usize,
    ) {
        let body = lines.concat();
        let whole = split_lines(body.as_bytes(), 1).units;
        for unit in &whole {
            let number = body[..unit.bytes.start].matches('\n').count() + 1;
            prop_assert_eq!(unit.line as usize, number);
        }
        prop_assert_eq!(split_again(Format::Ndjson, body.as_bytes(), &whole, target), whole);
    }
}
