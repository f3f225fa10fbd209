//! The store on ScyllaDB, or on Apache Cassandra: one schema in the CQL of both.
//!
//! Nothing is in a transaction and nothing is locked. Rows are upserts whose timestamps come from the journal
//! (`stamps`), and what changes (what is current, due, held) is never stored but folded from the rows when they are
//! read; so a batch may be written twice, in part, late, or by two workers, and the same rows are there. An answer is
//! durable on a quorum of the local datacentre: there is nothing to sync.
//!
//! A handle opens without a server and connects when first asked; until then, and whenever the server is away, it
//! answers [`StoreError::Unavailable`]. It never answers [`StoreError::Failed`].

mod admit;
mod apply;
mod dump;
mod follow;
mod labs;
mod lists;
mod marks;
mod plan;
mod reading;
mod report;
mod rows;
pub mod schema;
pub mod server;
mod session;
mod stamps;
mod statements;
#[cfg(feature = "scylla-tls")]
mod tls;
mod work;

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use jiff::civil::Date;
use schemas::{
    LabId, Position, SubmissionId,
    time::Clock,
    version::{PersonKey, PhoneKey, Reason},
};
use tokio::sync::watch;

pub use self::apply::{Applied, apply, detect, discard};
use self::{
    marks::Tellable,
    report::Rules,
    session::{Connector, Db},
};
use crate::{
    Answer, Batch, HeldCount, Judge, Page, PageRequest, Place, Settled, Store, StoreError, StoredItem, StoredReport,
    SubmissionQuery, SubmissionState, Touched, metrics,
};

/// Called before each statement; where it answers false the statement is not sent and fails.
pub type OnStatement = Arc<dyn Fn() -> bool + Send + Sync>;

/// Statements in flight at once, where nobody says otherwise: what one node takes without its queues growing.
pub const IN_FLIGHT: usize = 256;

/// How long a statement may take, where nobody says otherwise: longer than any server works at one.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// The largest content of a version. Servers refuse a row of more than half a segment of their commit log, 16 MiB by
/// default, and refuse it again however often it is written.
pub const CONTENT_BYTES: usize = 12 << 20;

/// Where the store is.
#[derive(Clone)]
pub struct Options {
    /// Nodes to begin with, `host:port`; the others are learned from them.
    pub nodes: Vec<String>,
    /// Keyspace, copies, retention.
    pub layout: schema::Layout,
    /// User and password.
    pub login: Option<(String, String)>,
    /// PEM file of the authorities whose certificates the nodes have; TLS where it is given. Needs the
    /// feature `scylla-tls`: without it such a store never connects.
    pub tls_authority: Option<PathBuf>,
    /// The datacentre whose nodes are asked, and whose quorum answers; any where not given.
    pub datacentre: Option<String>,
    /// Statements in flight at once, over all callers; see [`IN_FLIGHT`].
    pub in_flight: usize,
    /// How long a statement may take, the driver's own retries included; see [`REQUEST_TIMEOUT`]. What takes longer is
    /// no longer counted as in flight, though the server may still do it.
    pub request_timeout: Duration,
    /// The time: only the opening and closing of a work list's days depends on it.
    pub clock: Clock,
    /// For tests that fail a statement; none otherwise.
    pub on_statement: Option<OnStatement>,
}

impl Options {
    /// One node, which keeps the only copy, without login or TLS: for tests and measurements.
    #[must_use]
    pub fn single(node: &str, keyspace: &str, clock: Clock) -> Self {
        let replication = schema::Replication::Everywhere(1);
        Self {
            nodes: vec![node.to_owned()],
            layout: schema::Layout { keyspace: keyspace.to_owned(), replication, uploads_days: 0 },
            login: None,
            tls_authority: None,
            datacentre: None,
            in_flight: IN_FLIGHT,
            request_timeout: REQUEST_TIMEOUT,
            clock,
            on_statement: None,
        }
    }
}

/// Without the password.
impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let user = self.login.as_ref().map(|(user, _)| user);
        let Self { nodes, layout, tls_authority, datacentre, in_flight, request_timeout, .. } = self;
        f.debug_struct("Options")
            .field("nodes", nodes)
            .field("layout", layout)
            .field("user", &user)
            .field("tls_authority", tls_authority)
            .field("datacentre", datacentre)
            .field("in_flight", in_flight)
            .field("request_timeout", request_timeout)
            .finish_non_exhaustive()
    }
}

/// The store on a cluster.
pub struct ScyllaStore {
    connector: Connector,
    judge: Arc<dyn Judge>,
    tellable: Tellable,
    admitted: watch::Sender<u64>,
}

impl ScyllaStore {
    /// A store that connects when first asked. Reads fold by `judge`, which is to be the one that batches bring.
    #[must_use]
    pub fn open(options: Options, judge: Arc<dyn Judge>) -> Arc<Self> {
        metrics::describe();
        let (connector, admitted) = (Connector::new(options), watch::Sender::new(0));
        Arc::new(Self { connector, judge, tellable: Tellable::default(), admitted })
    }

    /// Every stored fact and fold as a line, sorted: the lines of [`crate::embedded::dump`]. Reads whole tables and
    /// gives personal data: for tests.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn dump(&self, with_holds: bool) -> Result<Vec<String>, StoreError> {
        let (db, rules) = self.reader().await?;
        dump::dump(&db, &rules, self.keyspace(), with_holds).await
    }

    /// What reports should be found by and are not, and what is found and should not be, as lines; for tests.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn unfound(&self) -> Result<Vec<String>, StoreError> {
        let (db, rules) = self.reader().await?;
        dump::unfound(&db, &rules, self.keyspace()).await
    }

    fn keyspace(&self) -> &str {
        &self.connector.options().layout.keyspace
    }

    /// The session and what folds.
    async fn reader(&self) -> Result<(Arc<Db>, Rules<'_>), StoreError> {
        let db = self.connector.db().await?;
        let rules = Rules { judge: &*self.judge, fences: marks::fences(&db).await? };
        Ok((db, rules))
    }

    async fn admit_batch(&self, batch: Batch, judge: Arc<dyn Judge>) -> Result<Vec<Touched>, StoreError> {
        let db = self.connector.db().await?;
        let touched = admit::admit(&db, &batch, &self.tellable, &*judge).await?;
        self.admitted.send_modify(|count| *count += 1);
        Ok(touched)
    }
}

/// Counts the answer.
fn observed<'a, T: Send + 'a>(
    operation: &'static str,
    answer: impl Future<Output = Result<T, StoreError>> + Send + 'a,
) -> Answer<'a, T> {
    Box::pin(async move {
        let started = Instant::now();
        let answer = answer.await;
        metrics::observe(operation, started, &answer);
        answer
    })
}

impl Store for ScyllaStore {
    fn admit(&self, batch: Batch, judge: Arc<dyn Judge>) -> Answer<'_, Vec<Touched>> {
        observed("admit", self.admit_batch(batch, judge))
    }

    fn settle(&self, settled: Settled) -> Answer<'_, ()> {
        observed("settle", async move {
            let db = self.connector.db().await?;
            marks::settle(&db, &settled, &self.tellable).await
        })
    }

    fn sync(&self) -> Answer<'_, Vec<Place>> {
        observed("sync", async move { marks::places(&*self.connector.db().await?).await })
    }

    fn places(&self) -> Answer<'_, Vec<Place>> {
        observed("places", async move { marks::places(&*self.connector.db().await?).await })
    }

    fn fence(&self, ends: Vec<Position>) -> Answer<'_, ()> {
        observed("fence", async move { marks::fence(&*self.connector.db().await?, &ends).await })
    }

    fn fences(&self) -> Answer<'_, Vec<Position>> {
        observed("fences", async move { marks::fences(&*self.connector.db().await?).await })
    }

    fn submission(&self, id: SubmissionId) -> Answer<'_, Option<SubmissionState>> {
        observed("submission", async move {
            let (db, rules) = self.reader().await?;
            reading::submission(&db, &rules, id).await
        })
    }

    fn items(&self, id: SubmissionId, page: PageRequest) -> Answer<'_, Page<StoredItem>> {
        observed("items", async move {
            let (db, rules) = self.reader().await?;
            reading::items(&db, &rules, id, &page).await
        })
    }

    fn submissions(&self, query: SubmissionQuery, page: PageRequest) -> Answer<'_, Page<SubmissionState>> {
        observed("submissions", async move {
            let (db, rules) = self.reader().await?;
            reading::submissions(&db, &rules, &query, &page).await
        })
    }

    fn reports(&self, lab: LabId, number: String) -> Answer<'_, Vec<StoredReport>> {
        observed("reports", async move {
            let (db, rules) = self.reader().await?;
            reading::reports(&db, &rules, &lab, &number).await
        })
    }

    fn reports_of_day(&self, lab: LabId, day: Date, page: PageRequest) -> Answer<'_, Page<StoredReport>> {
        observed("reports_of_day", async move {
            let (db, rules) = self.reader().await?;
            lists::of_day(&db, &rules, &lab, day, &page).await
        })
    }

    fn reports_of_person(&self, person: PersonKey, page: PageRequest) -> Answer<'_, Page<StoredReport>> {
        observed("reports_of_person", async move {
            let (db, rules) = self.reader().await?;
            lists::of_person(&db, &rules, person, &page).await
        })
    }

    fn persons_of_phone(&self, phone: PhoneKey) -> Answer<'_, Vec<PersonKey>> {
        observed(
            "persons_of_phone",
            async move { reading::persons_of_phone(&*self.connector.db().await?, phone).await },
        )
    }

    fn held(&self, reason: Reason, page: PageRequest) -> Answer<'_, Page<StoredReport>> {
        observed("held", async move {
            let (db, rules) = self.reader().await?;
            work::page(&db, &rules, reason, &page).await
        })
    }

    fn held_counts(&self) -> Answer<'_, Vec<HeldCount>> {
        observed("held_counts", async move { work::counts(&*self.connector.db().await?).await })
    }

    fn labs(&self) -> Answer<'_, (u64, Vec<(LabId, String)>)> {
        observed("labs", async move { labs::all(&*self.connector.db().await?).await })
    }

    fn put_lab(&self, lab: LabId, expected: Option<String>, document: String) -> Answer<'_, bool> {
        observed("put_lab", async move {
            labs::put(&*self.connector.db().await?, &lab, expected.as_deref(), &document).await
        })
    }

    fn admitted(&self) -> watch::Receiver<u64> {
        self.admitted.subscribe()
    }
}
