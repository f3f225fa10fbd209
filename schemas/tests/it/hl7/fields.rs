//! Fields in all the shapes in which senders write them, each beside what the standard makes of it.

use serde_json::{Value, json};

use super::{
    HEADER, OBR, OBX, PID, Setting, accepted, faults,
    mapping::{one, with},
    message,
};

/// Fields by their numbers.
type Fields<'a> = &'a [(usize, &'a str)];

/// PID-3 before PID-19, PID-2 and PID-4 (§3.4.2); faults name the field in which the code stood.
#[test]
fn the_italian_code_is_found_in_the_fields_of_older_versions() {
    let code = "RSSMRA85T10A562S";
    let table: [(Fields<'_>, Option<&str>); 7] = [
        (&[(3, "X1"), (19, code)], Some(code)),
        (&[(3, "X1"), (2, "rssmra85t10a562s")], Some(code)),
        (&[(3, "X1"), (4, "E7~RSSMRA85T10A562S^^^MEF")], Some(code)),
        (&[(3, ""), (19, code)], Some(code)),
        (&[(3, "X1"), (19, "123-45-6789")], None),
        (&[(3, "X1"), (21, code)], None),
        (&[(3, "RSSMRA85T10A562T"), (19, code)], Some(code)),
    ];
    for (fields, expected) in table {
        let patient = &one(&[HEADER, &with(PID, fields), OBR, OBX])["patient"];
        assert_eq!(patient["fiscalCode"].as_str(), expected, "{fields:?}");
    }
    let mistyped = with(PID, &[(3, "X1"), (19, "RSSMRA85T10A562T")]);
    assert_eq!(faults(&message(&[HEADER, &mistyped, OBR, OBX])), ["warning fiscal-code-invalid PID^1^19 line 2"]);
}

/// §3.4.2.2 and §3.4.2.4: where PID-3 is empty, what stands in the fields that it replaced identifies the person.
#[test]
fn older_identifiers_are_taken_where_there_are_no_others() {
    let of = |fields: Fields<'_>| one(&[HEADER, &with(PID, fields), OBR, OBX])["patient"]["identifiers"].clone();
    assert_eq!(of(&[(3, ""), (2, "E1^^^ASL"), (5, "")]), json!([{"system": "ASL", "value": "E1"}]));
    assert_eq!(of(&[(3, ""), (4, "E2"), (19, "123-45-6789")]), json!([{"value": "E2"}]));
    assert_eq!(of(&[(3, "X1"), (2, "E1"), (4, "E2")]), json!([{"value": "X1"}]));
}

/// XPN (§2.A) with its types (table 0200).
#[test]
fn the_name_is_the_legal_one() {
    let table = [
        ("Rossi^Mario", "Rossi", json!("Mario")),
        ("Rossi&&Rossi&&Bianchi^Mario^Luca", "Rossi", json!("Mario")),
        ("&de&Rossi^Mario", "Rossi", json!("Mario")),
        ("Super^Mario^^^^^A~Rossi^Mario^^^^^D", "Rossi", json!("Mario")),
        ("Mariuccio^^^^^^N~\"\"^\"\"^^^^^L~Rossi^Mario", "Rossi", json!("Mario")),
        ("Super^Mario^^^^^A", "Super", json!("Mario")),
        ("Rossi", "Rossi", Value::Null),
        ("Rossi^\"\"", "Rossi", Value::Null),
    ];
    for (pid5, family, given) in table {
        let patient = &one(&[HEADER, &with(PID, &[(5, pid5)]), OBR, OBX])["patient"];
        assert_eq!((&patient["family"], &patient["given"]), (&json!(family), &given), "{pid5}");
    }
}

/// Table 0001, which v2.7 made a CWE: kept as written, and said where it is none of its letters.
#[test]
fn the_sex_is_a_letter_of_the_table() {
    for (pid8, sex) in [("M", "M"), ("f", "f"), ("F^Female^HL70001", "F"), ("Femmina", "Femmina"), ("a", "a")] {
        assert_eq!(one(&[HEADER, &with(PID, &[(8, pid8)]), OBR, OBX])["patient"]["sex"], sex, "{pid8}");
    }
    let unknown = message(&[HEADER, &with(PID, &[(8, "19851210")]), OBR, OBX]);
    assert_eq!(faults(&unknown), ["warning sex-unknown PID^1^8 line 2"]);
}

/// XAD (§2.A) with its types (table 0190): each address by its city, and the municipality's code.
#[test]
fn addresses_by_their_type() {
    let table = [
        ("Via Po 1^^Torino", json!(["Torino", null]), Value::Null),
        ("^^Torino^^^^H~^^Asti^^^^L", json!(["Asti", "Torino"]), Value::Null),
        ("^^Torino^^^^L~^^Asti^^^^C~^^Cuneo^^^^H", json!(["Torino", "Asti"]), Value::Null),
        ("^^Roma^^^^BDL~^^Asti^^^^O~^^Torino^^^^BA~^^Cuneo^^^^H", json!(["Cuneo", null]), Value::Null),
        ("^^Cuneo^^^^C", json!([null, "Cuneo"]), Value::Null),
        ("^^Torino^^^ITA^L^^001272", json!(["Torino", null]), json!("001272")),
        ("^^Torino^^^ITA^L^^^001272", json!(["Torino", null]), json!("001272")),
        ("^^001272^TO^^IT^L", json!([null, null]), json!("001272")),
        ("^^Springfield^IL^62701^USA^H^^17167^010100", json!(["Springfield", null]), Value::Null),
        ("\"\"", json!([null, null]), Value::Null),
    ];
    for (pid11, cities, municipality) in table {
        let patient = &one(&[HEADER, &with(PID, &[(11, pid11)]), OBR, OBX])["patient"];
        let city = |place: &str| patient.pointer(&format!("/{place}/city")).cloned().unwrap_or_default();
        assert_eq!(json!([city("residence"), city("domicile")]), cities, "{pid11}");
        let code = patient.pointer("/residence/municipality").cloned().unwrap_or_default();
        assert_eq!(code, municipality, "{pid11}");
    }
}

/// DTM (§2.A.22): what is not written is the first instant; no hour 24, no month 0, no year 0.
#[test]
fn times_as_they_are_written() {
    let table = [
        ("202010201104+0200", Some("2020-10-20T09:04:00Z")),
        ("20201020110400.1234+0200", Some("2020-10-20T09:04:00.1234Z")),
        ("20201020110400-0500", Some("2020-10-20T16:04:00Z")),
        ("2020102011", Some("2020-10-20T09:00:00Z")),
        ("20201020", Some("2020-10-19T22:00:00Z")),
        ("202010", Some("2020-09-30T22:00:00Z")),
        ("2020", Some("2019-12-31T23:00:00Z")),
        ("20201020110400^S", Some("2020-10-20T09:04:00Z")),
        ("20201020240000", None),
        ("00000000", None),
        ("20200001", None),
        ("20200230", None),
        ("202010201104+02", None),
        ("20201020T1104", None),
        ("2020-10-20", None),
    ];
    for (obr22, time) in table {
        let items = Setting::default().decode(message(&[HEADER, PID, &with(OBR, &[(22, obr22)]), OBX]).as_bytes());
        assert_eq!(items[0].issued_at.map(|time| time.to_string()).as_deref(), time, "{obr22}");
        assert_eq!(items[0].accepted, time.is_some(), "{obr22}");
    }
}

/// PID-7 (§3.4.2.7): a date with or without a time; the report stands without it.
#[test]
fn birth_dates_as_they_are_written() {
    let table = [
        ("19851210", Some("1985-12-10")),
        ("198512100730", Some("1985-12-10")),
        ("19851210000000.0000+0100", Some("1985-12-10")),
        ("1985", None),
        ("00000000", None),
        ("10/12/1985", None),
        ("1985-12-10", None),
    ];
    for (pid7, date) in table {
        let body = message(&[HEADER, &with(PID, &[(7, pid7)]), OBR, OBX]);
        assert_eq!(accepted(&body)[0]["patient"]["birthDate"].as_str(), date, "{pid7}");
        let found = if date.is_none() { vec!["warning birth-date-invalid PID^1^7 line 2"] } else { vec![] };
        assert_eq!(faults(&body), found, "{pid7}");
    }
}

/// OBX-2 (table 0125) in its types; what no rule reads is kept as it stands, without the separators at its end.
#[test]
fn values_of_the_rarer_types() {
    let table = [
        ("DT", "20201020", json!([[null, "20201020"]])),
        ("TM", "1104", json!([[null, "1104"]])),
        ("DTM", "20201020110400+0200", json!([[null, "20201020110400+0200"]])),
        ("NA", "1^2^3", json!([[null, "1^2^3"]])),
        ("EI", "A7^LIS", json!([[null, "A7^LIS"]])),
        ("ID", "Y", json!([[null, "Y"]])),
        ("IS", "NEG", json!([[null, "NEG"]])),
        ("CF", "POS^Positivo^L", json!([["POS", "Positivo"]])),
        ("CNE", "260415000^Not detected^SCT", json!([["260415000", "Not detected"]])),
        ("SN", "^10^-^20~<^5", json!([[null, "10-20\n<5"]])),
        ("ST", "NEGATIVO^^", json!([[null, "NEGATIVO"]])),
        ("TX", "one~~two", json!([[null, "one\ntwo"]])),
        ("cwe", "260415000^Not detected^SCT", json!([["260415000", "Not detected"]])),
        ("", "A^B", json!([[null, "A^B"]])),
        ("CWE", "LA6576-8^Positive^LN^10828004^Positive^SCT", json!([["10828004", "Positive"]])),
        (
            "CWE",
            "LA6577-6^Negative^LN^10828004^Positive^SCT",
            json!([["10828004", "Positive"], ["LA6577-6", "Negative"]]),
        ),
        ("CWE", "260415000^Not detected^SCT^^^^^^POSITIVO", json!([["260415000", "Not detected"], [null, "POSITIVO"]])),
    ];
    for (kind, value, expected) in table {
        let report = one(&[HEADER, PID, OBR, &with(OBX, &[(2, kind), (5, value)])]);
        let values: Vec<_> =
            report["observations"].as_array().unwrap().iter().map(|o| json!([o["valueCode"], o["value"]])).collect();
        assert_eq!(Value::Array(values), expected, "{kind} {value}");
    }
}

/// OBR-31 (§4.5.3.31): only what means one of the contract's words without doubt.
#[test]
fn the_reason_is_told_where_it_leaves_no_doubt() {
    let table = [
        ("contact", json!("contact")),
        ("End-of-isolation^Fine isolamento^L", json!("end-of-isolation")),
        ("Z20.828^Contact^I10C", json!("contact")),
        ("L9^Contatto^L^840546002^Exposure^SCT", json!("contact")),
        ("Z11.52~screening", json!("screening")),
        ("contact~symptoms", Value::Null),
        ("R05^Cough^I10", Value::Null),
        ("^contact", Value::Null),
    ];
    for (obr31, reason) in table {
        let report = one(&[HEADER, PID, &with(OBR, &[(31, obr31)]), OBX]);
        assert_eq!(report["order"].get("reason").cloned().unwrap_or_default(), reason, "{obr31}");
    }
}

/// Who asked and who answers for it, in the shapes of XCN, CN and NDL (§2.A).
#[test]
fn people_of_the_order() {
    let table = [
        ("D1^Bianchi^Anna", "A1&Verdi&Ugo", "Bianchi Anna", "Verdi Ugo"),
        ("D1^Bianchi&de&Bianchi^Anna", "A1&Verdi&Ugo^20201020", "Bianchi Anna", "Verdi Ugo"),
        ("D1", "A1^Verdi^Ugo", "D1", "Verdi Ugo"),
        ("^Bianchi", "A1^20201020110000", "Bianchi", "A1"),
    ];
    for (obr16, obr32, orderer, authoriser) in table {
        let report = one(&[HEADER, PID, &with(OBR, &[(16, obr16), (32, obr32)]), OBX]);
        assert_eq!(
            (&report["orderer"], &report["authoriser"]),
            (&json!(orderer), &json!(authoriser)),
            "{obr16} {obr32}"
        );
    }
}
