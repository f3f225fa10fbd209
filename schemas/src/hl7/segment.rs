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

/// Lines of a message that are no segments, of which each is named; a body that is no message at all has many.
const FAULTS: usize = 100;

const UNREADABLE: &str =
    "the line begins with no segment name and field separator: escape line breaks in text as \\.br\\";
const CONTINUED: &str = "the message continues in another (DSC, ADD): send it whole";
const UNKNOWN: (&str, &str) =
    ("segment-unknown", "the message has no such segment: it was passed over; names of your own begin with Z");

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

/// Segments of the message that say nothing a report has (v2.3 to v2.8, ORU_R01), passed over without a word.
const PASSED_OVER: [&[u8]; 24] = [
    b"SFT", b"UAC", b"ARV", b"PD1", b"NK1", b"PV1", b"PV2", b"ROL", b"PRT", b"TQ1", b"TQ2", b"CTD", b"FT1", b"CTI",
    b"DB1", b"OH1", b"OH2", b"OH3", b"OH4", b"CON", b"GT1", b"IN1", b"AL1", b"DG1",
];

/// A message cut into segments and fields.
pub(super) struct Lexed<'t> {
    separators: Separators,
    segments: Vec<(Kind, u32, Line, usize)>,
    fields: Vec<&'t str>,
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
        let mut lexed = Self { separators, segments: Vec::new(), fields: Vec::new(), faults: Vec::new(), ended: true };
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
            let kind = Kind::ALL.iter().zip(&mut counts).find(|(kind, _)| Some(kind.name().as_bytes()) == name);
            match (name.filter(|_| is_separated), kind) {
                (Some(_), Some((kind, count))) => {
                    *count += 1;
                    lexed.take(*kind, *count, line, segment);
                }
                (name, _) => lexed.pass_over(name, line.number),
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
        let mut start = 0;
        for end in memchr_iter(self.separators.field, body.as_bytes()).take(FIELDS) {
            self.fields.push(body.get(start..end).unwrap_or_default());
            start = end + 1;
        }
        // What follows the last separator; past the last field that is read, whatever comes next.
        let rest = body.get(start..).unwrap_or_default();
        self.fields.extend(split(rest, self.separators.field).next());
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
    fields: &'m [&'m str],
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
        let raw = number.checked_sub(before).and_then(|index| self.fields.get(index)).copied().unwrap_or_default();
        Part { raw, separators: self.separators }
    }

    /// A field's repetitions.
    pub(super) fn repetitions(&self, number: usize) -> impl Iterator<Item = Part<'m>> + use<'m> {
        self.whole(number).split(self.separators.repetition)
    }

    /// A field's first repetition.
    pub(super) fn field(&self, number: usize) -> Part<'m> {
        self.whole(number).nth(self.separators.repetition, 1)
    }
}

/// A field, a repetition, a component or a subcomponent.
#[derive(Clone, Copy)]
pub(super) struct Part<'m> {
    raw: &'m str,
    separators: &'m Separators,
}

impl<'m> Part<'m> {
    /// A component of a repetition, from 1.
    pub(super) fn component(&self, number: usize) -> Part<'m> {
        self.nth(self.separators.component, number)
    }

    /// The first `N` components of a repetition.
    pub(super) fn components<const N: usize>(&self) -> [Part<'m>; N] {
        let mut parts = self.split(self.separators.component);
        std::array::from_fn(|_| parts.next().unwrap_or(Part { raw: "", separators: self.separators }))
    }

    /// All components of a repetition.
    pub(super) fn all_components(&self) -> impl Iterator<Item = Part<'m>> + use<'m> {
        self.split(self.separators.component)
    }

    /// A subcomponent of a component, from 1.
    pub(super) fn subcomponent(&self, number: usize) -> Part<'m> {
        self.nth(self.separators.subcomponent, number)
    }

    /// All subcomponents of a component.
    pub(super) fn subcomponents(&self) -> impl Iterator<Item = Part<'m>> + use<'m> {
        self.split(self.separators.subcomponent)
    }

    /// Its text, trimmed and unescaped; none where it is empty or `""`, for a message is a whole snapshot.
    pub(super) fn text(&self) -> Option<Text<'m>> {
        let raw = self.raw.trim();
        if raw.is_empty() || raw == "\"\"" { None } else { Some(unescape(raw, self.separators)) }
    }

    /// Its bytes as they stand, escapes and all.
    pub(super) fn raw(&self) -> &'m str {
        self.raw
    }

    /// True where it has no text.
    pub(super) fn is_empty(&self) -> bool {
        matches!(self.raw.trim(), "" | "\"\"")
    }

    fn nth(&self, separator: u8, number: usize) -> Part<'m> {
        let raw = split(self.raw, separator).nth(number.saturating_sub(1)).unwrap_or_default();
        Part { raw, separators: self.separators }
    }

    fn split(&self, separator: u8) -> impl Iterator<Item = Part<'m>> + use<'m> {
        let separators = self.separators;
        split(self.raw, separator).map(move |raw| Part { raw, separators })
    }
}

/// Splits at a byte that is ASCII or stands in no text, so that each piece is whole.
fn split(text: &str, separator: u8) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let end = memchr(separator, text.as_bytes());
        rest = end.and_then(|end| text.get(end + 1..));
        end.map_or(Some(text), |end| text.get(..end))
    })
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
    fn what_is_no_segment_is_said() {
        let table = [
            ("MSH|^~\\&\rand the text went on", "segment-unreadable"),
            ("MSH|^~\\&\rOBX^1", "segment-unreadable"),
            ("MSH|^~\\&\rDSC|x", "continuation-unsupported"),
            ("MSH|^~\\&\rQQQ|1\rQQQ|2", "segment-unknown"),
        ];
        for (text, code) in table {
            let faults = Lexed::read(text, 1).unwrap().faults;
            assert_eq!(faults.iter().map(|f| (&*f.code, f.line)).collect::<Vec<_>>(), [(code, Some(2))], "{text}");
        }
    }
}
