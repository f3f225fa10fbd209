//! Reports to send.

use jiff::{Timestamp, ToSpan as _};
use serde_json::{Value, json};

/// Now, as the server sees it.
#[allow(clippy::disallowed_methods, reason = "the server's clock is the machine's")]
pub(crate) fn now() -> Timestamp {
    Timestamp::now()
}

/// A good report of this number, issued an hour ago; due to be told.
pub(crate) fn report(number: &str) -> Value {
    let now = now();
    json!({
        "reportNumber": number,
        "issuedAt": now - 1.hour(),
        "test": {"code": "94500-6", "system": "http://loinc.org"},
        "result": "negative",
        "specimen": {"collectedAt": now - 20.hours()},
        "patient": {
            "fiscalCode": "RSSMRA85T10A562S", "family": "Rossi", "given": "Mario", "birthDate": "1985-12-10",
            "sex": "M", "phone": "+39 333 1234567"
        }
    })
}

/// The report with some fields replaced.
pub(crate) fn with(mut report: Value, fields: Value) -> Value {
    if let (Some(report), Value::Object(fields)) = (report.as_object_mut(), fields) {
        report.extend(fields);
    }
    report
}
