//! How values stand in rows: times, days, words, keys, versions.

use jiff::{Timestamp, civil::Date};
use rusqlite::{
    Row,
    types::{FromSqlError, Type, ValueRef},
};
use schemas::{
    Digest, Identity, ItemPlace, Position, Version,
    report::{Status, TestResult},
    version::{Person, PersonKey, Reasons},
};

use crate::Notice;

/// Bits of a key that number the rows of one upload or one report; an upload's body ends long before its items do.
const ORDINAL_BITS: u32 = 24;

/// More items in an upload, or versions of a report, than a key can number.
#[derive(Debug, thiserror::Error)]
#[error("more than 2^24 {0}: no key is left for one more")]
pub(super) struct OutOfKeys(&'static str);

/// The key of one row among those of `parent`.
pub(super) fn child_key(parent: i64, ordinal: usize, of: &'static str) -> rusqlite::Result<i64> {
    match i64::try_from(ordinal) {
        Ok(ordinal) if ordinal < 1 << ORDINAL_BITS => Ok(first_key(parent) | ordinal),
        _ => Err(rusqlite::Error::ToSqlConversionFailure(Box::new(OutOfKeys(of)))),
    }
}

/// The least key that a row of `parent` can have.
pub(super) fn first_key(parent: i64) -> i64 {
    parent << ORDINAL_BITS
}

/// The greatest key that a row of `parent` can have.
pub(super) fn last_key(parent: i64) -> i64 {
    first_key(parent) | ((1 << ORDINAL_BITS) - 1)
}

/// Which parent's row a key is of.
pub(super) fn parent(key: i64) -> i64 {
    key >> ORDINAL_BITS
}

/// Which of its parent's rows a key is.
pub(super) fn ordinal(key: i64) -> u32 {
    (key & ((1 << ORDINAL_BITS) - 1)) as u32
}

/// A time without what is finer than a microsecond, which no row keeps: what decides is the same before and after.
pub(super) fn whole_micros(time: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(time.as_microsecond()).unwrap_or(time)
}

/// An offset as SQLite holds it. Journals count up from 0 and stay below 2^63.
pub(super) fn signed(offset: u64) -> i64 {
    i64::try_from(offset).unwrap_or(i64::MAX)
}

/// An offset as the journal knows it.
pub(super) fn unsigned(offset: i64) -> u64 {
    u64::try_from(offset).unwrap_or(0)
}

/// A day as a number that reads as one: 20201020.
pub(super) fn day_number(day: Date) -> i64 {
    i64::from(day.year()) * 10_000 + i64::from(day.month()) * 100 + i64::from(day.day())
}

/// The column's day.
pub(super) fn day(row: &Row<'_>, column: usize) -> rusqlite::Result<Date> {
    let number: i64 = row.get(column)?;
    let part = |divisor: i64, modulus: i64| i8::try_from(number / divisor % modulus).ok();
    let date = || Date::new(i16::try_from(number / 10_000).ok()?, part(100, 100)?, part(1, 100)?).ok();
    date().ok_or_else(|| unreadable(column, Type::Integer, "no day"))
}

/// The column's time.
pub(super) fn time(row: &Row<'_>, column: usize) -> rusqlite::Result<Timestamp> {
    Timestamp::from_microsecond(row.get(column)?).map_err(|_| unreadable(column, Type::Integer, "no time"))
}

/// The column's word, by the table that `parse` knows.
pub(super) fn word<T>(row: &Row<'_>, column: usize, parse: impl Fn(&str) -> Option<T>) -> rusqlite::Result<T> {
    let value = row.get_ref(column)?;
    value.as_str().ok().and_then(parse).ok_or_else(|| unreadable(column, value.data_type(), "not a word known here"))
}

/// As [`word`], none where the column is null.
fn optional_word<T>(row: &Row<'_>, column: usize, parse: impl Fn(&str) -> Option<T>) -> rusqlite::Result<Option<T>> {
    match row.get_ref(column)? {
        ValueRef::Null => Ok(None),
        _ => word(row, column, parse).map(Some),
    }
}

/// The column's digest, where there is one.
pub(super) fn digest(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Digest>> {
    Ok(row.get::<_, Option<[u8; 16]>>(column)?.map(Digest))
}

/// The report's identity in `column` and the next two.
pub(super) fn identity(row: &Row<'_>, column: usize) -> rusqlite::Result<Identity> {
    let lab = word(row, column, |lab| lab.parse().ok())?;
    Ok(Identity { lab, number: row.get(column + 1)?, test: row.get(column + 2)? })
}

/// How a notice stands in its two columns: word and reasons.
pub(super) fn notice_columns(notice: Notice) -> (&'static str, u16) {
    match notice {
        Notice::NotDue => ("not-due", 0),
        Notice::Due => ("due", 0),
        Notice::Held(reasons) => ("held", reasons.0),
    }
}

/// The notice in `column` and the next.
pub(super) fn notice(row: &Row<'_>, column: usize) -> rusqlite::Result<Notice> {
    let reasons = Reasons(row.get(column + 1)?);
    word(row, column, |word| match word {
        "not-due" => Some(Notice::NotDue),
        "due" => Some(Notice::Due),
        "held" => Some(Notice::Held(reasons)),
        _ => None,
    })
}

/// The columns that [`version`] reads, in its order.
pub(super) const VERSION_COLUMNS: &str = "digest, stated_issue, received_at, partition, offset, item, status, result, \
                                          person_code, person_name, reasons, listed, rehearsal";

/// A version's facts from the first columns of a row, as `VERSION_COLUMNS` lists them.
pub(super) fn version(row: &Row<'_>) -> rusqlite::Result<Version> {
    let stated: Option<i64> = row.get(1)?;
    Ok(Version {
        digest: Digest(row.get(0)?),
        stated_issue: stated.map(|_| time(row, 1)).transpose()?,
        received_at: time(row, 2)?,
        first_place: ItemPlace {
            position: Position { partition: row.get(3)?, offset: unsigned(row.get(4)?) },
            item: row.get(5)?,
        },
        status: word(row, 6, Status::parse)?,
        result: optional_word(row, 7, TestResult::parse)?,
        person: Person {
            by_code: row.get::<_, Option<[u8; 16]>>(8)?.map(PersonKey),
            by_name: row.get::<_, Option<[u8; 16]>>(9)?.map(PersonKey),
        },
        reasons: Reasons(row.get(10)?),
        listed: row.get(11)?,
        rehearsal: row.get(12)?,
    })
}

/// A value that this release cannot have written.
pub(super) fn unreadable(column: usize, found: Type, why: &'static str) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, found, Box::new(FromSqlError::Other(why.into())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_order_by_parent_then_ordinal_and_end_loudly() {
        let last = (1 << ORDINAL_BITS) - 1;
        let keys: Vec<i64> =
            [(1, 0), (1, 1), (1, last), (2, 0)].map(|(p, n)| child_key(p, n, "items").unwrap()).to_vec();
        assert!(keys.is_sorted());
        assert_eq!(keys.iter().map(|key| parent(*key)).collect::<Vec<_>>(), [1, 1, 1, 2]);
        assert_eq!(ordinal(keys[2]), last as u32);
        assert_eq!((first_key(1), last_key(1)), (keys[0], keys[2]));
        assert!(child_key(1, last + 1, "items").is_err());
    }
}
