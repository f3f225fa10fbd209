//! The tables of `store.db`, and why each is as it is.
//!
//! Wide rows are in rowid tables: clustering them by a text key (WITHOUT ROWID) measured three times slower. Keys that
//! rise with time are appended to the end of their tree; what is by a digest says why it must be.

/// The version of the tables; a store of a later version is refused, an earlier one is brought to this.
pub(super) const VERSION: i64 = 2;

/// What brings a store of version 1, 2 and so on to the next. A new store is made of [`TABLES`], then of these.
pub(super) const STEPS: [&str; (VERSION - 1) as usize] = [PHONES];

/// A store of version 1.
pub(super) const TABLES: &str = "
-- Facts of the file itself: schema version, the store's name, the directory's revision, the counter that a sync writes.
CREATE TABLE meta (
    key   TEXT NOT NULL PRIMARY KEY,
    value ANY NOT NULL
) STRICT;

-- A few hundred rows, read whole by every node: the document is JSON that only `access` understands.
CREATE TABLE labs (
    lab      TEXT NOT NULL PRIMARY KEY,
    document TEXT NOT NULL
) STRICT;

-- In this file, so that a place and the rows before it are committed, and lost, together.
CREATE TABLE places (
    journal   TEXT NOT NULL,
    topic     TEXT NOT NULL,
    partition INTEGER NOT NULL,
    next      INTEGER NOT NULL,
    PRIMARY KEY (journal, topic, partition)
) STRICT;

-- The ends of the journal when the store was restored: what stood before them tells nobody by itself.
CREATE TABLE fences (
    partition INTEGER PRIMARY KEY,
    next      INTEGER NOT NULL
) STRICT;

-- sid rises in the order of first admission: 'newest first' is its descent. The id is a digest of the content, so
-- its index takes random inserts; one an upload, and clients know an upload by nothing else.
CREATE TABLE submissions (
    sid             INTEGER PRIMARY KEY,
    id              BLOB NOT NULL UNIQUE,
    lab             TEXT NOT NULL,
    day             INTEGER NOT NULL,
    received_at     INTEGER NOT NULL,
    format          TEXT NOT NULL,
    received        INTEGER NOT NULL,
    accepted        INTEGER NOT NULL,
    rejected        INTEGER NOT NULL,
    chunks          INTEGER NOT NULL,
    control_id      TEXT,
    file_name       TEXT,
    idempotency_key TEXT
) STRICT;
-- Every index entry ends with its row's key: this one also gives the order within the day.
CREATE INDEX submissions_day ON submissions (lab, day);

-- iid is sid << 24 | index: an upload's items lie together in their order, at the end of the tree, without an index.
-- vid is null where nothing was stored (refused, dead letter).
CREATE TABLE items (
    iid       INTEGER PRIMARY KEY,
    outcome   TEXT NOT NULL,
    line      INTEGER NOT NULL,
    partition INTEGER NOT NULL,
    offset    INTEGER NOT NULL,
    vid       INTEGER,
    faults    TEXT
) STRICT;

-- One row an identity, with the fold of its versions: the only rows of a report that ever change. rid rises in the
-- order of first receipt, and a laboratory's numbers mostly rise with it.
CREATE TABLE reports (
    rid       INTEGER PRIMARY KEY,
    lab       TEXT NOT NULL,
    number    TEXT NOT NULL,
    test      TEXT NOT NULL,
    day       INTEGER NOT NULL,
    current   INTEGER NOT NULL,
    issued_at INTEGER NOT NULL,
    notice    TEXT NOT NULL,
    reasons   INTEGER NOT NULL,
    since     INTEGER,
    emitted   BLOB,
    UNIQUE (lab, number, test)
) STRICT;
CREATE INDEX reports_day ON reports (lab, day);
-- The work lists: as large as what waits, not as what is stored; counted and filtered without touching the table.
CREATE INDEX reports_held ON reports (since, rid, reasons) WHERE notice = 'held';

-- vid is rid << 24 | ordinal: a report's versions lie together without an index. One writer holds the lock while it
-- looks and inserts, so no unique index on digests is needed. Content stands last: facts are read without its pages.
CREATE TABLE versions (
    vid          INTEGER PRIMARY KEY,
    digest       BLOB NOT NULL,
    stated_issue INTEGER,
    received_at  INTEGER NOT NULL,
    partition    INTEGER NOT NULL,
    offset       INTEGER NOT NULL,
    item         INTEGER NOT NULL,
    status       TEXT NOT NULL,
    result       TEXT,
    person_code  BLOB,
    person_name  BLOB,
    reasons      INTEGER NOT NULL,
    listed       INTEGER NOT NULL,
    rehearsal    INTEGER NOT NULL,
    sid          INTEGER NOT NULL,
    content      TEXT NOT NULL
) STRICT;
-- A person is known by a keyed digest alone, for no code may stand in a key; so this index takes random inserts.
CREATE INDEX versions_person ON versions (person_code) WHERE person_code IS NOT NULL;
";

/// Reports of before this step count with none of their phones.
const PHONES: &str = "
-- Which persons share a phone, a few at most: two keyed digests and nothing else, so the rows may be clustered by
-- them. A phone is known by a keyed digest alone, so this takes random inserts.
CREATE TABLE persons_of_phone (
    phone  BLOB NOT NULL,
    person BLOB NOT NULL,
    PRIMARY KEY (phone, person)
) STRICT, WITHOUT ROWID;
";
