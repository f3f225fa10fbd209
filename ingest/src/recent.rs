//! What this instance remembers of uploads it has acknowledged: so the same bytes again get the same receipt, and an
//! idempotency key is not used twice. A convenience only: what is forgotten is appended again and changes nothing.

use std::{
    collections::{HashMap, HashSet},
    hash::Hash,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use jiff::Timestamp;
use schemas::{LabId, Position, SubmissionId};

/// An upload that the journal has acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Acknowledged {
    /// When it was received.
    pub(crate) received_at: Timestamp,
    /// Its last chunk's position.
    pub(crate) position: Position,
    /// What was decided of its items, digested: a laboratory's facilities may have changed since.
    pub(crate) decision: u64,
}

/// Why a request may not use its idempotency key.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum KeyConflict {
    /// The first request with it is not answered yet.
    InFlight,
    /// It was used with other bytes.
    Reused,
}

/// A laboratory's idempotency key.
type Key = (LabId, String);

/// The memory, bounded.
pub(crate) struct Recent {
    state: Mutex<State>,
}

struct State {
    uploads: Generations<SubmissionId, Acknowledged>,
    keys: Generations<Key, SubmissionId>,
    /// Bounded by the connections.
    in_flight: HashSet<Key>,
}

impl Recent {
    /// Remembers at most `entries` uploads and as many keys, and at least the last half of that.
    pub(crate) fn new(entries: usize) -> Arc<Self> {
        let state =
            State { uploads: Generations::new(entries), keys: Generations::new(entries), in_flight: HashSet::new() };
        Arc::new(Self { state: Mutex::new(state) })
    }

    /// What is remembered of an upload.
    pub(crate) fn upload(&self, id: SubmissionId) -> Option<Acknowledged> {
        self.lock().uploads.get(&id).copied()
    }

    /// Remembers an upload that was acknowledged.
    pub(crate) fn acknowledged(&self, id: SubmissionId, upload: Acknowledged) {
        self.lock().uploads.insert(id, upload);
    }

    /// Takes an idempotency key for the upload it came with, until the claim is dropped.
    ///
    /// # Errors
    /// [`KeyConflict`].
    pub(crate) fn claim(self: &Arc<Self>, lab: &LabId, key: &str, id: SubmissionId) -> Result<Claim, KeyConflict> {
        let key = (lab.clone(), key.to_owned());
        let mut state = self.lock();
        if state.keys.get(&key).is_some_and(|first| *first != id) {
            return Err(KeyConflict::Reused);
        }
        if !state.in_flight.insert(key.clone()) {
            return Err(KeyConflict::InFlight);
        }
        Ok(Claim { recent: Arc::clone(self), key, id })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An idempotency key whose request is in flight.
pub(crate) struct Claim {
    recent: Arc<Recent>,
    key: Key,
    id: SubmissionId,
}

impl Claim {
    /// The upload was acknowledged: from now on the key means these bytes.
    pub(crate) fn keep(self) {
        let mut state = self.recent.lock();
        state.keys.insert(self.key.clone(), self.id);
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.recent.lock().in_flight.remove(&self.key);
    }
}

/// A bounded map that forgets half of itself at a time: what was neither written nor asked for since the last time.
pub(crate) struct Generations<K, V> {
    young: HashMap<K, V>,
    old: HashMap<K, V>,
    each: usize,
}

impl<K: Eq + Hash + Clone, V: Clone> Generations<K, V> {
    pub(crate) fn new(entries: usize) -> Self {
        Self { young: HashMap::new(), old: HashMap::new(), each: (entries / 2).max(1) }
    }

    pub(crate) fn get(&mut self, key: &K) -> Option<&V> {
        if !self.young.contains_key(key) {
            let (key, value) = self.old.remove_entry(key)?;
            self.insert(key, value);
        }
        self.young.get(key)
    }

    pub(crate) fn insert(&mut self, key: K, value: V) {
        if self.young.len() >= self.each && !self.young.contains_key(&key) {
            mem::swap(&mut self.young, &mut self.old);
            // Keeps the table: no allocation once it has grown.
            self.young.clear();
        }
        self.young.insert(key, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: u128) -> SubmissionId {
        SubmissionId(uuid::Uuid::from_u128(n))
    }

    #[test]
    fn the_memory_is_bounded_and_keeps_what_is_asked_for() {
        let mut map = Generations::new(8);
        map.insert(0, 'a');
        for n in 1..1_000_u32 {
            map.insert(n, 'b');
            assert_eq!(map.get(&0), Some(&'a'), "asked for each time");
            assert!(map.young.len() + map.old.len() <= 8);
            assert!(n < 2 || map.get(&(n - 1)) == Some(&'b'), "the last half is kept");
        }
        assert_eq!(map.get(&500), None);
    }

    #[test]
    fn a_key_means_the_bytes_that_were_acknowledged_with_it() {
        let recent = Recent::new(8);
        let (rho, pavia): (LabId, LabId) = ("rho".parse().unwrap(), "pavia".parse().unwrap());
        let first = recent.claim(&rho, "k", id(1)).unwrap();
        assert_eq!(recent.claim(&rho, "k", id(1)).err(), Some(KeyConflict::InFlight));
        assert!(recent.claim(&pavia, "k", id(2)).is_ok(), "another lab's key is another key");
        drop(first);
        recent.claim(&rho, "k", id(2)).unwrap().keep();
        assert_eq!(recent.claim(&rho, "k", id(1)).err(), Some(KeyConflict::Reused));
        assert!(recent.claim(&rho, "k", id(2)).is_ok(), "the same bytes again");
    }
}
