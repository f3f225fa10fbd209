//! HL7 v2: real files, rules from the standard, bad input, any bytes.

mod differential;
mod envelope;
mod faults;
mod fields;
mod files;
mod laboratories;
mod mapping;
mod properties;
mod write;
mod write_bytes;
mod write_properties;
mod write_reports;

use jiff::{Timestamp, tz::TimeZone};
use schemas::{
    At, Fault, Report,
    format::{Charset, Context, Limits},
    hl7,
};

/// What a test looks at of an item. The report is kept as it serialises, with its issue time beside it.
pub(crate) struct Read {
    pub(crate) index: u32,
    pub(crate) line: u32,
    pub(crate) accepted: bool,
    pub(crate) report: Option<serde_json::Value>,
    pub(crate) issued_at: Option<Timestamp>,
    pub(crate) faults: Vec<Fault>,
}

/// How a message is read: received on 15 January 2025 by a laboratory in Rome, unless said otherwise.
#[derive(Default)]
pub(crate) struct Setting {
    pub(crate) charset: Option<Charset>,
    pub(crate) facilities: Vec<String>,
}

impl Setting {
    pub(crate) fn decode(&self, message: &[u8]) -> Vec<Read> {
        self.decode_at(message, (0, 1))
    }

    pub(crate) fn decode_at(&self, message: &[u8], at: (u32, u32)) -> Vec<Read> {
        let zone = TimeZone::get("Europe/Rome").unwrap();
        let limits = Limits::default();
        let context = Context {
            received_at: "2025-01-15T12:00:00Z".parse().unwrap(),
            zone: &zone,
            charset: self.charset,
            facilities: &self.facilities,
            limits: &limits,
        };
        let mut items = Vec::new();
        let count = hl7::decode(message, at, &context, &mut |item| {
            let report: Option<&Report<'_>> = item.report.as_deref();
            items.push(Read {
                index: item.index,
                line: item.line,
                accepted: item.accepted,
                issued_at: report.and_then(|report| report.issued_at),
                report: report.map(|report| serde_json::to_value(report).unwrap()),
                faults: item.faults,
            });
        });
        assert_eq!(count as usize, items.len());
        assert!(count >= 1);
        items
    }
}

/// The reports of a message that is accepted.
pub(crate) fn accepted(message: &str) -> Vec<serde_json::Value> {
    let items = Setting::default().decode(message.as_bytes());
    let errors: Vec<_> = items.iter().flat_map(|item| &item.faults).filter(|fault| fault.is_error()).collect();
    assert!(errors.is_empty(), "{errors:?}");
    assert!(items.iter().all(|item| item.accepted));
    items.into_iter().map(|item| item.report.unwrap()).collect()
}

/// Code, location and line of each fault of a message, in order.
pub(crate) fn faults(message: &str) -> Vec<String> {
    Setting::default().decode(message.as_bytes()).iter().flat_map(|item| &item.faults).map(shown).collect()
}

pub(crate) fn shown(fault: &Fault) -> String {
    let at = match &fault.at {
        Some(At::Location(location)) => location.as_str(),
        Some(_) => panic!("an HL7 fault has a location"),
        None => "-",
    };
    let line = fault.line.map_or("-".to_owned(), |line| line.to_string());
    let severity = if fault.is_error() { "error" } else { "warning" };
    format!("{severity} {} {at} line {line}", fault.code)
}

pub(crate) const HEADER: &str = "MSH|^~\\&|LIS|LAB^1.2.3^ISO|||20201020110500+0200||ORU^R01^ORU_R01|M1|P|2.5.1";
pub(crate) const PID: &str = "PID|1||RSSMRA85T10A562S^^^MEF&2.16.840.1.113883.2.9.4.3.2&ISO^NNITA||Rossi^Mario||19851210|M|||||^PRN^CP^^39^333^1234567";
pub(crate) const OBR: &str =
    "OBR|1|P1|F1|94500-6^SARS-CoV-2 RNA^LN|||20201019083000+0200|||||||||||||||20201020110400+0200|||F";
pub(crate) const OBX: &str = "OBX|1|CWE|94500-6^SARS-CoV-2 RNA^LN||260373001^Detected^SCT||||||F";

/// Segments as a message, each ended by a carriage return.
pub(crate) fn message(segments: &[&str]) -> String {
    segments.iter().flat_map(|segment| [*segment, "\r"]).collect()
}
