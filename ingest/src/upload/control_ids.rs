//! The control ids (MSH-10) of accepted messages, so that one used again for another message is said.

use std::{
    hash::{BuildHasher, RandomState},
    sync::{Mutex, PoisonError},
};

use schemas::LabId;

use crate::recent::Generations;

/// The memory, bounded: of each laboratory's control id a digest of the message that first bore it.
pub(super) struct ControlIds {
    keyed: RandomState,
    first: Mutex<Generations<u64, u64>>,
}

impl ControlIds {
    /// Remembers at most `entries`, and at least the last half of that.
    pub(super) fn new(entries: usize) -> Self {
        Self { keyed: RandomState::new(), first: Mutex::new(Generations::new(entries)) }
    }

    /// True where the laboratory gave `id` to another message before. The first message stays the one compared with,
    /// so that each is answered again as it was.
    pub(super) fn reused(&self, lab: &LabId, id: &str, message: &[u8], remember: bool) -> bool {
        let key = self.keyed.hash_one((lab, id));
        // What transports leave after a message is none of it.
        let content = self.keyed.hash_one(message.trim_ascii_end());
        let mut first = self.first.lock().unwrap_or_else(PoisonError::into_inner);
        match first.get(&key) {
            Some(known) => *known != content,
            None => {
                if remember {
                    first.insert(key, content);
                }
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_control_id_is_a_laboratorys_and_its_first_message_s() {
        let ids = ControlIds::new(8);
        let lab = |id: &str| id.parse::<LabId>().unwrap();
        let reused = |id: &str, message: &[u8]| ids.reused(&lab("rho"), id, message, true);
        assert!(!ids.reused(&lab("rho"), "1", b"tried", false), "a dry run is not remembered");
        assert!(!reused("1", b"one\r"));
        assert!(!reused("1", b"one\r\n"), "the same message");
        assert!(reused("1", b"other"));
        assert!(!reused("1", b"one"), "answered as it was");
        assert!(reused("1", b"other"), "answered as it was");
        assert!(!reused("2", b"other"));
        assert!(!ids.reused(&lab("pavia"), "1", b"other", true));
    }
}
