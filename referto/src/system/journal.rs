//! Which journal: the file of this machine, or Kafka.

use std::sync::Arc;

use ::journal::{Journal, embedded::EmbeddedJournal};
use anyhow::Context as _;

use crate::{
    failpoint::Failpoint,
    folder::Folder,
    settings::{JournalKind, Settings},
};

/// The journal, opened.
#[derive(Clone)]
pub(crate) struct Opened {
    pub(crate) journal: Arc<dyn Journal>,
    #[cfg(feature = "kafka")]
    held: Option<Arc<::journal::kafka::KafkaJournal>>,
}

impl Opened {
    /// Lets uploads in, once journal and store are known to belong together. The embedded journal is only ever opened
    /// where that is looked at first.
    pub(crate) fn release(&self) {
        #[cfg(feature = "kafka")]
        if let Some(kafka) = &self.held {
            kafka.release();
        }
    }
}

/// Opens the journal that the settings name, to be written by this process.
pub(crate) fn open(settings: &Settings, folder: &Folder, failpoint: &Failpoint) -> anyhow::Result<Opened> {
    match &settings.journal {
        JournalKind::Embedded => {
            let mut options = ::journal::embedded::Options::new(folder.path("journal.db"));
            options.disk_reserve_bytes = settings.disk_reserve_bytes;
            if failpoint.is_set() {
                let failpoint = failpoint.clone();
                options.on_step = Some(Arc::new(move |step| failpoint.pass(&format!("journal-{step:?}"))));
            }
            let journal = EmbeddedJournal::open(options).context("cannot open the journal")?;
            Ok(Opened {
                journal,
                #[cfg(feature = "kafka")]
                held: None,
            })
        }
        #[cfg(feature = "kafka")]
        JournalKind::Kafka(options) => {
            let options = ::journal::kafka::Options { held: true, ..options.clone() };
            let journal = ::journal::kafka::KafkaJournal::open(options).context("cannot open the journal")?;
            Ok(Opened { journal: journal.clone(), held: Some(journal) })
        }
    }
}

/// Opens it for reading beside the process that writes it; none where nothing was ever written.
pub(crate) fn open_beside(settings: &Settings, folder: &Folder) -> anyhow::Result<Option<Arc<dyn Journal>>> {
    match &settings.journal {
        JournalKind::Embedded => {
            let path = folder.path("journal.db");
            if !path.exists() {
                return Ok(None);
            }
            Ok(Some(EmbeddedJournal::open_read_only(&path)?))
        }
        #[cfg(feature = "kafka")]
        JournalKind::Kafka(options) => {
            Ok(Some(journal::kafka::KafkaJournal::open(options.clone()).context("cannot open the journal")?))
        }
    }
}
