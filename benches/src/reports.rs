//! Bodies to send: reports of about 900 bytes of JSON, each another; and the same as HL7 v2.

use bytes::Bytes;
use jiff::{Timestamp, ToSpan as _};

/// A report in the native format; `n` makes it another.
#[must_use]
pub fn json(round: usize, n: usize, now: Timestamp) -> String {
    let (issued, collected) = times(now);
    let (result, text, flag, _) = finding(n);
    format!(
        r#"{{"reportNumber":"B{round}-{n:08}","status":"final","issuedAt":"{issued}","test":{{"code":"94500-6","system":"http://loinc.org","display":"SARS-CoV-2 RNA, respiratory, NAA"}},"result":"{result}","specimen":{{"id":"S-{n}","type":"258500001","collectedAt":"{collected}"}},"patient":{{"fiscalCode":"RSSMRA85T10A562S","family":"Rossi","given":"Mario","birthDate":"1985-12-10","sex":"M","phone":"+39 333 {phone:07}","residence":{{"municipality":"001272","address":"Via Po 1"}},"domicile":{{"municipality":"001272","address":"Via Po 1"}},"district":"010301"}},"order":{{"number":"O-{n}","reason":"symptoms"}},"performer":{{"id":"P1","name":"Laboratorio analisi"}},"orderer":"Medico di base","authoriser":"Direttore","observations":[{{"code":"94500-6","system":"http://loinc.org","value":"{text}","interpretation":"{flag}"}}]}}"#,
        phone = phone(n),
    )
}

/// The same report as an HL7 v2.5.1 message; it has no place for the district, the reason, or a stated result.
#[must_use]
pub fn hl7(round: usize, n: usize, now: Timestamp) -> String {
    let (issued, collected) = times(now);
    let [issued, collected] = [issued, collected].map(|time| time.strftime("%Y%m%d%H%M%S+0000").to_string());
    let (_, text, flag, code) = finding(n);
    let address = |kind: char| format!("Via Po 1^^^^^^{kind}^^001272");
    [
        format!("MSH|^~\\&|LIS|LAB|REFERTO|REGIONE|{issued}||ORU^R01^ORU_R01|M{n}|P|2.5.1||||||UNICODE UTF-8"),
        format!(
            "PID|1||RSSMRA85T10A562S^^^MEF^NNITA||Rossi^Mario||19851210|M|||{}~{}||+39 333 {:07}^PRN^CP",
            address('L'),
            address('C'),
            phone(n),
        ),
        format!("ORC|RE|O-{n}|B{round}-{n:08}"),
        format!(
            "OBR|1|O-{n}|B{round}-{n:08}^LAB|94500-6^SARS-CoV-2 RNA, respiratory, NAA^LN|||{collected}|||||||||\
             ^Medico di base||||||{issued}|||F|||||||&Direttore",
        ),
        format!("OBX|1|CWE|94500-6^^LN||{code}^{text}^SCT|||{flag}|||F||||||||||||Laboratorio analisi^^^^^^^^^P1",),
        format!("SPM|1|^S-{n}||258500001^^SCT|||||||||||||{collected}"),
        String::new(),
    ]
    .join("\r")
}

fn times(now: Timestamp) -> (Timestamp, Timestamp) {
    (now - 1.hour(), now - 20.hours())
}

/// The result in the contract's word, in the laboratory's, as a flag and as a SNOMED CT code.
fn finding(n: usize) -> (&'static str, &'static str, &'static str, &'static str) {
    if n.is_multiple_of(9) {
        ("positive", "RILEVATO", "POS", "260373001")
    } else {
        ("negative", "NON RILEVATO", "NEG", "260415000")
    }
}

fn phone(n: usize) -> usize {
    1_000_000 + n % 9_000_000
}

#[allow(clippy::disallowed_methods, reason = "the server's clock is the machine's")]
fn now() -> Timestamp {
    Timestamp::now()
}

/// `count` reports of the present, one a body.
#[must_use]
pub fn singles(round: usize, count: usize) -> Vec<Bytes> {
    let now = now();
    (0..count).map(|n| json(round, n, now).into()).collect()
}

/// `count` reports of the present as NDJSON, `size` a body.
#[must_use]
pub fn ndjson(round: usize, count: usize, size: usize) -> Vec<Bytes> {
    let now = now();
    (0..count).step_by(size).map(|first| lines(round, first..first + size, now).into()).collect()
}

/// These reports as NDJSON.
#[must_use]
pub fn lines(round: usize, reports: std::ops::Range<usize>, now: Timestamp) -> String {
    reports.map(|n| json(round, n, now) + "\n").collect()
}

/// These reports as an HL7 batch file.
#[must_use]
pub fn batch(round: usize, reports: std::ops::Range<usize>, now: Timestamp) -> String {
    let messages = reports.len();
    let messages_text: String = reports.map(|n| hl7(round, n, now)).collect();
    format!("FHS|^~\\&|LIS|LAB\rBHS|^~\\&|LIS|LAB\r{messages_text}BTS|{messages}\rFTS|1\r")
}
