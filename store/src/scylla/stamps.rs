//! Write timestamps: which of two writes of a cell stays, whoever writes last.
//!
//! They are from the journal, never a clock, so a redelivery, a late worker or a replay cannot change what stands: its
//! positions, and in rows of uploads the day on which the record was received. A time-windowed compaction would see
//! years near 2008, 2001 and 1970: no table uses one. A column that was dropped must never come back under its name,
//! and a deletion needs a timestamp above all of these.
//!
//! # Rows that expire
//!
//! Rows of uploads may expire, and a cell that expired hides every write below it until it is compacted away. So an
//! upload that comes again when its rows are gone is written above them, also where an item that was accepted is
//! refused now. Its record was received later, by about the days that rows are kept; so these timestamps rise each
//! day by more than offsets do, and an accepted item stands above a refused one by a day and a half. That is more
//! than a clock that is behind at midnight takes away, and what is two days later is above all that expired. The term
//! is of the day alone and not of the setting, which may be changed at will.
//!
//! Of one day's records the first stays, as for reports. Of two days' the later would, were it written while the
//! first lives; it is not. Admission plans no row that it finds, and whoever admits a record, a worker that should
//! have stopped too, has had everything before it stored: what is planned of a later record was refused in every
//! earlier one, or expired.

use jiff::Timestamp;
use schemas::{Position, Version};

/// Rows of accepted things: the first of several stays, so timestamps fall as offsets rise.
const FACT: i64 = 1_000_000_000_000_000;
/// What rows of uploads gain each day: more than the records that a partition takes in one.
const DAY: i64 = 10_000_000_000;
/// What an accepted item has above a refused one, which it replaces.
const ACCEPTED: i64 = DAY + DAY / 2;
/// Days count from 1970 to 2149 and no further, so that no record's time makes a timestamp that is in the future:
/// ScyllaDB refuses those.
const LAST_DAY: i64 = 65_535;

/// An offset as the server holds it. Journals count up from 0 and stay below 2^63.
pub(super) fn signed(offset: u64) -> i64 {
    i64::try_from(offset).unwrap_or(i64::MAX)
}

/// An offset as the journal knows it.
pub(super) fn unsigned(offset: i64) -> u64 {
    u64::try_from(offset).unwrap_or(0)
}

/// Of what the record at `position` brought of a report: the first record stays.
pub(super) fn fact(position: Position) -> i64 {
    FACT - signed(position.offset)
}

/// Of a row of an upload, where the record at `position`, received then, stored or accepted it.
pub(super) fn of_upload(received_at: Timestamp, position: Position) -> i64 {
    refused(received_at, position) + ACCEPTED
}

/// Of an item that the record at `position`, received then, carried, refused or dead: stays until one accepts it.
pub(super) fn refused(received_at: Timestamp, position: Position) -> i64 {
    let days = (received_at.as_second() / 86_400).clamp(0, LAST_DAY);
    fact(position) + days * DAY
}

/// Of what moves forward only: the greatest offset stays. Above 0, which not every server takes for a time.
pub(super) fn forward(offset: u64) -> i64 {
    signed(offset).saturating_add(1)
}

/// Of what follows from a set of versions, which only grows: what follows from more of them stays. `told` is true
/// once the current one was emitted, which changes what follows and no version.
pub(super) fn fold(versions: &[Version], told: bool) -> i64 {
    let last = versions.iter().map(|version| signed(version.first_place.position.offset)).max().unwrap_or(0);
    last.saturating_mul(2).saturating_add(1 + i64::from(told))
}

#[cfg(test)]
mod tests {
    use super::*;

    const YEAR_2024: i64 = 1_704_067_200_000_000;

    fn at(offset: u64) -> Position {
        Position { partition: 3, offset }
    }

    fn on(day: &str) -> Timestamp {
        format!("{day}T12:00:00Z").parse().expect("a time")
    }

    #[test]
    fn the_first_fact_stays_and_places_go_forward() {
        assert_eq!((fact(at(0)), fact(at(7))), (1_000_000_000_000_000, 999_999_999_999_993));
        assert!(forward(0) > 0 && forward(8) > forward(7));
    }

    #[test]
    fn of_one_days_records_the_first_stays_and_the_first_accepted_replaces() {
        let day = on("2026-03-01");
        assert!(of_upload(day, at(7)) > of_upload(day, at(8)) && refused(day, at(7)) > refused(day, at(8)));
        // More records than a partition takes in a day, and at midnight a clock that is behind.
        assert!(of_upload(day, at(4_000_000_000)) > refused(day, at(0)));
        assert!(of_upload(on("2026-02-28"), at(4_000_000_000)) > refused(day, at(0)));
        assert!(of_upload(on("2046-03-01"), at(4_000_000_000)) > refused(day, at(0)));
    }

    #[test]
    fn what_comes_again_when_it_expired_is_above_whatever_it_was_and_becomes() {
        let (first, again) = (on("2026-02-28"), on("2026-03-02"));
        for (expired, new) in [(0, 4_000_000_000), (4_000_000_000, 0)] {
            let expired = [of_upload(first, at(expired)), refused(first, at(expired))];
            let new = [of_upload(again, at(new)), refused(again, at(new))];
            assert!(new.iter().min() > expired.iter().max(), "{new:?} over {expired:?}");
        }
        assert!(refused(first, at(1 << 40)) > fact(at(0)), "and above rows whose timestamps had no day");
    }

    #[test]
    fn no_time_of_a_record_makes_a_timestamp_that_a_server_refuses() {
        for time in [Timestamp::MIN, Timestamp::UNIX_EPOCH, on("2026-03-01"), on("2149-06-06"), Timestamp::MAX] {
            for stamp in [of_upload(time, at(0)), refused(time, at(0)), refused(time, at(1 << 48))] {
                assert!((1..YEAR_2024).contains(&stamp), "{stamp} at {time}");
            }
        }
    }
}
