//! Times as laboratories write them.

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use proptest::prelude::*;
use schemas::time::{Doubt, read_date, read_hl7, read_hl7_date, read_rfc3339};

fn rome() -> TimeZone {
    TimeZone::get("Europe/Rome").expect("a zone")
}

/// The instant in UTC and what was doubtful, for a table.
type Expected = Option<(&'static str, Option<Doubt>)>;

fn check(read: impl Fn(&str, &TimeZone) -> Option<schemas::time::Read>, zone: &TimeZone, table: &[(&str, Expected)]) {
    for (text, expected) in table {
        let found = read(text, zone).map(|read| (read.instant.to_string(), read.doubt));
        let found = found.as_ref().map(|(instant, doubt)| (instant.as_str(), *doubt));
        assert_eq!(found, *expected, "{text}");
    }
}

#[test]
fn rfc_3339() {
    check(
        read_rfc3339,
        &rome(),
        &[
            ("2020-10-20T11:04:00+02:00", Some(("2020-10-20T09:04:00Z", None))),
            ("2020-10-20T09:04:00Z", Some(("2020-10-20T09:04:00Z", None))),
            ("2020-10-20t09:04:00z", Some(("2020-10-20T09:04:00Z", None))),
            (" 2020-10-20 11:04:00.25+02:00 ", Some(("2020-10-20T09:04:00.25Z", None))),
            ("2020-10-20T11:04:00", Some(("2020-10-20T09:04:00Z", None))),
            ("2020-10-20T11:04", Some(("2020-10-20T09:04:00Z", None))),
            ("2020-12-20T11:04:00", Some(("2020-12-20T10:04:00Z", None))),
            ("2020-10-20", Some(("2020-10-19T22:00:00Z", None))),
            // The night the clock went back: 02:30 came twice.
            ("2020-10-25T02:30:00", Some(("2020-10-25T00:30:00Z", Some(Doubt::Twice)))),
            ("2020-10-25T02:30:00+02:00", Some(("2020-10-25T00:30:00Z", None))),
            ("2020-10-25T02:30:00+01:00", Some(("2020-10-25T01:30:00Z", None))),
            ("2020-10-25T03:00:00", Some(("2020-10-25T02:00:00Z", None))),
            // The night it went forward: 02:30 never came, and is read as 03:30.
            ("2020-03-29T02:30:00", Some(("2020-03-29T01:30:00Z", Some(Doubt::Never)))),
            ("2020-03-29T03:30:00", Some(("2020-03-29T01:30:00Z", None))),
            ("1970-01-01T00:00:00Z", Some(("1970-01-01T00:00:00Z", None))),
            ("2099-12-31T23:59:59Z", Some(("2099-12-31T23:59:59Z", None))),
            ("0000-01-01T00:00:00Z", None),
            ("2020-99-20T11:04:00Z", None),
            ("2020-02-30T11:04:00Z", None),
            ("2020-10-20T25:04:00Z", None),
            ("2020-10-20T11:04:00+99:00", None),
            ("2020-10-20T11:04:00+02:00[Europe/Rome]", None),
            ("20201020T110400Z", None),
            ("2020-W43-2T11:04:00Z", None),
            ("2020-10-20T", None),
            ("2020-10", None),
            ("11:04:00", None),
            ("ieri", None),
            ("", None),
        ],
    );
}

#[test]
fn a_day_begins_when_its_first_hour_does() {
    // Havana skipped the first hour of 10 March 2024 and had that of 3 November twice.
    let havana = TimeZone::get("America/Havana").expect("a zone");
    check(
        read_rfc3339,
        &havana,
        &[("2024-03-10", Some(("2024-03-10T05:00:00Z", None))), ("2024-11-03", Some(("2024-11-03T04:00:00Z", None)))],
    );
}

#[test]
fn hl7() {
    check(
        read_hl7,
        &rome(),
        &[
            ("20201020110400+0200", Some(("2020-10-20T09:04:00Z", None))),
            ("20201020110400.2500-0500", Some(("2020-10-20T16:04:00.25Z", None))),
            ("20201020110400.1234567891+0000", Some(("2020-10-20T11:04:00.123456789Z", None))),
            ("20201020110400", Some(("2020-10-20T09:04:00Z", None))),
            ("202010201104", Some(("2020-10-20T09:04:00Z", None))),
            ("2020102011", Some(("2020-10-20T09:00:00Z", None))),
            ("20201020", Some(("2020-10-19T22:00:00Z", None))),
            ("202010", Some(("2020-09-30T22:00:00Z", None))),
            ("2020", Some(("2019-12-31T23:00:00Z", None))),
            ("2020-0500", Some(("2020-01-01T05:00:00Z", None))),
            ("20201025023000", Some(("2020-10-25T00:30:00Z", Some(Doubt::Twice)))),
            ("20201025023000+0100", Some(("2020-10-25T01:30:00Z", None))),
            ("202003290230", Some(("2020-03-29T01:30:00Z", Some(Doubt::Never)))),
            ("00000101", None),
            ("20209901", None),
            ("20200230", None),
            ("20201020256000", None),
            ("2020102011040", None),
            ("20201020110400.", None),
            ("20201020110400.2x", None),
            ("202010201104.5", None),
            ("20201020110400+02", None),
            ("20201020110400+0260", None),
            ("20201020110400+9900", None),
            ("20201020110400Z", None),
            ("2020-10-20", None),
            ("+0200", None),
            ("", None),
        ],
    );
}

#[test]
fn dates() {
    let date = |text: &str| text.parse::<Date>().ok();
    for (text, expected) in [("19851210", date("1985-12-10")), ("198512102300-0500", date("1985-12-10"))] {
        assert_eq!(read_hl7_date(text), expected, "{text}");
    }
    for text in ["1985", "198512", "19850230", "00001210", "19851210x", "1985-12-10", "1985121é", ""] {
        assert_eq!(read_hl7_date(text), None, "{text}");
    }
    assert_eq!(read_date(" 1985-12-10 "), date("1985-12-10"));
    for text in ["1985-02-30", "0000-01-01", "1985-12", "19851210", "1985-12-10T00:00:00Z", "10/12/1985", ""] {
        assert_eq!(read_date(text), None, "{text}");
    }
}

proptest! {
    #[test]
    fn nothing_panics_on_any_text(text: String, alike in "[0-9TZ:.+ -]{0,36}") {
        for text in [text, alike] {
            let _ = (read_rfc3339(&text, &rome()), read_hl7(&text, &rome()), read_date(&text), read_hl7_date(&text));
        }
    }

    #[test]
    fn an_instant_written_is_read_again(seconds in -62_000_000_000..250_000_000_000i64, minutes in -720..=840i32) {
        let instant = Timestamp::from_second(seconds).expect("in range");
        let offset = jiff::tz::Offset::from_seconds(minutes * 60).expect("in range");
        let local = offset.to_datetime(instant);
        let (sign, hours, rest) = (if minutes < 0 { '-' } else { '+' }, minutes.abs() / 60, minutes.abs() % 60);
        let rfc = format!("{}{sign}{hours:02}:{rest:02}", local.strftime("%Y-%m-%dT%H:%M:%S"));
        let hl7 = format!("{}{sign}{hours:02}{rest:02}", local.strftime("%Y%m%d%H%M%S"));
        prop_assert_eq!(read_rfc3339(&rfc, &rome()).map(|read| read.instant), Some(instant), "{}", rfc);
        prop_assert_eq!(read_hl7(&hl7, &rome()).map(|read| read.instant), Some(instant), "{}", hl7);
    }
}
