//! Bringing a server's schema to what this release needs; to be run again at will.

use std::time::Duration;

use ::scylla::client::session::Session;

use super::{
    Options, schema,
    server::{self, Server},
    session::{self, unavailable},
};
use crate::StoreError;

/// How long one change of the schema may take: servers agree on it, and write out what a dropped table had.
const LIMIT: Duration = Duration::from_secs(60);

/// A session that has the patience for it.
async fn session(options: &Options) -> Result<Session, StoreError> {
    session::session(&Options { request_timeout: options.request_timeout.max(LIMIT), ..options.clone() }).await
}

/// What [`apply`] found and did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// The server.
    pub server: Server,
    /// True where there was no schema before.
    pub created: bool,
}

/// A server that is too old, or a schema that a later release made.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error("{0} is not served: Apache Cassandra from 5.0, ScyllaDB from 5.4")]
    Server(Server),
    #[error("the schema is of version {found}, which a later release made; this one knows {known}")]
    Later { found: i32, known: i32 },
}

/// Which server is there.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn detect(options: &Options) -> Result<Server, StoreError> {
    server::detect(&session::session(options).await?).await
}

/// Makes what is missing and sets what may change; needs the right to create.
///
/// # Errors
/// [`StoreError::Unavailable`]: run it again.
pub async fn apply(options: &Options) -> Result<Applied, StoreError> {
    let session = session(options).await?;
    let server = server::detect(&session).await?;
    if !server.is_served() {
        return Err(unavailable(Refused::Server(server)));
    }
    let keyspace = &options.layout.keyspace;
    let found = session::applied_version(&session, keyspace).await?;
    if let Some(found) = found.filter(|found| *found > schema::VERSION) {
        return Err(unavailable(Refused::Later { found, known: schema::VERSION }));
    }
    for statement in schema::statements(&server, &options.layout) {
        session.query_unpaged(statement.cql, ()).await.map_err(unavailable)?;
    }
    session.query_unpaged(schema::applied(keyspace), ()).await.map_err(unavailable)?;
    Ok(Applied { server, created: found.is_none() })
}

/// Removes both keyspaces with all that is in them: for demos and tests, which make their own.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn discard(options: &Options) -> Result<(), StoreError> {
    let session = session(options).await?;
    let first = &options.layout.keyspace;
    for keyspace in [first.clone(), schema::decisions(first)] {
        session.query_unpaged(format!("DROP KEYSPACE IF EXISTS {keyspace}"), ()).await.map_err(unavailable)?;
    }
    Ok(())
}
