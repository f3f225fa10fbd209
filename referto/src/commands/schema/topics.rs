//! The journal's part: the topics on the brokers.

use super::Done;
use crate::settings::JournalKind;

/// The commands that make the topics; none for a file.
pub(super) fn text(journal: &JournalKind) -> String {
    match journal {
        JournalKind::Embedded => String::new(),
        #[cfg(feature = "kafka")]
        JournalKind::Kafka(options) => ::journal::kafka::commands(options),
    }
}

/// Makes the topics that are missing, and refuses those that would break a promise.
pub(super) fn apply(journal: &JournalKind, done: &mut Done) -> anyhow::Result<()> {
    match journal {
        JournalKind::Embedded => {
            let _ = done;
        }
        #[cfg(feature = "kafka")]
        JournalKind::Kafka(options) => {
            let applied = crate::commands::runtime()?.block_on(::journal::kafka::apply(options.clone()))?;
            let topics =
                applied.topics.iter().map(|topic| format!("{} {}", topic.name, super::store::told(topic.created)));
            done.line(&format!("kafka {}: topics {}", applied.cluster, topics.collect::<Vec<_>>().join(", ")));
            let topics = applied.topics.iter().map(|one| serde_json::json!({"name": one.name, "created": one.created}));
            done.field("cluster", applied.cluster.clone());
            done.field("topics", topics.collect::<Vec<_>>());
        }
    }
    Ok(())
}
