//! Writes samples of all that is written in HL7 v2 to a folder, for a validator that is not ours
//! (`xtask/python/validate.py`): acknowledgements as `ack-*.hl7`, reports as `oru-*.hl7`.
//!
//! `cargo run -p schemas --example hl7_samples -- FOLDER`
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::{env, fs, path::Path};

use jiff::{Timestamp, tz::TimeZone};
use schemas::{
    At, Fault,
    format::{Context, Format, Limits, split},
    hl7::{self, Answer, Outgoing, OutgoingHeader, acknowledge, write_reports},
    json,
};
use serde_json::{Value, json};

const VERSIONS: [&str; 11] = ["2.3", "2.3.1", "2.4", "2.5", "2.5.1", "2.6", "2.7", "2.7.1", "2.8", "2.8.1", "2.8.2"];

fn main() {
    let folder = env::args().nth(1).expect("name a folder: hl7_samples FOLDER");
    let folder = Path::new(&folder);
    fs::create_dir_all(folder).expect("the folder can be made");
    let zone = TimeZone::get("Europe/Rome").unwrap();
    let samples = Samples { folder, zone, received_at: "2020-10-20T09:05:00Z".parse().unwrap() };
    samples.verdicts();
    samples.texts();
    samples.unreadable();
    samples.files();
    samples.by_hand();
}

struct Samples<'a> {
    folder: &'a Path,
    zone: TimeZone,
    received_at: Timestamp,
}

impl Samples<'_> {
    fn write(&self, name: &str, message: &[u8]) {
        fs::write(self.folder.join(format!("{name}.hl7")), message).expect("the sample can be written");
    }

    fn ack(&self, name: &str, message: &[u8], faults: &[Fault], max_bytes: usize) {
        let answer = Answer {
            received_at: self.received_at,
            zone: &self.zone,
            control_id: "8f14e45fceea4e7a9b21",
            charset: None,
            faults,
            faults_omitted: 0,
            max_bytes,
        };
        self.write(&format!("ack-{name}"), &acknowledge(message, &answer));
    }

    fn oru(&self, name: &str, contents: &[(String, Timestamp)]) {
        let reports: Vec<_> = contents.iter().map(|(content, _)| json::stored(content).expect("content")).collect();
        let times = contents.iter().map(|(_, issued_at)| *issued_at);
        let outgoing: Vec<_> =
            reports.iter().zip(times).map(|(report, issued_at)| Outgoing { report, issued_at }).collect();
        let header = OutgoingHeader {
            written_at: self.received_at,
            zone: &self.zone,
            control_id: "W1",
            sending_facility: "LAB",
            receiving_application: "FSE",
            receiving_facility: "PIEMONTE",
        };
        self.write(&format!("oru-{name}"), write_reports(&outgoing, &header).expect("one message").as_bytes());
    }

    /// Each verdict, in both modes, of each version.
    fn verdicts(&self) {
        let warning = Fault::warning("phone-invalid", "the phone is no possible number").at(place("PID^1^13"));
        let error = Fault::error("status-invalid", "send O, I, S, P, R, F, C or X").at(place("OBR^2^25"));
        let reject = Fault::error("version-unsupported", "send 2.3 to 2.8").at(place("MSH^1^12"));
        let whole = Fault::error("segment-unreadable", "escape line breaks in text");
        let verdicts: [(&str, &[Fault]); 4] = [
            ("accepted", &[]),
            ("warned", std::slice::from_ref(&warning)),
            ("error", &[warning.clone(), error, Fault { line: Some(7), ..whole }]),
            ("rejected", std::slice::from_ref(&reject)),
        ];
        for version in VERSIONS {
            for (mode, conditions) in [("original", ""), ("enhanced", "|||AL|NE"), ("application", "|||NE|AL")] {
                for (verdict, faults) in verdicts {
                    let message = format!(
                        "MSH|^~\\&|LIS^1.2.3^ISO|LAB|REFERTO|PIEMONTE|20201020110459+0200||ORU^R01|M1|T|{version}{conditions}\r"
                    );
                    self.ack(&format!("{version}-{mode}-{verdict}"), message.as_bytes(), faults, 4096);
                }
            }
        }
    }

    /// Characters and lengths.
    fn texts(&self) {
        let message = |label: &str, name: &[u8]| {
            let end = format!("|||20201020||ORU^R01^ORU_R01|M1|P|2.5.1||||||{label}\r");
            [b"MSH|^~\\&|LIS|".as_slice(), name, end.as_bytes()].concat()
        };
        let fault = [Fault::error("result-unknown", "a|b^c&d~e\\f\ngià € \u{4e00}").at(place("OBX^1^5"))];
        self.ack("utf-8", &message("UNICODE UTF-8", "Forlì".as_bytes()), &fault, 4096);
        self.ack("unlabelled", &message("", "Forlì".as_bytes()), &fault, 4096);
        self.ack("latin-1", &message("8859/1", b"Forl\xec"), &fault, 4096);
        self.ack("latin-9", &message("8859/15", b"Forl\xec"), &fault, 4096);
        self.ack("many", &message("", b"LAB"), &vec![fault[0].clone(); 100], 4096);
        self.ack("short", &message("", b"LAB"), &vec![fault[0].clone(); 100], 400);
    }

    /// What is no message, or not one that can be read.
    fn unreadable(&self) {
        let bodies: [(&str, &[u8]); 8] = [
            ("empty", b""),
            ("name-alone", b"MSH"),
            ("no-message", b"{\"reportNumber\":\"1\"}"),
            ("colliding", b"MSH|^^\\&|LIS|LAB|||20201020||ORU^R01|M1|P|2.5.1\r"),
            ("cut", b"MSH|^~\\&|LIS|LAB|||2020"),
            ("no-identifier", b"MSH|^~\\&|LIS|LAB|||20201020||ORU^R01||P|2.5.1\r"),
            ("other-type", b"MSH|^~\\&|LIS|LAB|||20201020||ADT^A01^ADT_A01|M1|P|2.5.1\r"),
            ("odd-delimiters", b"MSH$%*!@$LIS%S$LAB$$$20201020$$ORU%R01$M1$P$2.5.1\r"),
        ];
        for (name, body) in bodies {
            let (_, faults) = self.decode(body);
            self.ack(name, body, &faults, 4096);
        }
    }

    /// The accepted reports of a message, and all its faults.
    fn decode(&self, message: &[u8]) -> (Vec<(String, Timestamp)>, Vec<Fault>) {
        let limits = Limits::default();
        let received_at = "2025-01-15T12:00:00Z".parse().unwrap();
        let context = Context { received_at, zone: &self.zone, charset: None, facilities: &[], limits: &limits };
        let (mut reports, mut faults) = (Vec::new(), Vec::new());
        hl7::decode(message, (0, 1), &context, &mut |item| {
            faults.extend(item.faults);
            if let Some(report) = item.report.filter(|_| item.accepted) {
                reports.push((serde_json::to_string(&report).unwrap(), report.issued_at.unwrap_or(received_at)));
            }
        });
        (reports, faults)
    }

    /// The real files: each message's acknowledgement, and its reports written again.
    fn files(&self) {
        let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/hl7"));
        let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        for path in paths.filter(|path| path.extension().is_some_and(|extension| extension == "hl7")) {
            let body = fs::read(&path).unwrap();
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            let split = split(Format::Hl7, &body, &Limits::default()).expect("messages");
            for (index, unit) in split.units.iter().enumerate() {
                let message = body.get(unit.bytes.clone()).unwrap();
                let (reports, faults) = self.decode(message);
                let name = format!("file-{name}-{index}");
                self.ack(&name, message, &faults, 4096);
                if !reports.is_empty() {
                    self.oru(&name, &reports);
                }
            }
        }
    }

    /// Native reports, each with something that the files do not have.
    fn by_hand(&self) {
        let native = |changes: Value| {
            let mut report = json!({
                "reportNumber": "TO-1", "status": "final",
                "test": {"code": "94500-6", "system": "http://loinc.org", "display": "SARS-CoV-2 RNA"},
                "patient": {"fiscalCode": "RSSMRA85T10A562S", "family": "De' Rossi", "given": "Nicolò"},
                "result": "positive"
            });
            report.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
            (report.to_string(), "2020-10-20T09:04:00Z".parse().unwrap())
        };
        let result = |code: &str, value: &str| json!({"code": code, "value": value});
        let two = [native(json!({})), native(json!({"reportNumber": "TO-2", "patient": {"given": "Anna"}}))];
        self.oru("two-persons", &two);
        for status in ["registered", "preliminary", "final", "corrected", "cancelled", "entered-in-error"] {
            self.oru(&format!("status-{status}"), &[native(json!({"status": status, "result": "positive"}))]);
        }
        for result in ["positive", "negative", "inconclusive", "unsatisfactory", "not-interpreted"] {
            self.oru(&format!("result-{result}"), &[native(json!({"result": result}))]);
        }
        let samples = [
            ("words", json!({"result": "not-interpreted", "resultText": "vedi|nota"})),
            ("training", json!({"processingId": "T"})),
            (
                "foreigner",
                json!({"patient": {"fiscalCode": "STP0101231234567", "identifiers": [
                {"system": "urn:oid:1.2.3", "value": "7"}, {"system": "https://example.org/id", "value": "8"}, {"value": "9"}]}}),
            ),
            (
                "addresses",
                json!({"patient": {"family": "Rossi", "birthDate": "1985-12-10", "sex": "F", "phone": "011 555 1234",
                "residence": {"municipality": "001272", "address": "Via Po 1 & 2", "city": "Torino", "postalCode": "10100", "province": "TO", "country": "ITA"},
                "domicile": {"city": "Asti"}}}),
            ),
            (
                "specimen",
                json!({"specimen": {"id": "S-1", "type": "258500001", "collectedAt": "2020-10-19T06:30:00Z", "receivedAt": "2020-10-19T10:00:00.5Z"},
                "order": {"number": "O-1", "requestedAt": "2020-10-18T10:00:00Z", "reason": "contact"}, "orderer": "Bianchi Anna", "authoriser": "Verdi Ugo",
                "performer": {"id": "P1", "name": "Laboratorio"}, "observations": [result("94500-6", "POS"), {"code": "95419-8", "value": "Y", "askAtOrder": true}]}),
            ),
            ("specimen-without-type", json!({"specimen": {"id": "S-1"}})),
            (
                "asked-first",
                json!({"observations": [{"code": "local-1", "value": "sì", "askAtOrder": true, "note": "detto a voce"}, result("94500-6", "NEG")]}),
            ),
            (
                "measured",
                json!({"note": "prima riga\nseconda riga", "observations": [
                {"code": "94746-5", "value": "21.4", "unit": "{Ct}", "range": "<40", "interpretation": "N", "note": " in fondo "},
                {"code": "94746-5", "value": "a\nb", "status": "corrected"}, {"code": "x", "system": "L", "value": "x".repeat(300)}, {"code": "y"}]}),
            ),
            (
                "documents",
                json!({"attachments": [{"contentType": "application/pdf", "data": "JVBERi0x".repeat(500)}, {"contentType": "image/png", "data": "iVBORw=="},
                {"contentType": "a/b; c=d", "data": "AAAA"}]}),
            ),
        ];
        for (name, changes) in samples {
            self.oru(name, &[native(changes)]);
        }
    }
}

fn place(location: &str) -> At {
    At::Location(location.to_owned())
}
