//! The way to the server: connected when first needed, built anew when lost, never more in flight than agreed.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use ::scylla::{
    client::{execution_profile::ExecutionProfile, session::Session, session_builder::SessionBuilder},
    deserialize::row::DeserializeRow,
    errors::ExecutionError,
    policies::load_balancing::DefaultPolicy,
    response::{PagingState, PagingStateResponse, query_result::QueryResult},
    serialize::row::SerializeRow,
    statement::{
        Consistency, SerialConsistency,
        batch::{Batch, BatchStatement, BatchType},
        prepared::PreparedStatement,
    },
};
use futures_util::{StreamExt as _, stream::FuturesOrdered};
use tokio::{
    sync::{Mutex, Semaphore},
    time::{Duration, Instant, timeout},
};

use schemas::time::Clock;

use super::{Options, schema, statements::Statements};
use crate::StoreError;

/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(3);
/// After a failed try to connect, how long every caller is told so at once.
const BETWEEN_TRIES: Duration = Duration::from_millis(300);
/// Statements of one call at work at once: enough to fill the server, few enough that polling them stays cheap.
const AT_ONCE: usize = 128;
/// Bytes of an unlogged batch: below what servers refuse by default (Cassandra: 50 KiB).
const BATCH_BYTES: usize = 32 << 10;
/// Rows of an unlogged batch: past some tens a larger one gains nothing.
const BATCH_ROWS: usize = 64;

/// What a retry may cure.
pub(super) fn unavailable(error: impl std::error::Error + Send + Sync + 'static) -> StoreError {
    StoreError::Unavailable(Arc::new(error))
}

/// Connects when first asked.
pub(super) struct Connector {
    options: Options,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    db: Option<Arc<Db>>,
    failed: Option<(Instant, StoreError)>,
}

impl Connector {
    pub(super) fn new(options: Options) -> Self {
        Self { options, state: Mutex::default() }
    }

    pub(super) fn options(&self) -> &Options {
        &self.options
    }

    /// The session, made now where there is none or the last one lost its nodes. One caller makes it, all wait.
    pub(super) async fn db(&self) -> Result<Arc<Db>, StoreError> {
        let mut state = self.state.lock().await;
        if let Some(db) = state.db.as_ref().filter(|db| !db.lost.load(Ordering::Relaxed)) {
            return Ok(db.clone());
        }
        if let Some((at, error)) = &state.failed
            && at.elapsed() < BETWEEN_TRIES
        {
            return Err(error.clone());
        }
        // The driver waits longer and longer before it looks at a lost node again; a new session looks now.
        // All of it within a limit: the driver waits for ever for what a mute node was asked to prepare, and all wait here.
        let limit = self.options.request_timeout.max(CONNECT) * 2;
        match timeout(limit, Db::connect(&self.options)).await.map_err(unavailable).flatten() {
            Ok(db) => {
                let db = Arc::new(db);
                *state = State { db: Some(db.clone()), failed: None };
                Ok(db)
            }
            Err(error) => {
                *state = State { db: None, failed: Some((Instant::now(), error.clone())) };
                Err(error)
            }
        }
    }
}

/// A session with everything prepared.
pub(super) struct Db {
    session: Session,
    pub(super) statements: Statements,
    permits: Semaphore,
    lost: AtomicBool,
    clock: Clock,
    on_statement: Option<super::OnStatement>,
}

impl Db {
    async fn connect(options: &Options) -> Result<Self, StoreError> {
        let session = session(options).await?;
        check_version(&session, options).await?;
        let statements = Statements::prepare(&session, &options.layout.keyspace).await.map_err(unavailable)?;
        let permits = Semaphore::new(options.in_flight.max(1));
        let (clock, on_statement) = (options.clock.clone(), options.on_statement.clone());
        Ok(Self { session, statements, permits, lost: AtomicBool::new(false), clock, on_statement })
    }

    /// The clock, in microseconds.
    pub(super) fn now(&self) -> i64 {
        (self.clock)().as_microsecond()
    }

    /// Every row of a statement that is not prepared: for dumps.
    pub(super) async fn scan<R>(&self, cql: String) -> Result<Vec<R>, StoreError>
    where
        R: for<'f, 'm> DeserializeRow<'f, 'm>,
    {
        let statement = self.session.prepare(cql).await.map_err(unavailable)?;
        self.rows(&statement, ()).await
    }

    /// The first column of the first row, as text.
    pub(super) async fn text(session: &Session, cql: &str) -> Result<Option<String>, StoreError> {
        let rows =
            session.query_unpaged(cql, ()).await.map_err(unavailable)?.into_rows_result().map_err(unavailable)?;
        let row = rows.maybe_first_row::<(Option<String>,)>().map_err(unavailable)?;
        Ok(row.and_then(|(text,)| text))
    }

    /// Runs one statement.
    pub(super) async fn write(
        &self,
        statement: &PreparedStatement,
        values: impl SerializeRow,
    ) -> Result<(), StoreError> {
        let _permit = self.permit().await?;
        self.seen(self.session.execute_unpaged(statement, values).await).map(drop)
    }

    /// Runs one statement for each of `rows`, several at once.
    pub(super) async fn write_each(
        &self,
        statement: &PreparedStatement,
        rows: impl IntoIterator<Item = impl SerializeRow>,
    ) -> Result<(), StoreError> {
        self.each(rows, |row| self.write(statement, row)).await.map(drop)
    }

    /// Writes rows of one partition, given with their sizes in bytes, in as few requests as servers take.
    pub(super) async fn write_partition<R: SerializeRow>(
        &self,
        statement: &PreparedStatement,
        rows: Vec<(usize, R)>,
    ) -> Result<(), StoreError> {
        let mut batches: Vec<(usize, Vec<R>)> = Vec::new();
        for (bytes, row) in rows {
            match batches.last_mut() {
                Some((sum, rows)) if *sum + bytes <= BATCH_BYTES && rows.len() < BATCH_ROWS => {
                    *sum += bytes;
                    rows.push(row);
                }
                _ => batches.push((bytes, vec![row])),
            }
        }
        self.each(batches, |(_, rows)| self.write_together(statement, rows)).await.map(drop)
    }

    async fn write_together<R: SerializeRow>(
        &self,
        statement: &PreparedStatement,
        rows: Vec<R>,
    ) -> Result<(), StoreError> {
        if let [row] = rows.as_slice() {
            return self.write(statement, row).await;
        }
        let statements = vec![BatchStatement::PreparedStatement(statement.clone()); rows.len()];
        let mut batch = Batch::new_with_statements(BatchType::Unlogged, statements);
        batch.set_is_idempotent(true);
        let _permit = self.permit().await?;
        self.seen(self.session.batch(&batch, rows).await).map(drop)
    }

    /// Reads every row, page by page.
    pub(super) async fn rows<R>(
        &self,
        statement: &PreparedStatement,
        values: impl SerializeRow,
    ) -> Result<Vec<R>, StoreError>
    where
        R: for<'f, 'm> DeserializeRow<'f, 'm>,
    {
        let (mut all, mut from) = (Vec::new(), PagingState::start());
        loop {
            let _permit = self.permit().await?;
            let (result, next) = self.seen(self.session.execute_single_page(statement, &values, from).await)?;
            extend(&mut all, result)?;
            match next {
                PagingStateResponse::HasMorePages { state } => from = state,
                PagingStateResponse::NoMorePages => return Ok(all),
            }
        }
    }

    /// Answers `read` for each of `keys`, several at once, in their order.
    pub(super) async fn each<K, T, F>(
        &self,
        keys: impl IntoIterator<Item = K>,
        read: impl Fn(K) -> F,
    ) -> Result<Vec<T>, StoreError>
    where
        F: Future<Output = Result<T, StoreError>>,
    {
        let keys: Vec<K> = keys.into_iter().collect();
        let (mut all, mut working) = (Vec::with_capacity(keys.len()), FuturesOrdered::new());
        for key in keys {
            working.push_back(read(key));
            if working.len() >= AT_ONCE
                && let Some(done) = working.next().await
            {
                all.push(done?);
            }
        }
        while let Some(done) = working.next().await {
            all.push(done?);
        }
        Ok(all)
    }

    /// Runs a conditional statement; returns whether it was applied.
    pub(super) async fn compare_and_set(
        &self,
        statement: &PreparedStatement,
        values: impl SerializeRow,
    ) -> Result<bool, StoreError> {
        let _permit = self.permit().await?;
        let result = self.seen(self.session.execute_unpaged(statement, values).await)?;
        let rows = result.into_rows_result().map_err(unavailable)?;
        // One that is not applied answers with what stands: a row of another shape, whose first column is the same.
        let row = rows.first_row::<::scylla::value::Row>().map_err(unavailable)?;
        let applied = row.columns.into_iter().next().flatten().and_then(|value| value.as_boolean());
        Ok(applied == Some(true))
    }

    async fn permit(&self) -> Result<tokio::sync::SemaphorePermit<'_>, StoreError> {
        let permit = self.permits.acquire().await.map_err(unavailable)?;
        match &self.on_statement {
            Some(on_statement) if !on_statement() => Err(unavailable(Withheld)),
            _ => Ok(permit),
        }
    }

    fn seen<T>(&self, answer: Result<T, ExecutionError>) -> Result<T, StoreError> {
        answer.map_err(|error| {
            if matches!(error, ExecutionError::ConnectionPoolError(_) | ExecutionError::EmptyPlan) {
                self.lost.store(true, Ordering::Relaxed);
            }
            unavailable(error)
        })
    }
}

fn extend<R>(all: &mut Vec<R>, result: QueryResult) -> Result<(), StoreError>
where
    R: for<'f, 'm> DeserializeRow<'f, 'm>,
{
    let rows = result.into_rows_result().map_err(unavailable)?;
    for row in rows.rows::<R>().map_err(unavailable)? {
        all.push(row.map_err(unavailable)?);
    }
    Ok(())
}

/// A session to whatever is there; no keyspace need be.
pub(super) async fn session(options: &Options) -> Result<Session, StoreError> {
    let mut balancing = DefaultPolicy::builder().token_aware(true);
    if let Some(datacentre) = &options.datacentre {
        balancing = balancing.prefer_datacenter(datacentre.clone());
    }
    let profile = ExecutionProfile::builder()
        .consistency(Consistency::LocalQuorum)
        .serial_consistency(Some(SerialConsistency::LocalSerial))
        // Nothing here cuts it shorter: a request that is abandoned keeps its stream, and enough of them close the
        // connection.
        .request_timeout(Some(options.request_timeout))
        .load_balancing_policy(balancing.build())
        .build();
    let keyspace = &options.layout.keyspace;
    let mut builder = SessionBuilder::new()
        .known_nodes(&options.nodes)
        .default_execution_profile_handle(profile.into_handle())
        .keyspaces_to_fetch([keyspace.clone(), schema::decisions(keyspace)])
        .connection_timeout(CONNECT);
    if let Some((user, password)) = &options.login {
        builder = builder.user(user, password);
    }
    if let Some(authority) = &options.tls_authority {
        builder = encrypted(builder, authority)?;
    }
    // The driver waits for ever for a node that takes the connection and says nothing.
    let limit = options.request_timeout.max(CONNECT);
    timeout(limit, builder.build()).await.map_err(unavailable)?.map_err(unavailable)
}

#[cfg(feature = "scylla-tls")]
fn encrypted(builder: SessionBuilder, authority: &Path) -> Result<SessionBuilder, StoreError> {
    Ok(builder.tls_context(Some(super::tls::trusting(authority)?)))
}

/// Never without it where it is asked for.
#[cfg(not(feature = "scylla-tls"))]
fn encrypted(_: SessionBuilder, _: &Path) -> Result<SessionBuilder, StoreError> {
    Err(unavailable(std::io::Error::other("TLS is asked for, and this build has none (feature scylla-tls)")))
}

/// That the schema is there, and of the version this release knows.
async fn check_version(session: &Session, options: &Options) -> Result<(), StoreError> {
    let keyspace = &options.layout.keyspace;
    match applied_version(session, keyspace).await? {
        Some(schema::VERSION) => Ok(()),
        found => Err(unavailable(SchemaMissing { keyspace: keyspace.clone(), found })),
    }
}

/// The newest version that was applied; none where there is no schema.
pub(super) async fn applied_version(session: &Session, keyspace: &str) -> Result<Option<i32>, StoreError> {
    let tables = format!(
        "SELECT table_name FROM system_schema.tables WHERE keyspace_name = '{keyspace}' AND table_name = 'migrations'"
    );
    if Db::text(session, &tables).await?.is_none() {
        return Ok(None);
    }
    let versions = format!("SELECT version FROM {keyspace}.migrations WHERE one = 0");
    let result = session.query_unpaged(versions, ()).await.map_err(unavailable)?;
    let mut found = Vec::<(i32,)>::new();
    extend(&mut found, result)?;
    Ok(found.into_iter().map(|(version,)| version).max())
}

/// No schema, or another release's.
#[derive(Debug, thiserror::Error)]
#[error(
    "keyspace {keyspace} has schema {}, this release needs {}: referto schema apply",
    .found.map_or("none".to_owned(), |found| found.to_string()),
    schema::VERSION
)]
struct SchemaMissing {
    keyspace: String,
    found: Option<i32>,
}

/// A test's hook said so.
#[derive(Debug, thiserror::Error)]
#[error("the statement was not sent")]
struct Withheld;
