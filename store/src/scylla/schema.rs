//! The tables on ScyllaDB and Cassandra, and why each is as it is.
//!
//! Two keyspaces. Everything of the hot path is in the first, and is written by plain idempotent upserts alone. What
//! is written by compare-and-set is in the second, so that the first may live on ScyllaDB's tablets, and so that no
//! table ever sees both kinds of writes.
//!
//! What expires: uploads and all that is theirs, by one setting, longer than the journal keeps them, so that whatever
//! comes again finds what it left. Nothing else does: reports and what they are found by are for ever, an entry of a
//! work list that expired would be a person who is not told, and the rest is a few rows.
//!
//! No column is ever null where a later write could fill it: rows are won cell by cell. What is absent is a value of
//! its own (an empty text, the least number).

use super::server::{Flavour, Server};

/// The version of the schema; a store of another version is not used.
pub const VERSION: i32 = 2;

/// What the schema depends on besides the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// The keyspace; a second, `<keyspace>_decisions`, stands beside it.
    pub keyspace: String,
    /// Copies, for both keyspaces.
    pub replication: Replication,
    /// Days for which uploads and their items are kept, 0 for ever; what was written before a change keeps the days
    /// it was written with, and no timestamp depends on it. Reports are always kept.
    pub uploads_days: u32,
}

/// How many copies are kept where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Replication {
    /// This many in every datacentre.
    Everywhere(u32),
    /// By datacentre.
    Datacentres(Vec<(String, u32)>),
}

impl Replication {
    /// Reads `3`, or `dc1:3,dc2:3`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let copies = |text: &str| text.trim().parse().ok().filter(|copies| (1..=9).contains(copies));
        if let Some(copies) = copies(text) {
            return Some(Self::Everywhere(copies));
        }
        let datacentre = |part: &str| {
            let (name, count) = part.split_once(':')?;
            let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
            let name = Some(name.trim()).filter(|name| !name.is_empty() && name.chars().all(plain))?;
            Some((name.to_owned(), copies(count)?))
        };
        text.split(',').map(datacentre).collect::<Option<Vec<_>>>().map(Self::Datacentres)
    }

    fn cql(&self) -> String {
        let by = match self {
            Self::Everywhere(copies) => format!("'replication_factor': {copies}"),
            Self::Datacentres(all) => {
                all.iter().map(|(name, copies)| format!("'{name}': {copies}")).collect::<Vec<_>>().join(", ")
            }
        };
        format!("{{'class': 'NetworkTopologyStrategy', {by}}}")
    }
}

/// True for what may name a keyspace here: it stands unquoted in statements, with an ending of ours.
#[must_use]
pub fn is_keyspace(name: &str) -> bool {
    let letters = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    letters && name.len() <= 36 && name.starts_with(|first: char| first.is_ascii_lowercase())
}

/// A statement, and why it is as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// For who reads it.
    pub why: &'static str,
    /// Without its semicolon.
    pub cql: String,
}

/// How a table is written, which decides how its files are merged.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wear {
    /// Written once: merged seldom.
    Once,
    /// As `Once`, and mostly text of laboratories: compressed harder.
    Content,
    /// Few rows, written over and over: merged at once, so that a read meets one file.
    Over,
}

struct Table {
    name: &'static str,
    why: &'static str,
    columns: &'static [&'static str],
    key: &'static str,
    order: &'static str,
    wear: Wear,
    /// Of an upload: goes when uploads go.
    of_upload: bool,
}

const fn table(
    name: &'static str,
    wear: Wear,
    columns: &'static [&'static str],
    key: &'static str,
    why: &'static str,
) -> Table {
    Table { name, why, columns, key, order: "", wear, of_upload: false }
}

const fn of_upload(table: Table) -> Table {
    Table { of_upload: true, ..table }
}

const TABLES: &[Table] = &[
    table(
        "reports",
        Wear::Content,
        &[
            "lab text",
            "number text",
            "test text",
            "digest blob",
            "stated_issue bigint",
            "emitted blob STATIC",
            "received_at bigint",
            "at_partition int",
            "at_offset bigint",
            "at_item int",
            "day int",
            "status text",
            "result text",
            "person_code blob",
            "person_name blob",
            "reasons int",
            "listed boolean",
            "rehearsal boolean",
            "submission uuid",
            "content text",
        ],
        "((lab, number, test), digest, stated_issue)",
        "A report is a partition: all that decides about it is one read, and it never expires. A version is a row keyed by what it is, so the \
         same version again is the same row. What is current is never stored: it is folded from the rows when read, \
         and no late worker can leave an old answer. Times are microseconds; no stated issue is the least number.",
    ),
    table(
        "report_numbers",
        Wear::Once,
        &["lab text", "number text", "test text"],
        "((lab, number), test)",
        "Which tests share a laboratory's number: the API knows a report by its number alone.",
    ),
    table(
        "reports_of_day",
        Wear::Once,
        &[
            "lab text",
            "day int",
            "bucket tinyint",
            "at_partition int",
            "at_offset bigint",
            "at_item int",
            "number text",
            "test text",
        ],
        "((lab, day, bucket), at_partition, at_offset, at_item)",
        "Where a report first stood, by day of receipt. A day never changes once it is over. The bucket is the offset \
         modulo 4: a record's reports are neighbours, and a large laboratory's day is four partitions.",
    ),
    table(
        "reports_of_person",
        Wear::Once,
        &[
            "person blob",
            "received_at bigint",
            "at_partition int",
            "at_offset bigint",
            "at_item int",
            "lab text",
            "number text",
            "test text",
        ],
        "((person), received_at, at_partition, at_offset, at_item)",
        "The reports that have a version about a person, who is known by a keyed digest alone.",
    ),
    table(
        "persons_of_phone",
        Wear::Once,
        &["phone blob", "person blob"],
        "((phone), person)",
        "Who shares a phone, both known by keyed digests alone. Read with a limit, and not written beyond it: a phone \
         that is given for thousands is a partition of a few rows.",
    ),
    of_upload(table(
        "submissions",
        Wear::Once,
        &[
            "id uuid",
            "lab text",
            "day int",
            "received_at bigint",
            "format text",
            "received int",
            "accepted int",
            "rejected boolean",
            "chunks int",
            "names frozen<tuple<text, text, text>>",
            "at_partition int",
            "at_offset bigint",
        ],
        "(id)",
        "An upload's facts, those of its first record. Its three optional names (control id, file name, idempotency \
         key) are one cell: of two records, one wins them all.",
    )),
    Table {
        order: "CLUSTERING ORDER BY (at_partition DESC, at_offset DESC)",
        ..of_upload(table(
            "submissions_of_day",
            Wear::Once,
            &[
                "lab text",
                "day int",
                "bucket tinyint",
                "at_partition int",
                "at_offset bigint",
                "submission uuid",
                "names frozen<tuple<text, text, text>>",
            ],
            "((lab, day, bucket), at_partition, at_offset)",
            "Uploads by day of receipt, newest first, with the names that the API filters by.",
        ))
    },
    of_upload(table(
        "items",
        Wear::Once,
        &[
            "submission uuid",
            "bucket int",
            "item_index int",
            "outcome text",
            "line int",
            "at_partition int",
            "at_offset bigint",
            "faults text",
            "lab text",
            "number text",
            "test text",
            "digest blob",
            "stated_issue bigint",
        ],
        "((submission, bucket), item_index)",
        "The bucket is the index divided by 1,000: an upload of 100,000 items is no partition of 100,000 rows, and a \
         page of items is a slice. Report and version are there where the item was accepted.",
    )),
    of_upload(table(
        "held_items",
        Wear::Once,
        &["submission uuid", "item_index int", "lab text", "number text", "test text", "digest blob"],
        "((submission), item_index)",
        "Items that were once held: the few whose reports are looked at to tell how many of an upload still are.",
    )),
    of_upload(table(
        "repeats",
        Wear::Once,
        &["lab text", "number text", "test text", "digest blob", "submission uuid", "item_index int"],
        "((lab, number, test), digest, submission, item_index)",
        "Items that carried a version which was stored already: with the versions' own items, all that a hold concerns.",
    )),
    table(
        "work",
        Wear::Over,
        &[
            "list text",
            "day int",
            "bucket tinyint",
            "since bigint",
            "at_partition int",
            "at_offset bigint",
            "at_item int",
            "lab text",
            "number text",
            "test text",
            "open boolean",
        ],
        "((list, day, bucket), since, at_partition, at_offset, at_item)",
        "What waits for an operator: a list a reason, by the day since when, in four buckets. Entries are resolved, \
         never deleted: a queue that is deleted from is read through its tombstones. An entry is a candidate; who \
         reads it folds the report and resolves it where nothing holds any more. None expires: an open one is a person who was \
         not told, and those resolved lie in days that are closed and not read.",
    ),
    table(
        "work_days",
        Wear::Over,
        &["list text", "day int", "open boolean"],
        "((list), day)",
        "The days of a list that still have open entries: a short list, so old days cost nothing.",
    ),
    table(
        "places",
        Wear::Over,
        &["one tinyint", "journal text", "topic text", "at_partition int", "next bigint"],
        "((one), journal, topic, at_partition)",
        "Where each reader stands: the truth, on every journal. Its write timestamp is the offset, so it never goes \
         back. One partition, for all are read together.",
    ),
    table(
        "fences",
        Wear::Over,
        &["one tinyint", "at_partition int", "next bigint"],
        "((one), at_partition)",
        "The journal's ends when the store was created or restored; as places, they never go back.",
    ),
    table(
        "migrations",
        Wear::Over,
        &["one tinyint", "version int"],
        "((one), version)",
        "The versions of the schema that were applied.",
    ),
];

const DECISIONS: &[Table] = &[table(
    "labs",
    Wear::Over,
    &["one tinyint", "lab text", "revision bigint STATIC", "document text"],
    "((one), lab)",
    "A few hundred documents, written by compare-and-set alone. One partition, so that a document and the directory's \
     revision change together.",
)];

/// The name of the keyspace of what is written by compare-and-set.
#[must_use]
pub fn decisions(keyspace: &str) -> String {
    format!("{keyspace}_decisions")
}

/// Every statement that makes the schema, each to be run again at will. Options of tables that are there already are
/// set once more, so a changed retention needs nothing else.
#[must_use]
pub fn statements(server: &Server, layout: &Layout) -> Vec<Statement> {
    let (first, second) = (&layout.keyspace, &decisions(&layout.keyspace));
    let mut all = vec![keyspace(first, layout, "", "Facts, what is found by, work lists, places.")];
    all.extend(tables(server, layout, first, TABLES));
    let off = if server.has_tablets() { "\n    AND tablets = {'enabled': false}" } else { "" };
    all.push(keyspace(second, layout, off, "Decisions: compare-and-set, which most versions do not offer on tablets."));
    all.extend(tables(server, layout, second, DECISIONS));
    all
}

/// The schema as text, for who applies it by hand: the statements and the row that says that they were run.
#[must_use]
pub fn text(server: &Server, layout: &Layout) -> String {
    let mut text = format!("-- For {server}.\n");
    for Statement { why, cql } in statements(server, layout) {
        if !why.is_empty() {
            text += "\n";
        }
        let words: Vec<&str> = why.split_whitespace().collect();
        text.extend(filled(&words, " ", 117).map(|line| format!("-- {line}\n")));
        text += &format!("{cql};\n");
    }
    text + &format!("\n{};\n", applied(&layout.keyspace))
}

/// The statement that says that this version was applied.
pub(super) fn applied(keyspace: &str) -> String {
    format!("INSERT INTO {keyspace}.migrations (one, version) VALUES (0, {VERSION})")
}

fn keyspace(name: &str, layout: &Layout, more: &str, why: &'static str) -> Statement {
    let replication = layout.replication.cql();
    let cql = format!(
        "CREATE KEYSPACE IF NOT EXISTS {name}\n    WITH replication = {replication} AND durable_writes = true{more}"
    );
    Statement { why, cql }
}

fn tables<'a>(
    server: &'a Server,
    layout: &'a Layout,
    keyspace: &'a str,
    tables: &'a [Table],
) -> impl Iterator<Item = Statement> + 'a {
    tables.iter().flat_map(move |table| {
        let columns: String = filled(table.columns, ", ", 113).map(|line| format!("    {line},\n")).collect();
        let name = format!("{keyspace}.{}", table.name);
        let order = if table.order.is_empty() { String::new() } else { format!(" WITH {}", table.order) };
        let create = format!("CREATE TABLE IF NOT EXISTS {name} (\n{columns}    PRIMARY KEY {}\n){order}", table.key);
        let ttl = if table.of_upload { u64::from(layout.uploads_days) * 86_400 } else { 0 };
        let options = options(server.flavour, table.wear);
        let alter = format!("ALTER TABLE {name}\n    WITH {options} AND default_time_to_live = {ttl}");
        [Statement { why: table.why, cql: create }, Statement { why: "", cql: alter }]
    })
}

fn options(flavour: Flavour, wear: Wear) -> String {
    let compaction = match (flavour, wear) {
        // One strategy that is told how eagerly to merge.
        (Flavour::Cassandra, Wear::Over) => "{'class': 'UnifiedCompactionStrategy', 'scaling_parameters': 'L10'}",
        (Flavour::Cassandra, _) => "{'class': 'UnifiedCompactionStrategy', 'scaling_parameters': 'T4'}",
        // ScyllaDB has no unified strategy, and its incremental one is not in every release.
        (Flavour::ScyllaDb, Wear::Over) => "{'class': 'LeveledCompactionStrategy'}",
        (Flavour::ScyllaDb, _) => "{'class': 'SizeTieredCompactionStrategy'}",
    };
    let class = match flavour {
        Flavour::Cassandra => "class",
        Flavour::ScyllaDb => "sstable_compression",
    };
    let compressor = if wear == Wear::Content { "ZstdCompressor" } else { "LZ4Compressor" };
    format!("compaction = {compaction}\n    AND compression = {{'{class}': '{compressor}'}}")
}

/// The parts in lines of at most `width`.
fn filled(parts: &[&str], between: &str, width: usize) -> impl Iterator<Item = String> {
    let mut lines: Vec<String> = Vec::new();
    for part in parts {
        match lines.last_mut() {
            Some(line) if line.len() + between.len() + part.len() <= width => {
                line.push_str(between);
                line.push_str(part);
            }
            _ => lines.push((*part).to_owned()),
        }
    }
    lines.into_iter()
}
