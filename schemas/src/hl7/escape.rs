//! Escape sequences in text (v2.5.1 §2.7).

use std::borrow::Cow;

use memchr::memchr;

use super::separators::Separators;

/// The text with its escapes resolved; borrowed where it has none.
///
/// `\H\` and `\N\` (highlighting) are dropped, `\.br\` and `\.sp\` are line breaks. A sequence that is unknown or
/// never closed stands as it was written.
pub(super) fn unescape<'a>(raw: &'a str, separators: &Separators) -> Cow<'a, str> {
    let Some(first) = memchr(separators.escape, raw.as_bytes()) else { return Cow::Borrowed(raw) };
    let (plain, mut rest) = raw.split_at_checked(first).unwrap_or((raw, ""));
    let mut out = String::with_capacity(raw.len());
    out.push_str(plain);
    // Bytes of adjoining `\X..\`, which may be one character between them.
    let mut pending = Vec::new();
    while let Some((sequence, after)) = next_sequence(rest, separators.escape) {
        if let Some(hex) = sequence.strip_prefix('X').and_then(hex_bytes) {
            pending.extend(hex);
            rest = after;
        } else {
            flush(&mut pending, &mut out);
            match meaning(sequence, separators) {
                Some(text) => {
                    out.push_str(text.as_str());
                    rest = after;
                }
                // The escape character stands for itself; what closed this sequence may open the next.
                None => {
                    out.push(char::from(separators.escape));
                    rest = rest.get(1..).unwrap_or_default();
                }
            }
        }
        let plain = memchr(separators.escape, rest.as_bytes()).unwrap_or(rest.len());
        if plain > 0 {
            flush(&mut pending, &mut out);
        }
        let (text, remains) = rest.split_at_checked(plain).unwrap_or((rest, ""));
        out.push_str(text);
        rest = remains;
    }
    flush(&mut pending, &mut out);
    out.push_str(rest);
    Cow::Owned(out)
}

/// `rest` begins with the escape character: what stands before the next one, and what follows that.
fn next_sequence(rest: &str, escape: u8) -> Option<(&str, &str)> {
    let body = rest.get(1..)?;
    let end = memchr(escape, body.as_bytes())?;
    Some((body.get(..end)?, body.get(end + 1..)?))
}

enum Meaning {
    Nothing,
    LineBreak,
    Sign([u8; 1]),
}

impl Meaning {
    fn as_str(&self) -> &str {
        match self {
            Meaning::Nothing => "",
            Meaning::LineBreak => "\n",
            Meaning::Sign(sign) => str::from_utf8(sign).unwrap_or_default(),
        }
    }
}

fn meaning(sequence: &str, separators: &Separators) -> Option<Meaning> {
    let sign = match sequence {
        "F" => separators.field,
        "S" => separators.component,
        "T" => separators.subcomponent,
        "R" => separators.repetition,
        "E" => separators.escape,
        "P" => separators.truncation,
        "H" | "N" => return Some(Meaning::Nothing),
        _ if sequence.eq_ignore_ascii_case(".br") || sequence.eq_ignore_ascii_case(".sp") => {
            return Some(Meaning::LineBreak);
        }
        _ => return None,
    };
    sign.is_ascii().then_some(Meaning::Sign([sign]))
}

fn hex_bytes(digits: &str) -> Option<Vec<u8>> {
    let nibble = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    if digits.is_empty() {
        return None;
    }
    let (pairs, []) = digits.as_bytes().as_chunks::<2>() else { return None };
    pairs.iter().map(|[high, low]| Some(nibble(*high)? << 4 | nibble(*low)?)).collect()
}

/// Bytes given in hexadecimal: UTF-8 where they are, else ISO-8859-1.
fn flush(pending: &mut Vec<u8>, out: &mut String) {
    match str::from_utf8(pending) {
        Ok(text) => out.push_str(text),
        Err(_) => out.extend(pending.iter().map(|byte| char::from(*byte))),
    }
    pending.clear();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_sequences_are_resolved_and_others_stand() {
        let separators = Separators::read("MSH|^~\\&|").unwrap();
        let table = [
            ("plain", "plain"),
            (r"a\F\b\S\c\T\d\R\e\E\f", r"a|b^c&d~e\f"),
            (r"one\.br\two\.sp\three", "one\ntwo\nthree"),
            (r"\H\bold\N\", "bold"),
            (r"\X48490d0A\", "HI\r\n"),
            (r"citt\XE0\", "città"),
            (r"citt\XC3A0\ \XC3\\XA0\", "città à"),
            (r"caf\é\", r"caf\é\"),
            (r"caf\", r"caf\"),
            (r"\", r"\"),
            (r"\\", r"\\"),
            (r"a\b\T\c", r"a\b&c"),
            (r"\X4\ \XZZ\ \X\", r"\X4\ \XZZ\ \X\"),
            (r"\Z01\", r"\Z01\"),
        ];
        for (raw, text) in table {
            assert_eq!(unescape(raw, &separators), text, "{raw}");
        }
        assert!(matches!(unescape("plain", &separators), Cow::Borrowed(_)));
    }

    #[test]
    fn without_an_escape_character_nothing_is_escaped() {
        let separators = Separators::read("MSH|^~|").unwrap();
        assert_eq!(unescape(r"a\T\b", &separators), r"a\T\b");
    }
}
