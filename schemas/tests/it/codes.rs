//! Code tables.

use proptest::prelude::*;
use schemas::{
    codes::{Flag, TestKind, flag, is_ask_at_order, is_sars_cov_2, result_of_code, result_of_text, sars_cov_2_kind},
    report::TestResult::{self, Inconclusive, Negative, Positive, Unsatisfactory},
};

#[test]
fn a_coded_answer_means_a_result() {
    const SNOMED: Option<&str> = Some("http://snomed.info/sct");
    const LOINC: Option<&str> = Some("LN");
    for (system, codes, result) in [
        (SNOMED, "10828004 260373001 11214006", Positive),
        (LOINC, "LA11882-0 LA6576-8 LA18996-1", Positive),
        (SNOMED, "260385009 260415000 131194007", Negative),
        (LOINC, "LA11883-8 LA6577-6", Negative),
        (SNOMED, "419984006 415684004", Inconclusive),
        (LOINC, "LA9663-1 LA11885-3 LA4259-3", Inconclusive),
        (SNOMED, "125154007", Unsatisfactory),
        (LOINC, "LA13548-5", Unsatisfactory),
        (Some("HL70078"), "POS DET", Positive),
    ] {
        for code in codes.split(' ') {
            assert_eq!(result_of_code(system, code), Some(result), "{code}");
        }
    }
}

#[test]
fn a_system_narrows_only_where_it_is_known_and_foreign() {
    for (system, code, result) in [
        (None, "10828004", Some(Positive)),
        (Some("SCT"), " 10828004 ", Some(Positive)),
        (Some("urn:oid:2.16.840.1.113883.6.96"), "10828004", Some(Positive)),
        (Some("99LAB"), "10828004", Some(Positive)),
        (Some("http://loinc.org"), "10828004", None),
        (Some("SCT"), "LA6576-8", None),
        (Some("HL70078"), "10828004", None),
        (Some("HL70078"), "N", None),
        (None, "POS", None),
        (None, "1234", None),
        (None, "", None),
    ] {
        assert_eq!(result_of_code(system, code), result, "{system:?} {code}");
    }
}

#[test]
fn a_text_means_a_result_as_a_whole() {
    for (texts, result) in [
        ("POSITIVO|POS|RILEVATO|PRESENTE|Detected|Positive| positivo |Reactive", Some(Positive)),
        (
            "NEGATIVO|NEG|NON RILEVATO|ASSENTE|Not Detected|negative|non  rilevato|Nòn\tRilevató|NON\u{a0}RILEVATO",
            Some(Negative),
        ),
        (
            "DUBBIO|INDETERMINATO|INCONCLUSIVO|DEBOLMENTE POSITIVO|Indeterminate|EQUIVOCAL|Presumptive positive",
            Some(Inconclusive),
        ),
        ("NON VALIDO|CAMPIONE NON IDONEO|Invalid|Specimen Unsatisfactory", Some(Unsatisfactory)),
        ("NON POSITIVO|RILEVATO?|NONRILEVATO|POSITIVO (vedi nota)|POSITIVO.|ND|N|P|+|-|12.5|ПОЗИТИВ", None),
        ("|   |NON", None),
    ] {
        for text in texts.split('|') {
            assert_eq!(result_of_text(text), result, "{text:?}");
        }
    }
    assert_eq!(result_of_text(&"POSITIVO ".repeat(1000)), None);
}

#[test]
fn a_flag_says_a_result_or_only_whether_it_is_normal() {
    for (flags, meaning) in [
        ("POS|pos|DET|Positive|POSITIVO", Some(Flag::Result(Positive))),
        ("NEG|ND|Not detected", Some(Flag::Result(Negative))),
        ("IND|E", Some(Flag::Result(Inconclusive))),
        ("A|AA|H|HH|L|LL| a ", Some(Flag::Abnormal)),
        ("N|n", Some(Flag::Normal)),
        ("|S|R|I|?|<|BOH", None),
    ] {
        for text in flags.split('|') {
            assert_eq!(flag(text), meaning, "{text:?}");
        }
    }
}

#[test]
fn tests_and_questions_are_told_apart() {
    for (codes, kind) in [
        ("94500-6 94309-2 94759-8 94316-7 94533-7 94534-5 94314-2", Some(TestKind::Molecular)),
        ("94559-2 94307-6 94308-4 94531-1 94845-5 95406-5", Some(TestKind::Molecular)),
        ("94558-4 95209-3 97097-0", Some(TestKind::Antigen)),
        ("94563-4 94762-2 94661-6 94564-2 94562-2 94507-1 94508-9", Some(TestKind::Serology)),
        ("80382-5 600-7 94558-5 8251-1", None),
    ] {
        for code in codes.split(' ') {
            assert_eq!(sars_cov_2_kind(code), kind, "{code}");
            assert_eq!(is_sars_cov_2(code), kind.is_some(), "{code}");
        }
    }
    for code in
        "95417-2 95418-0 95419-8 65222-2 77974-4 95420-6 82810-3 95421-4 30525-0 11368-8 21612-7 35659-2 29553-5 \
                 75325-1 68487-8 8251-1"
            .split(' ')
    {
        assert!(is_ask_at_order(code), "{code}");
        assert!(!is_sars_cov_2(code), "{code}");
    }
    assert!(!is_ask_at_order("94500-6"));
}

proptest! {
    #[test]
    fn nothing_panics_on_any_text(text: String, alike in "[A-Za-zÀ-ž <>.\u{300}\u{2003}-]{0,70}") {
        for text in [text, alike] {
            let _ = (result_of_code(Some(&text), &text), result_of_text(&text), flag(&text));
            let _ = (is_sars_cov_2(&text), is_ask_at_order(&text));
        }
    }

    #[test]
    fn more_words_make_another_text(word in "[A-Z]{1,9}") {
        let all: [Option<TestResult>; 2] = [result_of_text(&format!("{word} POSITIVO")), result_of_text(&format!("POSITIVO {word}"))];
        prop_assert!(all.into_iter().flatten().all(|result| result != Positive));
    }
}
