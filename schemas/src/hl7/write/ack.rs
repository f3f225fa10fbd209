//! Acknowledgements: MSH, MSA and an ERR for each fault (v2.5.1 §2.9.2, §2.9.3, §2.13.1).

use encoding_rs::ISO_8859_15;

use super::{
    codes::{Condition, condition},
    segment::escape,
    sent::Sent,
    time,
};
use crate::{Fault, format::Charset};

/// MSH-3 of what we write, where the message does not say by what name it knows us.
const APPLICATION: &str = "REFERTO";

/// Characters of MSH-10 (v2.5.1 §2.15.9.10).
const CONTROL_ID: usize = 20;

/// The first version whose ERR says a severity (v2.5 §2.15.5); also that of what names none.
const OWN_VERSION: &str = "2.5.1";

/// What an acknowledgement says, besides what it takes from the message itself.
#[derive(Debug, Clone, Copy)]
pub struct Answer<'a> {
    /// When the message was received: MSH-7.
    pub received_at: jiff::Timestamp,
    /// The zone in which MSH-7 is written, with its offset.
    pub zone: &'a jiff::tz::TimeZone,
    /// MSH-10 of the acknowledgement, of which at most 20 characters are written; must not be empty.
    pub control_id: &'a str,
    /// The charset that the request named, which beats MSH-18.
    pub charset: Option<Charset>,
    /// What is wrong with the message, in order: errors and warnings.
    pub faults: &'a [Fault],
    /// Faults found beyond those listed.
    pub faults_omitted: u64,
    /// The acknowledgement is never longer, in bytes; at least 256. Where not all faults fit, errors come first, and a
    /// last ERR counts what is left out. A MSH-10 longer than that is cut.
    pub max_bytes: usize,
}

/// Writes the acknowledgement of `message`: MSH, MSA, one ERR a fault, each ended by a carriage return.
///
/// The verdict is AA without an error; AR where an error is of the kinds 200 to 203 (table 0357); else AE. Where the
/// message asks for acknowledgements by MSH-15 or MSH-16 it is CA, CR or CE, unless MSH-16 alone asks for this one; one is
/// written also where neither does, for the transport needs an answer.
///
/// Delimiters, applications, facilities, event, processing id and version are the message's, and so is its identifier
/// in MSA-2, byte for byte. The version is 2.5.1 where the message's cannot be read, or has no ERR with a severity and
/// one is written. The charset is the request's, else MSH-18's, else what the message was read as; what it does not
/// have becomes `?`. Reads whatever bytes come, and never panics.
#[must_use]
pub fn acknowledge(message: &[u8], answer: &Answer<'_>) -> Vec<u8> {
    let writer = Writer::new(Sent::read(message), answer);
    let fits = |head: &Vec<u8>| head.len() <= answer.max_bytes;
    let mut out = Some(writer.head(Echo::All, usize::MAX)).filter(fits).unwrap_or_else(|| {
        let short = writer.head(Echo::IdentifierOnly, usize::MAX);
        let over = short.len().saturating_sub(answer.max_bytes);
        writer.head(Echo::IdentifierOnly, writer.sent.field(10).len().saturating_sub(over))
    });
    writer.errors(&mut out);
    out
}

/// Which fields of the message are given back.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Echo {
    All,
    IdentifierOnly,
}

/// Composes one acknowledgement; its ERR segments are in `err`.
pub(super) struct Writer<'a> {
    sent: Sent<'a>,
    pub(super) answer: &'a Answer<'a>,
    charset: Charset,
    version: &'static str,
}

impl<'a> Writer<'a> {
    fn new(mut sent: Sent<'a>, answer: &'a Answer<'a>) -> Self {
        let charset = answer.charset.or(sent.named_charset()).unwrap_or_else(|| sent.guessed_charset());
        let is_silent = answer.faults.is_empty() && answer.faults_omitted == 0;
        let version = match sent.version() {
            Some(version) if is_silent || version >= "2.5" => version,
            _ => OWN_VERSION,
        };
        if version < "2.7" {
            sent.without_truncation();
        }
        Self { sent, answer, charset, version }
    }

    /// MSH and MSA, with at most so many bytes of the message's identifier.
    fn head(&self, echo: Echo, longest: usize) -> Vec<u8> {
        let sent = &self.sent;
        let answer = self.answer;
        let given = |number: usize| if echo == Echo::All { sent.field(number) } else { b"" };
        // §2.15.9.9; version 2.3 has no structure there.
        let kind: &[_] = if self.version == "2.3" { &["ACK", sent.event()] } else { &["ACK", sent.event(), "ACK"] };
        let application = Some(given(5)).filter(|own| !own.is_empty()).unwrap_or(APPLICATION.as_bytes());
        let control_id: String = answer.control_id.chars().take(CONTROL_ID).collect();
        let identifier = sent.field(10);
        let identifier = if identifier.is_empty() { b"\"\"" } else { self.cut(identifier, longest) };
        let header = [
            b"MSH".to_vec(),
            sent.encoding.to_vec(),
            application.to_vec(),
            given(6).to_vec(),
            given(3).to_vec(),
            given(4).to_vec(),
            self.text(&time::to_the_second(answer.received_at, answer.zone)),
            Vec::new(),
            self.components(kind),
            self.text(&control_id),
            sent.processing_id().into(),
            self.text(self.version),
        ];
        let mut msa = vec![b"MSA".to_vec(), self.code().into(), identifier.to_vec()];
        if matches!(identifier.last(), Some(0x0b | 0x1c)) {
            // A carriage return after these bytes would be the end of a block (MLLP).
            msa.push(Vec::new());
        }
        let msa = self.segment(&msa);
        let plain = self.segment(&header);
        let is_ascii = plain.is_ascii() && msa.is_ascii() && answer.faults.iter().all(|fault| fault.detail.is_ascii());
        if is_ascii && sent.named_charset().is_none() {
            return [plain, msa].concat();
        }
        let label = match self.charset {
            Charset::Utf8 => "UNICODE UTF-8",
            Charset::Latin1 => "8859/1",
            Charset::Latin9 => "8859/15",
        };
        let unsaid = std::iter::repeat_n(Vec::new(), 5);
        let labelled: Vec<_> = header.into_iter().chain(unsaid).chain([self.text(label)]).collect();
        [self.segment(&labelled), msa].concat()
    }

    /// As many of an identifier's bytes as may stand, characters whole.
    fn cut<'b>(&self, identifier: &'b [u8], longest: usize) -> &'b [u8] {
        let cut = identifier.get(..longest).unwrap_or(identifier);
        match str::from_utf8(cut) {
            Err(error) if self.charset == Charset::Utf8 && error.error_len().is_none() => {
                cut.get(..error.valid_up_to()).unwrap_or_default()
            }
            _ => cut,
        }
    }

    /// MSA-1 (table 0008).
    fn code(&self) -> &'static str {
        let errors = || self.answer.faults.iter().filter(|fault| fault.is_error());
        let is_accepted = errors().next().is_none();
        let is_rejected = errors().any(|fault| self.condition(fault).rejects());
        let asks = |condition: &str| match condition {
            "AL" => true,
            "ER" => !is_accepted,
            "SU" => is_accepted,
            _ => false,
        };
        let [accept, application] = self.sent.conditions();
        let is_original = accept.is_empty() && application.is_empty();
        let is_application = is_original || (!asks(accept) && asks(application));
        match (is_application, is_accepted, is_rejected) {
            (true, true, _) => "AA",
            (true, _, true) => "AR",
            (true, ..) => "AE",
            (false, true, _) => "CA",
            (false, _, true) => "CR",
            (false, ..) => "CE",
        }
    }

    pub(super) fn condition(&self, fault: &Fault) -> Condition {
        condition(&fault.code, self.sent.is_oru())
    }

    /// Texts of ours as components.
    pub(super) fn components(&self, parts: &[&str]) -> Vec<u8> {
        let parts: Vec<_> = parts.iter().map(|part| self.text(part)).collect();
        parts.join(&self.sent.separators.component)
    }

    /// Fields as a segment, its name the first.
    pub(super) fn segment(&self, fields: &[Vec<u8>]) -> Vec<u8> {
        let mut segment = fields.join(&self.sent.separators.field);
        segment.push(b'\r');
        segment
    }

    /// Text of ours, escaped and in the answer's charset.
    pub(super) fn text(&self, text: &str) -> Vec<u8> {
        if text.is_empty() {
            return Vec::new();
        }
        let escaped = escape(text, &self.sent.separators);
        if escaped.is_ascii() || self.charset == Charset::Utf8 {
            return escaped.into_bytes();
        }
        let mut out = Vec::with_capacity(escaped.len());
        for c in escaped.chars() {
            match self.charset {
                Charset::Latin9 => match ISO_8859_15.encode(c.encode_utf8(&mut [0; 4])) {
                    (bytes, _, false) => out.extend_from_slice(&bytes),
                    _ => out.push(b'?'),
                },
                _ => out.push(u8::try_from(c).unwrap_or(b'?')),
            }
        }
        out
    }
}
