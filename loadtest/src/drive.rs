//! Sends a plan: every lane on its connection, every upload followed until it is stored.

use std::{collections::HashMap, num::NonZeroU32, sync::Arc, time::Duration};

use hyper::Method;
use schemas::{Fault, LabId};
use serde::Deserialize;
use tokio::{
    sync::mpsc,
    task::{JoinError, JoinSet},
    time::{Instant, sleep_until},
};

pub use crate::follow::Followed;
use crate::{
    ack::{self, Ack},
    client::{Answer, Connection, GaveUp, Request},
    follow,
    generate::{Door, Lane, Plan},
    meaning::{Meaning, ReportMeaning, UploadMeaning},
};

/// Uploads of a lane that may wait to be followed; beyond, the lane waits too.
const FOLLOWED: usize = 4_096;

/// Where to send, and as whom. No `Debug`: it holds keys.
#[derive(Clone)]
pub struct Target {
    /// Where uploads go, `host:port` each: one, or several with the same system behind them.
    pub doors: Vec<String>,
    /// Where states and reports are read.
    pub reads: Vec<String>,
    /// The key of each laboratory of the plan.
    pub keys: HashMap<LabId, String>,
    /// How long one request is retried before the run is given up.
    pub patience: Duration,
    /// Items a second over all lanes, whatever the system takes: a lane that was kept waiting makes up for it. As fast
    /// as they are answered where there is none.
    pub pace: Option<NonZeroU32>,
}

impl Target {
    /// One server that does everything, at full speed.
    #[must_use]
    pub fn one(address: String, keys: HashMap<LabId, String>, patience: Duration) -> Self {
        Self { doors: vec![address.clone()], reads: vec![address], keys, patience, pace: None }
    }
}

/// When a lane's uploads are due.
struct Pace {
    began: Instant,
    /// Seconds from an item to the next.
    every: f64,
    items: u64,
}

impl Pace {
    fn of(target: &Target, lanes: usize, began: Instant) -> Option<Self> {
        let pace = target.pace?;
        Some(Self { began, every: lanes as f64 / f64::from(pace.get()), items: 0 })
    }

    /// When the next upload, of so many items, is due.
    fn due(&mut self, items: u64) -> Instant {
        let due = self.began + Duration::from_secs_f64(self.items as f64 * self.every);
        self.items += items;
        due
    }
}

/// Something happened: for a progress bar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// An upload of so many items was answered.
    Answered(u64),
    /// An upload of so many items is stored.
    Stored(u64),
    /// So many reports were read back.
    ReadBack(u64),
}

/// Called for each [`Progress`], from several threads.
pub type OnProgress = Arc<dyn Fn(Progress) + Send + Sync>;

/// A 202's body, as far as it is compared.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Receipt {
    /// The upload's id.
    pub submission: String,
    /// Items found.
    pub received: u64,
    /// Items accepted.
    pub accepted: u64,
    /// Items refused.
    pub refused: u64,
    /// What is wrong, at most 1,000.
    #[serde(default)]
    pub faults: Vec<Fault>,
}

/// A 422's body, as far as it is compared.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Rejection {
    /// The upload's id: an operator finds it by that.
    pub submission: String,
    /// What is wrong, at most 1,000.
    #[serde(default)]
    pub faults: Vec<Fault>,
}

/// What was answered to an upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answered {
    /// 202.
    Accepted(Receipt),
    /// 422: nothing in it was acceptable.
    Rejected(Rejection),
    /// 200 of the HL7 v2 door: accepted or refused.
    Acknowledged(Ack),
    /// Any other status, or a body that is none of these; in words.
    Unexpected(String),
}

impl Answered {
    /// The upload's id; none where the answer names none.
    #[must_use]
    pub fn submission(&self) -> Option<&str> {
        match self {
            Answered::Accepted(receipt) => Some(&receipt.submission),
            Answered::Rejected(rejection) => Some(&rejection.submission),
            Answered::Acknowledged(ack) => Some(&ack.submission),
            Answered::Unexpected(_) => None,
        }
    }
}

/// One upload that was sent.
#[derive(Debug, Clone)]
pub struct Sent {
    /// What must become of it.
    pub meaning: UploadMeaning,
    /// What was answered.
    pub answer: Answered,
    /// What became of it; none where the answer led nowhere.
    pub followed: Option<Followed>,
    /// From when it was due, or from its first byte where there is no pace, to its receipt.
    pub accepted_after: Duration,
}

/// A plan that was sent and stored.
#[derive(Debug)]
pub struct Run {
    /// What must read back.
    pub meaning: Arc<Meaning>,
    /// The uploads, lane by lane in the order in which they were sent.
    pub lanes: Vec<Vec<Sent>>,
    /// From the first upload until all were stored.
    pub took: Duration,
}

/// Why a plan could not be sent.
#[derive(Debug, thiserror::Error)]
pub enum DriveError {
    /// There is no key for that laboratory.
    #[error("no key for laboratory {0}")]
    NoKey(LabId),
    /// The server could not be reached for longer than patience lasts.
    #[error(transparent)]
    GaveUp(#[from] GaveUp),
    /// A task ended early.
    #[error("a task ended early")]
    Ended(#[from] JoinError),
}

/// What a task of a lane brings home.
enum Home {
    Sent(usize, Vec<Sent>, Vec<ReportMeaning>),
    Followed(usize, Vec<(usize, Followed)>),
}

/// Sends the whole plan and waits until all of it is stored.
///
/// # Errors
/// [`DriveError`]; what was sent so far stays with the server. An answer that should not be is no error: the ledger
/// says so.
pub async fn drive(plan: &Plan, target: &Target, progress: OnProgress) -> Result<Run, DriveError> {
    let labs = plan.meant_labs();
    let started = Instant::now();
    let mut tasks: JoinSet<Result<Home, DriveError>> = JoinSet::new();
    let lanes = plan.lanes();
    let mut sent: Vec<Vec<Sent>> = lanes.iter().map(|_| Vec::new()).collect();
    for (index, lane) in lanes.into_iter().enumerate() {
        let lab = &labs[lane.lab()].id;
        let key: Arc<str> = target.keys.get(lab).ok_or_else(|| DriveError::NoKey(lab.clone()))?.as_str().into();
        let (to_follow, receipts) = mpsc::channel(FOLLOWED);
        let connection = |servers| Connection::new(servers, index, target.patience);
        let pace = Pace::of(target, sent.len(), started);
        tasks.spawn(send((index, pace), lane, connection(&target.doors), key.clone(), to_follow, progress.clone()));
        let following = follow::lane(receipts, connection(&target.reads), key, target.patience, progress.clone());
        tasks.spawn(async move { Ok(Home::Followed(index, following.await?)) });
    }
    let mut reports: Vec<Vec<ReportMeaning>> = sent.iter().map(|_| Vec::new()).collect();
    let mut followed: Vec<Vec<(usize, Followed)>> = sent.iter().map(|_| Vec::new()).collect();
    while let Some(ended) = tasks.join_next().await {
        match ended?? {
            Home::Sent(lane, uploads, meant) => (sent[lane], reports[lane]) = (uploads, meant),
            Home::Followed(lane, ends) => followed[lane] = ends,
        }
    }
    for (lane, ends) in followed.into_iter().enumerate() {
        ends.into_iter().for_each(|(upload, end)| sent[lane][upload].followed = Some(end));
    }
    let meaning = Meaning { labs, reports: reports.into_iter().flatten().collect() };
    Ok(Run { meaning: Arc::new(meaning), lanes: sent, took: started.elapsed() })
}

/// Sends a lane's uploads one after the other: the next leaves once the one before is answered, and not before it is due.
async fn send(
    (index, mut pace): (usize, Option<Pace>),
    mut lane: Lane,
    mut connection: Connection,
    key: Arc<str>,
    to_follow: mpsc::Sender<follow::Answered>,
    progress: OnProgress,
) -> Result<Home, DriveError> {
    let mut uploads: Vec<Sent> = Vec::new();
    for upload in lane.by_ref() {
        let request = Request {
            method: Method::POST,
            path: upload.door.path(),
            key: &key,
            body: upload.body,
            content_type: Some(upload.content_type),
            gzip: upload.gzip,
        };
        let items = upload.meaning.counts.received;
        let began = match &mut pace {
            Some(pace) => {
                let due = pace.due(items);
                sleep_until(due).await;
                due
            }
            None => Instant::now(),
        };
        let answer = connection.send(&request).await?;
        let accepted_after = began.elapsed();
        progress(Progress::Answered(items));
        let read = match upload.door {
            Door::Reports => answered(answer.status, &answer.body),
            Door::Hl7 => acknowledged(upload.content_type, &answer),
        };
        let location = match &read {
            Answered::Accepted(_) | Answered::Acknowledged(_) => answer.location,
            // It has no position: it is stored when it is.
            Answered::Rejected(rejection) => Some(format!("/v1/submissions/{}", rejection.submission)),
            Answered::Unexpected(_) => None,
        };
        match location {
            Some(location) => {
                let rejected = match &read {
                    Answered::Acknowledged(ack) => !ack.is_accepted(),
                    other => matches!(other, Answered::Rejected(_)),
                };
                let answered = follow::Answered { upload: uploads.len(), location, rejected, began, items };
                // The follower ends before the lane only on an error of its own, which ends the run.
                let _ = to_follow.send(answered).await;
            }
            None => progress(Progress::Stored(items)),
        }
        uploads.push(Sent { meaning: upload.meaning, answer: read, followed: None, accepted_after });
    }
    Ok(Home::Sent(index, uploads, lane.into_meaning()))
}

fn answered(status: u16, body: &[u8]) -> Answered {
    let read = match status {
        200 | 202 => serde_json::from_slice(body).map(Answered::Accepted),
        422 => serde_json::from_slice(body).map(Answered::Rejected),
        // The body is not repeated: it is not ours to trust with a person's data.
        _ => return Answered::Unexpected(format!("status {status}")),
    };
    read.unwrap_or_else(|error| {
        Answered::Unexpected(format!("status {status} with a body that cannot be read: {error}"))
    })
}

fn acknowledged(content_type: &str, answer: &Answer) -> Answered {
    if answer.status != 200 {
        return Answered::Unexpected(format!("status {}", answer.status));
    }
    match ack::read((content_type, answer.content_type.as_deref()), answer.location.as_deref(), &answer.body) {
        Ok(ack) => Answered::Acknowledged(ack),
        Err(why) => Answered::Unexpected(why.to_owned()),
    }
}

#[cfg(test)]
mod tests;
