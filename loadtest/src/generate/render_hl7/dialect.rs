//! How each laboratory system writes HL7 v2.

use super::delimiters::Delimiters;
use crate::rng::Rng;

/// What a laboratory's system makes of the standard. All that a report says depends on it and on the report alone: the
/// same report sent again reads as the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// v2.5.1 as its profile has it: SPM, SNOMED CT and LOINC, UTF-8, CR, times with their offset.
    Profile,
    /// v2.3 to v2.4 of an old system: local codes and Italian words, the specimen in OBR-15, the number in ORC-3 alone,
    /// a phone as one text, times without offset, ISO-8859-1, CRLF.
    Legacy,
    /// v2.6 and v2.7 with delimiters of its own: several persons and orders a message, escapes, documents, answers
    /// given at order entry below the specimen, LF.
    Custom,
    /// v2.8: unformatted phones, kinds of observations, fractions of a second, statuses that few send.
    Recent,
}

/// The charset of an upload's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Charset {
    Utf8,
    Latin1,
    /// All else is escaped.
    Ascii,
}

/// What says the charset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Label {
    /// MSH-18.
    Header,
    /// The request's content type.
    Request,
    /// Nothing.
    None,
}

/// What may differ between two uploads of one dialect; nothing that a report says depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Form {
    /// MSH-12.
    pub(super) version: &'static str,
    pub(super) delimiters: Delimiters,
    /// What ends a segment.
    pub(super) end: &'static str,
    pub(super) charset: Charset,
    pub(super) label: Label,
}

impl Dialect {
    pub(super) const ALL: [Dialect; 4] = [Dialect::Profile, Dialect::Legacy, Dialect::Custom, Dialect::Recent];

    /// The dialect of a lane, in turn.
    pub(crate) fn of_lane(index: usize) -> Self {
        Self::ALL[index % Self::ALL.len()]
    }

    /// Single messages in a thousand that go through the door for them.
    pub(crate) fn through_hl7(self) -> u32 {
        match self {
            Dialect::Profile => 300,
            Dialect::Legacy => 1_000,
            Dialect::Custom => 600,
            Dialect::Recent => 900,
        }
    }

    /// Most persons that a message may be of.
    pub(crate) fn persons_a_message(self) -> u32 {
        if self == Dialect::Custom { 6 } else { 1 }
    }

    /// The form of one upload.
    pub(super) fn form(self, rng: &mut Rng) -> Form {
        let plain = Form {
            version: "2.5.1",
            delimiters: Delimiters::USUAL,
            end: "\r",
            charset: Charset::Utf8,
            label: Label::Header,
        };
        match self {
            Dialect::Profile => plain,
            Dialect::Legacy => Form {
                version: rng.pick::<&str>(&["2.3", "2.3.1", "2.4"]),
                end: "\r\n",
                charset: Charset::Latin1,
                label: rng.weighted(&[(600, Label::Header), (200, Label::Request), (200, Label::None)]),
                ..plain
            },
            Dialect::Custom => {
                let ascii = rng.per_mille(300);
                let signs = *rng.pick(&[Delimiters::TRUNCATING, Delimiters::OTHERS]);
                Form {
                    version: rng.pick::<&str>(&["2.6", "2.7", "2.7.1"]),
                    delimiters: Delimiters { ascii, ..signs },
                    end: "\n",
                    charset: if ascii { Charset::Ascii } else { Charset::Utf8 },
                    ..plain
                }
            }
            Dialect::Recent => Form {
                version: rng.pick::<&str>(&["2.8", "2.8.1"]),
                label: rng.weighted(&[(900, Label::Header), (100, Label::Request)]),
                ..plain
            },
        }
    }
}

impl Form {
    /// MSH-18 (table 0211).
    pub(super) fn label(&self) -> &'static str {
        match (self.label, self.charset) {
            (Label::Request | Label::None, _) => "",
            (_, Charset::Utf8) => "UNICODE UTF-8",
            (_, Charset::Latin1) => "8859/1",
            (_, Charset::Ascii) => "ASCII",
        }
    }

    /// The bytes of a text whose segments end in CR.
    pub(super) fn encode(&self, text: &str) -> Vec<u8> {
        let text = text.replace('\r', self.end);
        match self.charset {
            Charset::Utf8 | Charset::Ascii => text.into(),
            Charset::Latin1 => text.chars().map(|letter| u8::try_from(letter).unwrap_or(b'?')).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_takes_the_form_of_its_upload() {
        let mut rng = Rng::new(1, 1);
        assert_eq!(Dialect::Legacy.form(&mut rng).encode("è\r"), b"\xe8\r\n");
        assert_eq!(Dialect::Custom.form(&mut rng).encode("a\r"), b"a\n");
        assert_eq!(Dialect::Recent.form(&mut rng).encode("è\r"), "è\r".as_bytes());
    }

    #[test]
    fn lanes_take_turns() {
        let four: Vec<_> = (0..4).map(Dialect::of_lane).collect();
        assert_eq!(four, Dialect::ALL);
        assert_eq!(Dialect::of_lane(5), Dialect::Legacy);
    }
}
