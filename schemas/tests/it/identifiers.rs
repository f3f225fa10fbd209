//! Codes of persons and phones.

use jiff::civil::{Date, date};
use proptest::prelude::*;
use schemas::{
    fiscal_code::{CodeProblem, Kind, PersonCode, normalise},
    phone, places,
};

const TODAY: Date = date(2020, 10, 20);

fn parse(text: &str) -> Result<PersonCode, CodeProblem> {
    PersonCode::parse(text, TODAY)
}

#[test]
fn a_code_has_a_kind_or_a_problem() {
    use CodeProblem::{Check, Date, Form};
    use Kind::{Eni, FiscalCode, Provisional, Stp};
    for (text, expected) in [
        ("RSSMRA85T10A562S", Ok(FiscalCode)),
        ("RSSMRA85T10A56NH", Ok(FiscalCode)),
        ("BRNPRZ72D52F83VC", Ok(FiscalCode)),
        ("MRTMTT91D08F205J", Ok(FiscalCode)),
        (" rssmra85t10a562s\t", Ok(FiscalCode)),
        ("RSSMRA85T10A562T", Err(Check)),
        ("RSSMRA85T10A562", Err(Form)),
        ("RSSMRA85T10A562SS", Err(Form)),
        ("RSSMRA85T10A56-S", Err(Form)),
        ("RSSMRA 85T10A562S", Err(Form)),
        ("RSSMRÀ85T10A562S", Err(Form)),
        ("RSSMRA85F10A562R", Err(Date)),
        ("RSSMRA85T99A562U", Err(Date)),
        ("91001750073", Ok(Provisional)),
        ("00177330073", Ok(Provisional)),
        ("00177330074", Err(Check)),
        ("00000000000", Err(Form)),
        ("0017733007", Err(Form)),
        ("STP0301234567890", Ok(Stp)),
        ("eni0301234567890", Ok(Eni)),
        ("STP030123456789", Err(Form)),
        ("STP03012345678O0", Err(Form)),
        ("XYZ0301234567890", Err(Form)),
        ("", Err(Form)),
        ("NON-POSSIEDE-CF", Err(Form)),
    ] {
        assert_eq!(parse(text).map(|code| code.kind()), expected, "{text}");
        if let Ok(code) = parse(text) {
            assert_eq!(code.as_str(), normalise(text), "{text}");
        }
    }
}

#[test]
fn the_century_is_the_latest_that_is_not_in_the_future() {
    for (day, today, born) in [
        ("85T10", TODAY, Some(date(1985, 12, 10))),
        ("20R20", TODAY, Some(date(2020, 10, 20))),
        ("20R21", TODAY, Some(date(1920, 10, 21))),
        ("21A41", TODAY, Some(date(1921, 1, 1))),
        ("00B29", TODAY, Some(date(2000, 2, 29))),
        ("00B29", date(2000, 2, 28), None),
        ("01B29", TODAY, None),
    ] {
        let code = fitted(&format!("RSSMRA{day}L219"));
        assert_eq!(PersonCode::parse(&code, today).ok().and_then(|code| code.birth_date(today)), born, "{day}");
    }
}

#[test]
fn a_birth_date_fits_whatever_its_century() {
    let code = parse(&fitted("RSSMRA18T50L219")).expect("valid");
    assert_eq!(code.birth_date(TODAY), Some(date(2018, 12, 10)));
    assert!(code.fits_birth_date(date(1918, 12, 10)), "a person of 101 years");
    assert!(!code.fits_birth_date(date(1918, 10, 12)));
    assert!(parse("91001750073").expect("valid").fits_birth_date(date(1918, 10, 12)), "a code without a date");
}

/// Made codes: people with their names, dates and places, and mistyped codes with what is wrong.
#[test]
fn made_codes_are_read_as_their_maker_meant_them() {
    let vectors = include_str!("../data/fiscal-codes.csv");
    let mut read = 0;
    for line in vectors.lines().filter(|line| !line.starts_with('#')).skip(1) {
        let [code, verdict, born, sex, place, family, given] =
            line.split(',').collect::<Vec<_>>().try_into().expect("seven columns");
        let parsed = parse(code);
        let problem = match verdict {
            "form" => Some(CodeProblem::Form),
            "check" => Some(CodeProblem::Check),
            "date" => Some(CodeProblem::Date),
            _ => None,
        };
        assert_eq!(parsed.as_ref().err(), problem.as_ref(), "{line}");
        if let Ok(person) = parsed {
            assert_eq!(person.birth_date(TODAY).map(|date| date.to_string()).as_deref(), Some(born), "{line}");
            assert_eq!(person.sex().map(String::from).as_deref(), Some(sex), "{line}");
            assert_eq!(person.place(), place.as_bytes().first_chunk().copied(), "{line}");
            assert!(places::is_known(place), "{line}");
            assert!(person.fits_name(family, given), "{line}");
        }
        read += 1;
    }
    assert!(read > 350, "only {read} vectors");
}

#[test]
fn a_name_fits_by_its_consonants_then_its_vowels() {
    for (code, family, given, fits) in [
        ("RSSMRA85T10A562", "Rossi", "Mario", true),
        ("RSSMRA85T10A562", "ROSSI ", "maria", true),
        ("RSSMRA85T10A562", "Bianchi", "Mario", false),
        ("RSSMRA85T10A562", "Rossi", "Marco", false),
        ("RSSMRA85T10A562", "Mario", "Rossi", false),
        ("RSSGFR85T10A562", "Rossi", "Gianfranco", true),
        ("RSSGNF85T10A562", "Rossi", "Gianfranco", false),
        ("RSSGFR85T10A562", "Ro\u{300}ssi", "Gian Franco", true),
        ("DMCGNN85T10A562", "D’Amico", "Gianni", true),
        ("FOXGUO85T10A562", "Fo", "Ugo", true),
        ("IOXAIX85T10A562", "Ìo", "Ài", true),
        ("FOXZOE85T10A562", "FÒ", "Zoë", true),
        ("FOXZOE85T10A562", "BÒ", "Zoë", false),
        ("STRGNN85T10A562", "Strauß", "Gianni", true),
        ("RSSMRA85T10A562", "Росси", "Mario", true),
        ("RSSMRA85T10A562", "", "-", true),
        ("RSSMRA85T10A562", "", "Marco", false),
    ] {
        let code = parse(&fitted(code)).expect("valid");
        assert_eq!(code.fits_name(family, given), fits, "{family} {given} in {}", code.as_str());
    }
    assert!(parse("STP0301234567890").expect("valid").fits_name("Rossi", "Mario"), "a code without a name");
}

#[test]
fn a_phone_is_one_that_could_be() {
    for (text, number) in [
        ("+39 333 1234567", Some("+393331234567")),
        ("333-123.4567", Some("+393331234567")),
        ("333/1234567", Some("+393331234567")),
        ("(+39) 333 1234567", Some("+393331234567")),
        ("0039 333 1234567", Some("+393331234567")),
        ("393331234567", Some("+393331234567")),
        ("tel:+39-333-1234567", Some("+393331234567")),
        ("\u{a0}333\u{2013}1234567 ", Some("+393331234567")),
        ("391 1234567", Some("+393911234567")),
        ("39 391 1234567", Some("+393911234567")),
        ("02 1234 5678", Some("+390212345678")),
        ("+39 011 4331234", Some("+390114331234")),
        ("+44 7912 345678", Some("+447912345678")),
        ("0041 79 123 45 67", Some("+41791234567")),
        ("+1 650 253 0000", Some("+16502530000")),
        ("333 12345", None),
        ("333 12345678", None),
        ("333 1234567 333 7654321", None),
        ("3331234567/3337654321", None),
        ("333 123456 A", None),
        ("333 1234567 int. 5", None),
        ("+39+3331234567", None),
        ("+999 3331234567", None),
        ("0000000000", None),
        ("-", None),
        ("", None),
    ] {
        assert_eq!(phone::e164(text).as_deref(), number, "{text}");
        assert_eq!(phone::is_valid(text), number.is_some(), "{text}");
    }
}

/// What a character counts for at the odd places, as the decree lists it by letter.
const ODD: &str = "1 0 5 7 9 13 15 17 19 21 2 4 18 20 11 3 6 8 12 14 16 10 22 25 24 23";

/// The first 15 characters with their check character.
fn fitted(code: &str) -> String {
    let odd: Vec<u32> = ODD.split(' ').map(|value| value.parse().expect("a number")).collect();
    let sum: u32 = code
        .chars()
        .map(|character| character.to_digit(36).expect("a letter or digit"))
        .map(|value| if value < 10 { value } else { value - 10 })
        .enumerate()
        .map(|(index, value)| if index % 2 == 0 { odd[value as usize] } else { value })
        .sum();
    format!("{code}{}", char::from(b'A' + (sum % 26) as u8))
}

/// The code with letters for the digits that `which` names by its bits.
fn omocode(code: &str, which: u8) -> String {
    let mut places = [6, 7, 9, 10, 12, 13, 14].into_iter().enumerate();
    let mut written = code.as_bytes()[..15].to_vec();
    places.by_ref().filter(|(bit, _)| which >> bit & 1 == 1).for_each(|(_, place)| {
        written[place] = b"LMNPQRSTUV"[usize::from(written[place] - b'0')];
    });
    fitted(std::str::from_utf8(&written).expect("ASCII"))
}

proptest! {
    #[test]
    fn every_omocode_of_a_code_is_another_code_of_the_same_birth(
        letters in "[A-Z]{6}", days in 0..34_900i32, female: bool, place in "[A-Z][0-9]{3}",
    ) {
        let born = date(1925, 1, 1).checked_add(jiff::Span::new().days(days)).expect("a date");
        let month = char::from(b"ABCDEHLMPRST"[born.month() as usize - 1]);
        let day = born.day() + if female { 40 } else { 0 };
        let code = format!("{letters}{:02}{month}{day:02}{place}", born.year() % 100);
        for which in 0..128 {
            let code = omocode(&code, which);
            let person = parse(&code).map_err(|problem| TestCaseError::fail(format!("{code}: {problem}")))?;
            prop_assert_eq!(person.as_str(), &code);
            prop_assert_eq!(person.birth_date(TODAY), Some(born));
            prop_assert_eq!(person.sex(), Some(if female { 'F' } else { 'M' }));
            prop_assert_eq!(person.place(), place.as_bytes().first_chunk().copied());
        }
    }

    #[test]
    fn nothing_panics_on_any_text(text: String, family: String, given: String) {
        let _ = parse(&text).map(|code| (code.birth_date(TODAY), code.fits_name(&family, &given)));
        let _ = (normalise(&text), phone::e164(&text), places::is_known(&text), places::name(&text, TODAY));
    }

    #[test]
    fn nothing_panics_on_what_resembles_a_code_or_a_phone(
        code in "[A-Za-z0-9À-ž]{15,17}|[0-9]{11}|(STP|ENI)[0-9A-Z]{13}",
        phone in "(tel:|\\+|00)?[-+0-9 ./()xX,;=*#A-F]{0,24}",
        name in "[A-Za-zÀ-ž'’ ĳßŒЖ\u{300}]{0,12}",
    ) {
        let _ = parse(&code).map(|code| (code.birth_date(Date::MIN), code.fits_name(&name, &name)));
        let _ = PersonCode::parse(&code, Date::MIN).map(|code| code.birth_date(Date::MAX));
        let number = phone::e164(&phone);
        prop_assert_eq!(number.is_some(), phone::is_valid(&phone));
        if let Some(number) = number {
            prop_assert_eq!(phone::e164(&number), Some(number.clone()), "a number read again is itself");
        }
        let person = parse("RSSMRA85T10A562S").expect("valid");
        let _ = person.fits_name(&name, &name);
    }
}
