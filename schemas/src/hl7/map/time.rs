//! Times of a message, with what is doubtful about them.

use jiff::Timestamp;

use crate::{
    Fault,
    format::Context,
    hl7::{location::Spot, part::Part},
    time::{Doubt, read_hl7},
};

/// The fault codes of one time.
pub(super) struct Codes {
    pub(super) invalid: &'static str,
    pub(super) ambiguous: &'static str,
    pub(super) nonexistent: &'static str,
    /// Whether an unreadable one refuses the report: it does where something follows from the time.
    pub(super) required: bool,
}

pub(super) const ISSUED: Codes = Codes {
    invalid: "issued-at-invalid",
    ambiguous: "issued-at-ambiguous",
    nonexistent: "issued-at-nonexistent",
    required: true,
};
pub(super) const COLLECTED: Codes = Codes {
    invalid: "collected-at-invalid",
    ambiguous: "collected-at-ambiguous",
    nonexistent: "collected-at-nonexistent",
    required: true,
};
pub(super) const RECEIVED: Codes = Codes {
    invalid: "received-at-invalid",
    ambiguous: "received-at-ambiguous",
    nonexistent: "received-at-nonexistent",
    required: false,
};
pub(super) const REQUESTED: Codes = Codes {
    invalid: "requested-at-invalid",
    ambiguous: "requested-at-ambiguous",
    nonexistent: "requested-at-nonexistent",
    required: false,
};

/// Reads a time (TS or DTM; without an offset it is in the laboratory's zone).
pub(super) fn read(
    part: Part<'_>,
    codes: &Codes,
    (place, field): Spot,
    context: &Context<'_>,
    faults: &mut Vec<Fault>,
) -> Option<Timestamp> {
    let text = part.text()?;
    let Some(read) = read_hl7(&text, context.zone) else {
        let make: fn(_, &'static str) -> Fault = if codes.required { Fault::error } else { Fault::warning };
        let detail = "no time: write YYYYMMDDHHMMSS and the offset, e.g. 20201020110400+0200";
        faults.push(place.fault(field, make(codes.invalid, detail)));
        return None;
    };
    let doubt = read.doubt.map(|doubt| match doubt {
        Doubt::Twice => Fault::warning(
            codes.ambiguous,
            "the time came twice as the clock went back, and the first was taken: send the offset",
        ),
        Doubt::Never => Fault::warning(
            codes.nonexistent,
            "the time never came as the clock went forward, and the one as long after was taken: send the offset",
        ),
    });
    faults.extend(doubt.map(|fault| place.fault(field, fault)));
    Some(read.instant)
}
