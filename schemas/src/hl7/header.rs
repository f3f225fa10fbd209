//! The message header (v2.5.1 §2.15.9): whether this is a message that can be read, and for what it was sent.

use super::part::{Part, Segment};
use crate::{Fault, format::Context, report::Processing};

/// What the header decides for every report of its message.
#[derive(Clone, Copy)]
pub(super) struct Header<'m> {
    pub(super) segment: Segment<'m>,
    /// MSH-11.
    pub(super) processing: Processing,
    /// MSH-7.1, the issue time of a report that states none.
    pub(super) time: Part<'m>,
}

/// Reads the header; none where the message is another than ORU^R01, whose segments mean something else.
pub(super) fn read<'m>(msh: Segment<'m>, context: &Context<'_>, faults: &mut Vec<Fault>) -> Option<Header<'m>> {
    let mut found = |field: u8, fault: Fault| faults.push(msh.place.fault(field, fault));
    let is_result = is_result_message(&msh);
    if !is_result {
        let detail = "only result messages are read: MSH-9 must be ORU^R01^ORU_R01";
        found(9, Fault::error("message-type-unsupported", detail));
    }
    if msh.field(10).is_empty() {
        found(10, Fault::error("control-id-missing", "MSH-10 is empty: give each message an identifier of its own"));
    }
    let version = msh.field(12).component(1);
    if version.is_empty() {
        found(12, Fault::warning("version-missing", "MSH-12 is empty: the message was read as version 2.5.1"));
    } else if !is_supported(version.code()) {
        found(12, Fault::error("version-unsupported", "MSH-12 must be a version from 2.3 to 2.8"));
    }
    if !is_of_facility(&msh, context.facilities) {
        let detail = "MSH-4 is none of the facilities that the laboratory lists: mend it, or have the facility listed";
        found(4, Fault::error("facility-not-listed", detail));
    }
    let processing = match msh.field(11).component(1).code() {
        "P" | "p" => Processing::Production,
        "T" | "t" => Processing::Training,
        "D" | "d" => Processing::Debugging,
        "" | "\"\"" => {
            // Not taken for P: what was sent for training must never reach a patient.
            let detail = "MSH-11 is empty: send P for production, or T or D, which reach nobody";
            found(11, Fault::error("processing-id-missing", detail));
            Processing::Production
        }
        _ => {
            found(11, Fault::error("processing-id-invalid", "MSH-11 must be P, T or D (table 0103)"));
            Processing::Production
        }
    };
    is_result.then(|| Header { segment: msh, processing, time: msh.field(7).component(1) })
}

/// MSH-9 (§2.15.9.9): type, trigger event and structure; senders leave out what follows the type.
fn is_result_message(msh: &Segment<'_>) -> bool {
    let [kind, event] = msh.field(9).components::<2>().map(|part| part.code());
    match kind {
        "ORU" => matches!(event, "" | "R01"),
        "ORU_R01" => event.is_empty(),
        _ => false,
    }
}

/// MSH-12 (§2.15.9.12, table 0104): 2.3 to 2.8 with all that came between, e.g. 2.3.1.
fn is_supported(version: &str) -> bool {
    matches!(version.as_bytes(), [b'2', b'.', b'3'..=b'8'] | [b'2', b'.', b'3'..=b'8', b'.', b'0'..=b'9'])
}

/// MSH-4 (§2.15.9.4): its namespace or its universal id is listed, or the laboratory lists nothing.
fn is_of_facility(msh: &Segment<'_>, facilities: &[String]) -> bool {
    let sent = || msh.field(4).components::<2>().into_iter().filter_map(|part| part.text());
    facilities.is_empty() || sent().any(|sent| facilities.iter().any(|listed| *listed == *sent))
}
