//! Place codes of the codice fiscale: Italian municipalities, past and present, and foreign countries (`Z…`).
//!
//! The table is `schemas/data/places.csv`: code, name, province, first and last day, sorted by code. A code stands there
//! once for each name or province it had.

use std::sync::LazyLock;

use jiff::civil::Date;

use crate::time::read_date;

static SOURCE: &str = include_str!("../data/places.csv");
static PLACES: LazyLock<Places> = LazyLock::new(Places::read);

/// True where the code is or was a place's: a letter and three digits, as [`crate::fiscal_code::PersonCode::place`]
/// gives it.
#[must_use]
pub fn is_known(code: &str) -> bool {
    number(code).is_some_and(|number| PLACES.knows(number))
}

/// The place's name on a day; none where the code was no place's on it.
#[must_use]
pub fn name(code: &str, at: Date) -> Option<&'static str> {
    let number = number(code)?;
    let first = PLACES.rows.partition_point(|(row, _)| *row < number);
    let rows = PLACES.rows.iter().skip(first).take_while(|(row, _)| *row == number);
    rows.filter_map(|(_, start)| SOURCE.get(*start as usize..)?.lines().next()).find_map(|row| {
        let [_, name, _, from, to] = fields(row)?;
        let stood = read_date(from).is_none_or(|from| from <= at) && read_date(to).is_none_or(|to| at <= to);
        stood.then_some(name)
    })
}

struct Places {
    /// A bit a code.
    known: Vec<u64>,
    /// Code and where its row starts in [`SOURCE`], sorted.
    rows: Vec<(u16, u32)>,
}

impl Places {
    fn read() -> Self {
        let mut places = Self { known: vec![0; CODES.div_ceil(64)], rows: Vec::new() };
        let mut start = 0;
        for line in SOURCE.split_inclusive('\n') {
            // The heading, and municipalities that never had a code (`ND`), have no number.
            if let Some(number) = fields(line).and_then(|[code, ..]| number(code)) {
                if let Some(word) = places.known.get_mut(usize::from(number / 64)) {
                    *word |= 1 << (number % 64);
                }
                places.rows.push((number, start));
            }
            start += line.len() as u32;
        }
        places.rows.sort_unstable();
        places
    }

    fn knows(&self, number: u16) -> bool {
        self.known.get(usize::from(number / 64)).is_some_and(|word| word >> (number % 64) & 1 == 1)
    }
}

/// How many codes there can be: a letter and three digits.
const CODES: usize = 26_000;

fn number(code: &str) -> Option<u16> {
    let [letter @ b'A'..=b'Z', rest @ ..] = code.as_bytes() else { return None };
    let [hundreds @ b'0'..=b'9', tens @ b'0'..=b'9', units @ b'0'..=b'9'] = rest else { return None };
    let digit = |byte: &u8| u16::from(byte - b'0');
    Some(u16::from(letter - b'A') * 1000 + digit(hundreds) * 100 + digit(tens) * 10 + digit(units))
}

/// No field has a comma or a quote.
fn fields(row: &str) -> Option<[&str; 5]> {
    let mut fields = row.trim_end().split(',');
    Some([fields.next()?, fields.next()?, fields.next()?, fields.next()?, fields.next()?])
}
