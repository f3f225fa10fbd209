//! Where the next page of a list begins, as an opaque word that only the same list understands.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};

use crate::{PageRequest, StoreError};

/// Entries a page has at most, whatever is asked: a page is held in memory whole.
const MAX_LIMIT: u32 = 1_000;

/// The lists that are paged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum List {
    Items = 1,
    Submissions = 2,
    Day = 3,
    Person = 4,
    Held = 5,
}

/// A list narrowed to what was asked: cursors of one are nothing to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Scope {
    list: List,
    /// FNV-1a over what was asked: tells scopes apart, and stays the same from release to release.
    asked: u64,
}

impl Scope {
    /// The scope of `list` for these arguments.
    pub(super) fn of(list: List, asked: &[&[u8]]) -> Self {
        let bytes = asked.iter().flat_map(|part| part.iter().copied().chain([0xff]));
        let asked = bytes
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
        Self { list, asked }
    }

    /// The cursor of what comes after the entry with this key.
    pub(super) fn after(self, key: (i64, i64)) -> String {
        let mut bytes = [0_u8; 25];
        bytes[0] = self.list as u8;
        bytes[1..9].copy_from_slice(&self.asked.to_be_bytes());
        bytes[9..17].copy_from_slice(&key.0.to_be_bytes());
        bytes[17..].copy_from_slice(&key.1.to_be_bytes());
        BASE64_URL_SAFE_NO_PAD.encode(bytes)
    }

    /// What `page` asks for: the key to begin after, none for the first page, and how many at most.
    pub(super) fn read(self, page: &PageRequest) -> Result<(Option<(i64, i64)>, usize), StoreError> {
        let after = page.cursor.as_deref().map(|cursor| self.key(cursor).ok_or(StoreError::BadCursor)).transpose()?;
        Ok((after, page.limit.clamp(1, MAX_LIMIT) as usize))
    }

    fn key(self, cursor: &str) -> Option<(i64, i64)> {
        let bytes: [u8; 25] = BASE64_URL_SAFE_NO_PAD.decode(cursor).ok()?.try_into().ok()?;
        let number = |at: usize| Some(i64::from_be_bytes(bytes.get(at..at + 8)?.try_into().ok()?));
        let of_this = bytes[0] == self.list as u8 && number(1)? == self.asked as i64;
        of_this.then_some((number(9)?, number(17)?))
    }
}
