//! The message's characters: the request's charset, else MSH-18 (v2.5.1 §2.15.9.18, table 0211), else what the bytes are.

use std::borrow::Cow;

use encoding_rs::{Encoding, ISO_8859_15, WINDOWS_1252};
use memchr::memchr2_iter;

use super::{kind::Kind, lines::Lines, location::Place};
use crate::{Fault, format::Charset};

/// What the message says of its characters.
enum Label {
    None,
    Known(Charset),
    Unknown,
}

/// The message as text, borrowed where it is UTF-8, and what is wrong with its label.
///
/// Text is given whatever the label says, so that all other faults are found too.
pub(super) fn decode(unit: &[u8], requested: Option<Charset>, first_line: u32) -> (Cow<'_, str>, Option<Fault>) {
    let label = requested.map_or_else(|| label(unit), Label::Known);
    let field = Place { kind: Kind::Msh, ordinal: 1, line: first_line };
    let unsupported = |fault: fn(&'static str, &'static str) -> Fault| {
        field.fault(
            18,
            fault(
                "charset-unsupported",
                "MSH-18 names a charset that is not read: send UNICODE UTF-8, 8859/1 or 8859/15",
            ),
        )
    };
    match (str::from_utf8(unit), label) {
        (Ok(text), Label::None | Label::Known(Charset::Utf8)) => (Cow::Borrowed(text), None),
        (Ok(text), Label::Unknown) => (Cow::Borrowed(text), Some(unsupported(Fault::warning))),
        (Ok(text), Label::Known(_)) => {
            // Text of another charset is hardly ever valid UTF-8 by chance, and a name must not be stored garbled.
            let fault = (!text.is_ascii()).then(|| {
                let detail = "labelled ISO-8859, but the bytes are UTF-8 and were read as such: mend the label";
                field.fault(18, Fault::warning("charset-assumed", detail))
            });
            (Cow::Borrowed(text), fault)
        }
        (Err(_), Label::Known(Charset::Latin1)) => (eight_bit(unit, WINDOWS_1252), None),
        (Err(_), Label::Known(Charset::Latin9)) => (eight_bit(unit, ISO_8859_15), None),
        (Err(error), label) => {
            let before = unit.get(..error.valid_up_to()).unwrap_or_default();
            let line = first_line.saturating_add(line_ends(before));
            let fault = match label {
                Label::None => field.fault(18, Fault::warning(
                    "charset-assumed",
                    "no charset is named and the bytes are not UTF-8: read as ISO-8859-1; name it in MSH-18",
                )),
                Label::Known(_) => field.fault(18, Fault::error(
                    "charset-mismatch",
                    "labelled UTF-8, but the bytes are not: send UTF-8, or name the charset in which the message is written",
                )),
                Label::Unknown => unsupported(Fault::error),
            };
            (eight_bit(unit, WINDOWS_1252), Some(Fault { line: Some(line), ..fault }))
        }
    }
}

/// Windows-1252 is ISO-8859-1 with signs in place of control characters, which no name has; it is what senders mean.
fn eight_bit<'a>(unit: &'a [u8], encoding: &'static Encoding) -> Cow<'a, str> {
    encoding.decode_without_bom_handling(unit).0
}

fn line_ends(bytes: &[u8]) -> u32 {
    let ends = memchr2_iter(b'\r', b'\n', bytes)
        .filter(|at| bytes.get(*at) == Some(&b'\r') || at.checked_sub(1).and_then(|at| bytes.get(at)) != Some(&b'\r'));
    u32::try_from(ends.count()).unwrap_or(u32::MAX)
}

/// The charset that MSH-18 names, where it is one that is read.
pub(super) fn named(unit: &[u8]) -> Option<Charset> {
    match label(unit) {
        Label::Known(charset) => Some(charset),
        Label::None | Label::Unknown => None,
    }
}

fn label(unit: &[u8]) -> Label {
    let header = Lines::new(unit, 1).next().and_then(|line| unit.get(line.start..line.end)).unwrap_or_default();
    let Some(separator) = header.get(3) else { return Label::None };
    // MSH-18: MSH is the first piece and MSH-1 is the separator. A repetition names further charsets, which escapes
    // may switch to; only the first is read.
    let field = header.split(|byte| byte == separator).nth(17).unwrap_or_default();
    let repetition = header.get(5).copied().unwrap_or(b'~');
    let first = field.split(|byte| *byte == repetition).next().unwrap_or_default().trim_ascii();
    if first.is_empty() || first == b"\"\"" || first.eq_ignore_ascii_case(b"ASCII") {
        // ASCII is what a message has when it names none, and as little believed.
        return Label::None;
    }
    let is = |names: &[&str]| names.iter().any(|name| first.eq_ignore_ascii_case(name.as_bytes()));
    if is(&["UNICODE UTF-8", "UTF-8", "UTF8"]) {
        Label::Known(Charset::Utf8)
    } else if is(&["8859/1", "ISO-8859-1", "ISO8859/1"]) {
        Label::Known(Charset::Latin1)
    } else if is(&["8859/15", "ISO-8859-15", "ISO8859/15"]) {
        Label::Known(Charset::Latin9)
    } else {
        Label::Unknown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(label: &str, name: &[u8]) -> Vec<u8> {
        let mut bytes = format!("MSH|^~\\&||||||||||||||||{label}~X|\r\nPID|1||||").into_bytes();
        bytes.extend(name);
        bytes
    }

    #[test]
    fn the_request_beats_the_label_and_the_label_beats_the_guess() {
        let (utf8, latin): (&[u8], &[u8]) = ("Nicolò".as_bytes(), b"Nicol\xf2");
        let (warned, refused) = (|code| Some((code, false)), |code| Some((code, true)));
        let table = [
            ("", utf8, None, "Nicolò", None),
            ("", latin, None, "Nicolò", warned("charset-assumed")),
            ("ASCII", latin, None, "Nicolò", warned("charset-assumed")),
            ("UNICODE UTF-8", utf8, None, "Nicolò", None),
            ("UNICODE UTF-8", latin, None, "Nicolò", refused("charset-mismatch")),
            ("8859/1", latin, None, "Nicolò", None),
            ("8859/1", utf8, None, "Nicolò", warned("charset-assumed")),
            ("8859/15", b"\xa4", None, "€", None),
            ("8859/1", b"plain", None, "plain", None),
            ("UNICODE UTF-8", latin, Some(Charset::Latin1), "Nicolò", None),
            ("8859/1", latin, Some(Charset::Utf8), "Nicolò", refused("charset-mismatch")),
            ("JAS2020", b"plain", None, "plain", warned("charset-unsupported")),
            ("JAS2020", latin, None, "Nicolò", refused("charset-unsupported")),
        ];
        for (label, name, requested, text, fault) in table {
            let bytes = message(label, name);
            let (decoded, found) = decode(&bytes, requested, 1);
            assert!(decoded.ends_with(text), "{label}");
            assert_eq!(found.as_ref().map(|fault| (&*fault.code, fault.is_error())), fault, "{label}");
        }
    }

    #[test]
    fn the_line_of_the_first_wrong_byte_is_named() {
        let bytes = message("UNICODE UTF-8", b"\xf2");
        assert_eq!(decode(&bytes, None, 10).1.and_then(|fault| fault.line), Some(11));
    }
}
