//! Bodies into reports, as the door reads them; and what the same bytes cost at the least.

use std::{fs, hint::black_box, path::Path};

use anyhow::Context as _;
use bytes::Bytes;
use jiff::{Timestamp, tz::TimeZone};
use memchr::{memchr_iter, memchr2_iter};
use schemas::{
    fiscal_code::PersonCode,
    format::{self, Context, Decoder, Format, Limits},
};
use simd_json::{Buffers, INPUT_PADDING, Node, Tape, fill_tape_padded};

use crate::{
    reports,
    table::{by_turns, row},
};

/// When what is generated was received: after what the real files were issued.
const NOW: Timestamp = Timestamp::constant(1_790_000_000, 0);

/// Reports of a file.
const FILE: usize = 1_000;

/// Bodies of one format.
pub struct Input {
    /// What they are, for people.
    pub name: &'static str,
    format: Format,
    bodies: Vec<Bytes>,
}

impl Input {
    fn of(name: &'static str, format: Format, bodies: Vec<String>) -> Self {
        Self { name, format, bodies: bodies.into_iter().map(Bytes::from).collect() }
    }

    /// True for JSON and NDJSON.
    #[must_use]
    pub fn is_json(&self) -> bool {
        self.format != Format::Hl7
    }

    /// Bytes of all bodies.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bodies.iter().map(Bytes::len).sum()
    }
}

/// What is decoded.
pub struct Inputs {
    /// One report.
    pub json: Input,
    /// A thousand, a line each.
    pub ndjson: Input,
    /// One message: the same report as [`Inputs::json`].
    pub hl7: Input,
    /// A batch file of a thousand messages: the same reports as [`Inputs::ndjson`].
    pub batch: Input,
    /// The public HL7 files that `schemas` is tested with.
    pub real: Input,
    /// Their reports in the native format.
    pub real_as_json: Input,
}

impl Inputs {
    /// Makes the generated ones, and reads the real ones.
    ///
    /// # Errors
    /// Where the real files cannot be read.
    pub fn read() -> anyhow::Result<Self> {
        let one = |name, format, text| Input::of(name, format, vec![text]);
        let real = Input { name: "the real HL7 files", format: Format::Hl7, bodies: real_files()? };
        let real_as_json = Input::of("the real HL7 files' reports as JSON", Format::Json, as_json(&real)?);
        Ok(Self {
            json: one("one JSON report", Format::Json, reports::json(0, 1, NOW)),
            ndjson: one("NDJSON of 1,000", Format::Ndjson, reports::lines(0, 0..FILE, NOW)),
            hl7: one("one HL7 message", Format::Hl7, reports::hl7(0, 1, NOW)),
            batch: one("HL7 batch of 1,000", Format::Hl7, reports::batch(0, 0..FILE, NOW)),
            real,
            real_as_json,
        })
    }
}

fn real_files() -> anyhow::Result<Vec<Bytes>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../schemas/tests/data/hl7");
    let mut bodies = Vec::new();
    for entry in fs::read_dir(&folder).with_context(|| format!("{} cannot be read", folder.display()))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "hl7") {
            bodies.push(fs::read(path)?.into());
        }
    }
    anyhow::ensure!(!bodies.is_empty(), "no HL7 file in {}", folder.display());
    Ok(bodies)
}

fn as_json(input: &Input) -> anyhow::Result<Vec<String>> {
    let mut reports = Vec::new();
    Reading::new().each(input, &mut |item| {
        let Some(report) = item.report else { return };
        reports.push(serde_json::to_value(&report).map(|mut json| {
            if let (Some(object), Some(issued_at)) = (json.as_object_mut(), report.issued_at) {
                object.insert("issuedAt".to_owned(), issued_at.to_string().into());
            }
            json.to_string()
        }));
    });
    Ok(reports.into_iter().collect::<Result<_, _>>()?)
}

/// Decodes as the door does, with buffers that are kept.
pub struct Reading {
    decoder: Decoder,
    zone: TimeZone,
    limits: Limits,
}

impl Reading {
    /// In the zone of Rome.
    #[must_use]
    pub fn new() -> Self {
        let zone = TimeZone::get("Europe/Rome").unwrap_or(TimeZone::UTC);
        Self { decoder: Decoder::default(), zone, limits: Limits::default() }
    }

    /// Splits and decodes every body; returns its bytes.
    pub fn decode(&mut self, input: &Input) -> usize {
        self.each(input, &mut |item| {
            black_box(item);
        });
        input.bytes()
    }

    fn each(&mut self, input: &Input, sink: &mut dyn FnMut(format::Item<'_>)) {
        let Self { decoder, zone, limits } = self;
        let context = Context { received_at: NOW, zone, charset: None, facilities: &[], limits };
        for body in &input.bodies {
            let Ok(split) = format::split(input.format, body, limits) else { continue };
            let mut first = 0;
            for unit in split.units {
                first += decoder.decode(input.format, &body[unit.bytes], (first, unit.line), &context, sink);
            }
        }
    }
}

impl Default for Reading {
    fn default() -> Self {
        Self::new()
    }
}

/// The floor of every format: where its lines and fields end (quotes of JSON, separators of HL7). Returns the bytes.
#[must_use]
pub fn split(input: &Input) -> usize {
    let (line, field) = if input.is_json() { (b'\n', b'"') } else { (b'\r', b'|') };
    for body in &input.bodies {
        let mut start = 0;
        for end in memchr2_iter(line, field, body) {
            black_box(&body[start..end]);
            start = end + 1;
        }
    }
    input.bytes()
}

/// The floor of JSON: simd-json's tape of each line, with buffers that are kept.
pub struct Taping {
    bytes: Vec<u8>,
    buffers: Buffers,
    tape: Vec<Node<'static>>,
}

impl Taping {
    /// With no buffers yet.
    #[must_use]
    pub fn new() -> Self {
        Self { bytes: Vec::new(), buffers: Buffers::new(0), tape: Vec::new() }
    }

    /// Parses every line of every body; returns its bytes.
    ///
    /// # Panics
    /// On JSON that is none.
    pub fn parse(&mut self, input: &Input) -> usize {
        for line in input.bodies.iter().flat_map(|body| body.split(|byte| *byte == b'\n')) {
            if line.is_empty() {
                continue;
            }
            self.bytes.clear();
            self.bytes.extend_from_slice(line);
            self.bytes.resize(line.len() + INPUT_PADDING, 0);
            let mut tape = Tape(std::mem::take(&mut self.tape)).reset();
            fill_tape_padded(&mut self.bytes, line.len(), &mut self.buffers, &mut tape).expect("JSON");
            black_box(&tape);
            self.tape = tape.reset().0;
        }
        input.bytes()
    }
}

impl Default for Taping {
    fn default() -> Self {
        Self::new()
    }
}

/// Codici fiscali, a line each.
pub struct Codes {
    text: String,
    /// How many.
    pub count: usize,
}

impl Codes {
    /// A thousand, all valid, of many days and places of birth.
    #[must_use]
    pub fn new() -> Self {
        let today = TimeZone::UTC.to_datetime(NOW).date();
        let months = b"ABCDEHLMPRST";
        let code = |n: usize| {
            let (year, month, day) = (30 + n % 70, char::from(months[n % 12]), 1 + n % 28 + 40 * (n % 2));
            let stem = format!("RSSMRA{year:02}{month}{day:02}A{:03}", 100 + n % 800);
            let whole = ('A'..='Z').map(|check| format!("{stem}{check}"));
            whole.into_iter().find(|code| PersonCode::parse(code, today).is_ok())
        };
        let codes: Vec<String> = (0..FILE).filter_map(code).collect();
        Self { count: codes.len(), text: codes.join("\n") }
    }

    /// Reads and checks each; returns how many.
    pub fn parse(&self) -> usize {
        let today = TimeZone::UTC.to_datetime(NOW).date();
        for code in self.text.lines() {
            black_box(PersonCode::parse(code, today).is_ok());
        }
        self.count
    }

    /// The floor: where each ends.
    pub fn split(&self) -> usize {
        let mut start = 0;
        for end in memchr_iter(b'\n', self.text.as_bytes()) {
            black_box(&self.text[start..end]);
            start = end + 1;
        }
        self.count
    }
}

impl Default for Codes {
    fn default() -> Self {
        Self::new()
    }
}

/// Prints the table of decoding: bytes a second beside each floor, and HL7 beside native JSON.
///
/// # Errors
/// Where the real files cannot be read.
pub fn measure() -> anyhow::Result<()> {
    let inputs = Inputs::read()?;
    let Inputs { json, ndjson, hl7, batch, real, real_as_json } = &inputs;
    let (mut reading, mut other, mut taping) = (Reading::new(), Reading::new(), Taping::new());
    for (ours, native) in [(hl7, json), (batch, ndjson), (real, json), (real, real_as_json)] {
        let rounds = by_turns(|| reading.decode(ours), || other.decode(native));
        row(&format!("{}, bytes, beside {}", ours.name, native.name), &rounds);
    }
    for input in [json, ndjson] {
        let rounds = by_turns(|| reading.decode(input), || taping.parse(input));
        row(&format!("{}, bytes, beside simd-json's tape", input.name), &rounds);
    }
    for input in [json, ndjson, hl7, batch, real] {
        let rounds = by_turns(|| reading.decode(input), || split(input));
        row(&format!("{}, bytes, beside a memchr split", input.name), &rounds);
    }
    let codes = Codes::new();
    row("codici fiscali beside a memchr split", &by_turns(|| codes.parse(), || codes.split()));
    Ok(())
}
