//! The canonical content of a version, and its digest.

use schemas::{Digest, Report};
use sha2::{Digest as _, Sha256};

/// Writes reports as canonical JSON; keeps its buffer from one to the next.
#[derive(Default)]
pub(super) struct Writer {
    buffer: Vec<u8>,
}

impl Writer {
    /// A report's content and the first 16 bytes of its SHA-256. The issue time is no part of it.
    pub(super) fn write(&mut self, report: &Report<'_>) -> Result<(Digest, String), serde_json::Error> {
        self.buffer.clear();
        serde_json::to_writer(&mut self.buffer, report)?;
        let mut digest = [0; 16];
        digest.copy_from_slice(&Sha256::digest(&self.buffer)[..16]);
        let content = std::str::from_utf8(&self.buffer).map_err(serde::ser::Error::custom)?;
        Ok((Digest(digest), content.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use schemas::report::{Status, TestResult};

    use super::*;

    #[test]
    fn the_same_words_have_the_same_digest_whenever_they_were_issued() {
        let mut writer = Writer::default();
        let report = Report { report_number: "1".into(), result: Some(TestResult::Negative), ..Report::default() };
        let (digest, content) = writer.write(&report).unwrap();
        assert!(content.starts_with(r#"{"reportNumber":"1","status":"final","#), "{content}");
        assert_eq!(digest.0, Sha256::digest(&content)[..16]);

        let issued = Report { issued_at: Some(jiff::Timestamp::UNIX_EPOCH), ..report.clone() };
        assert_eq!(writer.write(&issued).unwrap(), (digest, content));
        let corrected = Report { status: Status::Corrected, ..report };
        assert_ne!(writer.write(&corrected).unwrap().0, digest);
    }
}
