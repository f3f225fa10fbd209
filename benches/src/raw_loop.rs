//! The floor of storing: SQLite alone, one loop, the same rows in the same tables with the same indexes.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use rusqlite::{Connection, OpenFlags, params_from_iter, types::Value};
use tempfile::TempDir;

/// A file of ours, and how it is written.
#[derive(Debug, Clone, Copy)]
pub struct File {
    /// Its name.
    pub name: &'static str,
    /// Its durability, as ours has it.
    pub synchronous: &'static str,
    /// The table by which transactions are counted.
    pub table: &'static str,
    /// Rows of that table in one transaction; of every other as large a part.
    pub rows: usize,
}

/// The journal: a transaction holds the chunks of one upload, with as many of the tasks, and is fsynced.
pub const JOURNAL: File = File { name: "journal.db", synchronous: "FULL", table: "uploads", rows: 4 };
/// The store: a transaction holds the items of one upload.
pub const STORE: File = File { name: "store.db", synchronous: "NORMAL", table: "items", rows: 1_000 };

struct Table {
    name: String,
    insert: String,
    rows: Vec<Vec<Value>>,
}

/// Writes what `folder` holds, journal and store, again into fresh files beside them; returns how long the writing
/// took.
///
/// # Errors
/// Those of [`write_file_again`].
pub fn write_again(folder: &TempDir) -> anyhow::Result<Duration> {
    [JOURNAL, STORE].into_iter().map(|file| write_file_again(folder.path(), file)).sum()
}

/// Writes one file of `folder` again; returns how long the writing took.
///
/// # Errors
/// SQLite's.
pub fn write_file_again(folder: &Path, file: File) -> anyhow::Result<Duration> {
    let File { name, synchronous, table, rows } = file;
    let from = Connection::open_with_flags(folder.join(name), OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let mut to = Connection::open(folder.join(format!("again-{name}")))?;
    to.pragma_update(None, "journal_mode", "WAL")?;
    to.pragma_update(None, "synchronous", synchronous)?;
    // As generous as ours: 32 MiB of pages, a checkpoint every 64 MiB.
    to.pragma_update(None, "cache_size", -32_768)?;
    to.pragma_update(None, "wal_autocheckpoint", 16_384)?;
    let schema = "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'";
    for sql in from.prepare(schema)?.query_map([], |row| row.get::<_, String>(0))? {
        to.execute_batch(&sql?)?;
    }
    let tables = read(&from)?;
    let counted = tables.iter().find(|have| have.name == table).with_context(|| format!("{name} has no {table}"))?;
    let transactions = counted.rows.len().div_ceil(rows).max(1);
    let begin = Instant::now();
    for n in 0..transactions {
        let transaction = to.transaction()?;
        for table in &tables {
            let part = |n: usize| table.rows.len() * n / transactions;
            let mut insert = transaction.prepare_cached(&table.insert)?;
            for row in table.rows.get(part(n)..part(n + 1)).context("a part of the rows")? {
                insert.execute(params_from_iter(row))?;
            }
        }
        transaction.commit()?;
    }
    Ok(begin.elapsed())
}

fn read(from: &Connection) -> anyhow::Result<Vec<Table>> {
    let names = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY rowid";
    let names = from.prepare(names)?.query_map([], |row| row.get::<_, String>(0))?.collect::<Result<Vec<_>, _>>()?;
    let table = |name: String| {
        let mut select = from.prepare(&format!("SELECT * FROM {name}"))?;
        let columns = select.column_count();
        let rows = select.query_map([], |row| (0..columns).map(|column| row.get(column)).collect())?;
        let rows = rows.collect::<Result<Vec<Vec<Value>>, _>>()?;
        let marks = vec!["?"; columns].join(",");
        Ok(Table { insert: format!("INSERT INTO {name} VALUES ({marks})"), name, rows })
    };
    names.into_iter().map(table).collect()
}
