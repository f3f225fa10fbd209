//! Properties of written reports: what HL7 can carry reads back with the same content, and all is written.

use jiff::Timestamp;
use proptest::{collection::vec, option::of, prelude::*, sample::select};
use schemas::{json, report::Status};
use serde_json::{Map, Value, json};

use super::write_reports::{Stored, issued, read, stored, without, written};

fn text() -> BoxedStrategy<Value> {
    "[ -~é€\t\n\r\u{85}\u{a0}😀]{0,10}[!-~è][ -~\n\u{2003}]{0,6}".prop_map(Value::from).boxed()
}

fn code() -> BoxedStrategy<Value> {
    // Neither a question of order entry nor anybody's code: letters first.
    "[a-z]([ -~]{0,8}[A-Z0-9|^&~])?".prop_map(Value::from).boxed()
}

fn system() -> BoxedStrategy<Value> {
    let known =
        select(vec!["http://loinc.org", "http://snomed.info/sct", "https://example.org/x|y", "urn:oid:1.2.3", "L"]);
    prop_oneof![known.prop_map(Value::from), "99[A-Z&^]{1,6}".prop_map(Value::from)].boxed()
}

fn instant() -> BoxedStrategy<Value> {
    (946_684_800..1_700_000_000_i64, select(vec![0, 5_000_000, 123_400_000]))
        .prop_map(|(second, nanosecond)| Timestamp::new(second, nanosecond).unwrap().to_string().into())
        .boxed()
}

type Member = (&'static str, BoxedStrategy<Option<Value>>);

fn maybe(name: &'static str, value: BoxedStrategy<Value>) -> Member {
    (name, of(value).boxed())
}

fn always(name: &'static str, value: BoxedStrategy<Value>) -> Member {
    (name, value.prop_map(Some).boxed())
}

fn texts(names: &[&'static str]) -> Vec<Member> {
    names.iter().map(|name| maybe(name, text())).collect()
}

/// An object of these fields; absent where it has none.
fn object(members: Vec<Member>) -> BoxedStrategy<Option<Value>> {
    let (names, values): (Vec<_>, Vec<_>) = members.into_iter().unzip();
    values
        .prop_map(move |values| {
            let object: Map<_, _> =
                names.iter().zip(values).filter_map(|(name, value)| Some(((*name).to_owned(), value?))).collect();
            (!object.is_empty()).then_some(Value::Object(object))
        })
        .boxed()
}

fn list(element: BoxedStrategy<Option<Value>>) -> BoxedStrategy<Option<Value>> {
    vec(element, 0..4)
        .prop_map(|list| {
            Some(list.into_iter().flatten().collect::<Vec<_>>()).filter(|list| !list.is_empty()).map(Value::from)
        })
        .boxed()
}

fn observation() -> BoxedStrategy<Option<Value>> {
    let status = select(vec![Status::Final, Status::Corrected, Status::Preliminary]);
    let members = vec![
        always("code", code()),
        maybe("system", system()),
        maybe("valueCode", code()),
        maybe("valueSystem", system()),
        maybe("status", status.prop_map(|status| status.as_str().into()).boxed()),
        ("askAtOrder", of(Just(Value::from(true))).boxed()),
    ];
    object([members, texts(&["display", "value", "unit", "range", "interpretation", "note"])].concat())
}

/// A report as it is stored, of what HL7 can carry.
fn report() -> BoxedStrategy<Value> {
    let address = || {
        object(
            [
                vec![maybe("municipality", "[0-9]{6}".prop_map(Value::from).boxed())],
                texts(&["address", "city", "postalCode", "province", "country"]),
            ]
            .concat(),
        )
    };
    let birth_date = (1900..2020, 1..=12, 1..=28).prop_map(|(y, m, d)| format!("{y}-{m:02}-{d:02}").into());
    let fiscal_code = prop_oneof!["[A-Z0-9]{1,16}", "STP[0-9]{13}", Just("RSSMRA85T10A562S".to_owned())];
    let identifier = object(vec![maybe("system", system()), always("value", code())]);
    let patient = vec![
        maybe("fiscalCode", fiscal_code.prop_map(Value::from).boxed()),
        always("family", text()),
        maybe("birthDate", birth_date.boxed()),
        maybe("sex", select(vec!["M", "F", "U", "O", "A", "N"]).prop_map(Value::from).boxed()),
        ("identifiers", list(identifier)),
        ("residence", address()),
        ("domicile", address()),
    ];
    let patient = object([patient, texts(&["given", "phone"])].concat());
    let specimen = vec![maybe("collectedAt", instant()), maybe("receivedAt", instant())];
    let reasons = ["symptoms", "contact", "screening", "school", "end-of-isolation", "other"].to_vec();
    let order = vec![
        maybe("requestedAt", instant()),
        maybe("reason", select(reasons).prop_map(Value::from).boxed()),
        maybe("number", text()),
    ];
    let types =
        ["application/pdf", "image/png", "text/plain", "application/octet-stream", "application/dicom+json"].to_vec();
    let attachment = vec![
        always("contentType", select(types).prop_map(Value::from).boxed()),
        always("data", select(vec!["AAAA", "AAA=", "JVBERi0="]).prop_map(Value::from).boxed()),
    ];
    let members = vec![
        always("reportNumber", code()),
        always("status", select(Status::ALL.to_vec()).prop_map(|status| status.as_str().into()).boxed()),
        maybe("processingId", select(vec!["T", "D"]).prop_map(Value::from).boxed()),
        ("test", object([vec![always("code", code()), maybe("system", system())], texts(&["display"])].concat())),
        ("specimen", object([specimen, texts(&["id", "type"])].concat())),
        ("patient", patient),
        ("order", object(order)),
        ("performer", object(texts(&["id", "name"]))),
        ("observations", list(observation())),
        ("attachments", list(object(attachment))),
    ];
    object([members, texts(&["orderer", "authoriser", "note"])].concat())
        .prop_map(|report| carried(report.unwrap()))
        .boxed()
}

/// Without what the writer's documentation says is not carried.
fn carried(mut report: Value) -> Value {
    let own = Status::parse(report["status"].as_str().unwrap()).unwrap();
    let mut observations = report["observations"].as_array().cloned().unwrap_or_default();
    // A report says something, and its documents are not all that it has.
    if observations.iter().all(|seen| seen.get("askAtOrder").is_some()) {
        observations.push(json!({"code": "x", "value": "y"}));
    }
    let has_specimen = report.pointer("/specimen/id").is_some() || report.pointer("/specimen/type").is_some();
    let count = observations.len();
    let end = observations
        .iter()
        .rev()
        .take_while(|seen| seen.get("askAtOrder").is_some() && seen.get("note").is_none())
        .count();
    for (index, seen) in observations.iter_mut().enumerate() {
        let is_asked = seen.get("askAtOrder").is_some();
        let seen = seen.as_object_mut().unwrap();
        let status = seen.get("status").and_then(|status| Status::parse(status.as_str()?));
        let is_kept = match own {
            _ if is_asked => has_specimen && index >= count - end,
            Status::Preliminary => true,
            Status::Corrected => status == Some(Status::Final),
            _ => false,
        };
        if !is_kept || status == Some(own) {
            seen.remove("status");
        }
        if !seen.contains_key("valueCode") {
            seen.remove("valueSystem");
        }
    }
    report["observations"] = observations.into();
    report
}

proptest! {
    #[test]
    fn any_report_that_hl7_can_carry_reads_back(report in report()) {
        let content = stored(&report);
        let message = written(std::slice::from_ref(&content)).unwrap();
        prop_assert_eq!(read(message.as_bytes()), Some(vec![content]), "{}", message.replace('\r', "\n"));
    }

    /// With fields that referto does not know, in each object; numbers keep all their digits.
    #[test]
    fn any_content_reads_back_to_the_byte(report in report(), float in any::<f64>(), whole in any::<u64>(), text in any::<String>()) {
        prop_assume!(float.is_finite());
        let unknown = json!({"zFloat": float, "zWhole": [whole, null, {"a": text, "b": [true]}]});
        let mut content = report.clone();
        for pointer in ["", "/test", "/specimen", "/patient", "/patient/identifiers/0", "/observations/0", "/attachments/0", "/order"] {
            if let Some(Value::Object(object)) = content.pointer_mut(pointer) {
                object.extend(unknown.as_object().unwrap().clone());
            }
        }
        let Stored(canonical, _) = stored(&content);
        prop_assert!(canonical.contains(&unknown.to_string()[1..]), "{canonical}");
        prop_assert_eq!(&serde_json::to_string(&json::stored(&canonical).unwrap()).unwrap(), &canonical);
        // Written, they are lost, and nothing else is.
        let message = written(&[Stored(canonical, issued())]).unwrap();
        prop_assert_eq!(read(message.as_bytes()), Some(vec![stored(&report)]));
    }

    #[test]
    fn any_stored_report_is_written(report in report(), names in vec(select(vec!["observations", "specimen", "patient", "status"]), 0..3)) {
        let mut report = without(report, &names);
        if report.get("status").is_none() {
            report["status"] = "entered-in-error".into();
        }
        if report.get("patient").is_none() {
            report["patient"] = json!({});
        }
        prop_assert!(written(&[stored(&report)]).is_ok());
    }
}
