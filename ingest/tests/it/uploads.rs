//! Uploads to send.

use serde_json::{Value, json};

/// A good report.
pub(crate) fn report(number: &str) -> Value {
    json!({
        "reportNumber": number, "issuedAt": "2020-10-20T11:04:00+02:00", "result": "positive",
        "test": {"code": "94500-6", "system": "http://loinc.org"},
        "specimen": {"collectedAt": "2020-10-19T08:30:00+02:00"},
        "patient": {"fiscalCode": "RSSMRA85T10A562S", "family": "Rossi", "given": "Mario", "birthDate": "1985-12-10",
                    "phone": "+393331234567"},
    })
}

/// A report that no laboratory could mean: it has no number and no test.
pub(crate) fn bad_report() -> Value {
    json!({"result": "positive", "patient": {"family": "Rossi"}})
}

/// One report a line.
pub(crate) fn ndjson(reports: &[Value]) -> String {
    reports.iter().map(|report| format!("{report}\n")).collect()
}

/// An HL7 message of a facility.
pub(crate) fn hl7(facility: &str, control_id: &str) -> String {
    [
        &format!("MSH|^~\\&|LIS|{facility}|REFERTO|REGIONE|20201020110400+0200||ORU^R01^ORU_R01|{control_id}|P|2.5.1"),
        "PID|1||RSSMRA85T10A562S^^^MEF^NNITA||Rossi^Mario||19851210|M|||Via Po 1||+393331234567",
        "OBR|1||TO-1^LIS|94500-6^SARS-CoV-2 RNA^LN|||20201019083000+0200|||||||||||||||20201020110400+0200|||F",
        "OBX|1|CWE|94500-6^SARS-CoV-2 RNA^LN||260373001^Detected^SCT||||||F|||20201019083000+0200",
        "SPM|1|S-77||258500001^Nasopharyngeal swab^SCT|||||||||||||20201019083000+0200",
    ]
    .join("\r")
        + "\r"
}
