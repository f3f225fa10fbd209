//! Reads every report of a run back by its number and draws up the ledger.

use std::{ops::Range, sync::Arc};

use tokio::{
    sync::mpsc,
    task::{JoinError, JoinSet},
};

use crate::{
    client::{Connection, GaveUp, Request, path_segment},
    drive::{OnProgress, Progress, Run, Target},
    ledger::{Audit, Ledger, ReadReports},
    meaning::Meaning,
    tasks::Tasks,
};

/// Connections that read.
const READERS: usize = 8;
/// Answers that may wait to be compared.
const WAITING: usize = 256;

/// Why the ledger could not be drawn up.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The server could not be reached.
    #[error(transparent)]
    GaveUp(#[from] GaveUp),
    /// A task ended early.
    #[error("a task ended early")]
    Ended(#[from] JoinError),
}

/// What reads back under one number, and which reports were meant.
type Answered = (Range<usize>, Result<ReadReports, String>);

/// Compares the whole run with what reads back through the API and with the tasks seen.
///
/// Call it once everything is stored and every task has been read: it looks at each report once.
///
/// # Errors
/// [`AuditError`] where it could not be read to the end. That something differs is no error.
pub async fn audit(run: &Run, target: &Target, tasks: &Tasks<'_>, progress: OnProgress) -> Result<Ledger, AuditError> {
    let mut audit = Audit::new(&run.meaning, tasks);
    run.lanes.iter().for_each(|lane| audit.lane(lane));

    let (sender, mut answers) = mpsc::channel(WAITING);
    let mut readers: JoinSet<Result<(), GaveUp>> = JoinSet::new();
    for reader in 0..READERS {
        let connection = Connection::new(&target.reads, reader, target.patience);
        readers.spawn(read(reader, run.meaning.clone(), keys(target, &run.meaning), connection, sender.clone()));
    }
    drop(sender);
    while let Some((range, read)) = answers.recv().await {
        let meant = &run.meaning.reports[range];
        progress(Progress::ReadBack(meant.len() as u64));
        match read {
            Ok(read) => audit.number(meant, &read),
            Err(why) => audit.unread(meant, &why),
        }
    }
    while let Some(ended) = readers.join_next().await {
        ended??;
    }
    Ok(audit.close())
}

/// The keys in the order of the meaning's laboratories.
fn keys(target: &Target, meaning: &Meaning) -> Vec<String> {
    meaning.labs.iter().map(|lab| target.keys.get(&lab.id).cloned().unwrap_or_default()).collect()
}

/// Reads every so many numbers, beginning with its own.
async fn read(
    reader: usize,
    meaning: Arc<Meaning>,
    keys: Vec<String>,
    mut connection: Connection,
    answers: mpsc::Sender<Answered>,
) -> Result<(), GaveUp> {
    let numbers = meaning.reports.chunk_by(|one, next| (one.lab, one.ordinal) == (next.lab, next.ordinal));
    let mut end = 0;
    for (index, reports) in numbers.enumerate() {
        let range = end..end + reports.len();
        end = range.end;
        if index % READERS != reader {
            continue;
        }
        let path = format!("/v1/reports/{}", path_segment(&meaning.number(&reports[0])));
        let answer = connection.send(&Request::get(&path, &keys[usize::from(reports[0].lab)])).await?;
        let read = match answer.status {
            200 => serde_json::from_slice(&answer.body).map_err(|error| format!("not as the contract says: {error}")),
            404 => Ok(ReadReports::default()),
            status => Err(format!("status {status}")),
        };
        if answers.send((range, read)).await.is_err() {
            break;
        }
    }
    Ok(())
}
