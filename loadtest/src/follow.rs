//! Follows a lane's uploads until they are stored.

use std::{sync::Arc, time::Duration};

use serde::Deserialize;
use tokio::{
    sync::mpsc,
    time::{Instant, sleep},
};

use crate::{
    client::{Connection, GaveUp, Request},
    drive::{OnProgress, Progress},
    meaning::Counts,
};

/// The first pause between two looks; also what a stored time may be off by. Doubled each time.
const FIRST_PAUSE: Duration = Duration::from_millis(5);
/// The longest such pause.
const LAST_PAUSE: Duration = Duration::from_millis(250);

/// An upload that has a place where its state is told.
pub(crate) struct Answered {
    /// Its index in its lane.
    pub(crate) upload: usize,
    /// Where its state is told.
    pub(crate) location: String,
    /// True where nothing in it was acceptable: its record is unknown until it is stored.
    pub(crate) rejected: bool,
    /// When its first byte was sent.
    pub(crate) began: Instant,
    /// Its items.
    pub(crate) items: u64,
}

/// What became of an upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Followed {
    /// All its items are stored.
    Done {
        /// As told.
        counts: Counts,
        /// From its first byte until it was seen stored.
        stored_after: Duration,
    },
    /// It never was; the last that was heard of it.
    Never(String),
}

/// The state of a submission, as far as it is looked at.
#[derive(Deserialize)]
struct State {
    state: String,
    #[serde(flatten)]
    counts: Option<Counts>,
}

/// Follows uploads in the order in which they come: a laboratory's are stored in that order, so one look at the oldest
/// says most. Patience is counted anew for each.
pub(crate) async fn lane(
    mut receipts: mpsc::Receiver<Answered>,
    mut connection: Connection,
    key: Arc<str>,
    patience: Duration,
    progress: OnProgress,
) -> Result<Vec<(usize, Followed)>, GaveUp> {
    let mut ends = Vec::new();
    while let Some(answered) = receipts.recv().await {
        let give_up = Instant::now() + patience;
        let end = one(&answered, &mut connection, &key, give_up).await?;
        progress(Progress::Stored(answered.items));
        ends.push((answered.upload, end));
    }
    Ok(ends)
}

async fn one(
    answered: &Answered,
    connection: &mut Connection,
    key: &str,
    give_up: Instant,
) -> Result<Followed, GaveUp> {
    let mut pause = FIRST_PAUSE;
    loop {
        let answer = connection.send(&Request::get(&answered.location, key)).await?;
        let state = match (answer.status, serde_json::from_slice::<State>(&answer.body)) {
            (200, Ok(State { state, counts: Some(counts) })) if state == "done" => {
                return Ok(Followed::Done { counts, stored_after: answered.began.elapsed() });
            }
            (200, Ok(State { state, .. })) => state,
            (200, Err(_)) => return Ok(Followed::Never("an answer that cannot be read".to_owned())),
            (404, _) if answered.rejected => "unknown".to_owned(),
            (500, _) => return Ok(Followed::Never("told of as lost".to_owned())),
            (status, _) => return Ok(Followed::Never(format!("status {status}"))),
        };
        if Instant::now() > give_up {
            return Ok(Followed::Never(format!("still {state}")));
        }
        sleep(pause).await;
        pause = (pause * 2).min(LAST_PAUSE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_states_of_the_contract_are_read() {
        let counts = |text: &str| serde_json::from_str::<State>(text).unwrap().counts;
        assert_eq!(counts(r#"{"submission":"s","state":"queued","ahead":3}"#), None);
        let done = counts(
            r#"{"submission":"s","state":"done","received":3,"new":1,"corrected":0,"duplicate":0,"retracted":0,"stale":1,
                "refused":1,"deadLetters":0,"held":1}"#,
        );
        assert!(done.is_some_and(|counts| counts.add_up() && counts.accepted() == 2));
    }
}
