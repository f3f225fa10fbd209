//! JSON's grammar (RFC 8259), read strictly and without keeping anything: where a value ends, or what is wrong and where.
//! Containers are remembered as bits, so that depth costs neither stack nor heap.

use std::ops::Range;

/// Levels that are read at most, whatever the settings say: a stored report must be readable by serde_json, which
/// stops at 128, also within what is written around it.
pub(super) const MAX_LEVELS: usize = 120;

/// Why a text is no JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    /// Something else should stand here.
    Expected(&'static str),
    /// It ends in the middle.
    Cut,
    /// More levels than are allowed.
    TooDeep,
}

/// What is wrong with a text, and at which byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) offset: usize,
    pub(super) cause: Cause,
}

impl Problem {
    /// A sentence; `place` says where in words.
    pub(super) fn explain(&self, place: &str, levels: usize) -> String {
        match self.cause {
            Cause::Expected(what) => format!("not valid JSON at {place}: expected {what}"),
            Cause::Cut => format!("the JSON ends too early, at {place}: it was cut off, send it whole"),
            Cause::TooDeep => format!("nested more than {levels} levels deep at {place}: send a flatter document"),
        }
    }
}

/// Reads one text that should be a JSON value and nothing else.
pub(super) fn document(bytes: &[u8], levels: usize) -> Result<(), Problem> {
    let mut scanner = Scanner::new(bytes, 0, levels);
    scanner.white();
    scanner.value(0)?;
    scanner.end()
}

/// The line and the character in it, both from 1, of a byte, as an editor shows them.
pub(super) fn line_and_column(bytes: &[u8], offset: usize) -> (u32, usize) {
    let before = bytes.get(..offset).unwrap_or(bytes);
    let breaks = memchr::memchr_iter(b'\n', before).count();
    let begun = memchr::memrchr(b'\n', before).map_or(0, |at| at + 1);
    let characters = before.iter().skip(begun).filter(|byte| (**byte & 0xC0) != 0x80).count();
    (u32::try_from(breaks).unwrap_or(u32::MAX).saturating_add(1), characters + 1)
}

/// A place in a text. Each method reads on from it, and on success leaves it after what was read.
pub(super) struct Scanner<'b> {
    bytes: &'b [u8],
    pub(super) at: usize,
    levels: usize,
}

impl<'b> Scanner<'b> {
    pub(super) fn new(bytes: &'b [u8], at: usize, levels: usize) -> Self {
        Self { bytes, at, levels: levels.min(MAX_LEVELS) }
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// Passes over `byte` if it stands here.
    pub(super) fn eat(&mut self, byte: u8) -> bool {
        let here = self.peek() == Some(byte);
        self.at += usize::from(here);
        here
    }

    /// Passes over white space.
    pub(super) fn white(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    /// Passes over white space, after which nothing may follow.
    pub(super) fn end(&mut self) -> Result<(), Problem> {
        self.white();
        if self.peek().is_some() { Err(self.expected("the end of the document")) } else { Ok(()) }
    }

    pub(super) fn expected(&self, what: &'static str) -> Problem {
        let cause = if self.at < self.bytes.len() { Cause::Expected(what) } else { Cause::Cut };
        Problem { offset: self.at.min(self.bytes.len()), cause }
    }

    /// Reads a value within `outer` open levels. No white space before it.
    pub(super) fn value(&mut self, outer: usize) -> Result<(), Problem> {
        let room = self.levels.saturating_sub(outer);
        // The innermost container is the lowest bit: 1 for an object.
        let (mut open, mut objects) = (0_usize, 0_u128);
        loop {
            match self.peek() {
                Some(bracket @ (b'{' | b'[')) => {
                    if open >= room {
                        return Err(Problem { offset: self.at, cause: Cause::TooDeep });
                    }
                    let object = bracket == b'{';
                    self.at += 1;
                    self.white();
                    if !self.eat(if object { b'}' } else { b']' }) {
                        open += 1;
                        objects = (objects << 1) | u128::from(object);
                        if object {
                            self.name()?;
                        }
                        continue;
                    }
                }
                Some(b'"') => self.string()?,
                Some(b'-' | b'0'..=b'9') => self.number()?,
                Some(b't') => self.literal(b"true")?,
                Some(b'f') => self.literal(b"false")?,
                Some(b'n') => self.literal(b"null")?,
                _ => return Err(self.expected("a value")),
            }
            loop {
                if open == 0 {
                    return Ok(());
                }
                let object = objects & 1 == 1;
                self.white();
                if self.eat(b',') {
                    self.white();
                    if object {
                        self.name()?;
                    }
                    break;
                }
                if !self.eat(if object { b'}' } else { b']' }) {
                    return Err(self.expected(if object { "a comma or }" } else { "a comma or ]" }));
                }
                open -= 1;
                objects >>= 1;
            }
        }
    }

    /// Reads a member's name, its colon and white space, up to its value; returns where the name's text stands.
    pub(super) fn name(&mut self) -> Result<Range<usize>, Problem> {
        if self.peek() != Some(b'"') {
            return Err(self.expected("a field's name in double quotes"));
        }
        let start = self.at + 1;
        self.string()?;
        let end = self.at - 1;
        self.white();
        if !self.eat(b':') {
            return Err(self.expected("a colon after the field's name"));
        }
        self.white();
        Ok(start..end)
    }

    /// Reads a text from its opening quote.
    fn string(&mut self) -> Result<(), Problem> {
        self.at += 1;
        loop {
            self.at += plain_bytes(self.bytes.get(self.at..).unwrap_or_default());
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(());
                }
                Some(b'\\') => self.escape()?,
                _ => return Err(self.expected("no line break or other control character in a text (write \\n)")),
            }
        }
    }

    /// Reads an escape from its backslash. Surrogates come in pairs only: half of one is no character.
    fn escape(&mut self) -> Result<(), Problem> {
        self.at += 1;
        match self.peek() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 1,
            Some(b'u') => {
                let whole = match self.unit()? {
                    0xD800..=0xDBFF => {
                        self.eat(b'\\') && self.peek() == Some(b'u') && (0xDC00..=0xDFFF).contains(&self.unit()?)
                    }
                    0xDC00..=0xDFFF => false,
                    _ => true,
                };
                if !whole {
                    return Err(self.expected("a whole character: half of a surrogate pair is none"));
                }
            }
            _ => return Err(self.expected("an escape that JSON knows (a backslash is written twice)")),
        }
        Ok(())
    }

    /// Reads the UTF-16 unit after a backslash: `u` and four hexadecimal digits.
    fn unit(&mut self) -> Result<u32, Problem> {
        let mut unit = 0;
        for _ in 0..4 {
            self.at += 1;
            let Some(digit) = self.peek().and_then(|byte| char::from(byte).to_digit(16)) else {
                return Err(self.expected("four hexadecimal digits"));
            };
            unit = (unit << 4) | digit;
        }
        self.at += 1;
        Ok(unit)
    }

    fn number(&mut self) -> Result<(), Problem> {
        self.eat(b'-');
        // A zero leads only alone.
        if !self.eat(b'0') {
            self.digits()?;
        }
        if self.eat(b'.') {
            self.digits()?;
        }
        if self.eat(b'e') || self.eat(b'E') {
            if !self.eat(b'+') {
                self.eat(b'-');
            }
            self.digits()?;
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<(), Problem> {
        if !self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            return Err(self.expected("a digit"));
        }
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        Ok(())
    }

    fn literal(&mut self, word: &[u8]) -> Result<(), Problem> {
        for byte in word {
            if !self.eat(*byte) {
                return Err(self.expected("true, false or null"));
            }
        }
        Ok(())
    }
}

/// How many bytes stand before the first that ends a text, escapes, or may not be in one.
fn plain_bytes(bytes: &[u8]) -> usize {
    let special = |byte: &u8| *byte < 0x20 || *byte == b'"' || *byte == b'\\';
    // Whole blocks without an early exit become vector instructions; attachments are megabytes of plain bytes.
    let (blocks, _) = bytes.as_chunks::<16>();
    let plain = |block: &&[u8; 16]| !block.iter().fold(false, |found, byte| found | special(byte));
    let start = blocks.iter().take_while(plain).count() * 16;
    start + bytes.iter().skip(start).take_while(|byte| !special(byte)).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grammar_is_strict() {
        let wrong = [
            "",
            " ",
            "{",
            "}",
            "[1,]",
            "[,1]",
            "{,}",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1,}",
            "{a:1}",
            "{'a':1}",
            "01",
            "-",
            "1.",
            ".5",
            "+1",
            "1e",
            "1e+",
            "0x1",
            "tru",
            "nul",
            "True",
            "NaN",
            "[1 2]",
            "{\"a\":1 \"b\":2}",
            "\"a",
            "\"\\\"",
            "\"\\x\"",
            "\"\\u12\"",
            "\"\\u12g4\"",
            "\"\\ud800\"",
            "\"\\udc00\"",
            "\"\\ud800\\u0041\"",
            "\"\\ud800x\"",
            "\"a\nb\"",
            "\"a\u{0}b\"",
            "1 2",
            "{} {}",
            "[}",
            "{]",
            "/*a*/1",
            "\u{feff}1",
            "\"\\",
            "\"\\u",
            "\"0123456789abcdef0123456789\u{1}\"",
        ];
        for text in wrong {
            assert!(document(text.as_bytes(), 8).is_err(), "{text:?}");
            assert!(serde_json::from_str::<serde_json::Value>(text).is_err(), "{text:?}");
        }
        let right = [
            "0",
            "-0",
            "-0.1e-7",
            "1E+9",
            "\"\"",
            " { } ",
            "[ ]",
            "[[],{}]",
            "{\"a\":[1,{\"b\":null}],\"c\":true}",
            "false",
            "\"\\u00e9\\n\\/\\ud83d\\ude00\"",
            "\"\u{7f}è\"",
            "[1 , 2]\r\n",
            "\"0123456789abcdef0123456789\\\"01234567890\"",
        ];
        for text in right {
            assert_eq!(document(text.as_bytes(), 8), Ok(()), "{text:?}");
        }
    }

    #[test]
    fn depth_is_counted_in_open_containers() {
        let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert_eq!(document(nested(8).as_bytes(), 8), Ok(()));
        assert_eq!(document(nested(9).as_bytes(), 8), Err(Problem { offset: 8, cause: Cause::TooDeep }));
        assert_eq!(document(nested(MAX_LEVELS).as_bytes(), 100_000), Ok(()));
        assert_eq!(document(nested(10_000).as_bytes(), 100_000).unwrap_err().cause, Cause::TooDeep);
        assert_eq!(document(b"[[],[],{},{\"a\":[]},[]]", 3), Ok(()));
    }

    #[test]
    fn a_place_is_as_an_editor_shows_it() {
        let text = "{\n  \"città\": x}".as_bytes();
        let problem = document(text, 8).unwrap_err();
        assert_eq!(problem.cause, Cause::Expected("a value"));
        assert_eq!(line_and_column(text, problem.offset), (2, 12));
        assert_eq!(line_and_column(b"", 0), (1, 1));
        assert_eq!(line_and_column(b"a\n", 99), (2, 1));
    }
}
