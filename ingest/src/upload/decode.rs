//! What is in the body: its items, what is wrong with them, and where it may be cut.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    ops::Range,
};

use access::Lab;
use hyper::StatusCode;
use schemas::{
    At, Fault, chunk,
    format::{self, Context, Decoder, Format, SplitError},
    hl7,
};

use super::{content_type, faults::Faults};
use crate::{Endpoint, metrics, problem::Refusal};

/// A body, read.
#[derive(Debug, Default)]
pub(crate) struct Reading {
    /// Items.
    pub(crate) received: u32,
    /// Of these, accepted.
    pub(crate) accepted: u32,
    pub(crate) faults: Faults,
    /// The sender's own name for the upload.
    pub(super) control_id: Option<String>,
    /// What the journal gets, in order.
    pub(super) chunks: Vec<Chunk>,
    /// One message or report and no more.
    single: bool,
}

/// A piece of the body, cut between units.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Chunk {
    pub(super) bytes: Range<usize>,
    pub(super) first_item: u32,
    pub(super) first_line: u32,
    /// Items refused, as ranges (first, one past the last).
    pub(super) refused: Vec<(u32, u32)>,
}

/// Reads all of a body; returns the size of its largest unit, too. `reused` is asked of each accepted HL7 message
/// whether its control id was another's.
pub(super) fn read(
    decoder: &mut Decoder,
    format: Format,
    body: &[u8],
    context: &Context<'_>,
    reused: &mut dyn FnMut(&str, &[u8]) -> bool,
) -> (Result<Reading, SplitError>, usize) {
    let split = match format::split(format, body, context.limits) {
        Ok(split) => split,
        Err(error) => return (Err(error), 0),
    };
    let mut reading = Reading {
        single: split.units.len() == 1 && !split.enveloped,
        control_id: split.control_id,
        ..Reading::default()
    };
    let whole = split.envelope.is_empty();
    split.envelope.into_iter().for_each(|fault| reading.faults.push(fault));
    for range in chunk::cut(&split.units, chunk::TARGET_BYTES) {
        let units = split.units.get(range).unwrap_or_default();
        let (Some(first), Some(last)) = (units.first(), units.last()) else { continue };
        let mut refused = Vec::new();
        let first_item = reading.received;
        for unit in units {
            let bytes = body.get(unit.bytes.clone()).unwrap_or_default();
            let Reading { received, accepted, faults, .. } = &mut reading;
            let accepted_before = *accepted;
            let items = decoder.decode(format, bytes, (*received, unit.line), context, &mut |item| {
                // An envelope that does not match refuses every report, and each is counted.
                if item.accepted && whole {
                    *accepted = accepted.saturating_add(1);
                } else {
                    extend(&mut refused, item.index);
                }
                item.faults.into_iter().for_each(|fault| faults.push(fault));
            });
            if format == Format::Hl7
                && *accepted > accepted_before
                && hl7::control_id(bytes).is_some_and(|id| reused(&id, bytes))
            {
                faults.push(control_id_reused().item(*received, unit.line));
            }
            *received = received.saturating_add(items);
            if *received as usize > context.limits.items {
                let max = context.limits.items as u64;
                return (Err(SplitError::TooLarge { limit: "items an upload", max, line: Some(unit.line) }), 0);
            }
        }
        let bytes = first.bytes.start..last.bytes.end;
        reading.chunks.push(Chunk { bytes, first_item, first_line: first.line, refused });
    }
    (Ok(reading), split.units.iter().map(|unit| unit.bytes.len()).max().unwrap_or(0))
}

/// Counters restart, so it refuses nothing; but who matches acknowledgements by it would match the wrong one.
fn control_id_reused() -> Fault {
    let detail = "MSH-10 came before with another message: give each message an identifier of its own";
    Fault::warning("control-id-reused", detail).at(At::Location("MSH^1^10".to_owned()))
}

/// Adds an index to ranges that rise.
fn extend(ranges: &mut Vec<(u32, u32)>, index: u32) {
    let next = index.saturating_add(1);
    match ranges.last_mut() {
        Some((_, end)) if *end == index => *end = next,
        _ => ranges.push((index, next)),
    }
}

/// 400, 413 or 415 for a body that cannot be taken apart.
pub(super) fn refusal(error: SplitError) -> Refusal {
    match error {
        SplitError::Undecodable(faults) => {
            if faults.iter().any(|fault| fault.code == "content-type-fhir") {
                return content_type::fhir();
            }
            for fault in &faults {
                metrics::faults(fault.code.clone(), 1);
            }
            let detail = "the body cannot be read as what its Content-Type says";
            Refusal::new(StatusCode::BAD_REQUEST, "body-undecodable", detail).faults(faults, 0)
        }
        SplitError::TooLarge { limit, max, line } => {
            let place = line.map(|line| format!(", passed on line {line}")).unwrap_or_default();
            let detail = format!("the limit is {max} {limit}{place}; send several uploads, or smaller ones");
            Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "limit-exceeded", detail)
        }
    }
}

impl Reading {
    /// What is refused without a record of it: FHIR under another name, several messages where one is acknowledged, and
    /// a single message of a facility that the laboratory does not list (a dry run only tells of that).
    pub(super) fn refuse_as_whole(&self, endpoint: Endpoint, dry_run: bool) -> Result<(), Refusal> {
        if endpoint == Endpoint::Hl7 && !self.single {
            let detail = "one message a request, without a batch around it: send batches and several messages to \
                          /v1/reports";
            return Err(Refusal::new(StatusCode::BAD_REQUEST, "hl7-not-one-message", detail));
        }
        if self.accepted > 0 {
            return Ok(());
        }
        if self.faults.has("content-type-fhir") {
            return Err(content_type::fhir());
        }
        if self.single && !dry_run && self.faults.has("facility-not-listed") {
            let detail = "the sending facility (MSH-4) is not one of this lab's";
            return Err(Refusal::new(StatusCode::FORBIDDEN, "facility-not-listed", detail));
        }
        Ok(())
    }

    /// Counts its reports and faults.
    pub(super) fn count(&self, format: Format) {
        metrics::reports_received(format.as_str(), self.received);
        for (code, count) in self.faults.by_code() {
            metrics::faults(code.clone(), *count);
        }
    }

    /// What of the upload goes into the journal besides its bytes, digested: the same bytes are a repeat only where
    /// this is the same. A laboratory's facilities, zone or kind may have been corrected in between.
    pub(super) fn decision(&self, lab: &Lab) -> u64 {
        let mut hasher = DefaultHasher::new();
        (self.received, self.accepted, lab.sandbox, lab.zone.name()).hash(&mut hasher);
        self.chunks.iter().for_each(|chunk| chunk.refused.hash(&mut hasher));
        hasher.finish()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn refused_indices_are_kept_as_ranges() {
        let mut ranges = Vec::new();
        [0, 1, 2, 7, 9, 10].into_iter().for_each(|index| extend(&mut ranges, index));
        assert_eq!(ranges, [(0, 3), (7, 8), (9, 11)]);
    }

    #[test]
    fn the_same_bytes_are_decided_otherwise_where_the_lab_or_the_verdicts_are_others() {
        let lab = |zone: &str, sandbox: bool| -> Lab {
            let created = "2020-01-01T00:00:00Z";
            let lab = json!({"id": "rho", "name": "Rho", "zone": zone, "sandbox": sandbox, "createdAt": created});
            serde_json::from_value(lab).unwrap()
        };
        let reading = |refused: &[(u32, u32)]| {
            let chunk = Chunk { bytes: 0..9, first_item: 0, first_line: 1, refused: refused.to_vec() };
            Reading { received: 3, accepted: 2, chunks: vec![chunk], ..Reading::default() }
        };
        let rome = lab("Europe/Rome", false);
        let decision = reading(&[(0, 1)]).decision(&rome);
        assert_eq!(reading(&[(0, 1)]).decision(&rome), decision);
        assert_ne!(reading(&[(1, 2)]).decision(&rome), decision);
        assert_ne!(reading(&[(0, 1)]).decision(&lab("Europe/Rome", true)), decision);
        assert_ne!(reading(&[(0, 1)]).decision(&lab("Europe/London", false)), decision);
    }
}
