//! An upload's way in, the same for every format: [`split`] finds its units without reading them, [`Decoder::decode`]
//! reads one unit into its items. `ingest` does both on the whole upload; `workers::admit` does the same on a chunk.
//!
//! A unit is what is never cut: an NDJSON line, an element of a JSON array, an HL7 message. An item is one report.

use std::ops::Range;

use jiff::{Timestamp, tz::TimeZone};
use serde::{Deserialize, Serialize};

use crate::{Fault, Report, hl7, json};

/// A format of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// Native JSON: one report, or `{"reports":[…]}`.
    Json,
    /// Native JSON, one report a line.
    Ndjson,
    /// HL7 v2 ORU^R01: messages, or a batch file.
    Hl7,
}

impl Format {
    /// The label of metrics and of the submission's identity.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Format::Json => "json",
            Format::Ndjson => "ndjson",
            Format::Hl7 => "hl7",
        }
    }
}

/// A character encoding that an upload may be labelled with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Charset {
    /// UTF-8 (ASCII is within it).
    #[serde(rename = "utf-8")]
    Utf8,
    /// ISO-8859-1.
    #[serde(rename = "iso-8859-1")]
    Latin1,
    /// ISO-8859-15.
    #[serde(rename = "iso-8859-15")]
    Latin9,
}

/// What an upload may measure. Settable; the defaults are the contract's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a body after decompression.
    pub body_bytes: usize,
    /// Bytes of one unit.
    pub unit_bytes: usize,
    /// Items of an upload.
    pub items: usize,
    /// Levels of JSON.
    pub depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { body_bytes: 64 << 20, unit_bytes: 8 << 20, items: 100_000, depth: 64 }
    }
}

/// What reading an item depends on besides its bytes.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// When the upload was received: a replay decides by the same instant.
    pub received_at: Timestamp,
    /// The laboratory's zone, for times without one.
    pub zone: &'a TimeZone,
    /// The request's charset, which beats the message's own label.
    pub charset: Option<Charset>,
    /// The sending facilities (MSH-4) the laboratory lists; empty: not compared.
    pub facilities: &'a [String],
    /// Limits.
    pub limits: &'a Limits,
}

/// A piece of an upload that is never cut.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// Where it stands in the bytes that were split.
    pub bytes: Range<usize>,
    /// The line it begins on, from 1.
    pub line: u32,
}

/// Why an upload cannot be taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SplitError {
    /// Not the format it claims to be: 400, with where and how to mend it.
    Undecodable(Vec<Fault>),
    /// Over a limit: 413.
    TooLarge {
        /// The limit in the words of the contract, e.g. `items an upload`.
        limit: &'static str,
        /// Its value.
        max: u64,
        /// The line on which it is passed, where that is known.
        line: Option<u32>,
    },
}

/// An upload taken apart.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Split {
    /// Its units, in order; never empty.
    pub units: Vec<Unit>,
    /// The sender's own name for the upload (BHS-11 or FHS-11, else MSH-10 of a single message).
    pub control_id: Option<String>,
    /// True where an envelope (BHS, FHS) stands around the units: a batch, even of one.
    pub enveloped: bool,
    /// Faults of the envelope (totals that do not match): the whole upload is refused.
    pub envelope: Vec<Fault>,
}

/// The format of bytes without a label, as `check` and `send` need it: HL7 by its first segment, NDJSON where the first
/// line is a whole object and another follows, else JSON.
#[must_use]
pub fn detect(body: &[u8]) -> Format {
    let body = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
    let start = body.iter().position(|b| !matches!(b, b' ' | b'\t' | b'\r' | b'\n' | 0x0B)).unwrap_or(body.len());
    let body = body.get(start..).unwrap_or_default();
    if [b"MSH", b"FHS", b"BHS"].iter().any(|segment| body.starts_with(*segment)) {
        return Format::Hl7;
    }
    let mut lines = json::lines(body, 1);
    let first = lines.next().and_then(|unit| body.get(unit.bytes)).unwrap_or_default();
    if lines.next().is_some() && first.starts_with(b"{") && first.trim_ascii_end().ends_with(b"}") {
        Format::Ndjson
    } else {
        Format::Json
    }
}

/// Takes a whole upload apart.
///
/// # Errors
/// [`SplitError::Undecodable`] for an empty body and for JSON that is none; [`SplitError::TooLarge`] past a limit.
pub fn split(format: Format, body: &[u8], limits: &Limits) -> Result<Split, SplitError> {
    let split = match format {
        Format::Json => json::split_document(body, limits)?,
        // One more than may be: so that what lies beyond costs no memory.
        Format::Ndjson => {
            Split { units: json::lines(body, 1).take(limits.items.saturating_add(1)).collect(), ..Split::default() }
        }
        Format::Hl7 => hl7::split_file(body, limits)?,
    };
    if split.units.is_empty() {
        return Err(SplitError::Undecodable(vec![Fault::error(
            "body-empty",
            "the body has no report: send at least one",
        )]));
    }
    if split.units.len() > limits.items {
        let line = split.units.get(limits.items).map(|unit| unit.line);
        return Err(SplitError::TooLarge { limit: "items an upload", max: limits.items as u64, line });
    }
    if let Some(unit) = split.units.iter().find(|unit| unit.bytes.len() > limits.unit_bytes) {
        let max = limits.unit_bytes as u64;
        return Err(SplitError::TooLarge { limit: "bytes a report or message", max, line: Some(unit.line) });
    }
    Ok(split)
}

/// The units of a chunk, which was cut between units: the same units that [`split`] found there.
#[must_use]
pub fn units(format: Format, chunk: &[u8], first_line: u32) -> Vec<Unit> {
    match format {
        Format::Json => json::split_elements(chunk, first_line),
        Format::Ndjson => json::split_lines(chunk, first_line).units,
        Format::Hl7 => hl7::split_messages(chunk, first_line),
    }
}

/// One report of an upload, or why there is none.
#[derive(Debug)]
pub struct Item<'a> {
    /// Its index in the upload, from 0.
    pub index: u32,
    /// The line it begins on.
    pub line: u32,
    /// The report, where one could be read. A refused item may have one.
    pub report: Option<Box<Report<'a>>>,
    /// False where an error stands against it, or against another report of its message.
    pub accepted: bool,
    /// What is wrong with it; each names its item and line.
    pub faults: Vec<Fault>,
}

impl std::fmt::Debug for Report<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Report").field("test", &self.test.code).field("status", &self.status).finish_non_exhaustive()
    }
}

/// Reads units; keeps its buffers from one to the next. Not shared: one a thread.
#[derive(Default)]
pub struct Decoder {
    json: json::Scratch,
}

impl Decoder {
    /// Reads one unit and hands each of its items to `sink`; returns how many (at least one).
    ///
    /// `first_item` and `line` are the unit's own. Never panics, whatever the bytes.
    pub fn decode(
        &mut self,
        format: Format,
        unit: &[u8],
        (first_item, line): (u32, u32),
        context: &Context<'_>,
        sink: &mut dyn FnMut(Item<'_>),
    ) -> u32 {
        match format {
            Format::Json | Format::Ndjson => {
                json::decode(&mut self.json, unit, (first_item, line), context, sink);
                1
            }
            Format::Hl7 => hl7::decode(unit, (first_item, line), context, sink),
        }
    }
}
