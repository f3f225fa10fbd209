//! Lines as an editor shows them: CR, LF and CRLF each end one.

use memchr::memchr2;

const BOM: &[u8] = "\u{feff}".as_bytes();

/// One line, without its end and without what transports leave around a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Line {
    /// Where its first byte stands, after a byte order mark and MLLP's start block (0x0B).
    pub(super) start: usize,
    /// Where it ends, before MLLP's end block (0x1C).
    pub(super) end: usize,
    /// Its number.
    pub(super) number: u32,
    /// Whether something says that it is over: a line end, or an end block. §2.5: each segment has one.
    pub(super) ended: bool,
}

/// The lines of some bytes, blank ones included.
pub(super) struct Lines<'a> {
    bytes: &'a [u8],
    at: usize,
    number: u32,
}

impl<'a> Lines<'a> {
    pub(super) fn new(bytes: &'a [u8], first_number: u32) -> Self {
        Self { bytes, at: 0, number: first_number }
    }
}

impl Iterator for Lines<'_> {
    type Item = Line;

    fn next(&mut self) -> Option<Line> {
        let rest = self.bytes.get(self.at..).filter(|rest| !rest.is_empty())?;
        let found = memchr2(b'\r', b'\n', rest);
        let length = found.unwrap_or(rest.len());
        let end_bytes = match rest.get(length..) {
            Some([b'\r', b'\n', ..]) => 2,
            Some([_, ..]) => 1,
            _ => 0,
        };
        let mut text = rest.get(..length).unwrap_or_default();
        let mut start = self.at;
        loop {
            let lead = match text {
                [0x0b | 0x1c, ..] => 1,
                _ if text.starts_with(BOM) => BOM.len(),
                _ => break,
            };
            text = text.get(lead..).unwrap_or_default();
            start += lead;
        }
        while let [body @ .., 0x0b | 0x1c] = text {
            text = body;
        }
        let end = start + text.len();
        let line = Line { start, end, number: self.number, ended: found.is_some() || end < self.at + length };
        self.at += length + end_bytes;
        self.number = self.number.saturating_add(1);
        Some(line)
    }
}

/// The segment's name, where the line is one: a letter and two letters or digits, in capitals, then anything else.
pub(super) fn segment_name(line: &[u8]) -> Option<&[u8]> {
    let (name, rest) = line.split_at_checked(3)?;
    let is_name = matches!(name, [first, others @ ..]
        if first.is_ascii_uppercase() && others.iter().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit()));
    (is_name && !rest.first().is_some_and(u8::is_ascii_alphanumeric)).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<(&str, u32)> {
        Lines::new(text.as_bytes(), 1).map(|line| (&text[line.start..line.end], line.number)).collect()
    }

    #[test]
    fn every_kind_of_line_end_counts_once_and_what_transports_leave_is_dropped() {
        assert_eq!(lines("a\rb\nc\r\nd"), [("a", 1), ("b", 2), ("c", 3), ("d", 4)]);
        assert_eq!(lines("a\r\r\nb"), [("a", 1), ("", 2), ("b", 3)]);
        assert_eq!(lines("\u{feff}\u{b}a\u{1c}\r\u{1c}\r"), [("a", 1), ("", 2)]);
        assert!(lines("").is_empty());
    }

    #[test]
    fn a_last_line_without_an_end_is_known() {
        let ended = |text: &str| Lines::new(text.as_bytes(), 1).last().map(|line| line.ended);
        assert_eq!(ended("a\rb"), Some(false));
        assert_eq!(ended("a\rb\r"), Some(true));
        assert_eq!(ended("a\rb\u{1c}"), Some(true));
    }

    #[test]
    fn names_are_three_capitals_or_digits() {
        assert_eq!(segment_name(b"PV1|1"), Some(&b"PV1"[..]));
        assert_eq!(segment_name(b"MSH"), Some(&b"MSH"[..]));
        for line in [&b"MSHX|"[..], b"pid|", b"1PV|", b"PI", b""] {
            assert_eq!(segment_name(line), None);
        }
    }
}
