//! Phone numbers: whether a message could go there.
//!
//! The numbering plans are those of the `phonenumber` crate (Google's libphonenumber). Only what people write between
//! digits is passed over here: a word is refused, since the plans would read its letters as the keys of a dial and send
//! the message to somebody else.

use phonenumber::{PhoneNumber, Type, country, metadata::DATABASE};

/// The number in E.164 (`+393331234567`), if it is a possible and valid one; Italian where no country is written.
#[must_use]
pub fn e164(text: &str) -> Option<String> {
    let mut buffer = [0; LONGEST];
    let dialled = dialled(text, &mut buffer)?;
    if let Some(national) = italian_mobile(dialled) {
        return Some(format!("+39{national}"));
    }
    valid(dialled).map(|number| format!("+{}{}", number.code().value(), number.national()))
}

/// True where [`e164`] finds a number; without making its text.
#[must_use]
pub fn is_valid(text: &str) -> bool {
    let mut buffer = [0; LONGEST];
    dialled(text, &mut buffer).is_some_and(|dialled| italian_mobile(dialled).is_some() || valid(dialled).is_some())
}

/// True for an Italian mobile written plainly, with its country or without.
pub(crate) fn is_italian_mobile(text: &str) -> bool {
    let mut buffer = [0; LONGEST];
    dialled(text, &mut buffer).is_some_and(|dialled| italian_mobile(dialled).is_some())
}

/// Two of international prefix, three of country, 15 of the number, and one to see that it is too long.
const LONGEST: usize = 21;

/// What one would dial: `+` where written first, and the digits. None where there is anything but digits and what
/// people write between them, or too few or too many digits for any number.
fn dialled<'b>(text: &str, buffer: &'b mut [u8; LONGEST]) -> Option<&'b str> {
    let text = text.trim();
    let text = match text.split_at_checked(4) {
        Some((scheme, number)) if scheme.eq_ignore_ascii_case("tel:") => number,
        _ => text,
    };
    let mut length = 0;
    for written in text.chars() {
        match written {
            '+' if length == 0 => {}
            '0'..='9' => {}
            '-' | '.' | '/' | '(' | ')' | '‐'..='―' => continue,
            space if space.is_whitespace() => continue,
            _ => return None,
        }
        *buffer.get_mut(length)? = written as u8;
        length += 1;
    }
    let dialled = buffer.get(..length).filter(|dialled| dialled.len() > 4)?;
    std::str::from_utf8(dialled).ok()
}

/// The national number of an Italian mobile written plainly: nearly all that arrives, and the plans take some two
/// hundred times as long. It is valid just where the plans say so of the number with its country, which a test compares.
///
/// The number without a country is not what is compared: of `391 1234567` the crate takes 39 for the country and refuses
/// the rest, where libphonenumber, which it follows, finds a mobile.
fn italian_mobile(dialled: &str) -> Option<&str> {
    let national = dialled.strip_prefix("+39").or_else(|| dialled.strip_prefix("0039")).unwrap_or(dialled);
    match (national.len(), national.as_bytes()) {
        (9 | 10, [b'3', b'2'..=b'9', ..]) | (10, [b'3', b'1', ..]) => Some(national),
        _ => None,
    }
}

/// What the plans say. A mailbox is not taken: it is a mobile with a digit too many, and no message arrives there.
fn valid(dialled: &str) -> Option<PhoneNumber> {
    let number = phonenumber::parse(Some(country::IT), dialled).ok()?;
    (number.is_valid() && number.number_type(&DATABASE) != Type::Voicemail).then_some(number)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn agrees(dialled: &str) -> bool {
        let Some(national) = italian_mobile(dialled) else { return false };
        let plans =
            |dialled: &str| valid(dialled).map(|number| format!("+{}{}", number.code().value(), number.national()));
        let expected = Some(format!("+39{national}"));
        assert_eq!(plans(&format!("+39{national}")), expected, "{dialled}");
        if !dialled.starts_with("39") {
            assert_eq!(plans(dialled), expected, "{dialled}");
        }
        true
    }

    #[test]
    fn the_short_way_agrees_with_the_plans_on_each_prefix_and_length() {
        let mut agreed = 0;
        for prefix in ["", "+39", "0039", "39"] {
            for first in 300..400 {
                for length in 8..=11 {
                    for tail in ["00000000", "12345678", "99999999"] {
                        agreed += usize::from(agrees(&format!("{prefix}{first}{}", tail.get(..length - 3).unwrap())));
                    }
                }
            }
        }
        assert!(agreed > 1500, "only {agreed} went the short way");
    }

    proptest! {
        #[test]
        fn the_short_way_agrees_with_the_plans(dialled in "(|\\+|00|\\+39|0039|39)3[0-9]{6,12}") {
            agrees(&dialled);
        }
    }
}
