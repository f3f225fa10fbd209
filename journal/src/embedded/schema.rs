//! The file: how it is opened, made and recognised, and the statements on its tables.

use std::{
    io,
    path::{Path, PathBuf},
    thread::{self, JoinHandle},
    time::Duration,
};

use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, Transaction, TransactionBehavior};

use crate::Topic;

/// The shape of the tables; rises when they change.
const SCHEMA: i64 = 1;

/// How long a statement waits for another process's lock. Readers hold theirs for less than 1 s.
const BUSY: Duration = Duration::from_secs(2);

/// Why a journal could not be opened, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// There is none, and it was to be read only.
    #[error("there is no journal at {}: start the service once, or name the right data folder", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// The file is something else.
    #[error("{} is not a journal: move it away, or name another data folder", path.display())]
    NotAJournal {
        /// The file.
        path: PathBuf,
    },
    /// The file is damaged.
    #[error("{} is damaged: keep a copy of the folder, check the disk, then restore a backup", path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What SQLite found.
        #[source]
        source: rusqlite::Error,
    },
    /// A later version made it.
    #[error("{} has schema {found}, this version knows up to {SCHEMA}: run the newer version", path.display())]
    NewerSchema {
        /// The file.
        path: PathBuf,
        /// Its schema.
        found: i64,
    },
    /// The file system or another process stands in the way.
    #[error("cannot open {}: check that its folder exists, may be written, has room and is a local disk", path.display())]
    Cannot {
        /// The file.
        path: PathBuf,
        /// What stands in the way.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// The statements on one topic's table.
pub(super) struct Statements {
    pub(super) insert: &'static str,
    pub(super) read: &'static str,
    pub(super) ends: &'static str,
    pub(super) oldest: &'static str,
    pub(super) delete: &'static str,
    create: &'static str,
}

// AUTOINCREMENT, so that an offset is never given twice. The time stands before the value: telling a record's age
// does not read it. The key is not indexed: nothing asks by it.
macro_rules! statements {
    ($table:literal) => {
        Statements {
            insert: concat!("INSERT INTO ", $table, " (at, key, headers, value) VALUES (?1, ?2, ?3, ?4)"),
            read: concat!(
                "SELECT offset, at, key, headers, value FROM ",
                $table,
                " WHERE offset >= ?1 ORDER BY offset LIMIT ?2"
            ),
            ends: concat!(
                "SELECT (SELECT min(offset) FROM ",
                $table,
                "), (SELECT seq FROM sqlite_sequence WHERE name = '",
                $table,
                "')"
            ),
            oldest: concat!("SELECT offset, at, length(value) FROM ", $table, " ORDER BY offset LIMIT ?1"),
            delete: concat!("DELETE FROM ", $table, " WHERE offset <= ?1"),
            create: concat!(
                "CREATE TABLE IF NOT EXISTS ",
                $table,
                " (offset INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, key BLOB NOT NULL, \
                 headers BLOB NOT NULL, value BLOB NOT NULL)"
            ),
        }
    };
}

/// The statements on a topic's table.
pub(super) fn statements(topic: Topic) -> &'static Statements {
    static UPLOADS: Statements = statements!("uploads");
    static NOTIFICATIONS: Statements = statements!("notifications");
    static DEAD_LETTERS: Statements = statements!("dead_letters");
    match topic {
        Topic::Uploads => &UPLOADS,
        Topic::Notifications => &NOTIFICATIONS,
        Topic::DeadLetters => &DEAD_LETTERS,
    }
}

/// The connection that writes, and the journal's id; makes the tables where the file has none.
pub(super) fn open_writer(path: &Path, wal_limit_bytes: u64) -> Result<(Connection, String), OpenError> {
    let create = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
    let mut conn = connect(path, create).map_err(|error| explain(path, error))?;
    if is_empty(&conn).map_err(|error| explain(path, error))? {
        let id = random_id().map_err(|error| cannot(path, error))?;
        set_up(&conn, path, wal_limit_bytes)?;
        make(&mut conn, &id).map_err(|error| explain(path, error))?;
    }
    let id = recognise(&conn, path)?;
    set_up(&conn, path, wal_limit_bytes)?;
    Ok((conn, id))
}

/// A connection that reads, and the journal's id.
pub(super) fn open_reader(path: &Path) -> Result<(Connection, String), OpenError> {
    if !path.exists() {
        return Err(OpenError::Missing { path: path.to_owned() });
    }
    let conn = reader(path).map_err(|error| explain(path, error))?;
    let id = recognise(&conn, path)?;
    Ok((conn, id))
}

/// A connection that reads a journal known to be one.
pub(super) fn reader(path: &Path) -> rusqlite::Result<Connection> {
    connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)
}

/// A connection that only empties the write-ahead log.
pub(super) fn checkpointer(path: &Path) -> Result<Connection, OpenError> {
    let open = || {
        let conn = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        conn.pragma_update(None, "synchronous", "FULL")?;
        Ok(conn)
    };
    open().map_err(|error| explain(path, error))
}

/// Starts a named thread.
pub(super) fn spawn(
    path: &Path,
    name: &str,
    work: impl FnOnce() + Send + 'static,
) -> Result<JoinHandle<()>, OpenError> {
    thread::Builder::new().name(name.to_owned()).spawn(work).map_err(|error| cannot(path, error))
}

/// An error while opening, as one says what to do.
pub(super) fn explain(path: &Path, source: rusqlite::Error) -> OpenError {
    let path = path.to_owned();
    match source.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => OpenError::NotAJournal { path },
        Some(ErrorCode::DatabaseCorrupt) => OpenError::Corrupt { path, source },
        _ => OpenError::Cannot { path, source: source.into() },
    }
}

fn cannot(path: &Path, source: impl std::error::Error + Send + Sync + 'static) -> OpenError {
    OpenError::Cannot { path: path.to_owned(), source: source.into() }
}

fn connect(path: &Path, flags: OpenFlags) -> rusqlite::Result<Connection> {
    // Each connection is used by one thread at a time: SQLite's own lock on it would only cost.
    let conn = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    conn.busy_timeout(BUSY)?;
    conn.set_prepared_statement_cache_capacity(32);
    Ok(conn)
}

/// The settings of the writing connection: each commit is fsynced, and none stops to empty the log.
fn set_up(conn: &Connection, path: &Path, wal_limit_bytes: u64) -> Result<(), OpenError> {
    let set = || {
        let mode: String = conn.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0))?;
        conn.pragma_update(None, "synchronous", "FULL")?;
        conn.pragma_update_and_check(None, "wal_autocheckpoint", 0, |_| Ok(()))?;
        let limit = i64::try_from(wal_limit_bytes).unwrap_or(i64::MAX);
        conn.pragma_update_and_check(None, "journal_size_limit", limit, |_| Ok(()))?;
        Ok(mode)
    };
    match set().map_err(|error| explain(path, error))?.as_str() {
        "wal" => Ok(()),
        _ => Err(cannot(path, io::Error::other("this file system cannot hold a write-ahead log"))),
    }
}

fn is_empty(conn: &Connection) -> rusqlite::Result<bool> {
    conn.query_row("SELECT NOT EXISTS (SELECT 1 FROM sqlite_schema)", [], |row| row.get(0))
}

/// Makes all tables in one transaction: a crash leaves an empty file or a whole journal.
fn make(conn: &mut Connection, id: &str) -> rusqlite::Result<()> {
    let transaction = Transaction::new(conn, TransactionBehavior::Immediate)?;
    transaction.execute_batch(
        "CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;
         CREATE TABLE IF NOT EXISTS mirror (topic TEXT NOT NULL, partition INTEGER NOT NULL, next INTEGER NOT NULL,
            PRIMARY KEY (topic, partition)) WITHOUT ROWID;",
    )?;
    for topic in Topic::ALL {
        transaction.execute_batch(statements(topic).create)?;
    }
    transaction.execute("INSERT OR IGNORE INTO meta VALUES ('schema', ?1), ('id', ?2)", (SCHEMA, id))?;
    transaction.commit()
}

/// The journal's id, once it is sure that the file is a journal of this schema.
fn recognise(conn: &Connection, path: &Path) -> Result<String, OpenError> {
    let not_a_journal = || OpenError::NotAJournal { path: path.to_owned() };
    let named = "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'meta')";
    let has_meta: bool = conn.query_row(named, [], |row| row.get(0)).map_err(|error| explain(path, error))?;
    if !has_meta {
        return Err(not_a_journal());
    }
    let schema: Option<i64> = conn
        .query_row("SELECT value FROM meta WHERE name = 'schema'", [], |row| row.get(0))
        .optional()
        .map_err(|error| explain(path, error))?;
    match schema {
        Some(SCHEMA) => conn
            .query_row("SELECT value FROM meta WHERE name = 'id'", [], |row| row.get(0))
            .map_err(|error| explain(path, error)),
        Some(found) if found > SCHEMA => Err(OpenError::NewerSchema { path: path.to_owned(), found }),
        _ => Err(not_a_journal()),
    }
}

fn random_id() -> io::Result<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| io::Error::other(error.to_string()))?;
    Ok(uuid::Builder::from_random_bytes(bytes).into_uuid().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commits_are_fsynced_and_never_stop_to_empty_the_log() {
        let folder = tempfile::tempdir().unwrap();
        let (conn, _) = open_writer(&folder.path().join("journal.db"), 1024).unwrap();
        for (pragma, expected) in [("journal_mode", "wal"), ("synchronous", "2"), ("wal_autocheckpoint", "0")] {
            let got: rusqlite::types::Value = conn.pragma_query_value(None, pragma, |row| row.get(0)).unwrap();
            let got = match got {
                rusqlite::types::Value::Integer(number) => number.to_string(),
                other => format!("{other:?}").replace("Text(\"", "").replace("\")", ""),
            };
            assert_eq!(got, expected, "{pragma}");
        }
    }
}
