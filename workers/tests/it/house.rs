//! A journal and a store in a folder of their own, uploads, and a run of admission to the journal's end.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use journal::{Ends, Journal, Limit, Position, Record, Stored, Topic, embedded};
use schemas::{
    SubmissionId, Task,
    chunk::{ChunkHeader, HEADER},
    format::{Format, Limits},
};
use store::{Place, Store, StoredReport, embedded as store_embedded};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use workers::admit::{Admission, AdmitError, BATCH, Settings};

/// When every upload was received.
pub(crate) const RECEIVED: &str = "2020-10-20T12:00:00Z";
/// Longer than anything here takes on the slowest machine.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct House {
    pub(crate) journal: Arc<embedded::EmbeddedJournal>,
    pub(crate) store: Arc<store_embedded::EmbeddedStore>,
    folder: tempfile::TempDir,
}

/// A report that is due: number, result, and what else of it is replaced.
pub(crate) fn report(number: &str, result: &str, replace: &[(&str, &str)]) -> String {
    let report = format!(
        r#"{{"reportNumber":"{number}","issuedAt":"2020-10-20T11:04:00+02:00","test":{{"code":"94500-6"}},"result":"{result}","specimen":{{"collectedAt":"2020-10-19T08:30:00+02:00"}},"patient":{{"fiscalCode":"RSSMRA85T10A562S","family":"Rossi","given":"Mario","birthDate":"1985-12-10","phone":"+39 333 1234567"}}}}"#
    );
    replace.iter().fold(report, |report, (old, new)| {
        assert!(report.contains(old), "nothing to replace: {old}");
        report.replace(old, new)
    })
}

/// An NDJSON upload in one chunk, as the door writes it.
pub(crate) fn upload(number: u128, lines: &[String]) -> Record {
    let count = u32::try_from(lines.len()).unwrap();
    let received_at: Timestamp = RECEIVED.parse().unwrap();
    let header = ChunkHeader {
        submission: SubmissionId(uuid::Uuid::from_u128(number)),
        chunk: 0,
        chunks: 1,
        first_item: 0,
        first_line: 1,
        lab: "to".parse().unwrap(),
        format: Format::Ndjson,
        charset: None,
        received_at,
        zone: "Europe/Rome".to_owned(),
        sandbox: false,
        received: count,
        accepted: count,
        refused: Vec::new(),
        rejected: false,
        control_id: None,
        file_name: None,
        idempotency_key: None,
        traceparent: None,
    };
    Record {
        key: "to".into(),
        headers: vec![(HEADER, serde_json::to_vec(&header).unwrap().into())],
        value: lines.join("\n").into(),
        timestamp: received_at,
    }
}

impl House {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let journal =
            embedded::EmbeddedJournal::open(embedded::Options::new(folder.path().join("journal.db"))).unwrap();
        let store = open_store(&folder, "store.db");
        Self { journal, store, folder }
    }

    /// The same journal, with an empty store that knows where the journal ended when it was made.
    pub(crate) async fn rebuilt(&mut self) {
        self.store = open_store(&self.folder, "rebuilt.db");
        let ends = self.journal.ends(Topic::Uploads).await.unwrap();
        let ends = ends.into_iter().map(|Ends { partition, next, .. }| Position { partition, offset: next });
        self.store.fence(ends.collect()).await.unwrap();
    }

    pub(crate) fn settings(&self) -> Settings {
        Settings {
            journal: self.journal.clone(),
            store: self.store.clone(),
            policy: rules::Policy::default(),
            secret: [7; 32],
            clock: Arc::new(|| RECEIVED.parse().unwrap()),
            limits: Limits::default(),
            content_bytes: usize::MAX,
            batch: BATCH,
            on_step: None,
        }
    }

    pub(crate) async fn append(&self, records: Vec<Record>) {
        for answer in self.journal.append(Topic::Uploads, records).await {
            answer.unwrap();
        }
    }

    /// Runs admission until its place is the journal's end, and drains it.
    pub(crate) async fn admit(&self, settings: Settings) {
        let running = Running::start(settings);
        running.until("the place is at the end", async || self.is_at_end().await).await;
        running.drain().await.unwrap();
    }

    /// True where every upload is stored and its tasks are emitted, by the store's word.
    pub(crate) async fn is_at_end(&self) -> bool {
        let end = self.end().await;
        self.place().await.is_some_and(|place| place.next.offset == end)
    }

    /// The offset that the next upload gets.
    pub(crate) async fn end(&self) -> u64 {
        self.journal.ends(Topic::Uploads).await.unwrap()[0].next
    }

    pub(crate) async fn place(&self) -> Option<Place> {
        let places = self.store.places().await.unwrap();
        places.into_iter().find(|place| place.topic == Topic::Uploads.as_str())
    }

    pub(crate) async fn read(&self, topic: Topic) -> Vec<Stored> {
        let limit = Limit { records: 10_000, bytes: usize::MAX };
        self.journal.read(topic, Position { partition: 0, offset: 0 }, limit).await.unwrap()
    }

    /// Every task in the journal.
    pub(crate) async fn tasks(&self) -> Vec<Task> {
        let records = self.read(Topic::Notifications).await;
        records.iter().map(|record| serde_json::from_slice(&record.value).unwrap()).collect()
    }

    /// The numbers of the reports that have a task, in order of emission.
    pub(crate) async fn told(&self) -> Vec<String> {
        self.tasks().await.into_iter().map(|task| task.report_number).collect()
    }

    pub(crate) async fn stored(&self, number: &str) -> StoredReport {
        self.store.reports("to".parse().unwrap(), number.to_owned()).await.unwrap().remove(0)
    }

    pub(crate) async fn held(&self) -> Vec<(&'static str, u64)> {
        let counts = self.store.held_counts().await.unwrap();
        counts.into_iter().map(|held| (held.reason.as_str(), held.count)).collect()
    }

    /// Every stored row; without holds where the store was rebuilt.
    pub(crate) fn dump(&self, with_holds: bool) -> Vec<String> {
        store_embedded::dump(self.store.path(), with_holds).unwrap()
    }

    /// How many items of an upload have each outcome, by the contract's words, and how many are held.
    pub(crate) async fn outcomes(&self, number: u128) -> (Vec<(&'static str, u64)>, u64) {
        let state = self.store.submission(SubmissionId(uuid::Uuid::from_u128(number))).await.unwrap().unwrap();
        let mut outcomes: Vec<_> = state.outcomes.iter().map(|(outcome, count)| (outcome.as_str(), *count)).collect();
        outcomes.sort_unstable();
        (outcomes, state.held)
    }
}

fn open_store(folder: &tempfile::TempDir, name: &str) -> Arc<store_embedded::EmbeddedStore> {
    store_embedded::EmbeddedStore::open(store_embedded::Options::at(folder.path().join(name))).unwrap().store
}

/// Admission that runs, and tells of its steps.
pub(crate) struct Running {
    stepped: Arc<Notify>,
    drain: CancellationToken,
    task: tokio::task::JoinHandle<Result<(), AdmitError>>,
}

impl Running {
    pub(crate) fn start(settings: Settings) -> Self {
        let stepped = Arc::new(Notify::new());
        let drain = CancellationToken::new();
        let (told, before) = (stepped.clone(), settings.on_step.clone());
        let on_step = Arc::new(move |step| {
            before.iter().for_each(|before| before(step));
            told.notify_one();
        });
        let admission = Admission::new(Settings { on_step: Some(on_step), ..settings });
        Self { stepped, task: tokio::spawn(admission.run(drain.clone())), drain }
    }

    /// Waits until `met`, asked after each step.
    pub(crate) async fn until(&self, what: &str, mut met: impl AsyncFnMut() -> bool) {
        let waiting = async {
            while !met().await {
                self.stepped.notified().await;
            }
        };
        tokio::time::timeout(PATIENCE, waiting).await.unwrap_or_else(|_| panic!("never came: {what}"));
    }

    pub(crate) async fn drain(self) -> Result<(), AdmitError> {
        self.drain.cancel();
        self.ended().await
    }

    /// Waits until it ends by itself.
    pub(crate) async fn ended(self) -> Result<(), AdmitError> {
        tokio::time::timeout(PATIENCE, self.task).await.expect("admission ends").unwrap()
    }
}
