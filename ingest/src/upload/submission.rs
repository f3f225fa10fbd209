//! An upload's name, made from its content.

use hmac::{Hmac, Mac, digest::KeyInit};
use schemas::{
    LabId, SubmissionId,
    format::{Charset, Format},
};
use sha2::Sha256;

/// Set apart from whatever else the installation's key is used for.
const PURPOSE: &[u8] = b"referto submission";

/// Names uploads under the installation's key. Cloning copies the keyed state, which spares two blocks each time.
#[derive(Clone)]
pub(super) struct Naming {
    keyed: Hmac<Sha256>,
}

impl Naming {
    pub(super) fn new(secret: &[u8; 32]) -> Self {
        // RFC 2104: a key shorter than a block is padded with zeros; so padded it cannot be of a wrong length.
        let mut block = [0_u8; 64];
        block.iter_mut().zip(secret).for_each(|(to, from)| *to = *from);
        let mut keyed = <Hmac<Sha256> as KeyInit>::new(&block.into());
        part(&mut keyed, PURPOSE);
        Self { keyed }
    }

    /// The name of `body`, decompressed: the first 16 bytes of the HMAC as UUIDv8 (RFC 9562, section 5.8).
    pub(super) fn name(&self, lab: &LabId, format: Format, charset: Option<Charset>, body: &[u8]) -> SubmissionId {
        let mut digest = self.keyed.clone();
        part(&mut digest, lab.as_str().as_bytes());
        part(&mut digest, format.as_str().as_bytes());
        part(&mut digest, charset.map_or(&b""[..], label));
        part(&mut digest, body);
        let bytes: [u8; 32] = digest.finalize().into_bytes().into();
        let [b0, b1, b2, b3, b4, b5, b6, b7, b8, b9, b10, b11, b12, b13, b14, b15, ..] = bytes;
        let first = [b0, b1, b2, b3, b4, b5, b6, b7, b8, b9, b10, b11, b12, b13, b14, b15];
        SubmissionId(uuid::Builder::from_custom_bytes(first).into_uuid())
    }
}

/// Each part with its length, so that no two lists of parts run together into the same bytes.
fn part(digest: &mut Hmac<Sha256>, bytes: &[u8]) {
    digest.update(&(bytes.len() as u64).to_be_bytes());
    digest.update(bytes);
}

fn label(charset: Charset) -> &'static [u8] {
    match charset {
        Charset::Utf8 => b"utf-8",
        Charset::Latin1 => b"iso-8859-1",
        Charset::Latin9 => b"iso-8859-15",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_bytes_of_the_same_lab_have_one_name_and_all_else_another() {
        let naming = Naming::new(&[7; 32]);
        let lab = |id: &str| id.parse::<LabId>().unwrap();
        let first = naming.name(&lab("rho"), Format::Json, None, b"body");
        assert_eq!(first.0.get_version_num(), 8);
        assert_eq!(first.0.get_variant(), uuid::Variant::RFC4122);
        assert_eq!(naming.name(&lab("rho"), Format::Json, None, b"body"), first);
        for other in [
            naming.name(&lab("pavia"), Format::Json, None, b"body"),
            naming.name(&lab("rho"), Format::Ndjson, None, b"body"),
            naming.name(&lab("rho"), Format::Json, Some(Charset::Utf8), b"body"),
            naming.name(&lab("rho"), Format::Json, None, b"body "),
            Naming::new(&[8; 32]).name(&lab("rho"), Format::Json, None, b"body"),
        ] {
            assert_ne!(other, first);
        }
    }
}
