//! What is in a segment: fields, repetitions, components, subcomponents, borrowed from the message.

use memchr::memchr;

use super::{escape::unescape, kind::Kind, location::Place, separators::Separators};
use crate::report::Text;

/// Shorter texts than this are searched byte by byte: most parts are, and a vector search costs a call.
const SHORT: usize = 24;

/// Which delimiters stand in a field: nothing is searched for that is not there.
pub(super) type Marks = u8;
pub(super) const FIELD: Marks = 1;
const REPETITION: Marks = 1 << 1;
const COMPONENT: Marks = 1 << 2;
const SUBCOMPONENT: Marks = 1 << 3;
const ESCAPE: Marks = 1 << 4;

/// What each byte may mean in a field.
pub(super) fn marks(separators: &Separators) -> [Marks; 256] {
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

/// Where a field ends in its segment's body, and what stands in it. It begins after the separator that ends the one
/// before: only what is read is cut.
#[derive(Clone, Copy)]
pub(super) struct Field {
    pub(super) end: usize,
    pub(super) marks: Marks,
}

/// One segment.
#[derive(Clone, Copy)]
pub(super) struct Segment<'m> {
    /// Where it stands.
    pub(super) place: Place,
    /// What follows its name and the separator after that.
    pub(super) body: &'m str,
    pub(super) fields: &'m [Field],
    pub(super) separators: &'m Separators,
}

impl<'m> Segment<'m> {
    pub(super) fn kind(&self) -> Kind {
        self.place.kind
    }

    /// A field with all its repetitions, by the standard's number, from 1.
    pub(super) fn whole(&self, number: usize) -> Part<'m> {
        // MSH-1 is the separator itself, so that MSH-2 is what follows it.
        let before = if self.kind() == Kind::Msh { 2 } else { 1 };
        let field = number.checked_sub(before).and_then(|index| {
            let start =
                index.checked_sub(1).and_then(|before| self.fields.get(before)).map_or(0, |field| field.end + 1);
            let field = self.fields.get(index)?;
            Some((self.body.get(start..field.end)?, field.marks))
        });
        let (raw, marks) = field.unwrap_or_default();
        Part { raw, marks, separators: self.separators }
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
        let mut rest = Some(self.raw);
        std::array::from_fn(|_| {
            let cut = |text| self.cut(text, self.separators.component, COMPONENT);
            let (raw, after) = rest.map_or(("", None), cut);
            rest = after;
            Part { raw, ..*self }
        })
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
        let raw = self.code();
        match raw {
            "" | "\"\"" => None,
            _ if self.marks & ESCAPE == 0 => Some(Text::Borrowed(raw)),
            _ => Some(unescape(raw, self.separators)),
        }
    }

    /// Its bytes, trimmed and otherwise as they stand: a word of a table, which has no escapes.
    pub(super) fn code(&self) -> &'m str {
        trim(self.raw)
    }

    /// True where it has no text.
    pub(super) fn is_empty(&self) -> bool {
        matches!(self.code(), "" | "\"\"")
    }

    fn nth(&self, separator: u8, mark: Marks, number: usize) -> Part<'m> {
        let mut rest = self.raw;
        for _ in 1..number {
            let (_, Some(after)) = self.cut(rest, separator, mark) else { return Part { raw: "", ..*self } };
            rest = after;
        }
        Part { raw: self.cut(rest, separator, mark).0, ..*self }
    }

    fn split(&self, separator: u8, mark: Marks) -> impl Iterator<Item = Part<'m>> + use<'m> {
        let whole = *self;
        let mut rest = Some(self.raw);
        std::iter::from_fn(move || {
            let (raw, after) = whole.cut(rest?, separator, mark);
            rest = after;
            Some(Part { raw, ..whole })
        })
    }

    /// What stands before the first `separator` of `text`, a piece of this part, and what stands after it.
    ///
    /// Cuts at a byte that is ASCII or stands in no text, so that each piece is whole.
    fn cut(&self, text: &'m str, separator: u8, mark: Marks) -> (&'m str, Option<&'m str>) {
        let end = if self.marks & mark == 0 { None } else { find(separator, text.as_bytes()) };
        match end.and_then(|end| text.split_at_checked(end)) {
            Some((piece, rest)) => (piece, rest.get(1..)),
            None => (text, None),
        }
    }
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
    use crate::hl7::segment::Lexed;

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
        assert_eq!(first.component(2).subcomponent(2).code(), "c");
        assert_eq!(first.component(3).code(), "");
        assert_eq!(first.components::<3>().map(|part| part.code()), ["a", "b&c", ""]);
    }

    #[test]
    fn fields_past_the_last_that_is_read_do_not_run_into_it() {
        let text = format!("MSH|^~\\&\rPID{}|forty|forty-one", "|".repeat(39));
        let lexed = Lexed::read(&text, 1).unwrap();
        assert_eq!(texts(&lexed, 1, 40), ["forty"]);
        assert!(texts(&lexed, 1, 41).iter().all(|text| text == "forty-one"));
    }
}
