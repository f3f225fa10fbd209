//! Reports as HL7 v2 ORU^R01, in the dialects that laboratory systems write; alone, in a row, or in a batch file.
//!
//! Written from the standard, with nothing of what reads it.

mod delimiters;
mod dialect;
mod header;
mod observation;
mod order;
mod patient;
mod time;

use jiff::{Timestamp, tz::TimeZone};

use self::dialect::{Charset, Form, Label};
pub(crate) use self::{dialect::Dialect, header::Around};
use super::scenario::Step;
use crate::rng::Rng;

/// How the messages of one upload are written.
pub(crate) struct Writer<'a> {
    dialect: Dialect,
    form: Form,
    /// MSH-4, the laboratory.
    facility: &'a str,
    /// MSH-7, when it is sent.
    sent: Timestamp,
    /// The laboratory's, for times without offset.
    zone: &'a TimeZone,
    /// True where an accept acknowledgement is asked for: the answer is CA, CE or CR instead of AA, AE or AR.
    enhanced: bool,
}

impl<'a> Writer<'a> {
    /// The messages of an upload of that dialect.
    pub(crate) fn new(
        rng: &mut Rng,
        dialect: Dialect,
        (facility, zone): (&'a str, &'a TimeZone),
        sent: Timestamp,
        enhanced: bool,
    ) -> Self {
        Self { dialect, form: dialect.form(rng), facility, sent, zone, enhanced }
    }

    /// One message: the persons and reports of some steps, which agree on whether they are for training.
    pub(crate) fn message(&self, control_id: &str, steps: &[Step]) -> String {
        let firsts = || steps.iter().filter_map(|step| step.contents.first());
        let dated = firsts().find(|content| self.is_dated_by_header(content));
        let at = dated.map_or(self.sent, |content| content.issued);
        let wrong = steps.iter().find_map(|step| step.wrong);
        let mut message = self.header(control_id, at, firsts().any(|content| content.training), wrong);
        for (person, step) in steps.iter().enumerate() {
            for (index, content) in step.contents.iter().enumerate() {
                // What is wrong is the first report's; the second is refused with it.
                let wrong = step.wrong.filter(|_| index == 0);
                if index == 0 {
                    message.push_str(&self.patient(person + 1, content, wrong));
                }
                message.push_str(&self.order(index + 1, content, wrong));
            }
        }
        message
    }

    /// The bytes of a text.
    pub(crate) fn encode(&self, text: &str) -> Vec<u8> {
        self.form.encode(text)
    }

    /// The media type to send it as, of those that a door takes for HL7 v2.
    pub(crate) fn content_type(&self, rng: &mut Rng) -> &'static str {
        const TYPES: [(u32, &str); 4] = [
            (500, "application/hl7-v2"),
            (200, "application/hl7-v2+er7"),
            (200, "x-application/hl7-v2+er7"),
            (100, "text/plain"),
        ];
        if self.form.label == Label::Request {
            return if self.form.charset == Charset::Latin1 {
                "application/hl7-v2; charset=ISO-8859-1"
            } else {
                "application/hl7-v2; charset=utf-8"
            };
        }
        rng.weighted(&TYPES)
    }

    fn time(&self, at: Timestamp) -> String {
        time::instant(at, self.dialect, &self.form.delimiters, self.zone)
    }
}

#[cfg(test)]
mod tests;
