//! Documents that reports carry.

use super::content::Content;
use crate::rng::Rng;

/// Base64 of so many characters that begins as a PDF does; the same for the same specimen.
pub(crate) fn base64(content: &Content, chars: usize) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut rng = Rng::new(content.seed(), 0);
    let start = "JVBERi0xLjQK";
    let rest = (start.len()..chars).map(|_| char::from(*rng.pick(ALPHABET)));
    start.chars().chain(rest).collect()
}
