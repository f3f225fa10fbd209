//! A message cut into segments, and these into fields; what is no segment is said.

use memchr::memchr_iter;

use super::{
    kind::{Kind, is_passed_over},
    lines::{Lines, segment_name},
    location::Place,
    part::{FIELD, Field, Marks, Segment, marks},
    separators::Separators,
};
use crate::Fault;

/// Fields past this one are read by no rule; the highest is PID-40.
const FIELDS: usize = 40;

/// A message of more segments than this is refused: its reports would take many times its bytes.
const SEGMENTS: usize = 500_000;

/// Room for what most messages of one report have, so that it is asked for once.
const EXPECTED_SEGMENTS: usize = 16;
const EXPECTED_FIELDS: usize = 128;

/// Lines of a message that are no segments, of which each is named; a body that is no message at all has many.
const FAULTS: usize = 100;

const UNREADABLE: &str =
    "the line begins with no segment name and field separator: escape line breaks in text as \\.br\\";
const CONTINUED: &str = "the message continues in another (DSC, ADD): send it whole";
const UNKNOWN: (&str, &str) =
    ("segment-unknown", "the message has no such segment: it was passed over; names of your own begin with Z");
const MISNAMED: &str =
    "the message has no such segment, and the name is a letter away from one that it has: mend it, or begin it with Z";
const MERGED: &str = "another segment begins within this one: end each segment with a carriage return";

/// A message cut into segments and fields.
pub(super) struct Lexed<'t> {
    separators: Separators,
    /// What each byte may mean in a field.
    marks: [Marks; 256],
    segments: Vec<Cut<'t>>,
    /// Those of all segments.
    fields: Vec<Field>,
    /// What cannot be read as a segment, or says that this is only a part of a message.
    pub(super) faults: Vec<Fault>,
    /// Whether something says that the last segment is over.
    pub(super) ended: bool,
}

struct Cut<'t> {
    place: Place,
    body: &'t str,
    /// Its first field.
    first: usize,
}

impl<'t> Lexed<'t> {
    /// Cuts a message, whose first line is its header.
    ///
    /// # Errors
    /// A fault where nothing can be read: the separators, or too many segments.
    pub(super) fn read(text: &'t str, first_line: u32) -> Result<Self, Fault> {
        let header = Place { kind: Kind::Msh, ordinal: 1, line: first_line };
        let mut lines = Lines::new(text.as_bytes(), first_line);
        let first = lines.next();
        let msh = first.and_then(|line| text.get(line.start..line.end)).unwrap_or_default();
        let separators = Separators::read(msh).map_err(|fault| header.fault(1, fault))?;
        let mut lexed = Self {
            separators,
            marks: marks(&separators),
            segments: Vec::with_capacity(EXPECTED_SEGMENTS),
            fields: Vec::with_capacity(EXPECTED_FIELDS),
            faults: Vec::new(),
            ended: true,
        };
        let mut counts = [0; Kind::ALL.len()];
        let mut seen = 0;
        for line in first.into_iter().chain(lines) {
            let Some(segment) = text.get(line.start..line.end).filter(|segment| !segment.is_empty()) else { continue };
            lexed.ended = line.ended;
            seen += 1;
            if seen > SEGMENTS {
                let detail = format!("a message has at most {SEGMENTS} segments: send its reports in several messages");
                return Err(Fault { line: Some(line.number), ..Fault::error("segments-too-many", detail) });
            }
            let name = segment_name(segment.as_bytes());
            let is_separated = segment.as_bytes().get(3).is_none_or(|byte| *byte == separators.field);
            let name = name.filter(|_| is_separated);
            match name.and_then(Kind::of).and_then(|kind| Some((kind, counts.get_mut(kind as usize)?))) {
                Some((kind, count)) => {
                    *count += 1;
                    lexed.take(Place { kind, ordinal: *count, line: line.number }, segment);
                }
                None => lexed.pass_over(name, segment.as_bytes(), line.number),
            }
        }
        Ok(lexed)
    }

    /// A line that no rule reads; a name that the message does not have is said once.
    fn pass_over(&mut self, name: Option<&[u8]>, segment: &[u8], line: u32) {
        let field = self.separators.field;
        if memchr_iter(field, segment).any(|at| swallows_another(segment, at, field)) {
            self.fault(line, Fault::error("segment-merged", MERGED));
        }
        let fault = match name {
            None => Fault::error("segment-unreadable", UNREADABLE),
            Some(b"DSC" | b"ADD") => Fault::error("continuation-unsupported", CONTINUED),
            Some(name) if is_passed_over(name) => return,
            // What follows a damaged PID or OBR would be read as another person's or report's.
            Some(name) if Kind::is_a_letter_away(name) => Fault::error("segment-misnamed", MISNAMED),
            Some(_) if self.faults.iter().any(|fault| fault.code == UNKNOWN.0) => return,
            Some(_) => Fault::warning(UNKNOWN.0, UNKNOWN.1),
        };
        self.fault(line, fault);
    }

    fn fault(&mut self, line: u32, fault: Fault) {
        if self.faults.len() < FAULTS {
            self.faults.push(Fault { line: Some(line), ..fault });
        }
    }

    fn take(&mut self, place: Place, segment: &'t str) {
        const BODY: usize = 4;
        let body = segment.get(BODY..).unwrap_or_default();
        self.segments.push(Cut { place, body, first: self.fields.len() });
        let (mut start, mut marks, mut left, mut is_merged) = (0, 0, FIELDS, false);
        let mark = |byte: &u8| self.marks.get(usize::from(*byte)).copied().unwrap_or_default();
        // One pass over what are mostly short fields.
        while let Some(rest) = body.as_bytes().get(start..) {
            let Some(length) = rest.iter().position(|byte| mark(byte) != 0) else { break };
            let end = start + length;
            let found = rest.get(length).map_or(0, mark);
            marks |= found;
            start = end + 1;
            if found == FIELD {
                is_merged |= swallows_another(segment.as_bytes(), BODY + end, self.separators.field);
                if left > 0 {
                    self.fields.push(Field { end, marks });
                    left -= 1;
                }
                marks = 0;
            }
        }
        if left > 0 {
            self.fields.push(Field { end: body.len(), marks });
        }
        if is_merged {
            self.fault(place.line, Fault::error("segment-merged", MERGED));
        }
    }

    /// The segments, in order.
    pub(super) fn segments(&self) -> Vec<Segment<'_>> {
        let ends = self.segments.iter().skip(1).map(|cut| cut.first).chain([self.fields.len()]);
        let segment = |(cut, end): (&Cut<'t>, usize)| Segment {
            place: cut.place,
            body: cut.body,
            fields: self.fields.get(cut.first..end).unwrap_or_default(),
            separators: &self.separators,
        };
        self.segments.iter().zip(ends).map(segment).collect()
    }
}

/// True where a line end was lost (§2.5) before the separator `at`: the field before it ends with the name of a segment,
/// and what such a segment begins with follows: its set id, or the control code of an ORC. A separator in text would be
/// escaped (§2.7).
#[inline]
fn swallows_another(segment: &[u8], at: usize, field: u8) -> bool {
    // With these the names below end, and hardly any field.
    let last = at.checked_sub(1).and_then(|last| segment.get(last));
    matches!(last, Some(b'D' | b'R' | b'X' | b'M' | b'C')) && is_name_of_another(segment, at, field)
}

fn is_name_of_another(segment: &[u8], at: usize, field: u8) -> bool {
    let (Some(before), Some(after)) = (segment.get(3..at), segment.get(at + 1..)) else { return false };
    let begins = |length: std::ops::RangeInclusive<usize>, is: fn(&u8) -> bool| {
        let first = after.split(|byte| *byte == field).next().unwrap_or_default();
        length.contains(&first.len()) && first.iter().all(is)
    };
    match before.last_chunk() {
        // What a test's name may end with.
        Some(b"PID") if before.ends_with(b"RAPID") || before.ends_with(b"LIPID") => false,
        Some(b"PID") => begins(1..=4, u8::is_ascii_digit),
        Some(b"OBR" | b"OBX" | b"SPM") => begins(1..=4, u8::is_ascii_digit),
        Some(b"ORC") => begins(2..=2, u8::is_ascii_uppercase),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinals_count_each_name_and_lines_are_the_editor_s() {
        let lexed = Lexed::read("MSH|^~\\&\r\nPV1|\r\n\r\nOBX|1\r\nZZZ\r\nOBX|2\r\n", 7).unwrap();
        let places: Vec<_> =
            lexed.segments().iter().map(|s| (s.kind().name(), s.place.ordinal, s.place.line)).collect();
        assert_eq!(places, [("MSH", 1, 7), ("OBX", 1, 10), ("OBX", 2, 12)]);
        assert!(lexed.faults.is_empty());
    }

    #[test]
    fn names_of_segments_within_words_are_text() {
        for line in ["OBX|1|ST|1^TEST RAPID||2", "OBR|1|||LIPID|12", "NTE|1||ORC", "NTE|1||A PID|x", "MSA|AA", "EVN|"] {
            assert!(Lexed::read(&format!("MSH|^~\\&\r{line}"), 1).unwrap().faults.is_empty(), "{line}");
        }
    }

    #[test]
    fn what_is_no_segment_is_said() {
        let table = [
            ("MSH|^~\\&\rand the text went on", "segment-unreadable"),
            ("MSH|^~\\&\rOBX^1", "segment-unreadable"),
            ("MSH|^~\\&\rDSC|x", "continuation-unsupported"),
            ("MSH|^~\\&\rQQQ|1\rQQQ|2", "segment-unknown"),
            ("MSH|^~\\&\rPIE|1", "segment-misnamed"),
            ("MSH|^~\\&\rOBS|1", "segment-misnamed"),
            ("MSH|^~\\&\rSPM|1|^S1||258500001^^SCTOBR|2||F2", "segment-merged"),
            ("MSH|^~\\&\rPV1|1|^SCTPID|2||X2", "segment-merged"),
            ("MSH|^~\\&\rOBX|1|ST|A|ORC|RE|", "segment-merged"),
        ];
        for (text, code) in table {
            let faults = Lexed::read(text, 1).unwrap().faults;
            assert_eq!(faults.iter().map(|f| (&*f.code, f.line)).collect::<Vec<_>>(), [(code, Some(2))], "{text}");
        }
    }
}
