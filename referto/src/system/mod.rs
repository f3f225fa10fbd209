//! The system on one machine: what is opened, in which order, and how it ends.
//!
//! The store is made before the journal, so that a first start fences nothing (see [`reconcile`]).

mod journal;
mod keep;
mod metrics;
mod reconcile;
mod store;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use ::journal::{Health, Journal, ReadError};
use ::store::{Store, StoreError};
use access::Directory;
use anyhow::Context as _;
use futures_util::future::BoxFuture;
use ingest::{Closing, Door, Ingest, Outcomes, Service};
use schemas::{LabId, Position, SubmissionId, time::Clock};
use status::{Phase, Sources};
use tokio::{net::TcpListener, task::JoinSet};
use tokio_util::sync::CancellationToken;
use workers::admit::Admission;

use crate::{
    failpoint::Failpoint,
    folder::{Folder, Held},
    server,
    settings::Settings,
};

pub(crate) use self::journal::open_beside as open_journal_beside;
pub(crate) use self::store::open as open_store;
pub(crate) use metrics::describe as describe_metrics;
use metrics::recorder;
use reconcile::Reader;

/// How often the directory of laboratories is looked at: a change is in force within 10 s.
const DIRECTORY_EVERY: Duration = Duration::from_secs(2);
/// Between two looks at a journal or a store that did not answer at the start.
const AGAIN: Duration = Duration::from_millis(500);
/// How long a start waits for the store's answer; what needs it comes later then.
const STORE_PATIENCE: Duration = Duration::from_secs(5);
/// What connections in hand may take at the end, the grace included.
const CONNECTIONS_DRAIN: Duration = Duration::from_secs(11);
/// What their tasks may take beyond that, to see that their time is up.
const CONNECTIONS_CUT: Duration = Duration::from_secs(1);
/// What the workers may take at the end.
const WORKERS_DRAIN: Duration = Duration::from_secs(5);
/// What closing the journal and the store may take: on Kafka 5 s for records in flight and 1 s to give up the rest,
/// while the readers leave their group beside it.
pub(crate) const CLOSING: Duration = Duration::from_secs(7);
/// Promised for all of it: 11 + 1 + 5 + 7 leave a second.
const _: () = assert!(
    CONNECTIONS_DRAIN.as_secs() + CONNECTIONS_CUT.as_secs() + WORKERS_DRAIN.as_secs() + CLOSING.as_secs() < 25,
    "a drain ends within 25 s"
);

/// Everything opened and bound, not yet serving.
pub(crate) struct System {
    settings: Settings,
    clock: Clock,
    failpoint: Failpoint,
    journal: journal::Opened,
    /// Where journal and store are not yet known to belong together.
    begin: Option<Begin>,
    store: Arc<dyn Store>,
    directory: Arc<Directory>,
    secret: [u8; 32],
    http: TcpListener,
    admin: TcpListener,
    // Last: the folder is let go of when all else is.
    _held: Held,
}

/// Where it listens.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Addresses {
    pub(crate) http: SocketAddr,
    pub(crate) admin: SocketAddr,
}

impl System {
    /// Opens the folder, the store, the journal, and binds the addresses.
    pub(crate) async fn open(settings: Settings, clock: Clock) -> anyhow::Result<Self> {
        let failpoint = Failpoint::parse(settings.abort_at.as_deref())?;
        let folder = Folder::open(&settings.data)?;
        let held = folder.hold()?;
        let secret = folder.secret_key(settings.secret_key)?;

        let store = store::open(&settings, &folder, &failpoint)?;

        let journal = journal::open(&settings, &folder, &failpoint)?;
        let reader = Reader {
            begins: settings.journal.begins(),
            reads: settings.roles.workers,
            lost_before: settings.lost_before.clone(),
        };
        // What is left to do once all answer.
        let belong = Begin { journal: journal.clone(), store: store.clone(), reader };
        let reconciled = match belong.compare().await {
            Ok(()) => true,
            Err(error) if is_store_away(&error) && settings.store.may_be_away() => {
                tracing::warn!(error = &*error, "the store does not answer: uploads are taken and not yet stored");
                journal.release();
                false
            }
            // Uploads are answered 503 until it answers; admission begins then.
            Err(error) if is_unavailable(&error) && settings.journal.may_be_away() => false,
            Err(error) => return Err(error),
        };
        if reconciled {
            journal.release();
        }

        let directory = Arc::new(Directory::open(&folder.path("labs.json")));
        match tokio::time::timeout(STORE_PATIENCE, directory.refresh(store.as_ref())).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => tracing::warn!(
                error = &error as &dyn std::error::Error,
                "the store's laboratories cannot be read: the last good copy serves"
            ),
            Err(_) => tracing::warn!("the store does not tell its laboratories: the last good copy serves"),
        }
        let bind = async |address: SocketAddr| {
            TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))
        };
        let (http, admin) = (bind(settings.http).await?, bind(settings.admin).await?);
        let begin = (!reconciled).then_some(belong);
        Ok(Self { settings, clock, failpoint, journal, begin, store, directory, secret, http, admin, _held: held })
    }

    /// Where it listens, once opened.
    pub(crate) fn addresses(&self) -> anyhow::Result<Addresses> {
        Ok(Addresses { http: self.http.local_addr()?, admin: self.admin.local_addr()? })
    }

    /// What an acknowledged upload survives.
    pub(crate) fn durability(&self) -> &'static str {
        self.journal.journal.durability()
    }

    /// The store, for what sets laboratories up in this process.
    pub(crate) fn store(&self) -> Arc<dyn Store> {
        self.store.clone()
    }

    /// Authenticates from what the store has now.
    pub(crate) async fn refresh_directory(&self) -> anyhow::Result<()> {
        self.directory.refresh(self.store.as_ref()).await?;
        Ok(())
    }

    /// Serves until `stop`, then drains: not ready and still answering for the grace of the settings, or until `hurry`;
    /// then no more connections, what is in hand finished, the place written. The journal and the store are closed by a
    /// blocking task, so they are only when the runtime has ended.
    ///
    /// # Errors
    /// What ended it otherwise: a worker or the journal that failed for good.
    pub(crate) async fn serve(mut self, stop: CancellationToken, hurry: CancellationToken) -> anyhow::Result<()> {
        let phase = Arc::new(Phase::default());
        // Doors close first, then the workers finish what the doors let in.
        let (doors, workers) = (CancellationToken::new(), CancellationToken::new());
        // Nobody is sent to a node that only works.
        let is_sent_to = self.settings.roles.ingest || self.settings.roles.status;
        let grace = if is_sent_to { self.settings.drain_grace } else { Duration::ZERO };
        let mut tasks: JoinSet<anyhow::Result<()>> = JoinSet::new();
        let mut admission = JoinSet::new();

        let begin = self.begin.take();
        let run = self.settings.roles.workers.then(|| self.admission().run(workers.clone()));
        let leave = workers.clone();
        admission.spawn(async move {
            if let Some(begin) = begin
                && !begin.when_it_answers(&leave).await?
            {
                return Ok(());
            }
            match run {
                Some(run) => run.await.context("admission stopped"),
                None => Ok(()),
            }
        });
        if self.settings.roles.workers {
            let keep = keep::Keep {
                journal: self.journal.journal.clone(),
                store: self.store.clone(),
                clock: self.clock.clone(),
                uploads_kept: self.settings.uploads_kept,
            };
            tasks.spawn(keep.run(doors.clone()));
        }
        let follow = self.directory.clone().follow(self.store.clone(), DIRECTORY_EVERY, doors.clone());
        tasks.spawn(async move {
            follow.await;
            Ok(())
        });
        tasks.spawn(watch_journal(self.journal.journal.clone(), doors.clone()));

        // Both addresses are bound: who saw a door answer is not told by a probe that it starts.
        phase.ready();
        let ingest = self.settings.roles.ingest.then(|| self.ingest());
        let api = if self.settings.roles.status { status::router(self.sources()) } else { status::no_routes() };
        let drain = CONNECTIONS_DRAIN.saturating_sub(grace);
        let door = Door { max_connections: self.settings.connections, drain, ..Door::new("http") };
        let closing = Closing { leaving: stop.clone(), closed: doors.clone() };
        tasks.spawn(listen(self.http, server::laboratories(ingest, api), door, closing));
        let render = recorder();
        let admin = status::admin_router(
            phase.clone(),
            self.journal.journal.clone(),
            self.store.clone(),
            self.clock.clone(),
            Arc::new(move || render.render()),
        );
        // Probes answer until the very end.
        let door = Door { max_connections: 64, drain: Duration::from_secs(1), ..Door::new("admin") };
        let closing = Closing { leaving: workers.clone(), closed: workers.clone() };
        tasks.spawn(listen(self.admin, server::router(admin), door, closing));

        // Cancel-safe: whichever comes first only decides how it ends.
        let failed = tokio::select! {
            () = stop.cancelled() => None,
            ended = next_failure(&mut tasks) => ended,
            ended = next_failure(&mut admission) => ended,
        };
        phase.draining();
        tracing::info!("draining");
        if failed.is_none() {
            // Whoever sends it work is to see first that it is not ready; until then it answers.
            hurry.run_until_cancelled(tokio::time::sleep(grace)).await;
        }
        doors.cancel();
        let doors_done = async { while tasks.len() > 1 && tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(drain + CONNECTIONS_CUT, doors_done).await.is_err() {
            tracing::warn!("connections still open at the end of the drain are cut");
        }
        workers.cancel();
        let drained = tokio::time::timeout(WORKERS_DRAIN, async { admission.join_next().await }).await;
        tasks.shutdown().await;
        // Closing blocks: whoever ends the runtime says for how long, see [`CLOSING`].
        tokio::task::spawn_blocking(move || drop((self.journal, self.store, self._held)));
        match (failed, drained) {
            (Some(error), _) => Err(error),
            (None, Ok(Some(ended))) => ended?,
            (None, Ok(None)) => Ok(()),
            (None, Err(_)) => {
                tracing::warn!("admission did not finish in time: the next start repeats its last batch");
                Ok(())
            }
        }
    }

    fn sources(&self) -> Sources {
        Sources {
            journal: self.journal.journal.clone(),
            store: self.store.clone(),
            directory: self.directory.clone(),
            clock: self.clock.clone(),
        }
    }

    /// Admission over this journal and store.
    pub(crate) fn admission(&self) -> Admission {
        Admission::new(workers::admit::Settings {
            journal: self.journal.journal.clone(),
            store: self.store.clone(),
            policy: rules::Policy::default(),
            secret: self.secret,
            clock: self.clock.clone(),
            limits: self.settings.limits,
            content_bytes: self.settings.store.content_bytes(),
            batch: workers::admit::BATCH,
            on_step: self.failpoint.is_set().then(|| {
                let failpoint = self.failpoint.clone();
                Arc::new(move |step| failpoint.pass(&format!("admit-{step:?}"))) as _
            }),
        })
    }

    fn ingest(&self) -> Arc<Ingest> {
        let outcomes: Option<Arc<dyn Outcomes>> = (self.settings.roles.workers || self.settings.roles.status)
            .then(|| Arc::new(StoreOutcomes(self.store.clone())) as _);
        Arc::new(Ingest::new(ingest::Settings {
            outcomes,
            limits: self.settings.limits,
            budget_bytes: self.settings.budget_bytes,
            body_idle_timeout: self.settings.body_idle,
            body_total_timeout: self.settings.body_total,
            ..ingest::Settings::new(
                self.journal.journal.clone(),
                self.directory.clone(),
                self.secret,
                self.clock.clone(),
            )
        }))
    }
}

/// What a start left to do, for the journal or the store did not answer.
struct Begin {
    journal: journal::Opened,
    store: Arc<dyn Store>,
    reader: Reader,
}

impl Begin {
    /// Compares them. A store that takes a connection and then says nothing is as much away as one that takes none.
    async fn compare(&self) -> anyhow::Result<()> {
        if tokio::time::timeout(STORE_PATIENCE, self.store.places()).await.is_err() {
            let mute = std::io::Error::new(std::io::ErrorKind::TimedOut, "the store does not answer");
            return Err(StoreError::Unavailable(Arc::new(mute)).into());
        }
        reconcile::reconcile(self.journal.journal.as_ref(), self.store.as_ref(), &self.reader).await
    }

    /// Compares journal and store as soon as both answer, and lets uploads in. False when drained before that.
    async fn when_it_answers(self, drain: &CancellationToken) -> anyhow::Result<bool> {
        loop {
            match self.compare().await {
                Ok(()) => {
                    self.journal.release();
                    return Ok(true);
                }
                Err(error) if is_store_away(&error) => self.journal.release(),
                Err(error) if is_unavailable(&error) => {}
                Err(error) => return Err(error),
            }
            if drain.run_until_cancelled(tokio::time::sleep(AGAIN)).await.is_none() {
                return Ok(false);
            }
        }
    }
}

fn is_unavailable(error: &anyhow::Error) -> bool {
    is_store_away(error) || error.chain().any(|cause| matches!(cause.downcast_ref(), Some(ReadError::Unavailable(_))))
}

/// Uploads need only the journal: they are taken, and admitted once the store answers.
fn is_store_away(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| matches!(cause.downcast_ref(), Some(StoreError::Unavailable(_))))
}

/// `Prefer: wait` answered from the store of this process.
struct StoreOutcomes(Arc<dyn Store>);

impl Outcomes for StoreOutcomes {
    fn wait(
        &self,
        _lab: LabId,
        submission: SubmissionId,
        _position: Position,
        limit: Duration,
    ) -> BoxFuture<'_, Option<serde_json::Value>> {
        let outcome = status::wait_for_outcome(self.0.clone(), submission);
        Box::pin(async move { tokio::time::timeout(limit, outcome).await.ok().flatten() })
    }
}

async fn listen(listener: TcpListener, service: Service, door: Door, closing: Closing) -> anyhow::Result<()> {
    ingest::serve(listener, service, door, closing).await;
    Ok(())
}

/// The first task that ends with an error; pending where they end well.
async fn next_failure(tasks: &mut JoinSet<anyhow::Result<()>>) -> Option<anyhow::Error> {
    while let Some(ended) = tasks.join_next().await {
        match ended {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return Some(error),
            Err(panic) => return Some(panic.into()),
        }
    }
    std::future::pending().await
}

/// A journal that failed is never tried again on its handle: the process ends, and the next start sees what is there.
async fn watch_journal(journal: Arc<dyn Journal>, stop: CancellationToken) -> anyhow::Result<()> {
    let mut every = tokio::time::interval(Duration::from_secs(1));
    loop {
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            _ = every.tick() => {}
        }
        if let Health::Failed(reason) = journal.health() {
            anyhow::bail!("the journal failed: {reason}");
        }
    }
}
