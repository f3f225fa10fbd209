//! Text as it stands in a message (v2.5.1 §2.7), and fields put together.

use std::fmt::Write;

use crate::hl7::separators::Separators;

/// The usual delimiters, as MSH-2 names them after `|`.
pub(super) const ENCODING: &str = "^~\\&";

/// The delimiters of [`ENCODING`], which all that we write of our own uses.
pub(super) const USUAL: Separators =
    Separators { field: b'|', component: b'^', repetition: b'~', escape: b'\\', subcomponent: b'&', truncation: 0xff };

/// The text escaped, so that a reader has it back to the letter.
///
/// A line feed is `\.br\`; another control character, white space at either end (which readers trim) and the first of
/// two lone quotes (which would say 'deleted') are hexadecimal UTF-8. Text that is there and empty is `\N\`, which shows
/// nothing. Where the message has no escape character, what would need it becomes a blank.
pub(super) fn escape(text: &str, separators: &Separators) -> String {
    let mark = Some(separators.escape).filter(u8::is_ascii).map(char::from);
    let Some(mark) = mark else {
        return text.chars().map(|c| if c.is_control() || sign(c, separators).is_some() { ' ' } else { c }).collect();
    };
    if text.is_empty() {
        return format!("{mark}N{mark}");
    }
    let last = text.char_indices().last().map_or(0, |(at, _)| at);
    let mut out = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        let is_edge = at == 0 || at == last;
        match sign(c, separators) {
            Some(letter) => out.extend([mark, letter, mark]),
            None if c == '\n' => out.extend([mark, '.', 'b', 'r', mark]),
            None if c.is_control() || (is_edge && c.is_whitespace()) || (at == 0 && text == "\"\"") => {
                out.extend([mark, 'X']);
                for byte in c.encode_utf8(&mut [0; 4]).bytes() {
                    // Writing to a String cannot fail.
                    let _ = write!(out, "{byte:02X}");
                }
                out.push(mark);
            }
            None => out.push(c),
        }
    }
    out
}

/// The letter of a delimiter's escape sequence.
fn sign(c: char, separators: &Separators) -> Option<char> {
    let byte = u8::try_from(c).ok().filter(u8::is_ascii)?;
    let letters = [
        (separators.field, 'F'),
        (separators.component, 'S'),
        (separators.subcomponent, 'T'),
        (separators.repetition, 'R'),
        (separators.escape, 'E'),
        (separators.truncation, 'P'),
    ];
    letters.into_iter().find(|(separator, _)| *separator == byte).map(|(_, letter)| letter)
}

/// The text escaped with the usual delimiters.
pub(super) fn text(text: &str) -> String {
    escape(text, &USUAL)
}

/// The text escaped, or nothing.
pub(super) fn maybe(value: Option<&str>) -> String {
    value.map(text).unwrap_or_default()
}

/// Components, the empty ones at the end left out.
pub(super) fn components(parts: &[&str]) -> String {
    joined(parts, "^")
}

/// Subcomponents, the empty ones at the end left out.
pub(super) fn subcomponents(parts: &[&str]) -> String {
    joined(parts, "&")
}

fn joined(parts: &[&str], separator: &str) -> String {
    let length = parts.iter().rposition(|part| !part.is_empty()).map_or(0, |last| last + 1);
    parts.get(..length).unwrap_or_default().join(separator)
}

/// A segment's fields, by the standard's numbers; not MSH, whose first field is the separator.
pub(super) struct Fields {
    name: &'static str,
    fields: Vec<String>,
}

impl Fields {
    pub(super) fn of(name: &'static str) -> Self {
        Self { name, fields: Vec::new() }
    }

    /// With this field; its content stands in the message as it is.
    pub(super) fn with(mut self, number: usize, content: impl Into<String>) -> Self {
        let index = number.saturating_sub(1);
        if self.fields.len() <= index {
            self.fields.resize_with(index + 1, String::new);
        }
        if let Some(field) = self.fields.get_mut(index) {
            *field = content.into();
        }
        self
    }

    /// Appends the segment, without the empty fields at its end.
    pub(super) fn write(self, out: &mut String) {
        out.push_str(self.name);
        let length = self.fields.iter().rposition(|field| !field.is_empty()).map_or(0, |last| last + 1);
        for field in self.fields.iter().take(length) {
            out.push('|');
            out.push_str(field);
        }
        out.push('\r');
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::hl7::segment::Lexed;

    #[test]
    fn each_delimiter_has_its_sequence() {
        let table = [
            ("plain è", "plain è"),
            (r"a|b^c&d~e\f#", r"a\F\b\S\c\T\d\R\e\E\f#"),
            ("one\ntwo\r\nthree", r"one\.br\two\X0D\\.br\three"),
            (" both ", r"\X20\both\X20\"),
            ("\u{a0}", r"\XC2A0\"),
            ("\"\"", "\\X22\\\""),
            ("\"", "\""),
            ("a\tb\u{1c}", r"a\X09\b\X1C\"),
            ("", r"\N\"),
        ];
        for (plain, written) in table {
            assert_eq!(text(plain), written);
        }
        let none = Separators { escape: 0xff, ..USUAL };
        assert_eq!(escape("a|b\\c\nd", &none), "a b\\c d");
        let truncating = Separators { truncation: b'#', ..USUAL };
        assert_eq!(escape("#", &truncating), r"\P\");
    }

    #[test]
    fn what_is_empty_at_the_end_is_left_out() {
        let mut out = String::new();
        Fields::of("PID").with(1, "1").with(3, components(&["a", "", "b", ""])).with(5, "").write(&mut out);
        assert_eq!(out, "PID|1||a^^b\r");
        assert_eq!(subcomponents(&["", "x", ""]), "&x");
    }

    proptest! {
        #[test]
        fn any_text_reads_back(plain in "[\\PC\\n\\r\\t\\x00-\\x20|^~\\\\&\"#\u{a0}]{0,20}") {
            let message = format!("MSH|{ENCODING}\rPID|{}\r", text(&plain));
            let lexed = Lexed::read(&message, 1).unwrap();
            let segments = lexed.segments();
            let read = segments[1].field(1).component(1).subcomponent(1).text();
            prop_assert_eq!(read.as_deref(), Some(&*plain));
        }
    }
}
