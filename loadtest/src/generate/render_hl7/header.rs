//! MSH, and the envelope of batch files (v2.5.1 §2.15.9, §2.10.3).

use jiff::Timestamp;

use super::{Writer, dialect::Dialect};
use crate::generate::fault::Wrong;

/// What stands around several messages of one upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Around {
    /// Nothing: one message follows the other.
    Nothing,
    /// BHS and BTS.
    Batch,
    /// FHS and FTS around a batch.
    File,
}

impl Writer<'_> {
    pub(super) fn header(&self, control_id: &str, at: Timestamp, training: bool, wrong: Option<Wrong>) -> String {
        let kind = match self.dialect {
            Dialect::Legacy | Dialect::Custom => self.form.delimiters.components(&["ORU", "R01"]),
            Dialect::Profile | Dialect::Recent => self.form.delimiters.components(&["ORU", "R01", "ORU_R01"]),
        };
        // Accept acknowledgements always, application ones never (§2.9.3.2).
        let (accept, application) = if self.enhanced { ("AL", "NE") } else { ("", "") };
        self.begin(
            "MSH",
            at,
            &[
                (9, &kind),
                (10, control_id),
                (11, if training { "T" } else { "P" }),
                (12, if wrong == Some(Wrong::Version) { "2.2" } else { self.form.version }),
                (15, accept),
                (16, application),
                (18, self.form.label()),
            ],
        )
    }

    /// Messages in their envelope; `off_by` is added to the total that it states.
    pub(crate) fn together(&self, control_id: &str, messages: &[String], around: Around, off_by: usize) -> String {
        let signs = &self.form.delimiters;
        let mut text = String::new();
        if around == Around::File {
            text.push_str(&self.begin("FHS", self.sent, &[(11, control_id)]));
        }
        if around != Around::Nothing {
            text.push_str(&self.begin("BHS", self.sent, &[(11, control_id)]));
        }
        messages.iter().for_each(|message| text.push_str(message));
        if around != Around::Nothing {
            text.push_str(&signs.segment("BTS", &[(1, &(messages.len() + off_by).to_string())]));
        }
        if around == Around::File {
            text.push_str(&signs.segment("FTS", &[(1, "1")]));
        }
        text
    }

    /// A segment whose first field is the separator and whose second is the other delimiters.
    fn begin(&self, name: &str, at: Timestamp, fields: &[(usize, &str)]) -> String {
        let signs = &self.form.delimiters;
        let (encoding, at) = (signs.encoding(), self.time(at));
        let shared = [(2, encoding.as_str()), (3, "LIS"), (4, self.facility), (5, "REFERTO"), (6, "REGIONE"), (7, &at)];
        let shifted: Vec<_> = shared.iter().chain(fields).map(|(place, text)| (place - 1, *text)).collect();
        signs.segment(name, &shifted)
    }
}
