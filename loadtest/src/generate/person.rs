//! People: names, codici fiscali that are right, phones that ring, and those that do not.

use jiff::{ToSpan, civil::Date};
use schemas::version::{Reason, Reasons};

use super::names::{BIRTHPLACES, FAMILIES, MEN, STREETS, TOWNS, Town, WOMEN};
use crate::{meaning::PersonMeaning, rng::Rng};

/// Values of the characters at odd places, 0 to 9 and A to J alike (DM 23 December 1976).
const ODD: [u32; 26] = [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23];
const MONTHS: &[u8; 12] = b"ABCDEHLMPRST";
const OMOCODE_LETTERS: &[u8; 10] = b"LMNPQRSTUV";
/// The places, from 0, whose digits omocodia may replace.
const OMOCODE_PLACES: [usize; 7] = [6, 7, 9, 10, 12, 13, 14];

/// Mobile prefixes in use.
const MOBILES: [&str; 16] =
    ["320", "328", "329", "333", "334", "335", "338", "339", "340", "345", "347", "348", "349", "366", "388", "392"];

/// What is unusual about a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Quirk {
    /// Nothing.
    None,
    /// No code at all.
    NoCode,
    /// A mistyped check character.
    WrongCode,
    /// A foreigner with an STP code.
    Stp,
    /// No phone.
    NoPhone,
    /// A phone that cannot be.
    WrongPhone,
    /// Neither code nor phone.
    Unreachable,
}

/// A generated person. No `Debug`, as for a real one.
#[derive(Clone)]
pub(crate) struct Person {
    pub(crate) family: &'static str,
    pub(crate) given: &'static str,
    pub(crate) female: bool,
    pub(crate) born: Date,
    pub(crate) code: Option<String>,
    pub(crate) phone: Option<String>,
    pub(crate) town: &'static Town,
    pub(crate) street: String,
    /// What holds a report of this person.
    pub(crate) reasons: Reasons,
}

impl Person {
    /// Somebody between 5 and 85 years old.
    pub(crate) fn new(rng: &mut Rng, today: Date, quirk: Quirk) -> Self {
        let female = rng.per_mille(515);
        let (family, given) = (*rng.pick(&FAMILIES), *rng.pick(if female { &WOMEN } else { &MEN }));
        let born = today.saturating_sub(i64::from(rng.between(5 * 366, 85 * 365)).days());
        let place = *rng.pick(&BIRTHPLACES);
        let mut code = fiscal_code(family, given, born, female, place);
        if rng.per_mille(20) {
            code = omocode(&code, rng.between(1, 2) as usize);
        }
        let phone = phone(rng);
        let mut person = Self {
            family,
            given,
            female,
            born,
            code: Some(code),
            phone: Some(phone),
            town: rng.pick(&TOWNS),
            street: format!("{} {}", rng.pick(&STREETS), rng.between(1, 199)),
            reasons: Reasons::default(),
        };
        person.apply(quirk, rng);
        person
    }

    /// What must read back of them.
    pub(crate) fn meaning(&self) -> PersonMeaning {
        PersonMeaning { code: self.code.as_deref().map(Into::into), family: self.family, given: self.given }
    }

    fn apply(&mut self, quirk: Quirk, rng: &mut Rng) {
        let reasons: &[Reason] = match quirk {
            Quirk::None => &[],
            Quirk::NoCode => {
                self.code = None;
                &[Reason::ToIdentify]
            }
            Quirk::WrongCode => {
                self.code = self.code.take().map(|code| mistype(&code));
                &[Reason::ToIdentify]
            }
            Quirk::Stp => {
                self.code = Some(format!("STP010{}", rng.digits(10)));
                &[]
            }
            Quirk::NoPhone => {
                self.phone = None;
                &[Reason::NoPhone]
            }
            Quirk::WrongPhone => {
                self.phone = Some((*rng.pick(&["333 12", "000", "n.d.", "+39 3"])).to_owned());
                &[Reason::InvalidPhone]
            }
            Quirk::Unreachable => {
                (self.code, self.phone) = (None, None);
                &[Reason::ToIdentify, Reason::NoPhone]
            }
        };
        self.reasons = reasons.iter().copied().collect();
    }
}

fn phone(rng: &mut Rng) -> String {
    let (prefix, rest) = (*rng.pick(&MOBILES), rng.digits(7));
    match rng.below(4) {
        0 => format!("{prefix}{rest}"),
        1 => format!("{prefix} {rest}"),
        2 => format!("+39{prefix}{rest}"),
        _ => format!("+39 {prefix} {rest}"),
    }
}

/// The codice fiscale of that person, without omocodia.
fn fiscal_code(family: &str, given: &str, born: Date, female: bool, place: &str) -> String {
    let day = i32::from(born.day()) + if female { 40 } else { 0 };
    let month = char::from(MONTHS[born.month() as usize - 1]);
    let year = born.year().rem_euclid(100);
    with_check(format!("{}{}{year:02}{month}{day:02}{place}", surname_part(family), given_part(given)))
}

/// Replaces the last `count` digits by letters and writes the check character anew.
fn omocode(code: &str, count: usize) -> String {
    let mut bytes = code.as_bytes()[..15].to_vec();
    for place in OMOCODE_PLACES.into_iter().rev().take(count) {
        bytes[place] = OMOCODE_LETTERS[usize::from(bytes[place] - b'0')];
    }
    with_check(bytes.into_iter().map(char::from).collect())
}

/// The code with another check character.
fn mistype(code: &str) -> String {
    let (rest, check) = code.split_at(15);
    format!("{rest}{}", if check == "A" { "B" } else { "A" })
}

fn with_check(mut code: String) -> String {
    let value = |byte: u8| u32::from(if byte.is_ascii_digit() { byte - b'0' } else { byte - b'A' });
    // Places count from 1: the first is odd.
    let weigh = |(place, byte): (usize, u8)| if place % 2 == 0 { ODD[value(byte) as usize] } else { value(byte) };
    let sum: u32 = code.bytes().enumerate().map(weigh).sum();
    code.push(char::from(b'A' + (sum % 26) as u8));
    code
}

fn surname_part(name: &str) -> String {
    let (consonants, vowels) = letters(name);
    consonants.chars().chain(vowels.chars()).chain("XXX".chars()).take(3).collect()
}

fn given_part(name: &str) -> String {
    let (consonants, vowels) = letters(name);
    let mut four = consonants.chars();
    if let (Some(first), Some(_), Some(third), Some(fourth)) = (four.next(), four.next(), four.next(), four.next()) {
        return [first, third, fourth].into_iter().collect();
    }
    consonants.chars().chain(vowels.chars()).chain("XXX".chars()).take(3).collect()
}

/// Consonants and vowels of a name, accents folded, all else dropped.
fn letters(name: &str) -> (String, String) {
    let fold = |letter: char| match letter.to_ascii_uppercase() {
        'à' | 'á' => Some('A'),
        'è' | 'é' => Some('E'),
        'ì' | 'í' => Some('I'),
        'ò' | 'ó' => Some('O'),
        'ù' | 'ú' => Some('U'),
        'ü' => Some('U'),
        plain => plain.is_ascii_uppercase().then_some(plain),
    };
    name.chars().filter_map(fold).partition(|letter| !"AEIOU".contains(*letter))
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    /// The vectors are public ones; none was made by this code.
    #[test]
    fn codes_are_those_of_the_decree() {
        let born = date(1985, 12, 10);
        assert_eq!(fiscal_code("Rossi", "Mario", born, false, "A562"), "RSSMRA85T10A562S");
        assert_eq!(omocode("RSSMRA85T10A562S", 1), "RSSMRA85T10A56NH");
        assert_eq!(fiscal_code("Moretti", "Matteo", date(1991, 4, 8), false, "F205"), "MRTMTT91D08F205J");
        for (name, surname, given) in [
            ("D'Angelo", "DNG", "DNG"), // consonants D N G L: of a given name the 1st, 3rd and 4th are D G L
            ("Fò", "FOX", "FOX"),
            ("Gianfranco", "GNF", "GFR"),
            ("Ai", "AIX", "AIX"),
        ] {
            let expected_given = if name == "D'Angelo" { "DGL" } else { given };
            assert_eq!((surname_part(name).as_str(), given_part(name).as_str()), (surname, expected_given), "{name}");
        }
    }

    #[test]
    fn quirks_say_why_a_report_is_held() {
        let mut rng = Rng::new(3, 3);
        let today = date(2020, 10, 20);
        for (quirk, reasons) in [
            (Quirk::None, vec![]),
            (Quirk::NoCode, vec![Reason::ToIdentify]),
            (Quirk::WrongCode, vec![Reason::ToIdentify]),
            (Quirk::Stp, vec![]),
            (Quirk::NoPhone, vec![Reason::NoPhone]),
            (Quirk::WrongPhone, vec![Reason::InvalidPhone]),
            (Quirk::Unreachable, vec![Reason::ToIdentify, Reason::NoPhone]),
        ] {
            let person = Person::new(&mut rng, today, quirk);
            assert_eq!(person.reasons.iter().collect::<Vec<_>>(), reasons, "{quirk:?}");
        }
    }
}
