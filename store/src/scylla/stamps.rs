//! Write timestamps: which of two writes of a cell stays, whoever writes last.
//!
//! They are positions in the journal, never a clock, so a redelivery, a late worker or a replay cannot change what
//! stands. A time-windowed compaction would see years near 2001 and 1970: no table uses one. A column that was
//! dropped must never come back under its name, and a deletion needs a timestamp above all of these.

use schemas::{Position, Version};

/// Rows of accepted things: the first of several stays, so timestamps fall as offsets rise.
const FACT: i64 = 1_000_000_000_000_000;
/// Items refused or dead: below every accepted one, which replaces them.
const REFUSED: i64 = 500_000_000_000_000;

/// An offset as the server holds it. Journals count up from 0 and stay below 2^63.
pub(super) fn signed(offset: u64) -> i64 {
    i64::try_from(offset).unwrap_or(i64::MAX)
}

/// An offset as the journal knows it.
pub(super) fn unsigned(offset: i64) -> u64 {
    u64::try_from(offset).unwrap_or(0)
}

/// Of what the record at `position` accepted: the first record stays.
pub(super) fn fact(position: Position) -> i64 {
    FACT - signed(position.offset)
}

/// Of an item that the record at `position` carried, refused or dead: the first stays, until one accepts it.
pub(super) fn refused(position: Position) -> i64 {
    REFUSED - signed(position.offset)
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

    #[test]
    fn the_first_fact_stays_the_first_accepted_replaces_and_places_go_forward() {
        let at = |offset| Position { partition: 3, offset };
        assert_eq!((fact(at(0)), fact(at(7))), (1_000_000_000_000_000, 999_999_999_999_993));
        assert_eq!((refused(at(0)), refused(at(7))), (500_000_000_000_000, 499_999_999_999_993));
        assert!(fact(at(1 << 48)) > refused(at(0)), "for any journal that will be");
        assert!(forward(0) > 0 && forward(8) > forward(7));
    }
}
