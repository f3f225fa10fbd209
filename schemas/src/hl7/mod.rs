//! HL7 v2 ORU^R01, messages and batch files (versions 2.3 to 2.8, read leniently; sections cited are of 2.5.1).
//!
//! In the order in which bytes pass: `file` takes a body apart into messages, `charset` makes a message text, `segment`
//! cuts it into `part`s (by the `separators` it declares), `header` and `message` find what it is and whose, `map` makes reports.
//! Text stays borrowed from the upload where it is UTF-8 and without escapes. All faults are found at once, each with its
//! segment, field and line; an error in one report of a message refuses them all, for one acknowledgement answers it.

mod charset;
mod escape;
mod file;
mod header;
mod kind;
mod lines;
mod location;
mod map;
mod message;
mod part;
mod segment;
mod separators;
mod write;

pub use self::{
    file::{control_id, split_file, split_messages},
    write::{Answer, Outgoing, OutgoingHeader, Unwritable, acknowledge, write_reports},
};
use self::{kind::Kind, map::Mapped, part::Segment, segment::Lexed};
use crate::{
    Fault,
    format::{Context, Item},
};

/// Reads one message into its reports; returns how many items (at least one).
///
/// `at` is the index of its first item and the line it begins on. Where no report can be read the message counts as one
/// refused item. The message's own faults stand with its first item.
pub fn decode(unit: &[u8], at: (u32, u32), context: &Context<'_>, sink: &mut dyn FnMut(Item<'_>)) -> u32 {
    let (text, charset) = charset::decode(unit, context.charset, at.1);
    let mut faults = Vec::from_iter(charset);
    faults.extend(nul(unit, at.1));
    let lexed = match Lexed::read(&text, at.1) {
        Ok(lexed) => lexed,
        Err(fault) => {
            faults.push(fault);
            return hand_over(Vec::new(), faults, at, sink);
        }
    };
    faults.extend(lexed.faults.iter().cloned());
    let segments = lexed.segments();
    let header = segments.first().and_then(|msh| header::read(*msh, context, &mut faults));
    let Some(header) = header else { return hand_over(Vec::new(), faults, at, sink) };
    let message = message::group(&segments, &mut faults);
    if !lexed.ended {
        faults.extend(segments.last().and_then(truncated));
    }
    let mapped = map::reports(&message, &header, context, &mut faults);
    hand_over(mapped, faults, at, sink)
}

/// A NUL is no character of any text: where one stands, bytes were lost or damaged.
fn nul(unit: &[u8], first_line: u32) -> Option<Fault> {
    let at = memchr::memchr(0, unit)?;
    let line =
        lines::Lines::new(unit.get(..at).unwrap_or_default(), first_line).last().map_or(first_line, |l| l.number);
    let detail = "a NUL stands in the message: its bytes were damaged on their way; send it as it was written";
    Some(Fault { line: Some(line), ..Fault::error("message-nul", detail) })
}

/// A last segment that nothing ends, and that lacks what it must have, was cut on its way: what a shorter one says may
/// be the beginning of something else. OBX-11 is required (§7.4.2), and so is SPM-4 (§7.4.3).
fn truncated(last: &Segment<'_>) -> Option<Fault> {
    let required = match last.kind() {
        Kind::Obx => 11,
        Kind::Spm => 4,
        _ => return None,
    };
    let detail = "the message ends within its last segment: send it whole, each segment ended by a carriage return";
    let fault = || last.place.fault(required, Fault::error("message-truncated", detail));
    last.field(usize::from(required)).is_empty().then(fault)
}

/// Hands over each report as an item, accepted where no error stands anywhere in the message.
fn hand_over(
    mapped: Vec<Mapped<'_>>,
    own: Vec<Fault>,
    (first, line): (u32, u32),
    sink: &mut dyn FnMut(Item<'_>),
) -> u32 {
    let is_refused = own.iter().chain(mapped.iter().flat_map(|mapped| &mapped.faults)).any(Fault::is_error);
    let mut own = Some(own);
    let mut index = first;
    let mut give = |report, line, more: Vec<Fault>| {
        let mut faults = own.take().unwrap_or_default();
        faults.extend(more);
        for fault in &mut faults {
            fault.item = Some(index);
            fault.line.get_or_insert(line);
        }
        sink(Item { index, line, accepted: !is_refused, report, faults });
        index = index.saturating_add(1);
    };
    if mapped.is_empty() {
        give(None, line, Vec::new());
    }
    for Mapped { report, faults, line } in mapped {
        give(Some(report), line, faults);
    }
    index - first
}
