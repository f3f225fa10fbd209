//! A journal of any length, and stores that admit it.

use std::{path::Path, sync::Arc};

#[cfg(feature = "scylla")]
use store::{AdmitRecord, NewVersion, Verdict};
use store::{
    Batch, Store,
    conformance::Latest,
    embedded::{EmbeddedStore, Options},
};

pub(crate) use store::conformance::load::{batch, record};

/// The record at `offset` with some of its items alone.
#[cfg(feature = "scylla")]
pub(crate) fn small(offset: u64, kept: &[u32]) -> AdmitRecord {
    let mut record = record(offset);
    record.items.retain(|item| kept.contains(&item.index));
    record.submission.received = kept.len() as u32;
    record
}

/// What an item of the record at `offset` was accepted as.
#[cfg(feature = "scylla")]
pub(crate) fn accepted(offset: u64, index: u32) -> NewVersion {
    match record(offset).items.swap_remove(index as usize).verdict {
        Verdict::Accepted(new) => *new,
        Verdict::Refused | Verdict::DeadLetter => panic!("item {index} was accepted"),
    }
}

pub(crate) async fn admit(store: &EmbeddedStore, batch: Batch) {
    store.admit(batch, Arc::new(Latest)).await.expect("admitted");
}

pub(crate) fn open(path: &Path) -> Arc<EmbeddedStore> {
    EmbeddedStore::open(Options::at(path)).expect("a store").store
}
