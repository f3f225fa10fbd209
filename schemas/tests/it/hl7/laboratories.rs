//! Messages as laboratories of many kinds send them (`tests/data/laboratories`), each with the reports and faults that
//! the standard and the contract make of it, written by hand.

use std::{fs, path::Path};

use serde_json::{Value, json};

use super::{Setting, shown};

#[test]
fn each_message_is_read_as_the_standard_says() {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/laboratories"));
    let mut wrong = Vec::new();
    let mut count = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "hl7") {
            continue;
        }
        count += 1;
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let expected: Value = serde_json::from_slice(&fs::read(path.with_extension("json")).unwrap()).unwrap();
        let read = read(&fs::read(&path).unwrap());
        if read != expected {
            wrong.push(format!("{name}: read as {read:#}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count >= 30, "{count}");
}

fn read(message: &[u8]) -> Value {
    let items = Setting::default().decode(message);
    let faults: Vec<_> = items.iter().flat_map(|item| &item.faults).map(shown).collect();
    assert_eq!(items.iter().all(|item| item.accepted), !faults.iter().any(|fault| fault.starts_with("error")));
    let items: Vec<_> = items
        .into_iter()
        .map(|item| json!({"issuedAt": item.issued_at.map(|time| time.to_string()), "report": item.report}))
        .collect();
    json!({"items": items, "faults": faults})
}
