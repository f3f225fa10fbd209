//! This node's own view of who may come in: in memory for every request, on disk for a start with the store down.

mod copy;

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::Duration,
};

use jiff::Timestamp;
use store::{Store, StoreError};
use tokio_util::sync::CancellationToken;

use crate::{
    Key, Lab,
    key::{Hash, id_of},
};

/// Why a key does not open the door.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AuthError {
    /// No key was given.
    #[error("no key was given")]
    Missing,
    /// No laboratory has this key.
    #[error("the key is not known")]
    Unknown,
    /// The key was revoked, or replaced and its grace has ended.
    #[error("the key was revoked")]
    Revoked,
    /// Nobody can be told apart yet: there is no copy on disk and the store has not answered. Retry later.
    #[error("the directory of labs was never read")]
    NotLoaded,
}

/// Why the directory could not be brought up to date. What it knew stays in force.
#[derive(Debug, thiserror::Error)]
pub enum RefreshError {
    /// The store did not answer.
    #[error("the labs cannot be read")]
    Store(#[from] StoreError),
    /// The new state is in force, and could not be written to disk.
    #[error("the copy of the directory cannot be written to {path}")]
    Copy {
        /// Where to.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

struct Entry {
    hash: Hash,
    key: Key,
    lab: Arc<Lab>,
}

/// Who may come in, by key id. Never changed: replaced.
#[derive(Default)]
struct Snapshot {
    entries: HashMap<String, Entry>,
}

impl Snapshot {
    fn of(labs: Vec<Lab>) -> Self {
        let mut entries = HashMap::new();
        for lab in labs {
            let lab = Arc::new(lab);
            for key in &lab.keys {
                let Some(hash) = Hash::from_hex(&key.hash) else {
                    tracing::error!(lab = %lab.id, key = %key.id, "a key's hash cannot be read: it opens nothing");
                    continue;
                };
                entries.insert(key.id.clone(), Entry { hash, key: key.clone(), lab: Arc::clone(&lab) });
            }
        }
        Self { entries }
    }
}

/// The directory. Reads never wait for the store or the disk.
pub struct Directory {
    copy: PathBuf,
    /// None until a copy or the store gave one.
    snapshot: RwLock<Option<Arc<Snapshot>>>,
    /// The store's revision that is in force and on disk; none until the store was read by this process, for the
    /// store may have been restored since the copy was written.
    revision: Mutex<Option<u64>>,
}

impl Directory {
    /// Begins with the last good copy at `copy`. A file that is not there is a first start; one that cannot be read
    /// is refused in the log and ignored.
    #[must_use]
    pub fn open(copy: &Path) -> Self {
        let labs = match copy::read(copy) {
            Ok(labs) => labs,
            Err(error) => {
                tracing::error!(path = %copy.display(), %error, "the copy of the directory is refused: nobody is known until the store answers");
                None
            }
        };
        Self {
            copy: copy.to_owned(),
            snapshot: RwLock::new(labs.map(|labs| Arc::new(Snapshot::of(labs)))),
            revision: Mutex::new(None),
        }
    }

    /// The laboratory that `bearer` is a live key of.
    ///
    /// # Errors
    /// [`AuthError`]; [`AuthError::Revoked`] only to one who has the whole key.
    pub fn authenticate(&self, bearer: &str, now: Timestamp) -> Result<Arc<Lab>, AuthError> {
        if bearer.is_empty() {
            return Err(AuthError::Missing);
        }
        let snapshot = self.snapshot.read().unwrap_or_else(PoisonError::into_inner).clone();
        let snapshot = snapshot.ok_or(AuthError::NotLoaded)?;
        let entry = id_of(bearer).and_then(|id| snapshot.entries.get(id)).ok_or(AuthError::Unknown)?;
        if !entry.hash.is(&Hash::of(bearer)) {
            return Err(AuthError::Unknown);
        }
        if entry.key.is_live(now) { Ok(Arc::clone(&entry.lab)) } else { Err(AuthError::Revoked) }
    }

    /// Reads the laboratories and, where their revision changed, puts them in force and writes the copy. Returns
    /// whether anything changed. A document that cannot be read is left out, loudly: its keys open nothing.
    ///
    /// # Errors
    /// [`RefreshError`]; call again.
    pub async fn refresh(&self, store: &dyn Store) -> Result<bool, RefreshError> {
        let (revision, documents) = store.labs().await?;
        if *self.revision.lock().unwrap_or_else(PoisonError::into_inner) == Some(revision) {
            return Ok(false);
        }
        let mut labs = Vec::with_capacity(documents.len());
        for (id, text) in documents {
            match serde_json::from_str::<Lab>(&text) {
                Ok(lab) => labs.push(lab),
                Err(error) => {
                    tracing::error!(lab = %id, %error, "a lab's document cannot be read: its keys open nothing")
                }
            }
        }
        let text = copy::write_to_string(revision, &labs);
        // In force first: a disk that is full must not keep a revoked key alive.
        *self.snapshot.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(Snapshot::of(labs)));
        let path = self.copy.clone();
        let written = tokio::task::spawn_blocking(move || copy::write(&path, &text?)).await;
        written
            .unwrap_or_else(|panicked| Err(std::io::Error::other(panicked)))
            .map_err(|source| RefreshError::Copy { path: self.copy.clone(), source })?;
        *self.revision.lock().unwrap_or_else(PoisonError::into_inner) = Some(revision);
        Ok(true)
    }

    /// Refreshes at once and then `every` so often, until `cancel`. Errors leave in force what is known; they are
    /// logged when they begin and when they end.
    pub async fn follow(self: Arc<Self>, store: Arc<dyn Store>, every: Duration, cancel: CancellationToken) {
        let mut failing = false;
        loop {
            let refreshed = tokio::select! {
                // Dropping a refresh is safe: a copy is written whole or not at all.
                refreshed = self.refresh(&*store) => refreshed,
                () = cancel.cancelled() => return,
            };
            match refreshed {
                Err(error) if !failing => {
                    failing = true;
                    tracing::warn!(error = &error as &dyn std::error::Error, "the directory is not up to date");
                }
                Err(_) => {}
                Ok(_) if failing => {
                    failing = false;
                    tracing::info!("the directory is up to date again");
                }
                Ok(_) => {}
            }
            tokio::select! {
                () = tokio::time::sleep(every) => {}
                () = cancel.cancelled() => return,
            }
        }
    }
}
