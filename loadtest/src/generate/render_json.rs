//! A report in the native format.

use jiff::{Timestamp, tz::TimeZone};
use schemas::report::Status;
use serde_json::{Map, Value as Json, json};

use super::{
    content::{Content, Reading, Value},
    document,
    fault::Wrong,
    person::Person,
};

/// The report as one JSON object, with what is wrong with it. A line that is cut short is cut by whoever writes lines.
pub(crate) fn report(content: &Content, wrong: Option<Wrong>, zone: &TimeZone) -> Json {
    let mut json = Map::new();
    json.insert("reportNumber".into(), content.number.as_str().into());
    if content.status != Status::Final || content.specimen_id.ends_with('0') {
        json.insert("status".into(), content.status.as_str().into());
    }
    json.insert("issuedAt".into(), time(content.issued, zone));
    let test = content.test;
    json.insert("test".into(), json!({"code": test.code, "system": "http://loinc.org", "display": test.display}));
    let finding = &content.finding;
    if let (true, Some(result)) = (finding.stated, finding.result) {
        json.insert("result".into(), result.as_str().into());
    }
    json.insert("specimen".into(), specimen(content, zone));
    json.insert("patient".into(), patient(&content.person));
    if let Some((number, reason)) = &content.order {
        let asked = content.collected.unwrap_or(content.issued);
        json.insert("order".into(), json!({"number": number, "requestedAt": time(asked, zone), "reason": reason}));
    }
    json.insert("authoriser".into(), "Dott.ssa Elena Sant'Agata".into());
    if let Some(note) = &content.note {
        json.insert("note".into(), note.as_str().into());
    }
    json.insert("observations".into(), finding.readings.iter().map(|reading| observation(reading, content)).collect());
    if content.attachment_chars > 0 {
        let document = document::base64(content, content.attachment_chars);
        json.insert("attachments".into(), json!([{"contentType": "application/pdf", "data": document}]));
    }
    if let Some(wrong) = wrong {
        spoil(&mut json, wrong);
    }
    Json::Object(json)
}

fn specimen(content: &Content, zone: &TimeZone) -> Json {
    let mut json = Map::from_iter([
        ("id".to_owned(), Json::from(content.specimen_id.as_str())),
        ("type".to_owned(), content.specimen.0.into()),
    ]);
    if let Some(collected) = content.collected {
        json.insert("collectedAt".into(), time(collected, zone));
    }
    Json::Object(json)
}

fn patient(person: &Person) -> Json {
    let home = json!({"municipality": person.town.istat, "address": person.street});
    let mut json = Map::from_iter([
        ("family".to_owned(), Json::from(person.family)),
        ("given".to_owned(), person.given.into()),
        ("birthDate".to_owned(), person.born.to_string().into()),
        ("sex".to_owned(), if person.female { "F" } else { "M" }.into()),
        ("residence".to_owned(), home.clone()),
        ("domicile".to_owned(), home),
        ("district".to_owned(), person.town.district.into()),
    ]);
    if let Some(code) = &person.code {
        json.insert("fiscalCode".into(), code.as_str().into());
    }
    if let Some(phone) = &person.phone {
        json.insert("phone".into(), phone.as_str().into());
    }
    Json::Object(json)
}

fn observation(reading: &Reading, content: &Content) -> Json {
    let mut json = Map::from_iter([
        ("code".to_owned(), Json::from(reading.test.code)),
        ("system".to_owned(), "http://loinc.org".into()),
        ("status".to_owned(), content.status.as_str().into()),
    ]);
    match &reading.value {
        Value::Known { words, .. } | Value::Words(words) => {
            json.insert("value".into(), (*words).into());
        }
        Value::Measured { value, unit, range } => {
            json.insert("value".into(), value.as_str().into());
            json.insert("unit".into(), (*unit).into());
            json.insert("range".into(), (*range).into());
        }
    }
    if let Some(flag) = reading.flag {
        json.insert("interpretation".into(), flag.into());
    }
    Json::Object(json)
}

/// RFC 3339 as laboratories write it: local with its offset.
fn time(instant: Timestamp, zone: &TimeZone) -> Json {
    instant.to_zoned(zone.clone()).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string().into()
}

fn spoil(json: &mut Map<String, Json>, wrong: Wrong) {
    match wrong {
        Wrong::Number => {
            json.remove("reportNumber");
        }
        Wrong::Test => {
            json.insert("test".into(), json!({"display": "Tampone molecolare"}));
        }
        Wrong::IssueTime => {
            json.insert("issuedAt".into(), "2020-13-45T08:00:00+02:00".into());
        }
        Wrong::Result => {
            json.remove("result");
            json.remove("observations");
        }
        Wrong::Person => {
            json.insert("patient".into(), json!({"sex": "F", "phone": "+39 333 1234567"}));
        }
        Wrong::Status => {
            json.insert("status".into(), "definitivo".into());
        }
        // The content has these already, or the bytes around it.
        Wrong::Collected | Wrong::CutLine | Wrong::Totals | Wrong::Version => {}
    }
}
