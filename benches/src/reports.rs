//! Bodies to send: reports of about 900 bytes, each another.

use bytes::Bytes;
use jiff::{Timestamp, ToSpan as _};

fn report(round: usize, n: usize, now: Timestamp) -> String {
    let (issued, collected) = (now - 1.hour(), now - 20.hours());
    format!(
        r#"{{"reportNumber":"B{round}-{n:08}","status":"final","issuedAt":"{issued}","test":{{"code":"94500-6","system":"http://loinc.org","display":"SARS-CoV-2 RNA, respiratory, NAA"}},"result":"{result}","specimen":{{"id":"S-{n}","type":"258500001","collectedAt":"{collected}"}},"patient":{{"fiscalCode":"RSSMRA85T10A562S","family":"Rossi","given":"Mario","birthDate":"1985-12-10","sex":"M","phone":"+39 333 {phone:07}","residence":{{"municipality":"001272","address":"Via Po 1"}},"domicile":{{"municipality":"001272","address":"Via Po 1"}},"district":"010301"}},"order":{{"number":"O-{n}","reason":"symptoms"}},"performer":{{"id":"P1","name":"Laboratorio analisi"}},"orderer":"Medico di base","authoriser":"Direttore","observations":[{{"code":"94500-6","system":"http://loinc.org","value":"{text}","interpretation":"{flag}"}}]}}"#,
        result = if n.is_multiple_of(9) { "positive" } else { "negative" },
        text = if n.is_multiple_of(9) { "RILEVATO" } else { "NON RILEVATO" },
        flag = if n.is_multiple_of(9) { "POS" } else { "NEG" },
        phone = 1_000_000 + n % 9_000_000,
    )
}

#[allow(clippy::disallowed_methods, reason = "the server's clock is the machine's")]
fn now() -> Timestamp {
    Timestamp::now()
}

/// `count` reports, one a body.
pub(crate) fn singles(round: usize, count: usize) -> Vec<Bytes> {
    let now = now();
    (0..count).map(|n| report(round, n, now).into()).collect()
}

/// `count` reports, `size` a body.
pub(crate) fn ndjson(round: usize, count: usize, size: usize) -> Vec<Bytes> {
    let now = now();
    let bodies = (0..count).step_by(size);
    bodies.map(|first| (first..first + size).map(|n| report(round, n, now) + "\n").collect::<String>().into()).collect()
}
