//! Times as laboratories write them.

use std::sync::Arc;

use jiff::{
    Timestamp,
    civil::{Date, DateTime, Time},
    tz::{AmbiguousOffset, Offset, TimeZone},
};

/// The clock, passed in: this crate never reads one.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// As receipts and states write it: always three decimals, so that text sorts as time does.
#[must_use]
pub fn to_the_millisecond(instant: Timestamp) -> String {
    format!("{instant:.3}")
}

/// A time as read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Read {
    /// The instant.
    pub instant: Timestamp,
    /// What was doubtful about it.
    pub doubt: Option<Doubt>,
}

/// What may be doubtful about a time without an offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doubt {
    /// It came twice, the night the clock went back: the first was taken.
    Twice,
    /// It never came, the night the clock went forward: the instant as long after was taken.
    Never,
}

/// Reads RFC 3339 (`2020-10-20T11:04:00+02:00`); a time without offset, or a date alone (its first instant), is in
/// `zone`. None where it is no time.
#[must_use]
pub fn read_rfc3339(text: &str, zone: &TimeZone) -> Option<Read> {
    let text = text.trim();
    let (date, time) = text.split_at_checked(10)?;
    if time.is_empty() {
        return first_instant(read_date(date)?, zone);
    }
    // The parser knows basic forms, week dates and bracketed zones too: these are not RFC 3339.
    let [_, _, _, _, b'-', _, _, b'-', ..] = date.as_bytes() else { return None };
    if date.starts_with("0000") || time.contains('[') {
        return None;
    }
    if time.contains(['+', '-', 'Z', 'z']) {
        // No place on earth is further from UTC: an hour that was mistyped would move the time by days.
        let hours = time.rsplit(['+', '-']).next().filter(|_| time.contains(['+', '-']));
        if hours.is_some_and(|offset| offset.get(..2).is_none_or(|hours| hours > "14")) {
            return None;
        }
        return Some(Read { instant: text.parse().ok()?, doubt: None });
    }
    in_zone(text.parse().ok()?, zone)
}

/// Reads an ISO 8601 date (`2020-10-20`) and nothing else: a time's date depends on where one stands.
#[must_use]
pub fn read_date(text: &str) -> Option<Date> {
    let text = text.trim();
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = text.as_bytes() else { return None };
    date(&[*y1, *y2, *y3, *y4, *m1, *m2, *d1, *d2])
}

/// Reads HL7's `YYYY[MM[DD[HH[MM[SS[.S…]]]]]][±ZZZZ]` (v2.5.1 §2.A.22 DTM); what is not written is its first instant.
#[must_use]
pub fn read_hl7(text: &str, zone: &TimeZone) -> Option<Read> {
    let text = text.trim();
    let text = text.as_bytes();
    let (local, offset) = match text.iter().position(|byte| matches!(byte, b'+' | b'-')) {
        Some(at) => text.split_at_checked(at).map(|(local, offset)| (local, hl7_offset(offset)))?,
        None => (text, Some(None)),
    };
    let offset = offset?;
    let point = local.iter().position(|byte| *byte == b'.').and_then(|at| local.split_at_checked(at));
    let (digits, fraction) = point.map_or((local, None), |(digits, rest)| (digits, rest.get(1..)));
    let nanoseconds = match fraction {
        Some(fraction) if digits.len() == 14 => nanoseconds(fraction)?,
        Some(_) => return None,
        None => 0,
    };
    let mut whole = *b"00000101000000";
    if !matches!(digits.len(), 4 | 6 | 8 | 10 | 12 | 14) {
        return None;
    }
    whole.get_mut(..digits.len())?.copy_from_slice(digits);
    let date = date(whole.first_chunk()?)?;
    let [.., h1, h2, m1, m2, s1, s2] = whole;
    let time = Time::new(number(&[h1, h2])?, number(&[m1, m2])?, number(&[s1, s2])?, nanoseconds).ok()?;
    match offset {
        Some(offset) => Some(Read { instant: offset.to_timestamp(date.to_datetime(time)).ok()?, doubt: None }),
        None if digits.len() <= 8 => first_instant(date, zone),
        None => in_zone(date.to_datetime(time), zone),
    }
}

/// The date of HL7's `YYYYMMDD[…]` as written, whatever zone follows; none of a year or month alone.
#[must_use]
pub fn read_hl7_date(text: &str) -> Option<Date> {
    let text = text.trim();
    if text.len() > 8 {
        read_hl7(text, &TimeZone::UTC)?;
    }
    date(text.as_bytes().first_chunk()?)
}

/// The date of eight digits; there was no year 0.
fn date(digits: &[u8; 8]) -> Option<Date> {
    let [y1, y2, y3, y4, m1, m2, d1, d2] = *digits;
    let year = i16::from(number(&[y1, y2])?) * 100 + i16::from(number(&[y3, y4])?);
    Date::new(year, number(&[m1, m2])?, number(&[d1, d2])?).ok().filter(|_| year > 0)
}

fn number(digits: &[u8; 2]) -> Option<i8> {
    let [tens @ b'0'..=b'9', units @ b'0'..=b'9'] = digits else { return None };
    Some(((tens - b'0') * 10 + units - b'0') as i8)
}

/// `±HHMM`.
fn hl7_offset(text: &[u8]) -> Option<Option<Offset>> {
    let [sign, h1, h2, m1, m2] = *text else { return None };
    let (hours, minutes) = (i32::from(number(&[h1, h2])?), i32::from(number(&[m1, m2])?));
    let seconds = (hours * 60 + minutes) * 60;
    if minutes > 59 || hours > 14 {
        return None;
    }
    Offset::from_seconds(if sign == b'-' { -seconds } else { seconds }).ok().map(Some)
}

/// Nanoseconds of the digits after a point; what is finer is dropped.
fn nanoseconds(fraction: &[u8]) -> Option<i32> {
    if fraction.is_empty() || !fraction.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let padded = fraction.iter().copied().chain(std::iter::repeat(b'0')).take(9);
    Some(padded.fold(0, |sum, digit| sum * 10 + i32::from(digit - b'0')))
}

/// The first instant of a day: not always midnight where the clock changes at midnight.
fn first_instant(date: Date, zone: &TimeZone) -> Option<Read> {
    in_zone(date.to_datetime(Time::midnight()), zone).map(|read| Read { doubt: None, ..read })
}

fn in_zone(local: DateTime, zone: &TimeZone) -> Option<Read> {
    let ambiguous = zone.to_ambiguous_timestamp(local);
    let doubt = match ambiguous.offset() {
        AmbiguousOffset::Unambiguous { .. } => None,
        AmbiguousOffset::Gap { .. } => Some(Doubt::Never),
        AmbiguousOffset::Fold { .. } => Some(Doubt::Twice),
    };
    Some(Read { instant: ambiguous.compatible().ok()?, doubt })
}
