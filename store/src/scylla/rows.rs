//! How values stand in rows: times, days, words, versions.

use ::scylla::{DeserializeRow, SerializeRow};
use jiff::{Timestamp, civil::Date};
use schemas::{
    Digest, Identity, ItemPlace, Position, SubmissionId, Version,
    report::{Status, TestResult},
    version::{Person, PersonKey, Reasons},
};
use uuid::Uuid;

use super::{
    session::unavailable,
    stamps::{self, signed, unsigned},
};
use crate::{NewVersion, StoreError, StoredVersion};

/// A stated issue time that is not there: part of a key, which takes no null.
const NOT_STATED: i64 = i64::MIN;

/// A value that this release cannot have written.
#[derive(Debug, thiserror::Error)]
#[error("the store holds no {0} where one belongs")]
pub(super) struct Unreadable(pub(super) &'static str);

pub(super) fn unreadable(what: &'static str) -> StoreError {
    unavailable(Unreadable(what))
}

/// A time without what is finer than a microsecond, which no row keeps.
pub(super) fn whole_micros(time: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(time.as_microsecond()).unwrap_or(time)
}

pub(super) fn time(micros: i64) -> Result<Timestamp, StoreError> {
    Timestamp::from_microsecond(micros).map_err(|_| unreadable("time"))
}

/// How a stated issue time stands in a row.
pub(super) fn stated(time: Option<Timestamp>) -> i64 {
    time.map_or(NOT_STATED, Timestamp::as_microsecond)
}

pub(super) fn stated_time(micros: i64) -> Result<Option<Timestamp>, StoreError> {
    (micros != NOT_STATED).then(|| time(micros)).transpose()
}

/// A day as a number that reads as one: 20201020.
pub(super) fn day_number(day: Date) -> i32 {
    i32::from(day.year()) * 10_000 + i32::from(day.month()) * 100 + i32::from(day.day())
}

pub(super) fn day(number: i32) -> Result<Date, StoreError> {
    let part = |divisor: i32| i8::try_from(number / divisor % 100).ok();
    let date = || Date::new(i16::try_from(number / 10_000).ok()?, part(100)?, part(1)?).ok();
    date().ok_or_else(|| unreadable("day"))
}

/// A count or index of ours, which a row holds as a signed number of the same width.
pub(super) fn int(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

pub(super) fn unsigned_int(number: i32) -> u32 {
    u32::try_from(number).unwrap_or(0)
}

pub(super) fn place((partition, offset, item): (i32, i64, i32)) -> ItemPlace {
    let position = Position { partition: unsigned_int(partition), offset: unsigned(offset) };
    ItemPlace { position, item: unsigned_int(item) }
}

pub(super) fn digest(bytes: &[u8]) -> Result<Digest, StoreError> {
    bytes.try_into().map(Digest).map_err(|_| unreadable("digest"))
}

pub(super) fn person(bytes: &[u8]) -> Result<PersonKey, StoreError> {
    bytes.try_into().map(PersonKey).map_err(|_| unreadable("person's key"))
}

/// A row of `reports` as it is written.
#[derive(SerializeRow)]
pub(super) struct VersionRow<'a> {
    lab: &'a str,
    number: &'a str,
    test: &'a str,
    digest: &'a [u8],
    stated_issue: i64,
    received_at: i64,
    at_partition: i32,
    at_offset: i64,
    at_item: i32,
    day: i32,
    status: &'static str,
    result: &'static str,
    person_code: &'a [u8],
    person_name: &'a [u8],
    reasons: i32,
    listed: bool,
    rehearsal: bool,
    submission: Uuid,
    content: &'a str,
    written_at: i64,
}

impl<'a> VersionRow<'a> {
    pub(super) fn of(new: &'a NewVersion, version: &'a Version, submission: SubmissionId, day: Date) -> Self {
        let place = version.first_place;
        let key = |key: &'a Option<PersonKey>| key.as_ref().map_or(&[][..], |key| &key.0);
        Self {
            lab: new.identity.lab.as_str(),
            number: &new.identity.number,
            test: &new.identity.test,
            digest: &version.digest.0,
            stated_issue: stated(version.stated_issue),
            received_at: version.received_at.as_microsecond(),
            at_partition: int(place.position.partition),
            at_offset: signed(place.position.offset),
            at_item: int(place.item),
            day: day_number(day),
            status: version.status.as_str(),
            result: version.result.map_or("", TestResult::as_str),
            person_code: key(&version.person.by_code),
            person_name: key(&version.person.by_name),
            reasons: i32::from(version.reasons.0),
            listed: version.listed,
            rehearsal: version.rehearsal,
            submission: submission.0,
            content: &new.content,
            written_at: stamps::fact(place.position),
        }
    }
}

/// A row of `reports` as it is read. A partition may have nothing but the mark of emission.
#[derive(DeserializeRow)]
pub(super) struct FactRow {
    emitted: Option<Vec<u8>>,
    digest: Option<Vec<u8>>,
    stated_issue: Option<i64>,
    received_at: Option<i64>,
    at_partition: Option<i32>,
    at_offset: Option<i64>,
    at_item: Option<i32>,
    day: Option<i32>,
    status: Option<String>,
    result: Option<String>,
    person_code: Option<Vec<u8>>,
    person_name: Option<Vec<u8>>,
    reasons: Option<i32>,
    listed: Option<bool>,
    rehearsal: Option<bool>,
    submission: Option<Uuid>,
    content: Option<String>,
}

/// A version with what stands beside its facts.
pub(super) struct ReadVersion {
    pub(super) stored: StoredVersion,
    pub(super) day: Date,
}

impl FactRow {
    pub(super) fn emitted(&self) -> Result<Option<Digest>, StoreError> {
        self.emitted.as_deref().map(digest).transpose()
    }

    /// The version; none where the row has nothing but the mark of emission.
    pub(super) fn version(self) -> Result<Option<ReadVersion>, StoreError> {
        let Some(of) = &self.digest else { return Ok(None) };
        let missing = || unreadable("fact of a version");
        let key = |bytes: &Option<Vec<u8>>| match bytes.as_deref() {
            None | Some([]) => Ok(None),
            Some(bytes) => person(bytes).map(Some),
        };
        let at = || Some((self.at_partition?, self.at_offset?, self.at_item?));
        let version = Version {
            digest: digest(of)?,
            stated_issue: stated_time(self.stated_issue.ok_or_else(missing)?)?,
            received_at: time(self.received_at.ok_or_else(missing)?)?,
            first_place: place(at().ok_or_else(missing)?),
            status: self.status.as_deref().and_then(Status::parse).ok_or_else(missing)?,
            result: match self.result.as_deref() {
                None | Some("") => None,
                Some(word) => Some(TestResult::parse(word).ok_or_else(|| unreadable("result"))?),
            },
            person: Person { by_code: key(&self.person_code)?, by_name: key(&self.person_name)? },
            reasons: Reasons(u16::try_from(self.reasons.ok_or_else(missing)?).map_err(|_| missing())?),
            listed: self.listed.ok_or_else(missing)?,
            rehearsal: self.rehearsal.ok_or_else(missing)?,
        };
        let submission = SubmissionId(self.submission.ok_or_else(missing)?);
        let day = day(self.day.ok_or_else(missing)?)?;
        Ok(Some(ReadVersion {
            stored: StoredVersion { version, content: self.content.unwrap_or_default(), submission },
            day,
        }))
    }
}

/// A report's three names, as rows have them.
pub(super) fn identity(lab: &str, number: String, test: String) -> Result<Identity, StoreError> {
    Ok(Identity { lab: lab.parse().map_err(|_| unreadable("laboratory"))?, number, test })
}
