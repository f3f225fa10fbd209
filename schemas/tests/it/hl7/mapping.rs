//! From fields to the report: each rule from the standard and the contract, written by hand.

use serde_json::{Value, json};

use super::{HEADER, OBR, OBX, PID, Setting, accepted, faults, message, shown};

/// `OBR` with fields replaced: (number, content).
pub(super) fn with(segment: &str, fields: &[(usize, &str)]) -> String {
    let mut parts: Vec<&str> = segment.split('|').collect();
    let before = usize::from(segment.starts_with("MSH"));
    for (number, content) in fields {
        let index = number - before;
        if parts.len() <= index {
            parts.resize(index + 1, "");
        }
        parts[index] = content;
    }
    parts.join("|")
}

pub(super) fn one(segments: &[&str]) -> Value {
    let reports = accepted(&message(segments));
    assert_eq!(reports.len(), 1);
    reports.into_iter().next().unwrap()
}

#[test]
fn a_whole_message() {
    let obr = with(OBR, &[(16, "D1^Bianchi^Anna"), (32, "A1&Verdi&Ugo")]);
    let obx = with(OBX, &[(6, "1^one^UCUM"), (7, "absent"), (8, "POS^Positive"), (23, "Ospedale^L^^^^^^^^H1")]);
    let segments = [
        HEADER,
        PID,
        "NTE|1||of the person",
        "ORC|RE|P1|F1||||||20201018090000+0200",
        &obr,
        "NTE|1||first~second",
        &obx,
        "NTE|1||\\T\\ a note",
        "SPM|1|S1&A^S2&B||258500001^Swab^SCT|||||||||||||20201019080000+0200^x|20201019120000+0200",
        "OBX|1|ST|V1^Volume^L||3 mL||||||F",
    ];
    assert_eq!(
        one(&segments),
        json!({
            "reportNumber": "F1",
            "status": "final",
            "test": {"code": "94500-6", "system": "http://loinc.org", "display": "SARS-CoV-2 RNA"},
            "specimen": {"id": "S2", "type": "258500001", "collectedAt": "2020-10-19T06:00:00Z", "receivedAt": "2020-10-19T10:00:00Z"},
            "patient": {"fiscalCode": "RSSMRA85T10A562S", "family": "Rossi", "given": "Mario", "birthDate": "1985-12-10",
                        "sex": "M", "phone": "+393331234567"},
            "order": {"number": "P1", "requestedAt": "2020-10-18T07:00:00Z"},
            "performer": {"id": "H1", "name": "Ospedale"},
            "orderer": "Bianchi Anna",
            "authoriser": "Verdi Ugo",
            "note": "of the person\nfirst\nsecond",
            "observations": [
                {"code": "94500-6", "system": "http://loinc.org", "display": "SARS-CoV-2 RNA", "value": "Detected",
                 "valueCode": "260373001", "valueSystem": "http://snomed.info/sct", "unit": "1", "range": "absent",
                 "interpretation": "POS", "note": "& a note"},
                {"code": "V1", "system": "L", "display": "Volume", "value": "3 mL", "askAtOrder": true},
            ],
        })
    );
}

/// Contract, 'Identity': OBR-3, ORC-3, SPM-2.2, SPM-2.1, OBR-2, ORC-2; an assigner alone is none.
#[test]
fn the_number_is_the_first_that_is_not_empty() {
    let table = [
        ("F^A", "F2", "S1&A^S2&B", "P", "F"),
        ("^A^1.2^ISO", "F2^A", "S1&A^S2&B", "P", "F2"),
        ("^A", "^A", "S1&A^S2&B", "P", "S2"),
        ("\"\"", "", "S1&A^&B", "P", "S1"),
        ("", "", "&A^&B", "P^X", "P"),
        ("", "", "", "^X", "PO"),
        ("a\\T\\b&c", "", "", "", "a&b&c"),
    ];
    for (obr3, orc3, spm2, obr2, number) in table {
        let orc = format!("ORC|RE|PO|{orc3}");
        let obr = with(OBR, &[(2, obr2), (3, obr3)]);
        let spm = format!("SPM|1|{spm2}||258500001");
        assert_eq!(one(&[HEADER, PID, &orc, &obr, OBX, &spm])["reportNumber"], number, "{obr3} {orc3} {spm2} {obr2}");
    }
    let none = message(&[HEADER, PID, "ORC|RE|^X|^X", &with(OBR, &[(2, ""), (3, "^LAB^1.2.3^ISO")]), OBX]);
    assert_eq!(faults(&none), ["error report-number-missing OBR^1^3 line 4"]);
}

#[test]
fn the_test_is_the_loinc_coding_where_there_is_one() {
    let table = [
        ("94500-6^RNA^LN", "94500-6", json!("http://loinc.org")),
        ("L1^Tampone^L^94500-6^RNA^LN", "94500-6", json!("http://loinc.org")),
        ("L1^Tampone^L^L2^x^99X^^^^94500-6^RNA^LN", "94500-6", json!("http://loinc.org")),
        ("L1^Tampone^L^123^x^SCT", "L1", json!("L")),
        ("^^^123^x^SCT", "123", json!("http://snomed.info/sct")),
        ("L1", "L1", Value::Null),
        ("L1^x^L^^^LN", "L1", json!("L")),
    ];
    for (obr4, code, system) in table {
        let test = &one(&[HEADER, PID, &with(OBR, &[(4, obr4)]), OBX])["test"];
        assert_eq!((&test["code"], &test["system"]), (&json!(code), &system), "{obr4}");
    }
}

#[test]
fn groups_of_one_number_and_test_are_one_report() {
    let second = with(OBR, &[(1, "2"), (22, "20201020120000+0200")]);
    let other_test = with(OBR, &[(1, "3"), (4, "94558-4^Ag^LN")]);
    let corrected = with(OBX, &[(5, "260415000^Not detected^SCT"), (11, "C")]);
    let items = Setting::default().decode(
        message(&[HEADER, PID, OBR, OBX, "NTE|1||a", &other_test, OBX, &second, "NTE|1||b", &corrected]).as_bytes(),
    );
    assert_eq!(items.iter().map(|item| item.line).collect::<Vec<_>>(), [3, 6]);
    assert_eq!(items[0].issued_at.unwrap().to_string(), "2020-10-20T10:00:00Z");
    let report = items[0].report.as_ref().unwrap();
    assert_eq!(report["status"], "corrected");
    assert_eq!(report["note"], "b");
    let codes: Vec<_> =
        report["observations"].as_array().unwrap().iter().map(|o| (&o["valueCode"], &o["status"])).collect();
    assert_eq!(codes, [(&json!("260373001"), &json!("final")), (&json!("260415000"), &Value::Null)]);
}

#[test]
fn two_persons_under_one_number_are_refused() {
    let other = PID.replace("RSSMRA85T10A562S", "MRTMTT91D08F205J").replace("Rossi^Mario", "Moretti^Matteo");
    let found = faults(&message(&[HEADER, PID, OBR, OBX, &other, OBR, OBX]));
    assert!(found.contains(&"error report-number-repeated OBR^2^3 line 6".to_owned()), "{found:?}");
}

#[test]
fn several_persons_and_orders_are_each_their_own() {
    let other = "PID|2||X1^^^LAB||Bianchi^Anna";
    let (second, third) = (with(OBR, &[(3, "F2")]), with(OBR, &[(3, "F3")]));
    let reports = accepted(&message(&[HEADER, PID, OBR, OBX, &second, OBX, other, "NTE|1||hers", &third, OBX]));
    let told: Vec<_> = reports.iter().map(|r| (&r["reportNumber"], &r["patient"]["family"], &r["note"])).collect();
    assert_eq!(
        told,
        [
            (&json!("F1"), &json!("Rossi"), &Value::Null),
            (&json!("F2"), &json!("Rossi"), &Value::Null),
            (&json!("F3"), &json!("Bianchi"), &json!("hers")),
        ]
    );
}

#[test]
fn statuses_of_the_report_and_its_observations() {
    let of = |obr25: &str, obx11: &str| {
        let report = one(&[HEADER, PID, &with(OBR, &[(25, obr25)]), &with(OBX, &[(11, obx11)])]);
        (report["status"].as_str().unwrap().to_owned(), report["observations"][0]["status"].as_str().map(str::to_owned))
    };
    let table = [
        ("F", "F", "final", None),
        ("F", "", "final", None),
        ("", "", "final", None),
        ("F", "C", "corrected", None),
        ("C", "F", "corrected", Some("final")),
        ("F", "P", "preliminary", None),
        ("F", "W", "entered-in-error", None),
        ("C", "D", "entered-in-error", None),
        ("F", "X", "cancelled", None),
        ("X", "F", "cancelled", Some("final")),
        ("P", "F", "preliminary", Some("final")),
        ("F", "I", "preliminary", Some("registered")),
    ];
    for (obr25, obx11, status, own) in table {
        assert_eq!(of(obr25, obx11), (status.to_owned(), own.map(str::to_owned)), "{obr25} {obx11}");
    }
}

/// What is asked at order entry decides no status: here it is final while the result is not.
#[test]
fn answers_at_order_entry_are_no_results() {
    let asked = with(OBX, &[(3, "X1^Symptoms^L"), (29, "QST")]);
    let detail = with(OBX, &[(3, "X2^Weight^L"), (11, "O")]);
    let preliminary = with(OBX, &[(11, "P")]);
    let report = one(&[HEADER, PID, OBR, &asked, &detail, &preliminary]);
    assert_eq!(report["status"], "preliminary");
    let asked: Vec<_> = report["observations"].as_array().unwrap().iter().map(|o| o["askAtOrder"] == true).collect();
    assert_eq!(asked, [true, true, false]);
}

#[test]
fn values_of_every_type() {
    let table = [
        ("CWE", "260373001^Detected^SCT", json!([["260373001", "http://snomed.info/sct", "Detected"]])),
        ("CE", "P^Positivo^L^10828004^Positive^SCT", json!([["10828004", "http://snomed.info/sct", "Positive"]])),
        ("CWE", "^^^^^^^^Rilevato", json!([[null, null, "Rilevato"]])),
        ("CE", "a^A^L~b^B^L", json!([["a", "L", "A"], ["b", "L", "B"]])),
        ("CWE", "", json!([[null, null, null]])),
        ("NM", "12.5", json!([[null, null, "12.5"]])),
        ("SN", "^1^:^128", json!([[null, null, "1:128"]])),
        ("SN", ">^100", json!([[null, null, ">100"]])),
        ("ST", "A^B&C", json!([[null, null, "A^B&C"]])),
        ("FT", "one\\.br\\two~three", json!([[null, null, "one\ntwo\nthree"]])),
        ("TS", "20201019083000^S", json!([[null, null, "20201019083000"]])),
        ("", "POSITIVO", json!([[null, null, "POSITIVO"]])),
        ("ST", "\"\"", json!([[null, null, null]])),
    ];
    for (kind, value, expected) in table {
        let report = one(&[HEADER, PID, OBR, &with(OBX, &[(2, kind), (5, value)])]);
        let values: Vec<_> = report["observations"]
            .as_array()
            .unwrap()
            .iter()
            .map(|o| json!([o["valueCode"], o["valueSystem"], o["value"]]))
            .collect();
        assert_eq!(Value::Array(values), expected, "{kind} {value}");
    }
}

#[test]
fn a_document_is_an_attachment() {
    let pdf = "OBX|2|ED|11502-2^Report^LN||LAB^application^PDF^Base64^JVBERi0=||||||F";
    let report = one(&[HEADER, PID, OBR, OBX, pdf]);
    assert_eq!(report["attachments"], json!([{"contentType": "application/pdf", "data": "JVBERi0="}]));
    assert_eq!(report["observations"].as_array().unwrap().len(), 1);
    let cut = message(&[HEADER, PID, OBR, OBX, &pdf.replace("JVBERi0=", "JVBERi0")]);
    assert_eq!(faults(&cut), ["error attachment-invalid OBX^2^5 line 5"]);
}

#[test]
fn the_italian_code_is_found_among_the_identifiers() {
    let code = "RSSMRA85T10A562S";
    let table = [
        (format!("X1^^^LAB~{code}^^^MEF&2.16.840.1.113883.2.9.4.3.2&ISO"), Some(code), vec![("X1", json!("LAB"))]),
        (format!("{code}^^^&2.16.840.1.113883.2.9.4.3.2&ISO~X1"), Some(code), vec![("X1", Value::Null)]),
        (format!("{code}^^^^NNITA"), Some(code), vec![]),
        ("rssmra85t10a562s^^^LAB&1.2.3&ISO^PI".to_owned(), Some(code), vec![]),
        ("WRONG^^^MEF".to_owned(), Some("WRONG"), vec![]),
        ("STP0101234567890^^^&2.16.840.1.113883.2.9.4.3.17&ISO".to_owned(), Some("STP0101234567890"), vec![]),
        ("91001750073^^^LAB&1.2.3&ISO".to_owned(), None, vec![("91001750073", json!("urn:oid:1.2.3"))]),
        ("91001750073^^^MEF".to_owned(), Some("91001750073"), vec![]),
        // Mistyped, and nothing else has this form: the sender is to be told. A valid one elsewhere comes before it.
        ("RSSMRA85T10A562T^^^LAB".to_owned(), Some("RSSMRA85T10A562T"), vec![]),
        (format!("RSSMRA85T10A562T^^^LAB~{code}"), Some(code), vec![("RSSMRA85T10A562T", json!("LAB"))]),
        ("0123456789ABCDEF^^^LAB".to_owned(), None, vec![("0123456789ABCDEF", json!("LAB"))]),
    ];
    for (pid3, expected, others) in table {
        let patient = &one(&[HEADER, &with(PID, &[(3, &pid3)]), OBR, OBX])["patient"];
        assert_eq!(patient["fiscalCode"].as_str(), expected, "{pid3}");
        let found: Vec<_> = patient["identifiers"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|i| (i["value"].as_str().unwrap(), i["system"].clone()))
            .collect();
        assert_eq!(found, others, "{pid3}");
    }
}

#[test]
fn two_codes_that_differ_are_none() {
    let pid = with(PID, &[(3, "RSSMRA85T10A562S^^^^NNITA~MRTMTT91D08F205J^^^MEF")]);
    let items = Setting::default().decode(message(&[HEADER, &pid, OBR, OBX]).as_bytes());
    assert!(items[0].accepted);
    let faults: Vec<_> = items[0].faults.iter().map(shown).collect();
    assert_eq!(
        faults,
        ["fiscal-code-conflict", "fiscal-code-missing"].map(|code| format!("warning {code} PID^1^3 line 2"))
    );
    let patient = &items[0].report.as_ref().unwrap()["patient"];
    assert_eq!((&patient["fiscalCode"], patient["identifiers"].as_array().unwrap().len()), (&Value::Null, 2));
}

#[test]
fn names_and_addresses() {
    let pid = with(
        PID,
        &[
            (5, "^^^^^^S~Verdi&van^Ugo^^^^^D~Rossi^Mario^^^^^L"),
            (11, "^^^^~Via Po&Po&1^Scala B^Torino^TO^10123^ITA^L^^001272~Via Roma 2^^Moncalieri^TO^^^C"),
        ],
    );
    let patient = &one(&[HEADER, &pid, OBR, OBX])["patient"];
    assert_eq!((&patient["family"], &patient["given"]), (&json!("Rossi"), &json!("Mario")));
    assert_eq!(
        patient["residence"],
        json!({"municipality": "001272", "address": "Via Po, Po, 1, Scala B", "city": "Torino", "postalCode": "10123",
               "province": "TO", "country": "ITA"})
    );
    assert_eq!(patient["domicile"], json!({"address": "Via Roma 2", "city": "Moncalieri", "province": "TO"}));
}

#[test]
fn times_fall_back_and_say_what_is_doubtful() {
    let issued = |header: &str, obr: &str| {
        let items = Setting::default().decode(message(&[header, PID, obr, OBX]).as_bytes());
        (items[0].issued_at.map(|time| time.to_string()), items[0].faults.iter().map(shown).collect::<Vec<_>>())
    };
    let (none, no_time) = (with(OBR, &[(22, "")]), with(HEADER, &[(7, "")]));
    assert_eq!(issued(HEADER, OBR), (Some("2020-10-20T09:04:00Z".into()), vec![]));
    assert_eq!(issued(HEADER, &none), (Some("2020-10-20T09:05:00Z".into()), vec![]));
    assert_eq!(issued(&no_time, &none), (None, vec![]));
    let twice = with(OBR, &[(22, "20201025023000")]);
    assert_eq!(
        issued(HEADER, &twice),
        (Some("2020-10-25T00:30:00Z".into()), vec!["warning issued-at-ambiguous OBR^1^22 line 3".into()])
    );
    let never = with(OBR, &[(7, "20200329023000")]);
    assert_eq!(issued(HEADER, &never).1, ["warning collected-at-nonexistent OBR^1^7 line 3"]);
    for wrong in ["00000101", "20209901", "20201020250000", "yesterday"] {
        assert_eq!(
            issued(HEADER, &with(OBR, &[(22, wrong)])),
            (None, vec!["error issued-at-invalid OBR^1^22 line 3".into()])
        );
    }
}

#[test]
fn training_and_debugging_are_kept_apart() {
    for (sent, kept) in [("P", Value::Null), ("T", json!("T")), ("D^A", json!("D"))] {
        assert_eq!(one(&[&with(HEADER, &[(11, sent)]), PID, OBR, OBX])["processingId"], kept);
    }
}

#[test]
fn separators_and_escapes_are_the_message_s_own() {
    let usual = message(&[HEADER, PID, "ORC|RE|P1|F\\S\\1", OBR, OBX, "NTE|1||a\\F\\b"]);
    let swapped: String = usual
        .chars()
        .map(|c| match c {
            '|' => '!',
            '^' => ':',
            '~' => '*',
            '\\' => '?',
            '&' => '+',
            '+' => '&',
            other => other,
        })
        .collect();
    let swapped = swapped.replace("20201020110500&", "20201020110500-").replace("&0200", "-0200");
    let other = accepted(&swapped);
    assert_eq!(other[0]["observations"][0]["note"], "a!b");
    assert_eq!(other[0]["patient"]["fiscalCode"], "RSSMRA85T10A562S");
}
