//! Connections to `store.db`: made, checked and set up in one place.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, Transaction, TransactionBehavior, ffi};

use super::schema;

/// How long a writer waits for another process (`labs` beside `run`) to end its transaction.
pub(super) const BUSY: Duration = Duration::from_secs(5);

/// Pages that the writer keeps, in KiB: the inner pages of every index of some millions of reports.
const WRITER_CACHE_KIB: i64 = 32 << 10;

/// Pages that each reader keeps, in KiB.
const READER_CACHE_KIB: i64 = 4 << 10;

/// Why a store could not be opened.
#[derive(Debug, Clone, thiserror::Error)]
pub enum OpenError {
    /// No store there, and none was to be made.
    #[error("there is no store at {}", .0.display())]
    Missing(PathBuf),
    /// The file is something else; it was left as it is.
    #[error("{} is not a store", .0.display())]
    NotAStore(PathBuf),
    /// Written by a later release.
    #[error("the store at {} has tables of version {found}; this release knows up to {known}", path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// Its tables' version.
        found: i64,
        /// The version of this release.
        known: i64,
    },
    /// The disk, the rights or another process.
    #[error("the store at {} cannot be opened", path.display())]
    Failed {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: Arc<dyn std::error::Error + Send + Sync>,
    },
}

/// The write connection, with the store's name and whether its tables were made just now.
pub(super) struct Writable {
    pub(super) connection: Connection,
    pub(super) id: String,
    pub(super) created: bool,
}

/// Opens for writing; makes what is missing only where `create` says so.
pub(super) fn writable(path: &Path, create: bool) -> Result<Writable, OpenError> {
    if !create && !path.exists() {
        return Err(OpenError::Missing(path.to_owned()));
    }
    let made = if create { OpenFlags::SQLITE_OPEN_CREATE } else { OpenFlags::empty() };
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | made;
    let failed = |error| failed(path, error);
    let mut connection = Connection::open_with_flags(path, flags).map_err(failed)?;
    connection.busy_timeout(BUSY).map_err(failed)?;
    let created = match inspect(&connection, path)? {
        Some(found) if found.version < schema::VERSION => bring(&mut connection, path)?,
        Some(_) => false,
        None if create => make(&mut connection, path)?,
        None => return Err(OpenError::Missing(path.to_owned())),
    };
    set_up(&connection).map_err(failed)?;
    let found = inspect(&connection, path)?.ok_or_else(|| OpenError::NotAStore(path.to_owned()))?;
    Ok(Writable { connection, id: found.id, created })
}

/// Opens for reading what is there.
pub(super) fn readable(path: &Path) -> Result<Connection, OpenError> {
    if !path.exists() {
        return Err(OpenError::Missing(path.to_owned()));
    }
    let connection = read_connection(path).map_err(|error| failed(path, error))?;
    inspect(&connection, path)?.ok_or_else(|| OpenError::Missing(path.to_owned()))?;
    Ok(connection)
}

/// One connection of the readers' pool, on a store known to be one.
pub(super) fn read_connection(path: &Path) -> rusqlite::Result<Connection> {
    let connection =
        Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "cache_size", -READER_CACHE_KIB)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    Ok(connection)
}

/// The connection that checkpoints: it writes, but no rows.
pub(super) fn checkpoint_connection(path: &Path) -> rusqlite::Result<Connection> {
    let connection =
        Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    Ok(connection)
}

/// What a file holds.
struct Found {
    /// The store's name.
    id: String,
    /// Its tables'.
    version: i64,
}

/// What the file holds, of this release or an earlier one; none where it is empty.
fn inspect(connection: &Connection, path: &Path) -> Result<Option<Found>, OpenError> {
    let failed = |error| failed(path, error);
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(failed)?;
    if tables == 0 {
        return Ok(None);
    }
    let not_a_store = || OpenError::NotAStore(path.to_owned());
    let mut meta = connection.prepare("SELECT value FROM meta WHERE key = ?1").map_err(|_| not_a_store())?;
    let found: Option<i64> =
        meta.query_row(["schema-version"], |row| row.get(0)).optional().map_err(|_| not_a_store())?;
    let version = found.ok_or_else(not_a_store)?;
    if !(1..=schema::VERSION).contains(&version) {
        return Err(OpenError::Version { path: path.to_owned(), found: version, known: schema::VERSION });
    }
    let id = meta.query_row(["store-id"], |row| row.get(0)).map_err(failed)?;
    Ok(Some(Found { id, version }))
}

/// Makes the tables, unless another process was first; returns whether it did.
fn make(connection: &mut Connection, path: &Path) -> Result<bool, OpenError> {
    let failed = |error| failed(path, error);
    write_ahead(connection).map_err(failed)?;
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
    if inspect(&tx, path)?.is_some() {
        return Ok(false);
    }
    let fill = || {
        tx.execute_batch(schema::TABLES)?;
        tx.execute("INSERT INTO meta VALUES ('store-id', lower(hex(randomblob(16))))", [])?;
        tx.execute("INSERT INTO meta VALUES ('schema-version', 1), ('labs-revision', 0), ('syncs', 0)", [])?;
        step_up(&tx, 1)
    };
    fill().map_err(failed)?;
    // The default, `synchronous=FULL`, is in force until `set_up`: a created store is there for good.
    tx.commit().map_err(failed)?;
    Ok(true)
}

/// Brings an earlier release's store to this one's tables, all steps or none; a process of that release goes on beside
/// it, for steps only add. False: it was made before.
fn bring(connection: &mut Connection, path: &Path) -> Result<bool, OpenError> {
    let failed = |error| failed(path, error);
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
    // Unless another process was first.
    if let Some(found) = inspect(&tx, path)? {
        step_up(&tx, found.version).map_err(failed)?;
    }
    tx.commit().map_err(failed)?;
    Ok(false)
}

fn step_up(tx: &Transaction<'_>, version: i64) -> rusqlite::Result<()> {
    for (step, _) in schema::STEPS.iter().zip(1..).filter(|(_, from)| *from >= version) {
        tx.execute_batch(step)?;
    }
    tx.execute("UPDATE meta SET value = ?1 WHERE key = 'schema-version'", [schema::VERSION]).map(drop)
}

fn set_up(connection: &Connection) -> rusqlite::Result<()> {
    write_ahead(connection)?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    connection.pragma_update(None, "cache_size", -WRITER_CACHE_KIB)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(())
}

/// Readers beside the writer, and all that is said of durability here, rest on the write-ahead log.
fn write_ahead(connection: &Connection) -> rusqlite::Result<()> {
    let mode: String = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
    if mode == "wal" {
        return Ok(());
    }
    let why = format!("the file system allows no write-ahead log (journal mode {mode})");
    Err(rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_CANTOPEN), Some(why)))
}

/// What an error of SQLite means to who opens.
pub(super) fn failed(path: &Path, error: rusqlite::Error) -> OpenError {
    if error.sqlite_error_code() == Some(ErrorCode::NotADatabase) {
        return OpenError::NotAStore(path.to_owned());
    }
    OpenError::Failed { path: path.to_owned(), source: Arc::new(error) }
}
