//! Segments and what is in them: fields, repetitions, components, subcomponents, borrowed from the message.

use memchr::{memchr, memchr_iter};

use super::{
    escape::unescape,
    lines::{Line, Lines, segment_name},
    location::Place,
    separators::Separators,
};
use crate::{Fault, report::Text};

/// Fields past this one are read by no rule; the highest is PID-40.
const FIELDS: usize = 40;

/// A message of more segments than this is refused: its reports would take many times its bytes.
const SEGMENTS: usize = 500_000;

/// Room for what most messages of one report have, so that it is asked for once.
const EXPECTED_SEGMENTS: usize = 16;
const EXPECTED_FIELDS: usize = 128;

/// Shorter texts than this are searched byte by byte: most parts are, and a vector search costs a call.
const SHORT: usize = 24;

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

/// The segments that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Msh,
    Pid,
    Nte,
    Orc,
    Obr,
    Obx,
    Spm,
}

impl Kind {
    const ALL: [Kind; 7] = [Kind::Msh, Kind::Pid, Kind::Nte, Kind::Orc, Kind::Obr, Kind::Obx, Kind::Spm];

    fn of(name: &[u8]) -> Option<Self> {
        Some(match name {
            b"MSH" => Kind::Msh,
            b"PID" => Kind::Pid,
            b"NTE" => Kind::Nte,
            b"ORC" => Kind::Orc,
            b"OBR" => Kind::Obr,
            b"OBX" => Kind::Obx,
            b"SPM" => Kind::Spm,
            _ => return None,
        })
    }

    /// True for a name that differs from one of these in a single letter.
    fn is_a_letter_away(name: &[u8]) -> bool {
        let same = |kind: &Kind| kind.name().bytes().zip(name).filter(|(one, other)| one == *other).count();
        Self::ALL.iter().any(|kind| same(kind) == 2)
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Kind::Msh => "MSH",
            Kind::Pid => "PID",
            Kind::Nte => "NTE",
            Kind::Orc => "ORC",
            Kind::Obr => "OBR",
            Kind::Obx => "OBX",
            Kind::Spm => "SPM",
        }
    }
}

/// Segments of the message that say nothing a report has (v2.3 to v2.8, ORU_R01), and two that some senders add, passed
/// over without a word.
const PASSED_OVER: [&[u8]; 26] = [
    b"SFT", b"UAC", b"ARV", b"PD1", b"NK1", b"PV1", b"PV2", b"ROL", b"PRT", b"TQ1", b"TQ2", b"CTD", b"FT1", b"CTI",
    b"DB1", b"OH1", b"OH2", b"OH3", b"OH4", b"CON", b"GT1", b"IN1", b"AL1", b"DG1", b"EVN", b"MSA",
];

/// Which delimiters stand in a field: nothing is searched for that is not there.
type Marks = u8;
const FIELD: Marks = 1;
const REPETITION: Marks = 1 << 1;
const COMPONENT: Marks = 1 << 2;
const SUBCOMPONENT: Marks = 1 << 3;
const ESCAPE: Marks = 1 << 4;

fn marks(separators: &Separators) -> [Marks; 256] {
    let mut marks = [0; 256];
    for (byte, mark) in [
        (separators.field, FIELD),
        (separators.repetition, REPETITION),
        (separators.component, COMPONENT),
        (separators.subcomponent, SUBCOMPONENT),
        (separators.escape, ESCAPE),
    ] {
        if let Some(of_byte) = marks.get_mut(usize::from(byte)) {
            *of_byte |= mark;
        }
    }
    marks
}

#[derive(Clone, Copy, Default)]
struct Field<'t> {
    raw: &'t str,
    marks: Marks,
}

/// A message cut into segments and fields.
pub(super) struct Lexed<'t> {
    separators: Separators,
    /// What each byte may mean in a field.
    marks: [u8; 256],
    segments: Vec<(Kind, u32, Line, usize)>,
    fields: Vec<Field<'t>>,
    /// What cannot be read as a segment, or says that this is only a part of a message.
    pub(super) faults: Vec<Fault>,
    /// Whether something says that the last segment is over.
    pub(super) ended: bool,
}

impl<'t> Lexed<'t> {
    /// Cuts a message, whose first line is its header.
    ///
    /// # Errors
    /// A fault where nothing can be read: the separators, or too many segments.
    pub(super) fn read(text: &'t str, first_line: u32) -> Result<Self, Fault> {
        let header = Place { kind: Kind::Msh, ordinal: 1, line: first_line };
        let first = Lines::new(text.as_bytes(), first_line).next();
        let first = first.and_then(|line| text.get(line.start..line.end)).unwrap_or_default();
        let separators = Separators::read(first).map_err(|fault| header.fault(1, fault))?;
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
        for line in Lines::new(text.as_bytes(), first_line) {
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
            if swallows_another(segment.as_bytes(), separators.field) && lexed.faults.len() < FAULTS {
                lexed.faults.push(Fault { line: Some(line.number), ..Fault::error("segment-merged", MERGED) });
            }
            match name.and_then(Kind::of).and_then(|kind| Some((kind, counts.get_mut(kind as usize)?))) {
                Some((kind, count)) => {
                    *count += 1;
                    lexed.take(kind, *count, line, segment);
                }
                None => lexed.pass_over(name, line.number),
            }
        }
        Ok(lexed)
    }

    /// A line that no rule reads; a name that the message does not have is said once.
    fn pass_over(&mut self, name: Option<&[u8]>, line: u32) {
        let fault = match name {
            None => Fault::error("segment-unreadable", UNREADABLE),
            Some(b"DSC" | b"ADD") => Fault::error("continuation-unsupported", CONTINUED),
            Some(name) if name.starts_with(b"Z") || PASSED_OVER.contains(&name) => return,
            // What follows a damaged PID or OBR would be read as another person's or report's.
            Some(name) if Kind::is_a_letter_away(name) => Fault::error("segment-misnamed", MISNAMED),
            Some(_) if self.faults.iter().any(|fault| fault.code == UNKNOWN.0) => return,
            Some(_) => Fault::warning(UNKNOWN.0, UNKNOWN.1),
        };
        if self.faults.len() < FAULTS {
            self.faults.push(Fault { line: Some(line), ..fault });
        }
    }

    fn take(&mut self, kind: Kind, ordinal: u32, line: Line, segment: &'t str) {
        self.segments.push((kind, ordinal, line, self.fields.len()));
        let Some(body) = segment.get(4..) else { return };
        // One pass over what are mostly short fields; past the last that is read, whatever comes next is passed over.
        let (mut start, mut marks, mut left) = (0, 0, FIELDS);
        for (end, byte) in body.bytes().enumerate() {
            let mark = self.marks.get(usize::from(byte)).copied().unwrap_or_default();
            if mark == 0 {
                continue;
            }
            marks |= mark;
            if mark == FIELD {
                self.fields.push(Field { raw: body.get(start..end).unwrap_or_default(), marks });
                (start, marks, left) = (end + 1, 0, left - 1);
                if left == 0 {
                    return;
                }
            }
        }
        self.fields.push(Field { raw: body.get(start..).unwrap_or_default(), marks });
    }

    /// The segments, in order.
    pub(super) fn segments(&self) -> Vec<Segment<'_>> {
        let ends = self.segments.iter().skip(1).map(|(.., first)| *first).chain([self.fields.len()]);
        let cut = |((kind, ordinal, line, first), end): (&(Kind, u32, Line, usize), usize)| Segment {
            place: Place { kind: *kind, ordinal: *ordinal, line: line.number },
            fields: self.fields.get(*first..end).unwrap_or_default(),
            separators: &self.separators,
        };
        self.segments.iter().zip(ends).map(cut).collect()
    }
}

/// One segment.
#[derive(Clone, Copy)]
pub(super) struct Segment<'m> {
    /// Where it stands.
    pub(super) place: Place,
    fields: &'m [Field<'m>],
    separators: &'m Separators,
}

impl<'m> Segment<'m> {
    pub(super) fn kind(&self) -> Kind {
        self.place.kind
    }

    /// A field with all its repetitions, by the standard's number, from 1.
    pub(super) fn whole(&self, number: usize) -> Part<'m> {
        // MSH-1 is the separator itself, so that MSH-2 is what follows it.
        let before = if self.kind() == Kind::Msh { 2 } else { 1 };
        let field = number.checked_sub(before).and_then(|index| self.fields.get(index)).copied().unwrap_or_default();
        Part { raw: field.raw, marks: field.marks, separators: self.separators }
    }

    /// A field's repetitions.
    pub(super) fn repetitions(&self, number: usize) -> impl Iterator<Item = Part<'m>> + use<'m> {
        self.whole(number).split(self.separators.repetition, REPETITION)
    }

    /// A field's first repetition.
    pub(super) fn field(&self, number: usize) -> Part<'m> {
        self.whole(number).nth(self.separators.repetition, REPETITION, 1)
    }
}

/// A field, a repetition, a component or a subcomponent.
#[derive(Clone, Copy)]
pub(super) struct Part<'m> {
    raw: &'m str,
    /// Those of the whole field.
    marks: Marks,
    separators: &'m Separators,
}

impl<'m> Part<'m> {
    /// A component of a repetition, from 1.
    pub(super) fn component(&self, number: usize) -> Part<'m> {
        self.nth(self.separators.component, COMPONENT, number)
    }

    /// The first `N` components of a repetition.
    pub(super) fn components<const N: usize>(&self) -> [Part<'m>; N] {
        if self.raw.is_empty() {
            return [*self; N];
        }
        let mut parts = self.split(self.separators.component, COMPONENT);
        std::array::from_fn(|_| parts.next().unwrap_or(Part { raw: "", ..*self }))
    }

    /// All components of a repetition.
    pub(super) fn all_components(&self) -> impl Iterator<Item = Part<'m>> + use<'m> {
        self.split(self.separators.component, COMPONENT)
    }

    /// A subcomponent of a component, from 1.
    pub(super) fn subcomponent(&self, number: usize) -> Part<'m> {
        self.nth(self.separators.subcomponent, SUBCOMPONENT, number)
    }

    /// All subcomponents of a component.
    pub(super) fn subcomponents(&self) -> impl Iterator<Item = Part<'m>> + use<'m> {
        self.split(self.separators.subcomponent, SUBCOMPONENT)
    }

    /// Its text, trimmed and unescaped; none where it is empty or `""`, for a message is a whole snapshot.
    pub(super) fn text(&self) -> Option<Text<'m>> {
        let raw = trim(self.raw);
        match raw {
            "" | "\"\"" => None,
            _ if self.marks & ESCAPE == 0 => Some(Text::Borrowed(raw)),
            _ => Some(unescape(raw, self.separators)),
        }
    }

    /// Its bytes as they stand, escapes and all.
    pub(super) fn raw(&self) -> &'m str {
        self.raw
    }

    /// True where it has no text.
    pub(super) fn is_empty(&self) -> bool {
        matches!(trim(self.raw), "" | "\"\"")
    }

    fn nth(&self, separator: u8, mark: Marks, number: usize) -> Part<'m> {
        if self.marks & mark == 0 {
            return if number <= 1 { *self } else { Part { raw: "", ..*self } };
        }
        self.split(separator, mark).nth(number.saturating_sub(1)).unwrap_or(Part { raw: "", ..*self })
    }

    /// Splits at a byte that is ASCII or stands in no text, so that each piece is whole.
    fn split(&self, separator: u8, mark: Marks) -> impl Iterator<Item = Part<'m>> + use<'m> {
        let whole = *self;
        // Where it does not stand, the search is over before it begins.
        let mut rest = Some(self.raw);
        std::iter::from_fn(move || {
            let text = rest?;
            let end = if whole.marks & mark == 0 { None } else { find(separator, text.as_bytes()) };
            rest = end.and_then(|end| text.get(end + 1..));
            Some(Part { raw: end.map_or(Some(text), |end| text.get(..end))?, ..whole })
        })
    }
}

/// True where a line end was lost (§2.5): a field ends with the name of a segment, and what such a segment begins with
/// follows: its set id, or the control code of an ORC. A separator in text would be escaped (§2.7).
fn swallows_another(segment: &[u8], field: u8) -> bool {
    memchr_iter(field, segment).any(|at| {
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
    })
}

fn find(byte: u8, bytes: &[u8]) -> Option<usize> {
    if bytes.len() < SHORT { bytes.iter().position(|other| *other == byte) } else { memchr(byte, bytes) }
}

/// [`str::trim`], which looks at whole characters, for what seldom has anything to trim.
fn trim(text: &str) -> &str {
    match text.as_bytes() {
        [] => text,
        [only] if only.is_ascii_graphic() => text,
        [first, .., last] if first.is_ascii_graphic() && last.is_ascii_graphic() => text,
        _ => text.trim(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(lexed: &Lexed<'_>, index: usize, field: usize) -> Vec<String> {
        lexed.segments()[index]
            .repetitions(field)
            .filter_map(|part| part.text())
            .map(|text| text.into_owned())
            .collect()
    }

    #[test]
    fn fields_are_numbered_as_the_standard_numbers_them() {
        let lexed = Lexed::read("MSH|^~\\&|LAB|F\rPID|1||a^b&c~d|\"\"|  x  ", 1).unwrap();
        assert_eq!(texts(&lexed, 0, 3), ["LAB"]);
        assert_eq!(texts(&lexed, 0, 4), ["F"]);
        assert_eq!(texts(&lexed, 1, 3), ["a^b&c", "d"]);
        assert_eq!(texts(&lexed, 1, 5), ["x"]);
        assert!(texts(&lexed, 1, 4).is_empty() && texts(&lexed, 1, 9).is_empty());
        let segments = lexed.segments();
        let first = segments[1].field(3);
        assert_eq!(first.component(2).subcomponent(2).raw(), "c");
        assert_eq!(first.component(3).raw(), "");
        assert_eq!(first.components::<3>().map(|part| part.raw()), ["a", "b&c", ""]);
    }

    #[test]
    fn fields_past_the_last_that_is_read_do_not_run_into_it() {
        let text = format!("MSH|^~\\&\rPID{}|forty|forty-one", "|".repeat(39));
        let lexed = Lexed::read(&text, 1).unwrap();
        assert_eq!(texts(&lexed, 1, 40), ["forty"]);
        assert!(texts(&lexed, 1, 41).iter().all(|text| text == "forty-one"));
    }

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
