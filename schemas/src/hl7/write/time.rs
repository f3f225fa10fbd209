//! Times as HL7 writes them (v2.5.1 §2.A.22, DTM), always with their offset.

use jiff::{Timestamp, tz::Offset, tz::TimeZone};

/// `YYYYMMDDHHMMSS[.SSSS]±ZZZZ` in `zone`; what is finer than a tenth of a millisecond is dropped, for DTM has no more.
pub(super) fn exact(instant: Timestamp, zone: &TimeZone) -> String {
    let fraction = instant.subsec_nanosecond().rem_euclid(1_000_000_000) / 100_000;
    let (local, offset) = parts(instant, zone);
    if fraction == 0 {
        return local + &offset;
    }
    let digits = format!("{fraction:04}");
    format!("{local}.{}{offset}", digits.trim_end_matches('0'))
}

/// `YYYYMMDDHHMMSS±ZZZZ` in `zone`.
pub(super) fn to_the_second(instant: Timestamp, zone: &TimeZone) -> String {
    let (local, offset) = parts(instant, zone);
    local + &offset
}

fn parts(instant: Timestamp, zone: &TimeZone) -> (String, String) {
    // HL7's offsets are of minutes; those of before standard time had seconds.
    let minutes = zone.to_offset(instant).seconds() / 60;
    let offset = Offset::from_seconds(minutes * 60).unwrap_or(Offset::UTC);
    let sign = if minutes < 0 { '-' } else { '+' };
    let local = offset.to_datetime(instant).strftime("%Y%m%d%H%M%S").to_string();
    (local, format!("{sign}{:02}{:02}", minutes.abs() / 60, minutes.abs() % 60))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::read_hl7;

    #[test]
    fn times_are_written_with_their_offset_and_read_back() {
        let table = [
            ("2020-10-20T09:04:00Z", "Europe/Rome", "20201020110400+0200"),
            ("2020-01-20T09:04:00Z", "Europe/Rome", "20200120100400+0100"),
            ("2020-10-25T00:30:00Z", "Europe/Rome", "20201025023000+0200"),
            ("2020-10-25T01:30:00Z", "Europe/Rome", "20201025023000+0100"),
            ("2020-10-20T09:04:00.1234Z", "UTC", "20201020090400.1234+0000"),
            ("2020-10-20T09:04:00.5Z", "America/St_Johns", "20201020063400.5-0230"),
            ("1850-01-01T00:00:00Z", "Europe/Rome", "18500101004900+0049"),
        ];
        for (instant, zone, written) in table {
            let zone = TimeZone::get(zone).unwrap();
            let instant = instant.parse().unwrap();
            assert_eq!(exact(instant, &zone), written);
            assert_eq!(read_hl7(written, &zone).unwrap().instant, instant);
        }
        assert_eq!(to_the_second("2020-10-20T09:04:00.9Z".parse().unwrap(), &TimeZone::UTC), "20201020090400+0000");
    }
}
