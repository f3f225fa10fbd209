//! What every target of a format does: takes an upload apart, reads each item, and does the same once more by chunks.

use std::sync::OnceLock;

use jiff::{Timestamp, tz::TimeZone};
use schemas::{
    chunk,
    format::{Context, Decoder, Format, Limits, split, units},
};

static ZONE: OnceLock<TimeZone> = OnceLock::new();

/// Runs `body` through the format as the door and admission do.
///
/// # Panics
/// Where the two disagree about its units.
pub fn upload(format: Format, body: &[u8]) {
    let limits = Limits { body_bytes: 1 << 20, unit_bytes: 1 << 16, items: 1_000, depth: 64 };
    // A zone whose clock changes, and a day after which nothing plausible happened.
    let zone = ZONE.get_or_init(|| TimeZone::get("Europe/Rome").expect("a zone of the bundled database"));
    let context = Context {
        received_at: Timestamp::constant(1_768_478_400, 0),
        zone,
        charset: None,
        facilities: &[],
        limits: &limits,
    };
    let mut decoder = Decoder::default();
    decoder.decode(format, body, (0, 1), &context, &mut |_| ());
    let _ = units(format, body, 1);
    let Ok(split) = split(format, body, &limits) else { return };
    for range in chunk::cut(&split.units, 64) {
        let whole = &split.units[range];
        let [first, last] = [&whole[0], &whole[whole.len() - 1]];
        let piece = &body[first.bytes.start..last.bytes.end];
        let again = units(format, piece, first.line);
        let texts = |bytes: &[u8], units: &[schemas::format::Unit]| -> Vec<(Vec<u8>, u32)> {
            units.iter().map(|unit| (bytes[unit.bytes.clone()].to_vec(), unit.line)).collect()
        };
        assert_eq!(texts(piece, &again), texts(body, whole));
        for (index, unit) in (0..).zip(&again) {
            decoder.decode(format, &piece[unit.bytes.clone()], (index, unit.line), &context, &mut |_| ());
        }
    }
}
