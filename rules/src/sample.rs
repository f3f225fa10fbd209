//! Values that tests share.

use jiff::{SignedDuration, Timestamp};
use schemas::{
    Digest, ItemPlace, Position, Version,
    report::{Status, TestResult},
    version::{Person, PersonKey, Reasons},
};

/// 20 October 2020, 12:00 in Rome.
pub(crate) const RECEIVED: Timestamp = Timestamp::constant(1_603_188_000, 0);

/// So many minutes after [`RECEIVED`].
pub(crate) fn at(minutes: i64) -> Timestamp {
    RECEIVED + SignedDuration::from_mins(minutes)
}

pub(crate) fn place(offset: u64) -> ItemPlace {
    ItemPlace { position: Position { partition: 0, offset }, item: 0 }
}

/// A version that nothing holds: content, status, stated issue in minutes, offset (received as many minutes on).
pub(crate) fn version(content: u8, status: Status, issue: Option<i64>, offset: u64) -> Version {
    Version {
        digest: Digest([content; 16]),
        stated_issue: issue.map(at),
        received_at: at(i64::try_from(offset).unwrap()),
        first_place: place(offset),
        status,
        result: Some(TestResult::Negative),
        person: Person { by_code: Some(PersonKey([1; 16])), by_name: Some(PersonKey([2; 16])) },
        reasons: Reasons::default(),
        listed: true,
        rehearsal: false,
    }
}
