//! The native format: JSON and NDJSON (RFC 8259), as the contract's 'The native report' has it.
//!
//! * [`split_document`], [`split_lines`] and [`split_elements`] find where reports stand, without reading them.
//! * [`decode`] reads one and collects every fault it has, each with its JSON pointer.
//!
//! simd-json parses into a tape, which is walked by hand: a derived reader would stop at the first fault, and would
//! take one of two members of the same name without a word. What it refuses, the strict `scan` explains.

mod field;
mod patient;
mod place;
mod reader;
mod report;
mod scan;
mod split;
mod stored;
mod tape;

use std::mem;

use simd_json::{Buffers, INPUT_PADDING, Node, Tape, fill_tape_padded};

use self::{
    place::{Naming, Place},
    reader::{Field, Reader},
    scan::{Cause, MAX_LEVELS},
    tape::Value,
};
use crate::{
    Fault, check,
    format::{Context, Item, Limits},
};

pub use split::{lines, split_document, split_elements, split_lines};
pub use stored::stored;

/// Buffers that a report grew past this are given back, not kept for the next.
const KEPT_BYTES: usize = 1 << 20;

/// Values in one report: eight MiB of `{},` would otherwise become a gigabyte of observations.
const MAX_VALUES: usize = 500_000;

/// Buffers kept from one report to the next.
pub struct Scratch {
    bytes: Vec<u8>,
    buffers: Buffers,
    levels: usize,
    tape: Tape<'static>,
}

impl Default for Scratch {
    fn default() -> Self {
        Self::with_levels(Limits::default().depth.min(MAX_LEVELS))
    }
}

impl Scratch {
    fn with_levels(levels: usize) -> Self {
        Self { bytes: Vec::new(), buffers: Buffers::with_max_depth(0, levels), levels, tape: Tape(Vec::new()) }
    }
}

/// Reads one report and hands it, as one item, to `sink`.
///
/// `at` is its index in the upload and the line it begins on. The item has a report wherever the unit is a JSON object
/// of the native format, and is accepted where no fault is an error. Never panics, whatever the bytes.
pub fn decode(
    scratch: &mut Scratch,
    unit: &[u8],
    at: (u32, u32),
    context: &Context<'_>,
    sink: &mut dyn FnMut(Item<'_>),
) {
    let unit = split::without_mark(unit);
    let levels = context.limits.depth.min(MAX_LEVELS);
    if scratch.levels != levels {
        *scratch = Scratch::with_levels(levels);
    }
    if has_too_many_values(unit) {
        let detail = format!("the report has more than {MAX_VALUES} values: send it in parts");
        return sink(without_report(Fault::error("json-too-many-values", detail), at));
    }
    scratch.bytes.clear();
    scratch.bytes.extend_from_slice(unit);
    scratch.bytes.resize(unit.len().saturating_add(INPUT_PADDING), 0);
    // The tape borrows the bytes; reset, it is empty and may borrow the next ones.
    let mut tape = mem::replace(&mut scratch.tape, Tape(Vec::new())).reset();
    match fill_tape_padded(&mut scratch.bytes, unit.len(), &mut scratch.buffers, &mut tape) {
        Ok(()) => sink(read(&tape.0, at, context)),
        Err(_) => sink(without_report(why_not_json(unit, levels), at)),
    }
    scratch.tape = tape.reset();
    if scratch.bytes.len() > KEPT_BYTES {
        *scratch = Scratch::with_levels(levels);
    }
}

/// What follows from a tape: the report and all its faults, or why it is no report.
fn read<'a>(nodes: &[Node<'a>], at: (u32, u32), context: &Context<'_>) -> Item<'a> {
    let Some(root @ Value { first: Node::Object { .. }, .. }) = Value::root(nodes) else {
        return without_report(
            Fault::error("report-not-object", "a report is a JSON object: {\"reportNumber\":…}"),
            at,
        );
    };
    let mut reader = Reader::new(context, at);
    let report = report::read(&mut reader, &Field { value: root, place: Place::root(Naming::Alone) });
    if report.report_number.is_empty() && report.extra.0.iter().any(|(name, _)| name == "resourceType") {
        return without_report(split::fhir(), at);
    }
    check::report(&report, context, &mut |pointer, fault| reader.checked(pointer, fault));
    let (faults, accepted) = reader.finish();
    Item { index: at.0, line: at.1, report: Some(Box::new(report)), accepted, faults }
}

fn without_report<'a>(fault: Fault, (index, line): (u32, u32)) -> Item<'a> {
    Item { index, line, report: None, accepted: false, faults: vec![fault.item(index, line)] }
}

fn has_too_many_values(unit: &[u8]) -> bool {
    // Each value takes a byte and a separator at the least, so that most reports need no count.
    unit.len() > MAX_VALUES && memchr::memchr3_iter(b',', b'[', b'{', unit).count() > MAX_VALUES
}

/// Why the parser did not take these bytes, in words that help to mend them.
fn why_not_json(unit: &[u8], levels: usize) -> Fault {
    if let Err(error) = std::str::from_utf8(unit) {
        let detail = format!("byte {} of the report {}", error.valid_up_to() + 1, split::not_utf8(unit));
        return Fault::error("line-not-utf8", detail);
    }
    match scan::document(unit, levels) {
        Err(problem) => {
            let (line, column) = scan::line_and_column(unit, problem.offset);
            let code = if problem.cause == Cause::TooDeep { "json-too-deep" } else { "json-invalid" };
            Fault::error(code, problem.explain(&format!("line {line}, character {column} of the report"), levels))
        }
        // The grammar has no limit for numbers; machines do.
        Ok(()) => Fault::error(
            "json-number-too-large",
            "a number in the report does not fit 64 bits: send it as text, in quotes",
        ),
    }
}
