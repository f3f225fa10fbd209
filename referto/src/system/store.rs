//! Which store: the file of this machine, or a cluster.

use std::sync::Arc;

use ::store::{Store, embedded::EmbeddedStore};
use anyhow::Context as _;

use crate::{
    failpoint::Failpoint,
    folder::Folder,
    settings::{Settings, StoreKind},
};

/// Opens the store that the settings name. A cluster is connected to when it is first asked.
pub(crate) fn open(settings: &Settings, folder: &Folder, failpoint: &Failpoint) -> anyhow::Result<Arc<dyn Store>> {
    match &settings.store {
        StoreKind::Embedded => {
            let mut options = ::store::embedded::Options::at(folder.path("store.db"));
            if failpoint.is_set() {
                let failpoint = failpoint.clone();
                options.on_step = Some(Arc::new(move |step| failpoint.pass(&format!("store-{step:?}"))));
            }
            Ok(EmbeddedStore::open(options).context("cannot open the store")?.store)
        }
        #[cfg(feature = "scylla")]
        StoreKind::Scylla(options) => {
            // Reads fold by the rules that admission brings.
            Ok(::store::scylla::ScyllaStore::open((**options).clone(), Arc::new(workers::RuleBook::default())))
        }
    }
}
