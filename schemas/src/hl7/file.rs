//! Batch files: `[FHS] { [BHS] { MSH… } [BTS] } [FTS]` (v2.5.1 §2.10.3), taken apart into messages without reading them.

use super::lines::{Line, Lines, segment_name};
use crate::{
    At, Fault,
    format::{Limits, Split, SplitError, Unit},
};

/// A control id longer than this is no name that anybody looks up; in characters.
const CONTROL_ID: usize = 255;
/// Faults of an envelope that are collected: as many as an answer lists.
const ENVELOPE_FAULTS: usize = 1_000;

/// Takes a file apart into messages; checks the envelope's totals.
///
/// A batch whose trailer is missing, or that names another number of messages than there are, was cut on its way.
///
/// Stops at one message more than `limits` allow, and at as many faults of the envelope as anybody reads: what lies
/// beyond costs no memory.
///
/// # Errors
/// [`SplitError::Undecodable`] where it holds no message, or something that is no segment before the first one.
pub fn split_file(body: &[u8], limits: &Limits) -> Result<Split, SplitError> {
    let mut walk = Walk::default();
    for line in Lines::new(body, 1) {
        walk.line(body, line);
        if walk.split.units.len() > limits.items || walk.split.envelope.len() >= ENVELOPE_FAULTS {
            break;
        }
    }
    walk.finish(body)
}

/// The messages of a piece of a file; envelope segments are passed over.
#[must_use]
pub fn split_messages(chunk: &[u8], first_line: u32) -> Vec<Unit> {
    let mut walk = Walk::default();
    for line in Lines::new(chunk, first_line) {
        walk.line(chunk, line);
    }
    walk.close_message(chunk.len());
    walk.split.units
}

/// A message's own identifier (MSH-10, v2.5.1 §2.15.9.10), at most 255 characters of it; none where it is empty.
#[must_use]
pub fn control_id(message: &[u8]) -> Option<String> {
    let header = Lines::new(message, 1).next()?;
    field(message.get(header.start..header.end)?, 10)
}

/// How many of each envelope segment came.
#[derive(Default, PartialEq, Eq)]
struct Seen {
    fhs: u32,
    bhs: u32,
    bts: u32,
    fts: u32,
}

#[derive(Default)]
struct Walk {
    split: Split,
    /// The message that is being passed: where it begins, and its line.
    message: Option<(usize, u32)>,
    /// The line of a header whose trailer has not come.
    file: Option<u32>,
    batch: Option<u32>,
    /// Messages since the last batch began or ended; batches in all, those without header too.
    messages: u64,
    batches: u64,
    seen: Seen,
    file_id: Option<String>,
    batch_id: Option<String>,
    /// The first line with text before any header.
    stray: Option<u32>,
}

impl Walk {
    fn line(&mut self, body: &[u8], line: Line) {
        let text = body.get(line.start..line.end).unwrap_or_default();
        let name = segment_name(text);
        match name {
            Some(b"MSH") => {
                self.close_message(line.start);
                self.message = Some((line.start, line.number));
                if self.batch.is_none() && self.messages == 0 {
                    self.batches += 1;
                }
                self.messages += 1;
            }
            Some(b"FHS") => {
                self.close_message(line.start);
                self.end_file();
                self.file = Some(line.number);
                self.seen.fhs += 1;
                self.file_id = self.file_id.take().or_else(|| field(text, 11));
            }
            Some(b"BHS") => {
                self.close_message(line.start);
                self.end_batch();
                self.batch = Some(line.number);
                self.batches += 1;
                self.seen.bhs += 1;
                self.batch_id = self.batch_id.take().or_else(|| field(text, 11));
            }
            Some(b"BTS") => {
                self.close_message(line.start);
                self.seen.bts += 1;
                self.total(
                    text,
                    line.number,
                    ("BTS", self.seen.bts, self.messages),
                    "batch-total-mismatch",
                    "messages",
                );
                (self.batch, self.messages) = (None, 0);
            }
            Some(b"FTS") => {
                self.close_message(line.start);
                self.end_batch();
                self.seen.fts += 1;
                self.total(text, line.number, ("FTS", self.seen.fts, self.batches), "file-total-mismatch", "batches");
                (self.file, self.batches) = (None, 0);
            }
            _ if self.message.is_some() || text.trim_ascii().is_empty() => {}
            None if self.seen == Seen::default() && self.split.units.is_empty() => {
                self.stray.get_or_insert(line.number);
            }
            // What may stand beside a header (v2.7 on), and a lab's own.
            Some(b"SFT" | b"UAC" | b"NTE") => {}
            Some(name) if name.starts_with(b"Z") => {}
            _ => {
                let detail = "a segment stands outside of any message: begin each message with MSH";
                let fault = Fault::error("segment-outside-message", detail);
                self.split.envelope.push(Fault { line: Some(line.number), ..fault });
            }
        }
    }

    fn close_message(&mut self, end: usize) {
        if let Some((start, line)) = self.message.take() {
            self.split.units.push(Unit { bytes: start..end, line });
        }
    }

    /// A batch is over: by another header, or by the end.
    fn end_batch(&mut self) {
        self.messages = 0;
        if let Some(line) = self.batch.take() {
            self.missing(line, "BHS", self.seen.bhs, "BTS");
        }
    }

    fn end_file(&mut self) {
        self.end_batch();
        self.batches = 0;
        if let Some(line) = self.file.take() {
            self.missing(line, "FHS", self.seen.fhs, "FTS");
        }
    }

    fn missing(&mut self, line: u32, header: &str, ordinal: u32, trailer: &str) {
        let detail = format!("{header} has no {trailer}: the file was cut; send it whole");
        let fault = Fault::error("batch-trailer-missing", detail).at(At::Location(format!("{header}^{ordinal}")));
        self.split.envelope.push(Fault { line: Some(line), ..fault });
    }

    fn total(
        &mut self,
        text: &[u8],
        line: u32,
        (name, ordinal, counted): (&str, u32, u64),
        code: &'static str,
        of: &str,
    ) {
        let Some(stated) = field(text, 1) else { return };
        if stated.parse() == Ok(counted) {
            return;
        }
        let detail = format!("{name}-1 is not the number of {of} that came, {counted}: part of the file is missing");
        let fault = Fault::error(code, detail).at(At::Location(format!("{name}^{ordinal}^1")));
        self.split.envelope.push(Fault { line: Some(line), ..fault });
    }

    fn finish(mut self, body: &[u8]) -> Result<Split, SplitError> {
        self.close_message(body.len());
        self.split.enveloped = self.seen != Seen::default();
        self.end_file();
        if let Some(line) = self.stray {
            let detail = "the body begins with something that is no segment: it must begin with MSH, FHS or BHS";
            let fault = Fault { line: Some(line), ..Fault::error("hl7-no-message", detail) };
            return Err(SplitError::Undecodable(vec![fault]));
        }
        if self.split.units.is_empty() && !body.trim_ascii().is_empty() {
            let fault = Fault::error("hl7-no-message", "the body has no message: each begins with an MSH segment");
            return Err(SplitError::Undecodable(vec![fault]));
        }
        let only = match self.split.units.as_slice() {
            [unit] => body.get(unit.bytes.clone()),
            _ => None,
        };
        self.split.control_id = self.batch_id.or(self.file_id).or_else(|| only.and_then(control_id));
        Ok(self.split)
    }
}

/// A field of an envelope segment or a message header, by the standard's number; none where it is empty.
fn field(segment: &[u8], number: usize) -> Option<String> {
    let separator = segment.get(3)?;
    // In a header, field 1 is the separator itself.
    let is_header = segment.starts_with(b"MSH") || segment.starts_with(b"FHS") || segment.starts_with(b"BHS");
    let index = if is_header { number.checked_sub(1)? } else { number };
    let field = segment.split(|byte| byte == separator).nth(index)?.trim_ascii();
    let text: String = String::from_utf8_lossy(field).chars().take(CONTROL_ID).collect();
    (!text.is_empty() && text != "\"\"").then_some(text)
}
