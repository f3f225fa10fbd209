//! Place codes.

use jiff::civil::{Date, date};
use schemas::places::{is_known, name};

#[test]
fn a_code_is_known_when_it_ever_was_a_place() {
    for (code, known) in [
        ("L219", true),
        ("F205", true),
        ("A003", true),
        ("Z404", true),
        ("A000", false),
        ("Z999", false),
        ("ND", false),
        ("l219", false),
        ("L21", false),
        ("L2199", false),
        ("L21é", false),
        ("", false),
    ] {
        assert_eq!(is_known(code), known, "{code}");
    }
}

#[test]
fn a_name_is_that_of_the_day() {
    for (code, at, expected) in [
        ("L219", date(1985, 12, 10), Some("Torino")),
        ("A562", date(1930, 1, 1), Some("Bagni San Giuliano")),
        ("A562", date(1935, 7, 30), Some("Bagni San Giuliano")),
        ("A562", date(1935, 7, 31), Some("San Giuliano Terme")),
        ("A003", date(1985, 1, 1), None),
        ("Z404", date(1985, 1, 1), Some("Stati Uniti D'America")),
        ("L219", date(1800, 1, 1), None),
        ("A000", date(1985, 1, 1), None),
    ] {
        assert_eq!(name(code, at), expected, "{code} {at}");
    }
}

/// Every row with a code can be found by it: the file and its reader agree.
#[test]
fn every_row_of_the_file_is_found() {
    let file = include_str!("../../data/places.csv");
    let mut rows = 0;
    for row in file.lines().skip(1).filter(|row| !row.starts_with("ND,")) {
        let [code, named, _, from, _] = row.split(',').collect::<Vec<_>>().try_into().expect("five columns");
        assert!(is_known(code), "{row}");
        let from: Date = from.parse().expect("a date");
        assert!(name(code, from).is_some(), "{row}");
        rows += usize::from(name(code, from) == Some(named));
    }
    assert!(rows > 19_000, "{rows} rows found under their own name");
}
