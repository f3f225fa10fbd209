//! Codes that the Italian state gives to persons.
//!
//! The codice fiscale is of DM 23 December 1976: surname 3, given name 3, year 2, month 1, day 2 (+40 for women),
//! place 4, check character. Where two people would have the same, digits of one are replaced by letters (omocodia):
//! such a code is another code, and its check character is of the letters as written.

use std::borrow::Cow;

use jiff::civil::Date;

mod name;

pub use name::fold;

/// The kind of a person's code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Codice fiscale of 16 characters (DM 23 December 1976), omocodes included.
    FiscalCode,
    /// Provisional numeric code of 11 digits.
    Provisional,
    /// Temporarily present foreigner (STP).
    Stp,
    /// European without registration (ENI).
    Eni,
}

/// A valid code of a person. Has no `Debug`: it must not reach a log.
#[derive(Clone, PartialEq, Eq)]
pub struct PersonCode {
    kind: Kind,
    /// ASCII; a provisional code is its first 11.
    code: [u8; 16],
}

/// Why a text is no person's code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CodeProblem {
    /// Neither 16 characters of the pattern, nor 11 digits, nor STP or ENI and 13 digits.
    #[error("not the form of a codice fiscale, a numeric code of 11 digits, an STP or an ENI code")]
    Form,
    /// The check character is another.
    #[error("the check character does not fit: a character was mistyped")]
    Check,
    /// Year, month and day are no date, in the future, or over 110 years ago.
    #[error("the birth date in it is no date")]
    Date,
}

impl PersonCode {
    /// Reads a code, trimmed and upper-cased. `today` decides the century: the latest that is not in the future.
    ///
    /// # Errors
    /// A [`CodeProblem`].
    pub fn parse(text: &str, today: Date) -> Result<Self, CodeProblem> {
        let written = text.trim().as_bytes();
        let mut code = [0; 16];
        code.get_mut(..written.len()).ok_or(CodeProblem::Form)?.copy_from_slice(written);
        code.make_ascii_uppercase();
        let kind = match written.len() {
            11 => provisional(&code)?,
            16 => sixteen(&code, today)?,
            _ => return Err(CodeProblem::Form),
        };
        Ok(Self { kind, code })
    }

    /// The kind.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The code, trimmed and upper-cased.
    #[must_use]
    pub fn as_str(&self) -> &str {
        let bytes = if self.kind == Kind::Provisional { self.code.get(..11) } else { self.code.get(..) };
        bytes.and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or_default()
    }

    /// The birth date in a codice fiscale; `today` decides the century as in [`PersonCode::parse`]. None in other codes.
    #[must_use]
    pub fn birth_date(&self, today: Date) -> Option<Date> {
        self.birth().and_then(|birth| birth.date(today))
    }

    /// True where `date` is the birth date in the code, whatever its century; true in codes that have none.
    #[must_use]
    pub fn fits_birth_date(&self, date: Date) -> bool {
        self.birth().is_none_or(|birth| {
            (date.year().rem_euclid(100), date.month(), date.day()) == (birth.year_of_century, birth.month, birth.day)
        })
    }

    /// `M` or `F`, as a codice fiscale says; none in other codes.
    #[must_use]
    pub fn sex(&self) -> Option<char> {
        self.birth().map(|birth| if birth.female { 'F' } else { 'M' })
    }

    /// The place of birth in a codice fiscale (letter and three digits, omocodia undone), for [`crate::places`].
    #[must_use]
    pub fn place(&self) -> Option<[u8; 4]> {
        let digit = |written| digit(written).map(|digit| b'0' + digit);
        let [.., letter, hundreds, tens, units, _] = self.code;
        (self.kind == Kind::FiscalCode).then_some([letter, digit(hundreds)?, digit(tens)?, digit(units)?])
    }

    /// True where a codice fiscale's first six letters are those of the name. A part without a letter, or with one
    /// outside the Latin alphabet, is not judged; nor are other codes.
    #[must_use]
    pub fn fits_name(&self, family: &str, given: &str) -> bool {
        let [f1, f2, f3, g1, g2, g3, ..] = self.code;
        self.kind != Kind::FiscalCode
            || name::of_family(family).is_none_or(|part| part == [f1, f2, f3])
                && name::of_given(given).is_none_or(|part| part == [g1, g2, g3])
    }

    fn birth(&self) -> Option<Birth> {
        if self.kind == Kind::FiscalCode { Birth::of(&self.code) } else { None }
    }
}

/// Trims and upper-cases; borrowed where nothing changes.
#[must_use]
pub fn normalise(text: &str) -> Cow<'_, str> {
    let text = text.trim();
    if text.bytes().any(|byte| byte.is_ascii_lowercase()) { text.to_ascii_uppercase().into() } else { text.into() }
}

/// The kind of a code of 16 characters, upper-cased.
fn sixteen(code: &[u8; 16], today: Date) -> Result<Kind, CodeProblem> {
    let foreigner = match code.first_chunk() {
        Some(b"STP") => Some(Kind::Stp),
        Some(b"ENI") => Some(Kind::Eni),
        _ => None,
    };
    if let Some(kind) = foreigner.filter(|_| code.iter().skip(3).all(u8::is_ascii_digit)) {
        return Ok(kind);
    }
    let [rest @ .., check] = code;
    let fits = code.iter().enumerate().all(|(index, byte)| match index {
        6 | 7 | 9 | 10 | 12..=14 => digit(*byte).is_some(),
        _ => byte.is_ascii_uppercase(),
    });
    if !fits {
        return Err(CodeProblem::Form);
    }
    if check_character(rest) != *check {
        return Err(CodeProblem::Check);
    }
    Birth::of(code).and_then(|birth| birth.date(today)).map(|_| Kind::FiscalCode).ok_or(CodeProblem::Date)
}

/// The digit at a place where omocodia may have put a letter.
fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'L'..=b'N' => Some(byte - b'L'),
        b'P'..=b'V' => Some(byte - b'P' + 3),
        _ => None,
    }
}

/// The check character of the first 15.
fn check_character(code: &[u8; 15]) -> u8 {
    /// What a character counts for at the odd places (first, third…): 0 and A, 1 and B…
    const ODD: [u8; 26] =
        [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23];
    let sum: u16 = code
        .iter()
        .enumerate()
        .map(|(index, byte)| {
            let value = if byte.is_ascii_digit() { byte - b'0' } else { byte.wrapping_sub(b'A') };
            let counts = if index % 2 == 0 { ODD.get(usize::from(value)).copied().unwrap_or(0) } else { value };
            u16::from(counts)
        })
        .sum();
    b'A' + (sum % 26) as u8
}

/// Eleven digits whose last is the check digit of a VAT number; the first seven count up from 1, so zeros are a filler.
fn provisional(code: &[u8; 16]) -> Result<Kind, CodeProblem> {
    let digits = || code.iter().take(11);
    if !digits().all(u8::is_ascii_digit) || digits().take(7).all(|digit| *digit == b'0') {
        return Err(CodeProblem::Form);
    }
    let sum: u32 = digits()
        .enumerate()
        .map(|(index, digit)| {
            let digit = u32::from(digit - b'0');
            let doubled = digit * 2;
            if index % 2 == 0 { digit } else { doubled / 10 + doubled % 10 }
        })
        .sum();
    if sum.is_multiple_of(10) { Ok(Kind::Provisional) } else { Err(CodeProblem::Check) }
}

/// What a codice fiscale says of a birth.
struct Birth {
    year_of_century: i16,
    month: i8,
    day: i8,
    female: bool,
}

impl Birth {
    fn of(code: &[u8; 16]) -> Option<Self> {
        let two = |tens, units| Some((digit(tens)? * 10 + digit(units)?) as i8);
        let [_, _, _, _, _, _, y1, y2, month, d1, d2, ..] = *code;
        let month = b"ABCDEHLMPRST".iter().position(|letter| *letter == month)? as i8 + 1;
        let day = two(d1, d2)?;
        let female = day > 40;
        Some(Self { year_of_century: two(y1, y2)?.into(), month, day: if female { day - 40 } else { day }, female })
    }

    /// The latest real date that is neither in the future nor 110 years ago.
    fn date(&self, today: Date) -> Option<Date> {
        let latest = today.year() - (today.year() - self.year_of_century).rem_euclid(100);
        [latest, latest - 100]
            .into_iter()
            .filter(|year| today.year() - year < 110)
            .filter_map(|year| Date::new(year, self.month, self.day).ok())
            .find(|date| *date <= today)
    }
}
