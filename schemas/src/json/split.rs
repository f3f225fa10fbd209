//! Where the reports of an upload stand.

use std::ops::Range;

use super::scan::{self, Cause, MAX_LEVELS, Problem, Scanner};
use crate::{
    Fault,
    format::{Limits, Split, SplitError, Unit},
};

/// The byte order mark that some editors put before UTF-8.
const MARK: &[u8] = b"\xEF\xBB\xBF";

/// Takes one JSON document apart: a report, or `{"reports":[…]}`. Nothing but white space: no unit.
///
/// The document is taken or refused as a whole, so all of it is checked against the grammar. No more than one unit
/// over the limit is kept: the caller refuses then.
///
/// # Errors
/// [`SplitError::Undecodable`] where it is no such document.
pub fn split_document(body: &[u8], limits: &Limits) -> Result<Split, SplitError> {
    if let Err(error) = std::str::from_utf8(body) {
        let (line, column) = scan::line_and_column(body, error.valid_up_to());
        let detail = format!("line {line}, character {column} {}", not_utf8(body));
        return Err(undecodable("body-not-utf8", detail, line));
    }
    let document = match Document::read(body, limits) {
        Ok(document) => document,
        Err(problem) => {
            let (line, column) = scan::line_and_column(body, problem.offset);
            let code = if problem.cause == Cause::TooDeep { "json-too-deep" } else { "json-invalid" };
            let place = format!("line {line}, character {column}");
            return Err(undecodable(code, problem.explain(&place, limits.depth.min(MAX_LEVELS)), line));
        }
    };
    let (code, detail) = match document.shape {
        Shape::Blank | Shape::Report | Shape::Reports => {
            return Ok(Split { units: document.units, ..Split::default() });
        }
        Shape::Fhir => return Err(SplitError::Undecodable(vec![Fault { line: Some(document.line), ..fhir() }])),
        Shape::List => (
            "document-not-object",
            "a list by itself: wrap it as {\"reports\":[…]}, or send one report a line as application/x-ndjson",
        ),
        Shape::Other => ("document-not-object", "neither a report nor {\"reports\":[…]}: send a JSON object"),
        Shape::Twice => ("reports-duplicated", "the field reports stands twice: send one list"),
        Shape::NotList => ("reports-not-list", "the field reports is no list: write {\"reports\":[…]}"),
        Shape::Mixed => ("reports-ambiguous", "both reportNumber and reports: send a report or a list of reports"),
        Shape::Empty => ("reports-empty", "the list of reports is empty: send at least one"),
    };
    Err(undecodable(code, detail.to_owned(), document.line))
}

/// The lines of NDJSON, blank ones passed over. See [`lines`].
#[must_use]
pub fn split_lines(body: &[u8], first_line: u32) -> Split {
    Split { units: lines(body, first_line).collect(), ..Split::default() }
}

/// The lines of NDJSON one by one, without white space and byte order marks around them; blank ones are counted and
/// passed over.
pub fn lines(body: &[u8], first_line: u32) -> impl Iterator<Item = Unit> {
    let mut start = 0;
    let mut line = first_line;
    memchr::memchr_iter(b'\n', body).chain([body.len()]).filter_map(move |end| {
        let unit = Unit { bytes: trimmed(body, start..end), line };
        start = end.saturating_add(1);
        line = line.saturating_add(1);
        (!unit.bytes.is_empty()).then_some(unit)
    })
}

/// The elements of a piece of a JSON array, between whose elements it was cut.
///
/// The same units that [`split_document`] found there. What is no JSON, which no such piece has, is one last unit.
#[must_use]
pub fn split_elements(chunk: &[u8], first_line: u32) -> Vec<Unit> {
    let mut units = Vec::new();
    let mut scanner = Scanner::new(chunk, 0, MAX_LEVELS);
    let mut lines = Lines::new(chunk, first_line);
    loop {
        scanner.white();
        while scanner.eat(b',') {
            scanner.white();
        }
        let start = scanner.at;
        if start >= chunk.len() {
            return units;
        }
        if scanner.value(0).is_err() {
            scanner.at = chunk.len();
        }
        units.push(Unit { bytes: start..scanner.at, line: lines.of(start) });
    }
}

/// The bytes after a byte order mark.
pub(super) fn without_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(MARK).unwrap_or(bytes)
}

/// What is to be said of a FHIR resource sent as a native report.
pub(super) fn fhir() -> Fault {
    Fault::error(
        "content-type-fhir",
        "this is a FHIR resource: send it with Content-Type application/fhir+json (lines: application/fhir+ndjson)",
    )
}

/// The rest of a sentence on bytes that are not UTF-8: what they may be, and what to do.
pub(super) fn not_utf8(bytes: &[u8]) -> &'static str {
    if bytes.starts_with(b"\xFF\xFE") || bytes.starts_with(b"\xFE\xFF") {
        "is not UTF-8; it looks like UTF-16: convert it to UTF-8"
    } else if bytes.iter().any(|byte| (0x80..0xA0).contains(byte)) {
        "is not UTF-8; it may be Windows-1252, or damaged: convert it to UTF-8"
    } else {
        "is not UTF-8; it looks like ISO-8859-1: convert it to UTF-8"
    }
}

fn undecodable(code: &'static str, detail: String, line: u32) -> SplitError {
    SplitError::Undecodable(vec![Fault { line: Some(line), ..Fault::error(code, detail) }])
}

fn trimmed(body: &[u8], range: Range<usize>) -> Range<usize> {
    let line = body.get(range.clone()).unwrap_or_default();
    let mut rest = line;
    // A mark stands before each file that was joined to others, so any line may begin with some.
    loop {
        rest = rest.trim_ascii_start();
        match rest.strip_prefix(MARK) {
            Some(after) => rest = after,
            None => break,
        }
    }
    range.end.saturating_sub(rest.len())..range.end.saturating_sub(rest.len() - rest.trim_ascii_end().len())
}

/// What a document is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Blank,
    Report,
    Reports,
    Fhir,
    List,
    Other,
    Twice,
    NotList,
    Mixed,
    Empty,
}

/// A document that is valid JSON, with its units where it is one of ours.
struct Document {
    shape: Shape,
    units: Vec<Unit>,
    line: u32,
}

impl Document {
    fn read(body: &[u8], limits: &Limits) -> Result<Self, Problem> {
        let skipped = body.len() - without_mark(body).len();
        let mut scanner = Scanner::new(body, skipped, limits.depth);
        scanner.white();
        let start = scanner.at;
        let mut lines = Lines::new(body, 1);
        let line = lines.of(start);
        let shape = match scanner.peek() {
            None => return Ok(Self { shape: Shape::Blank, units: Vec::new(), line }),
            Some(b'{') => {
                let mut members = Members { limit: limits.items.saturating_add(1), ..Members::default() };
                members.read(body, &mut scanner, &mut lines)?;
                let end = scanner.at;
                scanner.end()?;
                let shape = members.shape();
                if shape == Shape::Report {
                    members.units = vec![Unit { bytes: start..end, line }];
                }
                return Ok(Self { shape, units: members.units, line });
            }
            Some(b'[') => Shape::List,
            Some(_) => Shape::Other,
        };
        scanner.value(0)?;
        scanner.end()?;
        Ok(Self { shape, units: Vec::new(), line })
    }
}

/// What the members of the document's object say of it.
#[derive(Default)]
struct Members {
    limit: usize,
    units: Vec<Unit>,
    lists: usize,
    others: usize,
    number: bool,
    resource: bool,
}

impl Members {
    fn shape(&self) -> Shape {
        match (self.lists, self.others) {
            (0, 0) if self.resource && !self.number => Shape::Fhir,
            (0, 0) => Shape::Report,
            (0, 1) => Shape::NotList,
            (1, 0) if self.number => Shape::Mixed,
            (1, 0) if self.units.is_empty() => Shape::Empty,
            (1, 0) => Shape::Reports,
            _ => Shape::Twice,
        }
    }

    /// Reads the object from its opening brace.
    fn read(&mut self, body: &[u8], scanner: &mut Scanner<'_>, lines: &mut Lines<'_>) -> Result<(), Problem> {
        scanner.at += 1;
        scanner.white();
        if scanner.eat(b'}') {
            return Ok(());
        }
        loop {
            let name = scanner.name()?;
            match unescaped(body.get(name).unwrap_or_default()).as_ref() {
                b"reports" if scanner.eat(b'[') => {
                    self.lists += 1;
                    self.elements(scanner, lines)?;
                }
                name => {
                    self.others += usize::from(name == b"reports");
                    self.number |= name == b"reportNumber";
                    self.resource |= name == b"resourceType";
                    scanner.value(1)?;
                }
            }
            scanner.white();
            if scanner.eat(b'}') {
                return Ok(());
            }
            if !scanner.eat(b',') {
                return Err(scanner.expected("a comma or }"));
            }
            scanner.white();
        }
    }

    /// Reads the list of reports from after its opening bracket.
    fn elements(&mut self, scanner: &mut Scanner<'_>, lines: &mut Lines<'_>) -> Result<(), Problem> {
        scanner.white();
        if scanner.eat(b']') {
            return Ok(());
        }
        loop {
            let start = scanner.at;
            scanner.value(2)?;
            if self.units.len() < self.limit {
                self.units.push(Unit { bytes: start..scanner.at, line: lines.of(start) });
            }
            scanner.white();
            if scanner.eat(b']') {
                return Ok(());
            }
            if !scanner.eat(b',') {
                return Err(scanner.expected("a comma or ]"));
            }
            scanner.white();
        }
    }
}

/// A member's name as it is meant: `report\u0073` is `reports` too.
fn unescaped(name: &[u8]) -> std::borrow::Cow<'_, [u8]> {
    if !name.contains(&b'\\') {
        return name.into();
    }
    let quoted = [b"\"", name, b"\""].concat();
    serde_json::from_slice::<String>(&quoted).map_or(name.into(), |text| text.into_bytes().into())
}

/// Counts lines on the way through a text.
struct Lines<'b> {
    bytes: &'b [u8],
    at: usize,
    line: u32,
}

impl<'b> Lines<'b> {
    fn new(bytes: &'b [u8], line: u32) -> Self {
        Self { bytes, at: 0, line }
    }

    /// The line of a byte; offsets never go back.
    fn of(&mut self, offset: usize) -> u32 {
        let breaks = memchr::memchr_iter(b'\n', self.bytes.get(self.at..offset).unwrap_or_default()).count();
        self.line = self.line.saturating_add(u32::try_from(breaks).unwrap_or(u32::MAX));
        self.at = offset;
        self.line
    }
}
