//! What an acknowledgement takes of the message it answers: as much as can be read, whatever the message is.

use super::segment::{ENCODING, USUAL};
use crate::{
    format::Charset,
    hl7::{charset, lines::Lines, separators::Separators},
};

/// Versions of table 0104 that are read: an acknowledgement is of its message's version.
const VERSIONS: [&str; 11] = ["2.3", "2.3.1", "2.4", "2.5", "2.5.1", "2.6", "2.7", "2.7.1", "2.8", "2.8.1", "2.8.2"];

/// A message's header, in bytes as sent.
pub(super) struct Sent<'m> {
    /// What delimits the acknowledgement: as in the message where that says so, else the usual.
    pub(super) separators: Separators,
    /// MSH-2 of the acknowledgement.
    pub(super) encoding: &'m [u8],
    fields: Vec<&'m [u8]>,
    charset: Option<Charset>,
    is_utf8: bool,
}

impl<'m> Sent<'m> {
    pub(super) fn read(message: &'m [u8]) -> Self {
        let lines = Lines::new(message, 1).map(|line| message.get(line.start..line.end).unwrap_or_default());
        let header = lines.into_iter().find(|line| !line.is_empty()).filter(|line| line.starts_with(b"MSH"));
        let header = header.unwrap_or_default();
        let field = header.get(3).copied().filter(u8::is_ascii_punctuation);
        let split = |field: u8| header.split(|byte| *byte == field).collect::<Vec<_>>();
        // The delimiters are ASCII: what is no UTF-8 after them is not looked at.
        let (separators, encoding, fields) = match (Separators::read(&String::from_utf8_lossy(header)), field) {
            (Ok(separators), _) => {
                let fields = split(separators.field);
                (separators, fields.get(1).copied().unwrap_or_default(), fields)
            }
            // The field separator alone: what stands between two of them can still be given back.
            (Err(_), Some(field)) if !ENCODING.as_bytes().contains(&field) => {
                (Separators { field, ..USUAL }, ENCODING.as_bytes(), split(field))
            }
            (Err(_), _) => (USUAL, ENCODING.as_bytes(), Vec::new()),
        };
        let charset = charset::named(message);
        Self { separators, encoding, fields, charset, is_utf8: str::from_utf8(message).is_ok() }
    }

    /// Without the truncation character, which MSH-2 has from v2.7 on (§2.5.5.2) and some declare before.
    pub(super) fn without_truncation(&mut self) {
        self.separators.truncation = USUAL.truncation;
        self.encoding = self.encoding.get(..4).unwrap_or(self.encoding);
    }

    /// A field of the header by the standard's number, from 3, with all that is in it; empty where it is `""`.
    pub(super) fn field(&self, number: usize) -> &'m [u8] {
        let field = number.checked_sub(1).and_then(|index| self.fields.get(index)).copied().unwrap_or_default();
        if matches!(field.trim_ascii(), b"" | b"\"\"") { b"" } else { field }
    }

    /// A component of a field's first repetition, trimmed.
    fn component(&self, number: usize, component: usize) -> &'m str {
        let part = |text: &'m [u8], separator: u8, index: usize| {
            text.split(|byte| *byte == separator).nth(index).unwrap_or_default()
        };
        let first = part(self.field(number), self.separators.repetition, 0);
        let text = part(first, self.separators.component, component.saturating_sub(1));
        str::from_utf8(text.trim_ascii()).unwrap_or_default()
    }

    /// MSH-9.1 is ORU, or says the structure in its place.
    pub(super) fn is_oru(&self) -> bool {
        matches!(self.component(9, 1), "ORU" | "ORU_R01")
    }

    /// MSH-9.2; `R01` where it is no event.
    pub(super) fn event(&self) -> &'m str {
        let event = self.component(9, 2);
        let is_event = matches!(event.as_bytes(), [first, second, third]
            if first.is_ascii_uppercase() && second.is_ascii_alphanumeric() && third.is_ascii_alphanumeric());
        if is_event { event } else { "R01" }
    }

    /// MSH-11; `P` where it is not of table 0103.
    pub(super) fn processing_id(&self) -> &'static str {
        match self.component(11, 1) {
            "T" | "t" => "T",
            "D" | "d" => "D",
            _ => "P",
        }
    }

    /// MSH-12, where it is a version that is read.
    pub(super) fn version(&self) -> Option<&'static str> {
        let version = self.component(12, 1);
        VERSIONS.into_iter().find(|known| *known == version)
    }

    /// MSH-15 and MSH-16: when an accept and an application acknowledgement are asked for.
    pub(super) fn conditions(&self) -> [&'m str; 2] {
        [self.component(15, 1), self.component(16, 1)]
    }

    /// MSH-18, where it is one that is read.
    pub(super) fn named_charset(&self) -> Option<Charset> {
        self.charset
    }

    /// In which charset the message was read where nothing said it.
    pub(super) fn guessed_charset(&self) -> Charset {
        if self.is_utf8 { Charset::Utf8 } else { Charset::Latin1 }
    }
}
