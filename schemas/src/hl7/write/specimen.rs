//! The specimen: SPM (v2.5.1 §7.4.3).

use jiff::tz::TimeZone;

use super::{
    segment::{Fields, components, maybe, text},
    time,
};
use crate::report::Specimen;

/// SPM, where there is more to say than the times, which OBR has too.
pub(super) fn spm(specimen: &Specimen<'_>, zone: &TimeZone) -> Option<Fields> {
    if specimen.id.is_none() && specimen.kind.is_none() {
        return None;
    }
    let exact = |instant: Option<jiff::Timestamp>| instant.map(|at| time::exact(at, zone)).unwrap_or_default();
    // SPM-4 is required. Of a code the system is not known.
    let kind = specimen.kind.as_deref().map_or_else(|| "\"\"".to_owned(), text);
    Some(
        Fields::of("SPM")
            .with(1, "1")
            .with(2, components(&["", &maybe(specimen.id.as_deref())]))
            .with(4, kind)
            .with(17, exact(specimen.collected_at))
            .with(18, exact(specimen.received_at)),
    )
}
