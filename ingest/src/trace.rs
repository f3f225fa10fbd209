//! W3C trace context: taken from the request, or made where there is none.

use std::{
    hash::{BuildHasher, RandomState},
    sync::atomic::{AtomicU64, Ordering},
};

use hyper::HeaderMap;

/// A `traceparent` that is well formed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace {
    traceparent: String,
}

impl Trace {
    /// Reads the header's value (W3C Trace Context, level 1, section 3.2.2).
    fn read(value: &str) -> Option<Self> {
        let mut parts = value.splitn(4, '-');
        let (version, trace, parent, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        // Later versions may add fields after the flags; version 00 may not.
        let flags_fit = if version == "00" { hex(flags, 2) } else { flags.get(..2).is_some_and(|flags| hex(flags, 2)) };
        let fits = hex(version, 2) && version != "ff" && hex(trace, 32) && hex(parent, 16) && flags_fit;
        let zero = |id: &str| id.bytes().all(|byte| byte == b'0');
        // Recorded with every chunk, so what a later version may add is not carried along.
        (fits && !zero(trace) && !zero(parent))
            .then(|| Self { traceparent: value.get(..55).unwrap_or(value).to_owned() })
    }

    /// The header's value.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.traceparent
    }

    /// The trace's id, 32 hexadecimal digits.
    #[must_use]
    pub fn id(&self) -> &str {
        self.traceparent.get(3..35).unwrap_or_default()
    }
}

fn hex(text: &str, len: usize) -> bool {
    text.len() == len && text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f'))
}

/// Makes traces that no other process makes: a counter under a hash keyed at random when the process starts.
pub struct Traces {
    keyed: RandomState,
    next: AtomicU64,
}

impl Default for Traces {
    fn default() -> Self {
        Self::new()
    }
}

impl Traces {
    /// With a key of this process's own.
    #[must_use]
    pub fn new() -> Self {
        Self { keyed: RandomState::new(), next: AtomicU64::new(0) }
    }

    /// The request's trace, or a new one.
    #[must_use]
    pub fn of(&self, headers: &HeaderMap) -> Trace {
        let given = headers.get("traceparent").and_then(|value| value.to_str().ok()).and_then(Trace::read);
        given.unwrap_or_else(|| {
            let count = self.next.fetch_add(1, Ordering::Relaxed);
            let part = |which: u8| self.keyed.hash_one((which, count));
            Trace { traceparent: format!("00-{:016x}{:016x}-{:016x}-00", part(0), part(1), part(2) | 1) }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_well_formed_traceparent_is_kept_and_any_other_replaced() {
        let good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        assert_eq!(Trace::read(good).unwrap().as_str(), good);
        assert_eq!(Trace::read(&good.replacen("00", "cc", 1).replace("-01", "-01-more")).unwrap().as_str().len(), 55);
        for bad in [
            "",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        ] {
            assert_eq!(Trace::read(bad), None, "{bad}");
        }
        let traces = Traces::new();
        let (one, two) = (traces.of(&HeaderMap::new()), traces.of(&HeaderMap::new()));
        assert_ne!(one.id(), two.id());
        assert_eq!(Trace::read(one.as_str()), Some(one.clone()));
    }
}
