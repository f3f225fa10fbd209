//! The delimiters, which every message declares for itself in MSH-1 and MSH-2 (v2.5.1 §2.5.4).

use crate::Fault;

/// Stands for a delimiter that the message does not have: a byte that UTF-8 never contains.
const NONE: u8 = 0xff;

/// A message's delimiters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Separators {
    pub(super) field: u8,
    pub(super) component: u8,
    pub(super) repetition: u8,
    pub(super) escape: u8,
    pub(super) subcomponent: u8,
    /// Marks a text that was cut, from v2.7 on (§2.5.5.2); some senders of earlier versions declare it too.
    pub(super) truncation: u8,
}

impl Separators {
    /// Reads them from the header's line. The escape and subcomponent characters may be left out at the end.
    ///
    /// # Errors
    /// `separators-missing` where the header is cut; `separators-invalid` where two are the same or one is no sign.
    pub(super) fn read(header: &str) -> Result<Self, Fault> {
        let cut = || {
            Fault::error(
                "separators-missing",
                "the header must begin with MSH, the field separator and the encoding characters, e.g. MSH|^~\\&",
            )
        };
        let bytes = header.as_bytes();
        let (&field, rest) = bytes.get(3..).and_then(<[u8]>::split_first).ok_or_else(cut)?;
        let encoding = rest.split(|byte| *byte == field).next().unwrap_or_default();
        let nth = |index: usize| encoding.get(index).copied().unwrap_or(NONE);
        let separators = Self {
            field,
            component: nth(0),
            repetition: nth(1),
            escape: nth(2),
            subcomponent: nth(3),
            truncation: nth(4),
        };
        if encoding.len() < 2 {
            return Err(cut());
        }
        let declared = || std::iter::once(field).chain(encoding.iter().copied());
        let collide = declared().enumerate().any(|(index, byte)| declared().skip(index + 1).any(|other| other == byte));
        if encoding.len() > 5 || collide || !declared().all(|byte| byte.is_ascii_punctuation()) {
            return Err(Fault::error(
                "separators-invalid",
                "MSH-1 and MSH-2 must be four to six different punctuation characters, usually |^~\\&",
            ));
        }
        Ok(separators)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_read_never_assumed() {
        let read = |header| Separators::read(header).map_err(|fault| fault.code.into_owned());
        let usual = read("MSH|^~\\&|LAB").unwrap();
        assert_eq!((usual.field, usual.component, usual.subcomponent, usual.truncation), (b'|', b'^', b'&', NONE));
        assert_eq!(read("MSH|^~\\&#|").unwrap().truncation, b'#');
        let odd = read("MSH$%*!+$LAB").unwrap();
        assert_eq!(
            (odd.field, odd.component, odd.repetition, odd.escape, odd.subcomponent),
            (b'$', b'%', b'*', b'!', b'+')
        );
        assert_eq!(read("MSH|^~|LAB").unwrap().escape, NONE);
    }

    #[test]
    fn cut_and_colliding_ones_are_refused() {
        let table = [
            ("MSH", "separators-missing"),
            ("MSH|", "separators-missing"),
            ("MSH|^", "separators-missing"),
            ("MSH||LAB", "separators-missing"),
            ("MSH|^^\\&|", "separators-invalid"),
            ("MSH|^~\\^|", "separators-invalid"),
            ("MSH|A~\\&|", "separators-invalid"),
            ("MSH|^~\\&#+|", "separators-invalid"),
            ("MSHà^~\\&à", "separators-invalid"),
        ];
        for (header, code) in table {
            assert_eq!(Separators::read(header).unwrap_err().code, code, "{header}");
        }
    }
}
