//! Times as senders write them (v2.5.1 §2.A.22, DTM).

use jiff::{
    Timestamp,
    civil::Date,
    tz::{Offset, TimeZone},
};

use super::{delimiters::Delimiters, dialect::Dialect};

/// An instant; read with the laboratory's zone it means that instant and no other.
///
/// A time without offset is written only where the clock shows it once. Where `+` is a delimiter, an offset that must be
/// written is that of UTC with a minus, which is the same (§2.A.22).
pub(super) fn instant(at: Timestamp, dialect: Dialect, delimiters: &Delimiters, zone: &TimeZone) -> String {
    let local = at.to_zoned(zone.clone());
    let plus_delimits = delimiters.subcomponent == '+';
    let leaves_offset_out = dialect == Dialect::Legacy || plus_delimits;
    if leaves_offset_out && !zone.to_ambiguous_timestamp(local.datetime()).is_ambiguous() {
        return local.strftime("%Y%m%d%H%M%S").to_string();
    }
    if plus_delimits {
        return format!("{}-0000", Offset::UTC.to_datetime(at).strftime("%Y%m%d%H%M%S"));
    }
    let fraction = if dialect == Dialect::Recent { ".000" } else { "" };
    format!("{}{fraction}{}", local.strftime("%Y%m%d%H%M%S"), local.strftime("%z"))
}

/// A day of birth; an old system writes it as a midnight.
pub(super) fn birth(day: Date, dialect: Dialect) -> String {
    let midnight = if dialect == Dialect::Legacy { "000000" } else { "" };
    format!("{}{midnight}", day.strftime("%Y%m%d"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hour_that_comes_twice_has_an_offset() {
        let zone = TimeZone::get("Europe/Rome").unwrap();
        let (usual, others) = (Delimiters::USUAL, Delimiters::OTHERS);
        let write = |at: &str, dialect, signs: &Delimiters| instant(at.parse().unwrap(), dialect, signs, &zone);
        let table = [
            ("2020-10-24T12:00:00Z", Dialect::Profile, &usual, "20201024140000+0200"),
            ("2020-10-24T12:00:00Z", Dialect::Legacy, &usual, "20201024140000"),
            ("2020-10-24T12:00:00Z", Dialect::Custom, &others, "20201024140000"),
            ("2020-10-24T12:00:00Z", Dialect::Recent, &usual, "20201024140000.000+0200"),
            // 02:30 came twice that night.
            ("2020-10-25T00:30:00Z", Dialect::Legacy, &usual, "20201025023000+0200"),
            ("2020-10-25T01:30:00Z", Dialect::Legacy, &usual, "20201025023000+0100"),
            ("2020-10-25T01:30:00Z", Dialect::Custom, &others, "20201025013000-0000"),
            ("2020-10-25T02:30:00Z", Dialect::Legacy, &usual, "20201025033000"),
        ];
        for (at, dialect, signs, written) in table {
            assert_eq!(write(at, dialect, signs), written, "{at} {dialect:?}");
        }
    }
}
