//! A name as the codice fiscale abridges it: consonants, then vowels, then X.

/// The three letters of a surname: its consonants, then its vowels, filled up with X.
///
/// None where there is no letter, or one that the Latin alphabet cannot spell.
pub(super) fn of_family(name: &str) -> Option<[u8; 3]> {
    Letters::of(name)?.first_three()
}

/// The three letters of given names taken as one: as a surname's, but of four or more consonants the 1st, 3rd and 4th.
pub(super) fn of_given(name: &str) -> Option<[u8; 3]> {
    let letters = Letters::of(name)?;
    match letters.consonants {
        [first, _, third, fourth] if fourth != 0 => Some([first, third, fourth]),
        _ => letters.first_three(),
    }
}

/// The first consonants and vowels of a name; 0 where there are fewer.
#[derive(Default)]
struct Letters {
    consonants: [u8; 4],
    vowels: [u8; 3],
}

impl Letters {
    fn of(name: &str) -> Option<Self> {
        let mut letters = Self::default();
        for written in name.chars() {
            if written.is_ascii() {
                letters.push((written as u8).to_ascii_uppercase());
            } else {
                fold(written)?.bytes().for_each(|letter| letters.push(letter));
            }
        }
        Some(letters)
    }

    /// Takes a letter; passes over apostrophes, spaces and all that is none.
    fn push(&mut self, letter: u8) {
        let free = match letter {
            b'A' | b'E' | b'I' | b'O' | b'U' => self.vowels.iter_mut().find(|taken| **taken == 0),
            b'A'..=b'Z' => self.consonants.iter_mut().find(|taken| **taken == 0),
            _ => None,
        };
        if let Some(free) = free {
            *free = letter;
        }
    }

    fn first_three(&self) -> Option<[u8; 3]> {
        let mut three = [b'X'; 3];
        let taken = self.consonants.iter().take(3).chain(&self.vowels).filter(|letter| **letter != 0);
        let mut any = false;
        for (place, letter) in three.iter_mut().zip(taken) {
            *place = *letter;
            any = true;
        }
        any.then_some(three)
    }
}

/// A character outside ASCII in plain capitals: `à` is `A`, `ß` is `SS`, a combining accent or a typographic apostrophe
/// nothing. None where the Latin alphabet has no spelling for it.
#[must_use]
pub fn fold(written: char) -> Option<&'static str> {
    Some(match written {
        'À'..='Å' | 'à'..='å' | 'Ā'..='ą' | 'Ǎ' | 'ǎ' => "A",
        'Æ' | 'æ' => "AE",
        'Ç' | 'ç' | 'Ć'..='č' => "C",
        'Ð' | 'ð' | 'Ď'..='đ' => "D",
        'È'..='Ë' | 'è'..='ë' | 'Ē'..='ě' => "E",
        'Ĝ'..='ģ' | 'Ǧ' | 'ǧ' => "G",
        'Ĥ'..='ħ' => "H",
        'Ì'..='Ï' | 'ì'..='ï' | 'Ĩ'..='ı' | 'Ǐ' | 'ǐ' => "I",
        'Ĳ' | 'ĳ' => "IJ",
        'Ĵ' | 'ĵ' => "J",
        'Ķ'..='ĸ' => "K",
        'Ĺ'..='ł' => "L",
        'Ñ' | 'ñ' | 'Ń'..='ŋ' => "N",
        'Ò'..='Ö' | 'Ø' | 'ò'..='ö' | 'ø' | 'Ō'..='ő' | 'Ǒ' | 'ǒ' => "O",
        'Œ' | 'œ' => "OE",
        'Ŕ'..='ř' => "R",
        'Ś'..='š' | 'Ș' | 'ș' => "S",
        'ß' | 'ẞ' => "SS",
        'Ţ'..='ŧ' | 'Ț' | 'ț' => "T",
        'Þ' | 'þ' => "TH",
        'Ù'..='Ü' | 'ù'..='ü' | 'Ũ'..='ų' | 'Ǔ' | 'ǔ' => "U",
        'Ŵ' | 'ŵ' => "W",
        'Ý' | 'ý' | 'ÿ' | 'Ŷ'..='Ÿ' => "Y",
        'Ź'..='ž' => "Z",
        '\u{300}'..='\u{36f}' | '\u{ad}' | '‘' | '’' | 'ʼ' | '´' | '‐'..='―' => "",
        space if space.is_whitespace() => " ",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_letter_of_latin_europe_has_a_plain_spelling() {
        for letter in ('À'..='ž').filter(|letter| letter.is_alphabetic()) {
            let plain = fold(letter).unwrap_or_default();
            assert!(!plain.is_empty() && plain.bytes().all(|byte| byte.is_ascii_uppercase()), "{letter}");
        }
    }
}
