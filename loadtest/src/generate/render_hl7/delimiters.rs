//! Delimiters of a message's own, and what is written between them (v2.5.1 §2.5.4, §2.7).

/// The signs of MSH-1 and MSH-2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Delimiters {
    pub(super) field: char,
    pub(super) component: char,
    pub(super) repetition: char,
    pub(super) escape: char,
    pub(super) subcomponent: char,
    /// From v2.7 on.
    pub(super) truncation: Option<char>,
    /// True where letters beyond ASCII are written as bytes of UTF-8 in hexadecimal.
    pub(super) ascii: bool,
}

impl Delimiters {
    /// Those that nearly everyone uses.
    pub(super) const USUAL: Self = Self {
        field: '|',
        component: '^',
        repetition: '~',
        escape: '\\',
        subcomponent: '&',
        truncation: None,
        ascii: false,
    };
    /// Declared as v2.7 recommends.
    pub(super) const TRUNCATING: Self = Self { truncation: Some('#'), ..Self::USUAL };
    /// None of the usual ones; `+` stands in phones and times too.
    pub(super) const OTHERS: Self = Self {
        field: '$',
        component: '%',
        repetition: '*',
        escape: '!',
        subcomponent: '+',
        truncation: None,
        ascii: false,
    };

    /// MSH-2.
    pub(super) fn encoding(&self) -> String {
        let signs = [self.component, self.repetition, self.escape, self.subcomponent];
        signs.into_iter().chain(self.truncation).collect()
    }

    /// A segment from its fields by number, in order; what lies between is empty.
    pub(super) fn segment(&self, name: &str, fields: &[(usize, &str)]) -> String {
        let mut text = name.to_owned();
        let mut written = 0;
        for (place, field) in fields.iter().filter(|(_, field)| !field.is_empty()) {
            (written..*place).for_each(|_| text.push(self.field));
            written = *place;
            text.push_str(field);
        }
        text.push('\r');
        text
    }

    /// Plain texts as the components of a field.
    pub(super) fn components(&self, texts: &[&str]) -> String {
        let texts: Vec<String> = texts.iter().map(|text| self.text(text)).collect();
        self.joined(&texts)
    }

    /// Components as they stand; empty ones at the end are left out.
    pub(super) fn joined(&self, parts: &[String]) -> String {
        parts.join(&self.component.to_string()).trim_end_matches(self.component).to_owned()
    }

    /// Plain texts as the subcomponents of a component.
    pub(super) fn subcomponents(&self, texts: &[&str]) -> String {
        texts.iter().map(|text| self.text(text)).collect::<Vec<_>>().join(&self.subcomponent.to_string())
    }

    /// Text within a component, escaped.
    pub(super) fn text(&self, text: &str) -> String {
        let mut escaped = String::with_capacity(text.len());
        for letter in text.chars() {
            match self.sequence(letter) {
                Some(sequence) => {
                    escaped.push(self.escape);
                    escaped.push_str(&sequence);
                    escaped.push(self.escape);
                }
                None => escaped.push(letter),
            }
        }
        escaped
    }

    fn sequence(&self, letter: char) -> Option<String> {
        let name = match letter {
            '\n' => ".br",
            _ if letter == self.escape => "E",
            _ if letter == self.field => "F",
            _ if letter == self.component => "S",
            _ if letter == self.subcomponent => "T",
            _ if letter == self.repetition => "R",
            _ if Some(letter) == self.truncation => "P",
            _ if self.ascii && !letter.is_ascii() => {
                let bytes =
                    letter.encode_utf8(&mut [0; 4]).bytes().map(|byte| format!("{byte:02X}")).collect::<String>();
                return Some(format!("X{bytes}"));
            }
            _ => return None,
        };
        Some(name.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_stand_at_their_numbers() {
        let fields = [(1, "1"), (4, "A^B"), (7, ""), (8, "x")];
        assert_eq!(Delimiters::USUAL.segment("OBR", &fields), "OBR|1|||A^B||||x\r");
        assert_eq!(Delimiters::OTHERS.segment("OBR", &fields), "OBR$1$$$A^B$$$$x\r");
        assert_eq!(Delimiters::USUAL.components(&["a", "", "b", ""]), "a^^b");
        assert_eq!(Delimiters::OTHERS.subcomponents(&["a", "b+"]), "a+b!T!");
    }

    #[test]
    fn delimiters_in_text_are_escaped() {
        let text = "a|b^c&d~e\\f\ng#h";
        assert_eq!(Delimiters::USUAL.text(text), "a\\F\\b\\S\\c\\T\\d\\R\\e\\E\\f\\.br\\g#h");
        assert_eq!(Delimiters::TRUNCATING.text("g#h"), "g\\P\\h");
        assert_eq!(Delimiters::OTHERS.text("5 % + 10*6 $ !"), "5 !S! !T! 10!R!6 !F! !E!");
        assert_eq!(Delimiters { ascii: true, ..Delimiters::USUAL }.text("Nicolò"), "Nicol\\XC3B2\\");
    }

    #[test]
    fn the_header_declares_them() {
        let declared = [Delimiters::USUAL, Delimiters::TRUNCATING, Delimiters::OTHERS].map(|signs| signs.encoding());
        assert_eq!(declared, ["^~\\&", "^~\\&#", "%*!+"]);
    }
}
