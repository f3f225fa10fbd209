//! Making the topics before anything runs, by who has the right to; to be run again at will.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::{OpenError, options::Options, producer::Producer, refused, shared::Shared, topics::Topics};
use crate::Topic;

/// How many requests' time brokers have to be all there, as after a start.
const PATIENCE: u32 = 3;
/// Between two tries.
const AGAIN: Duration = Duration::from_millis(500);

/// What [`apply`] found and did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// The brokers' cluster.
    pub cluster: String,
    /// Every topic, as it is called there.
    pub topics: Vec<AppliedTopic>,
}

/// A topic that is as it must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppliedTopic {
    /// Its name on the brokers.
    pub name: String,
    /// True where it was made now.
    pub created: bool,
}

/// Why the topics are not as they must be.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The settings cannot be used.
    #[error(transparent)]
    Settings(#[from] OpenError),
    /// The brokers do not answer, or not yet with what is needed: try again.
    #[error("kafka cannot be used: {0}")]
    NotReady(String),
    /// Topics that would break a promise, with the commands that mend them.
    #[error("the journal's topics are refused: {0}")]
    Refused(String),
}

impl ApplyError {
    /// Why, without saying whose it is.
    pub(super) fn reason(self) -> String {
        match self {
            ApplyError::Settings(error) => error.to_string(),
            ApplyError::NotReady(reason) | ApplyError::Refused(reason) => reason,
        }
    }
}

/// Makes the topics that are missing, and checks all of them; needs the right to create. A store is to be there before:
/// one that comes after the journal has records takes itself for a rebuilt one, and tells nobody of them.
///
/// # Errors
/// [`ApplyError`].
pub async fn apply(options: Options) -> Result<Applied, ApplyError> {
    tokio::task::spawn_blocking(move || apply_now(&options))
        .await
        .unwrap_or_else(|error| Err(ApplyError::NotReady(error.to_string())))
}

fn apply_now(options: &Options) -> Result<Applied, ApplyError> {
    let shared = Arc::new(Shared::new(0));
    // Nothing is produced: it is the client that tells why nobody answers.
    let _producer = Producer::new(options, &shared).map_err(refused)?;
    let runtime = tokio::runtime::Builder::new_current_thread().build().map_err(OpenError::Thread)?;
    let topics = Topics::new(options, &shared, &runtime)?;
    let (limit, mut created) = (Instant::now() + options.request_timeout * PATIENCE, Vec::new());
    let cluster = loop {
        match topics.make(&mut created).and_then(|()| topics.check()) {
            Err(ApplyError::NotReady(_)) if Instant::now() < limit => std::thread::park_timeout(AGAIN),
            other => break other?,
        }
    };
    let named = |topic| AppliedTopic { name: options.name(topic), created: created.contains(&topic) };
    Ok(Applied { cluster, topics: Topic::ALL.map(named).into() })
}
