//! What was answered to each upload, and what became of it, beside what was meant.

use super::Audit;
use crate::{
    ack::Ack,
    drive::{Answered, Sent},
    follow::Followed,
    meaning::{Counts, UploadMeaning},
};

/// The warning that another upload had the same control id.
const CONTROL_ID_REUSED: &str = "control-id-reused";

impl Audit<'_> {
    /// Takes a lane's uploads, in the order in which they were sent.
    pub fn lane(&mut self, lane: &[Sent]) {
        for (index, sent) in lane.iter().enumerate() {
            let name =
                format!("lab {} upload {index} of its lane", self.meaning.labs[usize::from(sent.meaning.lab)].id);
            match sent.meaning.repeats.and_then(|first| lane.get(first as usize)) {
                Some(first) => self.repeat(&name, first, sent),
                None => self.upload(&name, sent),
            }
        }
    }

    /// The same bytes again: the same answer, and nothing else happens.
    fn repeat(&mut self, name: &str, first: &Sent, again: &Sent) {
        self.ledger.repeated += 1;
        let same = match (&first.answer, &again.answer) {
            (Answered::Accepted(first), Answered::Accepted(again)) => first.submission == again.submission,
            (Answered::Rejected(first), Answered::Rejected(again)) => first.submission == again.submission,
            (Answered::Acknowledged(first), Answered::Acknowledged(again)) => {
                (&first.code, &first.submission) == (&again.code, &again.submission)
            }
            _ => false,
        };
        if !same {
            self.differs(format!("{name}: sent again, it was not taken for the same submission"));
        }
        if let (Some(Followed::Done { counts: before, .. }), Some(Followed::Done { counts: after, .. })) =
            (&first.followed, &again.followed)
            && before != after
        {
            self.differs(format!("{name}: sent again, its counts changed"));
        }
    }

    fn upload(&mut self, name: &str, sent: &Sent) {
        let meant = &sent.meaning.counts;
        match &sent.answer {
            Answered::Accepted(receipt) => {
                let counted = (receipt.received, receipt.accepted, receipt.refused);
                if counted != (meant.received, meant.accepted(), meant.refused) {
                    self.differs(format!("{name}: its receipt counts other items than were sent"));
                }
                self.faults(name, &sent.meaning, &receipt.faults);
            }
            Answered::Rejected(rejection) => {
                if meant.accepted() > 0 {
                    self.differs(format!("{name}: refused whole, meant {}", words(meant)));
                }
                self.faults(name, &sent.meaning, &rejection.faults);
            }
            Answered::Acknowledged(ack) => self.acknowledgement(name, &sent.meaning, ack),
            Answered::Unexpected(answer) => return self.differs(format!("{name}: answered with {answer}")),
        }
        match &sent.followed {
            Some(Followed::Done { counts, .. }) => {
                self.ledger.counts.add(counts);
                if !counts.add_up() {
                    self.differs(format!("{name}: its outcomes do not add up to the items received"));
                }
                if counts != meant {
                    self.differs(format!("{name}: counts {}, meant {}", words(counts), words(meant)));
                }
            }
            Some(Followed::Never(heard)) => self.differs(format!("{name}: answered, never done: {heard}")),
            None => self.differs(format!("{name}: its receipt names no place where its state is told")),
        }
    }

    fn faults(&mut self, name: &str, meant: &UploadMeaning, faults: &[schemas::Fault]) {
        for (item, code) in &meant.refused {
            let shown = faults.iter().any(|fault| fault.is_error() && fault.item == Some(*item) && fault.code == *code);
            if !shown && faults.len() < 1_000 {
                self.differs(format!("{name}: item {item} does not show {code}"));
            }
        }
        for fault in faults {
            self.warning(name, meant, &fault.code, fault.is_error());
        }
    }

    /// One message: its own control id, the code that its outcome has, and each fault that it must show.
    fn acknowledgement(&mut self, name: &str, meant: &UploadMeaning, ack: &Ack) {
        let Some(asked) = &meant.acknowledgement else {
            return self.differs(format!("{name}: acknowledged, where a receipt was meant"));
        };
        let accepted = meant.counts.accepted() > 0;
        if ack.code != asked.code {
            self.differs(format!("{name}: acknowledged with {}, meant {}", ack.code, asked.code));
        }
        if *ack.control_id != *asked.control_id {
            self.differs(format!("{name}: the acknowledgement is of another control id"));
        }
        if accepted && ack.faults.iter().any(|fault| fault.is_error) {
            self.differs(format!("{name}: accepted, and an error shown"));
        }
        for (_, code) in &meant.refused {
            if !ack.faults.iter().any(|fault| fault.is_error && fault.code == *code) {
                self.differs(format!("{name}: the acknowledgement does not show {code}"));
            }
        }
        for fault in &ack.faults {
            self.warning(name, meant, &fault.code, fault.is_error);
        }
    }

    /// A control id that was used before may be warned of, by an instance that remembers it; one that was not, never.
    fn warning(&mut self, name: &str, meant: &UploadMeaning, code: &str, is_error: bool) {
        if code == CONTROL_ID_REUSED && (is_error || !meant.control_id_reused) {
            self.differs(format!("{name}: its control id is said to be used before"));
        }
    }
}

fn words(counts: &Counts) -> String {
    let Counts { received, new, corrected, duplicate, retracted, stale, refused, dead_letters } = counts;
    format!(
        "{received} received: {new} new, {corrected} corrected, {duplicate} duplicate, {retracted} retracted, {stale} \
         stale, {refused} refused, {dead_letters} dead letters"
    )
}
