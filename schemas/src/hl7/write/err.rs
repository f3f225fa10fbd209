//! The faults of a message: ERR (v2.5.1 §2.15.5).

use super::{ack::Writer, codes::Condition};
use crate::{At, Fault};

impl Writer<'_> {
    /// Appends an ERR for each fault, or for as many as there is room for, and then one that counts the others.
    pub(super) fn errors(&self, out: &mut Vec<u8>) {
        let room = self.answer.max_bytes.saturating_sub(out.len());
        let mut faults: Vec<_> = self.answer.faults.iter().collect();
        let all: Vec<_> = faults.iter().map(|fault| self.error(fault)).collect();
        let length: usize = all.iter().map(Vec::len).sum();
        if length <= room && self.answer.faults_omitted == 0 {
            return out.extend(all.concat());
        }
        faults.sort_by_key(|fault| !fault.is_error());
        let mut written = Vec::new();
        let mut left = u64::try_from(faults.len()).unwrap_or(u64::MAX).saturating_add(self.answer.faults_omitted);
        // A count takes most room where it is greatest.
        let reserved = self.omitted(left).len();
        for error in faults.iter().map(|fault| self.error(fault)) {
            if written.len() + error.len() + reserved > room {
                break;
            }
            written.extend(error);
            left -= 1;
        }
        out.extend(written);
        if reserved <= room && left > 0 {
            out.extend(self.omitted(left));
        }
    }

    /// ERR (§2.15.5): where, what by table 0357, how grave (0516), our own code, the line, and how to mend it.
    fn error(&self, fault: &Fault) -> Vec<u8> {
        // ERR-2 (ERL): segment, which of that name, field, repetition, component, subcomponent.
        let location = match &fault.at {
            Some(At::Location(location)) => self.components(&location.split('^').collect::<Vec<_>>()),
            _ => Vec::new(),
        };
        let severity = if fault.is_error() { "E" } else { "W" };
        let line = fault.line.map(|line| format!("line {line}")).unwrap_or_default();
        self.err(location, self.condition(fault), severity, &fault.code, &line, &fault.detail)
    }

    /// The last ERR, which says that there are more.
    fn omitted(&self, count: u64) -> Vec<u8> {
        let detail = format!("{count} more faults are not listed: mend these and send it again to see the others");
        self.err(Vec::new(), Condition::Internal, "I", "faults-omitted", "", &detail)
    }

    fn err(
        &self,
        location: Vec<u8>,
        condition: Condition,
        severity: &str,
        code: &str,
        diagnostic: &str,
        detail: &str,
    ) -> Vec<u8> {
        let (number, words) = condition.row();
        let line_ends = detail.replace("\r\n", "\n").replace('\r', "\n");
        self.segment(&[
            b"ERR".to_vec(),
            Vec::new(),
            location,
            self.components(&[number, words, "HL70357"]),
            severity.into(),
            self.components(&[code, "", "L"]),
            Vec::new(),
            self.text(diagnostic),
            self.text(&line_ends),
        ])
    }
}
