//! Reads single fields: texts, words, times. A field that is null or blank is absent.

use base64::{Engine, engine::general_purpose::STANDARD};
use jiff::{Timestamp, civil::Date};
use simd_json::{Node, StaticNode};

use super::reader::{Field, Reader};
use crate::{
    report::Text,
    time::{self, Doubt},
};

impl Reader<'_> {
    /// A text as sent.
    pub(super) fn text<'a>(&mut self, field: &Field<'_, '_, 'a>) -> Option<Text<'a>> {
        self.words(field).map(Text::Borrowed)
    }

    /// A text without the white space around it: numbers and codes that are compared.
    pub(super) fn code<'a>(&mut self, field: &Field<'_, '_, 'a>) -> Option<Text<'a>> {
        self.words(field).map(|text| Text::Borrowed(text.trim()))
    }

    /// A word out of a few; `allowed` lists them.
    pub(super) fn word<T>(
        &mut self,
        field: &Field<'_, '_, '_>,
        parse: fn(&str) -> Option<T>,
        allowed: impl FnOnce() -> String,
    ) -> Option<T> {
        let word = parse(self.words(field)?);
        if word.is_none() {
            self.error(&field.place, "invalid", format!("must be one of {}", allowed()));
        }
        word
    }

    /// True or false.
    pub(super) fn flag(&mut self, field: &Field<'_, '_, '_>) -> Option<bool> {
        match field.value.first {
            Node::Static(StaticNode::Bool(flag)) => Some(*flag),
            Node::Static(StaticNode::Null) => None,
            _ => {
                self.error(&field.place, "not-boolean", "must be true or false, without quotes");
                None
            }
        }
    }

    /// An instant: RFC 3339, or a local time in the laboratory's zone.
    pub(super) fn instant(&mut self, field: &Field<'_, '_, '_>) -> Option<Timestamp> {
        let Some(read) = time::read_rfc3339(self.words(field)?, self.context.zone) else {
            let detail = "not a time: write it as 2020-10-20T11:04:00+02:00";
            self.error(&field.place, "invalid", detail);
            return None;
        };
        match read.doubt {
            Some(Doubt::Twice) => {
                let detail = "this hour came twice that night, and the first was taken: write the offset (+02:00)";
                self.warn(&field.place, "ambiguous", detail);
            }
            Some(Doubt::Never) => {
                let detail =
                    "this hour never came that night, and the one after it was taken: write the offset (+02:00)";
                self.warn(&field.place, "nonexistent", detail);
            }
            None => {}
        }
        Some(read.instant)
    }

    /// A date, `YYYY-MM-DD`. Another is left out with a warning: a birth date of which the day is not known
    /// (`1985-00-00`) must not keep a result from being stored.
    pub(super) fn date(&mut self, field: &Field<'_, '_, '_>) -> Option<Date> {
        let date = time::read_date(self.words(field)?);
        if date.is_none() {
            self.warn(&field.place, "invalid", "not a date, so it is left out: write it as 1985-12-10");
        }
        date
    }

    /// Base64 (RFC 4648 §4, padded, without line breaks). Checked, not decoded.
    pub(super) fn base64<'a>(&mut self, field: &Field<'_, '_, 'a>) -> Option<Text<'a>> {
        let text = self.words(field)?;
        if !is_base64(text.as_bytes()) {
            let detail = "not base64: use the standard alphabet, padded with =, without line breaks";
            self.error(&field.place, "invalid", detail);
        }
        Some(Text::Borrowed(text))
    }

    fn words<'a>(&mut self, field: &Field<'_, '_, 'a>) -> Option<&'a str> {
        match field.value.first {
            Node::String(text) if has_control_character(text) => {
                let detail = "has a control character (NUL, or another but tab and line breaks): remove it";
                self.error(&field.place, "control-character", detail);
                None
            }
            Node::String(text) if text.trim_ascii().is_empty() => None,
            Node::String(text) => Some(text),
            Node::Static(StaticNode::Null) => None,
            Node::Static(_) | Node::Object { .. } | Node::Array { .. } => {
                self.error(&field.place, "not-text", "must be text, in double quotes");
                None
            }
        }
    }
}

fn has_control_character(text: &str) -> bool {
    // No early exit: the loop becomes vector instructions.
    text.bytes().fold(false, |found, byte| {
        found | ((byte < 0x20) & (byte != b'\t') & (byte != b'\n') & (byte != b'\r')) | (byte == 0x7F)
    })
}

fn is_base64(bytes: &[u8]) -> bool {
    let mut decoded = [0_u8; 3072];
    let mut blocks = bytes.chunks(4096).peekable();
    while let Some(block) = blocks.next() {
        let length = STANDARD.decode_slice(block, &mut decoded);
        // Padding stands at the very end only.
        if length.is_err() || (blocks.peek().is_some() && length != Ok(decoded.len())) {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_checked_across_blocks() {
        for length in [0, 1, 2, 3, 3071, 3072, 3073, 9000] {
            assert!(is_base64(STANDARD.encode(vec![7; length]).as_bytes()), "{length}");
        }
        let padded_inside = format!("{}=={}", "A".repeat(4094), "AAAA");
        let wrong =
            ["A", "AA", "AAA", "AA=", "A===", "AAAA=", "AA==AAAA", "AA-_", "AAAA\nAAAA", "AB==", &padded_inside];
        for text in wrong {
            assert!(!is_base64(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn control_characters_are_found_wherever_they_stand() {
        for text in ["\0", "a\u{7f}", "\u{1b}[0m", "0123456789abcdef0123456789abcdef\u{1}"] {
            assert!(has_control_character(text), "{text:?}");
        }
        assert!(!has_control_character("a\tb\r\nc è \u{85} \u{2028}"));
    }
}
