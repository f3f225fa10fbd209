//! A laboratory's key: `rft_live_` or `rft_test_`, an id of 8 characters, a secret of 32 (160 bits).

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// Base32 of RFC 4648 in lower case: nothing in it needs quoting, and a double click selects all of it.
const ALPHABET: [char; 32] = [
    'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o', 'p', 'q', 'r', 's', 't', 'u', 'v', 'w',
    'x', 'y', 'z', '2', '3', '4', '5', '6', '7',
];
const LIVE: &str = "rft_live_";
const TEST: &str = "rft_test_";
const ID_CHARS: usize = 8;
const SECRET_CHARS: usize = 32;

/// A key as it is given to the laboratory, once. No `Debug`, no `Display`: it must not reach a log by accident.
pub struct IssuedKey {
    text: String,
}

impl IssuedKey {
    /// Makes a key from the operating system's randomness.
    ///
    /// # Errors
    /// Where the system gives none.
    pub(crate) fn make(sandbox: bool) -> Result<Self, getrandom::Error> {
        let mut random = [0_u8; ID_CHARS + SECRET_CHARS];
        getrandom::fill(&mut random)?;
        let mut text = String::from(if sandbox { TEST } else { LIVE });
        // Five bits of each byte: 32 divides 256, so every character is as likely as the others.
        text.extend(random.iter().map(|byte| ALPHABET[usize::from(byte & 31)]));
        Ok(Self { text })
    }

    /// The key, to be printed for the laboratory.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.text
    }

    /// Its id, which is no secret.
    #[must_use]
    pub fn id(&self) -> &str {
        id_of(&self.text).unwrap_or_default()
    }

    /// What is stored of it.
    pub(crate) fn hash(&self) -> Hash {
        Hash::of(&self.text)
    }
}

/// The id within a key's text; none where the text has not the form of a key.
pub(crate) fn id_of(key: &str) -> Option<&str> {
    let rest = key.strip_prefix(LIVE).or_else(|| key.strip_prefix(TEST))?;
    let well_formed = rest.len() == ID_CHARS + SECRET_CHARS && rest.chars().all(|c| ALPHABET.contains(&c));
    if well_formed { rest.get(..ID_CHARS) } else { None }
}

/// SHA-256 of a whole key. The secret has 160 random bits, so a slow hash would add nothing.
#[derive(Clone, Copy)]
pub(crate) struct Hash([u8; 32]);

impl Hash {
    /// Of a key's text.
    pub(crate) fn of(key: &str) -> Self {
        Self(Sha256::digest(key).into())
    }

    /// Reads 64 hexadecimal digits.
    pub(crate) fn from_hex(text: &str) -> Option<Self> {
        if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let mut bytes = [0; 32];
        for (index, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(text.get(index * 2..index * 2 + 2)?, 16).ok()?;
        }
        Some(Self(bytes))
    }

    /// 64 hexadecimal digits.
    pub(crate) fn to_hex(self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Compares in a time that does not depend on where the two differ.
    pub(crate) fn is(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_its_prefix_its_id_and_160_bits_and_no_two_are_alike() {
        for (sandbox, prefix) in [(false, LIVE), (true, TEST)] {
            let (one, two) = (IssuedKey::make(sandbox).unwrap(), IssuedKey::make(sandbox).unwrap());
            assert!(one.reveal().starts_with(prefix));
            assert_eq!(one.reveal().len(), prefix.len() + 40);
            assert_eq!(one.id().len(), 8);
            assert_ne!(one.reveal(), two.reveal());
        }
    }

    #[test]
    fn only_a_text_of_the_form_of_a_key_has_an_id() {
        let secret = "a".repeat(32);
        assert_eq!(id_of(&format!("rft_live_abcdefg2{secret}")), Some("abcdefg2"));
        for not_a_key in ["", "rft_live_", "rft_live_abcdefg2", &format!("rft_prod_abcdefg2{secret}")] {
            assert_eq!(id_of(not_a_key), None, "{not_a_key}");
        }
        assert_eq!(id_of(&format!("rft_live_abcdefgé{secret}")), None);
    }

    #[test]
    fn a_hash_reads_back_from_its_text_and_differs_from_another_keys() {
        let hash = Hash::of("rft_live_x");
        assert!(Hash::from_hex(&hash.to_hex()).unwrap().is(&hash));
        assert!(!hash.is(&Hash::of("rft_live_y")));
        assert!(Hash::from_hex("zz").is_none());
        assert!(Hash::from_hex(&"+f".repeat(32)).is_none());
    }
}
