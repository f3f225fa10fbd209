//! Acknowledgements: goldens by hand from v2.5.1 §2.9, §2.13.1 and §2.15.

use jiff::tz::TimeZone;
use schemas::{
    At, Fault,
    format::Charset,
    hl7::{Answer, acknowledge},
};

use super::{HEADER, OBR, OBX, PID, message};

/// What is said beside the faults; received at five past eleven on 20 October 2020, in Rome.
pub(super) struct Said {
    pub(super) charset: Option<Charset>,
    pub(super) omitted: u64,
    pub(super) max_bytes: usize,
}

pub(super) const PLAIN: Said = Said { charset: None, omitted: 0, max_bytes: 4096 };

impl Said {
    pub(super) fn answer(&self, message: &[u8], faults: &[Fault]) -> Vec<u8> {
        let zone = TimeZone::get("Europe/Rome").unwrap();
        let answer = Answer {
            received_at: "2020-10-20T09:05:00.5Z".parse().unwrap(),
            zone: &zone,
            control_id: "A1",
            charset: self.charset,
            faults,
            faults_omitted: self.omitted,
            max_bytes: self.max_bytes,
        };
        acknowledge(message, &answer)
    }

    fn text(&self, message: &[u8], faults: &[Fault]) -> String {
        String::from_utf8(self.answer(message, faults)).unwrap()
    }
}

fn at(location: &str, fault: Fault) -> Fault {
    Fault { line: Some(18), ..fault }.at(At::Location(location.to_owned()))
}

pub(super) fn error(code: &'static str) -> Fault {
    Fault::error(code, "mend it")
}

pub(super) fn warning(code: &'static str) -> Fault {
    Fault::warning(code, "look at it")
}

#[test]
fn an_accepted_message_is_answered_by_two_segments() {
    let whole = message(&[HEADER, PID, OBR, OBX]);
    let golden = "MSH|^~\\&|REFERTO||LIS|LAB^1.2.3^ISO|20201020110500+0200||ACK^R01^ACK|A1|P|2.5.1\rMSA|AA|M1\r";
    assert_eq!(PLAIN.text(whole.as_bytes(), &[]), golden);
}

#[test]
fn sender_and_receiver_change_places() {
    let header =
        "MSH|^~\\&|LIS^1.2^ISO|LAB|REGIONE&X|PIEMONTE^3^ISO|202010201105||ORU^R01|M\\T\\1|T^A|2.3|7|||||8859/1";
    let golden = "MSH|^~\\&|REGIONE&X|PIEMONTE^3^ISO|LIS^1.2^ISO|LAB|20201020110500+0200||ACK^R01|A1|T|2.3||||||8859/1\r\
                  MSA|AA|M\\T\\1\r";
    assert_eq!(PLAIN.text(header.as_bytes(), &[]), golden);
}

#[test]
fn each_fault_is_one_segment_with_its_place_its_condition_and_its_remedy() {
    let faults = [
        at("PID^1^3", warning("fiscal-code-invalid")),
        at("OBX^12^5^2^1", error("attachment-invalid")),
        at("OBR^1", error("result-missing")),
        Fault { line: Some(4), ..error("segment-unreadable") },
        Fault::error("x-new", "a|b^c&d~e\\f\r\ng"),
    ];
    let golden = "MSH|^~\\&|REFERTO||LIS|LAB^1.2.3^ISO|20201020110500+0200||ACK^R01^ACK|A1|P|2.5.1\r\
        MSA|AE|M1\r\
        ERR||PID^1^3|102^Data type error^HL70357|W|fiscal-code-invalid^^L||line 18|look at it\r\
        ERR||OBX^12^5^2^1|102^Data type error^HL70357|E|attachment-invalid^^L||line 18|mend it\r\
        ERR||OBR^1|101^Required field missing^HL70357|E|result-missing^^L||line 18|mend it\r\
        ERR|||100^Segment sequence error^HL70357|E|segment-unreadable^^L||line 4|mend it\r\
        ERR|||207^Application internal error^HL70357|E|x-new^^L|||a\\F\\b\\S\\c\\T\\d\\R\\e\\E\\f\\.br\\g\r";
    assert_eq!(PLAIN.text(HEADER.as_bytes(), &faults), golden);
}

/// MSA-1 for MSH-9, MSH-15, MSH-16 and the faults.
fn verdict(kind: &str, accept: &str, application: &str, faults: &[Fault]) -> (String, String) {
    let header = format!("MSH|^~\\&|LIS|LAB|||20201020110500||{kind}|M1|P|2.5.1|||{accept}|{application}");
    let text = PLAIN.text(header.as_bytes(), faults);
    let field = |name: &str, number: usize| {
        let segment = text.split('\r').find(|segment| segment.starts_with(name)).unwrap_or_default();
        segment.split('|').nth(number).unwrap_or_default().to_owned()
    };
    (field("MSA", 1), field("ERR", 3).chars().take(3).collect())
}

#[test]
fn the_verdict_follows_the_faults() {
    let table: [(&str, &[Fault], &str, &str); 9] = [
        ("ORU^R01", &[], "AA", ""),
        ("ORU^R01", &[warning("phone-invalid")], "AA", "102"),
        ("ORU^R01", &[warning("control-id-reused")], "AA", "205"),
        ("ORU^R01", &[error("status-invalid")], "AE", "103"),
        ("ORU^R01", &[error("version-unsupported")], "AR", "203"),
        ("ORU^R01", &[error("processing-id-invalid"), error("status-invalid")], "AR", "202"),
        ("ADT^A01", &[error("message-type-unsupported")], "AR", "200"),
        ("ORU^R30", &[error("message-type-unsupported")], "AR", "201"),
        ("ORU^R01", &[error("separators-missing")], "AE", "101"),
    ];
    for (kind, faults, code, condition) in table {
        assert_eq!(verdict(kind, "", "", faults), (code.to_owned(), condition.to_owned()), "{kind} {condition}");
    }
}

#[test]
fn the_mode_follows_what_the_message_asks_for() {
    // MSH-15, MSH-16, accepted, in error, rejected (§2.9.3, table 0155).
    let table = [
        ("", "", "AA", "AE", "AR"),
        ("\"\"", "", "AA", "AE", "AR"),
        ("AL", "", "CA", "CE", "CR"),
        ("AL", "AL", "CA", "CE", "CR"),
        ("AL", "NE", "CA", "CE", "CR"),
        ("NE", "AL", "AA", "AE", "AR"),
        ("", "AL", "AA", "AE", "AR"),
        ("NE", "NE", "CA", "CE", "CR"),
        ("NE", "", "CA", "CE", "CR"),
        ("ER", "AL", "AA", "CE", "CR"),
        ("SU", "AL", "CA", "AE", "AR"),
        ("SU", "ER", "CA", "AE", "AR"),
        ("ER", "SU", "AA", "CE", "CR"),
        ("NE", "ER", "CA", "AE", "AR"),
        ("NE", "SU", "AA", "CE", "CR"),
    ];
    let (wrong, other) = ([error("status-invalid")], [error("version-unsupported")]);
    for (accept, application, accepted, in_error, rejected) in table {
        let of = |faults: &[Fault]| verdict("ORU^R01", accept, application, faults).0;
        assert_eq!([of(&[]), of(&wrong), of(&other)], [accepted, in_error, rejected], "{accept:?} {application:?}");
    }
}

#[test]
fn the_version_is_the_message_s_unless_its_errors_could_not_be_said() {
    let table = [
        ("2.3", "2.3", "2.5.1"),
        ("2.3.1", "2.3.1", "2.5.1"),
        ("2.4", "2.4", "2.5.1"),
        ("2.5", "2.5", "2.5"),
        ("2.5.1^ITA", "2.5.1", "2.5.1"),
        ("2.6", "2.6", "2.6"),
        ("2.7", "2.7", "2.7"),
        ("2.8", "2.8", "2.8"),
        ("2.2", "2.5.1", "2.5.1"),
        ("2.9", "2.5.1", "2.5.1"),
        ("", "2.5.1", "2.5.1"),
    ];
    for (sent, silent, with_errors) in table {
        let header = format!("MSH|^~\\&|LIS|LAB|||20201020110500||ORU^R01|M1|P|{sent}");
        let version = |faults: &[Fault]| {
            let text = PLAIN.text(header.as_bytes(), faults);
            text.split(['|', '\r']).nth(11).unwrap().to_owned()
        };
        assert_eq!([version(&[]), version(&[warning("phone-invalid")])], [silent, with_errors], "{sent}");
    }
}

#[test]
fn the_delimiters_are_the_message_s_where_it_has_any() {
    let faults = [at("MSH^1^10", warning("control-id-reused"))];
    let odd = "MSH$%*!+$LI%S$LAB$$$2020$$ORU%R01$M|1$P$2.6";
    // A sign that delimits is escaped wherever it stands, in an offset too.
    let golden = "MSH$%*!+$REFERTO$$LI%S$LAB$20201020110500!T!0200$$ACK%R01%ACK$A1$P$2.6\r";
    let err = "ERR$$MSH%1%10$205%Duplicate key identifier%HL70357$W$control-id-reused%%L$$line 18$look at it\r";
    assert_eq!(PLAIN.text(odd.as_bytes(), &faults), format!("{golden}MSA$AA$M|1\r{err}"));
    // The truncation character is one of v2.7 (§2.5.5.2).
    let truncating = |version: &str| {
        let header = format!("MSH|^~\\&#|LIS|LAB|||2020||ORU^R01|M#1|P|{version}");
        PLAIN.text(header.as_bytes(), &[Fault::error("status-invalid", "#")])
    };
    let (before, after) = (truncating("2.5.1"), truncating("2.7"));
    assert!(before.starts_with("MSH|^~\\&|") && before.contains("|M#1\r") && before.ends_with("|#\r"), "{before}");
    assert!(after.starts_with("MSH|^~\\&#|") && after.contains("|M#1\r") && after.ends_with("|\\P\\\r"), "{after}");
    // Without an escape character, what would need one is a blank.
    let none = [Fault::error("status-invalid", "send F|C")];
    assert!(PLAIN.text(b"MSH|^~|L|||||O|ORU^R01|M1|P|2.5.1\r", &none).ends_with("status-invalid^^L|||send F C\r"));
    let unreadable = [
        ("", "MSH|^~\\&|REFERTO||||", "\"\""),
        ("MSH", "MSH|^~\\&|REFERTO||||", "\"\""),
        ("PID|1|2|3", "MSH|^~\\&|REFERTO||||", "\"\""),
        ("MSHx^~\\&xLISxLAB", "MSH|^~\\&|REFERTO||||", "\"\""),
        ("MSH|^^\\&|LIS|LAB|||||ORU^R01|M1", "MSH|^~\\&|REFERTO||LIS|LAB|", "M1"),
        ("MSH$^^$LIS$LAB$$$$$ORU^R01$M|1", "MSH$^~\\&$REFERTO$$LIS$LAB$", "M|1"),
        ("\r\n\u{b}MSH|^~\\&|LIS|LAB|||||ORU^R01|M1|P|2.4\u{1c}\r", "MSH|^~\\&|REFERTO||LIS|LAB|", "M1"),
    ];
    for (sent, begins, identifier) in unreadable {
        let text = PLAIN.text(sent.as_bytes(), &[error("separators-missing")]);
        assert!(text.starts_with(begins), "{sent}: {text}");
        let msa = text.split('\r').nth(1).unwrap();
        assert_eq!(&msa[7..], identifier, "{sent}");
        assert!(msa.starts_with("MSA") && msa[4..].starts_with("AE"));
    }
}

#[test]
fn the_charset_is_the_request_s_then_the_message_s_and_is_named() {
    let header = |label: &str, name: &[u8]| {
        let mut bytes = b"MSH|^~\\&|LIS|".to_vec();
        bytes.extend(name);
        bytes.extend(format!("|||2020||ORU^R01|M1|P|2.5.1||||||{label}\r").into_bytes());
        bytes
    };
    let (utf8, latin): (&[u8], &[u8]) = ("Forlì".as_bytes(), b"Forl\xec");
    let euro = [Fault::error("status-invalid", "è 5 € \u{4e00}")];
    let table = [
        ("", utf8, None, "UNICODE UTF-8"),
        ("", latin, None, "8859/1"),
        ("8859/1", latin, None, "8859/1"),
        ("8859/15", latin, None, "8859/15"),
        ("UNICODE UTF-8", b"Forli", None, "UNICODE UTF-8"),
        ("8859/1", b"Forli", Some(Charset::Latin9), "8859/15"),
        ("JAS2020", utf8, None, "UNICODE UTF-8"),
    ];
    for (label, name, charset, named) in table {
        let detail: &[u8] = match named {
            "8859/1" => b"\xe8 5 ? ?",
            "8859/15" => b"\xe8 5 \xa4 ?",
            _ => "è 5 € \u{4e00}".as_bytes(),
        };
        let bytes = Said { charset, ..PLAIN }.answer(&header(label, name), &euro);
        let contains = |wanted: &[u8]| bytes.windows(wanted.len()).any(|window| window == wanted);
        assert!(contains(format!("|2.5.1||||||{named}\r").as_bytes()), "{label}");
        assert!(contains(&[b"|", name, b"|2020"].concat()), "{label}: as sent");
        assert!(bytes.ends_with(&[b"|||", detail, b"\r"].concat()), "{label}");
    }
    let said = PLAIN.text(&header("", b"Forli"), &euro);
    assert!(said.contains("||||||UNICODE UTF-8\rMSA"), "{said}");
    let plain = PLAIN.text(&header("ASCII", b"Forli"), &[]);
    assert!(plain.contains("|2.5.1\rMSA"), "{plain}");
}

#[test]
fn what_does_not_fit_is_counted_and_errors_come_first() {
    let mut faults = vec![warning("phone-invalid"); 40];
    faults.extend([error("status-invalid"), error("attachment-invalid")]);
    let all = PLAIN.text(HEADER.as_bytes(), &faults);
    assert_eq!(all.matches("ERR|").count(), 42);
    let short = Said { max_bytes: 600, ..PLAIN }.text(HEADER.as_bytes(), &faults);
    assert!(short.len() <= 600);
    let codes: Vec<_> = short
        .split('\r')
        .filter(|segment| segment.starts_with("ERR"))
        .map(|err| err.split('|').nth(5).unwrap())
        .collect();
    let written = codes.len() - 1;
    assert_eq!(&codes[..3], ["status-invalid^^L", "attachment-invalid^^L", "phone-invalid^^L"]);
    let last = format!(
        "ERR|||207^Application internal error^HL70357|I|faults-omitted^^L|||{} more faults are not listed: mend these and \
         send it again to see the others\r",
        42 - written
    );
    assert!(short.ends_with(&last), "{short}");
    let more = Said { omitted: 7, ..PLAIN }.text(HEADER.as_bytes(), &[error("status-invalid")]);
    assert!(more.contains("|||7 more faults are not listed") && more.contains("MSA|AE|"));
}

#[test]
fn a_message_of_a_name_too_long_is_answered_within_the_limit() {
    let long = "è".repeat(5000);
    let header = format!("MSH|^~\\&|{long}|LAB|||2020||ORU^R01|{long}|P|2.5.1");
    let answer = Said { max_bytes: 300, ..PLAIN }.text(header.as_bytes(), &[error("status-invalid")]);
    assert!(answer.len() <= 300 && answer.contains("MSA|AE|èèè"), "{answer}");
    let header = format!("MSH|^~\\&|{long}|LAB|||2020||ORU^R01|M1|P|2.5.1");
    let answer = Said { max_bytes: 300, ..PLAIN }.text(header.as_bytes(), &[]);
    assert!(answer.starts_with("MSH|^~\\&|REFERTO||||20201020110500+0200|") && answer.contains("MSA|AA|M1\r"));
}
