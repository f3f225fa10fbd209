//! Where the next page of a list begins, as an opaque word that only the same list understands.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};

use crate::{PageRequest, StoreError};

/// Entries a page has at most, whatever is asked: a page is held in memory whole.
const MAX_LIMIT: u32 = 1_000;

/// The lists that are paged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum List {
    Items = 1,
    Submissions = 2,
    Day = 3,
    Person = 4,
    Held = 5,
}

/// A list narrowed to what was asked: cursors of one are nothing to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Scope {
    list: List,
    /// FNV-1a over what was asked: tells scopes apart, and stays the same from release to release.
    asked: u64,
}

impl Scope {
    /// The scope of `list` for these arguments.
    pub(crate) fn of(list: List, asked: &[&[u8]]) -> Self {
        let bytes = asked.iter().flat_map(|part| part.iter().copied().chain([0xff]));
        let asked = bytes
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
        Self { list, asked }
    }

    /// The cursor of what comes after the entry with this key. Each adapter's keys have their own length.
    pub(crate) fn after<const N: usize>(self, key: [i64; N]) -> String {
        let mut bytes = vec![self.list as u8];
        bytes.extend(self.asked.to_be_bytes());
        bytes.extend(key.into_iter().flat_map(i64::to_be_bytes));
        BASE64_URL_SAFE_NO_PAD.encode(bytes)
    }

    /// What `page` asks for: the key to begin after, none for the first page, and how many at most.
    pub(crate) fn read<const N: usize>(self, page: &PageRequest) -> Result<(Option<[i64; N]>, usize), StoreError> {
        let after = page.cursor.as_deref().map(|cursor| self.key(cursor).ok_or(StoreError::BadCursor)).transpose()?;
        Ok((after, page.limit.clamp(1, MAX_LIMIT) as usize))
    }

    fn key<const N: usize>(self, cursor: &str) -> Option<[i64; N]> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(cursor).ok()?;
        let (list, rest) = bytes.split_first()?;
        let (numbers, []) = rest.as_chunks::<8>() else { return None };
        let (asked, key) = numbers.split_first()?;
        let of_this = *list == self.list as u8 && u64::from_be_bytes(*asked) == self.asked;
        let key: [[u8; 8]; N] = key.try_into().ok()?;
        of_this.then(|| key.map(i64::from_be_bytes))
    }
}
